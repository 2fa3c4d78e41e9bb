#include "nodulus/archive/unpack.h"

#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "nodulus/archive/md5.h"
#include "nodulus/core/atomic_file.h"
#include "tests/archive/zip_bytes.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Unpack : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directory(folder_.path() / "out"); }
  std::variant<std::vector<UnpackedFile>, Reject> unpack(const UnpackLimits& limits = {}) {
    SilentMonitor monitor;
    return unpack_zip(
        zip(), folder_.path() / "out", limits, [](const std::string&) { return true; }, monitor);
  }
  Reject refused(const UnpackLimits& limits = {}) {
    auto result = unpack(limits);
    return std::holds_alternative<Reject>(result) ? std::get<Reject>(result) : Reject{};
  }
  [[nodiscard]] fs::path zip() const { return folder_.path() / "series.zip"; }
  [[nodiscard]] std::size_t files_outside() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
      count += entry.is_regular_file() && entry.path().parent_path() != folder_.path() / "out" && entry.path() != zip();
    return count;
  }
  static std::string noise(std::size_t size) {
    std::mt19937 random(5);
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Unpack, WritesEveryFileFlatWithItsSum) {
  const std::string bytes = noise(300'000);
  test::write_zip(zip(), {{"a/1-001.dcm", bytes}, {"b/1-001.dcm", "other"}, {"a/.hidden", "h"}, {"empty", ""}});
  const auto result = unpack();
  ASSERT_TRUE(std::holds_alternative<std::vector<UnpackedFile>>(result));
  const auto& files = std::get<0>(result);
  ASSERT_EQ(files.size(), 4);
  EXPECT_EQ(files[0].stored, "1-001.dcm");
  EXPECT_EQ(files[1].stored, "2-1-001.dcm");
  EXPECT_EQ(files[2].stored, "_hidden");
  EXPECT_EQ(files[0].bytes, 300'000);
  for (const UnpackedFile& file : files) EXPECT_EQ(file.md5, md5_file(folder_.path() / "out" / file.stored));
  EXPECT_EQ(read_file(folder_.path() / "out" / "1-001.dcm"), bytes);
}

TEST_F(Unpack, NamesThatClimbAreRefusedWhole) {
  for (const char* name : {"../../evil.dcm", "/tmp/evil.dcm", "a/../../evil.dcm", "..\\evil.dcm", "C:\\evil.dcm"}) {
    test::write_zip(zip(), {{"good.dcm", "1"}, {name, "2"}});
    EXPECT_EQ(refused().reason, "path escapes the archive") << name;
    EXPECT_EQ(files_outside(), 0) << name;
  }
}

TEST_F(Unpack, ATruncatedZipIsRefusedWhereverItEnds) {
  test::write_zip(zip(), {{"1", noise(2000)}, {"2", noise(2000)}, {"md5hashes.csv", "Filename,MD5Hash\n"}}, true);
  const std::string whole = read_file(zip());
  for (std::size_t size = 0; size < whole.size(); size += size < whole.size() - 400 ? 97 : 1) {
    std::ofstream(zip(), std::ios::binary) << whole.substr(0, size);
    EXPECT_EQ(refused().reason, "damaged zip") << size << " of " << whole.size();
  }
}

TEST_F(Unpack, AWrongSumIsRefused) {
  test::write_zip(zip(), {{"1", std::string(1000, 'a')}}, true);
  std::string bytes = read_file(zip());
  bytes[bytes.find("aaaa") + 500] = 'b';
  std::ofstream(zip(), std::ios::binary) << bytes;
  EXPECT_EQ(refused().reason, "damaged zip");
}

TEST_F(Unpack, ABombIsStoppedAtTheLimit) {
  test::write_zip(zip(), {{"zeros", std::string(50 << 20, '\0')}});
  EXPECT_LT(fs::file_size(zip()), 100'000);
  EXPECT_EQ(refused({1 << 20, 10}).reason, "too large");
  EXPECT_LE(fs::file_size(folder_.path() / "out" / "zeros"), 1 << 20);
  test::write_zip(zip(), {{"1", "1"}, {"2", "2"}, {"3", "3"}});
  EXPECT_EQ(refused({1 << 20, 2}).reason, "too large");
}

TEST_F(Unpack, OtherBytesAreNoZip) {
  for (const char* text : {"", "<html>", "PK\3\4", "{\"a\": 1}"}) {
    std::ofstream(zip(), std::ios::binary) << text;
    EXPECT_EQ(refused().reason, "damaged zip") << text;
  }
}

}  // namespace
}  // namespace nodulus::archive
