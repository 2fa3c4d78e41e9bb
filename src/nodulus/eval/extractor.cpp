#include "nodulus/eval/extractor.h"

#include <fmt/format.h>
#include <torch/script.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/eval/inception.h"
#include "nodulus/eval/state_dict.h"
#include "nodulus/nn/squeezenet.h"
#include "nodulus/nn/squeezenet_weights.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

// pytorch-fid's pt_inception-2015-12-05-6726825d.pth and StyleGAN2-ADA's inception-2015-12-05.pt.
constexpr std::array<std::string_view, 2> fid_networks = {
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"};
constexpr std::int64_t squeezenet_features = 512;
constexpr std::int64_t squeezenet_side = 64;
// Brings the features of nodules to a mean square of about .2, of the size of Inception's: no more than a unit.
constexpr double squeezenet_unit = 64;
constexpr std::int64_t tried_side = 64;
constexpr double half_white = 127.5;

std::string shape_of(const Tensor& t) { return fmt::format("[{}]", fmt::join(t.sizes(), ", ")); }

void expect_grey(const Tensor& images) {
  if (images.dim() != 4 || images.size(1) != 1 || images.numel() == 0 || images.scalar_type() != torch::kFloat)
    throw Error(ErrorCode::internal,
                fmt::format("features: expected float32 images [N, 1, H, W], found {}", shape_of(images)));
}

/// Grey levels 0 to 255, still float32, as in an 8-bit picture.
Tensor grey_levels(const Tensor& images) { return ((images + 1) * half_white).round_().clamp_(0, 2 * half_white); }

/// What an exception says on its last line, which is where TorchScript says what went wrong.
std::string last_line(const std::exception& error) {
  const auto* const own = dynamic_cast<const c10::Error*>(&error);
  std::string text = own != nullptr ? own->what_without_backtrace() : error.what();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class SqueezeNetExtractor : public FeatureExtractor {
 public:
  SqueezeNetExtractor() {
    Sha256 sum;
    sum.update(nn::squeezenet_weights());
    hash_ = sum.hex();
  }

  [[nodiscard]] std::string name() const override { return "SqueezeNet"; }
  [[nodiscard]] std::string distance_name() const override { return "FD (SqueezeNet)"; }
  [[nodiscard]] std::int64_t dimension() const override { return squeezenet_features; }
  [[nodiscard]] std::string hash() const override { return hash_; }

  [[nodiscard]] Tensor features(const Tensor& images) override {
    const torch::NoGradGuard no_grad;
    expect_grey(images);
    const std::int64_t side = std::min(images.size(2), images.size(3));
    if (side >= squeezenet_side) return network_.summary(images) / squeezenet_unit;
    const auto enlarged = [&](std::int64_t n) {
      return std::llround(static_cast<double>(n * squeezenet_side) / static_cast<double>(side));
    };
    const Tensor seen = at::upsample_bilinear2d(images, {enlarged(images.size(2)), enlarged(images.size(3))}, false);
    return network_.summary(seen) / squeezenet_unit;
  }

 private:
  nn::SqueezeNet network_;
  std::string hash_;
};

class InceptionExtractor : public FeatureExtractor {
 public:
  explicit InceptionExtractor(const std::filesystem::path& file)
      : network_(read_state_dict(file), file.string()),
        file_name_(file.filename().string()),
        hash_(sha256_file(file)) {}

  [[nodiscard]] std::string name() const override {
    if (network_.variant() == Inception::Variant::torchvision) return "Inception (torchvision)";
    return is_fid_network(hash_) ? "Inception (2015)" : file_name_;
  }
  [[nodiscard]] std::string distance_name() const override {
    if (network_.variant() == Inception::Variant::torchvision) return "FD (Inception, torchvision)";
    return is_fid_network(hash_) ? "FID" : fmt::format("FD ({})", file_name_);
  }
  [[nodiscard]] std::int64_t dimension() const override { return Inception::dimension; }
  [[nodiscard]] std::string hash() const override { return hash_; }

  [[nodiscard]] Tensor features(const Tensor& images) override {
    const torch::NoGradGuard no_grad;
    expect_grey(images);
    return network_.features(grey_levels(images) / half_white - 1);
  }

 private:
  Inception network_;
  std::string file_name_;
  std::string hash_;
};

class ScriptExtractor : public FeatureExtractor {
 public:
  explicit ScriptExtractor(const std::filesystem::path& file)
      : where_(file.string()), file_name_(file.filename().string()), hash_(sha256_file(file)) {
    const torch::NoGradGuard no_grad;
    try {
      module_ = torch::jit::load(where_, torch::kCPU);
      module_.eval();
    } catch (const std::exception& error) {
      fail("a whole TorchScript module", last_line(error));
    }
    const auto forward = module_.find_method("forward");
    if (!forward) fail("a TorchScript module with a method forward()", "none");
    for (const auto& argument : forward->function().getSchema().arguments())
      if (argument.name() == "return_features") options_["return_features"] = true;
    dimension_ = called(torch::full({1, 1, tried_side, tried_side}, -1.0F)).size(1);
  }

  [[nodiscard]] std::string name() const override { return is_fid_network(hash_) ? "Inception (2015)" : file_name_; }
  [[nodiscard]] std::string distance_name() const override {
    return is_fid_network(hash_) ? "FID" : fmt::format("FD ({})", file_name_);
  }
  [[nodiscard]] std::int64_t dimension() const override { return dimension_; }
  [[nodiscard]] std::string hash() const override { return hash_; }

  [[nodiscard]] Tensor features(const Tensor& images) override {
    const torch::NoGradGuard no_grad;
    expect_grey(images);
    Tensor found = called(images);
    if (found.size(1) != dimension_)
      fail(fmt::format("{} features, as of the first image", dimension_), std::to_string(found.size(1)));
    return found;
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected {}, found {}", where_, expected, found));
  }

  Tensor called(const Tensor& images) {
    const Tensor colours = grey_levels(images).to(torch::kByte).repeat({1, 3, 1, 1});
    torch::IValue given;
    try {
      given = module_.get_method("forward")({colours}, options_);
    } catch (const std::exception& error) {
      fail(fmt::format("forward() to take uint8 images {}", shape_of(colours)), fmt::format("'{}'", last_line(error)));
    }
    const std::string expected = fmt::format("forward() to return features [{}, D]", images.size(0));
    if (!given.isTensor()) fail(expected, given.tagKind());
    const Tensor found = given.toTensor();
    if (found.dim() != 2 || found.size(0) != images.size(0) || found.size(1) == 0) fail(expected, shape_of(found));
    if (!found.is_floating_point()) fail(expected + " of floating-point numbers", c10::toString(found.scalar_type()));
    return found.to(torch::kFloat).contiguous();
  }

  std::string where_;
  std::string file_name_;
  std::string hash_;
  torch::jit::Module module_;
  std::unordered_map<std::string, torch::IValue> options_;
  std::int64_t dimension_ = 0;
};

}  // namespace

bool is_fid_network(std::string_view sha256) {
  return std::find(fid_networks.begin(), fid_networks.end(), sha256) != fid_networks.end();
}

std::unique_ptr<FeatureExtractor> open_extractor(const std::filesystem::path& file) {
  if (file.empty()) return std::make_unique<SqueezeNetExtractor>();
  switch (torch_file_kind(file)) {
    case TorchFileKind::script: return std::make_unique<ScriptExtractor>(file);
    case TorchFileKind::state_dict: return std::make_unique<InceptionExtractor>(file);
    case TorchFileKind::other: break;
  }
  throw Error(
      ErrorCode::bad_input,
      fmt::format("{}: expected TorchScript or the weights of an Inception v3, found another file", file.string()));
}

}  // namespace nodulus::eval
