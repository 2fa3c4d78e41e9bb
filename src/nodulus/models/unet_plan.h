#pragma once

#include <string>
#include <vector>

#include "nodulus/models/unet.h"

namespace nodulus::models {

enum class UnetPartKind {
  conv_in,          ///< First convolution.
  residual,         ///< Residual block.
  residual_down,    ///< Residual block that halves the size (`biggan`).
  residual_up,      ///< Residual block that doubles it.
  attention,        ///< Self-attention.
  downsample,       ///< Convolution that halves the size (`ddpm`).
  upsample,         ///< Convolution that doubles it.
  input_skip,       ///< The image, made smaller, joins through a pointwise convolution.
  input_residual,   ///< The image, made smaller by convolutions, is the residual connection.
  output_skip,      ///< An image of this level is added to the enlarged one of the level below.
  output_first,     ///< The lowest level's features, from which output_residual starts.
  output_residual,  ///< They, enlarged by convolutions, are the residual connection.
  conv_out,         ///< Normalisation and last convolution.
};

/// A part of the U-Net, in the order in which an image passes through them.
struct UnetPart {
  UnetPartKind kind;
  std::string name;  ///< Of its module.
  int in = 0;        ///< Channels that its layers take, and give.
  int out = 0;
  int resolution = 0;       ///< Height of what it gives.
  bool keep = false;        ///< The way up takes what it gives: a skip connection.
  bool takes_skip = false;  ///< Takes the newest kept feature map beside what came before.
};

/// The structure of the network, which is built from it and whose work is counted from it.
std::vector<UnetPart> unet_parts(const UnetOptions& options);

/// Channels of the embedding of c_noise, and of what the residual blocks take.
int embedding_features(const UnetOptions& options);
inline int embedding_channels(const UnetOptions& options) { return 4 * options.channels; }
/// Heads of self-attention over so many channels.
int attention_heads(const UnetOptions& options, int channels);

}  // namespace nodulus::models
