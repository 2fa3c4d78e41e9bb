#include "nodulus/nn/group_norm_silu.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "nodulus/nn/group_norm_silu_kernel.h"
#include "nodulus/nn/plain_operations.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

GroupShape shape_of(const Tensor& x, std::int64_t groups) { return {x.size(1) / groups, x.size(2) * x.size(3)}; }

/// Numbers from one image's weights to the next one's.
std::int64_t image_stride(const Tensor& weight) { return weight.dim() == 2 && weight.size(0) > 1 ? weight.size(1) : 0; }

class GroupNormSiluFunction : public torch::autograd::Function<GroupNormSiluFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weights, const Tensor& biases,
                        std::int64_t groups, double eps) {
    const Tensor x = input.contiguous();
    const Tensor weight = weights.contiguous();
    const Tensor bias = biases.contiguous();
    Tensor y = torch::empty_like(x);
    Tensor mean = torch::empty({x.size(0) * groups}, x.options());
    Tensor rstd = torch::empty_like(mean);
    const GroupShape shape = shape_of(x, groups);
    const std::int64_t stride = shape.channels * shape.area;
    const std::int64_t own = image_stride(weight);
    const auto* in = x.data_ptr<float>();
    auto* out = y.data_ptr<float>();
    at::parallel_for(0, mean.numel(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t channel = i / groups * own + i % groups * shape.channels;
        group_norm_silu_forward(shape, in + i * stride, weight.data_ptr<float>() + channel,
                                bias.data_ptr<float>() + channel, static_cast<float>(eps), out + i * stride,
                                mean.data_ptr<float>() + i, rstd.data_ptr<float>() + i);
      }
    });
    context->save_for_backward({x, weight, bias, mean, rstd});
    context->saved_data["groups"] = groups;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const std::int64_t groups = context->saved_data["groups"].toInt();
    const Tensor dy = gradients[0].contiguous();
    Tensor dx = torch::empty_like(x);
    // One row an image, summed at the end: no two threads write to one place, and the order of sums is fixed.
    Tensor dweight = torch::empty({x.size(0), x.size(1)}, x.options());
    Tensor dbias = torch::empty_like(dweight);
    const GroupShape shape = shape_of(x, groups);
    const std::int64_t stride = shape.channels * shape.area;
    const std::int64_t own = image_stride(saved[1]);
    at::parallel_for(0, x.size(0) * groups, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t channel = i / groups * own + i % groups * shape.channels;
        group_norm_silu_backward(shape, x.data_ptr<float>() + i * stride, saved[1].data_ptr<float>() + channel,
                                 saved[2].data_ptr<float>() + channel, saved[3].data_ptr<float>()[i],
                                 saved[4].data_ptr<float>()[i], dy.data_ptr<float>() + i * stride,
                                 dx.data_ptr<float>() + i * stride, dweight.data_ptr<float>() + i * shape.channels,
                                 dbias.data_ptr<float>() + i * shape.channels);
      }
    });
    if (own > 0) return {dx, dweight, dbias, Tensor(), Tensor()};
    const bool row = saved[1].dim() == 2;
    return {dx, dweight.sum(0, row), dbias.sum(0, row), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor group_norm_silu(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps) {
  TORCH_CHECK(x.dim() == 4 && x.size(1) % groups == 0, "[group_norm_silu] x must be [N, C, H, W] with C divisible by ",
              groups, ". Received ", x.sizes(), ".");
  TORCH_CHECK(weight.sizes() == bias.sizes() && weight.size(-1) == x.size(1) &&
                  (weight.dim() == 1 || (weight.dim() == 2 && (weight.size(0) == 1 || weight.size(0) == x.size(0)))),
              "[group_norm_silu] weight and bias must be [C], [1, C] or [N, C] of x ", x.sizes(), ". Received ",
              weight.sizes(), " and ", bias.sizes(), ".");
  const bool ours = !PlainOperations::active() && x.is_cpu() && x.scalar_type() == torch::kFloat &&
                    weight.scalar_type() == torch::kFloat && bias.scalar_type() == torch::kFloat;
  return ours ? GroupNormSiluFunction::apply(x, weight, bias, groups, eps)
              : group_norm_silu_reference(x, weight, bias, groups, eps);
}

Tensor group_norm_silu_reference(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups,
                                 double eps) {
  if (weight.dim() == 1) return torch::silu(torch::group_norm(x, groups, weight, bias, eps));
  auto each = [](const Tensor& rows) { return rows.unsqueeze(-1).unsqueeze(-1); };
  return torch::silu(torch::group_norm(x, groups, {}, {}, eps) * each(weight) + each(bias));
}

GroupNormImpl::GroupNormImpl(std::int64_t channels, std::int64_t groups, double eps)
    : groups_(groups),
      eps_(eps),
      weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))) {}

}  // namespace nodulus::nn
