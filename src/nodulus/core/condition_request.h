#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/condition.h"

/// What somebody asks for, in words.
namespace nodulus {

/// Values from low to high, each as likely; of a category or a scale the values in between, each as often.
struct ConditionRange {
  double low = 0;
  double high = 0;
};

/// "5", "8.5mm", "8..15mm", "..4" (up to), "3.." (from), or a value's name or its beginning, "part solid", in any case
/// and punctuation. Throws Error{usage} naming the label and what it knows.
ConditionRange condition_range(const ConditionLabel& label, std::string_view text);

/// The value that a seed draws from the ranges, of which each is as likely.
double drawn_value(const ConditionLabel& label, const std::vector<ConditionRange>& ranges, std::uint64_t seed);

/// Real images that the label's record puts between low and high, about: a number's cases are taken to lie evenly
/// between its knots.
std::int64_t cases_within(const ConditionLabel& label, const ConditionRange& range);

}  // namespace nodulus
