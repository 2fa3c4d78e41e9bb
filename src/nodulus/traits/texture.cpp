#include "nodulus/traits/texture.h"

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::traits {

int GreyLevels::pixels() const {
  return static_cast<int>(std::count_if(level.begin(), level.end(), [](int value) { return value > 0; }));
}

GreyLevels discretise(std::span<const std::int16_t> hu, const Region& region) {
  if (hu.size() != region.inside.size()) {
    throw Error(ErrorCode::internal, "expected an image of the region's size, " + std::to_string(region.inside.size()) +
                                         " pixels, found " + std::to_string(hu.size()));
  }
  GreyLevels image{std::vector<int>(hu.size(), 0), region.height, region.width, 0};
  for (std::size_t i = 0; i < hu.size(); ++i) {
    if (region.inside[i] == 0) continue;
    const double bin = std::floor((hu[i] - kFirstLevel_hu) / kLevelWidth_hu);
    image.level[i] = std::max(0, static_cast<int>(bin)) + 1;
    image.count = std::max(image.count, image.level[i]);
  }
  return image;
}

std::vector<double> cooccurrence(const GreyLevels& image, std::span<const Direction> directions) {
  const auto levels = static_cast<std::size_t>(image.count);
  std::vector<double> counts(levels * levels, 0);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int here = image.at(y, x);
      if (here == 0) continue;
      for (const Direction& d : directions) {
        const int there = image.at(y + d.y, x + d.x);
        if (there == 0) continue;
        const auto i = static_cast<std::size_t>(here - 1);
        const auto j = static_cast<std::size_t>(there - 1);
        counts[i * levels + j] += 1;
        counts[j * levels + i] += 1;
      }
    }
  }
  return counts;
}

SizeCounts run_lengths(const GreyLevels& image, std::span<const Direction> directions) {
  SizeCounts runs;
  runs.places = image.pixels() * static_cast<int>(directions.size());
  for (const Direction& d : directions) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const int level = image.at(y, x);
        if (level == 0 || image.at(y - d.y, x - d.x) == level) continue;  // nothing, or a run that began before
        int length = 1;
        while (image.at(y + length * d.y, x + length * d.x) == level) ++length;
        ++runs.count[{level, length}];
      }
    }
  }
  return runs;
}

SizeCounts zone_sizes(const GreyLevels& image) {
  SizeCounts zones;
  zones.places = image.pixels();
  GreyLevels rest = image;  // without the zones that were counted
  const auto width = static_cast<std::size_t>(image.width);
  const auto take = [&](int y, int x) {
    rest.level[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)] = 0;
  };
  std::vector<Direction> waiting;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int level = rest.at(y, x);
      if (level == 0) continue;
      int size = 0;
      take(y, x);
      waiting.push_back({y, x});
      while (!waiting.empty()) {
        const Direction pixel = waiting.back();
        waiting.pop_back();
        ++size;
        for (const Direction& d : kDirections) {
          for (const int sign : {1, -1}) {
            const Direction next{pixel.y + sign * d.y, pixel.x + sign * d.x};
            if (rest.at(next.y, next.x) != level) continue;
            take(next.y, next.x);
            waiting.push_back(next);
          }
        }
      }
      ++zones.count[{level, size}];
    }
  }
  return zones;
}

}  // namespace nodulus::traits
