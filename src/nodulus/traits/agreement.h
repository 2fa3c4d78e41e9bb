#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "nodulus/traits/statistics.h"

namespace nodulus::traits {

/// What several readers said of each of several subjects. Readers need not be the same people from subject to subject;
/// only mean_weighted_kappa() asks which place a rating stands in.
struct Ratings {
  std::size_t readers = 0;     ///< Places a subject, at most one rating each.
  std::vector<double> values;  ///< [subjects, readers]; NaN where a reader said nothing.

  [[nodiscard]] std::size_t subjects() const { return readers == 0 ? 0 : values.size() / readers; }
  /// The ratings of one subject, NaN among them.
  [[nodiscard]] std::span<const double> of(std::size_t subject) const {
    return std::span(values).subspan(subject * readers, readers);
  }
};

// Each is 1 for full agreement and about 0 for what chance would give; NaN where nothing can be said: no subject with
// two ratings, or no rating differs from any other. `subjects` may name some several times (the bootstrap does).

/// Fleiss' kappa for named values (Fleiss 1971, Psychol. Bull. 76). For unequal numbers of readers Gwet's form
/// (Handbook of Inter-Rater Reliability, 4th ed., 2014, section 2.3): agreement over subjects with two ratings or more,
/// shares of the values over all subjects, each subject weighing the same.
double fleiss_kappa(const Ratings& ratings, std::span<const std::size_t> subjects);

/// Mean over all pairs of places of Cohen's kappa with quadratic weights (Cohen 1968, Psychol. Bull. 70; the mean:
/// Light 1971, Psychol. Bull. 76), over the subjects that both rated: 2 cov / (var + var' + (mean - mean')^2). Pairs
/// with fewer than two such subjects, or without any difference, are left out.
double mean_weighted_kappa(const Ratings& ratings, std::span<const std::size_t> subjects);

/// How far apart two ratings are.
enum class Scale { nominal, ordinal, interval };

/// Krippendorff's alpha, 1 - observed / expected disagreement (Krippendorff 2011, "Computing Krippendorff's
/// alpha-reliability"). Ordinal: by how many ratings lie between two; interval: their squared difference.
double krippendorff_alpha(const Ratings& ratings, std::span<const std::size_t> subjects, Scale scale);

/// Intraclass correlation of one-way random effects (Shrout and Fleiss 1979, Psychol. Bull. 86; McGraw and Wong 1996,
/// Psychol. Methods 1): ICC(1,1) of one rating, ICC(1,k) of a subject's mean. k is, for unequal numbers of ratings, k0
/// = (N - sum k_i^2 / N) / (n - 1) of the unbalanced analysis of variance. Subjects with one rating are left out. Can
/// be negative: below 0 subjects differ less than the ratings of each.
double icc_single(const Ratings& ratings, std::span<const std::size_t> subjects);
double icc_mean(const Ratings& ratings, std::span<const std::size_t> subjects);

struct Coefficient {
  std::string_view name;  ///< As files have it: "fleiss_kappa".
  double value = 0;
  Interval interval;  ///< 95 %, bootstrap.
};

struct Agreement {
  std::int64_t subjects = 0;           ///< With a rating or more.
  std::int64_t subjects_compared = 0;  ///< With two or more.
  std::int64_t ratings = 0;
  /// Share of the pairs of ratings of a subject that are the same, and that are at most 1 apart; NaN without a pair.
  double same = 0;
  double within_one = 0;
  std::vector<Coefficient> coefficients;  ///< All of the above; intervals draw subjects, or whole groups of them.
};

/// `group_of` has a number a subject (its patient), or is empty: each subject alone. Error{internal} where sizes do not
/// fit.
Agreement agreement(const Ratings& ratings, std::span<const std::size_t> group_of = {},
                    const BootstrapOptions& options = {});

}  // namespace nodulus::traits
