#include "nodulus/dicom/slice_header.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "nodulus/core/error.h"
#include "nodulus/dicom/attributes.h"
#include "nodulus/dicom/decode.h"
#include "nodulus/dicom/layout.h"

namespace nodulus::dicom {
namespace {

constexpr std::string_view kDirectoryStorage = "1.2.840.10008.1.3.10";
constexpr int kMostFrames = 1 << 16;
/// A few damaged bytes of a compressed image may claim any size; none of CT or mammography comes near this one.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 26;

/// An attribute of an enhanced image stands in a macro of the frame's own functional group, else in that of
/// all frames (DICOM PS3.3 C.7.6.16); in a plain image it stands in the data set itself.
struct FrameAttributes {
  const Attributes& root;
  const Attributes* shared = nullptr;
  const Attributes* frame = nullptr;

  [[nodiscard]] Attributes macro(std::uint32_t sequence) const {
    for (const Attributes* group : {frame, shared}) {
      if (group == nullptr) continue;
      auto items = group->items(sequence);
      if (!items.empty()) return items.front();
    }
    return root;
  }
};

void read_identity(const Attributes& root, SliceHeader& header) {
  header.sop_class_uid = root.text(0x00080016);
  header.sop_uid = root.text(0x00080018);
  header.series_uid = root.text(0x0020000E);
  header.study_uid = root.text(0x0020000D);
  header.frame_of_reference_uid = root.text(0x00200052);
  header.patient_id = root.text(0x00100020);
  header.modality = root.text(0x00080060);
  header.manufacturer = root.text(0x00080070);
  header.image_type = root.texts(0x00080008);
  header.acquisition_number = root.integer(0x00200012);
  header.instance_number = root.integer(0x00200013);
}

/// Why the stored values of such a file are not plain numbers that a rescale turns into HU; or empty.
std::string pixel_problem_of(const Attributes& root, const SliceHeader& header, Layout::Pixels pixels) {
  if (pixels == Layout::Pixels::floating) return "floating point pixels, expected integers";
  if (header.samples_per_pixel != 1) {
    return "colour (" + std::to_string(header.samples_per_pixel) + " samples a pixel), expected one";
  }
  if (header.photometric != "MONOCHROME1" && header.photometric != "MONOCHROME2") {
    return "PhotometricInterpretation \"" + header.photometric + "\", expected MONOCHROME1 or MONOCHROME2";
  }
  if (header.rows == 0 || header.columns == 0) return "no Rows or Columns";
  if (std::int64_t{header.rows} * header.columns > kMostPixels) {
    return std::to_string(header.rows) + " x " + std::to_string(header.columns) + " pixels, expected 2^26 at most";
  }
  const int allocated = header.bits_allocated;
  if (allocated != 8 && allocated != 16 && allocated != 32) {
    return "BitsAllocated " + std::to_string(allocated) + ", expected 8, 16 or 32";
  }
  if (header.bits_stored < 1 || header.bits_stored > allocated || header.high_bit >= allocated ||
      header.high_bit < header.bits_stored - 1) {
    return "BitsStored " + std::to_string(header.bits_stored) + " with HighBit " + std::to_string(header.high_bit) +
           " does not fit BitsAllocated " + std::to_string(allocated);
  }
  if (!header.has_rescale && root.has(0x00283000)) return "a modality LUT instead of a rescale";
  return {};
}

void read_pixel_description(const Attributes& root, SliceHeader& header) {
  header.rows = root.word(0x00280010).value_or(0);
  header.columns = root.word(0x00280011).value_or(0);
  header.samples_per_pixel = root.word(0x00280002).value_or(1);
  header.photometric = root.text(0x00280004);
  header.bits_allocated = root.word(0x00280100).value_or(0);
  header.bits_stored = root.word(0x00280101).value_or(static_cast<std::uint16_t>(header.bits_allocated));
  header.high_bit = root.word(0x00280102).value_or(static_cast<std::uint16_t>(header.bits_stored - 1));
  header.is_signed = root.word(0x00280103).value_or(0) == 1;
  // The VR of padding values is US or SS by PixelRepresentation, and files often have the wrong one of the
  // two: the bits are what counts.
  const auto as_stored = [&](std::optional<std::uint16_t> bits) -> std::optional<std::int32_t> {
    if (!bits) return std::nullopt;
    if (header.is_signed) return static_cast<std::int16_t>(*bits);
    return *bits;
  };
  header.padding_value = as_stored(root.word(0x00280120));
  header.padding_limit = as_stored(root.word(0x00280121));
}

void read_rescale(const FrameAttributes& frame, SliceHeader& header) {
  const Attributes values = frame.macro(0x00289145);
  const auto intercept = values.decimals(0x00281052);
  const auto slope = values.decimals(0x00281053);
  header.has_rescale = !intercept.empty() && !slope.empty() && slope[0] != 0.0;
  if (header.has_rescale) header.rescale = {slope[0], intercept[0]};
}

/// Rows and columns must be unit vectors at a right angle; decimal strings are precise to about 1e-6, and
/// scanners that round to three digits are met.
bool is_orthonormal(const std::array<double, 6>& o) {
  constexpr double kTolerance = 5e-3;
  const double row = std::sqrt(o[0] * o[0] + o[1] * o[1] + o[2] * o[2]);
  const double column = std::sqrt(o[3] * o[3] + o[4] * o[4] + o[5] * o[5]);
  const double dot = o[0] * o[3] + o[1] * o[4] + o[2] * o[5];
  return std::abs(row - 1.0) < kTolerance && std::abs(column - 1.0) < kTolerance && std::abs(dot) < kTolerance;
}

void read_geometry(const FrameAttributes& frame, SliceHeader& header) {
  // One position in the data set of a file with many frames would put all of them at one place.
  const bool positions_known = header.frames == 1 || frame.frame != nullptr || frame.shared != nullptr;
  const auto position = positions_known ? frame.macro(0x00209113).decimals(0x00200032) : std::vector<double>{};
  const auto orientation = frame.macro(0x00209116).decimals(0x00200037);
  const Attributes measures = frame.macro(0x00289110);
  const auto spacing = measures.decimals(0x00280030);
  const auto thickness = measures.decimals(0x00180050);
  if (!thickness.empty() && thickness[0] > 0.0) header.slice_thickness_mm = thickness[0];
  if (position.size() == 3) std::copy_n(position.begin(), 3, header.position_mm.begin());
  if (orientation.size() == 6) std::copy_n(orientation.begin(), 6, header.orientation.begin());
  if (spacing.size() == 2) std::copy_n(spacing.begin(), 2, header.spacing_mm.begin());

  if (position.size() != 3) {
    header.geometry_problem = "no ImagePositionPatient (0020,0032) of three numbers";
  } else if (orientation.size() != 6) {
    header.geometry_problem = "no ImageOrientationPatient (0020,0037) of six numbers";
  } else if (!is_orthonormal(header.orientation)) {
    header.geometry_problem = "ImageOrientationPatient (0020,0037) is not two unit vectors at a right angle";
  } else if (spacing.size() != 2 || header.spacing_mm[0] <= 0.0 || header.spacing_mm[1] <= 0.0) {
    header.geometry_problem = "no PixelSpacing (0028,0030) of two positive numbers";
  }
}

void read_frame(const FrameAttributes& frame, SliceHeader& header) {
  if (frame.frame != nullptr) {
    const auto type = frame.macro(0x00189329).texts(0x00089007);
    if (!type.empty()) header.image_type = type;
    const auto acquisition = frame.macro(0x00209111).word(0x00209156);
    if (acquisition) header.acquisition_number = *acquisition;
  }
  read_rescale(frame, header);
  read_geometry(frame, header);
}

std::vector<SliceHeader> headers_of(const Layout& layout, const Attributes& root, const std::string& path) {
  SliceHeader first;
  first.path = path;
  first.transfer_syntax_uid = layout.transfer_syntax_uid;
  first.frames = root.integer(0x00280008).value_or(1);
  if (first.frames < 1 || first.frames > kMostFrames) {
    throw Error(ErrorCode::bad_input, "NumberOfFrames (0028,0008) of " + std::to_string(first.frames));
  }
  read_identity(root, first);
  read_pixel_description(root, first);

  const auto shared = root.items(0x52009229);
  const auto groups = root.items(0x52009230);
  std::vector<SliceHeader> headers;
  for (int i = 0; i < first.frames; ++i) {
    SliceHeader header = first;
    header.frame_index = i;
    const auto index = static_cast<std::size_t>(i);
    read_frame({root, shared.empty() ? nullptr : &shared.front(), index < groups.size() ? &groups[index] : nullptr},
               header);
    header.pixel_problem = pixel_problem_of(root, header, layout.pixels);
    headers.push_back(std::move(header));
  }
  return headers;
}

}  // namespace

std::int16_t Rescale::to_hu(std::int64_t stored) const {
  constexpr double kLow = std::numeric_limits<std::int16_t>::min();
  constexpr double kHigh = std::numeric_limits<std::int16_t>::max();
  return static_cast<std::int16_t>(
      std::clamp(std::round(slope * static_cast<double>(stored) + intercept), kLow, kHigh));
}

std::variant<std::vector<SliceHeader>, Reject> read_headers(const std::string& path) {
  auto found = find_layout(path);
  if (auto* reject = std::get_if<Reject>(&found)) return std::move(*reject);
  const Layout& layout = std::get<Layout>(found);
  try {
    const Attributes root = Attributes::read(layout);
    if (root.text(0x00080016) == kDirectoryStorage || root.has(0x00041220)) {
      return Reject{path, "DICOMDIR", "a directory of other files, not an image"};
    }
    if (layout.pixels == Layout::Pixels::none) return Reject{path, "no pixel data", "no element (7fe0,0010)"};
    if (!layout.pixels_cut.empty()) return Reject{path, "truncated", layout.pixels_cut};
    auto headers = headers_of(layout, root, path);
    const std::string missing = frames_missing(layout, headers.front());
    if (!missing.empty()) return Reject{path, "truncated", missing};
    return headers;
  } catch (const Error& error) {
    return Reject{path, "damaged header", error.what()};
  }
}

}  // namespace nodulus::dicom
