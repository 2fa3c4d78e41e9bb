#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/error.h"
#include "nodulus/core/options.h"
#include "nodulus/data/split.h"

namespace nodulus::app {

/// Throws Error{usage} saying what belongs there, where --out was not given.
inline void require_out(const std::filesystem::path& out, std::string_view what) {
  if (out.empty()) throw Error(ErrorCode::usage, "expected --out, " + std::string(what));
}

/// --split.train and --split.val of the commands that make data sets.
inline void describe_split(Options& options, data::SplitRule& split) {
  options.add("split.train", split.train, "share of patients to train on").between(0, 1);
  options.add("split.val", split.val, "share of patients to choose by").between(0, 1);
}

/// --window-hu LO,HI as every command that has it reads it.
class WindowOption {
 public:
  void describe(Options& options, const std::string& prefix = "") {
    options.add(prefix + "window_hu", values_, "HU from black to white, and of a model's -1 to 1")
        .between(-32768, 32767);
  }
  /// For a command that has another window of its own: none, until the user gives one.
  void clear() { values_.clear(); }
  [[nodiscard]] bool given() const { return !values_.empty(); }
  /// Throws Error{usage} unless there are two values, the smaller first.
  [[nodiscard]] WindowHu window() const {
    if (values_.size() != 2 || values_[0] >= values_[1])
      throw Error(ErrorCode::usage, "--window-hu: expected two values, the smaller first, such as -1000,400");
    return {values_[0], values_[1]};
  }

 private:
  std::vector<double> values_{WindowHu{}.lo, WindowHu{}.hi};
};

}  // namespace nodulus::app
