#include "nodulus/data/image_source.h"

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/json_fields.h"
#include "nodulus/data/dataset_info.h"

namespace nodulus::data {
namespace {

/// "dataset" or "images": the kinds of artifact that hold images.
std::string kind_of(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path file = folder / "manifest.json";
  if (!std::filesystem::exists(file, error)) return "dataset";  // whose reader says what is missing
  const Json json = read_json(file);
  const JsonFields schema = JsonFields(json, file).object("schema");
  const auto name = schema.get<std::string>("name", "a string");
  if (name != "nodulus.dataset" && name != "nodulus.images") {
    schema.fail("name", "nodulus.dataset or nodulus.images", "\"" + name + "\"");
  }
  return name.substr(8);
}

}  // namespace

StoredImages StoredImages::open(const std::filesystem::path& folder) {
  StoredImages source;
  const std::string kind = kind_of(folder);
  source.manifest_ = read_manifest(folder, kind, 1);
  const Json& options = source.manifest_.options;
  if (kind == "dataset") source.window_ = read_dataset_info(folder / "dataset.json").window_hu;
  if (kind == "images" && options.is_object() && options.contains("window_hu")) {
    const auto window =
        JsonFields(options, folder / "manifest.json", "options").get<std::array<double, 2>>("window_hu", "[lo, hi]");
    source.window_ = {window[0], window[1]};
  }
  source.items_ = CsvTable::read(folder / "items.csv");
  const auto rows = static_cast<std::int64_t>(source.items_.rows());
  source.images_ = NpyMap::open(folder / "images.npy");
  source.images_.expect(NpyType::int16, std::array<std::int64_t, 3>{rows, -1, -1});
  std::error_code error;
  source.has_masks_ = std::filesystem::exists(folder / "masks.npy", error);
  if (source.has_masks_) {
    source.masks_ = NpyMap::open(folder / "masks.npy");
    source.masks_.expect(NpyType::uint8, source.images_.shape());
  }
  return source;
}

}  // namespace nodulus::data
