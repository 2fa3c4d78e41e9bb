#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nodulus/data/loader.h"

namespace nodulus::train {

/// What images are asked for by: the values of one label, rounded to whole numbers.
struct Classes {
  std::string label;  ///< "": none.
  std::vector<int> values;
};

/// The values that a label has among the loader's images, ascending. Throws Error{usage} where the data set has no such
/// label or it has less than two or more than 256 values, Error{bad_input} where it is text.
std::vector<int> class_values(const data::Loader& loader, const std::string& label);

/// One-hot rows [N, values] of the items that these samples show; an item whose value is unknown has zeros. The values
/// must be those of class_values().
torch::Tensor class_rows(const Classes& classes, const data::Loader& loader,
                         std::span<const std::uint64_t> sample_numbers);

}  // namespace nodulus::train
