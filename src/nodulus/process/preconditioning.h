#pragma once

#include <torch/types.h>

namespace nodulus::process {

class Process;

/// How a network becomes a denoiser at one noise level (Karras et al. 2022, arXiv 2206.00364, equation 7):
///   D(x; sigma) = skip x + out F(in x; c_noise)
struct Preconditioning {
  double skip = 1;
  double out = 0;
  double in = 1;
  double c_noise = 0;
};

/// Those of several noise levels.
struct PreconditioningRows {
  torch::Tensor skip;  ///< [N, 1, 1, 1] float64, as are out and in.
  torch::Tensor out;
  torch::Tensor in;
  torch::Tensor c_noise;  ///< [N] float32.
};

/// sigma [N] float64, wherever; the rows are on `device`. Each level by itself and in the CPU's own arithmetic, so that
/// an image does not depend on the batch that it is in: a vectorised logarithm may round a number otherwise in another
/// place.
PreconditioningRows preconditioning_rows(const Process& process, const torch::Tensor& sigma, torch::Device device);

}  // namespace nodulus::process
