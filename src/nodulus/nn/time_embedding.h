#pragma once

#include <torch/types.h>

namespace nodulus::nn {

/// Sinusoidal embedding of t [N] as [N, dim]: sin(t f_i) then cos(t f_i), f_i = 10000^(-i / (dim/2 - 1)).
/// Vaswani et al. 2017, section 3.5, in the form of Ho et al. 2020 (frequencies end exactly at 1/10000).
torch::Tensor sinusoidal_embedding(const torch::Tensor& t, std::int64_t dim);

}  // namespace nodulus::nn
