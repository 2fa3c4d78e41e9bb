#include "nodulus/data/split.h"

#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"

namespace nodulus::data {

std::string_view name(Split split) {
  switch (split) {
    case Split::train: return "train";
    case Split::val: return "val";
    case Split::test: return "test";
  }
  return "train";
}

Split split_from_name(std::string_view text) {
  for (const Split split : {Split::train, Split::val, Split::test}) {
    if (text == name(split)) return split;
  }
  throw Error(ErrorCode::usage, "expected the split train, val or test, found '" + std::string(text) + "'");
}

Split split_of(std::string_view patient, const SplitRule& rule) {
  // The top 53 bits make a double in [0, 1) exactly.
  const double u = static_cast<double>(stable_hash(patient) >> 11) * 0x1p-53;
  if (u < rule.train) return Split::train;
  return u < rule.train + rule.val ? Split::val : Split::test;
}

std::string describe(const SplitRule& rule) {
  return "by patient: u = first 8 bytes (big-endian) of SHA-256(patient id) / 2^64; train where u < " +
         csv_number(rule.train) + ", else val where u < " + csv_number(rule.train + rule.val) + ", else test";
}

void check(const SplitRule& rule) {
  if (rule.train >= 0 && rule.val >= 0 && rule.train + rule.val <= 1) return;
  throw Error(ErrorCode::usage, "the train and val shares are " + csv_number(rule.train) + " and " +
                                    csv_number(rule.val) + "; expected both 0 or more, their sum 1 or less");
}

}  // namespace nodulus::data
