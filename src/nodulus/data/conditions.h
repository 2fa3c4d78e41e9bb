#pragma once

#include <string>
#include <vector>

#include "nodulus/core/condition.h"
#include "nodulus/data/dataset.h"

/// A data set's labels as what images can be asked for by.
namespace nodulus::data {

/// The in-plane pixel size of each image, asked for like a label: the same diameter is more pixels where they are
/// smaller.
inline constexpr std::string_view spacing_label = "spacing_mm";
/// Of a data set with outlines: the longest diameter of the consensus on the image itself, by traits/shape.h. A column
/// of that name, which prepare fills with the nodule's on whichever slice it is largest, stands back for it.
inline constexpr std::string_view diameter_label = "diameter_mm";

/// In place of columns: telling_labels().
inline constexpr std::string_view all_labels = "all";

/// Labels that tell kinds of images apart: categories, ratings, numbers in a unit and texts of few values; the diameter
/// where there are outlines, and the pixel size where it differs.
std::vector<std::string> telling_labels(const Dataset& dataset);

/// What these columns of items.csv are among the training images: a category stays one, a rating is ordinal on its
/// scale, a number has knots at its quantiles, a text is a category of its values. Error{usage} for a label that the
/// data set has not, or that has fewer than two or, a text, more than 256 different values.
ConditionSchema condition_schema(const Dataset& dataset, const std::vector<std::string>& columns);

/// That of a model that learns on from this data set: its labels with the values that are new here, then those
/// `columns` that it lacks. What it has keeps its place and number: a number's knots stay, a new text comes last. The
/// counts are this data set's. Error{usage} as condition_schema(), and where one number has two names.
ConditionSchema extended_schema(const ConditionSchema& model, const Dataset& dataset,
                                const std::vector<std::string>& columns);

/// What is known of an item. A text that the schema has not is unknown, and so is a label that the data set
/// has not.
Condition condition_of(const Dataset& dataset, const ConditionSchema& schema, std::int64_t item);

}  // namespace nodulus::data
