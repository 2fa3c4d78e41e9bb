#include "xml_builder.h"

#include <gtest/gtest.h>

namespace nodulus::lidc::test {

Reading reading_of(const std::string& xml) {
  auto result = parse_reading(xml, "made.xml");
  if (auto* reading = std::get_if<Reading>(&result)) return std::move(*reading);
  const auto& reject = std::get<Reject>(result);
  ADD_FAILURE() << reject.reason << ": " << reject.detail;
  return {};
}

Reject reject_of(const std::string& xml, const ReadLimits& limits) {
  auto result = parse_reading(xml, "made.xml", limits);
  if (auto* reject = std::get_if<Reject>(&result)) return std::move(*reject);
  ADD_FAILURE() << "was read, though it should have been rejected";
  return {};
}

}  // namespace nodulus::lidc::test
