#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/core/reject.h"

namespace nodulus::dicom {

/// Stored value -> Hounsfield units: HU = slope * stored + intercept (DICOM PS3.3 C.11.1.1.2).
struct Rescale {
  double slope = 1.0;
  double intercept = 0.0;

  /// The HU of one stored value, rounded to the nearest integer (halves away from zero) and kept within
  /// [-32768, 32767].
  [[nodiscard]] std::int16_t to_hu(std::int64_t stored) const;
  friend bool operator==(const Rescale&, const Rescale&) = default;
};

/// What stands before the pixels of one CT slice: one frame of one DICOM file.
/// Text is trimmed of DICOM's padding; an absent attribute is empty or zero unless stated otherwise.
struct SliceHeader {
  std::string path;     ///< The file, as it was asked for.
  int frame_index = 0;  ///< 0-based frame within the file.
  int frames = 1;       ///< Frames that the file holds.

  std::string sop_class_uid;
  std::string sop_uid;  ///< SOPInstanceUID; the same for all frames of a file.
  std::string series_uid;
  std::string study_uid;
  std::string frame_of_reference_uid;
  std::string patient_id;
  std::string modality;
  std::string manufacturer;
  std::string transfer_syntax_uid;
  std::vector<std::string> image_type;  ///< ImageType, or the frame's FrameType where there is one.
  std::optional<int> acquisition_number;
  std::optional<int> instance_number;

  int rows = 0;
  int columns = 0;
  std::array<double, 3> position_mm{};  ///< ImagePositionPatient: centre of the first pixel (x, y, z).
  std::array<double, 6> orientation{};  ///< ImageOrientationPatient: unit vectors along a row, down a column.
  std::array<double, 2> spacing_mm{};   ///< PixelSpacing: between rows, between columns.
  double slice_thickness_mm = 0.0;      ///< SliceThickness: the slab that one slice averages, not the step.
  std::string geometry_problem;         ///< What is missing or wrong among position, orientation, spacing; or empty.

  Rescale rescale;
  bool has_rescale = false;  ///< False where the file gives no slope and intercept: HU is then not known.
  int bits_allocated = 0;
  int bits_stored = 0;
  int high_bit = 0;
  bool is_signed = false;  ///< PixelRepresentation 1.
  int samples_per_pixel = 1;
  std::string photometric;                    ///< PhotometricInterpretation: MONOCHROME2, MONOCHROME1, RGB, ...
  std::optional<std::int32_t> padding_value;  ///< PixelPaddingValue (0028,0120), a stored value.
  std::optional<std::int32_t> padding_limit;  ///< PixelPaddingRangeLimit (0028,0121), inclusive.
  std::string pixel_problem;                  ///< Why the pixels cannot become HU; or empty.
};

/// The headers of every frame of one file, read up to the pixels and no further; or why there are none.
/// Any modality: what a caller does not want, it leaves out (see scan()).
/// Reasons: "not found", "empty file", "not DICOM", "truncated", "DICOMDIR", "no pixel data", "damaged header".
std::variant<std::vector<SliceHeader>, Reject> read_headers(const std::string& path);

}  // namespace nodulus::dicom
