#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nodulus/core/csv.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/reject.h"
#include "nodulus/data/entries.h"
#include "nodulus/data/import.h"
#include "nodulus/data/import_plan.h"
#include "nodulus/data/picture_reader.h"
#include "nodulus/data/spool.h"

namespace nodulus::data {

/// Decodes the planned pictures in batches on all threads, in the source's order, and keeps HU and masks on disk by
/// item.
class ImportDecoder {
 public:
  /// All references must outlive the decoder. `scratch` is a folder for the spools.
  ImportDecoder(const ImportOptions& options, const CsvTable& table, const ImportPlan& plan,
                std::filesystem::path scratch, std::vector<Reject>& rejects, Monitor& monitor);

  /// Where the first picture is not of the most common size, the source is read a second time for that one's sake.
  void decode_all(EntrySource& source);

  /// Whether the item has all its pixels.
  [[nodiscard]] bool usable(std::size_t item) const;
  void get(std::size_t item, std::span<std::int16_t> image, std::span<std::uint8_t> mask) const;
  /// Of every item; 0 where no picture was good.
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] int width() const { return width_; }
  /// True where a picture carried the mark of a generated image.
  [[nodiscard]] bool synthetic() const { return synthetic_; }
  /// A line "<name> <SHA-256>" a picture read.
  [[nodiscard]] const std::string& input_sums() const { return input_sums_; }

 private:
  struct Use {
    std::size_t item = 0;  ///< Index into ImportPlan::items.
    bool mask = false;
  };
  struct Task {
    Use use;
    std::string name;
    std::variant<GrayImage, Reject> picture;
    std::optional<Reject> fault;
  };

  void decode_pass(EntrySource& source);
  void flush();
  void decode_array(const std::string& name, const NpyMap& array);
  void store_all(std::vector<Task>& tasks);
  void note_size(const Task& task);
  void set_size(int height, int width);
  void store(Task& task);
  void store_image(Task& task, const GrayImage& image);
  void store_mask(Task& task, const GrayImage& image);
  [[nodiscard]] std::int32_t cut_value(const GrayImage& image, std::size_t pixel) const;
  [[nodiscard]] std::pair<double, double> gain_and_offset(std::size_t row, int max_value) const;

  const ImportOptions& options_;
  const CsvTable& table_;
  const ImportPlan& plan_;
  std::filesystem::path scratch_;
  std::vector<Reject>& rejects_;
  Monitor& monitor_;
  std::map<std::string, std::vector<Use>> uses_;  // by entry
  std::vector<std::pair<std::string, std::vector<std::byte>>> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::optional<Spool> images_;
  std::optional<Spool> masks_;
  std::vector<char> image_done_;  // not bool: threads write neighbours
  std::vector<char> mask_done_;
  int height_ = 0;
  int width_ = 0;
  std::map<std::pair<int, int>, std::int64_t> sizes_;  ///< Images by height and width.
  std::int64_t done_ = 0;
  bool synthetic_ = false;
  std::string input_sums_;
};

}  // namespace nodulus::data
