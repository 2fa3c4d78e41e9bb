#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// For the .cu files alone.
namespace nodulus::nn {

/// One dimension of blocks, `chunks` of them for each plane: a plane's pixels are shared out among them.
struct PlaneGrid {
  std::int64_t planes = 0;
  unsigned chunks = 1;
  unsigned threads = 32;  ///< Of a block, a multiple of 32.
};

/// Blocks for `planes` planes of `pixels` pixels, `each` pixels a thread.
inline PlaneGrid plane_grid(std::int64_t planes, std::int64_t pixels, std::int64_t each) {
  constexpr std::int64_t most = 256;
  PlaneGrid grid;
  grid.planes = planes;
  const std::int64_t wanted = (pixels + each - 1) / each;
  grid.threads = static_cast<unsigned>(wanted >= most ? most : (wanted < 1 ? 32 : (wanted + 31) / 32 * 32));
  const std::int64_t chunks = (wanted + grid.threads - 1) / grid.threads;
  grid.chunks = static_cast<unsigned>(chunks < 1 ? 1 : chunks);
  return grid;
}

/// Launches kernel(arguments...); null, or what went wrong.
template <class... Parameters, class... Arguments>
const char* launch(void (*kernel)(Parameters...), const PlaneGrid& grid, void* stream, Arguments... arguments) {
  const std::int64_t blocks = grid.planes * grid.chunks;
  if (blocks == 0) return nullptr;
  if (blocks > 0x7fffffff) return "too many pixels for one launch";
  kernel<<<static_cast<unsigned>(blocks), grid.threads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  const cudaError_t status = cudaGetLastError();
  return status == cudaSuccess ? nullptr : cudaGetErrorString(status);
}

/// The plane of this block, and the first pixel of this thread and the step to its next.
struct PlanePlace {
  std::int64_t plane;
  std::int64_t first;
  std::int64_t step;
};

__device__ inline PlanePlace plane_place(unsigned chunks) {
  const unsigned plane = blockIdx.x / chunks;
  const unsigned chunk = blockIdx.x - plane * chunks;
  return {plane, static_cast<std::int64_t>(chunk) * blockDim.x + threadIdx.x,
          static_cast<std::int64_t>(chunks) * blockDim.x};
}

}  // namespace nodulus::nn
