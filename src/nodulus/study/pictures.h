#pragma once

#include <cstdint>
#include <vector>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/png.h"
#include "nodulus/data/dataset.h"
#include "nodulus/study/classes.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::study {

/// Items of a data set in rows, with the readers' outlines, cut to `side` pixels about their centre where they are
/// larger (0: whole); an empty picture where there is none.
Picture row_sheet(const data::Dataset& dataset, const std::vector<std::vector<std::int64_t>>& rows, int side = 0);

/// A row for each class that has a nodule, up to `images` of its nodules drawn by seed, with the readers' outlines;
/// nothing (an empty picture) for fewer than two such classes.
Picture class_sheet(const data::Dataset& dataset, const Classes& classes, const std::vector<std::int64_t>& one_a_nodule,
                    int images, std::uint64_t seed);

/// Space between the ticks of an axis over [low, high]: 1, 2 or 5 times a power of ten, 3 to 10 of them.
double tick_step(double low, double high);

/// Shares of both samples by bin: the first as bars, the second as a line. Both scaled by the largest share; a tick at
/// each multiple of tick_step(). An empty picture where there are no bins.
Picture share_picture(const traits::Histogram& histogram);

}  // namespace nodulus::study
