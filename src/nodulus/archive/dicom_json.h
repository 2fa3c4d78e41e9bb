#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"

/// The DICOM JSON model (PS3.18 annex F), as far as lists and answers need it. A tag is eight hexadecimal digits.
namespace nodulus::archive {

/// The first value of an attribute as text; "" where there is none.
std::string json_text(const Json& object, std::string_view tag);
/// The first value as a whole number that is not negative.
std::optional<std::int64_t> json_number(const Json& object, std::string_view tag);
/// The items of a sequence.
std::vector<Json> json_items(const Json& object, std::string_view tag);

}  // namespace nodulus::archive
