#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nodulus {

/// One input that could not be used. A value, not an exception: the run goes on, counts it and lists it.
struct Reject {
  std::string where;   ///< File, archive entry, series or mark.
  std::string reason;  ///< A short fixed phrase that rejects are counted by: "not DICOM", "no pixel data".
  std::string detail;  ///< What was expected and what was found, for this one.
};

/// How many rejects there are of each reason.
inline std::map<std::string, int> count_by_reason(const std::vector<Reject>& rejects) {
  std::map<std::string, int> counts;
  for (const Reject& reject : rejects) ++counts[reject.reason];
  return counts;
}

/// "3 not DICOM, 1 truncated"; "" where there is nothing to list.
inline std::string reasons_text(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [reason, count] : counts) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
  return text;
}

/// "1 nodule", "2 nodules".
inline std::string counted(std::int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace nodulus
