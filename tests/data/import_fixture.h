#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "nodulus/core/png.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/import.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {

inline std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// Pixel i is first + i.
inline Picture ramp(int width, int height, int first) {
  Picture picture(width, height, 1);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
  return picture;
}

/// A ustar archive, put together by hand (POSIX 1003.1-1988, section 10.1.1).
inline std::string tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive;
  for (const auto& [name, bytes] : files) {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    header.replace(100, 7, "0000644");
    header.replace(108, 7, "0000000");
    header.replace(116, 7, "0000000");
    char size[13];
    std::snprintf(size, sizeof size, "%011o", static_cast<unsigned>(bytes.size()));
    header.replace(124, 11, size);
    header.replace(136, 11, "00000000000");
    header.replace(148, 8, "        ");
    header[156] = '0';
    header.replace(257, 5, "ustar");
    header.replace(263, 2, "00");
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof checksum, "%06o", sum);
    header.replace(148, 6, checksum);
    header[154] = '\0';
    archive += header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
  }
  return archive + std::string(1024, '\0');
}

class ImportTest : public testing::Test {
 protected:
  ImportTest() {
    options_.source = folder_ / "source";
    options_.out = folder_ / "out";
  }
  void put(const std::string& name, const std::string& bytes) {
    nodulus::test::write_all(folder_ / "source" / name, bytes);
  }
  Dataset import() {
    options_.force = true;
    SilentMonitor monitor;
    result_ = import_pictures(options_, monitor);
    return Dataset::open(options_.out);
  }
  void refused(ErrorCode code, const std::vector<std::string>& parts) {
    SilentMonitor monitor;
    nodulus::test::expect_error([&] { (void)import_pictures(options_, monitor); }, code, parts);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_NE(entry.path().filename().string()[0], '.') << entry.path();  // nothing half there
    }
  }
  /// Files of a table's set: two patients, masks, HU from gain and offset.
  std::vector<std::pair<std::string, std::string>> tabled() {
    return {{"images/a.png", text_of(encode_png(ramp(4, 4, 0)))},
            {"readers/a.png", text_of(encode_png(Picture(4, 4, 1, 3)))},
            {"images/b.png", text_of(encode_png(ramp(4, 4, 100)))},
            {"readers/b.png", text_of(encode_png(Picture(4, 4, 1, 1)))},
            {"items.csv",
             "file,patient,nodule,hu_gain,hu_offset,spacing_mm,readers,internalStructure,note\n"
             "b.png,LIDC-IDRI-0002,n1,8.5,-1000,0.7,3,1,x\n"
             "a.png,LIDC-IDRI-0001,n1,2,-500,0.6,4,,\"y, z\"\n"}};
  }
  nodulus::test::TemporaryFolder folder_;
  ImportOptions options_;
  ImportResult result_;
};

/// What an import says on the way.
class KeepsWarnings final : public Monitor {
 public:
  void note(std::string_view) override {}
  void warn(std::string_view line) override { said += std::string(line) + "\n"; }
  void progress(const Progress& progress) override { last_done = progress.done; }
  [[nodiscard]] bool stop_requested() const override { return false; }
  std::string said;
  std::int64_t last_done = 0;
};

}  // namespace nodulus::data
