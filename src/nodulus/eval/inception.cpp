#include "nodulus/eval/inception.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "nodulus/core/error.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

constexpr double epsilon = 0.001;
constexpr std::int64_t side = 299;
constexpr std::int64_t images_at_once = 16;  // bounds the memory: 22 MB an image in the first layers
constexpr std::int64_t fid_outputs = 1008;
constexpr std::int64_t torchvision_outputs = 1000;

// ---- The network as a table

/// What a branch does before its convolutions.
enum class Pool { none, average, halve };

/// A convolution with its ReLU. One of stride 1 keeps the size of its image unless it is `valid`.
struct Step {
  enum class How { same, valid, halve, beside };  // beside: of what the step before saw, put after what that gave

  std::string name;
  std::int64_t out = 0;
  std::int64_t height = 1;
  std::int64_t width = 1;
  How how = How::same;
};

using How = Step::How;

struct Branch {
  Pool pool = Pool::none;
  std::vector<Step> steps;
};

/// Branches that all see the block's input; what they give is put together.
struct Block {
  std::string name;  // before its convolutions' names
  std::vector<Branch> branches;
};

Block block_a(const std::string& name, std::int64_t pooled) {
  return {name,
          {{Pool::none, {{"branch1x1", 64}}},
           {Pool::none, {{"branch5x5_1", 48}, {"branch5x5_2", 64, 5, 5}}},
           {Pool::none, {{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3}}},
           {Pool::average, {{"branch_pool", pooled}}}}};
}

Block block_c(const std::string& name, std::int64_t inner) {
  return {name,
          {{Pool::none, {{"branch1x1", 192}}},
           {Pool::none, {{"branch7x7_1", inner}, {"branch7x7_2", inner, 1, 7}, {"branch7x7_3", 192, 7, 1}}},
           {Pool::none,
            {{"branch7x7dbl_1", inner},
             {"branch7x7dbl_2", inner, 7, 1},
             {"branch7x7dbl_3", inner, 1, 7},
             {"branch7x7dbl_4", inner, 7, 1},
             {"branch7x7dbl_5", 192, 1, 7}}},
           {Pool::average, {{"branch_pool", 192}}}}};
}

Block block_e(const std::string& name) {
  return {name,
          {{Pool::none, {{"branch1x1", 320}}},
           {Pool::none, {{"branch3x3_1", 384}, {"branch3x3_2a", 384, 1, 3}, {"branch3x3_2b", 384, 3, 1, How::beside}}},
           {Pool::none,
            {{"branch3x3dbl_1", 448},
             {"branch3x3dbl_2", 384, 3, 3},
             {"branch3x3dbl_3a", 384, 1, 3},
             {"branch3x3dbl_3b", 384, 3, 1, How::beside}}},
           {Pool::average, {{"branch_pool", 192}}}}};
}

const std::vector<Block>& network() {
  static const std::vector<Block> blocks = {
      {"",
       {{Pool::none,
         {{"Conv2d_1a_3x3", 32, 3, 3, How::halve},
          {"Conv2d_2a_3x3", 32, 3, 3, How::valid},
          {"Conv2d_2b_3x3", 64, 3, 3}}}}},
      {"", {{Pool::halve, {{"Conv2d_3b_1x1", 80}, {"Conv2d_4a_3x3", 192, 3, 3, How::valid}}}}},
      {"", {{Pool::halve, {}}}},
      block_a("Mixed_5b.", 32),
      block_a("Mixed_5c.", 64),
      block_a("Mixed_5d.", 64),
      {"Mixed_6a.",
       {{Pool::none, {{"branch3x3", 384, 3, 3, How::halve}}},
        {Pool::none, {{"branch3x3dbl_1", 64}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3, How::halve}}},
        {Pool::halve, {}}}},
      block_c("Mixed_6b.", 128),
      block_c("Mixed_6c.", 160),
      block_c("Mixed_6d.", 160),
      block_c("Mixed_6e.", 192),
      {"Mixed_7a.",
       {{Pool::none, {{"branch3x3_1", 192}, {"branch3x3_2", 320, 3, 3, How::halve}}},
        {Pool::none,
         {{"branch7x7x3_1", 192},
          {"branch7x7x3_2", 192, 1, 7},
          {"branch7x7x3_3", 192, 7, 1},
          {"branch7x7x3_4", 192, 3, 3, How::halve}}},
        {Pool::halve, {}}}},
      block_e("Mixed_7b."),
      block_e("Mixed_7c.")};
  return blocks;
}

// ---- Weights

/// A tensor of the file as float64. Error{bad_input} where it is missing or has another shape.
Tensor weight_of(const StateDict& weights, const std::string& name, const std::vector<std::int64_t>& sizes,
                 const std::string& where) {
  const auto found = weights.find(name);
  const auto shown = [](at::IntArrayRef s) { return fmt::format("[{}]", fmt::join(s.begin(), s.end(), ", ")); };
  if (found == weights.end() || found->second.sizes() != at::IntArrayRef(sizes))
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected the weights of Inception v3, with a tensor '{}' {}, found {}", where, name,
                            shown(sizes), found == weights.end() ? "none" : shown(found->second.sizes())));
  return found->second.to(torch::kDouble);
}

Inception::Variant variant_of(const StateDict& weights, const std::string& where) {
  const auto outputs = weights.find("fc.weight");
  const auto aux = weights.lower_bound("AuxLogits.");
  const bool has_aux = aux != weights.end() && aux->first.starts_with("AuxLogits.");
  if (outputs == weights.end()) return has_aux ? Inception::Variant::torchvision : Inception::Variant::fid;
  const std::int64_t count = outputs->second.dim() == 2 ? outputs->second.size(0) : 0;
  if (count == fid_outputs && !has_aux) return Inception::Variant::fid;
  if (count == torchvision_outputs) return Inception::Variant::torchvision;
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: expected an Inception v3 of {} outputs (FID's) or {} (torchvision's), found {}", where,
                          fid_outputs, torchvision_outputs, count));
}

// ---- Layers

/// y = x * weight + bias, by one algorithm whatever the batch, so that an image's features do not depend on it.
Tensor convolved(const Tensor& x, const Step& step, const Tensor& weight, const Tensor& bias,
                 nn::FilterCache& filters) {
  const std::int64_t stride = step.how == How::halve ? 2 : 1;
  const bool padded = step.how == How::same || step.how == How::beside;
  const std::int64_t above = padded ? step.height / 2 : 0;
  const std::int64_t beside = padded ? step.width / 2 : 0;
  if (step.height == step.width) return nn::convolve(x, weight, bias, stride, above, &filters).relu_();
  const Tensor y = at::hasMKLDNN() ? at::mkldnn_convolution(x, weight, bias, {above, beside}, {1, 1}, {1, 1}, 1)
                                   : torch::conv2d(x, weight, bias, 1, {above, beside});
  return y.relu_();
}

}  // namespace

Inception::Inception(const StateDict& weights, const std::string& where) : variant_(variant_of(weights, where)) {
  const torch::NoGradGuard no_grad;
  load(weights, where);
}

void Inception::load(const StateDict& weights, const std::string& where) {
  std::int64_t in = 3;
  for (const Block& block : network()) {
    std::int64_t out = 0;
    for (const Branch& branch : block.branches) {
      std::int64_t channels = in;  // of what a step sees
      std::int64_t given = in;     // of what came out last
      for (const Step& step : branch.steps) {
        if (step.how != How::beside) channels = given;
        const std::string name = block.name + step.name;
        const auto norm = [&](const char* part) { return weight_of(weights, name + ".bn." + part, {step.out}, where); };
        const Tensor scale = norm("weight") / (norm("running_var") + epsilon).sqrt();
        const Tensor kernel =
            weight_of(weights, name + ".conv.weight", {step.out, channels, step.height, step.width}, where) *
            scale.view({-1, 1, 1, 1});
        Layer& layer = layers_[name];
        layer.weight = kernel.to(torch::kFloat).contiguous();
        layer.bias = (norm("bias") - norm("running_mean") * scale).to(torch::kFloat);
        given = step.how == How::beside ? given + step.out : step.out;
      }
      out += given;
    }
    in = out;
  }
  // The three channels of a grey image are the same.
  Tensor& first = layers_.at("Conv2d_1a_3x3").weight;
  first = first.to(torch::kDouble).sum(1, true).to(torch::kFloat);
}

Tensor Inception::run(Tensor x) {
  for (const Block& block : network()) {
    const bool last = &block == &network().back();
    std::vector<Tensor> given;
    for (const Branch& branch : block.branches) {
      Tensor seen = x;
      Tensor y = x;
      if (branch.pool == Pool::halve) {
        y = torch::max_pool2d(x, 3, 2);
      } else if (branch.pool == Pool::average && last && variant_ == Variant::fid) {
        y = torch::max_pool2d(x, 3, 1, 1);
      } else if (branch.pool == Pool::average) {
        y = torch::avg_pool2d(x, 3, 1, 1, false, variant_ == Variant::torchvision);
      }
      for (const Step& step : branch.steps) {
        Layer& layer = layers_.at(block.name + step.name);
        if (step.how != How::beside) seen = std::exchange(y, Tensor());
        Tensor found = convolved(seen, step, layer.weight, layer.bias, layer.filters);
        y = step.how == How::beside ? torch::cat({y, found}, 1) : found;
      }
      given.push_back(y);
    }
    x = given.size() == 1 ? given[0] : torch::cat(given, 1);
  }
  return x.mean({2, 3});
}

Tensor Inception::features(const Tensor& images) {
  const torch::NoGradGuard no_grad;
  if (images.dim() != 4 || images.size(1) != 1 || images.size(0) == 0 || images.numel() == 0)
    throw Error(ErrorCode::internal,
                fmt::format("Inception: expected images [N, 1, H, W], found [{}]", fmt::join(images.sizes(), ", ")));
  std::vector<Tensor> found;
  for (const Tensor& some : images.split(images_at_once)) {
    const bool fits = some.size(2) == side && some.size(3) == side;
    found.push_back(run(fits ? some : at::upsample_bilinear2d(some, {side, side}, false)));
  }
  return torch::cat(found);
}

}  // namespace nodulus::eval
