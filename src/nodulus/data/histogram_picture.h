#pragma once

#include <cstdint>
#include <span>

#include "nodulus/core/contact_sheet.h"
#include "nodulus/core/png.h"

namespace nodulus::data {

/// A histogram of HU: bin i covers [first_hu + i * bin_hu, first_hu + (i + 1) * bin_hu). Counts are drawn on a
/// logarithmic scale, the window's range is lit, and the axis has a number every 500 HU.
Picture histogram_picture(std::span<const std::int64_t> counts, double first_hu, double bin_hu, const WindowHu& window);

}  // namespace nodulus::data
