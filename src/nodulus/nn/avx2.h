#pragma once

#include <cstdint>

/// Put before a kernel's definition: compiled for AVX2 with FMA whatever the target, so to be called only where
/// has_avx2(). Kernels without torch's headers use it; multiversion.h is for loops that need no more than a recompile.
#if defined(__x86_64__) && defined(__GNUC__)
#define NODULUS_AVX2 __attribute__((target("avx2,fma")))
#else
#define NODULUS_AVX2
#endif

namespace nodulus::nn {

constexpr std::int64_t lanes = 8;  ///< floats of a vector register

using Vector [[gnu::vector_size(lanes * sizeof(float))]] = float;
using Lanes [[gnu::aligned(sizeof(float)), gnu::may_alias]] = Vector;  ///< Loads from any float's address.

inline bool has_avx2() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool here = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return here;
#else
  return false;
#endif
}

/// Where oneDNN has kernels of twice the width.
inline bool has_avx512() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool here = __builtin_cpu_supports("avx512f");
  return here;
#else
  return false;
#endif
}

}  // namespace nodulus::nn
