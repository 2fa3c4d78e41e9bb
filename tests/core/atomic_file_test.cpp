#include "nodulus/core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

TEST(AtomicFile, ReplacesWholeOnCommitAlone) {
  const test::TemporaryFolder folder;
  test::write_all(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write(std::string_view("half"));
  }
  EXPECT_EQ(test::read_all(folder / "a"), "old");
  AtomicFile file(folder / "a");
  file.write(std::string_view("new"));
  EXPECT_EQ(test::read_all(folder / "a"), "old");
  file.commit();
  EXPECT_EQ(test::read_all(folder / "a"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

// A limit on the file's size stops a write half-way, as a full disk does. It is for a child process: it cannot be
// lifted again.
TEST(AtomicFile, AWriteThatEndsHalfWayLeavesTheOldFile) {
  const test::TemporaryFolder folder;
  test::write_all(folder / "a", "old");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit limit{1000, 1000};
    std::signal(SIGXFSZ, SIG_IGN);
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    try {
      AtomicFile file(folder / "a");
      file.write(std::string_view(std::string(4000, 'x')));
      file.commit();
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::io ? 0 : 3);
    }
    ::_exit(1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(test::read_all(folder / "a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(ReadFile, SaysWhatItExpected) {
  const test::TemporaryFolder folder;
  test::write_all(folder / "empty", "");
  test::write_all(folder / "large", std::string(200000, 'y'));
  EXPECT_EQ(read_file(folder / "empty"), "");
  EXPECT_EQ(read_file(folder / "large"), std::string(200000, 'y'));
  expect_error([&] { (void)read_file(folder.path()); }, ErrorCode::io, {"expected a file, found a folder"});
  expect_error([&] { (void)read_file(folder / "none"); }, ErrorCode::not_found, {"none", "no such file"});
}

}  // namespace
}  // namespace nodulus
