#pragma once

#include <cstdint>

#include "nodulus/nn/bias_act_point.h"
#include "nodulus/nn/fir_kernel.h"
#include "nodulus/nn/warp_kernel.h"

/// The CUDA kernels of this folder, for callers that see no CUDA header. All pointers, those of a BiasActBatch too, are
/// to the device's memory; `stream` is a cudaStream_t of the current device. Each returns null, or what went wrong.
/// A program without CUDA has the same functions, which refuse.
namespace nodulus::nn {

enum class Element { float32, bfloat16 };

/// x [images, channels, pixels] -> y, both of `element`.
const char* bias_act_device(const BiasActBatch& batch, Element element, const void* x, void* y, void* stream);

/// dx from dy, and sums [3, images, channels]: dL/dbias, dL/dscale and dL/dstrength of each plane, always in the same
/// order of additions. x may be null where the scale is absent.
const char* bias_act_device_backward(const BiasActBatch& batch, Element element, const void* x, const void* y,
                                     const void* dy, void* dx, float* sums, void* stream);

/// x [planes, plan.rows, plan.columns] -> y [planes, plan.out_rows, plan.out_columns], both of `element`.
const char* fir_device(const FirPlan& plan, Element element, std::int64_t planes, const void* x, void* y, void* stream);

/// [images, channels, rows, columns], a plan each image.
struct WarpBatch {
  std::int64_t images = 0;
  std::int64_t channels = 0;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const WarpPlan* plans = nullptr;  ///< [images]
};

/// Floats of scratch memory that warp_device() needs.
std::int64_t warp_device_scratch(const WarpBatch& batch);

const char* warp_device(const WarpBatch& batch, const float* x, float* y, float* scratch, void* stream);
/// The transposed map: dy -> dx, which holds zeros before. The order of additions is not fixed.
const char* warp_device_transposed(const WarpBatch& batch, const float* dy, float* dx, void* stream);

}  // namespace nodulus::nn
