#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/artifact.h"
#include "nodulus/data/dataset.h"

namespace nodulus::data::test {

/// A small data set: `patients` patients named P0, P1, ..., two images each, size x size; pixel i of image k is k * 7 +
/// i HU; the mask is k mod 5 on the left half.
inline std::filesystem::path make_dataset(const std::filesystem::path& folder, int patients, int size,
                                          bool masks = true, bool synthetic = false) {
  ArtifactWriter artifact(folder, "dataset", false);
  DatasetInfo info;
  info.height = info.width = size;
  info.masks = masks;
  info.sources = {lidc_source()};
  info.labels = {{"readers", "number", "readers", {}}, lidc_characteristics()[8], {"note", "text", "any text", {}}};
  DatasetWriter writer(artifact.path(), info, {"patient", "nodule"});
  const auto pixels = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  for (int k = 0; k < 2 * patients; ++k) {
    Item item;
    item.patient = "P" + std::to_string(k / 2);
    item.series_uid = "1.2.3";
    item.nodule = "n";
    item.z_mm = 2.5 * k;
    item.spacing_mm = 0.7;
    item.split = split_of(item.patient);
    item.labels = {"4", k % 3 == 0 ? "" : std::to_string(1 + k % 5), "a, \"b\""};
    std::vector<std::int16_t> image(pixels);
    for (std::size_t i = 0; i < pixels; ++i) image[i] = static_cast<std::int16_t>(k * 7 + static_cast<int>(i));
    std::vector<std::uint8_t> mask(masks ? pixels : 0);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (static_cast<int>(i) % size < size / 2) mask[i] = static_cast<std::uint8_t>(k % 5);
    }
    writer.append(item, image, mask);
    if (k % 2 == 0) writer.append_nodule(std::vector<std::string>{item.patient, "n"});
  }
  const std::vector<Reject> rejects{{"a.dcm", "not DICOM", "found text"}};
  writer.close(rejects);
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = "test";
  manifest.synthetic = synthetic;
  write_manifest(artifact.path(), manifest);
  artifact.commit();
  return folder;
}

}  // namespace nodulus::data::test
