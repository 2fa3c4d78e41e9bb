#include <fmt/format.h>

#include "nodulus/core/error.h"
#include "nodulus/dicom/synthetic_parts.h"

namespace nodulus::dicom {
namespace {

using namespace synthetic;

constexpr std::string_view segmentation_class = "1.2.840.10008.5.1.4.1.1.66.4";

/// What the frames of one Segmentation are of, all with the same size and orientation; at least one.
struct OutlineFrames {
  ImageObject kind = ImageObject::ct;
  std::span<const SyntheticImage> images;

  [[nodiscard]] const SyntheticImage& first() const { return images.front(); }
};

/// PS3.3 C.8.20.2: the outlines' pixels, a bit each; a frame begins with the bit after the last one's (PS3.5 8.1.1).
std::vector<std::uint8_t> bits_of(const OutlineFrames& frames) {
  std::vector<std::uint8_t> bits((frames.images.size() * frames.first().outline.size() + 7) / 8);
  std::size_t at = 0;
  for (const SyntheticImage& image : frames.images) {
    for (const std::uint8_t value : image.outline) {
      if (value != 0) bits[at / 8] = static_cast<std::uint8_t>(bits[at / 8] | (1U << (at % 8)));
      ++at;
    }
  }
  return bits;
}

void describe_bits(Object& object, const SyntheticStudy& study, const OutlineFrames& frames) {
  const SyntheticImage& image = frames.first();
  object.text(0x00080008, "CS", "DERIVED\\PRIMARY")
      .text(0x00080023, "DA", date_of(study))
      .text(0x00080033, "TM", time_of(study))
      .text(0x00082111, "ST", derivation(study, image))
      .text(0x00200013, "IS", "1")
      .words(0x00280002, {1})
      .text(0x00280004, "CS", "MONOCHROME2")
      .text(0x00280008, "IS", std::to_string(frames.images.size()))
      .words(0x00280010, {static_cast<std::uint16_t>(image.rows)})
      .words(0x00280011, {static_cast<std::uint16_t>(image.columns)})
      .words(0x00280100, {1})
      .words(0x00280101, {1})
      .words(0x00280102, {0})
      .words(0x00280103, {0})
      .text(0x00282110, "CS", "00")
      .text(0x00620001, "CS", "BINARY")
      .text(0x00700080, "CS", "SYNTHETIC")                    // ContentLabel
      .text(0x00700081, "LO", "Outline that the model drew")  // ContentDescription
      .text(0x00700084, "PN", "nodulus^")
      .bytes(0x7fe00010, "OW", bits_of(frames));
  object.item(0x00089215, derivation_code(study));
}

/// PS3.3 C.8.20.2: the one segment.
Object segment_of(const SyntheticStudy& study) {
  Object segment;
  segment.words(0x00620004, {1})
      .text(0x00620005, "LO", "Nodule, synthetic")
      .text(0x00620008, "CS", "AUTOMATIC")
      .text(0x00620009, "LO", cut("nodulus, " + study.model, 64));
  segment.item(0x00620003, code("49755003", "SCT", "Morphologically Altered Structure"));
  segment.item(0x0062000f, code("27925004", "SCT", "Nodule"));
  segment.item(0x00082218, lung());
  return segment;
}

/// PS3.3 C.7.6.16: where a frame's outline lies, and of which image it is.
Object outline_frame(const OutlineFrames& frames, const SyntheticStudy& study, std::size_t i) {
  const SyntheticImage& image = frames.images[i];
  Object frame;
  frame.item(0x00209111, frame_content(static_cast<std::uint32_t>(i + 1)));
  if (image.place) describe_position(frame, image);
  Object source = referenced(class_of(frames.kind), image_uid(frames.kind, study, image));
  source.item(0x0040a170, code("121322", "DCM", "Source image for image processing operation"));
  source.text(0x0028135a, "CS", "YES");  // SpatialLocationsPreserved
  Object derived;
  derived.item(0x00089215, code("113076", "DCM", "Segmentation")).item(0x00082112, std::move(source));
  frame.item(0x00089124, std::move(derived));
  return frame;
}

/// The functional groups that all frames share, and those of each.
void describe_outline_frames(Object& object, const OutlineFrames& frames, const SyntheticStudy& study) {
  const SyntheticImage& image = frames.first();
  const bool in_space = frames.kind != ImageObject::secondary_capture;
  Object shared;
  if (!in_space) object.text(0x00200020, "CS", "");  // PatientOrientation
  describe_measures(shared, image, in_space);
  if (in_space && !image.place) describe_position(shared, image);
  if (in_space) describe_orientation(shared, image);
  Object which;
  which.words(0x0062000b, {1});
  shared.item(0x0062000a, std::move(which));
  object.item(0x52009229, std::move(shared));
  std::vector<Object> each;
  for (std::size_t i = 0; i < frames.images.size(); ++i) each.push_back(outline_frame(frames, study, i));
  object.sequence(0x52009230, std::move(each));
}

/// `number`, of the series, and the names of the UIDs that are its own.
struct OutlineNames {
  int number = 0;
  std::string series;
  std::string instance;
  std::string dimensions;
};

Object outlines(const OutlineFrames& frames, const SyntheticStudy& study, const OutlineNames& names) {
  const SyntheticImage& image = frames.first();
  Object object;
  describe_study(object, study);
  describe_series(object, study, "SEG", names.series, 10000 + names.number,
                  "SYNTHETIC outline of " + description_of(study, image).substr(10));
  describe_instance(object, study, segmentation_class, names.instance);
  if (frames.kind != ImageObject::secondary_capture) describe_space(object, study, image);
  describe_dimensions(object, study, names.dimensions);
  describe_bits(object, study, frames);
  object.item(0x00620002, segment_of(study));
  Object series;
  series.text(0x0020000e, "UI", series_uid(frames.kind, study, image));
  std::vector<Object> instances;
  for (const SyntheticImage& one : frames.images)
    instances.push_back(referenced(class_of(frames.kind), image_uid(frames.kind, study, one)));
  series.sequence(0x0008114a, std::move(instances));
  object.item(0x00081115, std::move(series));
  describe_outline_frames(object, frames, study);
  return object;
}

}  // namespace

std::string segmentation_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image) {
  return uid(study, fmt::format("segmentation of {} {}", class_of(kind), image.number));
}

Object segmentation(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image) {
  return outlines({kind, {&image, 1}}, study,
                  {image.number, uid(study, fmt::format("outlines of {} {}", class_of(kind), image.number)),
                   segmentation_uid(kind, study, image), fmt::format("outline dimensions {}", image.number)});
}

Object series_segmentation(const SyntheticStudy& study, std::span<const SyntheticImage> slices) {
  if (slices.empty() || !slices.front().place)
    throw Error(ErrorCode::internal, "a segmentation of a series: expected slices that have a place");
  const int series = slices.front().place->series;
  return outlines({ImageObject::ct, slices}, study,
                  {series, uid(study, fmt::format("outlines of scan {}", series)),
                   uid(study, fmt::format("segmentation of scan {}", series)),
                   fmt::format("outline dimensions of scan {}", series)});
}

}  // namespace nodulus::dicom
