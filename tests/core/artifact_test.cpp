#include "nodulus/core/artifact.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "nodulus/core/hash.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

Manifest sample(const std::string& command = "prepare") {
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = command;
  manifest.options = {{"size", 64}};
  manifest.seed = 18446744073709551615ull;
  return manifest;
}

void make(const fs::path& target, bool force, const std::string& content) {
  ArtifactWriter writer(target, "dataset", force);
  test::write_all(writer.path() / "sub" / "file", content);
  write_manifest(writer.path(), sample());
  writer.commit();
}

class ArtifactTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) found.push_back(entry.path().filename());
    std::sort(found.begin(), found.end());
    return found;
  }
  test::TemporaryFolder folder_;
};

TEST_F(ArtifactTest, AppearsWholeOrNotAtAll) {
  {
    ArtifactWriter writer(folder_ / "a", "dataset", false);
    test::write_all(writer.path() / "file", "half");
    EXPECT_FALSE(fs::exists(folder_ / "a"));
  }
  EXPECT_TRUE(names().empty());
  make(folder_ / "a", false, "whole");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "whole");
}

TEST_F(ArtifactTest, ATargetIsReplacedWholeWithForceAlone) {
  make(folder_ / "a", false, "old");
  expect_error([&] { make(folder_ / "a", false, "new"); }, ErrorCode::exists, {"/a'", "--force"});
  EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "old");
  {
    ArtifactWriter writer(folder_ / "a", "dataset", true);
    EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "old");
  }
  EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "old");
  make((folder_ / "a").string() + "/", true, "new");
  EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "new");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(ArtifactTest, ForceSparesWhatIsNoArtifact) {
  test::write_all(folder_ / "documents/thesis.txt", "years of work");
  expect_error([&] { make(folder_ / "documents", true, "new"); }, ErrorCode::exists, {"documents", "manifest.json"});
  test::write_all(folder_ / "file", "a file");
  expect_error([&] { make(folder_ / "file", true, "new"); }, ErrorCode::exists, {"file"});
  make(folder_ / "a", false, "a data set");
  expect_error([&] { ArtifactWriter(folder_ / "a", "images", true); }, ErrorCode::exists,
               {"/a'", "(dataset)", "only images"});
  expect_error([&] { ArtifactWriter("", "images", true); }, ErrorCode::usage, {"''"});
  fs::create_directory(folder_ / "empty");
  make(folder_ / "empty", true, "new");
  EXPECT_EQ(test::read_all(folder_ / "empty/sub/file"), "new");
}

TEST_F(ArtifactTest, ATargetMadeMeanwhileIsNotOverwritten) {
  ArtifactWriter first(folder_ / "a", "dataset", false);
  write_manifest(first.path(), sample());
  make(folder_ / "a", false, "somebody else's");
  expect_error([&] { first.commit(); }, ErrorCode::exists, {"/a'"});
  EXPECT_EQ(test::read_all(folder_ / "a/sub/file"), "somebody else's");
}

TEST_F(ArtifactTest, AnUnwritableParentIsNamed) {
  if (::geteuid() == 0) {  // root may write anywhere but where nobody can
    expect_error([] { ArtifactWriter writer("/proc/nowhere/a", "dataset", false); }, ErrorCode::io, {"/proc"});
    return;
  }
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  expect_error([&] { ArtifactWriter writer(folder_ / "a", "dataset", false); }, ErrorCode::io, {folder_.path()});
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

TEST_F(ArtifactTest, NeedsAManifest) {
  ArtifactWriter writer(folder_ / "a", "dataset", false);
  expect_error([&] { writer.commit(); }, ErrorCode::internal, {"manifest.json"});
}

TEST_F(ArtifactTest, TheManifestReadsBack) {
  make(folder_ / "in", false, "x");
  Manifest manifest = sample("train");
  manifest.synthetic = true;
  manifest.inputs = {manifest_input(folder_ / "in"), manifest_input(folder_ / "in/sub/file")};
  fs::create_directory(folder_ / "m");
  write_manifest(folder_ / "m", manifest);
  const Manifest read = read_manifest(folder_ / "m", "dataset", 1);
  EXPECT_EQ(read.command, "train");
  EXPECT_EQ(read.seed, 18446744073709551615ull);
  EXPECT_TRUE(read.synthetic);
  EXPECT_EQ(read.options, manifest.options);
  EXPECT_EQ(read.version, program_version());
  EXPECT_EQ(read.revision, git_revision());
  ASSERT_EQ(read.inputs.size(), 2u);
  EXPECT_EQ(read.inputs[0].sha256, sha256_file(folder_ / "in/manifest.json"));
  EXPECT_EQ(read.inputs[1].sha256, sha256_hex("x"));
}

TEST_F(ArtifactTest, AnotherKindOrVersionIsNamed) {
  fs::create_directory(folder_ / "m");
  const auto read = [&] { (void)read_manifest(folder_ / "m", "dataset", 1); };
  expect_error(read, ErrorCode::not_found, {"/m'", "manifest.json"});
  expect_error([&] { (void)read_manifest(folder_ / "none", "dataset", 1); }, ErrorCode::not_found, {"/none'"});
  Manifest manifest = sample();
  manifest.schema = 7;
  write_manifest(folder_ / "m", manifest);
  expect_error(read, ErrorCode::bad_input, {"schema.version", "expected 1", "found 7"});
  manifest.kind = "model";
  write_manifest(folder_ / "m", manifest);
  expect_error(read, ErrorCode::bad_input, {"schema.name", "nodulus.dataset", "nodulus.model"});
  test::write_all(folder_ / "m/manifest.json", "{\"schema\": {\"name\": \"nodulus.dataset\", \"version\": 1}}");
  expect_error(read, ErrorCode::bad_input, {"'command'", "a string", "nothing"});
  test::write_all(folder_ / "m/manifest.json", "{\n \"schema\": }");
  expect_error(read, ErrorCode::bad_input, {"line 2, column 12"});
}

TEST_F(ArtifactTest, FilesThatCannotBeMovedRemovedOrReadAreNamed) {
  test::write_all(folder_ / "from", "text");
  EXPECT_EQ(file_bytes(folder_ / "from"), 4);
  move_path(folder_ / "from", folder_ / "to");
  remove_tree(folder_ / "to");
  remove_tree(folder_ / "to");
  EXPECT_FALSE(fs::exists(folder_ / "to"));
  expect_error([&] { move_path(folder_ / "from", folder_ / "to"); }, ErrorCode::io, {"/from'", "/to'"});
  expect_error([&] { (void)file_bytes(folder_ / "from"); }, ErrorCode::io, {"/from'", "No such file"});
  expect_error([] { remove_tree("/proc/self/status"); }, ErrorCode::io, {"cannot remove '/proc/self/status'"});
}

TEST(WriteText, AFullDiskIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  expect_error([] { write_text("/dev/full", "text"); }, ErrorCode::io, {"/dev/full", "No space left"});
}

}  // namespace
}  // namespace nodulus
