#include "nodulus/nn/squeezenet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "nodulus/core/safetensors.h"
#include "nodulus/nn/convolution.h"
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
// conv1, fire3, fire5, and fire6 to fire9 among what features() gives.
constexpr std::array<std::size_t, 7> compared = {0, 2, 4, 5, 6, 7, 8};

Tensor tensor_of(const TensorView& view) {
  Tensor t = torch::empty(view.shape, view.dtype == "F32" ? torch::kFloat : torch::kByte);
  std::memcpy(t.data_ptr(), view.bytes.data(), view.bytes.size());
  return t;
}

/// Pooling that keeps incomplete windows, 3x3 of stride 2.
Tensor pooled(const Tensor& x) { return torch::max_pool2d(x, 3, 2, 0, 1, true); }

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

Tensor SqueezeNet::layer(const Tensor& x, const std::string& name, std::int64_t stride, std::int64_t padding) const {
  return torch::relu(convolve(x, weights_.at(name + ".weight"), weights_.at(name + ".bias"), stride, padding));
}

std::vector<Tensor> SqueezeNet::features(const Tensor& images) const {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 1, "[SqueezeNet] images must be [N, 1, H, W]. Received ",
              images.sizes(), ".");
  std::vector<Tensor> all{layer(images, "conv1", 2, 0)};
  for (int fire = first_fire; fire <= last_fire; ++fire) {
    const std::string name = "fire" + std::to_string(fire);
    const bool pools = fire == 2 || fire == 5 || fire == 9;
    const Tensor squeezed = layer(pools ? pooled(all.back()) : all.back(), name + ".squeeze", 1, 0);
    all.push_back(torch::cat({layer(squeezed, name + ".expand1", 1, 0), layer(squeezed, name + ".expand3", 1, 1)}, 1));
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
