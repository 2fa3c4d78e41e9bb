#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

namespace nodulus::nn {

/// The convolutions of SqueezeNet 1.0 (Iandola et al. 2016, arXiv 1602.07360) trained on ImageNet, for grey images: the
/// weights are on board, and nothing of them is trained. The first layer's three channels are added up into one, which
/// changes no output and saves two thirds of it.
class SqueezeNet {
 public:
  explicit SqueezeNet(torch::Device device = torch::kCPU);

  /// What each layer gives, after its ReLU, for images [N, 1, H, W] in [-1, 1], black to white, H and W >= 35: conv1
  /// [N, 96, ...], fire2 and 3 [N, 128, ...], fire4 and 5 [N, 256, ...], fire6 and 7 [N, 384, ...], fire8 and 9
  /// [N, 512, ...]. Differentiable in the images.
  [[nodiscard]] std::vector<torch::Tensor> features(const torch::Tensor& images) const;

  /// The last of features(), averaged over pixels: [N, 512]. Not differentiable; on the CPU two to three times as fast,
  /// as pooling is ours, ReLU works on what is pooled and few enough images are at work to stay in the caches.
  [[nodiscard]] torch::Tensor summary(const torch::Tensor& images) const;

 private:
  [[nodiscard]] torch::Tensor convolved(const torch::Tensor& x, const std::string& name, std::int64_t stride,
                                        std::int64_t padding) const;
  /// Of fire modules, before the ReLU.
  [[nodiscard]] torch::Tensor expanded(const torch::Tensor& x, const std::string& name) const;
  [[nodiscard]] torch::Tensor layer(const torch::Tensor& x, const std::string& name, std::int64_t stride,
                                    std::int64_t padding) const;

  std::map<std::string, torch::Tensor> weights_;
};

/// How unlike two images look: the distance of Zhang et al. 2018 (arXiv 1801.03924, equation 1) with all weights 1. The
/// features of conv1, fire3, fire5 and fire6 to fire9 are brought to length 1 in every pixel; their squared differences
/// are summed over channels, averaged over pixels and added up. Images of less than 128 pixels a side are enlarged to
/// that first; each channel of an image, such as a mask, is looked at as a grey image of its own.
class PerceptualDistance {
 public:
  /// To `target` [1, C, H, W] in [-1, 1].
  explicit PerceptualDistance(const torch::Tensor& target);
  /// x [N, C, H, W] -> [N], differentiable.
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  [[nodiscard]] std::vector<torch::Tensor> directions(const torch::Tensor& x) const;

  SqueezeNet network_;
  std::vector<torch::Tensor> target_;
};

}  // namespace nodulus::nn
