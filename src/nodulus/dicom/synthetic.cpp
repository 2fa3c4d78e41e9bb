#include "nodulus/dicom/synthetic.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/core/error.h"
#include "nodulus/dicom/synthetic_parts.h"

namespace nodulus::dicom {
namespace {

using namespace synthetic;

/// PS3.3 C.7.6.1: of an image, whatever its object.
void describe_image(Object& object, const SyntheticStudy& study, const SyntheticImage& image) {
  object
      .text(0x00080023, "DA", date_of(study))  // ContentDate
      .text(0x00080033, "TM", time_of(study))
      .text(0x00082111, "ST", derivation(study, image))  // DerivationDescription
      .text(0x00180015, "CS", "CHEST")
      .text(0x00185100, "CS", "")  // PatientPosition
      .text(0x00200013, "IS", std::to_string(image.place ? image.place->instance.value_or(image.number) : image.number))
      .text(0x00204000, "LT", derivation(study, image))  // ImageComments
      .text(0x00280301, "CS", "NO")
      .text(0x00282110, "CS", "00");  // LossyImageCompression
  object.item(0x00089215, derivation_code(study));
}

/// PS3.3 C.7.6.3: HU as signed words.
void describe_pixels(Object& object, const SyntheticImage& image) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(image.hu.size() * 2);
  for (const std::int16_t value : image.hu) {
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(value) & 0xffU));
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(value) >> 8U));
  }
  object
      .words(0x00280002, {1})  // SamplesPerPixel
      .text(0x00280004, "CS", "MONOCHROME2")
      .words(0x00280010, {static_cast<std::uint16_t>(image.rows)})
      .words(0x00280011, {static_cast<std::uint16_t>(image.columns)})
      .words(0x00280100, {16})
      .words(0x00280101, {16})
      .words(0x00280102, {15})
      .words(0x00280103, {1})  // PixelRepresentation: signed
      .bytes(0x7fe00010, "OW", bytes);
}

/// Value to HU, and the window for looking.
void describe_hu(Object& object, const SyntheticStudy& study) {
  object.decimals(0x00281052, {0}).decimals(0x00281053, {1}).text(0x00281054, "LO", "HU");
  object.decimals(0x00281050, {(study.window_lo + study.window_hi) / 2})
      .decimals(0x00281051, {study.window_hi - study.window_lo});
}

Object described(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image,
                 std::string_view modality) {
  Object object;
  describe_study(object, study);
  describe_series(object, study, modality, series_uid(kind, study, image),
                  image.place ? image.place->series : image.number, description_of(study, image));
  describe_instance(object, study, class_of(kind), image_uid(kind, study, image));
  describe_image(object, study, image);
  describe_pixels(object, image);
  return object;
}

/// Functional groups of a frame that lies in a plane: PS3.3 C.7.6.16.2.1, .3 and .4.
void describe_plane(Object& group, const SyntheticImage& image) {
  describe_measures(group, image, true);
  describe_position(group, image);
  describe_orientation(group, image);
}

/// PS3.3 C.7.6.16.2.8
Object anatomy() {
  Object where;
  where.text(0x00209072, "CS", "U")
      .item(0x00082218, lung());  // FrameLaterality: of R, L, U and B the one that claims no side
  return where;
}

}  // namespace

std::string image_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image) {
  if (image.place) return uid(study, fmt::format("slice {} of scan {}", image.number, image.place->series));
  return uid(study, fmt::format("image {} {}", class_of(kind), image.number));
}

Object ct_image(const SyntheticStudy& study, const SyntheticImage& image) {
  const SlicePlace place = image.place.value_or(SlicePlace());
  const auto [rows, columns] = spacing_of(image);
  Object object = described(ImageObject::ct, study, image, "CT");
  describe_space(object, study, image);
  describe_hu(object, study);
  object.text(0x00080008, "CS", study.real_scan ? "DERIVED\\PRIMARY\\AXIAL" : "DERIVED\\SECONDARY\\AXIAL")
      .text(0x00180050, "DS", "")  // SliceThickness: a model of slices knows none
      .text(0x00180060, "DS", "")  // KVP
      .text(0x00200012, "IS", "")  // AcquisitionNumber
      .decimals(0x00200032, place.position_mm)
      .decimals(0x00200037, place.orientation)
      .text(0x00200020, "CS", "")  // PatientOrientation
      .decimals(0x00280030, {rows, columns});
  if (place.thickness_mm > 0) object.decimals(0x00180050, {place.thickness_mm});
  return object;
}

Object secondary_capture(const SyntheticStudy& study, const SyntheticImage& image) {
  Object object = described(ImageObject::secondary_capture, study, image, "CT");
  describe_hu(object, study);
  object.text(0x00080008, "CS", "DERIVED\\SECONDARY\\AXIAL")
      .text(0x00080064, "CS", "SYN")  // ConversionType: synthetic image
      .text(0x00200020, "CS", "")
      .decimals(0x00280030, {image.spacing_mm, image.spacing_mm});
  return object;
}

Object enhanced_ct_image(const SyntheticStudy& study, const SyntheticImage& image) {
  Object object = described(ImageObject::enhanced_ct, study, image, "CT");
  describe_space(object, study, image);
  describe_dimensions(object, study, fmt::format("dimensions {}", image.number));
  constexpr std::string_view type = "DERIVED\\PRIMARY\\VOLUME\\NONE";
  const auto pixels = [](Object& to) -> Object& {
    return to.text(0x00089205, "CS", "MONOCHROME").text(0x00089206, "CS", "SAMPLED").text(0x00089207, "CS", "NONE");
  };
  object.text(0x00080008, "CS", type)
      .text(0x0008002a, "DT", date_of(study) + time_of(study))  // AcquisitionDateTime
      .text(0x00280008, "IS", "1")                              // NumberOfFrames
      .text(0x20500020, "CS", "IDENTITY")                       // PresentationLUTShape
      .sequence(0x00400555, {});                                // AcquisitionContextSequence
  pixels(object);
  Object shared;
  describe_plane(shared, image);
  shared.item(0x00209071, anatomy());
  Object values;  // PixelValueTransformationSequence
  values.decimals(0x00281052, {0}).decimals(0x00281053, {1}).text(0x00281054, "LO", "HU");
  shared.item(0x00289145, std::move(values));
  Object look;  // FrameVOILUTSequence
  look.decimals(0x00281050, {(study.window_lo + study.window_hi) / 2})
      .decimals(0x00281051, {study.window_hi - study.window_lo});
  shared.item(0x00289132, std::move(look));
  Object frame_type;  // CTImageFrameTypeSequence
  frame_type.text(0x00089007, "CS", type);
  pixels(frame_type);
  shared.item(0x00189329, std::move(frame_type));
  Object event;  // There was none; the macro is not optional, and this UID stands for nothing that ever was.
  event.text(0x00083010, "UI", uid(study, fmt::format("no irradiation {}", image.number)));
  shared.item(0x00189477, std::move(event));
  object.item(0x52009229, std::move(shared));
  Object frame;
  frame.item(0x00209111, frame_content(1));
  object.item(0x52009230, std::move(frame));
  return object;
}

Object image_object(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image) {
  switch (kind) {
    case ImageObject::ct: return ct_image(study, image);
    case ImageObject::enhanced_ct: return enhanced_ct_image(study, image);
    case ImageObject::secondary_capture: return secondary_capture(study, image);
  }
  throw Error(ErrorCode::usage, "expected a kind of DICOM object, found none of them");
}

namespace {

/// Letters of 3 by 5, a row a digit, the left pixel the highest bit.
struct Letter {
  char name;
  std::array<std::uint8_t, 5> rows;
};
constexpr std::array<Letter, 8> letters{{{'S', {3, 4, 2, 1, 6}},
                                         {'Y', {5, 5, 2, 2, 2}},
                                         {'N', {5, 7, 7, 7, 5}},
                                         {'T', {7, 2, 2, 2, 2}},
                                         {'H', {5, 5, 7, 5, 5}},
                                         {'E', {7, 4, 6, 4, 7}},
                                         {'I', {7, 2, 2, 2, 7}},
                                         {'C', {3, 4, 4, 4, 3}}}};

}  // namespace

void burn_in(std::span<std::int16_t> hu, int rows, int columns, std::int16_t value) {
  constexpr std::string_view word = "SYNTHETIC";
  constexpr int pitch = 4;
  constexpr std::int16_t dark = -1000;
  const int width = pitch * static_cast<int>(word.size()) + 1;
  const int scale = std::max(1, columns / (2 * width));
  for (int y = 0; y < std::min(rows, 7 * scale); ++y) {
    for (int x = 0; x < std::min(columns, width * scale); ++x) {
      const int row = y / scale - 1;
      const int column = x / scale - 1;
      bool lit = false;
      if (row >= 0 && row < 5 && column >= 0 && column % pitch < 3) {
        const char name = word[static_cast<std::size_t>(column / pitch)];
        const auto* const letter = std::ranges::find(letters, name, &Letter::name);
        lit = ((letter->rows[static_cast<std::size_t>(row)] >> (2 - column % pitch)) & 1) != 0;
      }
      hu[static_cast<std::size_t>(y) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(x)] =
          lit ? value : dark;
    }
  }
}

}  // namespace nodulus::dicom
