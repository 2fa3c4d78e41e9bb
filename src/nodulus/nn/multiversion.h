#pragma once

/// Put before a kernel's definition: the compiler makes one version for AVX2 with FMA and one for any machine of the
/// target, and the loader picks at program start. Elsewhere it is nothing.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NODULUS_MULTIVERSION __attribute__((target_clones("arch=haswell", "default")))
#else
#define NODULUS_MULTIVERSION
#endif
