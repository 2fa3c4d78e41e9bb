#pragma once

#include "nodulus/sample/sampler.h"

namespace nodulus::sample {

/// From one level to the next. The variance of `ancestral` is the forward step's where the SDE has a drift (arXiv
/// 2011.13456, eq. 4) and the posterior's where it has none (eq. 47), as published. `none` keeps x_t as it is.
enum class Predictor { reverse_diffusion, euler_maruyama, ancestral, none };

/// Langevin steps at one level.
enum class Corrector { langevin, annealed_langevin, none };

struct PredictorCorrectorOptions {
  Predictor predictor = Predictor::reverse_diffusion;
  Corrector corrector = Corrector::langevin;
  double snr = 0.16;        ///< r in algorithms 4 and 5: how long a corrector's step is.
  int corrector_steps = 1;  ///< M in algorithm 1.
};

/// Predictor-corrector sampling (Song et al. 2021, arXiv 2011.13456, algorithms 1 to 5). At each level, with
/// x_t = s(t) x, first M corrector steps, then the predictor, as the authors' program does it (algorithms 2 and 3 put
/// the corrector behind the predictor, which differs at the two ends only):
///   x_t = x_t + e score(x_t) + sqrt(2 e) z
///   langevin:           e = 2 a (r |z| / |score|)^2       (algorithms 4 and 5)
///   annealed_langevin:  e = 2 a (r s sigma)^2             (Song & Ermon 2019, scaled by the level's deviation)
/// a = (s(t_from) / s(t_to))^2, which is 1 - beta_i for VP and 1 for VE; sub-VP takes that of its own scale. The norms
/// are those of each image by itself; the authors take their mean over the batch, which would couple images. With D
/// pixels this adds 4/D to the variance that langevin steps settle at, and their length r^2.
/// The step to 0 returns D. Throws Error{usage} where both predictor and corrector are none.
torch::Tensor predictor_corrector(const SamplerInput& input, const PredictorCorrectorOptions& options);

/// M, or 0 without a corrector.
std::int64_t corrections(const PredictorCorrectorOptions& options);

}  // namespace nodulus::sample
