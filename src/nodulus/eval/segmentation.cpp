#include "nodulus/eval/segmentation.h"

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/normalization.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/loader.h"
#include "nodulus/eval/copies.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::int64_t outline_batch = 16;
constexpr std::int64_t outline_channels = 16;
constexpr double outline_rate = 2e-3;

}  // namespace

namespace outline {

/// Two convolutions, each normalised in groups and rectified.
struct Block : torch::nn::Module {
  Block(std::int64_t in, std::int64_t out) {
    auto conv = [&](const char* name, std::int64_t from) {
      return register_module(name, torch::nn::Conv2d(torch::nn::Conv2dOptions(from, out, 3).padding(1).bias(false)));
    };
    first = conv("first", in);
    second = conv("second", out);
    first_norm = register_module("first_norm", torch::nn::GroupNorm(torch::nn::GroupNormOptions(4, out)));
    second_norm = register_module("second_norm", torch::nn::GroupNorm(torch::nn::GroupNormOptions(4, out)));
  }
  Tensor forward(const Tensor& x) {
    return torch::relu(second_norm->forward(second->forward(torch::relu(first_norm->forward(first->forward(x))))));
  }
  torch::nn::Conv2d first{nullptr};
  torch::nn::Conv2d second{nullptr};
  torch::nn::GroupNorm first_norm{nullptr};
  torch::nn::GroupNorm second_norm{nullptr};
};

/// Logits [N, 1, H, W] of images [N, 1, H, W].
struct Unet : torch::nn::Module {
  Unet() {
    constexpr std::int64_t c = outline_channels;
    auto block = [&](const char* name, std::int64_t in, std::int64_t out) {
      return register_module(name, std::make_shared<Block>(in, out));
    };
    top = block("top", 3, c);
    middle = block("middle", c, 2 * c);
    bottom = block("bottom", 2 * c, 2 * c);
    up_middle = block("up_middle", 4 * c, 2 * c);
    up_top = block("up_top", 3 * c, c);
    last = register_module("last", torch::nn::Conv2d(torch::nn::Conv2dOptions(c, 1, 1)));
  }
  Tensor forward(const Tensor& image) {
    // Where a pixel lies tells the nodule in the middle from a vessel beside it.
    const Tensor y = torch::linspace(-1, 1, image.size(2)).view({1, 1, -1, 1}).expand_as(image);
    const Tensor x = torch::linspace(-1, 1, image.size(3)).view({1, 1, 1, -1}).expand_as(image);
    const Tensor fine = top->forward(torch::cat({image, y.square() + x.square(), y.abs().maximum(x.abs())}, 1));
    const Tensor half = middle->forward(torch::max_pool2d(fine, 2));
    const Tensor quarter = bottom->forward(torch::max_pool2d(half, 2));
    const Tensor back = up_middle->forward(torch::cat({enlarged(quarter, half), half}, 1));
    return last->forward(up_top->forward(torch::cat({enlarged(back, fine), fine}, 1)));
  }
  static Tensor enlarged(const Tensor& x, const Tensor& like) {
    return at::upsample_nearest2d(x, {like.size(2), like.size(3)});
  }
  std::shared_ptr<Block> top;
  std::shared_ptr<Block> middle;
  std::shared_ptr<Block> bottom;
  std::shared_ptr<Block> up_middle;
  std::shared_ptr<Block> up_top;
  torch::nn::Conv2d last{nullptr};
};

}  // namespace outline

namespace {

Tensor mask_rows(const Images& images, const std::vector<std::int64_t>& rows) {
  Tensor out = torch::empty({static_cast<std::int64_t>(rows.size()), 1, images.height, images.width}, torch::kFloat);
  auto* to = out.data_ptr<float>();
  for (const std::int64_t row : rows)
    for (const std::uint8_t v : images.mask(row)) *to++ = v > 0 ? 1.0F : 0.0F;
  return out;
}

Tensor image_rows(const Images& images, const std::vector<std::int64_t>& rows) {
  std::vector<Tensor> all;
  all.reserve(rows.size());
  for (const std::int64_t row : rows) all.push_back(images.scaled(row, 1));
  return torch::cat(all);
}

Tensor outline_loss(const Tensor& logits, const Tensor& wanted) {
  const Tensor p = torch::sigmoid(logits);
  const Tensor overlap = (p * wanted).sum({1, 2, 3});
  const Tensor dice = (2 * overlap + 1) / (p.sum({1, 2, 3}) + wanted.sum({1, 2, 3}) + 1);
  return torch::binary_cross_entropy_with_logits(logits, wanted) + (1 - dice).mean();
}

/// He et al. 2015's initial weights (arXiv 1502.01852) from a seed of our own; the global generator is the caller's.
void initialise(outline::Unet& network, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  std::uint64_t number = 0;
  for (Tensor& p : network.parameters()) {
    const std::uint64_t own = number++;
    if (p.dim() != 4) continue;  // norms begin as they are
    RandomStream(seed, own).fill_normal({p.data_ptr<float>(), static_cast<std::size_t>(p.numel())});
    p.mul_(std::sqrt(2.0 / static_cast<double>(p[0].numel())));
  }
  network.last->bias.zero_();
}

/// Keeps the part, connected by edges, that has the pixel nearest to the middle.
void keep_middle_part(std::span<std::uint8_t> mask, int height, int width) {
  std::int64_t start = -1;
  double nearest = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double away = std::hypot(y - (height - 1) / 2.0, x - (width - 1) / 2.0);
      if (mask[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] != 0 &&
          (start < 0 || away < nearest)) {
        start = std::int64_t{y} * width + x;
        nearest = away;
      }
    }
  if (start < 0) return;
  std::vector<std::int64_t> open{start};
  while (!open.empty()) {
    const std::int64_t at = open.back();
    open.pop_back();
    if (mask[static_cast<std::size_t>(at)] != 1) continue;
    mask[static_cast<std::size_t>(at)] = 2;
    const std::int64_t x = at % width;
    if (x > 0) open.push_back(at - 1);
    if (x + 1 < width) open.push_back(at + 1);
    if (at >= width) open.push_back(at - width);
    if (at + width < static_cast<std::int64_t>(mask.size())) open.push_back(at + width);
  }
  for (std::uint8_t& v : mask) v = v == 2 ? 1 : 0;
}

}  // namespace

struct OutlineNetwork::Impl {
  std::shared_ptr<outline::Unet> network;
  std::int64_t trained_on = 0;
  int epochs = 0;
};

OutlineNetwork::OutlineNetwork(const Images& training, int epochs, std::uint64_t seed,
                               const std::function<void(int done, int all)>& on_epoch)
    : impl_(std::make_unique<Impl>()) {
  if (!training.has_masks()) throw Error(ErrorCode::usage, "outlines cannot be learnt: the real images have none");
  if (training.height % 4 != 0 || training.width % 4 != 0)
    throw Error(ErrorCode::usage, "outlines can be learnt for images whose sides are multiples of 4");
  const torch::AutoGradMode grad(true);
  impl_->network = std::make_shared<outline::Unet>();
  initialise(*impl_->network, derive_seed(seed, "outlines"));
  impl_->trained_on = training.count;
  impl_->epochs = epochs;
  torch::optim::Adam adam(impl_->network->parameters(), torch::optim::AdamOptions(outline_rate));
  const int turns = training.height == training.width ? 8 : 1;
  const auto n = static_cast<std::uint64_t>(training.count);
  for (int epoch = 0; epoch < epochs; ++epoch) {
    // The rate falls to nothing along half a cosine.
    static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options())
        .lr(outline_rate * (1 + std::cos(M_PI * epoch / epochs)) / 2);
    const std::uint64_t key = derive_seed(seed, static_cast<std::uint64_t>(epoch));
    for (std::int64_t at = 0; at < training.count; at += outline_batch) {
      std::vector<std::int64_t> rows;
      for (std::int64_t k = at; k < std::min(at + outline_batch, training.count); ++k)
        rows.push_back(static_cast<std::int64_t>(data::permuted(static_cast<std::uint64_t>(k), n, key)));
      const int turn =
          static_cast<int>(derive_seed(key, static_cast<std::uint64_t>(at)) % static_cast<unsigned>(turns));
      adam.zero_grad();
      outline_loss(impl_->network->forward(turned(image_rows(training, rows), turn)),
                   turned(mask_rows(training, rows), turn))
          .backward();
      adam.step();
    }
    on_epoch(epoch + 1, epochs);
  }
}

OutlineNetwork::~OutlineNetwork() = default;

std::vector<std::uint8_t> OutlineNetwork::outlines(const Images& images) const {
  const torch::NoGradGuard no_grad;
  std::vector<std::uint8_t> all;
  all.reserve(images.hu.size());
  const std::size_t plane = static_cast<std::size_t>(images.height) * static_cast<std::size_t>(images.width);
  for (std::int64_t at = 0; at < images.count; at += outline_batch) {
    const std::int64_t n = std::min(outline_batch, images.count - at);
    const Tensor inside = (impl_->network->forward(images.scaled(at, n)) > 0).to(torch::kByte).contiguous();
    all.insert(all.end(), inside.data_ptr<std::uint8_t>(), inside.data_ptr<std::uint8_t>() + inside.numel());
  }
  for (std::size_t at = 0; at < all.size(); at += plane)
    keep_middle_part(std::span(all).subspan(at, plane), images.height, images.width);
  return all;
}

OutlineQuality OutlineNetwork::quality(const Images& held_out) const {
  const std::vector<std::uint8_t> found = outlines(held_out);
  OutlineQuality result{0, held_out.count, impl_->trained_on, impl_->epochs};
  const std::size_t plane = static_cast<std::size_t>(held_out.height) * static_cast<std::size_t>(held_out.width);
  for (std::int64_t i = 0; i < held_out.count; ++i) {
    const auto wanted = held_out.mask(i);
    double both = 0;
    double sum = 0;
    for (std::size_t k = 0; k < plane; ++k) {
      const bool in_found = found[static_cast<std::size_t>(i) * plane + k] > 0;
      both += in_found && wanted[k] > 0 ? 1 : 0;
      sum += (in_found ? 1 : 0) + (wanted[k] > 0 ? 1 : 0);
    }
    result.dice += (sum > 0 ? 2 * both / sum : 1) / static_cast<double>(held_out.count);
  }
  return result;
}

}  // namespace nodulus::eval
