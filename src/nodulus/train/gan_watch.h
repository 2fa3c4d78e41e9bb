#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/train/gan_step.h"

namespace nodulus::train {

/// Looks at a training's figures for what a person at the screen would stop it for: the discriminator has won, p has
/// run to 1, the generator draws one image. Each is told once, and again where it had gone and comes back.
class GanWatch {
 public:
  /// `adapts`: p is adapted; a fixed one is the user's own.
  explicit GanWatch(bool adapts) : adapts_(adapts) {}

  /// What there is to say after this step, each with what to try. Judges the means over `window` steps, and nothing in
  /// the first `patience`.
  std::vector<std::string> see(std::int64_t step, const GanResult& result);

  static constexpr std::int64_t window = 100;
  static constexpr std::int64_t patience = 500;

 private:
  bool adapts_;
  std::int64_t count_ = 0;
  double generator_loss_ = 0;
  double sign_ = 0;
  double spread_ = 0;
  std::array<bool, 3> told_{};
};

}  // namespace nodulus::train
