#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace nodulus {

/// Philox4x32-10, a counter-based generator: block n of a key is a pure function of (key, n), so nothing has
/// to be stored to resume, and any image or sample can be drawn alone, in any order, on any thread.
/// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// A new seed for one use of `seed`. The same (seed, purpose) gives the same result on every machine; different
/// purposes give unrelated streams.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose);
std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t index);

/// The random numbers of one seed. `stream` tells uses apart (a sampler's step, for example); within a stream,
/// element i of what is filled does not depend on how many are asked for.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Independent standard normal numbers (Box-Muller on 24-bit uniforms).
  void fill_normal(std::span<float> out) const;
  /// Uniform in [0, 1), multiples of 2^-24.
  void fill_uniform(std::span<float> out) const;
  /// Element `index` of the stream's uniform integers in [0, bound); bound >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t index, std::uint64_t bound) const;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace nodulus
