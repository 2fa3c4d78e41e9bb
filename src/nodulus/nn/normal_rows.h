#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

#include "nodulus/core/seed.h"

namespace nodulus::nn {

/// Standard normal numbers [count, one...], float32 on the CPU; row i is what `stream(i)` gives, whatever the others.
torch::Tensor normal_rows(std::int64_t count, at::IntArrayRef one,
                          const std::function<RandomStream(std::int64_t i)>& stream);

}  // namespace nodulus::nn
