#include "nodulus/traits/catalog.h"

#include <cmath>
#include <limits>
#include <string>

#include "nodulus/core/error.h"
#include "nodulus/traits/edge.h"
#include "nodulus/traits/first_order.h"
#include "nodulus/traits/region.h"
#include "nodulus/traits/shape.h"
#include "nodulus/traits/texture.h"

namespace nodulus::traits {
namespace {

constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

/// All that is measured of a patch; a row of the catalog picks one number.
struct Measured {
  int pixels = 0;
  Shape shape;
  Edge edge;
  FirstOrder hu;
  double solid_share = 0;
  double calcified_share = 0;
  double entropy = 0;
  CooccurrenceFeatures cooccurrence{};
  SizeFeatures runs{};
  SizeFeatures zones{};
};

struct Row {
  Trait trait;
  double (*pick)(const Measured&);
};

/// Statistics of higher order and texture of a few pixels say nothing.
double of_enough(const Measured& m, double value) { return m.pixels < kLeastPixels ? kNotMeasured : value; }

constexpr Row kRows[] = {
    {{"area", "Area", "mm²", "size", "small", "large", "area of the outline, holes included"},
     [](const auto& m) { return m.shape.area; }},
    {{"equivalent_diameter", "Equivalent diameter", "mm", "size", "small", "large",
      "diameter of the disc of the same area"},
     [](const auto& m) { return m.shape.equivalent_diameter; }},
    {{"longest_diameter", "Longest diameter", "mm", "size", "small", "large",
      "largest distance between two points of the outline"},
     [](const auto& m) { return m.shape.longest_diameter; }},
    {{"perimeter", "Perimeter", "mm", "size", "small", "large", "length of the outline"},
     [](const auto& m) { return m.shape.perimeter; }},

    {{"circularity", "Circularity", "", "shape", "irregular", "round",
      "1 for a disc, less the longer the outline around the same area"},
     [](const auto& m) { return m.shape.circularity; }},
    {{"elongation", "Elongation", "", "shape", "elongated", "round",
      "minor over major axis: 1 is round, near 0 a line"},
     [](const auto& m) { return m.shape.elongation; }},
    {{"spiculation", "Spiculation", "", "shape", "smoothly outlined", "spiculated",
      "how far the outline strays from the best ellipse, over its radius"},
     [](const auto& m) { return m.shape.spiculation; }},
    {{"lobulation", "Lobulation", "", "shape", "smoothly outlined", "lobulated",
      "share of the convex hull that the outline does not fill"},
     [](const auto& m) { return m.shape.lobulation; }},

    {{"margin_sharpness", "Margin sharpness", "HU/mm", "edge", "ill-defined", "sharply bounded",
      "median over the border of the steepest fall outwards"},
     [](const auto& m) { return m.edge.margin_sharpness; }},
    {{"edge_core_contrast", "Core against rim", "HU", "edge", "", "",
      "mean of the core minus mean of the outermost mm"},
     [](const auto& m) { return m.edge.edge_core_contrast; }},
    {{"air_around", "Air around", "", "edge", "touching other tissue", "surrounded by air",
      "share of the ring 2 to 5 mm outside that is below -700 HU"},
     [](const auto& m) { return m.edge.air_around; }},

    {{"mean_density", "Mean density", "HU", "density", "faint", "dense", "mean within the outline"},
     [](const auto& m) { return m.hu.mean; }},
    {{"density_deviation", "Deviation of density", "HU", "density", "homogeneous", "heterogeneous",
      "standard deviation within the outline"},
     [](const auto& m) { return std::sqrt(m.hu.variance); }},
    {{"density_p10", "10th percentile of density", "HU", "density", "", "", "a tenth of the pixels are less dense"},
     [](const auto& m) { return m.hu.percentile_10; }},
    {{"density_median", "Median density", "HU", "density", "faint", "dense", "half of the pixels are less dense"},
     [](const auto& m) { return m.hu.median; }},
    {{"density_p90", "90th percentile of density", "HU", "density", "", "", "a tenth of the pixels are denser"},
     [](const auto& m) { return m.hu.percentile_90; }},
    {{"density_range", "Interquartile range of density", "HU", "density", "homogeneous", "heterogeneous",
      "width of the middle half of the pixels"},
     [](const auto& m) { return m.hu.interquartile_range; }},
    {{"density_skewness", "Skewness of density", "", "density", "", "",
      "below 0: a tail towards air; above 0: towards dense"},
     [](const auto& m) { return of_enough(m, m.hu.skewness); }},
    {{"density_kurtosis", "Excess kurtosis of density", "", "density", "", "",
      "0 for a normal distribution, more with tails"},
     [](const auto& m) { return of_enough(m, m.hu.excess_kurtosis); }},
    {{"density_entropy", "Entropy of density", "bit", "density", "", "", "how evenly the pixels use levels of 25 HU"},
     [](const auto& m) { return of_enough(m, m.entropy); }},
    {{"solid_share", "Solid share", "", "density", "ground-glass", "solid",
      "share of the pixels above -300 HU: solid, not ground glass"},
     [](const auto& m) { return m.solid_share; }},
    {{"calcified_share", "Calcified share", "", "density", "not calcified", "calcified",
      "share of the pixels above 200 HU"},
     [](const auto& m) { return m.calcified_share; }},

    {{"glcm_contrast", "Contrast of neighbours", "", "texture", "smooth-textured", "rough-textured",
      "mean squared difference of neighbours, levels of 25 HU"},
     [](const auto& m) { return of_enough(m, m.cooccurrence.contrast); }},
    {{"glcm_inverse_difference", "Likeness of neighbours", "", "texture", "rough-textured", "smooth-textured",
      "1 where all neighbours are of one level"},
     [](const auto& m) { return of_enough(m, m.cooccurrence.inverse_difference); }},
    {{"glcm_correlation", "Correlation of neighbours", "", "texture", "", "",
      "1: smooth; 0: neighbours independent, as noise"},
     [](const auto& m) { return of_enough(m, m.cooccurrence.correlation); }},
    {{"glcm_joint_entropy", "Entropy of neighbours", "bit", "texture", "", "",
      "how evenly the pairs of levels of neighbours are used"},
     [](const auto& m) { return of_enough(m, m.cooccurrence.joint_entropy); }},
    {{"glrlm_short_run_emphasis", "Short runs", "", "texture", "smooth-textured", "rough-textured",
      "1 where no two pixels in a row are of one level"},
     [](const auto& m) { return of_enough(m, m.runs.small_emphasis); }},
    {{"glrlm_level_nonuniformity", "Unevenness of levels", "", "texture", "", "", "1 where all runs are of one level"},
     [](const auto& m) { return of_enough(m, m.runs.normalised_level_nonuniformity); }},
    {{"glszm_zone_percentage", "Zones a pixel", "", "texture", "smooth-textured", "rough-textured",
      "1 where no two touching pixels are of one level"},
     [](const auto& m) { return of_enough(m, m.zones.percentage); }},
    {{"glszm_zone_entropy", "Entropy of zones", "bit", "texture", "", "",
      "how many kinds of zone there are, in level and size"},
     [](const auto& m) { return of_enough(m, m.zones.entropy); }},
};

/// The pixels of the mask that were measured, of the largest part that they form.
Region nodule_of(const Patch& patch) {
  Region region = region_of(patch.mask, patch.height, patch.width);
  if (patch.hu.size() != patch.mask.size() || !(patch.spacing_mm > 0)) {
    throw Error(ErrorCode::internal, "expected an image of the mask's size and a spacing above 0, found " +
                                         std::to_string(patch.hu.size()) + " pixels for " +
                                         std::to_string(patch.mask.size()) + " and " +
                                         std::to_string(patch.spacing_mm) + " mm");
  }
  for (std::size_t i = 0; i < patch.hu.size(); ++i) {
    if (patch.hu[i] == patch.padding_hu) region.inside[i] = 0;
  }
  return largest_part(region);
}

}  // namespace

const std::vector<Trait>& catalog() {
  static const std::vector<Trait> traits = [] {
    std::vector<Trait> list;
    for (const Row& row : kRows) list.push_back(row.trait);
    return list;
  }();
  return traits;
}

std::vector<double> measure(const Patch& patch) {
  const Region nodule = nodule_of(patch);
  const Region outline = without_holes(nodule);
  std::vector<double> values;
  std::vector<int> levels;
  const GreyLevels image = discretise(patch.hu, nodule);
  for (std::size_t i = 0; i < patch.hu.size(); ++i) {
    if (nodule.inside[i] == 0) continue;
    values.push_back(patch.hu[i]);
    levels.push_back(image.level[i]);
  }
  Measured m;
  m.pixels = static_cast<int>(values.size());
  m.shape = measure_shape(outline, patch.spacing_mm);
  m.edge = measure_edge({patch.hu, patch.height, patch.width, patch.spacing_mm, patch.padding_hu}, outline);
  m.solid_share = share_above(values, kSolidAbove_hu);
  m.calcified_share = share_above(values, kCalcifiedAbove_hu);
  m.entropy = level_entropy(levels);
  m.hu = first_order(std::move(values));
  m.cooccurrence = cooccurrence_features(cooccurrence(image), image.count);
  m.runs = size_features(run_lengths(image));
  m.zones = size_features(zone_sizes(image));

  std::vector<double> row;
  for (const Row& entry : kRows) row.push_back(entry.pick(m));
  return row;
}

}  // namespace nodulus::traits
