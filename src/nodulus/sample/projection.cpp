#include "nodulus/sample/projection.h"

#include <fmt/format.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/squeezenet.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double adam_eps = 1e-8;
constexpr std::int64_t smallest_regularised = 8;

Tensor normal_tensor(std::uint64_t seed, std::uint64_t counter, at::IntArrayRef sizes) {
  Tensor t = torch::empty(sizes);
  RandomStream(seed, counter).fill_normal({t.data_ptr<float>(), static_cast<std::size_t>(t.numel())});
  return t;
}

/// How far noise is from being white: products of neighbours at every scale.
Tensor structure_of(const std::vector<Tensor>& noise) {
  Tensor sum = torch::zeros({}, noise.front().options());
  for (Tensor map : noise) {
    while (true) {
      sum = sum + (map * map.roll(1, 3)).mean().square() + (map * map.roll(1, 2)).mean().square();
      if (map.size(2) <= smallest_regularised) break;
      map = torch::avg_pool2d(map, 2);
    }
  }
  return sum;
}

void make_standard(Tensor& noise) {
  noise.sub_(noise.mean());
  noise.mul_(noise.square().mean().rsqrt());
}

/// The search: what is moved, and Adam's moments of it.
class Search {
 public:
  Search(models::StyleGan2Generator& generator, const Tensor& target, const ProjectionOptions& options)
      : generator_(generator), options_(options), distance_(target), channels_(target.size(1)) {
    const torch::NoGradGuard no_grad;
    const std::int64_t z = generator.options().z;
    Tensor labels;  // of any kind
    if (const std::int64_t width = generator.options().labels; width > 0)
      labels = torch::zeros({options.mean_samples, width}, target.options());
    const Tensor all = generator.map(
        normal_tensor(derive_seed(options.seed, "mean style"), 0, {options.mean_samples, z}).to(target.device()),
        labels);
    const Tensor mean = all.mean(0, true);
    deviation_ = (all - mean).square().sum(1).mean().sqrt();
    moved_.push_back(options.style_a_layer ? mean.repeat({generator.layers(), 1}) : mean);
    generator.synthesize(
        generator.broadcast(mean), models::LayerNoise::random, [&](int layer, std::int64_t, int resolution) {
          moved_.push_back(normal_tensor(derive_seed(options.seed, "layer noise"), static_cast<std::uint64_t>(layer),
                                         {1, 1, resolution, resolution})
                               .to(target.device()));
          return moved_.back();
        });
    for (Tensor& t : moved_) {
      t.set_requires_grad(true);
      first_.push_back(torch::zeros_like(t));
      second_.push_back(torch::zeros_like(t));
    }
  }

  /// Takes step `step` and returns the distance before it.
  double step(std::int64_t step) {
    const double done = static_cast<double>(step) / static_cast<double>(options_.steps);
    const double calm = std::max(0.0, 1 - done / options_.style_noise_until);
    const Tensor shaken = moved_.front() + normal_tensor(derive_seed(options_.seed, "style noise"),
                                                         static_cast<std::uint64_t>(step), moved_.front().sizes())
                                                   .to(moved_.front().device()) *
                                               (deviation_ * (options_.style_noise * calm * calm));
    const Tensor apart = distance_(seen(shaken)).sum();
    const Tensor loss = apart + structure_of(noise()) * options_.noise_regularisation;
    const auto gradients = torch::autograd::grad({loss}, moved_);
    const auto found = apart.item<double>();
    if (!std::isfinite(found))
      throw Error(ErrorCode::internal, fmt::format("projection diverged at step {}: distance {}", step, found));
    move(gradients, learning_rate(done), step);
    return found;
  }

  [[nodiscard]] double distance() const { return distance_(seen(moved_.front())).sum().item<double>(); }
  [[nodiscard]] Tensor styles() const { return moved_.front().detach().expand({generator_.layers(), -1}).contiguous(); }
  [[nodiscard]] std::vector<Tensor> noise() const { return {moved_.begin() + 1, moved_.end()}; }

 private:
  /// The image's channels that the target has.
  [[nodiscard]] Tensor seen(const Tensor& styles) const {
    const Tensor all = styles.expand({generator_.layers(), -1});
    return image_of(generator_, all, noise()).narrow(1, 0, channels_);
  }

  [[nodiscard]] double learning_rate(double done) const {
    const double falling = std::min(1.0, (1 - done) / options_.ramp_down);
    const double rising = std::min(1.0, done / options_.ramp_up);
    return options_.learning_rate * (0.5 - 0.5 * std::cos(falling * std::numbers::pi)) * rising;
  }

  void move(const std::vector<Tensor>& gradients, double learning_rate, std::int64_t step) {
    const torch::NoGradGuard no_grad;
    const auto count = static_cast<double>(step + 1);
    const double unbiased = learning_rate * std::sqrt(1 - std::pow(beta2, count)) / (1 - std::pow(beta1, count));
    for (std::size_t i = 0; i < moved_.size(); ++i) {
      first_[i].lerp_(gradients[i], 1 - beta1);
      second_[i].lerp_(gradients[i].square(), 1 - beta2);
      moved_[i].addcdiv_(first_[i], second_[i].sqrt().add_(adam_eps), -unbiased);
      if (i > 0) make_standard(moved_[i]);
    }
  }

  models::StyleGan2Generator& generator_;
  const ProjectionOptions& options_;
  nn::PerceptualDistance distance_;
  std::int64_t channels_;
  Tensor deviation_;
  std::vector<Tensor> moved_;  // the style or styles, then the noise of each layer
  std::vector<Tensor> first_;
  std::vector<Tensor> second_;
};

}  // namespace

Tensor image_of(models::StyleGan2Generator& generator, const Tensor& styles, const std::vector<Tensor>& noise) {
  return generator.synthesize(styles.unsqueeze(0), models::LayerNoise::random,
                              [&](int layer, std::int64_t, int) { return noise.at(static_cast<std::size_t>(layer)); });
}

Projection project(models::StyleGan2Generator& generator, const Tensor& target, const ProjectionOptions& options,
                   const ProjectionProgress& on_step) {
  for (Tensor& parameter : generator.parameters()) parameter.set_requires_grad(false);
  Search search(generator, target, options);
  Projection found;
  {
    const torch::NoGradGuard no_grad;
    found.first_distance = search.distance();
  }
  for (std::int64_t step = 0; step < options.steps; ++step) on_step(step + 1, search.step(step));
  const torch::NoGradGuard no_grad;
  found.styles = search.styles();
  for (const Tensor& map : search.noise()) found.noise.push_back(map.detach());
  found.image = image_of(generator, found.styles, found.noise).to(torch::kFloat);
  found.distance = search.distance();
  return found;
}

}  // namespace nodulus::sample
