#include "nodulus/nn/squeezenet.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "nodulus/core/safetensors.h"
#include "nodulus/nn/convolution.h"
#include "nodulus/nn/max_pool_kernel.h"
#include "nodulus/nn/squeezenet_weights.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;

// What its makers took from blue, green and red values of 0 to 255.
constexpr std::array<double, 3> colour_means = {104, 117, 123};
constexpr double white = 255;
constexpr int first_fire = 2;
constexpr int last_fire = 9;
constexpr std::int64_t smallest_seen = 128;
constexpr std::int64_t summary_size = 512;
constexpr std::int64_t pixels_at_a_time = 1 << 18;
// conv1, fire3, fire5, and fire6 to fire9 among what features() gives.
constexpr std::array<std::size_t, 7> compared = {0, 2, 4, 5, 6, 7, 8};

Tensor tensor_of(const TensorView& view) {
  Tensor t = torch::empty(view.shape, view.dtype == "F32" ? torch::kFloat : torch::kByte);
  std::memcpy(t.data_ptr(), view.bytes.data(), view.bytes.size());
  return t;
}

/// Pooling that keeps incomplete windows, 3x3 of stride 2.
Tensor pooled(const Tensor& x) { return torch::max_pool2d(x, 3, 2, 0, 1, true); }

std::string name_of(int fire) { return "fire" + std::to_string(fire); }

void expect_grey(const Tensor& images) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 1, "[SqueezeNet] images must be [N, 1, H, W]. Received ",
              images.sizes(), ".");
}

bool pools_before(int fire) { return fire == 2 || fire == 5 || fire == 9; }

/// relu(pooled(x)) without a gradient.
Tensor pooled_relu(const Tensor& x) {
  if (!x.is_cpu()) return pooled(x).relu_();
  const Tensor from = x.contiguous();
  const MaxPoolPlan plan{x.size(2), x.size(3)};
  Tensor out = torch::empty({x.size(0), x.size(1), plan.out_rows(), plan.out_columns()}, x.options());
  const std::int64_t plane = plan.rows * plan.columns;
  const std::int64_t out_plane = plan.out_rows() * plan.out_columns();
  at::parallel_for(0, x.size(0) * x.size(1), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(plan.columns) + 1);
    for (std::int64_t i = begin; i < end; ++i)
      max_pool_relu_plane(plan, from.data_ptr<float>() + i * plane, out.data_ptr<float>() + i * out_plane,
                          scratch.data());
  });
  return out;
}

}  // namespace

SqueezeNet::SqueezeNet(torch::Device device) {
  const SafetensorsFile file(squeezenet_weights(), "the SqueezeNet on board");
  for (const auto& [name, view] : file.tensors()) {
    if (name.ends_with(".values")) continue;
    Tensor t = tensor_of(view);
    if (view.dtype == "U8")
      t = tensor_of(file.at(name + ".values")).index_select(0, t.flatten().to(torch::kLong)).view(t.sizes());
    weights_[name] = t;
  }
  // x = (image + 1) white / 2 in all three channels, less the means: an affine map, taken into the first layer, which
  // has no zeros around it.
  Tensor& weight = weights_.at("conv1.weight");
  const Tensor means = torch::tensor({colour_means[0], colour_means[1], colour_means[2]}, torch::kFloat);
  weights_.at("conv1.bias") += (weight * (white / 2 - means).view({1, 3, 1, 1})).sum({1, 2, 3});
  weight = weight.sum(1, true) * (white / 2);
  for (auto& [name, t] : weights_) t = t.to(device);
}

Tensor SqueezeNet::convolved(const Tensor& x, const std::string& name, std::int64_t stride,
                             std::int64_t padding) const {
  return convolve(x, weights_.at(name + ".weight"), weights_.at(name + ".bias"), stride, padding);
}

Tensor SqueezeNet::expanded(const Tensor& x, const std::string& name) const {
  const Tensor squeezed = torch::relu(convolved(x, name + ".squeeze", 1, 0));
  return torch::cat({convolved(squeezed, name + ".expand1", 1, 0), convolved(squeezed, name + ".expand3", 1, 1)}, 1);
}

std::vector<Tensor> SqueezeNet::features(const Tensor& images) const {
  expect_grey(images);
  std::vector<Tensor> all{torch::relu(convolved(images, "conv1", 2, 0))};
  for (int fire = first_fire; fire <= last_fire; ++fire)
    all.push_back(torch::relu(expanded(pools_before(fire) ? pooled(all.back()) : all.back(), name_of(fire))));
  return all;
}

Tensor SqueezeNet::summary(const Tensor& images) const {
  expect_grey(images);
  const torch::NoGradGuard no_grad;
  Tensor all = torch::empty({images.size(0), summary_size}, images.options());
  const std::int64_t at_a_time = std::max<std::int64_t>(1, pixels_at_a_time / (images.size(2) * images.size(3)));
  for (std::int64_t at = 0; at < images.size(0); at += at_a_time) {
    const std::int64_t n = std::min(at_a_time, images.size(0) - at);
    Tensor x = convolved(images.narrow(0, at, n), "conv1", 2, 0);
    for (int fire = first_fire; fire <= last_fire; ++fire)
      x = expanded(pools_before(fire) ? pooled_relu(x) : x.relu_(), name_of(fire));
    all.narrow(0, at, n).copy_(x.relu_().mean({2, 3}));
  }
  return all;
}

PerceptualDistance::PerceptualDistance(const Tensor& target) : network_(target.device()) {
  const torch::NoGradGuard no_grad;
  target_ = directions(target);
}

std::vector<Tensor> PerceptualDistance::directions(const Tensor& x) const {
  Tensor seen = x.reshape({-1, 1, x.size(2), x.size(3)});
  const std::int64_t side = std::min(x.size(2), x.size(3));
  if (side < smallest_seen) {
    const double by = static_cast<double>(smallest_seen) / static_cast<double>(side);
    seen = at::upsample_bilinear2d(
        seen, {std::llround(static_cast<double>(x.size(2)) * by), std::llround(static_cast<double>(x.size(3)) * by)},
        false);
  }
  const auto all = network_.features(seen);
  std::vector<Tensor> found;
  found.reserve(compared.size());
  for (const std::size_t i : compared) found.push_back(all[i] / (all[i].square().sum(1, true) + 1e-10).sqrt());
  return found;
}

Tensor PerceptualDistance::operator()(const Tensor& x) const {
  const auto found = directions(x);
  Tensor sum = torch::zeros({x.size(0) * x.size(1)}, x.options());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Tensor& target = target_[i];
    const Tensor repeated = x.size(0) == 1 ? target : target.repeat({x.size(0), 1, 1, 1});
    sum = sum + (found[i] - repeated).square().sum(1).mean({1, 2});
  }
  return sum.view({x.size(0), x.size(1)}).mean(1);
}

}  // namespace nodulus::nn
