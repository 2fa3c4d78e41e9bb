#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nodulus/core/monitor.h"
#include "nodulus/data/dataset.h"

namespace nodulus::study {

/// The label that says which contribution an image is of.
inline constexpr std::string_view source_label = "source";

/// A data set that is added, and what its user calls it: the folder may have been made on the way.
struct Added {
  std::filesystem::path folder;
  std::string name;
};

struct ContributeOptions {
  std::filesystem::path dataset;
  std::vector<Added> added;   ///< Together they are one contribution.
  std::filesystem::path out;  ///< May be `dataset` itself, with force.
  bool force = false;
  data::Source source;  ///< Name and licence are not empty.
  /// What patients of one name in both are: "same" people, "other" ones (theirs becomes NAME/patient); "": refused.
  std::string patients;
  double alike = 0.98;  ///< Correlation from which an image counts as one that is there already.
  int threads = 1;
};

struct ContributeResult {
  data::Counts added;
  std::map<std::string, int> rejects;  ///< Of the new images, by reason.
  data::DatasetInfo info;              ///< Of the data set that was written.
  std::vector<std::string> new_labels;
  std::vector<std::string> new_values;  ///< "kind: cyst".
};

/// Throws Error{usage} where a contribution has no name or no licence.
void require_source(const data::Source& source);

/// A data set and images from another source as one: those that it has keep their places and splits, the new ones come
/// after. The label `source` says which is whose, dataset.json whose licence and what it has grown from.
///
/// Each new image is checked, and rejected by reason: "duplicate" (like one that is there, as find_duplicates() has it,
/// whoever's it is said to be), "flat" (of one value), "label off its scale". A label of the same name must be of the
/// same type, and a rating on the same scale; a category's new values are added, and so are new labels, which are
/// unknown of the others. A new patient's split follows from the rule of the data set, a known one's stays. Larger
/// images are cut about their centre.
///
/// Error{usage}: generated images; and nothing that is not said is guessed: a name that is taken, patients of one name
/// without `patients`. Error{bad_input}: smaller images, another pixel size or content, no outlines where the data set
/// has some, grey levels in place of HU, labels that do not go together, or nothing that is left. Error{stopped}.
ContributeResult contribute(const ContributeOptions& options, Monitor& monitor);

}  // namespace nodulus::study
