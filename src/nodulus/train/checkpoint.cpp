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

[[noreturn]] void refuse_shape(const SafetensorsFile& file, const StateTensor& slot, const TensorView& view) {
  throw Error(
      ErrorCode::bad_input,
      fmt::format("{}: tensor '{}' expected F32 or F16 [{}], found {} [{}]: a checkpoint of another architecture",
                  file.path().string(), slot.name, fmt::join(slot.tensor.sizes().vec(), ", "), view.dtype,
                  fmt::join(view.shape, ", ")));
}

/// The numbers of a tensor of the file, float32. Throws Error{bad_input} where they are no finite floats.
Tensor finite_floats(const SafetensorsFile& file, const TensorView& view) {
  const auto refuse = [&](std::string_view expected, std::string_view found) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: tensor '{}' expected {}, found {}", file.path().string(), view.name, expected, found));
  };
  if (view.dtype != "F32" && view.dtype != "F16") refuse("F32 or F16", view.dtype);
  Tensor values = torch::empty(view.shape, view.dtype == "F32" ? torch::kFloat : torch::kHalf);
  if (!view.bytes.empty()) std::memcpy(values.data_ptr(), view.bytes.data(), view.bytes.size());
  values = values.to(torch::kFloat);
  if (!values.isfinite().all().item<bool>()) refuse("finite numbers", "others: damaged");
  return values;
}

/// Checks all before it copies anything.
void fill(const SafetensorsFile& file, std::span<const StateTensor> slots) {
  std::vector<Tensor> found;
  found.reserve(slots.size());
  for (const StateTensor& slot : slots) {
    const TensorView& view = file.at(slot.name);
    if (!slot.tensor.sizes().equals(view.shape)) refuse_shape(file, slot, view);
    found.push_back(finite_floats(file, view));
  }
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < slots.size(); ++i) Tensor(slots[i].tensor).copy_(found[i]);
}

Json json_of(const Ancestry& continued) {
  if (continued.sha256.empty()) return nullptr;
  return {{"sha256", continued.sha256},
          {"dataset", continued.dataset_hash},
          {"images_seen", continued.images_seen},
          {"known_items", continued.known_items}};
}

Json json_of(const Imported& imported) {
  return {{"layout", imported.layout},
          {"sha256", imported.sha256},
          {"note", "source and licence of those weights are not known"}};
}

Json json_of(const Transferred& from) {
  return {{"sha256", from.sha256},
          {"dataset", from.dataset_hash},
          {"images_seen", from.images_seen},
          {"resolution", from.resolution}};
}

Json to_json(const CheckpointInfo& info) {
  Json json = model_json(info);
  json.update({{"schema", checkpoint_schema},
               {"options", info.options},
               {"dataset", info.dataset_hash},
               {"step", info.step},
               {"images_seen", info.images_seen},
               {"seconds", info.seconds},
               {"continued", json_of(info.continued)},
               {"data", info.data}});
  return json;
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
    info.data = json.value("data", Json());
    if (const Json continued = json.value("continued", Json()); continued.is_object())
      info.continued = {continued.at("sha256"),
                        continued.at("dataset"),
                        continued.at("images_seen"),
                        continued.at("known_items"),
                        {},
                        {},
                        false};
    info.continued.other_data = json.value("other_data", false);
    if (const Json imported = json.value("imported", Json()); imported.is_object())
      info.continued.imported = {imported.at("layout"), imported.at("sha256")};
    if (const Json from = json.value("transferred", Json()); from.is_object())
      info.continued.transferred = {from.at("sha256"), from.at("dataset"), from.at("images_seen"),
                                    from.at("resolution")};
    if (json.contains("conditions")) info.conditions = condition_schema_of(json["conditions"], file.path());
    return info;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: malformed metadata ({})", file.path().string(), error.what()));
  }
}

}  // namespace

Json model_json(const CheckpointInfo& info) {
  Json json{{"family", info.family},
            {"image_channels", info.image_channels},
            {"resolution", info.resolution},
            {"window_hu", {info.window_hu.lo, info.window_hu.hi}},
            {"conditions", json_of(info.conditions)}};
  if (!info.continued.imported.layout.empty()) json["imported"] = json_of(info.continued.imported);
  if (!info.continued.transferred.sha256.empty()) json["transferred"] = json_of(info.continued.transferred);
  if (info.continued.other_data) json["other_data"] = true;
  return json;
}

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

namespace {

/// A tensor of the generator, such as a buffer, of which no average is kept.
bool is_unaveraged(const SafetensorsFile& file, const std::string& name) {
  return name.starts_with("generator/") && !file.tensors().contains("ema/" + name.substr(name.find('/') + 1));
}

/// The file's tensor of that name; where it has none, the average of it.
const TensorView& tensor_or_average(const SafetensorsFile& file, const std::string& name) {
  const auto found = file.tensors().find(name);
  if (found != file.tensors().end()) return found->second;
  const auto average = file.tensors().find("ema/" + name.substr(name.find('/') + 1));
  if (average != file.tensors().end()) return average->second;
  const bool alone = std::none_of(file.tensors().begin(), file.tensors().end(),
                                  [](const auto& item) { return item.first.starts_with("discriminator/"); });
  if (alone && name.starts_with("discriminator/"))
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected a discriminator to train on with, found none; models "
                                                  "import takes one over by --discriminator",
                                                  file.path().string()));
  return file.at(name);
}

}  // namespace

void load_continued(const std::filesystem::path& path, std::span<const StateTensor> state, const ConditionSchema& from,
                    const ConditionSchema& to, bool by_fan_in) {
  const SafetensorsFile file(path);
  info_of(file);
  const torch::Tensor columns = torch::tensor(columns_in(from, to), torch::kLong);
  std::vector<Tensor> found;
  for (const StateTensor& slot : state) {
    const TensorView& view = tensor_or_average(file, slot.name);
    Tensor values = finite_floats(file, view);
    std::vector<std::int64_t> shape = slot.tensor.sizes().vec();
    if (shape != view.shape && shape.size() == 2 && shape[1] == to.width() &&
        view.shape == std::vector<std::int64_t>{shape[0], from.width()}) {
      if (by_fan_in) values *= std::sqrt(static_cast<double>(to.width()) / static_cast<double>(from.width()));
      values = torch::zeros(shape).index_copy(1, columns, values);
    }
    if (!slot.tensor.sizes().equals(values.sizes())) refuse_shape(file, slot, view);
    found.push_back(values);
  }
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < found.size(); ++i) Tensor(state[i].tensor).copy_(found[i]);
}

std::vector<StateTensor> drawing_weights(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  info_of(file);
  std::vector<StateTensor> weights;
  for (const auto& [name, view] : file.tensors())
    if (name.starts_with("ema/") || is_unaveraged(file, name))
      weights.push_back({name.substr(name.find('/') + 1), finite_floats(file, view)});
  return weights;
}

Json without_paths(Json options) {
  for (const char* const key : {"data", "transfer", "continue"}) options.erase(key);
  return options;
}

std::int64_t write_published_weights(const std::filesystem::path& path, const std::filesystem::path& out, bool half) {
  const SafetensorsFile file(path);
  CheckpointInfo info = info_of(file);
  info.options = without_paths(info.options);
  std::vector<Tensor> keep;
  std::vector<TensorView> views;
  std::int64_t drawing = 0;
  for (const auto& [name, view] : file.tensors()) {
    const bool average = name.starts_with("ema/");
    const bool alone = name.starts_with("discriminator/") || is_unaveraged(file, name);
    if (!average && !alone) continue;
    Tensor values = finite_floats(file, view);
    if (average) drawing += values.numel();
    if (half) values = values.to(torch::kHalf);
    if (!values.isfinite().all().item<bool>())
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: tensor '{}' expected numbers of 16 bits, found larger ones", path.string(), name));
    keep.push_back(values);
    views.push_back({name,
                     half ? "F16" : "F32",
                     keep.back().sizes().vec(),
                     {static_cast<const std::byte*>(keep.back().data_ptr()), keep.back().nbytes()}});
  }
  write_safetensors(out, views, {{"nodulus", to_json(info).dump()}});
  return drawing;
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
