#pragma once

/// Before a function that both the program and, where nvcc reads it, a CUDA kernel calls.
#ifdef __CUDACC__
#define NODULUS_HOST_DEVICE __host__ __device__
#else
#define NODULUS_HOST_DEVICE
#endif

namespace nodulus::nn {

/// *sum += value; on a device without a race with its other threads, in no fixed order.
NODULUS_HOST_DEVICE inline void add_to(float* sum, float value) {
#ifdef __CUDA_ARCH__
  atomicAdd(sum, value);
#else
  *sum += value;
#endif
}

}  // namespace nodulus::nn
