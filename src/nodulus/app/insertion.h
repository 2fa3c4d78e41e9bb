#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/app/asked.h"
#include "nodulus/app/surroundings.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/options.h"
#include "nodulus/data/inserted_series.h"
#include "nodulus/train/checkpoint.h"

namespace nodulus::app {

/// generate's nodules in a real scan: --insert. Each variant is a ball of which every slice that it meets is drawn as
/// an image of its own, from one seed.
class Insertion final : public Surroundings {
 public:
  void describe(Options& options);
  [[nodiscard]] bool wanted() const { return !folder_.empty(); }
  /// Throws Error{usage} for a place without a scan or the other way about, for a place that is none, and for a model
  /// of `family` that cannot.
  void check(const std::string& family) const;
  /// Finds the place in the scan, and for each variant what it changes: its diameter is the one that is asked for, else
  /// default_diameter_mm; the patch's pixels are the scan's as far as the model has learnt from such ones, unless their
  /// size is asked for. Throws Error{usage} for what contradicts it, and as dicom::open_one_series(),
  /// dicom::check_axial() and data::sections_of().
  void prepare(const train::CheckpointInfo& model, const Asked& asked, std::int64_t count, std::uint64_t seed,
               int threads, Monitor& monitor);

  /// The seed of each image; as many as there are images.
  [[nodiscard]] const std::vector<std::uint64_t>& seeds() const { return seeds_; }
  [[nodiscard]] const dicom::OrderedSeries& series() const { return series_; }
  [[nodiscard]] const std::vector<data::InsertedNodule>& nodules() const { return nodules_; }
  /// "insertion" of record.json: that surroundings are real, and what was put where.
  [[nodiscard]] Json record() const;
  /// The scan as something that went in: the sum of its files' sums.
  [[nodiscard]] Manifest::Input input() const;

  [[nodiscard]] torch::Tensor known(std::int64_t first, std::int64_t count) const override;
  [[nodiscard]] torch::Tensor region(std::int64_t first, std::int64_t count) const override;
  [[nodiscard]] torch::Tensor labels(std::int64_t first, std::int64_t count) const override;
  [[nodiscard]] std::string condition(std::int64_t i) const override;

  static constexpr double default_diameter_mm = 10;

 private:
  void add(const train::CheckpointInfo& model, const Asked& asked, std::uint64_t seed);
  void cut(const train::CheckpointInfo& model);

  std::filesystem::path folder_;
  std::string series_uid_;
  std::vector<double> at_mm_;
  dicom::OrderedSeries series_;
  std::vector<data::InsertedNodule> nodules_;
  std::vector<std::uint64_t> seeds_;
  std::vector<data::NoduleSection> sections_;  // an image each
  std::vector<Condition> conditions_;
  ConditionSchema schema_;
  int fine_ = 1;  // pixels of a slice in one of the patch's, along a side
  torch::Tensor known_;
  torch::Tensor region_;
};

}  // namespace nodulus::app
