#pragma once

#include <array>
#include <string>
#include <string_view>

#include "nodulus/dicom/synthetic.h"

/// What the objects of generated images have in common: modules of PS3.3 that an object's elements are filled by.
namespace nodulus::dicom::synthetic {

std::string_view class_of(ImageObject kind);
/// A UID of the study: a function of its key and of what is named.
std::string uid(const SyntheticStudy& study, std::string_view what);
/// Of the series that the image's object is in.
std::string series_uid(ImageObject kind, const SyntheticStudy& study, const SyntheticImage& image);
/// "2026-01-31T12:00:00Z" as DA and TM.
std::string date_of(const SyntheticStudy& study);
std::string time_of(const SyntheticStudy& study);
/// At most `most` bytes of UTF-8, and no half of a character.
std::string cut(std::string_view text, std::size_t most);
/// How an image came about, at most the 1024 characters of an ST.
std::string derivation(const SyntheticStudy& study, const SyntheticImage& image);
Object derivation_code(const SyntheticStudy& study);
/// "SYNTHETIC nodule 3 lung-ddpm": of the image's series.
std::string description_of(const SyntheticStudy& study, const SyntheticImage& image);
/// Between rows, between columns, in mm.
std::array<double, 2> spacing_of(const SyntheticImage& image);

/// PS3.3 C.7.1.1 and C.7.2.1: nobody, and a study of their own.
void describe_study(Object& object, const SyntheticStudy& study);
/// PS3.3 C.7.3.1 and C.7.5.1.
void describe_series(Object& object, const SyntheticStudy& study, std::string_view modality, std::string_view series,
                     int number, std::string_view description);
/// PS3.3 C.12.1: the class, and who made it.
void describe_instance(Object& object, const SyntheticStudy& study, std::string_view sop_class,
                       std::string_view sop_instance);
/// PS3.3 C.7.4.1: each image is a place of its own but for the slices of one scan, which share theirs.
void describe_space(Object& object, const SyntheticStudy& study, const SyntheticImage& image);
/// Dimensions of a multi-frame object: its only one is the place in the stack (PS3.3 C.7.6.17).
void describe_dimensions(Object& object, const SyntheticStudy& study, std::string_view what);
/// PS3.3 C.7.6.16.2.2: frame `number`, from 1.
Object frame_content(std::uint32_t number);
/// PS3.3 C.7.6.16.2.1. `thick`: a frame in space has to have a thickness, of which a model of slices knows none; 1 mm,
/// but of a slice that has one.
void describe_measures(Object& group, const SyntheticImage& image, bool thick);
/// PS3.3 C.7.6.16.2.3 and .4: where a frame lies, and how.
void describe_position(Object& group, const SyntheticImage& image);
void describe_orientation(Object& group, const SyntheticImage& image);
Object lung();
/// An item that refers to an object.
Object referenced(std::string_view sop_class, std::string_view instance);

}  // namespace nodulus::dicom::synthetic
