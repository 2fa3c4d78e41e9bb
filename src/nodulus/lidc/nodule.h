#pragma once

#include <array>
#include <string>
#include <vector>

#include "nodulus/lidc/cluster.h"
#include "nodulus/lidc/geometry.h"
#include "nodulus/lidc/mask.h"
#include "nodulus/lidc/reading.h"

namespace nodulus::lidc {

/// What a lesion is, from its readers' marks: the largest claim any of them made.
enum class SizeClass {
  nodule,        ///< Marked as a nodule >= 3 mm by at least one reader.
  small_nodule,  ///< Marked as a nodule, never as >= 3 mm.
  non_nodule,    ///< Marked only as a non-nodule >= 3 mm.
};

/// ">=3mm", "<3mm" or "non-nodule": as the tables spell it.
std::string_view name(SizeClass size_class);

/// One characteristic over the readers who rated it.
struct CharacteristicSummary {
  std::vector<int> values;  ///< As every reader gave it, in the order of sessions; 0 where one gave none.
  double median = 0;        ///< 0 where no reader gave a value.
  int most_frequent = 0;    ///< The seed's rule; a tie goes to the value nearest to the mean, then to the larger.
  double spread = 0;        ///< Standard deviation over the readers (population form).
};

/// A slice through a nodule, by those who outlined it.
struct NoduleSlice {
  int slice = 0;  ///< Index into ScanGeometry::slices.
  std::string sop_uid;
  double z_mm = 0;
  PixelMask readers;    ///< How many readers hold each pixel.
  PixelMask consensus;  ///< 1 where at least half of the nodule's outlining readers hold it; may be empty.
};

/// A physical lesion, from the marks of one to four readers.
struct Nodule {
  int number = 0;  ///< From 1 within the series, by z then y then x of the centre: stable.
  SizeClass size_class = SizeClass::nodule;
  Cluster marks;
  int readers = 0;                                ///< Sessions that marked it in any way.
  int readers_nodule = 0;                         ///< ... as a nodule >= 3 mm: those whose outlines and ratings count.
  int readers_small = 0;                          ///< ... as a nodule < 3 mm.
  int readers_non_nodule = 0;                     ///< ... as a non-nodule.
  int readers_possible = 0;                       ///< Sessions in the round: 4 as a rule.
  std::array<double, 3> centroid_px = {0, 0, 0};  ///< Column, row, index into ScanGeometry::slices; of the consensus.
  std::array<double, 3> centroid_mm = {0, 0,
                                       0};  ///< ScanGeometry's origin + spacing * centroid_px; z_mm of the slices.
  double diameter_mm = 0;                   ///< Largest in-plane extent of the consensus; 0 for points.
  double equivalent_diameter_mm = 0;        ///< Of the sphere with the same volume.
  double volume_mm3 = 0;                    ///< Consensus pixels * pixel area * slice spacing.
  std::array<CharacteristicSummary, 9> characteristics;  ///< Indexed as kCharacteristicNames.
  std::vector<NoduleSlice> slices;                       ///< By z, ascending; empty for points.
};

/// Everything a reading gives about one scan.
struct NoduleList {
  std::vector<Nodule> nodules;   ///< By number; all size classes.
  std::vector<Reject> left_out;  ///< Marks whose slices are not in the series ("mark outside the series").
};

/// Clusters the marks and sums each lesion up. With a geometry made from the series, outlines on slices that the series
/// does not have are left out and reported.
NoduleList find_nodules(const Reading& reading, const ScanGeometry& geometry, const ClusterRule& rule = {});

}  // namespace nodulus::lidc
