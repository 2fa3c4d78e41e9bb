#pragma once

#include <filesystem>
#include <memory>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/eval/extractor.h"
#include "nodulus/eval/feature_store.h"
#include "nodulus/eval/image_set.h"
#include "nodulus/eval/sample.h"

namespace nodulus::eval {

/// Tells how far several draws of one model are from real images, by FD and the kernel distance, each at the same
/// number of images: what a comparison of samplers needs.
class SweepJudge {
 public:
  /// `features` and `cache` as in EvaluateOptions. The data set and the monitor must outlive it. Throws Error{usage}
  /// where the view does not fit the data set, or it has no held-out images.
  SweepJudge(const data::Dataset& dataset, const View& view, const std::filesystem::path& features,
             const std::filesystem::path& cache, Monitor& monitor);

  /// {"fd", "interval", "kid"} of generated images against the training images.
  [[nodiscard]] Json figures(const Images& images, int bootstrap, std::uint64_t seed);
  /// {"count", "fd", "kid"}: the same of as many held-out real images, or of all there are.
  [[nodiscard]] Json floor(std::int64_t count, std::uint64_t seed) const;
  [[nodiscard]] const FeatureExtractor& extractor() const { return *extractor_; }

 private:
  std::unique_ptr<FeatureExtractor> extractor_;
  FeatureStore store_;
  Sample training_;
  Sample held_out_;
};

}  // namespace nodulus::eval
