#include "nodulus/nn/squeezenet_weights.h"

// The file's bytes as they are, put there by the assembler.
asm(".section .rodata\n"
    ".balign 64\n"
    ".global nodulus_squeezenet_first\n"
    "nodulus_squeezenet_first:\n"
    ".incbin \"squeezenet10.safetensors\"\n"
    ".global nodulus_squeezenet_last\n"
    "nodulus_squeezenet_last:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const std::byte nodulus_squeezenet_first;
extern const std::byte nodulus_squeezenet_last;
}

namespace nodulus::nn {

std::span<const std::byte> squeezenet_weights() {
  return {&nodulus_squeezenet_first, static_cast<std::size_t>(&nodulus_squeezenet_last - &nodulus_squeezenet_first)};
}

}  // namespace nodulus::nn
