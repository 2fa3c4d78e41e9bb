#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/data/dataset.h"

namespace nodulus::study {

/// The classes that a label divides a data set into.
struct Classes {
  struct Class {
    std::string value;                      ///< "4".
    std::string name;                       ///< "moderately suspicious"; "" where the label names none.
    std::array<std::int64_t, 3> images{};   ///< In train, val, test.
    std::array<std::int64_t, 3> nodules{};  ///< The same, over one image a nodule.
    [[nodiscard]] std::int64_t all_images() const { return images[0] + images[1] + images[2]; }
    [[nodiscard]] std::int64_t all_nodules() const { return nodules[0] + nodules[1] + nodules[2]; }
  };
  std::vector<Class> classes;  ///< Ascending; empty: the label has no classes.
  std::vector<int> of_item;    ///< Each image's, an index of `classes`; -1: unknown.
};

/// A category's values; a rating's, rounded to the nearest; of a number (whole ones only) or text those that occur,
/// where there are ten or fewer of them. A category's or rating's named values are there even where no image has them.
Classes classes_of(const data::Dataset& dataset, const data::Label& label,
                   const std::vector<std::int64_t>& one_a_nodule);

/// A label as numbers, an entry an image: NaN where it is unknown or the label is text.
std::vector<double> label_numbers(const data::Dataset& dataset, const data::Label& label);

/// Whether train, val and test have the same shares of each class.
struct SharesTest {
  double chi_square = 0;  ///< Pearson's, of the table of nodules by class and split.
  double p = 1;           ///< Share of the shuffles that give as much.
};

/// The patients change places `shuffles` times, as the split was by patient: neither small classes nor several nodules
/// of one patient make the p-value too small. Nothing where fewer than two classes or two splits have a nodule.
std::optional<SharesTest> compare_shares(const data::Dataset& dataset, const Classes& classes,
                                         const std::vector<std::int64_t>& one_a_nodule, int shuffles,
                                         std::uint64_t seed);

}  // namespace nodulus::study
