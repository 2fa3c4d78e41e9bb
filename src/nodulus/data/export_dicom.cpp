#include "nodulus/data/export_dicom.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "nodulus/core/condition.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/conditions.h"
#include "nodulus/data/image_source.h"
#include "nodulus/data/object_text.h"
#include "nodulus/dicom/synthetic.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

struct ObjectName {
  std::string_view name;
  dicom::ImageObject kind;
};
constexpr std::array<ObjectName, 3> object_names{{{"ct", dicom::ImageObject::ct},
                                                  {"enhanced-ct", dicom::ImageObject::enhanced_ct},
                                                  {"secondary-capture", dicom::ImageObject::secondary_capture}}};

dicom::ImageObject object_of(std::string_view name) {
  const auto* const found = std::ranges::find(object_names, name, &ObjectName::name);
  if (found == object_names.end())
    throw Error(ErrorCode::usage,
                fmt::format("the DICOM object: expected ct, enhanced-ct or secondary-capture, found {}", name));
  return found->kind;
}

/// The size of the images' pixels, of which record.json and the conditions in items.csv tell.
class PixelSizes {
 public:
  PixelSizes(const fs::path& source, const CsvTable& items, double given) : items_(items), given_(given) {
    if (given > 0 || !fs::exists(source / "record.json")) return;
    const fs::path file = source / "record.json";
    const Json record = read_json(file);
    try {
      downsample_ = record.at("view").at("downsample").get<double>();
      for (const ConditionLabel& label : condition_schema_of(record.at("conditions"), file.string()).labels)
        if (label.column() == spacing_label) usual_ = label.values[label.values.size() / 2].number;
    } catch (const Json::exception& error) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: malformed ({})", file.string(), error.what()));
    }
  }

  /// Error{usage} where it is not known.
  [[nodiscard]] double of(std::size_t row) const {
    if (given_ > 0) return given_;
    if (const auto asked = asked_for(row)) return *asked * downsample_;
    if (usual_) return *usual_ * downsample_;
    throw Error(ErrorCode::usage, fmt::format("expected --spacing-mm, the size of a pixel, which neither {} nor "
                                              "record.json tells; found none",
                                              items_.where()));
  }

 private:
  /// The number after "spacing_mm=" of the condition, between semicolons.
  [[nodiscard]] std::optional<double> asked_for(std::size_t row) const {
    if (!items_.has("condition")) return std::nullopt;
    const std::string key = fmt::format("{}=", spacing_label);
    const std::string& condition = items_.text(row, "condition");
    for (std::size_t at = 0; at < condition.size();) {
      const std::size_t end = std::min(condition.find(';', at), condition.size());
      const std::string_view part = std::string_view(condition).substr(at, end - at);
      if (part.starts_with(key)) return parse_number(part.substr(key.size()));
      at = end + 1;
      while (at < condition.size() && condition[at] == ' ') ++at;
    }
    return std::nullopt;
  }

  const CsvTable& items_;
  double given_;
  double downsample_ = 1;
  std::optional<double> usual_;
};

}  // namespace

void DicomExportOptions::describe(Options& options, const std::string& prefix) {
  std::vector<std::string> names;
  names.reserve(object_names.size());
  for (const ObjectName& row : object_names) names.emplace_back(row.name);
  options.add(prefix + "object", object, "what the DICOM files are").one_of(names);
  options.add(prefix + "uid_root", uid_root, "of the UIDs of DICOM objects; 2.25: made from UUIDs");
  options
      .add(prefix + "spacing_mm", spacing_mm,
           "size of a pixel in DICOM; 0: as asked for, else the usual one of the model")
      .between(0, 1000);
  options.add(prefix + "outlines", outlines, "a DICOM segmentation of each outline");
  options.add(prefix + "burn_in", burn_in, "SYNTHETIC in the pixels of DICOM images");
}

void check(const DicomExportOptions& options) {
  dicom::check_uid_root(options.uid_root);
  (void)object_of(options.object);
}

void check(const fs::path& source, const DicomExportOptions& options) {
  check(options);
  const StoredImages images = StoredImages::open(source);
  const auto refuse = [&](std::string_view found) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected generated images, found {}: DICOM objects of nobody are made of these alone",
                            source.string(), found));
  };
  if (!images.synthetic()) refuse("real ones");
  if (images.manifest().command != "generate")
    refuse(fmt::format("images of `{}`, which may be like a real one", images.manifest().command));
  for (const char* const option : {"inpaint", "insert"})
    if (!images.manifest().options.value(option, "").empty()) refuse(fmt::format("parts of a real one (--{})", option));
  const PixelSizes sizes(source, images.items(), options.spacing_mm);
  for (std::size_t row = 0; row < images.items().rows(); ++row) (void)sizes.of(row);
}

DicomExportResult export_dicom(const fs::path& source, const fs::path& folder, const DicomExportOptions& options,
                               Monitor& monitor) {
  check(source, options);
  const StoredImages images = StoredImages::open(source);
  const auto kind = object_of(options.object);
  const CsvTable& items = images.items();
  const PixelSizes sizes(source, items, options.spacing_mm);
  dicom::SyntheticStudy study;
  study.uid_root = options.uid_root;
  study.key = fmt::format("{} {} {} {} {}", sha256_file(source / "manifest.json"), options.burn_in, options.spacing_mm,
                          program_version(), git_revision());
  study.created = images.manifest().created;
  study.model = model_of(images);
  study.window_lo = images.window_hu().lo;
  study.window_hi = images.window_hu().hi;
  make_folder(folder / "images");
  const bool outlines = options.outlines && images.masks();
  if (outlines) make_folder(folder / "outlines");

  DicomExportResult result;
  std::vector<std::string> header{"file", "outline", "sop_instance_uid", "spacing_mm"};
  for (const std::string& column : items.columns())
    if (column != "file") header.push_back(column);
  CsvWriter table(folder / "items.csv", header);
  for (std::int64_t i = 0; i < images.size(); ++i) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped: no DICOM files were written");
    const auto row = static_cast<std::size_t>(i);
    std::vector<std::int16_t> hu(images.image(i).begin(), images.image(i).end());
    dicom::SyntheticImage image;
    image.number = static_cast<int>(i) + 1;
    image.rows = images.height();
    image.columns = images.width();
    image.spacing_mm = sizes.of(row);
    image.description = object_description(items, row);
    if (options.burn_in)
      dicom::burn_in(hu, image.rows, image.columns, static_cast<std::int16_t>(images.window_hu().hi));
    image.hu = hu;
    const std::string file = fmt::format("images/{:06}.dcm", i);
    write_text(folder / file, dicom::image_object(kind, study, image).file());
    ++result.images;
    std::string outline;
    if (outlines && std::ranges::any_of(images.mask(i), [](std::uint8_t value) { return value != 0; })) {
      image.outline = images.mask(i);
      outline = fmt::format("outlines/{:06}.dcm", i);
      write_text(folder / outline, dicom::segmentation(kind, study, image).file());
      ++result.outlines;
    }
    std::vector<std::string> fields{file, outline, dicom::image_uid(kind, study, image), csv_number(image.spacing_mm)};
    for (const std::string& column : items.columns())
      if (column != "file") fields.push_back(items.text(row, column));
    table.row(fields);
    monitor.progress({"exporting", i + 1, images.size(), "images", ""});
  }
  table.close();
  return result;
}

}  // namespace nodulus::data
