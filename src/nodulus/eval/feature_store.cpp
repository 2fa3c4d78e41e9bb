#include "nodulus/eval/feature_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/npy.h"
#include "nodulus/eval/copies.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr std::int64_t images_at_a_time = 32;

std::string feature_key(const FeatureExtractor& extractor, const Images& images, int turn) {
  Sha256 sum;
  sum.update(fmt::format("features 2\n{}\n{} {} {} {} {} {}\n", extractor.hash(), images.count, images.height,
                         images.width, images.window_hu.lo, images.window_hu.hi, turn));
  sum.update(std::as_bytes(std::span(images.hu)));
  return sum.hex();
}

}  // namespace

FeatureStore::FeatureStore(FeatureExtractor& extractor, std::filesystem::path folder, Monitor& monitor)
    : extractor_(extractor), folder_(std::move(folder)), monitor_(monitor) {}

Tensor FeatureStore::features(const Images& images, int turn, std::string_view what) {
  if (folder_.empty()) return compute(images, turn, what);
  const std::filesystem::path file = folder_ / (feature_key(extractor_, images, turn) + ".npy");
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) {
    try {
      const NpyMap kept = NpyMap::open(file);
      kept.expect(NpyType::float32, std::array<std::int64_t, 2>{images.count, extractor_.dimension()});
      Tensor features = torch::empty({images.count, extractor_.dimension()}, torch::kFloat);
      std::memcpy(features.data_ptr(), kept.values<float>().data(), kept.values<float>().size_bytes());
      return features.to(torch::kDouble);
    } catch (const Error& error) {
      monitor_.warn(fmt::format("{}: computed anew", error.what()));
    }
  }
  Tensor features = compute(images, turn, what);
  keep(file, features.to(torch::kFloat).contiguous());
  return features;
}

Tensor FeatureStore::compute(const Images& images, int turn, std::string_view what) {
  const auto began = std::chrono::steady_clock::now();
  Tensor all = torch::empty({images.count, extractor_.dimension()}, torch::kDouble);
  for (std::int64_t at = 0; at < images.count; at += images_at_a_time) {
    if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
    const std::int64_t n = std::min(images_at_a_time, images.count - at);
    all.narrow(0, at, n).copy_(extractor_.features(turned(images.scaled(at, n), turn).contiguous()));
    monitor_.progress({"features", at + n, images.count, "images", what});
  }
  computed_ += images.count;
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return all;
}

void FeatureStore::keep(const std::filesystem::path& file, const Tensor& features) {
  std::error_code error;
  try {
    std::filesystem::create_directories(folder_, error);
    const std::filesystem::path beside = temporary_sibling(file);
    NpyWriter writer(beside, NpyType::float32, {features.size(1)});
    writer.append(std::span<const float>(features.data_ptr<float>(), static_cast<std::size_t>(features.numel())));
    writer.close();
    std::filesystem::rename(beside, file, error);
    if (error) std::filesystem::remove(beside, error);
  } catch (const Error& failure) {
    if (!warned_) monitor_.warn(fmt::format("features are not kept: {}", failure.what()));
    warned_ = true;
  }
}

}  // namespace nodulus::eval
