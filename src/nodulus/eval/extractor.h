#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace nodulus::eval {

/// Turns grey CT images into feature vectors. One thread at a time.
class FeatureExtractor {
 public:
  FeatureExtractor() = default;
  FeatureExtractor(const FeatureExtractor&) = delete;
  FeatureExtractor& operator=(const FeatureExtractor&) = delete;
  virtual ~FeatureExtractor() = default;

  /// "SqueezeNet", "Inception (2015)", "Inception (torchvision)", or the file's name.
  [[nodiscard]] virtual std::string name() const = 0;
  /// What a Frechet distance between such features is called: "FD (SqueezeNet)", "FID", "FD (FILE.pt)".
  [[nodiscard]] virtual std::string distance_name() const = 0;
  /// Features an image.
  [[nodiscard]] virtual std::int64_t dimension() const = 0;
  /// SHA-256 of the weights, for a cache of features.
  [[nodiscard]] virtual std::string hash() const = 0;
  /// images [N, 1, H, W] float32 in [-1, 1], black to white, N > 0 -> [N, dimension] float32, without gradients. An
  /// image's features depend on itself alone. Error{internal} where images have another shape, Error{bad_input} where
  /// a file's network fails.
  [[nodiscard]] virtual torch::Tensor features(const torch::Tensor& images) = 0;
};

/// Opens what turns images into features:
///
/// - "": the SqueezeNet on board; the last layer's 512 maps, averaged over pixels, over 64. Images whose smaller side
/// is less
///   than 64 pixels are enlarged to that. It was trained on photographs and is small: its distances compare among
///   themselves, not with published figures.
/// - A state dict of an Inception v3 (inception.h), pytorch-fid's or torchvision's: 2048 features, from images rounded
///   to 8 bits, as those are that published figures were taken from.
/// - TorchScript: called with uint8 [N, 3, H, W] in 0..255, the grey image three times, as the metrics of StyleGAN2-ADA
///   do (Karras et al. 2020, arXiv 2006.06676), and with return_features=True if forward() has such an argument; it
///   enlarges images itself. What it returns must be [N, D] floating-point numbers. It is tried out on a black image of
///   64x64 when it is opened. TorchScript is a program: open none that you would not run.
///
/// A distance is called FID where the file is, by its SHA-256, one of the two that carry the network that FID is
/// defined on (Heusel et al. 2017, arXiv 1706.08500): pt_inception-2015-12-05-6726825d.pth of pytorch-fid, or
/// inception-2015-12-05.pt of StyleGAN2-ADA.
///
/// Error{not_found}; Error{bad_input} where the file is none of these, is damaged, or returns another shape.
std::unique_ptr<FeatureExtractor> open_extractor(const std::filesystem::path& file);

/// Whether that SHA-256 is the one of a file that carries FID's network.
bool is_fid_network(std::string_view sha256);

}  // namespace nodulus::eval
