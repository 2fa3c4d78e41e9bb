#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "nodulus/dicom/object.h"

/// Generated images as DICOM objects that say so in every place that DICOM has for it. Nothing in them is of a patient:
/// all comes from the two structures below.
namespace nodulus::dicom {

/// What the images of one request have in common.
struct SyntheticStudy {
  std::string uid_root = "2.25";
  std::string key;           ///< All UIDs are functions of it: the same images as the same objects have the same UIDs.
  std::string created;       ///< UTC, ISO 8601, as in a manifest.
  std::string model;         ///< What drew them: name or family, for people.
  double window_lo = -1000;  ///< HU of black, for looking,
  double window_hi = 400;    ///< and of white.
};

/// One generated image.
struct SyntheticImage {
  int number = 0;  ///< From 1.
  int rows = 0;
  int columns = 0;
  double spacing_mm = 1;                    ///< Of the pixels, which are square.
  std::span<const std::int16_t> hu;         ///< [rows * columns]
  std::span<const std::uint8_t> outline{};  ///< [rows * columns], not 0 within; empty: none.
  std::string description{};                ///< Seed, what was asked for, sampler: how it was made. UTF-8.
};

/// CT Image (PS3.3 A.3), its pixels HU as they are.
Object ct_image(const SyntheticStudy& study, const SyntheticImage& image);
/// Enhanced CT Image (PS3.3 A.38) of one frame.
Object enhanced_ct_image(const SyntheticStudy& study, const SyntheticImage& image);
/// Secondary Capture Image (PS3.3 A.8.1) with its Modality LUT: HU as in a CT Image, without a place in space.
Object secondary_capture(const SyntheticStudy& study, const SyntheticImage& image);

/// Which of them.
enum class ImageObject { ct, enhanced_ct, secondary_capture };
Object image_object(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);

/// The outline as a Segmentation (PS3.3 A.51) of one segment that refers to the image's object of that kind.
Object segmentation(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);

/// SOPInstanceUID of an image's object, and of its outline's.
std::string image_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);
std::string segmentation_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);

/// Writes "SYNTHETIC" along the upper edge in `value` HU, with a dark rim; as much of it as an image holds.
void burn_in(std::span<std::int16_t> hu, int rows, int columns, std::int16_t value);

}  // namespace nodulus::dicom
