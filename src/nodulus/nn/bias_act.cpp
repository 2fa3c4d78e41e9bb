#include "nodulus/nn/bias_act.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "nodulus/nn/bias_act_kernel.h"
#include "nodulus/nn/device.h"

namespace nodulus::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_there(const Tensor& t) { return t.defined() && t.numel() > 0; }

BiasActBatch batch_of(const Tensor& x, const Preactivation& terms, const Activation& activation) {
  auto numbers = [](const Tensor& t) { return is_there(t) ? t.data_ptr<float>() : nullptr; };
  BiasActBatch batch;
  batch.images = x.size(0);
  batch.channels = x.size(1);
  batch.pixels = x.size(2) * x.size(3);
  batch.scale = numbers(terms.scale);
  batch.noise = numbers(terms.noise);
  batch.strength = numbers(terms.strength);
  batch.bias = numbers(terms.bias);
  batch.has_noise_per_image = is_there(terms.noise) && terms.noise.size(0) > 1;
  batch.slope = static_cast<float>(activation.slope);
  batch.gain = static_cast<float>(activation.gain);
  batch.clamp = static_cast<float>(activation.clamp);
  // As y is rounded, so is the limit that backward finds it at: what is rounded to the limit counts as beyond.
  if (x.scalar_type() == torch::kBFloat16) batch.clamp = static_cast<float>(c10::BFloat16(batch.clamp));
  return batch;
}

Tensor forward_by_kernel(const Tensor& x, const Preactivation& terms, const Activation& activation) {
  Tensor y = torch::empty(x.sizes(), x.options().requires_grad(false));
  const BiasActBatch batch = batch_of(x, terms, activation);
  if (!x.is_cpu()) {
    launch_on_device(x, "bias_act", [&](void* stream) {
      return bias_act_device(batch, element_of(x), x.data_ptr(), y.data_ptr(), stream);
    });
    return y;
  }
  const auto* const in = x.data_ptr<float>();
  auto* const out = y.data_ptr<float>();
  at::parallel_for(0, batch.images * batch.channels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      bias_act_forward(bias_act_plane(batch, i), in + i * batch.pixels, out + i * batch.pixels);
  });
  return y;
}

/// dy by how the activation passes it on at y: a constant almost everywhere, so it has no gradient of its own.
Tensor through_activation(const Tensor& y, const Tensor& dy, const Activation& activation) {
  Tensor factor = torch::where(y > 0, torch::full({}, activation.gain, y.options()),
                               torch::full({}, activation.gain * activation.slope, y.options()));
  if (activation.clamp > 0) factor = factor * (y.abs() < activation.clamp);
  return dy * factor;
}

/// Gradients of x, scale, strength and bias; undefined where there is no such term.
struct Gradients {
  Tensor x, scale, strength, bias;
};

/// dx and the sums [3, N C] of bias, scale and strength.
std::pair<Tensor, Tensor> backward_planes(const Tensor& x, const BiasActBatch& batch, const Tensor& y,
                                          const Tensor& dy) {
  Tensor dx = torch::empty_like(dy);
  const std::int64_t planes = batch.images * batch.channels;
  Tensor sums = torch::empty({3, planes}, dy.options().dtype(torch::kFloat));
  auto* const all = sums.data_ptr<float>();
  const bool scaled = batch.scale != nullptr;
  if (!x.is_cpu()) {
    launch_on_device(x, "bias_act", [&](void* stream) {
      return bias_act_device_backward(batch, element_of(x), scaled ? x.data_ptr() : nullptr, y.data_ptr(),
                                      dy.data_ptr(), dx.data_ptr(), all, stream);
    });
    return {dx, sums};
  }
  at::parallel_for(0, planes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = i * batch.pixels;
      const BiasActSums s =
          bias_act_backward(bias_act_plane(batch, i), scaled ? x.data_ptr<float>() + at : nullptr,
                            y.data_ptr<float>() + at, dy.data_ptr<float>() + at, dx.data_ptr<float>() + at);
      all[i] = s.bias;
      all[planes + i] = s.scale;
      all[2 * planes + i] = s.strength;
    }
  });
  return {dx, sums};
}

Gradients backward_by_kernel(const Tensor& x, const Preactivation& terms, const Activation& activation, const Tensor& y,
                             const Tensor& dy) {
  const auto [dx, sums] = backward_planes(x, batch_of(x, terms, activation), y, dy.contiguous());
  Gradients g;
  g.x = dx;
  if (is_there(terms.bias)) g.bias = sums[0].view({x.size(0), x.size(1)}).sum(0);
  if (is_there(terms.scale)) g.scale = sums[1].view({x.size(0), x.size(1)});
  if (is_there(terms.strength)) g.strength = sums[2].sum().view(terms.strength.sizes());
  return g;
}

/// The same by operations that have derivatives themselves.
Gradients backward_by_operations(const Tensor& x, const Preactivation& terms, const Activation& activation,
                                 const Tensor& y, const Tensor& dy) {
  const Tensor passed = through_activation(y, dy, activation);
  Gradients g;
  g.x = is_there(terms.scale) ? passed * terms.scale.unsqueeze(-1).unsqueeze(-1) : passed;
  if (is_there(terms.bias)) g.bias = passed.sum({0, 2, 3});
  if (is_there(terms.scale)) g.scale = (passed * x).sum({2, 3});
  if (is_there(terms.strength)) g.strength = (passed * terms.noise).sum().view(terms.strength.sizes());
  return g;
}

class BiasAct : public torch::autograd::Function<BiasAct> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& scale, const Tensor& noise,
                        const Tensor& strength, const Tensor& bias, const Activation& activation) {
    Tensor y = forward_by_kernel(x, {scale, noise, strength, bias}, activation);
    context->save_for_backward({x, scale, noise, strength, bias, y});
    context->saved_data["activation"] = std::vector<double>{activation.slope, activation.gain, activation.clamp};
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto a = context->saved_data["activation"].toDoubleVector();
    const Activation activation{a[0], a[1], a[2]};
    const Preactivation terms{saved[1], saved[2], saved[3], saved[4]};
    const Tensor y = saved[5].detach();
    const Gradients g = torch::GradMode::is_enabled()
                            ? backward_by_operations(saved[0], terms, activation, y, gradients[0])
                            : backward_by_kernel(saved[0], terms, activation, y, gradients[0]);
    return {g.x, g.scale, Tensor(), g.strength, g.bias, Tensor()};
  }
};

void check_terms(const Tensor& x, const Preactivation& terms) {
  auto fits = [](const Tensor& t, at::IntArrayRef sizes) { return !t.defined() || t.sizes().equals(sizes); };
  TORCH_CHECK(fits(terms.scale, {x.size(0), x.size(1)}) && fits(terms.bias, {x.size(1)}) &&
                  (fits(terms.noise, {1, 1, x.size(2), x.size(3)}) ||
                   fits(terms.noise, {x.size(0), 1, x.size(2), x.size(3)})) &&
                  (!terms.strength.defined() || terms.strength.numel() == 1),
              "[bias_act] scale must be [N, C], noise [N or 1, 1, H, W], strength one number and bias [C], for x ",
              x.sizes(), ".");
}

}  // namespace

Tensor bias_act(const Tensor& x, const Preactivation& terms, const Activation& activation) {
  TORCH_CHECK(x.dim() == 4, "[bias_act] x must be [N, C, H, W]. Received ", x.sizes(), ".");
  const bool moves_noise = terms.noise.defined() && terms.noise.requires_grad();  // as a projection does
  if (moves_noise || form_of(x, true) == Form::reference) return bias_act_reference(x, terms, activation);
  check_terms(x, terms);
  const Tensor none = torch::empty({0}, x.options().dtype(torch::kFloat).requires_grad(false));
  auto contiguous = [&](const Tensor& t) { return t.defined() ? t.to(x.device(), torch::kFloat).contiguous() : none; };
  const Preactivation all{contiguous(terms.scale), contiguous(terms.noise), contiguous(terms.strength),
                          contiguous(terms.bias)};
  const bool learns = torch::GradMode::is_enabled() && (x.requires_grad() || all.scale.requires_grad() ||
                                                        all.strength.requires_grad() || all.bias.requires_grad());
  if (!learns) return forward_by_kernel(x.contiguous(), all, activation);
  return BiasAct::apply(x.contiguous(), all.scale, all.noise, all.strength, all.bias, activation);
}

Tensor bias_act_reference(const Tensor& x, const Preactivation& terms, const Activation& activation) {
  Tensor t = x;
  if (terms.scale.defined()) t = t * terms.scale.unsqueeze(-1).unsqueeze(-1);
  if (terms.noise.defined()) t = t + (terms.strength.defined() ? terms.noise * terms.strength : terms.noise);
  if (terms.bias.defined()) t = t + terms.bias.view({1, -1, 1, 1});
  if (activation.slope != 1) t = torch::leaky_relu(t, activation.slope);
  t = t * activation.gain;
  if (activation.clamp > 0) t = t.clamp(-activation.clamp, activation.clamp);
  return t.to(x.scalar_type());
}

}  // namespace nodulus::nn
