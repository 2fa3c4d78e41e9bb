#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "nodulus/eval/state_dict.h"
#include "nodulus/nn/convolution.h"

namespace nodulus::eval {

/// Inception v3 (Szegedy et al. 2015, arXiv 1512.00567, table 1 and figures 5 to 7) up to its last average pooling, for
/// grey images, with weights under torchvision's names. Two networks have these names and differ in their poolings of
/// 3x3 and stride 1:
///
/// - The one that its makers published in December 2015 and that FID is defined on, as pytorch-fid has it: an average
/// is
///   over the pixels within the image alone, and the last block takes the largest value instead. It has 1008 outputs.
/// - torchvision's, which was trained later (1000 outputs, AuxLogits): averages count the zeros around as pixels, in
/// the
///   last block too.
///
/// Both take images in [-1, 1]: torchvision's own pre-processing (less the means, by the deviations of ImageNet) is
/// undone by its transform_input.
class Inception {
 public:
  enum class Variant { fid, torchvision };
  static constexpr std::int64_t dimension = 2048;

  /// The network is told from the file: with 1000 outputs (fc.weight) or AuxLogits it is torchvision's, with 1008 or
  /// without fc it is FID's. The batch norms (eps 0.001) are taken into the convolutions. `where` is for messages.
  /// Error{bad_input} where tensors are missing or have other shapes than the network.
  explicit Inception(const StateDict& weights, const std::string& where);

  [[nodiscard]] Variant variant() const { return variant_; }

  /// images [N, 1, H, W] float32 in [-1, 1], black to white, N > 0 -> [N, 2048] float32, without gradients. Images are
  /// brought to 299x299 by bilinear interpolation without smoothing, with the pixels' areas laid over each other, as
  /// pytorch-fid does (align_corners=false). FID's first program (TensorFlow of 2015) lays the first pixel's centre
  /// over the first pixel's centre instead, and so does the TorchScript of StyleGAN2-ADA: their features of images of
  /// another size differ a little. Error{internal} where images have another shape.
  [[nodiscard]] torch::Tensor features(const torch::Tensor& images);

 private:
  struct Layer {
    torch::Tensor weight;
    torch::Tensor bias;
    nn::FilterCache filters;
  };

  void load(const StateDict& weights, const std::string& where);
  [[nodiscard]] torch::Tensor run(torch::Tensor x);

  Variant variant_ = Variant::fid;
  std::map<std::string, Layer> layers_;
};

}  // namespace nodulus::eval
