#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/study/classes.h"
#include "nodulus/study/duplicates.h"
#include "nodulus/study/gaps.h"
#include "nodulus/study/ratings.h"
#include "nodulus/study/trait_table.h"
#include "nodulus/traits/catalog.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::study {

struct StudyOptions {
  std::filesystem::path dataset;
  std::filesystem::path out;
  bool force = false;
  int images = 12;         ///< Of each class on its contact sheet, at most.
  std::uint64_t seed = 0;  ///< Which ones; the draws of intervals and shuffles.
  int threads = 1;
  int repeats = 1000;  ///< Of bootstraps and shuffles.
};

/// A comparison of the splits.
struct SplitTest {
  std::string test;  ///< "chi-square" over train, val and test; "KS" of train against val and test together.
  double statistic = 0;
  double p = 1;
  double p_corrected = 1;  ///< Holm, over all labels or all traits.
};

struct LabelStudy {
  data::Label label;
  std::int64_t known = 0;  ///< Images.
  std::int64_t unknown = 0;
  traits::Distribution values;  ///< Of a number or rating, over images.
  Classes classes;
  std::optional<SplitTest> split;
};

struct TraitStudy {
  traits::Trait trait;
  traits::Distribution all;                      ///< Over images.
  std::array<traits::Distribution, 3> by_split;  ///< The same in train, val and test.
  traits::Histogram histogram;                   ///< Images in train, and in val and test, over the same bins.
  std::optional<SplitTest> split;
  std::vector<traits::Distribution> by_class;  ///< Over nodules, by class of Study::by.
  double spearman = 0;                         ///< Rank correlation with Study::order, over nodules.
  traits::Interval spearman_interval;          ///< 95 %, patients drawn.
};

struct AgreementStudy {
  RatingsColumn column;
  traits::Agreement agreement;
};

/// What a data set is like: `nodulus study`.
struct Study {
  data::DatasetInfo info;
  std::string name;  ///< Its folder's.
  std::string hash;
  bool synthetic = false;
  std::vector<LabelStudy> labels;
  bool measured = false;             ///< Traits are known.
  std::string by;                    ///< The label whose classes the traits are shown by; "": none.
  std::string order;                 ///< The label whose numbers they are correlated with; "": none.
  std::vector<std::string> classes;  ///< The values of `by`.
  std::vector<TraitStudy> traits;
  std::vector<AgreementStudy> readers;
  Duplicates duplicates;
  Gaps gaps;
  std::vector<std::string> notes;   ///< What could not be said, and why.
  std::vector<std::string> sheets;  ///< Labels with a contact sheet, examples-LABEL.png.
};

/// Studies a data set and writes study.json, study.md, traits.csv, contact sheets, histograms and manifest.json into
/// `out`. The same data set, options and seed give the same files but for the manifest's date, whatever the threads.
/// Error as Dataset::open and ArtifactWriter, Error{stopped}.
Study study(const StudyOptions& options, Monitor& monitor);

/// The figures, for --json and study.json. At most 200 pairs are listed; the counts are of all.
Json json_of(const Study& study);
/// The page, Markdown with the pictures beside it.
std::string page_of(const Study& study);
/// The figures in short, for a terminal.
std::string text_of(const Study& study);

}  // namespace nodulus::study
