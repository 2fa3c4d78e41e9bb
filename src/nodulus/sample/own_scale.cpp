#include "nodulus/sample/own_scale.h"

#include "nodulus/core/error.h"

namespace nodulus::sample {

const process::Sde& sde_of(const SamplerInput& input) {
  if (input.sde == nullptr) throw Error(ErrorCode::internal, "this sampler follows an SDE: expected one, found none");
  return *input.sde;
}

OwnScale own_scale(const process::Sde& sde, double sigma_from, double sigma_to) {
  const double t_from = sde.time_of(sigma_from);
  const double t_to = sde.time_of(sigma_to);
  return {t_from, t_to, sde.scale(t_from), sde.scale(t_to)};
}

torch::Tensor score(const torch::Tensor& x_t, const torch::Tensor& clean, double s, double sigma) {
  return (s * clean - x_t) / (s * sigma * s * sigma);
}

}  // namespace nodulus::sample
