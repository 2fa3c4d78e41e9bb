#include "tests/models/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "nodulus/core/seed.h"

namespace nodulus::models {

torch::Tensor golden_normal(const std::string& name, at::IntArrayRef sizes) {
  torch::Tensor values = torch::empty(sizes);
  RandomStream(derive_seed(0, name)).fill_normal({values.data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  return values;
}

nlohmann::json golden_cases(const std::string& name) {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/models/" + name);
  return nlohmann::json::parse(file).at("cases");
}

namespace {

/// Sets `to` where the case says what it is.
template <class T>
void take(const nlohmann::json& json, const char* key, T& to) {
  if (const auto found = json.find(key); found != json.end()) to = found->get<T>();
}

}  // namespace

UnetOptions golden_unet_options(const nlohmann::json& json, UnetOptions defaults) {
  UnetOptions o = std::move(defaults);
  take(json, "image_channels", o.image_channels);
  take(json, "resolution", o.resolution);
  take(json, "channels", o.channels);
  take(json, "multipliers", o.multipliers);
  take(json, "blocks", o.blocks);
  take(json, "attention", o.attention_resolutions);
  take(json, "block", o.block);
  take(json, "fir", o.fir);
  take(json, "skip_rescale", o.skip_rescale);
  take(json, "embedding", o.embedding);
  take(json, "progressive", o.progressive);
  take(json, "progressive_input", o.progressive_input);
  take(json, "progressive_combine", o.progressive_combine);
  take(json, "heads", o.heads);
  take(json, "head_channels", o.head_channels);
  take(json, "scale_shift", o.scale_shift);
  return o;
}

StyleGan2Options golden_stylegan2_options(const nlohmann::json& json) {
  StyleGan2Options o;
  take(json, "resolution", o.resolution);
  take(json, "image_channels", o.image_channels);
  take(json, "z", o.z);
  take(json, "w", o.w);
  take(json, "mapping_layers", o.mapping_layers);
  take(json, "channel_base", o.channel_base);
  take(json, "channel_max", o.channel_max);
  take(json, "labels", o.labels);
  take(json, "discriminator", o.discriminator);
  take(json, "group", o.group);
  take(json, "clamp", o.clamp);
  return o;
}

namespace {

/// What foreign_golden.fill() gives a tensor of this name.
torch::Tensor foreign_numbers(const std::string& layout, const std::string& name,
                              const std::vector<std::int64_t>& shape) {
  if (name == "sigmas") return torch::zeros(shape);
  if (name.ends_with("resample_filter")) {
    const torch::Tensor row = torch::tensor({1.0F, 3.0F, 3.0F, 1.0F}) / 8;
    return row.outer(row);
  }
  const torch::Tensor value = golden_normal(name, shape);
  if (layout == "stylegan2-ada") {
    if (name.ends_with("affine.bias")) return 1 + 0.1 * value;
    if (value.dim() < 2) return 0.1 * value;
    return name.find("mapping.fc") != std::string::npos ? 100 * value : value;
  }
  if (value.dim() > 1)
    return value / std::sqrt(static_cast<double>(name.ends_with(".W") ? shape[0] : value.numel() / shape[0]));
  if (name.ends_with(".W")) return 16 * value;
  return 0.1 * value + (name.ends_with("weight") ? 1 : 0);
}

}  // namespace

nlohmann::json golden_foreign_case(const std::string& name) {
  for (const auto& entry : golden_cases("foreign_golden.json"))
    if (entry.at("name") == name) return entry;
  throw std::out_of_range(name);
}

std::map<std::string, torch::Tensor> golden_foreign_tensors(const nlohmann::json& entry) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, shape] : entry.at("tensors").items())
    tensors[name] = foreign_numbers(entry.at("layout"), name, shape.get<std::vector<std::int64_t>>());
  return tensors;
}

void fill_by_name(Network& network) {
  network.eval();
  const torch::NoGradGuard no_grad;
  for (const auto& item : network.named_parameters()) {
    torch::Tensor values = golden_normal(item.key(), item.value().sizes());
    const std::int64_t fan_in = values.numel() / values.size(0);
    const bool norm_weight =
        values.dim() == 1 && item.key().find("norm") != std::string::npos && item.key().ends_with("weight");
    values *= values.dim() == 1 ? 0.1 : 1.0 / std::sqrt(static_cast<double>(fan_in));
    if (norm_weight) values += 1;
    torch::Tensor(item.value()).copy_(values);
  }
}

torch::Tensor golden_image(int channels, int resolution) {
  return golden_normal("input", {2, channels, resolution, resolution});
}

double golden_difference(const nlohmann::json& entry, const torch::Tensor& y) {
  const std::vector<double> expected = entry.at("output");
  const std::int64_t stride = entry.at("stride");
  const torch::Tensor found = y.flatten().to(torch::kDouble);
  EXPECT_EQ(static_cast<std::int64_t>(expected.size()), (found.numel() + stride - 1) / stride);
  double scale = 0;
  double difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    scale = std::max(scale, std::abs(expected[i]));
    difference =
        std::max(difference, std::abs(found[static_cast<std::int64_t>(i) * stride].item<double>() - expected[i]));
  }
  return difference / scale;
}

}  // namespace nodulus::models
