#include "nodulus/data/inserted_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/image_source.h"
#include "nodulus/data/object_text.h"
#include "nodulus/dicom/slice.h"
#include "nodulus/dicom/synthetic.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

dicom::SyntheticStudy study_of(const StoredImages& images, const fs::path& folder, const std::string& uid_root) {
  dicom::SyntheticStudy study;
  study.uid_root = uid_root;
  study.key =
      fmt::format("inserted {} {} {}", sha256_file(folder / "manifest.json"), program_version(), git_revision());
  study.created = images.manifest().created;
  study.model = model_of(images);
  study.window_lo = images.window_hu().lo;
  study.window_hi = images.window_hu().hi;
  study.real_scan = true;
  return study;
}

/// A slice of the source as one of the new series: its size and geometry.
dicom::SyntheticImage image_like(const dicom::SliceHeader& source, std::size_t index, int series) {
  dicom::SlicePlace place;
  place.series = series;
  place.instance = source.instance_number;
  place.position_mm = source.position_mm;
  place.orientation = source.orientation;
  place.spacing_mm = source.spacing_mm;
  place.thickness_mm = source.slice_thickness_mm;
  dicom::SyntheticImage image;
  image.number = static_cast<int>(index) + 1;
  image.rows = source.rows;
  image.columns = source.columns;
  image.place = place;
  return image;
}

/// Writes one nodule's series.
class SeriesWriter {
 public:
  SeriesWriter(const StoredImages& images, const dicom::SyntheticStudy& study, const dicom::OrderedSeries& series,
               const fs::path& folder, CsvWriter& table, bool outlines)
      : images_(images), study_(study), series_(series), folder_(folder), table_(table), outlines_(outlines) {}

  void write(const InsertedNodule& nodule, std::size_t number, InsertedSeriesResult& result, std::int64_t total,
             Monitor& monitor) {
    const std::string name = fmt::format("{:06}", number);
    make_folder(folder_ / name);
    outlined_.clear();
    std::size_t at = 0;
    for (std::size_t i = 0; i < series_.slices.size(); ++i) {
      if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped: no series was written");
      dicom::SyntheticImage image = image_like(series_.slices[i], i, static_cast<int>(number) + 1);
      dicom::Slice slice = reader_.read(series_.slices[i]);
      const std::string file = fmt::format("{}/{:06}.dcm", name, i);
      image.description = object_description(images_.items(), static_cast<std::size_t>(nodule.first_image)) +
                          "; nothing of it on this slice";
      if (at < nodule.sections.size() && nodule.sections[at].slice == i) {
        insert(nodule, at++, image, slice.hu, file);
        ++result.changed;
      }
      image.hu = slice.hu;
      write_text(folder_ / file, dicom::ct_image(study_, image).file());
      monitor.progress({"writing", ++result.slices, total, "slices", ""});
    }
    constexpr double tolerance = 0.25;
    if (images_.masks() && std::abs(widest_outlined_ - widest_asked_) > tolerance * widest_asked_)
      monitor.warn(fmt::format("{}: asked for {:.1f} mm, outlined {:.1f} mm on its widest slice (items.csv has each)",
                               name, widest_asked_, widest_outlined_));
    if (outlined_.empty()) return;
    write_text(folder_ / (name + "-outline.dcm"), dicom::series_segmentation(study_, outlined_).file());
    ++result.outlines;
  }

 private:
  /// Section `at` of the nodule into the slice's HU.
  void insert(const InsertedNodule& nodule, std::size_t at, dicom::SyntheticImage& image, std::vector<std::int16_t>& hu,
              const std::string& file) {
    const NoduleSection& section = nodule.sections[at];
    const std::int64_t drawn = nodule.first_image + static_cast<std::int64_t>(at);
    image.description = object_description(images_.items(), static_cast<std::size_t>(drawn));
    const std::int64_t changed = blend(section, images_.image(drawn), image.rows, image.columns, hu);
    const double outlined = images_.masks() ? keep_outline(section, images_.mask(drawn), image) : 0;
    if (section.diameter_mm > widest_asked_) {
      widest_asked_ = section.diameter_mm;
      widest_outlined_ = outlined;
    }
    table_.row(std::vector<std::string>{std::to_string(drawn), file, csv_number(series_.z_mm[section.slice]),
                                        csv_number(section.frame.center_column), csv_number(section.frame.center_row),
                                        csv_number(section.diameter_mm), images_.masks() ? csv_number(outlined) : "",
                                        csv_number(section.region_mm), std::to_string(changed),
                                        dicom::image_uid(dicom::ImageObject::ct, study_, image)});
  }

  /// Keeps the outline for the Segmentation, which is written when the series is. Diameter of the disc of its area, mm.
  double keep_outline(const NoduleSection& section, std::span<const std::uint8_t> drawn,
                      const dicom::SyntheticImage& image) {
    std::vector<std::uint8_t> outline = outline_on_slice(section, drawn, image.rows, image.columns);
    const auto pixels = std::ranges::count_if(outline, [](std::uint8_t value) { return value != 0; });
    if (pixels == 0) return 0;
    if (outlines_) {
      masks_.push_back(std::move(outline));
      outlined_.push_back(image);
      outlined_.back().outline = masks_.back();
    }
    const double area = static_cast<double>(pixels) * section.frame.row_spacing_mm * section.frame.column_spacing_mm;
    return 2 * std::sqrt(area / std::numbers::pi);
  }

  const StoredImages& images_;
  const dicom::SyntheticStudy& study_;
  const dicom::OrderedSeries& series_;
  const fs::path& folder_;
  CsvWriter& table_;
  bool outlines_;
  double widest_asked_ = 0;
  double widest_outlined_ = 0;
  dicom::SliceReader reader_;
  std::vector<dicom::SyntheticImage> outlined_;
  std::vector<std::vector<std::uint8_t>> masks_;  // what `outlined_` refers to: moving a vector leaves its pixels
};

void check_images(const StoredImages& images, const fs::path& folder, const std::vector<InsertedNodule>& nodules) {
  std::int64_t sections = 0;
  int size = 0;
  for (const InsertedNodule& nodule : nodules) {
    sections = std::max(sections, nodule.first_image + static_cast<std::int64_t>(nodule.sections.size()));
    for (const NoduleSection& section : nodule.sections) size = section.frame.size;
  }
  if (images.size() == sections && images.width() == size && images.height() == size) return;
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: expected {} images of {}x{} for as many sections, found {} of {}x{}", folder.string(),
                          sections, size, size, images.size(), images.width(), images.height()));
}

}  // namespace

InsertedSeriesResult write_inserted(const fs::path& images, const fs::path& folder, const dicom::OrderedSeries& series,
                                    const std::vector<InsertedNodule>& nodules, const InsertedSeriesOptions& options,
                                    Monitor& monitor) {
  dicom::check_uid_root(options.uid_root);
  const StoredImages drawn = StoredImages::open(images);
  check_images(drawn, images, nodules);
  const dicom::SyntheticStudy study = study_of(drawn, images, options.uid_root);
  CsvWriter table(folder / "items.csv", {"image", "file", "z_mm", "column", "row", "asked_diameter_mm",
                                         "outlined_diameter_mm", "region_mm", "changed_pixels", "sop_instance_uid"});
  const auto total = static_cast<std::int64_t>(nodules.size() * series.slices.size());
  InsertedSeriesResult result;
  for (std::size_t i = 0; i < nodules.size(); ++i)
    SeriesWriter(drawn, study, series, folder, table, options.outlines).write(nodules[i], i, result, total, monitor);
  table.close();
  return result;
}

}  // namespace nodulus::data
