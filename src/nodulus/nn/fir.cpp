#include "nodulus/nn/fir.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <vector>

#include "nodulus/nn/device.h"
#include "nodulus/nn/fir_kernel.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::int64_t filtered_size(std::int64_t size, const FirStep& step) {
  return (size * step.up + step.before + step.after - 4) / step.down + 1;
}

FirPlan plan_fir(const Tensor& x, const FirStep& step) {
  const std::int64_t rows = x.size(2);
  const std::int64_t columns = x.size(3);
  return {rows,        columns,  filtered_size(rows, step), filtered_size(columns, step), step.up, step.down,
          step.before, step.gain};
}

/// The transposed operation: the filter is symmetric, so up and down change places.
FirPlan transposed(const FirPlan& plan) {
  return {plan.out_rows, plan.out_columns, plan.rows, plan.columns, plan.down, plan.up, 3 - plan.before, plan.gain};
}

Tensor filter(const Tensor& input, const FirPlan& plan) {
  const Tensor x = input.contiguous();
  Tensor y = torch::empty({x.size(0), x.size(1), plan.out_rows, plan.out_columns}, x.options());
  const std::int64_t planes = x.size(0) * x.size(1);
  if (!x.is_cpu()) {
    launch_on_device(x, "fir", [&](void* stream) {
      return fir_device(plan, element_of(x), planes, x.data_ptr(), y.data_ptr(), stream);
    });
    return y;
  }
  const auto* const in = x.data_ptr<float>();
  auto* const out = y.data_ptr<float>();
  at::parallel_for(0, planes, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(fir_scratch_size(plan)));
    for (std::int64_t i = begin; i < end; ++i)
      fir_plane(plan, in + i * plan.rows * plan.columns, out + i * plan.out_rows * plan.out_columns, scratch.data());
  });
  return y;
}

class FirFunction : public torch::autograd::Function<FirFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const FirPlan& plan) {
    const std::vector<std::int64_t> sizes{plan.rows, plan.columns, plan.out_rows, plan.out_columns,
                                          plan.up,   plan.down,    plan.before};
    context->saved_data["sizes"] = sizes;
    context->saved_data["gain"] = static_cast<double>(plan.gain);
    return filter(x, plan);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto s = context->saved_data["sizes"].toIntVector();
    const FirPlan plan{s[0],
                       s[1],
                       s[2],
                       s[3],
                       static_cast<int>(s[4]),
                       static_cast<int>(s[5]),
                       static_cast<int>(s[6]),
                       static_cast<float>(context->saved_data["gain"].toDouble())};
    return {FirFunction::apply(gradients[0], transposed(plan)), Tensor()};
  }
};

}  // namespace

Tensor fir(const Tensor& x, const FirStep& step) {
  TORCH_CHECK(x.dim() == 4 && x.size(2) % step.down == 0 && x.size(3) % step.down == 0,
              "[fir] x must be [N, C, H, W] with H and W divisible by ", step.down, ". Received ", x.sizes(), ".");
  if (form_of(x, true) == Form::reference) return fir_reference(x, step);
  const FirPlan plan = plan_fir(x, step);
  return torch::GradMode::is_enabled() && x.requires_grad() ? FirFunction::apply(x, plan) : filter(x, plan);
}

Tensor fir_reference(const Tensor& x, const FirStep& step) {
  const FirPlan plan = plan_fir(x, step);
  // type_as: an exported graph keeps the device of the constant, and goes to that of x by it.
  const Tensor taps = torch::tensor({1.0, 3.0, 3.0, 1.0}, x.options()).type_as(x) * (step.gain / 8);
  const Tensor kernel = torch::outer(taps, taps).reshape({1, 1, 4, 4});
  const Tensor planes = x.reshape({-1, 1, plan.rows, plan.columns});
  Tensor y;
  if (step.up == 2) {
    // The transposed convolution starts at the first pixel that the filter touches: that is before = 3.
    y = torch::conv_transpose2d(planes, kernel, {}, 2)
            .narrow(2, 3 - step.before, plan.out_rows)
            .narrow(3, 3 - step.before, plan.out_columns);
  } else {
    y = torch::conv2d(torch::constant_pad_nd(planes, {step.before, step.after, step.before, step.after}), kernel, {},
                      step.down);
  }
  return y.reshape({-1, x.size(1), plan.out_rows, plan.out_columns});
}

}  // namespace nodulus::nn
