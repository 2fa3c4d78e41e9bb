#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/train/checkpoint.h"

/// record.json of images/: what the images cost, how their model was trained, and how one of them came about, so that
/// evaluation and report need no model.
namespace nodulus::app {

/// The largest memory that this process has held so far, in bytes.
std::int64_t peak_memory_bytes();

/// What one image looked like on its way from noise, taken down as a sampler asks its denoiser.
class PathRecorder {
 public:
  /// x [N, C, H, W] before a denoiser's answer at noise level `sigma`. Image 0 is kept, until it is done.
  void see(const torch::Tensor& x, double sigma);
  /// "strips": forward, `image` [C, H, W] with more and more noise added, and backward, as it was found. Null where
  /// nothing was seen.
  [[nodiscard]] Json strips(const torch::Tensor& image, WindowHu window, std::uint64_t seed) const;

 private:
  std::vector<torch::Tensor> states_;
  std::vector<double> sigmas_;
  bool done_ = false;
};

/// How images were generated, for the record's "cost".
struct GenerationCost {
  double seconds = 0;
  std::int64_t images = 0;
  std::int64_t evaluations = 0;  ///< Of the network, an image.
  std::int64_t parameters = 0;   ///< Of what draws.
  std::string device;
  int threads = 0;
};

/// "cost": of generating and, from the checkpoint and its run's metrics.jsonl where that is beside it, of training.
Json cost_json(const GenerationCost& cost, const std::filesystem::path& checkpoint, const train::CheckpointInfo& info);

/// Writes folder/record.json. `insertion`: what was put into a real scan; null where nothing was.
void write_record(const std::filesystem::path& folder, const train::CheckpointInfo& info,
                  const std::string& model_sha256, const Json& cost, const Json& strips, const Json& insertion = {});

}  // namespace nodulus::app
