#include "nodulus/train/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/safetensors.h"

namespace nodulus::train {

namespace {

using torch::Tensor;

/// Checks all before it copies anything.
void fill(const SafetensorsFile& file, std::span<const StateTensor> slots) {
  for (const StateTensor& slot : slots) {
    const TensorView& view = file.at(slot.name);
    if (view.dtype != "F32" || !slot.tensor.sizes().equals(view.shape)) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: tensor '{}' expected F32 [{}], found {} [{}]: a checkpoint of another architecture",
                              file.path().string(), slot.name, fmt::join(slot.tensor.sizes().vec(), ", "), view.dtype,
                              fmt::join(view.shape, ", ")));
    }
  }
  for (const StateTensor& slot : slots) {
    const TensorView& view = file.at(slot.name);
    std::vector<float> values(view.bytes.size() / sizeof(float));
    std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
    if (std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) continue;
    throw Error(ErrorCode::bad_input, fmt::format("{}: tensor '{}' expected finite numbers, found others: damaged",
                                                  file.path().string(), slot.name));
  }
  const torch::NoGradGuard no_grad;
  for (const StateTensor& slot : slots) {
    const TensorView& view = file.at(slot.name);
    Tensor copy = torch::empty(slot.tensor.sizes(), torch::kFloat);
    std::memcpy(copy.data_ptr<float>(), view.bytes.data(), view.bytes.size());
    Tensor(slot.tensor).copy_(copy);
  }
}

Json to_json(const CheckpointInfo& info) {
  return {{"schema", checkpoint_schema},
          {"family", info.family},
          {"options", info.options},
          {"image_channels", info.image_channels},
          {"resolution", info.resolution},
          {"window_hu", {info.window_hu.lo, info.window_hu.hi}},
          {"dataset", info.dataset_hash},
          {"step", info.step},
          {"images_seen", info.images_seen},
          {"seconds", info.seconds},
          {"conditions", json_of(info.conditions)}};
}

CheckpointInfo info_of(const SafetensorsFile& file) {
  const auto found = file.metadata().find("nodulus");
  if (found == file.metadata().end())
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected a nodulus checkpoint, found other weights", file.path().string()));
  const Json json = Json::parse(found->second, nullptr, false);
  try {
    if (json.at("schema") != checkpoint_schema)
      throw Error(ErrorCode::bad_input, fmt::format("{}: schema: expected {}, found {}", file.path().string(),
                                                    checkpoint_schema, json.at("schema").dump()));
    CheckpointInfo info;
    info.family = json.at("family");
    info.options = json.at("options");
    info.image_channels = json.at("image_channels");
    info.resolution = json.at("resolution");
    info.window_hu = {json.at("window_hu").at(0), json.at("window_hu").at(1)};
    info.dataset_hash = json.at("dataset");
    info.step = json.at("step");
    info.images_seen = json.at("images_seen");
    info.seconds = json.at("seconds");
    if (json.contains("conditions")) info.conditions = condition_schema_of(json["conditions"], file.path());
    return info;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: malformed metadata ({})", file.path().string(), error.what()));
  }
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const CheckpointInfo& info,
                     std::span<const StateTensor> state) {
  std::vector<Tensor> keep;  // CPU copies live until the file is written
  std::vector<TensorView> views;
  for (const StateTensor& slot : state) {
    keep.push_back(slot.tensor.detach().cpu().contiguous());
    const auto* data = reinterpret_cast<const std::byte*>(keep.back().data_ptr<float>());
    views.push_back({slot.name, "F32", keep.back().sizes().vec(), {data, keep.back().nbytes()}});
  }
  write_safetensors(file, views, {{"nodulus", to_json(info).dump()}});
}

CheckpointInfo read_checkpoint_info(const std::filesystem::path& file) { return info_of(SafetensorsFile(file)); }

void load_checkpoint(const std::filesystem::path& path, std::span<const StateTensor> state) {
  const SafetensorsFile file(path);
  info_of(file);
  if (state.size() != file.tensors().size())
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected {} tensors, found {}: a checkpoint of another architecture", path.string(),
                            state.size(), file.tensors().size()));
  fill(file, state);
}

void load_part(const std::filesystem::path& path, std::span<const StateTensor> part) {
  const SafetensorsFile file(path);
  info_of(file);
  fill(file, part);
}

std::size_t load_fitting(const std::filesystem::path& path, std::span<const StateTensor> state) {
  const SafetensorsFile file(path);
  const CheckpointInfo info = info_of(file);
  std::vector<StateTensor> fitting;
  for (const StateTensor& slot : state) {
    const auto found = file.tensors().find(slot.name);
    if (found != file.tensors().end() && slot.tensor.sizes().equals(found->second.shape)) fitting.push_back(slot);
  }
  // Scalars and vectors fit by chance.
  if (std::none_of(fitting.begin(), fitting.end(), [](const StateTensor& slot) { return slot.tensor.dim() > 2; }))
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected a model of which some weights fit, found {} of {}x{}",
                                                  path.string(), info.family, info.resolution, info.resolution));
  fill(file, fitting);
  return fitting.size();
}

}  // namespace nodulus::train
