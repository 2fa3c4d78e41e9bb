#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "nodulus/core/artifact.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/dataset.h"

namespace nodulus::study::test {

inline constexpr int side = 32;
using Image = std::vector<std::int16_t>;

/// Noise about `level` HU, another for each seed.
inline Image noise(std::uint64_t seed, double level = -400, float deviation = 150) {
  std::vector<float> normal(side * side);
  RandomStream(seed).fill_normal(normal);
  Image image;
  for (const float value : normal) image.push_back(static_cast<std::int16_t>(level + deviation * value));
  return image;
}

/// `readers` within `radius` pixels of the middle.
inline std::vector<std::uint8_t> disc(double radius, std::uint8_t readers) {
  std::vector<std::uint8_t> mask(side * side, 0);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      if (std::hypot(x - side / 2, y - side / 2) <= radius) mask[static_cast<std::size_t>(y * side + x)] = readers;
    }
  }
  return mask;
}

/// One image and what the tables say of it.
struct Row {
  data::Item item;  ///< Labels: readers, malignancy, kind.
  Image image;
  std::vector<std::uint8_t> mask;
  std::string malignancy_values;  ///< Of nodules.csv.
};

/// Patient k's only nodule: malignancy 1 to 5 in turn and a radius that grows with it; the readers say so, the second
/// one more now and then. Four in five patients are in train.
inline Row plain_row(int k) {
  const int malignancy = 1 + k % 5;
  Row row;
  row.item.patient = "P" + std::to_string(k);
  row.item.nodule = "n";
  row.item.series_uid = "1.2.3";
  row.item.spacing_mm = 0.5;
  row.item.split = k % 10 == 9 ? data::Split::test : k % 10 == 8 ? data::Split::val : data::Split::train;
  row.item.labels = {"4", std::to_string(malignancy), k % 2 == 0 ? "round" : "oval"};
  row.image = noise(static_cast<std::uint64_t>(k));
  row.mask = disc(2 + 1.5 * malignancy, 4);
  const std::string said = std::to_string(malignancy);
  row.malignancy_values = said + ";" + (k % 7 == 0 ? std::to_string(malignancy % 5 + 1) : said) + ";;" + said;
  return row;
}

inline std::vector<Row> plain_rows(int count) {
  std::vector<Row> rows;
  for (int k = 0; k < count; ++k) rows.push_back(plain_row(k));
  return rows;
}

struct MadeOptions {
  bool masks = true;
  bool synthetic = false;
  std::string content = "patch";
  std::string values_column = "malignancy_values";
};

inline std::filesystem::path make(const std::filesystem::path& folder, const std::vector<Row>& rows,
                                  const MadeOptions& options = {}) {
  ArtifactWriter artifact(folder, "dataset", false);
  data::DatasetInfo info;
  info.height = info.width = side;
  info.masks = options.masks;
  info.content = options.content;
  info.sources = {data::lidc_source()};
  info.labels = {
      {"readers", "number", "readers", {}}, data::lidc_characteristics()[8], {"kind", "text", "a made-up kind", {}}};
  data::DatasetWriter writer(artifact.path(), info, {"patient", "nodule", options.values_column, "images"});
  for (const Row& row : rows)
    writer.append(row.item, row.image, options.masks ? row.mask : std::vector<std::uint8_t>{});
  std::string last;
  for (const Row& row : rows) {
    const std::string key = row.item.patient + "\n" + row.item.nodule;
    if (key == last || row.item.nodule.empty()) continue;
    last = key;
    writer.append_nodule(std::vector<std::string>{row.item.patient, row.item.nodule, row.malignancy_values, "1"});
  }
  writer.append_nodule(std::vector<std::string>{"unseen", "n", "1;5;1;5", "0"});  // read, but without an image here
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = "test";
  manifest.synthetic = options.synthetic;
  write_manifest(artifact.path(), manifest);
  artifact.commit();
  return folder;
}

}  // namespace nodulus::study::test
