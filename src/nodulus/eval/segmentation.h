#pragma once

#include <cstdint>
#include <functional>

#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// How well outlines found by a network agree with those of the readers.
struct OutlineQuality {
  double dice = 0;  ///< Mean over held-out real images: 2 |A and B| / (|A| + |B|); 1 where both are empty.
  std::int64_t images = 0;
  std::int64_t trained_on = 0;
  int epochs = 0;
};

/// Outlines for images that came without: a small U-Net (Ronneberger et al. 2015, arXiv 1505.04597), two levels of 16
/// and 32 channels, learnt from the training images and the readers' consensus, turned and flipped, by cross-entropy
/// and soft Dice, from a seed. It finds the nodule in the middle of a patch, as nodulus cuts them, and is no detector.
class OutlineNetwork {
 public:
  struct Impl;

  /// Trains. `on_epoch` (done, all) may throw to stop. Throws Error{usage} where the images have no masks, or a side
  /// that is no multiple of 4.
  OutlineNetwork(const Images& training, int epochs, std::uint64_t seed,
                 const std::function<void(int done, int all)>& on_epoch);
  ~OutlineNetwork();
  OutlineNetwork(const OutlineNetwork&) = delete;
  OutlineNetwork& operator=(const OutlineNetwork&) = delete;

  /// [count, height, width], 1 within: of each image the connected part that lies nearest to the middle.
  [[nodiscard]] std::vector<std::uint8_t> outlines(const Images& images) const;
  [[nodiscard]] OutlineQuality quality(const Images& held_out) const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodulus::eval
