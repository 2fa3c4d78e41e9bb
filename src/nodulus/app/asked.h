#pragma once

#include <torch/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nodulus/core/condition_request.h"
#include "nodulus/core/options.h"

namespace nodulus::app {

/// For items.csv: "malignancy=5; diameter_mm=8.312"; "" where nothing is known.
std::string condition_text(const ConditionSchema& schema, const Condition& condition);

/// What kind of images generate is asked for: an option for each label that the model knows.
class Asked {
 public:
  /// Looks for the model among the words: what it can be asked for decides which options there are.
  void describe(Options& options, const std::vector<std::string>& words);
  /// Reads what was given. Throws Error{usage} for what the model does not know. What is asked for by itself stands
  /// before what --like draws.
  void prepare();
  /// What the data had of what is asked for, a line a label where that is little or nothing.
  [[nodiscard]] std::vector<std::string> cautions() const;

  /// --like was given.
  [[nodiscard]] bool likens() const { return !like_.empty(); }
  /// The model's label `at` was asked for by itself.
  [[nodiscard]] bool asks_for(std::size_t at) const { return !given_[at].empty(); }
  /// Nothing is asked for.
  [[nodiscard]] bool empty() const;
  /// Of an image, by its seed.
  [[nodiscard]] Condition of(std::uint64_t seed) const;
  /// As networks see it, [seeds.size(), D]; undefined where nothing is asked for.
  [[nodiscard]] torch::Tensor rows(std::span<const std::uint64_t> seeds) const;
  /// condition_text() of an image.
  [[nodiscard]] std::string text(std::uint64_t seed) const;

 private:
  void read_like();

  ConditionSchema schema_;
  std::filesystem::path like_;
  std::vector<Condition> known_;                // of the images that --like draws from
  std::deque<std::vector<std::string>> given_;  // a deque: options hold references
  std::vector<std::vector<ConditionRange>> ranges_;
};

}  // namespace nodulus::app
