#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nodulus/core/condition.h"

namespace nodulus::data {

/// What a label column means.
struct Label {
  std::string name;
  /// "category" (one of `values`), "rating" (a number on the scale of `values`; means and medians lie in between),
  /// "number" or "text".
  std::string type;
  std::string meaning;                              ///< One line; the unit where there is one.
  std::vector<std::pair<int, std::string>> values;  ///< Of a category or rating: number and published name.
  LabelWords words = {};                            ///< What people call some of the values together.
  bool operator==(const Label&) const = default;
};

/// The nine LIDC characteristics, in the order of the XML, with the category names of McNitt-Gray et al. 2007 ("The
/// LIDC data collection process for nodule detection and annotation", Acad. Radiol. 14, table 1), as ratings.
const std::vector<Label>& lidc_characteristics();

/// Where images came from, as a data set must say it.
struct Source {
  std::string name;
  std::string licence;
  std::string citation;
  std::string url;
  bool operator==(const Source&) const = default;
};

/// True for "LIDC-IDRI-" and four digits.
bool is_lidc_patient(const std::string& patient);
/// LIDC-IDRI with its licence and the citation that it asks for.
Source lidc_source();

}  // namespace nodulus::data
