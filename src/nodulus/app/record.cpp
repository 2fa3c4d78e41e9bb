#include "nodulus/app/record.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "nodulus/core/seed.h"
#include "nodulus/data/window.h"
#include "nodulus/eval/samples_json.h"

namespace nodulus::app {
namespace {

using torch::Tensor;

constexpr std::size_t strip_length = 9;
constexpr std::size_t curve_points = 200;

/// Places in a list of n, evenly from the first to the last.
std::vector<std::size_t> evenly(std::size_t n, std::size_t count) {
  std::vector<std::size_t> places;
  const std::size_t most = std::min(n, count);
  for (std::size_t i = 0; i < most; ++i) places.push_back(most == 1 ? 0 : i * (n - 1) / (most - 1));
  return places;
}

void append_image(eval::Images& images, const Tensor& image, WindowHu window) {
  const Tensor values = image.to(torch::kFloat).clamp(-1, 1).contiguous();
  const std::size_t plane = static_cast<std::size_t>(values.size(1) * values.size(2));
  images.height = static_cast<int>(values.size(1));
  images.width = static_cast<int>(values.size(2));
  images.window_hu = window;
  eval::append_model_image(images, {values.data_ptr<float>(), plane});
}

Json strip_json(const eval::Images& images, const std::vector<std::string>& captions) {
  return {{"captions", captions}, {"pictures", eval::samples_json(images, images.row, captions)}};
}

std::string sigma_text(double sigma) { return fmt::format("sigma {:.3g}", sigma); }

/// The run's log as columns: images seen, then every figure of its last line, thinned.
Json curve_json(const std::filesystem::path& run) {
  std::ifstream stream(run / "metrics.jsonl");
  std::vector<Json> lines;
  for (std::string line; std::getline(stream, line);) {
    Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("images_seen")) lines.push_back(std::move(json));
  }
  if (lines.empty()) return nullptr;
  Json columns = {"images"};
  for (const auto& [key, value] : lines.back().items())
    if (value.is_number() && key != "images_seen" && key != "step" && key != "seconds") columns.push_back(key);
  Json rows = Json::array();
  for (const std::size_t at : evenly(lines.size(), curve_points)) {
    Json row = {lines[at]["images_seen"]};
    for (std::size_t c = 1; c < columns.size(); ++c)
      row.push_back(lines[at].value(columns[c].get<std::string>(), Json()));
    rows.push_back(row);
  }
  return {{"columns", columns}, {"rows", rows}};
}

}  // namespace

std::int64_t peak_memory_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

void PathRecorder::see(const Tensor& x, double sigma) {
  // A sampler that takes images one after another begins again at the highest level: image 0 is done then.
  if (!sigmas_.empty() && sigmas_.back() < sigmas_.front() / 2 && sigma > 0.9 * sigmas_.front()) done_ = true;
  if (done_ || (!sigmas_.empty() && sigma >= sigmas_.back())) return;
  states_.push_back(x[0].to(torch::kFloat).cpu() / std::sqrt(1 + sigma * sigma));
  sigmas_.push_back(sigma);
}

Json PathRecorder::strips(const Tensor& image, WindowHu window, std::uint64_t seed) const {
  if (states_.empty()) return nullptr;
  eval::Images forward;
  eval::Images backward;
  std::vector<std::string> forward_captions{"the image"};
  std::vector<std::string> backward_captions;
  append_image(forward, image, window);
  const std::vector<std::size_t> places = evenly(states_.size(), strip_length - 1);
  std::vector<float> numbers(static_cast<std::size_t>(image.numel()));
  RandomStream(derive_seed(seed, "strip")).fill_normal(numbers);
  const Tensor noise = torch::from_blob(numbers.data(), image.sizes(), torch::kFloat);
  for (const std::size_t place : std::vector<std::size_t>(places.rbegin(), places.rend())) {
    const double sigma = sigmas_[place];
    append_image(forward, (image + sigma * noise) / std::sqrt(1 + sigma * sigma), window);
    forward_captions.push_back(sigma_text(sigma));
  }
  for (const std::size_t place : places) {
    append_image(backward, states_[place], window);
    backward_captions.push_back(sigma_text(sigmas_[place]));
  }
  append_image(backward, image, window);
  backward_captions.emplace_back("the image");
  return {{"forward", strip_json(forward, forward_captions)}, {"backward", strip_json(backward, backward_captions)}};
}

Json cost_json(const GenerationCost& cost, const std::filesystem::path& checkpoint, const train::CheckpointInfo& info) {
  const Json curve = curve_json(checkpoint.parent_path().parent_path());
  Json loss = nullptr;
  if (curve.is_object())
    for (std::size_t c = 0; c < curve["columns"].size(); ++c)
      if (curve["columns"][c] == "loss") loss = curve["rows"].back()[c];
  return {{"training_seconds", info.seconds},
          {"training_images", info.images_seen},
          {"training_steps", info.step},
          {"training_batch", info.options.value("batch", Json())},
          {"training_loss", loss},
          {"generation_seconds_per_image",
           cost.images > 0 ? Json(cost.seconds / static_cast<double>(cost.images)) : Json()},
          {"evaluations_per_image", cost.evaluations},
          {"parameters", cost.parameters},
          {"peak_memory_bytes", peak_memory_bytes()},
          {"device", cost.device},
          {"threads", cost.threads},
          {"curve", curve}};
}

void write_record(const std::filesystem::path& folder, const train::CheckpointInfo& info,
                  const std::string& model_sha256, const Json& cost, const Json& strips, const Json& insertion) {
  Json record = {
      {"schema", {{"name", manifest_schema("record")}, {"version", 1}}},
      {"synthetic", true},
      {"view", {{"downsample", info.options.value("downsample", 1)}, {"size", info.options.value("size", 0)}}},
      {"dataset", info.dataset_hash},
      {"other_data", info.continued.other_data},
      {"model", model_sha256},
      {"conditions", json_of(info.conditions)},
      {"cost", cost},
      {"strips", strips}};
  if (!insertion.is_null()) record["insertion"] = insertion;
  write_json(folder / "record.json", record);
}

}  // namespace nodulus::app
