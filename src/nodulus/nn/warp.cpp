#include "nodulus/nn/warp.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "nodulus/nn/device.h"
#include "nodulus/nn/warp_kernel.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t bilinear = 0;
constexpr std::int64_t zeros_outside = 0;

// ---- grid_sample by its two linear maps

Tensor sample_values(const Tensor& x, const Tensor& grid) {
  return at::grid_sampler_2d(x, grid, bilinear, zeros_outside, false);
}

Tensor sample_transposed(const Tensor& dy, const Tensor& grid, at::IntArrayRef sizes) {
  return std::get<0>(at::grid_sampler_2d_backward(dy, torch::empty(sizes, dy.options()), grid, bilinear, zeros_outside,
                                                  false, {true, false}));
}

/// x -> its samples, or, `transposed`, samples -> x of `sizes`.
class SampleBilinear : public torch::autograd::Function<SampleBilinear> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& grid, bool transposed,
                        std::vector<std::int64_t> sizes) {
    context->save_for_backward({grid});
    context->saved_data["transposed"] = transposed;
    context->saved_data["sizes"] = sizes;
    return transposed ? sample_transposed(x, grid, sizes) : sample_values(x, grid);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const bool transposed = context->saved_data["transposed"].toBool();
    return {
        apply(gradients[0], context->get_saved_variables()[0], !transposed, context->saved_data["sizes"].toIntVector()),
        Tensor(), Tensor(), Tensor()};
  }
};

// ---- The whole warp by our kernels

/// y = W x or, `transposed`, W^T x, by the device's kernels.
Tensor warp_on_device(const Tensor& x, const std::vector<WarpPlan>& plans, bool transposed) {
  Tensor y = transposed ? torch::zeros(x.sizes(), x.options().requires_grad(false))
                        : torch::empty(x.sizes(), x.options().requires_grad(false));
  const auto bytes = static_cast<std::int64_t>(plans.size() * sizeof(WarpPlan));
  const Tensor there = copied_to_device(plans.data(), bytes, x);
  const WarpBatch batch{x.size(0), x.size(1), x.size(2), x.size(3), static_cast<const WarpPlan*>(there.data_ptr())};
  const Tensor scratch = torch::empty({transposed ? 0 : warp_device_scratch(batch)}, y.options());
  launch_on_device(x, "warp", [&](void* stream) {
    const auto* const in = x.data_ptr<float>();
    auto* const out = y.data_ptr<float>();
    return transposed ? warp_device_transposed(batch, in, out, stream)
                      : warp_device(batch, in, out, scratch.data_ptr<float>(), stream);
  });
  return y;
}

Tensor warp_by_kernel(const Tensor& any_x, const Tensor& inverse, bool transposed) {
  const Tensor x = any_x.contiguous();
  std::vector<WarpPlan> plans;
  for (std::int64_t i = 0; i < x.size(0); ++i)
    plans.push_back(plan_warp(x.size(2), x.size(3), inverse.data_ptr<double>() + 6 * i));
  if (!x.is_cpu()) return warp_on_device(x, plans, transposed);
  Tensor y = torch::empty(x.sizes(), x.options().requires_grad(false));
  const std::int64_t channels = x.size(1);
  const std::int64_t pixels = x.size(2) * x.size(3);
  const auto* const in = x.data_ptr<float>();
  auto* const out = y.data_ptr<float>();
  at::parallel_for(0, x.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch;
    for (std::int64_t i = begin; i < end; ++i) {
      const WarpPlan& plan = plans[static_cast<std::size_t>(i)];
      if (plan.still) {
        std::copy_n(in + i * channels * pixels, channels * pixels, out + i * channels * pixels);
        continue;
      }
      scratch.resize(static_cast<std::size_t>(warp_scratch(plan)));
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t at = (i * channels + c) * pixels;
        (transposed ? warp_plane_transposed : warp_plane)(plan, in + at, out + at, scratch.data());
      }
    }
  });
  return y;
}

class Warp : public torch::autograd::Function<Warp> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& inverse, bool transposed) {
    context->save_for_backward({inverse});
    context->saved_data["transposed"] = transposed;
    return warp_by_kernel(x, inverse, transposed);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const bool transposed = context->saved_data["transposed"].toBool();
    return {apply(gradients[0], context->get_saved_variables()[0], !transposed), Tensor(), Tensor()};
  }
};

// ---- The reference

/// Every plane of x filtered along both axes by libtorch's convolution.
Tensor filtered(const Tensor& x, const Tensor& taps, std::int64_t stride) {
  const Tensor planes = x.reshape({-1, 1, x.size(2), x.size(3)});
  const Tensor down = torch::conv2d(planes, taps.view({1, 1, -1, 1}), {}, {stride, 1});
  const Tensor both = torch::conv2d(down, taps.view({1, 1, 1, -1}), {}, {1, stride});
  return both.reshape({x.size(0), x.size(1), both.size(2), both.size(3)});
}

Tensor symlet(const Tensor& like) {
  return torch::tensor(std::vector<double>(std::begin(symlet6), std::end(symlet6)), torch::kDouble).to(like.options());
}

/// Zeros between the pixels, then the filter.
Tensor enlarged(const Tensor& x) {
  const std::int64_t rows = x.size(2);
  const std::int64_t columns = x.size(3);
  Tensor spread = x.reshape({x.size(0), x.size(1), rows, 1, columns, 1});
  spread = torch::constant_pad_nd(spread, {0, 1, 0, 0, 0, 1}).reshape({x.size(0), x.size(1), 2 * rows, 2 * columns});
  return filtered(torch::constant_pad_nd(spread, {6, 5, 6, 5}), 2 * symlet(x).flip(0), 1);
}

}  // namespace

Tensor sample_bilinear(const Tensor& x, const Tensor& grid) {
  return SampleBilinear::apply(x, grid, false, x.sizes().vec());
}

Tensor warp(const Tensor& x, const Tensor& inverse) {
  TORCH_CHECK(x.dim() == 4 && inverse.is_cpu() && inverse.scalar_type() == torch::kDouble &&
                  inverse.sizes().equals({x.size(0), 2, 3}),
              "[warp] x must be [N, C, H, W] and inverse [N, 2, 3] float64 on the CPU. Received ", x.sizes(), " and ",
              inverse.sizes(), ".");
  if (form_of(x, false) == Form::reference) return warp_reference(x, inverse);
  return Warp::apply(x, inverse.contiguous(), false);
}

Tensor warp_reference(const Tensor& x, const Tensor& inverse) {
  const std::int64_t rows = x.size(2);
  const std::int64_t columns = x.size(3);
  const Tensor maps = inverse.contiguous();
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    const WarpPlan plan = plan_warp(rows, columns, maps.data_ptr<double>() + 6 * i);
    if (plan.still) {
      images.push_back(x.narrow(0, i, 1));
      continue;
    }
    const Tensor large =
        enlarged(torch::reflection_pad2d(x.narrow(0, i, 1), {plan.left, plan.right, plan.top, plan.bottom}));
    const Tensor column = torch::arange(2 * (columns + warp_border), torch::kDouble);
    const Tensor row = torch::arange(2 * (rows + warp_border), torch::kDouble).unsqueeze(1);
    auto position = [&](std::size_t first, std::int64_t size) {  // in [-1, 1] over the pixels' outer edges
      const Tensor at = plan.map[first] * column + plan.map[first + 1] * row + plan.map[first + 2];
      return (2 * at + 1) / static_cast<double>(size) - 1;
    };
    const Tensor grid =
        torch::stack({position(0, large.size(3)), position(3, large.size(2))}, -1).unsqueeze(0).to(x.options());
    const Tensor sampled = sample_bilinear(large, grid);
    images.push_back(filtered(sampled.slice(2, 1, -1).slice(3, 1, -1), symlet(x), 2));
  }
  return torch::cat(images);
}

}  // namespace nodulus::nn
