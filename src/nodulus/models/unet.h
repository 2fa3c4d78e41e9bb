#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nodulus/models/network.h"

namespace nodulus::models {

/// The U-Net of Ho et al. 2020 (arXiv 2006.11239, appendix B). The defaults are its CIFAR-10 setting, 35,746,307
/// parameters.
struct UnetOptions {
  int image_channels = 3;
  int resolution = 32;  ///< Height and width; divisible by 2 for every level after the first.
  int channels = 128;   ///< Of the first level; a multiple of 4.
  std::vector<int> multipliers{1, 2, 2, 2};
  int blocks = 2;                              ///< Residual blocks a level (one more on the way up).
  std::vector<int> attention_resolutions{16};  ///< Self-attention where the feature map has this height.
  double dropout = 0.1;
};

/// Throws Error{usage} naming the first option that makes no network.
void check(const UnetOptions& options);

std::shared_ptr<Network> make_unet(const UnetOptions& options);

/// FLOP (2 a multiply-add) of one image's forward pass: convolutions, linear layers and attention products.
double forward_flop(const UnetOptions& options);

}  // namespace nodulus::models
