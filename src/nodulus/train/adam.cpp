#include "nodulus/train/adam.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "nodulus/train/adam_kernel.h"

namespace nodulus::train {
namespace {

using torch::Tensor;

constexpr std::int64_t grain = 1 << 16;

bool ours(const Tensor& parameter) {
  return parameter.is_cpu() && parameter.scalar_type() == torch::kFloat && parameter.is_contiguous();
}

double squared_norm(const Tensor& gradient) {
  const Tensor g = gradient.contiguous();
  const auto* data = g.data_ptr<float>();
  // Fixed chunks, summed in order: the result does not depend on the number of threads.
  const std::int64_t chunks = (g.numel() + grain - 1) / grain;
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      sums[static_cast<std::size_t>(c)] = sum_of_squares(std::min(grain, g.numel() - c * grain), data + c * grain);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

/// What a loss does not depend on has a gradient of zero: its moments and its average move on with the others'.
Tensor gradient_of(const Tensor& parameter) {
  return parameter.grad().defined() ? parameter.grad() : torch::zeros_like(parameter);
}

}  // namespace

Adam::Adam(std::vector<Tensor> parameters, const AdamOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  const torch::NoGradGuard no_grad;
  for (const Tensor& parameter : parameters_) {
    first_.push_back(torch::zeros_like(parameter));
    second_.push_back(torch::zeros_like(parameter));
    if (options.averages) averages_.push_back(parameter.detach().clone());
  }
}

double Adam::step(const StepOptions& options) {
  if (!std::all_of(parameters_.begin(), parameters_.end(), ours)) return step_reference(options);
  const torch::NoGradGuard no_grad;
  double squares = 0;
  for (const Tensor& parameter : parameters_)
    if (parameter.grad().defined()) squares += squared_norm(parameter.grad());
  const double norm = std::sqrt(squares);
  if (std::isfinite(norm)) {
    ++steps_;
    AdamStep s;
    s.gradient_scale =
        options.max_norm > 0 && norm > options.max_norm ? static_cast<float>(options.max_norm / norm) : 1;
    s.beta1 = static_cast<float>(options_.beta1);
    s.beta2 = static_cast<float>(options_.beta2);
    s.complement1 = static_cast<float>(1 - options_.beta1);
    s.complement2 = static_cast<float>(1 - options_.beta2);
    const auto t = static_cast<double>(steps_);
    s.step_size = static_cast<float>(options.learning_rate / (1 - std::pow(options_.beta1, t)));
    s.inverse_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    s.eps = static_cast<float>(options_.eps);
    s.ema_decay = static_cast<float>(options.ema_decay);
    for (std::size_t k = 0; k < parameters_.size(); ++k) {
      const Tensor gradient = gradient_of(parameters_[k]).contiguous();
      at::parallel_for(0, gradient.numel(), grain, [&](std::int64_t begin, std::int64_t end) {
        adam_step(s, end - begin, gradient.data_ptr<float>() + begin, parameters_[k].data_ptr<float>() + begin,
                  first_[k].data_ptr<float>() + begin, second_[k].data_ptr<float>() + begin,
                  averages_.empty() ? nullptr : averages_[k].data_ptr<float>() + begin);
      });
      parameters_[k].unsafeGetTensorImpl()->bump_version();  // as libtorch's in-place operations do
    }
  }
  for (Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  return norm;
}

double Adam::step_reference(const StepOptions& options) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> squares;
  for (const Tensor& parameter : parameters_)
    if (parameter.grad().defined()) squares.push_back(parameter.grad().square().sum().to(torch::kDouble));
  const double norm = squares.empty() ? 0 : torch::stack(squares).sum().sqrt().item<double>();
  if (std::isfinite(norm)) {
    ++steps_;
    const auto t = static_cast<double>(steps_);
    const double scale = options.max_norm > 0 && norm > options.max_norm ? options.max_norm / norm : 1;
    const double step_size = options.learning_rate / (1 - std::pow(options_.beta1, t));
    const double correction = std::sqrt(1 - std::pow(options_.beta2, t));
    for (std::size_t k = 0; k < parameters_.size(); ++k) {
      const Tensor g = gradient_of(parameters_[k]) * scale;
      first_[k].mul_(options_.beta1).add_(g, 1 - options_.beta1);
      second_[k].mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
      parameters_[k].sub_(step_size * first_[k] / (second_[k].sqrt() / correction + options_.eps));
      if (!averages_.empty()) averages_[k].mul_(options.ema_decay).add_(parameters_[k], 1 - options.ema_decay);
    }
  }
  for (Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  return norm;
}

void Adam::copy_averages_to(const torch::nn::Module& network) const {
  const torch::NoGradGuard no_grad;
  auto parameters = network.parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) parameters[k].copy_(averages_.at(k));
}

}  // namespace nodulus::train
