#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace nodulus::app {

/// Known images of which a region is made anew, another for each image that is drawn.
class Surroundings {
 public:
  Surroundings() = default;
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;
  virtual ~Surroundings() = default;

  /// Of images [first, first + count) of those that are drawn: what is known, [count, C, H, W] in [-1, 1],
  [[nodiscard]] virtual torch::Tensor known(std::int64_t first, std::int64_t count) const = 0;
  /// what is made anew, [count, 1, H, W] bool, true there,
  [[nodiscard]] virtual torch::Tensor region(std::int64_t first, std::int64_t count) const = 0;
  /// and what is asked for, [count, D]; undefined where the model has no labels.
  [[nodiscard]] virtual torch::Tensor labels(std::int64_t first, std::int64_t count) const = 0;
  /// What items.csv says of image i, what is asked for among it.
  [[nodiscard]] virtual std::string condition(std::int64_t i) const = 0;
};

}  // namespace nodulus::app
