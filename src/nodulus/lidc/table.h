#pragma once

#include <array>
#include <string>
#include <vector>

#include "nodulus/lidc/nodule.h"

namespace nodulus::lidc {

/// Column names of nodules.csv, units in the names. docs/lidc.md explains each.
std::vector<std::string> nodule_columns();

/// One row of nodules.csv, one string a column. `patient` may be empty.
std::vector<std::string> nodule_row(const std::string& patient, const Reading& reading, const ScanGeometry& geometry,
                                    const Nodule& nodule);

/// The nodule's id over all series: series UID, a dash, number in three digits: "1.3...602-001".
std::string nodule_id(const std::string& series_uid, const Nodule& nodule);

/// How many lesions there are, by the three counts of Armato et al. 2011 (Med. Phys. 38(2), abstract).
struct LesionCounts {
  int scans = 0;
  int marked_nodule = 0;        ///< Marked as a nodule of any size by at least one reader: 7,371 in the 1,018 scans.
  int at_least_3mm = 0;         ///< Marked as a nodule >= 3 mm by at least one: 2,669.
  int at_least_3mm_by_all = 0;  ///< ... by all four: 928.
  int non_nodules = 0;          ///< Marked as non-nodules only.
  void add(const std::vector<Nodule>& nodules);
};

}  // namespace nodulus::lidc
