#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nodulus::archive {

/// A series as an archive tells of it. What it does not tell is empty, or -1.
struct RemoteSeries {
  std::string series_uid;
  std::string study_uid;
  std::string patient_id;
  std::string collection;
  std::string modality;
  std::string description;
  std::string licence;
  std::string licence_uri;
  bool annotated = false;  ///< Something is filed with it beside its objects.
  std::int64_t files = -1;
  std::int64_t bytes = -1;  ///< Of its objects, unpacked.
};

/// Which patients of a collection: a range of numbers, names, or all.
class PatientChoice {
 public:
  PatientChoice() = default;
  /// Words such as "1..200" or "7" (by the number that a PatientID ends with) or a PatientID itself; with
  /// `numbers_are_ids` "7" is one too, as in a hospital. Error{usage} for a range that is none.
  explicit PatientChoice(const std::vector<std::string>& words, bool numbers_are_ids = false);
  [[nodiscard]] bool all() const { return ranges_.empty() && names_.empty(); }
  [[nodiscard]] bool has(const std::string& patient_id) const;
  /// The PatientIDs, where there are these alone: what a server can be asked for.
  [[nodiscard]] const std::vector<std::string>* names_alone() const {
    return ranges_.empty() && !names_.empty() ? &names_ : nullptr;
  }

 private:
  struct Range {
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  std::vector<Range> ranges_;
  std::vector<std::string> names_;
};

/// True for what PS3.5 9.1 calls a UID: up to 64 digits and dots, no empty component. Only such a text becomes a part
/// of a path or an address.
bool is_uid(std::string_view text);

/// `text` as the name of a file: letters, digits, '-', '_' and '.', none at the beginning; others become '_'. At most
/// 100 characters; "_" where nothing is left.
std::string file_name_of(std::string_view text);

}  // namespace nodulus::archive
