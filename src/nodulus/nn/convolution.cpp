#include "nodulus/nn/convolution.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <memory>

#include "nodulus/nn/avx2_products.h"
#include "nodulus/nn/conv_weight_gradient_kernel.h"
#include "nodulus/nn/plain_operations.h"
#include "nodulus/nn/strided_conv_kernel.h"
#include "nodulus/nn/winograd_kernel.h"
#include "nodulus/nn/winograd_transforms.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr std::int64_t most_cached_bytes = std::int64_t{16} << 20;

/// x [images, in, height, width] * weight [out, in, kernel, kernel] -> [images, out, ...].
struct Geometry {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;

  [[nodiscard]] std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  [[nodiscard]] std::int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  [[nodiscard]] bool has_our_shape() const { return kernel == 3 && stride == 1 && padding == 1; }
  [[nodiscard]] bool halves() const { return kernel == 3 && stride == 2 && padding == 0; }

  void save(AutogradContext& context) const {
    context.saved_data["geometry"] = std::vector<std::int64_t>{kernel, stride, padding, height, width};
  }
  static Geometry of(const AutogradContext& context) {
    const auto n = context.saved_data.at("geometry").toIntVector();
    return {n[0], n[1], n[2], n[3], n[4]};
  }
};

bool is_ours(const Tensor& a, const Tensor& b) {
  return !PlainOperations::active() && a.numel() > 0 && a.is_cpu() && a.scalar_type() == torch::kFloat && b.is_cpu() &&
         b.scalar_type() == torch::kFloat && at::hasMKLDNN();
}

std::unique_ptr<float[]> scratch_of(std::int64_t floats) {
  return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(floats));
}

// ---- Winograd's and the direct kernel, over images and threads

Tensor winograd_filters_of(const ConvShape& shape, const Tensor& weight, bool transposed) {
  Tensor filters = torch::empty({winograd_points, shape.out, shape.in}, weight.options().requires_grad(false));
  const auto* const w = weight.data_ptr<float>();
  auto* const u = filters.data_ptr<float>();
  at::parallel_for(0, row_groups(shape.out), 2, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) winograd_filters(shape, w, transposed, group, u);
  });
  return filters;
}

Tensor winograd(const ConvShape& shape, const Tensor& x, const Tensor& filters, const Tensor& bias) {
  Tensor y = torch::empty({shape.images, shape.out, shape.height, shape.width}, x.options());
  const float* const u = filters.data_ptr<float>();
  const float* const b = bias.defined() ? bias.data_ptr<float>() : nullptr;
  at::parallel_for(0, shape.images * winograd_blocks(shape), 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = scratch_of(winograd_scratch(shape));
    for (std::int64_t block = begin; block < end; ++block)
      winograd_block(shape, u, b, block, x.data_ptr<float>(), y.data_ptr<float>(), scratch.get());
  });
  return y;
}

Tensor winograd_gradient_of_weight(const ConvShape& shape, const Tensor& x, const Tensor& dy) {
  // Cut by the shape alone, so that sums are in the same order on any number of threads.
  const std::int64_t blocks = shape.images * winograd_blocks(shape);
  // At most 32 MB of partial sums.
  const std::int64_t fitting = (std::int64_t{1} << 23) / (winograd_points * shape.out * shape.in);
  const std::int64_t chunks = std::clamp<std::int64_t>(std::min(blocks / 4, fitting), 1, 8);
  const Tensor partial = torch::zeros({chunks, winograd_points, shape.out, shape.in}, x.options());
  const std::int64_t floats = winograd_points * shape.out * shape.in;
  at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = scratch_of(winograd_gradient_scratch(shape));
    for (std::int64_t chunk = begin; chunk < end; ++chunk)
      for (std::int64_t block = chunk * blocks / chunks; block < (chunk + 1) * blocks / chunks; ++block)
        winograd_gradient_block(shape, block, x.data_ptr<float>(), dy.data_ptr<float>(),
                                partial.data_ptr<float>() + chunk * floats, scratch.get());
  });
  const Tensor sum = chunks == 1 ? partial[0] : partial.sum(0);
  Tensor dweight = torch::empty({shape.out, shape.in, 3, 3}, x.options());
  at::parallel_for(0, shape.out, 8, [&](std::int64_t begin, std::int64_t end) {
    winograd_weight_gradient(shape, sum.data_ptr<float>(), begin, end, dweight.data_ptr<float>());
  });
  return dweight;
}

Tensor direct_gradient_of_weight(const ConvShape& shape, const Tensor& x, const Tensor& dy) {
  const ConvGradientPlan plan = plan_conv_weight_gradient(shape);
  const Tensor partial = torch::empty({plan.chunks, shape.out, shape.in, 3, 3}, x.options());
  at::parallel_for(0, plan.groups * plan.chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task)
      conv_weight_gradient(shape, plan, task, x.data_ptr<float>(), dy.data_ptr<float>(), partial.data_ptr<float>());
  });
  return partial.sum(0);
}

// ---- Gradients of a stride of 2

Tensor strided_gradient_of_weight(const ConvShape& shape, const Tensor& x, const Tensor& dy) {
  // Cut by the shape alone, so that sums are in the same order on any number of threads.
  const std::int64_t blocks = strided_blocks(shape);
  const std::int64_t chunks = std::clamp<std::int64_t>(blocks / 4, 1, 8);
  const Tensor partial = torch::zeros({chunks, 9 * shape.in, shape.out}, x.options());
  at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = scratch_of(strided_scratch(shape));
    for (std::int64_t chunk = begin; chunk < end; ++chunk)
      for (std::int64_t block = chunk * blocks / chunks; block < (chunk + 1) * blocks / chunks; ++block)
        strided_gradient_block(shape, block, x.data_ptr<float>(), dy.data_ptr<float>(),
                               partial.data_ptr<float>() + chunk * 9 * shape.in * shape.out, scratch.get());
  });
  const Tensor sum = chunks == 1 ? partial[0] : partial.sum(0);
  return sum.t().reshape({shape.out, shape.in, 3, 3});
}

Tensor spread(const ConvShape& shape, const Tensor& dy, const Tensor& weight) {
  Tensor dx = torch::empty({shape.images, shape.in, shape.height, shape.width}, dy.options());
  Tensor filters = torch::empty({shape.out, 9 * shape.in}, dy.options());
  spread_filters(shape, weight.data_ptr<float>(), filters.data_ptr<float>());
  at::parallel_for(0, spread_blocks(shape), 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = scratch_of(spread_scratch(shape));
    for (std::int64_t block = begin; block < end; ++block)
      spread_block(shape, filters.data_ptr<float>(), block, dy.data_ptr<float>(), dx.data_ptr<float>(), scratch.get());
  });
  return dx;
}

// ---- The three maps of a convolution, each linear in both of its arguments: values alone, contiguous float32

// libtorch's conv2d takes another algorithm for a single small image than for several, so that an image would change
// with its batch. Asking oneDNN outright keeps to one.
Tensor onednn_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                      std::int64_t padding) {
  return at::mkldnn_convolution(x, weight, bias, {padding, padding}, {stride, stride}, {1, 1}, 1);
}

/// The gradient of x or of the weight. libtorch leaves it to oneDNN for two images and more.
Tensor onednn_backward(const Tensor& x, const Tensor& weight, const Tensor& dy, const Geometry& g, bool of_x) {
  const auto both = at::convolution_backward(dy, x, weight, c10::nullopt, {g.stride, g.stride}, {g.padding, g.padding},
                                             {1, 1}, false, {0, 0}, 1, {of_x, !of_x, false});
  return (of_x ? std::get<0>(both) : std::get<1>(both)).contiguous();
}

Tensor map_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Geometry& g, FilterCache* cache) {
  const ConvShape shape{x.size(0), x.size(1), weight.size(0), g.height, g.width};
  if (!g.has_our_shape() || !has_winograd(shape)) return onednn_forward(x, weight, bias, g.stride, g.padding);
  auto make = [&] { return winograd_filters_of(shape, weight, false); };
  // A weight made in inference mode does not count its changes.
  const bool kept =
      cache != nullptr && !weight.is_inference() && winograd_points * shape.in * shape.out * 4 <= most_cached_bytes;
  return winograd(shape, x, kept ? cache->of(weight, make) : make(), bias);
}

Tensor map_transposed(const Tensor& dy, const Tensor& weight, const Geometry& g) {
  const ConvShape back{dy.size(0), dy.size(1), weight.size(1), g.height, g.width};
  if (g.has_our_shape() && has_winograd(back)) return winograd(back, dy, winograd_filters_of(back, weight, true), {});
  const ConvShape forward{dy.size(0), weight.size(1), dy.size(1), g.height, g.width};
  if (g.halves() && has_spread(forward)) return spread(forward, dy, weight);
  if (g.kernel == 1 && g.stride == 1 && g.padding == 0)
    return onednn_forward(dy, weight.transpose(0, 1).contiguous(), {}, 1, 0);
  const bool single = dy.size(0) == 1;  // which goes in twice, to be treated as several are
  const Tensor many = single ? torch::cat({dy, dy}) : dy;
  const Tensor x = torch::empty({many.size(0), weight.size(1), g.height, g.width}, dy.options());
  const Tensor dx = onednn_backward(x, weight, many, g, true);
  return single ? dx.narrow(0, 0, 1) : dx;
}

Tensor map_to_weight(const Tensor& x, const Tensor& dy, const Geometry& g) {
  const ConvShape shape{x.size(0), x.size(1), dy.size(1), g.height, g.width};
  if (g.has_our_shape() && has_winograd(shape)) return winograd_gradient_of_weight(shape, x, dy);
  if (g.halves() && has_strided_gradient(shape)) return strided_gradient_of_weight(shape, x, dy);
  if (g.has_our_shape() && has_conv_weight_gradient(shape)) return direct_gradient_of_weight(shape, x, dy);
  const Tensor weight = torch::empty({dy.size(1), x.size(1), g.kernel, g.kernel}, x.options());
  return onednn_backward(x, weight, dy, g, false);
}

// ---- Each map's gradients are the other two

Tensor differentiable_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Geometry& g,
                              FilterCache* cache = nullptr);
Tensor differentiable_transposed(const Tensor& dy, const Tensor& weight, const Geometry& g);
Tensor differentiable_to_weight(const Tensor& x, const Tensor& dy, const Geometry& g);

class Forward : public Function<Forward> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Geometry& g) {
    context->save_for_backward({x, weight});
    g.save(*context);
    return map_forward(x, weight, bias, g, nullptr);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Geometry g = Geometry::of(*context);
    const Tensor& dy = gradients[0];
    return {context->needs_input_grad(0) ? differentiable_transposed(dy, saved[1], g) : Tensor(),
            context->needs_input_grad(1) ? differentiable_to_weight(saved[0], dy, g) : Tensor(),
            context->needs_input_grad(2) ? dy.sum({0, 2, 3}) : Tensor(), Tensor()};
  }
};

class Transposed : public Function<Transposed> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& dy, const Tensor& weight, const Geometry& g) {
    context->save_for_backward({dy, weight});
    g.save(*context);
    return map_transposed(dy, weight, g);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Geometry g = Geometry::of(*context);
    const Tensor& u = gradients[0];
    return {context->needs_input_grad(0) ? differentiable_forward(u, saved[1], {}, g) : Tensor(),
            context->needs_input_grad(1) ? differentiable_to_weight(u, saved[0], g) : Tensor(), Tensor()};
  }
};

class ToWeight : public Function<ToWeight> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& dy, const Geometry& g) {
    context->save_for_backward({x, dy});
    g.save(*context);
    return map_to_weight(x, dy, g);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Geometry g = Geometry::of(*context);
    const Tensor& u = gradients[0];
    return {context->needs_input_grad(0) ? differentiable_transposed(saved[1], u, g) : Tensor(),
            context->needs_input_grad(1) ? differentiable_forward(saved[0], u, {}, g) : Tensor(), Tensor()};
  }
};

bool needs_graph(std::initializer_list<const Tensor*> tensors) {
  return torch::GradMode::is_enabled() && std::any_of(tensors.begin(), tensors.end(), [](const Tensor* t) {
           return t->defined() && t->requires_grad();
         });
}

Tensor differentiable_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Geometry& g,
                              FilterCache* cache) {
  const Tensor a = x.contiguous();
  const Tensor w = weight.contiguous();
  const Tensor b = bias.defined() ? bias.contiguous() : bias;
  if (needs_graph({&a, &w, &b}))
    return Forward::apply(a, w, b.defined() ? b : torch::zeros({w.size(0)}, w.options().requires_grad(false)), g);
  return map_forward(a, w, b, g, cache);
}

Tensor differentiable_transposed(const Tensor& dy, const Tensor& weight, const Geometry& g) {
  const Tensor a = dy.contiguous();
  const Tensor w = weight.contiguous();
  return needs_graph({&a, &w}) ? Transposed::apply(a, w, g) : map_transposed(a, w, g);
}

Tensor differentiable_to_weight(const Tensor& x, const Tensor& dy, const Geometry& g) {
  const Tensor a = x.contiguous();
  const Tensor b = dy.contiguous();
  return needs_graph({&a, &b}) ? ToWeight::apply(a, b, g) : map_to_weight(a, b, g);
}

/// Our kernels read memory as these say.
void check_shapes(const char* what, const Tensor& x, std::int64_t x_channels, std::int64_t y_channels,
                  const Tensor& weight, const Tensor& bias, const Geometry& g) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4 && weight.size(2) == weight.size(3) && x.size(1) == x_channels, "[",
              what, "] x must be [N, C, H, W] and the weight square, of as many channels. Received ", x.sizes(),
              " and ", weight.sizes(), ".");
  TORCH_CHECK(!bias.defined() || (bias.dim() == 1 && bias.size(0) == y_channels), "[", what, "] bias must be [",
              y_channels, "]. Received ", bias.sizes(), ".");
  TORCH_CHECK(
      g.stride > 0 && g.padding >= 0 && g.height + 2 * g.padding >= g.kernel && g.width + 2 * g.padding >= g.kernel,
      "[", what, "] images must be as large as the kernel of ", g.kernel, ". Received ", g.height, " x ", g.width, ".");
}

}  // namespace

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride, std::int64_t padding,
                FilterCache* cache) {
  if (!is_ours(x, weight)) return torch::conv2d(x, weight, bias, stride, padding);
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4, "[convolve] x must be [N, C, H, W]. Received ", x.sizes(), ".");
  const Geometry g{weight.size(2), stride, padding, x.size(2), x.size(3)};
  check_shapes("convolve", x, weight.size(1), weight.size(0), weight, bias, g);
  return differentiable_forward(x, weight, bias, g, cache);
}

Tensor convolve_transposed(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                           std::int64_t padding, std::int64_t height, std::int64_t width) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4, "[convolve_transposed] x must be [N, C, h, w]. Received ", x.sizes(),
              ".");
  const Geometry g{weight.size(2), stride, padding, height, width};
  check_shapes("convolve_transposed", x, weight.size(0), weight.size(1), weight, bias, g);
  TORCH_CHECK(g.out_height() == x.size(2) && g.out_width() == x.size(3),
              "[convolve_transposed] no convolution of stride ", stride, " and padding ", padding, " makes ", x.sizes(),
              " from ", height, " x ", width, ".");
  if (is_ours(x, weight)) {
    const Tensor y = differentiable_transposed(x, weight, g);
    return bias.defined() ? y + bias.view({-1, 1, 1}) : y;
  }
  const std::int64_t extra_height = height + 2 * padding - g.kernel - (x.size(2) - 1) * stride;
  const std::int64_t extra_width = width + 2 * padding - g.kernel - (x.size(3) - 1) * stride;
  return torch::conv_transpose2d(x, weight, bias, stride, padding, {extra_height, extra_width});
}

}  // namespace nodulus::nn
