#include "nodulus/core/seed.h"

#include <cmath>
#include <numbers>

namespace nodulus {
namespace {

/// The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection with full avalanche.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

float unit_interval(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24F; }

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  constexpr std::uint64_t multiplier_0 = 0xD2511F53;
  constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
  constexpr std::uint32_t weyl_0 = 0x9E3779B9;
  constexpr std::uint32_t weyl_1 = 0xBB67AE85;
  auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  std::array<std::uint32_t, 4> x{low(counter_low), high(counter_low), low(counter_high), high(counter_high)};
  std::uint32_t key_0 = low(key);
  std::uint32_t key_1 = high(key);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = multiplier_0 * x[0];
    const std::uint64_t product_1 = multiplier_1 * x[2];
    x = {high(product_1) ^ x[1] ^ key_0, low(product_1), high(product_0) ^ x[3] ^ key_1, low(product_0)};
    key_0 += weyl_0;
    key_1 += weyl_1;
  }
  return x;
}

std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose) {
  std::uint64_t hash = mix(seed + 0x9e3779b97f4a7c15ULL);
  for (const char c : purpose) hash = mix(hash ^ static_cast<unsigned char>(c)) + 0x9e3779b97f4a7c15ULL;
  return mix(hash);
}

std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t index) {
  return mix(mix(seed + 0x9e3779b97f4a7c15ULL) ^ mix(index + 0xd1b54a32d192ed03ULL));
}

void RandomStream::fill_normal(std::span<float> out) const {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto bits = philox(seed_, i / 4, stream_);
    std::array<float, 4> normal{};
    for (std::size_t pair = 0; pair < 4; pair += 2) {
      const float u = 1.0F - unit_interval(bits[pair]);  // (0, 1]: the logarithm stays finite
      const float radius = std::sqrt(-2.0F * std::log(u));
      const float angle = 2.0F * std::numbers::pi_v<float> * unit_interval(bits[pair + 1]);
      normal[pair] = radius * std::cos(angle);
      normal[pair + 1] = radius * std::sin(angle);
    }
    for (std::size_t k = 0; k < 4 && i + k < out.size(); ++k) out[i + k] = normal[k];
  }
}

void RandomStream::fill_uniform(std::span<float> out) const {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto bits = philox(seed_, i / 4, stream_);
    for (std::size_t k = 0; k < 4 && i + k < out.size(); ++k) out[i + k] = unit_interval(bits[k]);
  }
}

std::uint64_t RandomStream::below(std::uint64_t index, std::uint64_t bound) const {
  const auto bits = philox(seed_, index, stream_);
  const std::uint64_t wide = (static_cast<std::uint64_t>(bits[1]) << 32) | bits[0];
  // Multiply-shift instead of a remainder; the bias is below bound / 2^64.
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(wide) * bound) >> 64);
}

}  // namespace nodulus
