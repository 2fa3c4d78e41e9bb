#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "nodulus/core/error.h"

namespace nodulus::test {

/// Expects `call` to throw an Error of that code, on one line, whose message holds every part.
inline void expect_error(const std::function<void()>& call, ErrorCode code, const std::vector<std::string>& parts) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(name(error.code()), name(code)) << error.what();
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts) EXPECT_THAT(message, testing::HasSubstr(part));
    return;
  }
  ADD_FAILURE() << "expected an Error that says: " << testing::PrintToString(parts);
}

}  // namespace nodulus::test
