#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodulus/core/csv.h"
#include "nodulus/core/npy.h"
#include "nodulus/data/window.h"

namespace nodulus::app {

/// The files of images/, filled image by image.
class ImagesWriter {
 public:
  /// `pictures`: a PNG of each besides.
  ImagesWriter(const std::filesystem::path& folder, data::ModelShape shape, WindowHu window, bool pictures);

  /// One image, [channels, height, width] in the model's scale. `row` holds the items.csv fields after `file`: model,
  /// seed, condition, sampler, steps, evaluations.
  void append(std::span<const float> values, const std::vector<std::string>& row);
  [[nodiscard]] std::int64_t count() const { return images_.rows(); }
  /// Ends the tables and draws the contact sheet.
  void close();

 private:
  std::filesystem::path folder_;
  data::ModelShape shape_;
  WindowHu window_;
  bool pictures_;
  NpyWriter images_;
  std::optional<NpyWriter> masks_;
  CsvWriter items_;
  std::vector<float> sheet_;
};

}  // namespace nodulus::app
