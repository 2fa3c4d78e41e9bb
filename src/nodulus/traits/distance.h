#pragma once

#include <vector>

#include "nodulus/traits/region.h"

namespace nodulus::traits {

/// How far each pixel's centre lies from the nearest centre of a pixel of the region, [height, width], in pixels;
/// infinity everywhere for an empty region. Exact and linear in the number of pixels: the lower envelope of parabolas
/// of Felzenszwalb and Huttenlocher 2012 (Theory of Computing 8, algorithm 1), first along columns, then along rows.
std::vector<double> distance_to(const Region& region);

/// How far each pixel's centre lies from the region's border, [height, width], in pixels: above 0 outside, below 0
/// within. The border runs half a pixel from the centres beside it, so no value is 0. Pixels beyond the image count as
/// neither.
std::vector<double> signed_distance(const Region& region);

}  // namespace nodulus::traits
