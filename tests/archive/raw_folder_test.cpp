#include "nodulus/archive/raw_folder.h"

#include <gmock/gmock.h>

#include <fstream>

#include "nodulus/archive/md5.h"
#include "nodulus/core/csv.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

class Raw : public ::testing::Test {
 protected:
  static Manifest manifest() {
    Manifest manifest;
    manifest.kind = "raw";
    manifest.command = "collect";
    return manifest;
  }
  [[nodiscard]] fs::path path() const { return folder_.path() / "raw"; }
  /// Puts a series of two files there.
  static const Record& add(RawFolder& raw, const std::string& uid, const std::string& patient = "LIDC-IDRI-0001") {
    SilentMonitor monitor;
    const Workplace place = raw.workplace(uid, monitor);
    std::vector<ReceivedFile> files;
    for (const char* name : {"1.dcm", "2.dcm"}) {
      std::ofstream(place.folder / name) << uid << name;
      files.push_back(
          {name, static_cast<std::int64_t>(fs::file_size(place.folder / name)), md5_file(place.folder / name), "1.2"});
    }
    RemoteSeries series;
    series.series_uid = uid;
    series.patient_id = patient;
    series.licence = "CC BY 3.0";
    return raw.commit(series, files, {{"kind", "nbia"}, {"server", "http://127.0.0.1/services/v1"}});
  }
  test::TemporaryFolder folder_;
};

TEST_F(Raw, ASeriesIsThereWholeAndRemembered) {
  {
    RawFolder raw(path(), manifest());
    EXPECT_FALSE(raw.has("1.2.3"));
    add(raw, "1.2.3");
    raw.write_tables({{"1.2.9", "wrong MD5", "of a file"}});
  }
  RawFolder raw(path(), manifest());
  ASSERT_TRUE(raw.has("1.2.3"));
  EXPECT_TRUE(fs::exists(path() / "dicom/LIDC-IDRI-0001/1.2.3/2.dcm"));
  EXPECT_FALSE(fs::exists(path() / ".partial/1.2.3"));
  const CsvTable table = CsvTable::read(path() / "collected.csv");
  ASSERT_EQ(table.rows(), 1);
  EXPECT_EQ(table.text(0, "licence"), "CC BY 3.0");
  EXPECT_EQ(table.text(0, "files"), "2");
  EXPECT_EQ(table.text(0, "from"), "http://127.0.0.1/services/v1");
  EXPECT_EQ(CsvTable::read(path() / "rejects.csv").text(0, "reason"), "wrong MD5");
}

TEST_F(Raw, AKillBetweenRecordAndRenameLosesTheSeriesAlone) {
  {
    RawFolder raw(path(), manifest());
    add(raw, "1.2.3");
    add(raw, "1.2.4");
  }
  fs::remove_all(path() / "dicom/LIDC-IDRI-0001/1.2.4");  // recorded, not yet in its place
  std::ofstream(path() / "records/1.2.5.json.tmp") << "{\"half\":";
  RawFolder raw(path(), manifest());
  EXPECT_TRUE(raw.has("1.2.3"));
  EXPECT_FALSE(raw.has("1.2.4"));
}

TEST_F(Raw, DroppedSeriesAreRememberedWithoutTheirFiles) {
  RawFolder raw(path(), manifest());
  add(raw, "1.2.3");
  raw.drop("1.2.3");
  EXPECT_TRUE(raw.has("1.2.3"));
  EXPECT_FALSE(fs::exists(path() / "dicom/LIDC-IDRI-0001"));
  SilentMonitor monitor;
  EXPECT_TRUE(raw.verify(1, monitor).empty());
}

TEST_F(Raw, VerifyFindsEachKindOfDamage) {
  RawFolder raw(path(), manifest());
  for (const char* uid : {"1.2.3", "1.2.4", "1.2.5", "1.2.6"}) add(raw, uid);
  const fs::path dicom = path() / "dicom/LIDC-IDRI-0001";
  fs::remove(dicom / "1.2.3/1.dcm");
  std::ofstream(dicom / "1.2.4/2.dcm", std::ios::app) << "x";
  std::ofstream(dicom / "1.2.5/2.dcm") << "1.2.52.dcn";
  SilentMonitor monitor;
  const auto faults = raw.verify(2, monitor);
  ASSERT_EQ(faults.size(), 3);
  EXPECT_EQ(faults[0].reason, "missing");
  EXPECT_EQ(faults[1].reason, "wrong size");
  EXPECT_EQ(faults[2].reason, "wrong MD5");
}

TEST_F(Raw, OneProcessAtATimeAndNobodysDocuments) {
  {
    RawFolder raw(path(), manifest());
    test::expect_error([&] { RawFolder again(path(), manifest()); }, ErrorCode::exists, {"another run is at work"});
  }
  fs::create_directory(folder_.path() / "mine");
  std::ofstream(folder_.path() / "mine/letter.txt") << "dear";
  test::expect_error([&] { RawFolder(folder_.path() / "mine", manifest()); }, ErrorCode::exists,
                     {"holds no collection"});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path() / "mine"), {}), 1);
}

TEST_F(Raw, AKillBeforeTheFirstFileIsNoReasonToRefuse) {
  fs::create_directory(path());
  { RawFolder raw(path(), manifest()); }
  fs::remove_all(path());
  test::write_all(path() / "manifest.json.tmp", "{\"half\":");
  RawFolder raw(path(), manifest());
  EXPECT_EQ(read_manifest(path(), "raw", 1).command, "collect");
}

TEST_F(Raw, ADamagedRecordIsNamed) {
  {
    RawFolder raw(path(), manifest());
    add(raw, "1.2.3");
  }
  const fs::path record = path() / "records/1.2.3.json";
  Json json = read_json(record);
  json["folder"] = "../../home";
  write_json(record, json);
  test::expect_error([&] { RawFolder(path(), manifest()); }, ErrorCode::bad_input,
                     {"1.2.3.json", "key 'folder'", "../../home"});
  json["folder"] = "dicom/LIDC-IDRI-0001/1.2.3";
  json["files"][0]["name"] = "../x";
  write_json(record, json);
  test::expect_error([&] { RawFolder(path(), manifest()); }, ErrorCode::bad_input, {"files.name", "../x"});
}

}  // namespace
}  // namespace nodulus::archive
