#include "nodulus/process/preconditioning.h"

#include "nodulus/process/process.h"

namespace nodulus::process {

using torch::Tensor;

PreconditioningRows preconditioning_rows(const Process& process, const Tensor& sigma, torch::Device device) {
  const Tensor levels = sigma.to(torch::kCPU, torch::kDouble).contiguous();
  const std::int64_t count = levels.numel();
  const Tensor numbers = torch::empty({4, count}, torch::kDouble);
  auto* const out = numbers.data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const Preconditioning c = process.preconditioning(levels.data_ptr<double>()[i]);
    out[i] = c.skip;
    out[count + i] = c.out;
    out[2 * count + i] = c.in;
    out[3 * count + i] = c.c_noise;
  }
  const Tensor there = numbers.to(device);
  auto row = [&](int i) { return there[i].view({-1, 1, 1, 1}); };
  return {row(0), row(1), row(2), there[3].to(torch::kFloat)};
}

Denoiser Process::denoiser(NetworkFunction network) const {
  return [this, network = std::move(network)](const Tensor& x, const Tensor& sigma) {
    const PreconditioningRows c = preconditioning_rows(*this, sigma, x.device());
    return c.skip * x + c.out * network((c.in * x).to(torch::kFloat), c.c_noise).to(torch::kDouble);
  };
}

}  // namespace nodulus::process
