#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/data/dataset.h"

namespace nodulus::eval {

/// How the images of a data set are brought to what a model learnt: averaged over blocks, then cut about the centre.
struct View {
  int downsample = 1;
  int size = 0;  ///< 0: no cut.
  WindowHu window_hu;
  bool operator==(const View&) const = default;
};

/// Images held in memory, in HU within the window.
struct Images {
  std::int64_t count = 0;
  int height = 0;
  int width = 0;
  WindowHu window_hu;
  std::vector<std::int16_t> hu;      ///< [count, height, width]
  std::vector<std::uint8_t> masks;   ///< The same, 1 within the nodule; empty where there are none.
  std::vector<std::string> patient;  ///< [count]; "" of generated images, each of which stands for itself.
  std::vector<std::int64_t> row;     ///< [count]: of items.csv.

  [[nodiscard]] std::span<const std::int16_t> image(std::int64_t i) const;
  [[nodiscard]] std::span<const std::uint8_t> mask(std::int64_t i) const;  ///< Empty without masks.
  [[nodiscard]] bool has_masks() const { return !masks.empty(); }
  /// A number a patient; images without one have each their own.
  [[nodiscard]] std::vector<std::int64_t> groups() const;
  /// [n, 1, H, W] float32 in [-1, 1] of images [first, first + n).
  [[nodiscard]] torch::Tensor scaled(std::int64_t first, std::int64_t n) const;
};

/// Adds an image of a model's scale, [height * width]: HU within the window, as images that are read back are. Throws
/// Error{internal} where the size is not that of `images`.
void append_model_image(Images& images, std::span<const float> values);

/// Two parts of a data set, one after the other, as the view has it. Masks are those of the consensus. Throws
/// Error{usage} where the view does not fit, or where none of the splits has images.
Images real_images(const data::Dataset& dataset, const std::vector<data::Split>& splits, const View& view);

/// A set of images to be measured, and what is known of how it was made.
struct ImageSet {
  std::string name;  ///< The last part of its path.
  std::filesystem::path path;
  std::string family;  ///< "" where a model of ours did not make it.
  std::string sampler;
  int steps = 0;
  std::int64_t evaluations = 0;
  bool synthetic = false;
  View view;                ///< That of the model's training.
  bool view_known = false;  ///< False where no record says it: the window alone is known then.
  Images images;
  /// [count]: "malignancy=5", "diameter_mm=8.2" of an image that was asked for by these labels.
  std::vector<std::vector<std::string>> asked;
  std::vector<std::string> caption;  ///< [count]
  Json record;                       ///< record.json, or null.
  bool learnt_elsewhere = false;     ///< Its weights began with those of a model that had learnt from other images.
  std::string trained_on;            ///< Hash of the data set that the model learnt from; "" where it is not known.
};

/// Opens an images/ folder of `generate`, or a data set (of `import`, for somebody else's images), all of it. Throws
/// Error{not_found}, Error{bad_input} where it is neither, is empty or its files disagree.
ImageSet open_image_set(const std::filesystem::path& folder);

}  // namespace nodulus::eval
