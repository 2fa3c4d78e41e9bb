#pragma once

#include <cstddef>
#include <span>

namespace nodulus::nn {

/// models/squeezenet/squeezenet10.safetensors, which the program carries within itself.
std::span<const std::byte> squeezenet_weights();

}  // namespace nodulus::nn
