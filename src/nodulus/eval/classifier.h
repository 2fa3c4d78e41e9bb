#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace nodulus::eval {

/// Multinomial logistic regression on standardised features, all classes with the same weight however many examples
/// each has, with an L2 penalty chosen by cross-validation over patients. Deterministic.
class Classifier {
 public:
  /// features [N, D], classes [N] of 0 to count - 1, groups: images of one patient are never on both sides of a fold.
  Classifier(const torch::Tensor& features, const std::vector<std::int64_t>& classes, std::int64_t count,
             const std::vector<std::int64_t>& groups);

  /// The most likely class of each row.
  [[nodiscard]] std::vector<std::int64_t> operator()(const torch::Tensor& features) const;
  [[nodiscard]] double penalty() const { return penalty_; }

 private:
  torch::Tensor mean_;
  torch::Tensor deviation_;
  torch::Tensor weight_;  // [D + 1, classes]; the last row is the bias
  double penalty_ = 0;
};

/// [classes][classes] counts: a row a wanted class, a column a found one; what was found to be none of them is in no
/// column.
std::vector<std::vector<std::int64_t>> confusion(const std::vector<std::int64_t>& wanted,
                                                 const std::vector<std::int64_t>& found, std::int64_t count);

/// Mean over the classes that occur of the share of each that was found: 1 over their number by chance, whatever their
/// sizes.
double balanced_accuracy(const std::vector<std::vector<std::int64_t>>& confusion);

}  // namespace nodulus::eval
