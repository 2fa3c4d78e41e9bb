// In place of the .cu files where the program is built without CUDA. form_of() sends nothing here.
#include "nodulus/nn/device_kernels.h"

namespace nodulus::nn {
namespace {

constexpr const char* built_without = "this program is built without CUDA kernels";

}  // namespace

const char* bias_act_device(const BiasActBatch& /*batch*/, Element /*element*/, const void* /*x*/, void* /*y*/,
                            void* /*stream*/) {
  return built_without;
}

const char* bias_act_device_backward(const BiasActBatch& /*batch*/, Element /*element*/, const void* /*x*/,
                                     const void* /*y*/, const void* /*dy*/, void* /*dx*/, float* /*sums*/,
                                     void* /*stream*/) {
  return built_without;
}

const char* fir_device(const FirPlan& /*plan*/, Element /*element*/, std::int64_t /*planes*/, const void* /*x*/,
                       void* /*y*/, void* /*stream*/) {
  return built_without;
}

std::int64_t warp_device_scratch(const WarpBatch& /*batch*/) { return 0; }

const char* warp_device(const WarpBatch& /*batch*/, const float* /*x*/, float* /*y*/, float* /*scratch*/,
                        void* /*stream*/) {
  return built_without;
}

const char* warp_device_transposed(const WarpBatch& /*batch*/, const float* /*dy*/, float* /*dx*/, void* /*stream*/) {
  return built_without;
}

}  // namespace nodulus::nn
