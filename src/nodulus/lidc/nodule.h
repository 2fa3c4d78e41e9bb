#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/lidc/cluster.h"
#include "nodulus/lidc/geometry.h"
#include "nodulus/lidc/mask.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// What a lesion is: the largest claim that any of its readers made.
enum class SizeClass {
  nodule,        ///< Marked as a nodule >= 3 mm by at least one reader.
  small_nodule,  ///< Marked as a nodule, never as one >= 3 mm.
  non_nodule,    ///< Marked as a non-nodule >= 3 mm only.
};

/// ">=3mm", "<3mm" or "non-nodule": as the tables spell it.
std::string_view name(SizeClass size_class);

/// One characteristic over the readers who marked the lesion as a nodule >= 3 mm.
struct CharacteristicSummary {
  std::vector<int> values;  ///< As every reader gave it, in the order of sessions; 0 where one gave none.
  double median = 0;        ///< Of the values given; 0 where there is none, here and below.
  /// The value given most often (the seed's rule); of equally frequent ones the nearest to the mean of all values, then
  /// the larger.
  int most_frequent = 0;
  double spread = 0;  ///< Standard deviation of the values given, population form: 0 where all readers agree.
};

/// Median, most frequent value and spread of the values above 0.
CharacteristicSummary summarize(std::vector<int> values);

/// A slice through a nodule >= 3 mm.
struct NoduleSlice {
  int slice = 0;  ///< Index into ScanGeometry::slices.
  std::string sop_uid;
  double z_mm = 0;
  PixelMask readers;  ///< How many of the outlining readers hold each pixel, 0 to 4.
  PixelMask
      consensus;  ///< 1 where at least half of the nodule's outlining readers hold the pixel; empty on some slices.
};

/// A physical lesion, from the marks of one to four readers. Diameter, volume and slices are those of the consensus,
/// and are 0 and empty for lesions that nobody marked as >= 3 mm.
struct Nodule {
  int number = 0;  ///< From 1 within the series, by z, then y, then x of the lesion's centre: stable.
  SizeClass size_class = SizeClass::nodule;
  Cluster marks;
  int readers = 0;                                ///< Sessions that marked it in any way.
  int readers_nodule = 0;                         ///< ... as a nodule >= 3 mm.
  int readers_small = 0;                          ///< ... as a nodule < 3 mm.
  int readers_non_nodule = 0;                     ///< ... as a non-nodule.
  int readers_outlining = 0;                      ///< Those of readers_nodule whose outlines make the consensus.
  int readers_possible = 0;                       ///< Sessions that read the scan: 4 as a rule.
  std::array<double, 3> centroid_px = {0, 0, 0};  ///< Column, row, index into ScanGeometry::slices.
  std::array<double, 3> centroid_mm = {0, 0, 0};  ///< ScanGeometry's origin + pixel * spacing; z_mm of the slices.
  double diameter_mm = 0;  ///< Primary: the largest extent of the consensus on any one slice, corner to corner.
  double equivalent_diameter_mm = 0;                     ///< Of the sphere of the same volume.
  double volume_mm3 = 0;                                 ///< Consensus pixels * pixel area * slice spacing.
  std::array<CharacteristicSummary, 9> characteristics;  ///< Indexed as kCharacteristicNames.
  std::vector<NoduleSlice> slices;                       ///< By z, ascending: every slice that a reader outlined.
};

/// Everything that a reading says about one scan.
struct NoduleList {
  std::vector<Nodule> nodules;   ///< By number; all size classes.
  std::vector<Reject> left_out;  ///< "mark outside the series", "mark outside the image", "repeated mark", "session of
                                 ///< another scan".
};

/// Clusters the marks and sums each lesion up. Depends on the sessions' order only in that values and marks are listed
/// in it.
NoduleList find_nodules(const Reading& reading, const ScanGeometry& geometry, const ClusterRule& rule = {});

}  // namespace nodulus::lidc
