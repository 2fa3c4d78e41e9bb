#pragma once

#include "nodulus/core/manifest.h"
#include "nodulus/eval/copies.h"
#include "nodulus/eval/feature_store.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// Looks for training images among others, in all their turns, and knows how near held-out real images come to them.
class CopySearch {
 public:
  /// All must outlive it.
  CopySearch(const Images& training, const Images& held_out, FeatureStore& store);

  /// "copies": does a set repeat training images? As docs/formats.md has it.
  [[nodiscard]] Json report(const Images& images, std::string_view what);

 private:
  /// Nearest training images, by the root mean square difference in HU and by features.
  struct Found {
    Nearest pixel;
    Nearest feature;
  };
  [[nodiscard]] Found nearest(const Images& images, std::string_view what) const;

  const Images& training_;
  FeatureStore& store_;
  std::vector<torch::Tensor> turned_features_;
  torch::Tensor pixels_;  // [M, H W], HU
  Found held_out_;
};

}  // namespace nodulus::eval
