#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "nodulus/dicom/object.h"

/// Generated images as DICOM objects that say so in every place that DICOM has for it. Nothing in them is of a patient
/// but what the structures below hold: of a real scan into which a nodule was inserted its HU and its geometry.
namespace nodulus::dicom {

/// What the images of one request have in common.
struct SyntheticStudy {
  std::string uid_root = "2.25";
  std::string key;           ///< All UIDs are functions of it: the same images as the same objects have the same UIDs.
  std::string created;       ///< UTC, ISO 8601, as in a manifest.
  std::string model;         ///< What drew them: name or family, for people.
  double window_lo = -1000;  ///< HU of black, for looking,
  double window_hi = 400;    ///< and of white.
  bool real_scan = false;    ///< The images are slices of a real scan into which something generated was inserted.
};

/// Where a slice lies, which is one of a series with others (PS3.3 C.7.6.2.1).
struct SlicePlace {
  int series = 1;               ///< Number of the series within its study, from 1.
  std::optional<int> instance;  ///< InstanceNumber; nothing: the image's number.
  std::array<double, 3> position_mm{};
  std::array<double, 6> orientation{1, 0, 0, 0, 1, 0};
  std::array<double, 2> spacing_mm{1, 1};  ///< Between rows, between columns.
  double thickness_mm = 0;                 ///< 0: not known.
};

/// One generated image.
struct SyntheticImage {
  int number = 0;  ///< From 1, within the study; with a place within its series.
  int rows = 0;
  int columns = 0;
  double spacing_mm = 1;                    ///< Of the pixels, which are square; of an image without a place.
  std::span<const std::int16_t> hu;         ///< [rows * columns]
  std::span<const std::uint8_t> outline{};  ///< [rows * columns], not 0 within; empty: none.
  std::string description{};                ///< Seed, what was asked for, sampler: how it was made. UTF-8.
  std::optional<SlicePlace> place{};        ///< Nothing: the image is a place and a series of its own.
};

/// CT Image (PS3.3 A.3), its pixels HU as they are. This object alone knows of a place.
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

/// The outlines of slices of one series, CT Images with a place, as one Segmentation of a frame a slice.
/// Error{internal} for no slices.
Object series_segmentation(const SyntheticStudy& study, std::span<const SyntheticImage> slices);

/// SOPInstanceUID of an image's object, and of its outline's.
std::string image_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);
std::string segmentation_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);

/// Writes "SYNTHETIC" along the upper edge in `value` HU, with a dark rim; as much of it as an image holds.
void burn_in(std::span<std::int16_t> hu, int rows, int columns, std::int16_t value);

}  // namespace nodulus::dicom
