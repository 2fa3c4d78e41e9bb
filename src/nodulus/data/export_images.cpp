#include "nodulus/data/export_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>

#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/png.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/image_source.h"
#include "nodulus/data/picture_reader.h"
#include "nodulus/data/split.h"
#include "nodulus/data/window.h"
#include "nodulus/data/zip_writer.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::int64_t batch_images = 256;

/// HU = gain * value + offset of the exported pixels.
struct Mapping {
  double gain = 1;
  double offset = 0;
};

Mapping mapping_of(const ExportOptions& options, const WindowHu& window) {
  if (options.format == "npy") return {1, 0};
  if (options.format == "png16") return {1, -32768};
  return {(window.hi - window.lo) / 255, window.lo};
}

std::vector<PngText> texts_of(const StoredImages& source, const Mapping& mapping) {
  std::vector<PngText> texts{
      {"Description", fmt::format("CT; HU = {} * value + {}", csv_number(mapping.gain), csv_number(mapping.offset))}};
  if (source.synthetic()) texts.push_back(synthetic_mark);
  return texts;
}

/// One image as a file's bytes.
Bytes encode(std::span<const std::int16_t> hu, const StoredImages& source, const ExportOptions& options,
             const WindowHu& window) {
  const std::vector<PngText> texts = texts_of(source, mapping_of(options, window));
  if (options.format == "png16") {
    Picture16 picture{source.width(), source.height(), {}};
    for (const std::int16_t value : hu) picture.pixels.push_back(static_cast<std::uint16_t>(value + 32768));
    return encode_png(picture, texts);
  }
  const Picture picture = to_picture(hu, source.width(), source.height(), window);
  if (options.format != "jpeg") return encode_png(picture, texts);
  const std::string comment = source.synthetic() ? synthetic_mark.keyword + ": " + synthetic_mark.text : "";
  return encode_jpeg(picture.pixels, picture.width, picture.height, options.quality, comment);
}

Bytes encode_mask(std::span<const std::uint8_t> mask, const StoredImages& source) {
  Picture picture(source.width(), source.height(), 1);
  std::copy(mask.begin(), mask.end(), picture.pixels.begin());
  std::vector<PngText> texts{{"Description", source.synthetic() ? "1 within the outline that the model drew"
                                                                : "how many readers marked each pixel"}};
  if (source.synthetic()) texts.push_back(synthetic_mark);
  return encode_png(picture, texts);
}

std::vector<std::int64_t> chosen(const StoredImages& source, const ExportOptions& options) {
  std::vector<std::int64_t> items;
  if (!options.split.empty()) {
    (void)split_from_name(options.split);
    if (!source.items().has("split"))
      throw Error(ErrorCode::usage, options.source.string() + " has no splits: expected a data set for the split '" +
                                        options.split + "'");
  }
  for (std::int64_t i = 0; i < source.size(); ++i) {
    if (options.split.empty() || source.items().text(static_cast<std::size_t>(i), "split") == options.split) {
      items.push_back(i);
    }
  }
  if (items.empty()) {
    throw Error(ErrorCode::usage, options.source.string() + ": no images" +
                                      (options.split.empty() ? "" : " in the split '" + options.split + "'"));
  }
  return items;
}

/// Encodes in batches on all threads and hands on in order: sink(position, image, mask).
void encode_all(const StoredImages& source, const std::vector<std::int64_t>& items, const ExportOptions& options,
                const WindowHu& window, bool masks, Monitor& monitor,
                const std::function<void(std::int64_t, const Bytes&, const Bytes&)>& sink) {
  const auto total = static_cast<std::int64_t>(items.size());
  for (std::int64_t first = 0; first < total; first += batch_images) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "export stopped: nothing was written");
    const std::int64_t count = std::min(batch_images, total - first);
    std::vector<Bytes> pictures(static_cast<std::size_t>(count));
    std::vector<Bytes> outlines(static_cast<std::size_t>(count));
    parallel_for(count, options.threads, [&](std::int64_t k) {
      const std::int64_t item = items[static_cast<std::size_t>(first + k)];
      pictures[static_cast<std::size_t>(k)] = encode(source.image(item), source, options, window);
      if (masks) outlines[static_cast<std::size_t>(k)] = encode_mask(source.mask(item), source);
    });
    for (std::int64_t k = 0; k < count; ++k) {
      sink(first + k, pictures[static_cast<std::size_t>(k)], outlines[static_cast<std::size_t>(k)]);
    }
    monitor.progress({"exporting", first + count, total, "images", ""});
  }
}

std::string_view text_of(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// items.csv of an export: the file, the mapping, then the source's own columns.
class ItemsTable {
 public:
  ItemsTable(const fs::path& file, const StoredImages& source, const Mapping& mapping, bool with_mapping)
      : items_(source.items()),
        mapping_(mapping),
        with_mapping_(with_mapping),
        drawn_outline_(source.masks() && source.synthetic() && !items_.has("readers")),
        writer_(file, columns()) {}

  void add(std::int64_t item, const std::string& file) {
    std::vector<std::string> row{file};
    if (with_mapping_) row.insert(row.end(), {csv_number(mapping_.gain), csv_number(mapping_.offset)});
    for (const std::size_t column : kept_) row.push_back(items_.text(static_cast<std::size_t>(item), column));
    if (drawn_outline_) row.insert(row.end(), {"1", "1"});
    writer_.row(row);
  }
  void close() { writer_.close(); }

 private:
  std::vector<std::string> columns() {
    std::vector<std::string> names{"file"};
    if (with_mapping_) names.insert(names.end(), {"hu_gain", "hu_offset"});
    for (std::size_t i = 0; i < items_.columns().size(); ++i) {
      const std::string& name = items_.columns()[i];
      // The source's own mapping was of pictures that are no more.
      if (name == "file" || name == "hu_gain" || name == "hu_offset") continue;
      names.push_back(name);
      kept_.push_back(i);
    }
    if (drawn_outline_) names.insert(names.end(), {"readers", "consensus_at"});
    return names;
  }

  const CsvTable& items_;
  Mapping mapping_;
  bool with_mapping_;
  bool drawn_outline_;  ///< By a model: as if by one reader, so that an import takes the whole of it for the consensus.
  std::vector<std::size_t> kept_;
  CsvWriter writer_;
};

/// images/images.npy and, with masks, readers/images.npy.
void export_arrays(const StoredImages& source, const std::vector<std::int64_t>& items, const fs::path& folder,
                   Monitor& monitor) {
  const std::vector<std::int64_t> shape{source.height(), source.width()};
  NpyWriter images(folder / "images" / "images.npy", NpyType::int16, shape);
  std::optional<NpyWriter> masks;
  if (source.masks()) masks.emplace(folder / "readers" / "images.npy", NpyType::uint8, shape);
  const auto total = static_cast<std::int64_t>(items.size());
  for (const std::int64_t item : items) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "export stopped: nothing was written");
    images.append(source.image(item));
    if (masks) masks->append(source.mask(item));
    monitor.progress({"exporting", images.rows(), total, "images", ""});
  }
  images.close();
  if (masks) masks->close();
}

void export_folder(const StoredImages& source, const std::vector<std::int64_t>& items, const ExportOptions& options,
                   const WindowHu& window, Monitor& monitor) {
  ArtifactWriter artifact(options.out, "pictures", options.force);
  const bool arrays = options.format == "npy";
  ItemsTable table(artifact.path() / "items.csv", source, mapping_of(options, window), !arrays);
  make_folder(artifact.path() / "images");
  if (source.masks()) make_folder(artifact.path() / "readers");
  if (arrays) {
    export_arrays(source, items, artifact.path(), monitor);
    for (const std::int64_t item : items) table.add(item, "images/images.npy");
  } else {
    const std::string ending = options.format == "jpeg" ? "jpg" : "png";
    encode_all(source, items, options, window, source.masks(), monitor,
               [&](std::int64_t at, const Bytes& picture, const Bytes& mask) {
                 const std::string name = fmt::format("images/{:06}.{}", at, ending);
                 write_text(artifact.path() / name, text_of(picture));
                 if (source.masks()) write_text(artifact.path() / fmt::format("readers/{:06}.png", at), text_of(mask));
                 table.add(items[static_cast<std::size_t>(at)], name);
               });
  }
  table.close();
  Manifest manifest;
  manifest.kind = "pictures";
  manifest.command = "export-images";
  manifest.synthetic = source.synthetic();
  manifest.options = {{"format", options.format},
                      {"split", options.split},
                      {"quality", options.quality},
                      {"window_hu", {window.lo, window.hi}}};
  manifest.inputs = {manifest_input(options.source)};
  write_manifest(artifact.path(), manifest);
  artifact.commit();
}

/// The layout of StyleGAN2-ADA's dataset_tool.py: 00000/img00000000.png and dataset.json with the classes.
void export_stylegan(const StoredImages& source, const std::vector<std::int64_t>& items, const ExportOptions& options,
                     const WindowHu& window, Monitor& monitor) {
  if (source.height() != source.width() || (source.width() & (source.width() - 1)) != 0) {
    throw Error(ErrorCode::usage, fmt::format("stylegan2-ada: expected square images of a power of two, found {}x{}",
                                              source.width(), source.height()));
  }
  if (options.split.empty()) {
    monitor.warn(
        "StyleGAN2-ADA's zip knows no patients: whoever splits it may part one patient's images; --split "
        "exports them apart");
  }
  ZipWriter zip(options.out, options.force);
  Json labels = Json::array();
  encode_all(source, items, options, window, false, monitor, [&](std::int64_t at, const Bytes& picture, const Bytes&) {
    const std::string name = fmt::format("{:05}/img{:08}.png", at / 1000, at);
    zip.add(name, picture);
    if (options.label.empty()) return;
    const auto row = static_cast<std::size_t>(items[static_cast<std::size_t>(at)]);
    const double value = source.items().number(row, options.label);  // "5.0" is a whole number too
    if (value != std::trunc(value) || std::abs(value) > 1e9) {
      throw Error(ErrorCode::bad_input, source.items().place(row, options.label) +
                                            ": expected a whole number for a class, found " + csv_number(value));
    }
    labels.push_back({name, static_cast<std::int64_t>(value)});
  });
  const std::string json = Json{{"labels", options.label.empty() ? Json(nullptr) : labels}}.dump();
  zip.add("dataset.json", {reinterpret_cast<const std::uint8_t*>(json.data()), json.size()});
  zip.close();
}

}  // namespace

void check_export_target(const ExportOptions& options) {
  if (options.format != "stylegan2-ada") return check_target(options.out, "pictures", options.force);
  if (options.out.extension() != ".zip") {
    throw Error(ErrorCode::usage, "stylegan2-ada: expected --out to end in .zip, found '" + options.out.string() + "'");
  }
  ZipWriter::check_target(options.out, options.force);
}

ExportResult export_images(const ExportOptions& options, Monitor& monitor) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> formats{"png8", "png16", "jpeg", "npy", "stylegan2-ada"};
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    throw Error(ErrorCode::usage,
                "expected the format png8, png16, jpeg, npy or stylegan2-ada, found '" + options.format + "'");
  }
  if (options.quality < 1 || options.quality > 100) throw Error(ErrorCode::usage, "expected a quality of 1 to 100");
  check_export_target(options);
  const StoredImages source = StoredImages::open(options.source);
  const WindowHu window = options.window_hu.value_or(source.window_hu());
  if (!(window.lo < window.hi)) throw Error(ErrorCode::usage, "export: expected a window lo < hi");
  if (!options.label.empty() && options.format != "stylegan2-ada") {
    throw Error(ErrorCode::usage, "a label is for the format stylegan2-ada alone; the others have items.csv");
  }
  const std::vector<std::int64_t> items = chosen(source, options);
  if (options.format == "stylegan2-ada") {
    export_stylegan(source, items, options, window, monitor);
  } else {
    export_folder(source, items, options, window, monitor);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const bool masks = source.masks() && options.format != "stylegan2-ada";
  return {static_cast<std::int64_t>(items.size()), masks, source.synthetic(), seconds.count()};
}

}  // namespace nodulus::data
