#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/png.h"
#include "nodulus/data/dataset.h"
#include "nodulus/study/groups.h"
#include "nodulus/study/trait_table.h"

/// Groups of a data set's nodules in words and pictures: `nodulus patterns`.
namespace nodulus::study {

/// What tells the nodules of a pattern from all others: a trait, or a label that the grouping has not seen.
struct Distinction {
  std::string name;    ///< "longest_diameter", "malignancy".
  std::string title;   ///< "Longest diameter (mm)".
  std::string word;    ///< "large"; "" of a label.
  double above = 0.5;  ///< Share of all pairs of a nodule of the pattern with another in which the pattern's is larger.
  double median = 0;   ///< Of the pattern's nodules,
  double elsewhere = 0;  ///< and of all others.
};

struct Pattern {
  int number = 1;
  std::string words;  ///< "large, dense, lobulated"; never empty.
  std::int64_t nodules = 0;
  std::int64_t images = 0;
  double jaccard = 0;                 ///< How well resampling finds it again.
  std::vector<Distinction> traits;    ///< What sets it apart, the most telling first; no two of one kind.
  std::vector<Distinction> labels;    ///< The same of the data set's ratings and numbers.
  std::vector<std::int64_t> typical;  ///< Images of its nodules nearest to its centre.
};

struct Patterns {
  std::string dataset;  ///< Its folder's name.
  std::string hash;
  bool synthetic = false;
  std::vector<std::string> spaces;  ///< What they were found in, in words.
  GroupingOptions options;
  std::vector<GroupTrial> trials;
  std::size_t chosen = 0;
  bool stable = false;
  std::vector<Pattern> patterns;
  std::vector<int> of_item;  ///< Each image's pattern, from 1.
};

/// A nodule as the grouping has it.
struct GroupedNodules {
  std::vector<std::int64_t> items;  ///< One image of each.
  Points points;                    ///< A row each.
};

/// Groups the training nodules, gives every other one to the nearest centre, and says what sets each group apart.
/// `table` may be unmeasured: the patterns have no words then. Error as find_groups().
Patterns find_patterns(const data::Dataset& dataset, const TraitTable& table, const GroupedNodules& nodules,
                       int examples, const GroupingOptions& options, Monitor& monitor);

/// A distinction counts from this share of pairs on, or to 1 less it.
inline constexpr double telling_share = 0.75;

/// The label that a data set with these patterns has: a category named `name`, its values the patterns with their
/// words.
data::Label pattern_label(const Patterns& patterns, const std::string& name);

/// A row a pattern: its typical nodules, cut to `side` pixels about their centre.
Picture pattern_sheet(const data::Dataset& dataset, const Patterns& patterns, int side);
Json json_of(const Patterns& patterns);
/// Markdown; the sheet lies beside it as patterns.png.
std::string page_of(const Patterns& patterns);
/// In short, for a terminal.
std::string text_of(const Patterns& patterns);

}  // namespace nodulus::study
