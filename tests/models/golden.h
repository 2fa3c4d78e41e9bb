#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "nodulus/models/network.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/models/unet.h"

// What the golden tests share: weights and images that are functions of a name, as golden_weights.py makes them.
namespace nodulus::models {

/// The cases of tests/models/NAME.
nlohmann::json golden_cases(const std::string& name);

/// A case's "options"; those that it has not are `defaults`.
UnetOptions golden_unet_options(const nlohmann::json& json, UnetOptions defaults = {});
StyleGan2Options golden_stylegan2_options(const nlohmann::json& json);

/// Normal numbers that are a function of a name.
torch::Tensor golden_normal(const std::string& name, at::IntArrayRef sizes);

/// The case of foreign_golden.json of that name, and its state dict as foreign_golden.fill() fills it.
nlohmann::json golden_foreign_case(const std::string& name);
std::map<std::string, torch::Tensor> golden_foreign_tensors(const nlohmann::json& entry);

/// Gives every parameter the values that golden_weights.parameter() has for its name, and turns on evaluation.
void fill_by_name(Network& network);

/// [2, channels, resolution, resolution].
torch::Tensor golden_image(int channels, int resolution);

/// Largest difference of every `stride`-th number of y from the case's "output", relative to the largest of these.
double golden_difference(const nlohmann::json& entry, const torch::Tensor& y);

}  // namespace nodulus::models
