#include "nodulus/net/secret.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "nodulus/core/error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::net {
namespace {

constexpr const char* variable = "NODULUS_TEST_SECRET";

class Secrets : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv(variable); }
  std::filesystem::path file(const std::string& text) {
    const auto path = folder_.path() / "secret";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Secrets, ComeFromAFileElseFromTheEnvironment) {
  EXPECT_TRUE(Secret::from(variable, {}).empty());
  ::setenv(variable, "of the environment", 1);
  EXPECT_EQ(Secret::from(variable, {}).reveal(), "of the environment");
  EXPECT_EQ(Secret::from(variable, file("of the file\r\n")).reveal(), "of the file");
}

TEST_F(Secrets, AreNeverRepeatedInErrors) {
  for (const char* text : {"hunter2\nhunter3\n", "hunter2\x01", "\n"}) {
    try {
      (void)Secret::from(variable, file(text));
      ADD_FAILURE() << "expected a refusal";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("hunter")));
    }
  }
  ::setenv(variable, "hunter2\nX-Header: 1", 1);
  EXPECT_THROW((void)Secret::from(variable, {}), Error);
  try {
    (void)Secret::from(variable, folder_.path() / "none");
    ADD_FAILURE() << "expected that a file which is not there is told, whatever the environment has";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace nodulus::net
