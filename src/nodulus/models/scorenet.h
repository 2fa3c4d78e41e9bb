#pragma once

#include <memory>
#include <vector>

#include "nodulus/models/network.h"

namespace nodulus::models {

/// The small network of the tutorial on score-based models by Song (2021, github.com/yang-song/score_sde), which the
/// seed of this project trained: four convolutions without padding down, four transposed ones back, each stage joined
/// to the one of its size. The defaults at 28x28 and one channel are the tutorial's, 1,115,297 parameters. Its division
/// by the deviation at time t is the process's business; c_noise is t.
struct ScoreNetOptions {
  int image_channels = 1;
  int labels = 0;                               ///< Numbers that an image is asked for by; 0: none.
  int resolution = 28;                          ///< Height and width, at least 16.
  std::vector<int> channels{32, 64, 128, 256};  ///< Of the four stages; multiples of 4.
  int embedding = 256;                          ///< Channels of the embedding of t; even.
};

/// Throws Error{usage} naming the first option that makes no network.
void check(const ScoreNetOptions& options);

std::shared_ptr<Network> make_scorenet(const ScoreNetOptions& options);

/// FLOP (2 a multiply-add) of one image's forward pass: convolutions and linear layers.
double forward_flop(const ScoreNetOptions& options);

}  // namespace nodulus::models
