#pragma once

#include <string>
#include <string_view>

namespace nodulus::data {

enum class Split { train, val, test };
std::string_view name(Split split);
/// Error{usage} for anything but train, val, test.
Split split_from_name(std::string_view text);

/// Which share of the patients goes where. The test share is what is left.
struct SplitRule {
  double train = 0.8;
  double val = 0.1;
  bool operator==(const SplitRule&) const = default;
};

/// u = first 8 bytes of SHA-256(patient id) / 2^64; train where u < rule.train, val below rule.train + rule.val, else
/// test. Depends on the patient alone, so no patient crosses and adding patients moves none.
Split split_of(std::string_view patient, const SplitRule& rule = {});

/// The rule in words, as dataset.json states it.
std::string describe(const SplitRule& rule);

/// Error{usage} unless both shares are at least 0 and their sum is at most 1.
void check(const SplitRule& rule);

}  // namespace nodulus::data
