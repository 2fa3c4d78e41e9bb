#include "nodulus/eval/image_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/data/image_source.h"
#include "nodulus/data/loader.h"
#include "nodulus/data/window.h"

namespace nodulus::eval {
namespace {

/// Appends all images of one split as the view has them.
void append_split(const data::Dataset& dataset, data::Split split, const View& view, Images& images) {
  data::LoaderOptions options;
  options.split = split;
  options.mask_channel = dataset.info().masks;
  options.downsample = view.downsample;
  options.size = view.size;
  options.window_hu = view.window_hu;
  const data::Loader loader(dataset, options);
  images.height = loader.height();
  images.width = loader.width();
  images.window_hu = loader.window_hu();
  const std::size_t plane = static_cast<std::size_t>(loader.height()) * static_cast<std::size_t>(loader.width());
  std::map<std::int64_t, std::uint64_t> sample_of;  // the loader shuffles; here they are in the data set's order
  for (std::int64_t k = 0; k < loader.items(); ++k)
    sample_of[loader.item_of(static_cast<std::uint64_t>(k))] = static_cast<std::uint64_t>(k);
  std::vector<float> values(plane * static_cast<std::size_t>(loader.channels()));
  for (const auto& [item, sample] : sample_of) {
    loader.batch({&sample, 1}, values);
    images.hu.resize(images.hu.size() + plane);
    data::to_hu(std::span(values).first(plane), images.window_hu, std::span(images.hu).last(plane));
    if (options.mask_channel) {
      images.masks.resize(images.masks.size() + plane);
      data::to_mask(std::span(values).subspan(plane), std::span(images.masks).last(plane));
    }
    images.patient.push_back(dataset.item(item).patient);
    images.row.push_back(item);
    ++images.count;
  }
}

int in_window(std::int16_t hu, WindowHu window) {
  return static_cast<int>(std::lround(std::clamp<double>(hu, window.lo, window.hi)));
}

/// What manifest.json and record.json say of how the images came about. Throws Error{bad_input} naming the file.
void read_facts(ImageSet& set, const Manifest& manifest) {
  std::filesystem::path file = set.path / "manifest.json";
  try {
    const Json options = manifest.options.is_object() ? manifest.options : Json::object();
    set.synthetic = manifest.synthetic;
    set.family = options.value("family", "");
    set.sampler = options.value("sampler", "");
    set.steps = options.value("steps", 0);
    set.evaluations = options.value("evaluations", std::int64_t{0});
    file = set.path / "record.json";
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return;
    set.record = read_json(file);
    require_schema(set.record, file, "record", 1);
    const Json view = set.record.value("view", Json::object());
    set.view.downsample = view.value("downsample", 1);
    set.view.size = view.value("size", 0);
    set.view_known = true;
    set.trained_on = set.record.value("dataset", "");
    set.learnt_elsewhere = set.record.value("other_data", false);
  } catch (const nlohmann::json::exception& problem) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected keys of the types that docs/formats.md names, found another ({})",
                            file.string(), problem.what()));
  }
}

/// "malignancy=5" and "texture=3" of "malignancy=5; texture=3; styles of 3 from layer 2 on".
std::vector<std::string> asked_of(const std::string& condition) {
  constexpr std::string_view between = "; ";
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < condition.size();) {
    const std::size_t end = std::min(condition.find(between, at), condition.size());
    const std::string part = condition.substr(at, end - at);
    if (part.find('=') != std::string::npos && part.find(' ') == std::string::npos) parts.push_back(part);
    at = end + between.size();
  }
  return parts;
}

}  // namespace

std::span<const std::int16_t> Images::image(std::int64_t i) const {
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  return std::span(hu).subspan(static_cast<std::size_t>(i) * plane, plane);
}

std::span<const std::uint8_t> Images::mask(std::int64_t i) const {
  if (masks.empty()) return {};
  const std::size_t plane = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  return std::span(masks).subspan(static_cast<std::size_t>(i) * plane, plane);
}

std::vector<std::int64_t> Images::groups() const {
  std::map<std::string, std::int64_t> first;  // a patient's number is that of its first image
  std::vector<std::int64_t> numbers;
  numbers.reserve(patient.size());
  for (std::size_t i = 0; i < patient.size(); ++i) {
    const auto own = static_cast<std::int64_t>(i);
    numbers.push_back(patient[i].empty() ? own : first.emplace(patient[i], own).first->second);
  }
  return numbers;
}

torch::Tensor Images::scaled(std::int64_t first, std::int64_t n) const {
  torch::Tensor out = torch::empty({n, 1, height, width}, torch::kFloat);
  const std::int64_t plane = static_cast<std::int64_t>(height) * width;
  const auto scale = static_cast<float>(2 / (window_hu.hi - window_hu.lo));
  const auto lo = static_cast<float>(window_hu.lo);
  const std::int16_t* from = hu.data() + first * plane;
  auto* to = out.data_ptr<float>();
  for (std::int64_t k = 0; k < n * plane; ++k) to[k] = (static_cast<float>(from[k]) - lo) * scale - 1;
  return out;
}

void append_model_image(Images& images, std::span<const float> values) {
  const std::size_t plane = static_cast<std::size_t>(images.height) * static_cast<std::size_t>(images.width);
  if (values.size() != plane) throw Error(ErrorCode::internal, "an image of another size than the others");
  images.hu.resize(images.hu.size() + plane);
  const auto hu = std::span(images.hu).last(plane);
  data::to_hu(values, images.window_hu, hu);
  for (std::int16_t& v : hu) v = static_cast<std::int16_t>(in_window(v, images.window_hu));
  images.patient.emplace_back();
  images.row.push_back(images.count++);
}

Images real_images(const data::Dataset& dataset, const std::vector<data::Split>& splits, const View& view) {
  Images images;
  for (const data::Split split : splits)
    if (!dataset.items_of(split).empty()) append_split(dataset, split, view, images);
  if (images.count == 0) {
    std::string names;
    for (const data::Split split : splits) names += fmt::format("{}{}", names.empty() ? "" : ", ", name(split));
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected images in the split {}, found none", dataset.folder().string(), names));
  }
  return images;
}

ImageSet open_image_set(const std::filesystem::path& folder) {
  const data::StoredImages stored = data::StoredImages::open(folder);
  if (stored.size() == 0)
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected images, found none", folder.string()));
  ImageSet set;
  set.path = folder;
  set.name = without_slash(folder).filename().string();
  read_facts(set, stored.manifest());
  set.view.window_hu = stored.window_hu();
  Images& images = set.images;
  images.count = stored.size();
  images.height = stored.height();
  images.width = stored.width();
  images.window_hu = stored.window_hu();
  const CsvTable& items = stored.items();
  const bool whose = items.has("patient");
  const bool conditions = items.has("condition");
  const bool seeds = items.has("seed");
  for (std::int64_t i = 0; i < stored.size(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (const std::int16_t v : stored.image(i))
      images.hu.push_back(static_cast<std::int16_t>(in_window(v, images.window_hu)));
    if (stored.masks())
      for (const std::uint8_t v : stored.mask(i)) images.masks.push_back(v > 0 ? 1 : 0);
    images.patient.push_back(whose ? items.text(row, "patient") : "");
    images.row.push_back(i);
    const std::string condition = conditions ? items.text(row, "condition") : "";
    set.asked.push_back(asked_of(condition));
    set.caption.push_back(
        seeds ? fmt::format("seed {}{}{}", items.text(row, "seed"), condition.empty() ? "" : ", ", condition)
              : fmt::format("image {}", i));
  }
  return set;
}

}  // namespace nodulus::eval
