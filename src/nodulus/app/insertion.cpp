#include "nodulus/app/insertion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/conditions.h"
#include "nodulus/dicom/one_series.h"
#include "nodulus/dicom/slice.h"
#include "nodulus/models/catalog.h"

namespace nodulus::app {
namespace {

dicom::PatientPoint point_of(const std::vector<double>& values) { return {values[0], values[1], values[2]}; }

/// Where a label stands; nothing where the model has none of that column.
std::optional<std::size_t> label_at(const ConditionSchema& schema, std::string_view column) {
  for (std::size_t i = 0; i < schema.labels.size(); ++i)
    if (schema.labels[i].column() == column) return i;
  return std::nullopt;
}

/// The scan's pixels as the model's labels tell sizes, as near as it has learnt from.
double usual_spacing(const ConditionSchema& schema, const dicom::SliceHeader& slice) {
  const double own = std::min(slice.spacing_mm[0], slice.spacing_mm[1]);
  const auto label = label_at(schema, data::spacing_label);
  if (!label) return own;
  const auto& values = schema.labels[*label].values;
  return std::clamp(own, values.front().number, values.back().number);
}

/// HU as the model sees them: its window, and the mean of `fine` x `fine` pixels.
void append_as_seen(const std::vector<std::int16_t>& hu, int size, int fine, WindowHu window, float* out) {
  const double scale = 2 / (window.hi - window.lo);
  const auto side = static_cast<std::size_t>(size) * static_cast<std::size_t>(fine);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      double sum = 0;
      for (int dy = 0; dy < fine; ++dy)
        for (int dx = 0; dx < fine; ++dx)
          sum +=
              std::clamp((hu[static_cast<std::size_t>(y * fine + dy) * side + static_cast<std::size_t>(x * fine + dx)] -
                          window.lo) *
                                 scale -
                             1,
                         -1.0, 1.0);
      *out++ = static_cast<float>(sum / (fine * fine));
    }
  }
}

}  // namespace

void Insertion::describe(Options& options) {
  options.add("insert", folder_,
              "folder with a CT series: the nodules are drawn into its slices, which are written as inserted/");
  options.add("insert_series", series_uid_, "SeriesInstanceUID, where the folder has several CT series");
  options.add("at", at_mm_, "X,Y,Z of the nodule's middle in that series, in mm of the patient (left, back, head)")
      .between(-1e5, 1e5);
}

void Insertion::check(const std::string& family) const {
  if (!wanted() && !at_mm_.empty())
    throw Error(ErrorCode::usage, "--at: expected --insert with the folder of the CT series that it is a place in");
  if (!wanted() && !series_uid_.empty())
    throw Error(ErrorCode::usage, "--insert-series: expected --insert with the folder that the series is in");
  if (!wanted()) return;
  if (models::is_gan(family))
    throw Error(ErrorCode::usage, "--insert: expected a model of a diffusion family, found " + family);
  if (at_mm_.size() != 3)
    throw Error(ErrorCode::usage, fmt::format("--insert: expected --at X,Y,Z, a place in mm of the patient, found '{}'",
                                              fmt::join(at_mm_, ",")));
}

void Insertion::prepare(const train::CheckpointInfo& model, const Asked& asked, std::int64_t count, std::uint64_t seed,
                        int threads, Monitor& monitor) {
  if (asked.likens())
    throw Error(ErrorCode::usage,
                "--insert and --like: expected one of them, found both; a nodule that is inserted is "
                "asked for by itself");
  series_ = dicom::open_one_series(folder_, {series_uid_, "--insert-series", threads}, monitor);
  dicom::check_axial(series_);
  schema_ = model.conditions;
  fine_ = model.options.value("downsample", 1);
  for (std::int64_t i = 0; i < count; ++i) add(model, asked, seed + static_cast<std::uint64_t>(i));
  cut(model);
}

void Insertion::add(const train::CheckpointInfo& model, const Asked& asked, std::uint64_t seed) {
  Condition condition = asked.of(seed);
  const auto diameter = label_at(schema_, data::diameter_label);
  const auto spacing = label_at(schema_, data::spacing_label);
  data::InsertedNodule nodule;
  nodule.ball.at_mm = point_of(at_mm_);
  nodule.ball.diameter_mm = diameter ? condition[*diameter].value_or(default_diameter_mm) : default_diameter_mm;
  double pixel_mm = usual_spacing(schema_, series_.slices.front());
  if (spacing && asked.asks_for(*spacing)) pixel_mm = condition[*spacing].value_or(pixel_mm);
  if (spacing) condition[*spacing] = pixel_mm;
  nodule.sections = data::sections_of(series_, nodule.ball, {model.resolution, pixel_mm * fine_});
  nodule.first_image = static_cast<std::int64_t>(sections_.size());
  for (const data::NoduleSection& section : nodule.sections) {
    if (diameter) condition[*diameter] = section.diameter_mm;
    sections_.push_back(section);
    conditions_.push_back(condition);
    seeds_.push_back(seed);
  }
  nodules_.push_back(std::move(nodule));
}

/// What surrounds each section, read slice by slice.
void Insertion::cut(const train::CheckpointInfo& model) {
  const auto images = static_cast<std::int64_t>(sections_.size());
  const std::int64_t size = model.resolution;
  known_ = torch::full({images, model.image_channels, size, size}, -1, torch::kFloat);  // an outline: nothing
  region_ = torch::zeros({images, 1, size, size}, torch::kBool);
  dicom::SliceReader reader;
  for (std::size_t slice = 0; slice < series_.slices.size(); ++slice) {
    std::vector<std::int16_t> hu;
    for (std::int64_t i = 0; i < images; ++i) {
      const data::NoduleSection& section = sections_[static_cast<std::size_t>(i)];
      if (section.slice != slice) continue;
      const dicom::SliceHeader& header = series_.slices[slice];
      if (hu.empty()) hu = reader.read(header).hu;
      data::PatchFrame frame = section.frame;
      frame.size *= fine_;
      if (frame.spacing_mm) *frame.spacing_mm /= fine_;
      const auto patch = data::cut_patch(hu, header.rows, header.columns, frame);
      append_as_seen(patch, section.frame.size, fine_, model.window_hu, known_[i][0].data_ptr<float>());
      const std::vector<std::uint8_t> region = data::region_of(section);
      std::copy(region.begin(), region.end(), region_[i].data_ptr<bool>());
    }
  }
}

torch::Tensor Insertion::known(std::int64_t first, std::int64_t count) const { return known_.narrow(0, first, count); }

torch::Tensor Insertion::region(std::int64_t first, std::int64_t count) const {
  return region_.narrow(0, first, count);
}

torch::Tensor Insertion::labels(std::int64_t first, std::int64_t count) const {
  if (schema_.empty()) return {};
  torch::Tensor rows = torch::empty({count, schema_.width()});
  for (std::int64_t i = 0; i < count; ++i)
    encode(schema_, conditions_[static_cast<std::size_t>(first + i)],
           {rows[i].data_ptr<float>(), static_cast<std::size_t>(schema_.width())});
  return rows;
}

std::string Insertion::condition(std::int64_t i) const {
  const auto at = static_cast<std::size_t>(i);
  const data::NoduleSection& section = sections_[at];
  const std::string asked = condition_text(schema_, conditions_[at]);
  return fmt::format(
      "{}{}inserted into a real scan at {:g} mm, on slice {} of {} at {:g} mm within {:.3g} mm of column "
      "{:.4g}, row {:.4g}",
      asked, asked.empty() ? "" : "; ", fmt::join(at_mm_, " "), section.slice + 1, series_.slices.size(),
      series_.z_mm[section.slice], section.region_mm, section.frame.center_column, section.frame.center_row);
}

Json Insertion::record() const {
  Json nodules = Json::array();
  for (const data::InsertedNodule& nodule : nodules_) {
    Json slices = Json::array();
    for (const data::NoduleSection& section : nodule.sections) slices.push_back(section.slice);
    nodules.push_back(
        {{"diameter_mm", nodule.ball.diameter_mm}, {"slices", slices}, {"first_image", nodule.first_image}});
  }
  return {{"real", "all that surrounds the nodule: the images are synthetic in part alone"},
          {"at_mm", at_mm_},
          {"series_slices", series_.slices.size()},
          {"nodules", nodules}};
}

Manifest::Input Insertion::input() const {
  Sha256 sum;
  std::string last;
  for (const dicom::SliceHeader& slice : series_.slices) {
    if (slice.path == last) continue;  // another frame of it
    last = slice.path;
    sum.update(sha256_file(slice.path));
  }
  return {folder_.string(), sum.hex()};
}

}  // namespace nodulus::app
