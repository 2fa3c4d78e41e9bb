#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "nodulus/data/loader.h"

namespace nodulus::train {

/// What a network sees of the labels of these samples' images, [N, width]; undefined where the loader has no
/// conditions.
torch::Tensor label_rows(const data::Loader& loader, std::span<const std::uint64_t> sample_numbers);

/// Hides labels in rows [N, width], so that a model can be asked for some of them, or for none: with probability
/// `share` all of an image's, else each by itself with the same. Row i is a function of seed and numbers[i].
/// (Classifier- free guidance, Ho and Salimans 2022, arXiv 2207.12598, needs those without any.)
void hide_labels(torch::Tensor& rows, const ConditionSchema& schema, double share, std::uint64_t seed,
                 std::span<const std::uint64_t> numbers);

}  // namespace nodulus::train
