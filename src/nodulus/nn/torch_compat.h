#pragma once

#include <ATen/autocast_mode.h>
#include <torch/types.h>
#include <torch/version.h>

/// Where libtorch 1.13 and 2.x differ. The rest of the program does not ask which one it was built against.
namespace nodulus::nn {

/// Turns on bfloat16 autocasting on CUDA for the life of the object; does nothing where `on` is false.
class Bfloat16Scope {
 public:
  explicit Bfloat16Scope(bool on) : on_(on) {
    if (!on_) return;
    at::autocast::increment_nesting();
    set(true);
  }
  Bfloat16Scope(const Bfloat16Scope&) = delete;
  Bfloat16Scope& operator=(const Bfloat16Scope&) = delete;
  ~Bfloat16Scope() {
    if (!on_) return;
    set(false);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  }

 private:
  static void set(bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, on);
#else
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(on);
#endif
  }

  bool on_;
};

}  // namespace nodulus::nn
