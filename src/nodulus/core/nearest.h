#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nodulus {

/// The candidate with the smallest edit distance to `word`, or "" where none is near (2 edits, or a third of the word).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'batch'?" for error messages, or "" where nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace nodulus
