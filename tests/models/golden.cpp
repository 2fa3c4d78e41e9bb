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
