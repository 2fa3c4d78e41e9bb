#include "nodulus/nn/conv3x3.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <memory>

#include "nodulus/nn/conv_weight_gradient_kernel.h"
#include "nodulus/nn/winograd_kernel.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

ConvShape conv_shape(const Tensor& x, std::int64_t out) { return {x.size(0), x.size(1), out, x.size(2), x.size(3)}; }

std::unique_ptr<float[]> scratch_of(std::int64_t floats) {
  return std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(floats));
}

/// x convolved with the weight, or, `transposed`, with what takes dy to dx. `bias` may be undefined.
Tensor winograd(const ConvShape& shape, const Tensor& x, const Tensor& weight, const Tensor& bias, bool transposed) {
  const Tensor filters = torch::empty({winograd_points, shape.out, shape.in}, x.options());
  Tensor y = torch::empty({shape.images, shape.out, shape.height, shape.width}, x.options());
  const auto* const w = weight.data_ptr<float>();
  auto* const u = filters.data_ptr<float>();
  at::parallel_for(0, shape.out, 8, [&](std::int64_t begin, std::int64_t end) {
    winograd_filters(shape, w, transposed, begin, end, u);
  });
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

/// libtorch's gradient of x, or of the weight.
Tensor libtorch_gradient(const Tensor& x, const Tensor& weight, const Tensor& dy, bool of_x) {
  const auto both = at::convolution_backward(dy, x, weight, c10::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                             {of_x, !of_x, false});
  return of_x ? std::get<0>(both) : std::get<1>(both);
}

Tensor forward_of(const ConvShape& shape, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return has_winograd(shape) ? winograd(shape, x, weight, bias, false) : libtorch_conv(x, weight, bias, 1, 1);
}

class Conv3x3Function : public torch::autograd::Function<Conv3x3Function> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    context->save_for_backward({x, weight});
    return forward_of(conv_shape(x, weight.size(0)), x, weight, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    TORCH_CHECK(!torch::GradMode::is_enabled(), "[conv3x3] has no second derivative.");
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor dy = gradients[0].contiguous();
    const ConvShape shape = conv_shape(x, weight.size(0));
    const ConvShape back = conv_shape(dy, x.size(1));
    Tensor dx;
    Tensor dweight;
    Tensor dbias;
    if (context->needs_input_grad(0))
      dx = has_winograd(back) ? winograd(back, dy, weight, {}, true) : libtorch_gradient(x, weight, dy, true);
    if (context->needs_input_grad(1)) {
      dweight = has_winograd(shape)               ? winograd_gradient_of_weight(shape, x, dy)
                : has_conv_weight_gradient(shape) ? direct_gradient_of_weight(shape, x, dy)
                                                  : libtorch_gradient(x, weight, dy, false);
    }
    if (context->needs_input_grad(2)) dbias = dy.sum({0, 2, 3});
    return {dx, dweight, dbias};
  }
};

}  // namespace

Tensor libtorch_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                     std::int64_t padding) {
  // libtorch's conv2d takes another algorithm for a single small image than for several, so that an image would change
  // with its batch. Asking oneDNN outright keeps to one.
  if (x.is_cpu() && x.scalar_type() == torch::kFloat && at::hasMKLDNN())
    return at::mkldnn_convolution(x, weight, bias, {padding, padding}, {stride, stride}, {1, 1}, 1);
  return torch::conv2d(x, weight, bias, stride, padding);
}

Tensor libtorch_conv_transpose(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                               at::IntArrayRef output_padding) {
  // As above: newer versions choose by the size of the batch. This one goes image by image.
  if (x.is_cpu() && x.scalar_type() == torch::kFloat)
    return at::slow_conv_transpose2d(x, weight, {weight.size(2), weight.size(3)}, bias, {stride, stride}, {0, 0},
                                     output_padding, {1, 1});
  return torch::conv_transpose2d(x, weight, bias, stride, 0, output_padding);
}

Tensor conv3x3(const Tensor& any_x, const Tensor& any_weight, const Tensor& bias) {
  if (!any_x.is_cpu() || any_x.scalar_type() != torch::kFloat || any_weight.scalar_type() != torch::kFloat)
    return libtorch_conv(any_x, any_weight, bias, 1, 1);
  const ConvShape shape = conv_shape(any_x, any_weight.size(0));
  if (!has_winograd(shape) && !has_conv_weight_gradient(shape)) return libtorch_conv(any_x, any_weight, bias, 1, 1);
  const Tensor x = any_x.contiguous();
  const Tensor weight = any_weight.contiguous();
  const bool learns = torch::GradMode::is_enabled() &&
                      (weight.requires_grad() || x.requires_grad() || (bias.defined() && bias.requires_grad()));
  return learns ? Conv3x3Function::apply(x, weight, bias) : forward_of(shape, x, weight, bias);
}

}  // namespace nodulus::nn
