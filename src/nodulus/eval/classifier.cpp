#include "nodulus/eval/classifier.h"

#include <torch/nn/functional/loss.h>
#include <torch/optim/lbfgs.h>

#include <array>

#include "nodulus/core/seed.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::array<double, 5> penalties = {1e-3, 1e-2, 1e-1, 1, 10};
constexpr int folds = 5;

Tensor with_ones(const Tensor& x) { return torch::cat({x, torch::ones({x.size(0), 1}, x.options())}, 1); }

/// Minimises the mean cross-entropy, weighted by class, plus penalty |W|^2 / 2 of all but the bias.
Tensor fitted(const Tensor& x, const Tensor& y, std::int64_t classes, double penalty) {
  const torch::AutoGradMode grad(true);
  Tensor weight = torch::zeros({x.size(1) + 1, classes}, torch::kDouble).requires_grad_(true);
  const Tensor rows = with_ones(x);
  const Tensor counts = torch::bincount(y, {}, classes).to(torch::kDouble);
  const Tensor class_weight = torch::where(counts > 0, 1 / counts.clamp_min(1), torch::zeros_like(counts));
  torch::optim::LBFGS optimizer({weight}, torch::optim::LBFGSOptions(1).max_iter(200).line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    optimizer.zero_grad();
    Tensor loss = torch::nll_loss(torch::log_softmax(torch::mm(rows, weight), 1), y, class_weight) +
                  weight.narrow(0, 0, x.size(1)).square().sum() * (penalty / 2);
    loss.backward();
    return loss;
  });
  return weight.detach();
}

Tensor best_class(const Tensor& x, const Tensor& weight) { return torch::mm(with_ones(x), weight).argmax(1); }

std::vector<std::int64_t> numbers_of(const Tensor& t) {
  const Tensor flat = t.contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

}  // namespace

Classifier::Classifier(const Tensor& features, const std::vector<std::int64_t>& classes, std::int64_t count,
                       const std::vector<std::int64_t>& groups) {
  const Tensor rows = features.to(torch::kDouble);
  mean_ = rows.mean(0);
  deviation_ = rows.std(0, rows.size(0) > 1).clamp_min(1e-12);
  const Tensor x = (rows - mean_) / deviation_;
  const Tensor y = torch::tensor(classes, torch::kLong);
  Tensor fold = torch::empty({x.size(0)}, torch::kLong);
  for (std::size_t i = 0; i < groups.size(); ++i)
    fold.data_ptr<std::int64_t>()[i] =
        static_cast<std::int64_t>(derive_seed(0, static_cast<std::uint64_t>(groups[i])) % folds);
  // With one fold alone there is nothing to choose by: the middle penalty.
  penalty_ = penalties[penalties.size() / 2];
  const bool several = (fold != fold[0]).any().item<bool>();
  double best = several ? -1 : 1;
  for (const double penalty : penalties) {
    std::vector<std::int64_t> found(classes.size(), 0);
    for (int f = 0; f < folds; ++f) {
      const Tensor inside = (fold != f).nonzero().flatten();
      const Tensor outside = (fold == f).nonzero().flatten();
      if (inside.numel() == 0 || outside.numel() == 0) continue;
      const Tensor weight = fitted(x.index_select(0, inside), y.index_select(0, inside), count, penalty);
      const auto said = numbers_of(best_class(x.index_select(0, outside), weight));
      const auto which = numbers_of(outside);
      for (std::size_t i = 0; i < which.size(); ++i) found[static_cast<std::size_t>(which[i])] = said[i];
    }
    const double accuracy = balanced_accuracy(confusion(classes, found, count));
    if (accuracy > best) {
      best = accuracy;
      penalty_ = penalty;
    }
  }
  weight_ = fitted(x, y, count, penalty_);
}

std::vector<std::int64_t> Classifier::operator()(const Tensor& features) const {
  return numbers_of(best_class((features.to(torch::kDouble) - mean_) / deviation_, weight_));
}

std::vector<std::vector<std::int64_t>> confusion(const std::vector<std::int64_t>& wanted,
                                                 const std::vector<std::int64_t>& found, std::int64_t count) {
  std::vector<std::vector<std::int64_t>> table(static_cast<std::size_t>(count),
                                               std::vector<std::int64_t>(static_cast<std::size_t>(count), 0));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (found[i] < count) ++table.at(static_cast<std::size_t>(wanted[i])).at(static_cast<std::size_t>(found[i]));
  return table;
}

double balanced_accuracy(const std::vector<std::vector<std::int64_t>>& table) {
  double sum = 0;
  int present = 0;
  for (std::size_t c = 0; c < table.size(); ++c) {
    std::int64_t row = 0;
    for (const std::int64_t n : table[c]) row += n;
    if (row == 0) continue;
    sum += static_cast<double>(table[c][c]) / static_cast<double>(row);
    ++present;
  }
  return present > 0 ? sum / present : 0;
}

}  // namespace nodulus::eval
