#pragma once

#include <span>
#include <vector>

namespace nodulus::traits {

/// The intensity-based statistics of the Image Biomarker Standardisation Initiative (IBSI, arXiv 1612.07003, section
/// "Intensity-based statistical features"), in the unit of the values (squared for variance and energy).
/// All NaN of no values. Variance and its kin divide by the number of values, not by one less. Percentiles
/// are linear between neighbours (quantile(); IBSI leaves the rule open).
struct FirstOrder {
  double mean = 0;
  double variance = 0;
  double skewness = 0;         ///< NaN where all values are equal, as is the excess kurtosis.
  double excess_kurtosis = 0;  ///< 0 for a normal distribution.
  double median = 0;
  double minimum = 0;
  double percentile_10 = 0;
  double percentile_90 = 0;
  double maximum = 0;
  double interquartile_range = 0;
  double range = 0;
  double mean_absolute_deviation = 0;
  double robust_mean_absolute_deviation = 0;  ///< Of the values from the 10th to the 90th percentile.
  double median_absolute_deviation = 0;       ///< Mean distance from the median, as IBSI has it.
  double coefficient_of_variation = 0;        ///< Of little use for HU, whose zero is water.
  double quartile_coefficient_of_dispersion = 0;
  double energy = 0;
  double root_mean_square = 0;
};

FirstOrder first_order(std::vector<double> values);

/// Share of the values above the threshold, 0 to 1; NaN of no values.
double share_above(const std::vector<double>& values, double threshold);

/// Entropy in bits of grey levels 1, 2, ... (IBSI "discretised intensity entropy"); NaN of none.
double level_entropy(std::span<const int> levels);

/// Solid rather than ground glass: above -300 HU, which told part-solid from non-solid nodules best (sensitivity 90 %,
/// specificity 88 %, Scholten et al. 2015, European Radiology 25, p. 488).
inline constexpr double kSolidAbove_hu = -300;

/// Calcified: above 200 HU, the upper end of soft tissue in Choi et al. 2019 (Journal of Thoracic Disease 11).
/// Siegelman et al. 1980 (American Journal of Roentgenology 135, p. 1) found 147 HU at most in malignant nodules
/// without contrast.
inline constexpr double kCalcifiedAbove_hu = 200;

}  // namespace nodulus::traits
