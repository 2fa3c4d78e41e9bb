#include "nodulus/nn/conv3x3.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "nodulus/nn/conv_weight_gradient_kernel.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

ConvShape conv_shape(const Tensor& x, const Tensor& weight) {
  return {x.size(0), x.size(1), weight.size(0), x.size(2), x.size(3)};
}

Tensor weight_gradient(const ConvShape& shape, const Tensor& x, const Tensor& dy) {
  const ConvGradientPlan plan = plan_conv_weight_gradient(shape);
  const Tensor partial = torch::empty({plan.chunks, shape.out, shape.in, 3, 3}, x.options());
  at::parallel_for(0, plan.groups * plan.chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task)
      conv_weight_gradient(shape, plan, task, x.data_ptr<float>(), dy.data_ptr<float>(), partial.data_ptr<float>());
  });
  return partial.sum(0);
}

class Conv3x3Function : public torch::autograd::Function<Conv3x3Function> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    context->save_for_backward({x, weight});
    return libtorch_conv(x, weight, bias, 1, 1);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor x = saved[0].contiguous();
    const Tensor& weight = saved[1];
    const Tensor dy = gradients[0].contiguous();
    Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = std::get<0>(at::convolution_backward(dy, x, weight, c10::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                                {true, false, false}));
    }
    return {dx, weight_gradient(conv_shape(x, weight), x, dy), dy.sum({0, 2, 3})};
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

Tensor conv3x3(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool ours = torch::GradMode::is_enabled() && weight.requires_grad() && x.is_cpu() &&
                    x.scalar_type() == torch::kFloat && has_conv_weight_gradient(conv_shape(x, weight));
  return ours ? Conv3x3Function::apply(x, weight, bias) : libtorch_conv(x, weight, bias, 1, 1);
}

}  // namespace nodulus::nn
