#pragma once

#include <vector>

#include "nodulus/traits/texture.h"

namespace nodulus::traits::test {

/// The digital phantom of the Image Biomarker Standardisation Initiative: 5 x 4 x 4 voxels of levels 1 to 6, 74 of them
/// in the region (Zwanenburg et al., reference manual, arXiv 1612.07003, chapter "Reference data sets"; CC BY 4.0). One
/// slice each, 0 outside the region.
inline std::vector<GreyLevels> ibsi_phantom() {
  return {
      {{1, 4, 4, 1, 1,  //
        1, 4, 6, 1, 1,  //
        4, 1, 6, 4, 1,  //
        4, 4, 6, 4, 1},
       4,
       5,
       6},
      {{1, 4, 4, 1, 1,  //
        1, 1, 6, 1, 1,  //
        0, 1, 3, 1, 1,  //
        4, 4, 6, 1, 1},
       4,
       5,
       6},
      {{1, 4, 4, 0, 0,  //
        1, 1, 1, 1, 1,  //
        1, 1, 0, 1, 1,  //
        1, 1, 6, 1, 1},
       4,
       5,
       6},
      {{1, 4, 4, 0, 0,  //
        1, 1, 1, 1, 1,  //
        1, 1, 1, 1, 1,  //
        1, 1, 6, 1, 1},
       4,
       5,
       6},
  };
}

/// Half a unit in the last of the three digits that the initiative publishes.
inline double published_digits(double value) {
  double unit = 0.005;
  for (double size = value < 0 ? -value : value; size >= 10; size /= 10) unit *= 10;
  for (double size = value < 0 ? -value : value; size < 1 && size > 0; size *= 10) unit /= 10;
  return unit * 1.0000001;
}

}  // namespace nodulus::traits::test
