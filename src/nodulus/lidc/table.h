#pragma once

#include <string>
#include <vector>

#include "nodulus/lidc/nodule.h"

namespace nodulus::lidc {

/// Column names of nodules.csv, units in the names; docs/formats.md explains each.
std::vector<std::string> nodule_columns();

/// One row of nodules.csv: a string a column, empty where nothing is known (the diameter of a point, ratings of a
/// nodule < 3 mm). `patient` may be empty.
std::vector<std::string> nodule_row(const std::string& patient, const Reading& reading, const ScanGeometry& geometry,
                                    const Nodule& nodule);

/// The nodule's id over all series: series UID, dash, number in three digits.
std::string nodule_id(const std::string& series_uid, const Nodule& nodule);

/// How many lesions there are, as Armato et al. 2011 count (Med. Phys. 38(2), abstract: 1,018 scans).
struct LesionCounts {
  int scans = 0;
  int nodules = 0;              ///< Marked as a nodule of any size by at least one reader: 7,371.
  int at_least_3mm = 0;         ///< Marked as a nodule >= 3 mm by at least one reader: 2,669.
  int at_least_3mm_by_all = 0;  ///< ... by all four readers: 928.
  int non_nodules = 0;          ///< Marked as non-nodules only.

  /// Adds the lesions of one scan.
  void add(const std::vector<Nodule>& lesions);
};

}  // namespace nodulus::lidc
