#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nodulus/models/network.h"

namespace nodulus::models {

/// One U-Net for the networks of several papers. The defaults are DDPM's: Ho et al. 2020 (arXiv 2006.11239, appendix
/// B), its CIFAR-10 setting, 35,746,307 parameters. The options beyond it are those of Song et al. 2021 (arXiv
/// 2011.13456, section 4.4 and appendix H), in the terms of that paper, and of Dhariwal and Nichol 2021 (arXiv
/// 2105.05233, section 3), whose networks are those of Nichol and Dhariwal 2021 (arXiv 2102.09672), too.
struct UnetOptions {
  int image_channels = 3;
  int labels = 0;       ///< Numbers that an image is asked for by; 0: none.
  int resolution = 32;  ///< Height and width; divisible by `patch`, and by 2 for every level after the first.
  /// The network sees squares of patch x patch pixels as one pixel of patch^2 times the channels, a quarter of the work
  /// for 2 (Luhman and Luhman 2022, arXiv 2207.04316). Its levels, and attention_resolutions, are those of the squares.
  int patch = 1;
  int channels = 128;  ///< Of the first level; a multiple of 4.
  std::vector<int> multipliers{1, 2, 2, 2};
  int blocks = 2;                              ///< Residual blocks a level (one more on the way up).
  std::vector<int> attention_resolutions{16};  ///< Self-attention where the feature map has this height.
  double dropout = 0.1;
  /// On the way up attention follows `every` block (Ho) or only the `last` of a level (Song).
  std::string attention_up = "every";
  /// `ddpm`: levels are joined by convolutions. `biggan`: by residual blocks that resample (Brock et al. 2019).
  std::string block = "ddpm";
  bool fir = false;                      ///< Resample with the filter [1, 3, 3, 1] (nn/fir.h).
  bool skip_rescale = false;             ///< Divide each sum of a residual connection by sqrt 2.
  std::string embedding = "positional";  ///< Of c_noise: `positional`, or `fourier` (nn/time_embedding.h).
  double fourier_scale = 16;             ///< Deviation of the Fourier frequencies,
  /// unless they are given, as those of a network from elsewhere are: one for each channel of the first level.
  std::vector<double> fourier_frequencies;
  std::string progressive = "none";         ///< Growing output: `none`, `output_skip`, `residual`.
  std::string progressive_input = "none";   ///< Shrinking input: `none`, `input_skip`, `residual`.
  std::string progressive_combine = "sum";  ///< How input_skip joins: `sum` or `cat`.
  /// Initial scale of the pointwise layers in attention and, with block `ddpm`, on the shortcut: 1 (Ho), 0.1 (Song).
  double pointwise_init_scale = 1.0;
  /// `adm`: the small print of Dhariwal and Nichol's networks. Norms of 32 groups with epsilon 1e-5, a convolution on
  /// the shortcut only where channels change, strided convolutions padded on all sides, cosines before sines in the
  /// embedding, and a first convolution to the channels of the first level's blocks. `ddpm`: that of Ho and Song.
  std::string form = "ddpm";
  int heads = 1;             ///< Of self-attention,
  int head_channels = 0;     ///< or as many as give a head this many channels; 0: `heads`.
  bool scale_shift = false;  ///< The embedding scales and shifts the second norm of a block, rather than being added.
};

/// DDPM++ (continuous) for CIFAR-10: 61,804,419 parameters; with blocks = 8, "deep", 106,632,579.
UnetOptions ddpmpp_options();
/// NCSN++ (continuous) for CIFAR-10: 62,758,787 parameters; with blocks = 8, "deep", 107,586,947. The paper's division
/// of the output by sigma is the process's business.
UnetOptions ncsnpp_options();

/// ADM for 64x64, without labels and learnt variance: 295,131,267 parameters.
UnetOptions adm_options();

/// Throws Error{usage} naming the first option that makes no network.
void check(const UnetOptions& options);

std::shared_ptr<Network> make_unet(const UnetOptions& options);

/// FLOP (2 a multiply-add) of one image's forward pass: convolutions, linear layers and attention products.
double forward_flop(const UnetOptions& options);

}  // namespace nodulus::models
