#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// Some images to look at, as docs/formats.md has "samples": HU and outlines in base64, so that a page can choose the
/// window.
Json samples_json(const Images& images, const std::vector<std::int64_t>& rows,
                  const std::vector<std::string>& captions);

/// The first images after the others, of two sets of the same size, in turn.
Json pairs_json(const Images& first, const std::vector<std::int64_t>& first_rows, const Images& second,
                const std::vector<std::int64_t>& second_rows, const std::vector<int>& second_turns,
                const std::vector<std::string>& captions);

}  // namespace nodulus::eval
