#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "nodulus/core/monitor.h"
#include "nodulus/eval/extractor.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// Features of images, computed once: what was computed is kept in a folder under a name made of what it follows from
/// (weights, pixels, window, turn).
class FeatureStore {
 public:
  /// `folder`: "" keeps nothing. The extractor and the monitor must outlive it.
  FeatureStore(FeatureExtractor& extractor, std::filesystem::path folder, Monitor& monitor);

  /// Of all images, turned as eval::turned() does: [N, D] float64. `what`, such as "images/", is for progress. Throws
  /// Error{stopped} when the monitor asks. What cannot be kept is a warning.
  [[nodiscard]] torch::Tensor features(const Images& images, int turn, std::string_view what);

  [[nodiscard]] std::int64_t computed() const { return computed_; }  ///< Images that were not kept.
  [[nodiscard]] double seconds() const { return seconds_; }          ///< Spent on them.

 private:
  [[nodiscard]] torch::Tensor compute(const Images& images, int turn, std::string_view what);
  void keep(const std::filesystem::path& file, const torch::Tensor& features);

  FeatureExtractor& extractor_;
  std::filesystem::path folder_;
  Monitor& monitor_;
  std::int64_t computed_ = 0;
  double seconds_ = 0;
  bool warned_ = false;
};

}  // namespace nodulus::eval
