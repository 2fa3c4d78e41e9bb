#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/npy.h"

namespace nodulus::data {

/// What a dataset/ and an images/ folder have in common: HU, perhaps masks, and a row an image.
class StoredImages {
 public:
  /// Error{not_found}; Error{bad_input} where the folder is neither or its files disagree.
  static StoredImages open(const std::filesystem::path& folder);

  [[nodiscard]] std::int64_t size() const { return images_.rows(); }
  [[nodiscard]] int height() const { return static_cast<int>(images_.shape()[1]); }
  [[nodiscard]] int width() const { return static_cast<int>(images_.shape()[2]); }
  [[nodiscard]] bool masks() const { return has_masks_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] bool synthetic() const { return manifest_.synthetic; }
  [[nodiscard]] WindowHu window_hu() const { return window_; }
  [[nodiscard]] const CsvTable& items() const { return items_; }
  [[nodiscard]] std::span<const std::int16_t> image(std::int64_t i) const { return images_.row<std::int16_t>(i); }
  [[nodiscard]] std::span<const std::uint8_t> mask(std::int64_t i) const { return masks_.row<std::uint8_t>(i); }

 private:
  NpyMap images_;
  NpyMap masks_;
  CsvTable items_;
  WindowHu window_;
  Manifest manifest_;
  bool has_masks_ = false;
};

}  // namespace nodulus::data
