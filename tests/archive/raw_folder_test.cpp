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
  EXPECT_FALSE(raw.has("1.2.5"));
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

TEST_F(Raw, AKillWhileADroppedSeriesIsRemovedLeavesNothing) {
  const fs::path place = path() / "dicom/LIDC-IDRI-0001/1.2.3";
  {
    RawFolder raw(path(), manifest());
    add(raw, "1.2.3");
    fs::copy(place, folder_ / "copy");
    raw.drop("1.2.3");
  }
  fs::create_directories(place);  // half of it
  fs::copy(folder_ / "copy/1.dcm", place / "1.dcm");
  fs::copy(folder_ / "copy", path() / ".partial/1.2.4.old");
  const RawFolder raw(path(), manifest());
  EXPECT_TRUE(raw.has("1.2.3"));
  EXPECT_TRUE(fs::is_empty(path() / "dicom"));
  EXPECT_FALSE(fs::exists(path() / ".partial/1.2.4.old"));
}

TEST_F(Raw, WhatIsUnderWayStaysIfItCanBeGoneOnWith) {
  {
    RawFolder raw(path(), manifest());
    add(raw, "1.2.3");
  }
  const fs::path partial = path() / ".partial";
  fs::create_directories(partial / "1.2.4");
  fs::create_directories(partial / "1.2.3");  // of a series that is there
  for (const char* name : {"1.2.5.zip", "1.2.5.zip.json", "1.2.6.zip", "1.2.7.zip.json", "annotations.zip", "x.tmp"})
    test::write_all(partial / name, "some");
  const RawFolder raw(path(), manifest());
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(partial)) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("lock", "1.2.4", "1.2.5.zip", "1.2.5.zip.json"));
  raw.give_up("1.2.4");
  raw.give_up("1.2.5");
  EXPECT_FALSE(fs::exists(partial / "1.2.4"));
  EXPECT_TRUE(fs::exists(partial / "1.2.5.zip"));
  EXPECT_EQ(raw.bytes_beside(), 8);
}

TEST_F(Raw, ASeriesThatIsFetchedAnewReplacesTheOld) {
  RawFolder raw(path(), manifest());
  add(raw, "1.2.3");
  const fs::path place = path() / "dicom/LIDC-IDRI-0001/1.2.3";
  test::write_all(place / "stray", "of the old");
  add(raw, "1.2.3");
  EXPECT_FALSE(fs::exists(place / "stray"));
  EXPECT_FALSE(fs::exists(path() / ".partial/1.2.3.old"));
  EXPECT_EQ(raw.bytes_of_series(), raw.records().at("1.2.3").bytes());
  SilentMonitor monitor;
  EXPECT_TRUE(raw.verify(1, monitor).empty());
}

TEST_F(Raw, VerifyFindsEachKindOfDamage) {
  {
    RawFolder raw(path(), manifest());
    for (const char* uid : {"1.2.3", "1.2.4", "1.2.5", "1.2.6", "1.2.7", "1.2.8"}) add(raw, uid);
  }
  const fs::path dicom = path() / "dicom/LIDC-IDRI-0001";
  fs::remove(dicom / "1.2.3/1.dcm");
  std::ofstream(dicom / "1.2.4/2.dcm", std::ios::app) << "x";
  std::ofstream(dicom / "1.2.5/2.dcm") << "1.2.52.dcn";
  fs::remove_all(dicom / "1.2.6");
  test::write_all(path() / "records/1.2.7.json", "{}");
  SilentMonitor monitor;
  const RawFolder raw(path(), manifest());
  const auto damages = raw.verify(2, monitor);
  ASSERT_EQ(damages.size(), 5);
  const std::vector<std::string> reasons{"missing", "wrong size", "wrong MD5", "missing", "damaged record"};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    EXPECT_EQ(damages[i].series_uid, "1.2." + std::to_string(3 + i));
    ASSERT_EQ(damages[i].faults.size(), 1) << i;
    EXPECT_EQ(damages[i].faults[0].reason, reasons[i]);
    EXPECT_EQ(damages[i].record.has_value(), reasons[i] != "damaged record");
  }
  EXPECT_EQ(damages[3].record->series.licence, "CC BY 3.0");
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

TEST_F(Raw, ADamagedRecordIsNamedAndItsSeriesCountsAsNotFetched) {
  {
    RawFolder raw(path(), manifest());
    add(raw, "1.2.3");
    add(raw, "1.2.4");
  }
  SilentMonitor monitor;
  const fs::path file = path() / "records/1.2.3.json";
  const Json good = read_json(file);
  const auto expect_damaged = [&](const Json& json, const std::vector<std::string>& words) {
    write_json(file, json);
    const RawFolder raw(path(), manifest());
    EXPECT_FALSE(raw.has("1.2.3"));
    EXPECT_TRUE(raw.has("1.2.4"));
    const auto damages = raw.verify(1, monitor);
    ASSERT_EQ(damages.size(), 1);
    for (const std::string& word : words) EXPECT_THAT(damages[0].faults[0].detail, ::testing::HasSubstr(word));
  };
  Json json = good;
  json["folder"] = "../../home";
  expect_damaged(json, {"1.2.3.json", "key 'folder'", "../../home"});
  json = good;
  json["files"][0]["name"] = "../x";
  expect_damaged(json, {"files.name", "../x"});
  json = good;
  json["annotated"] = "perhaps";
  expect_damaged(json, {"annotated"});
  for (const Json& from :
       {Json(nullptr), Json{{"kind", "nbia"}, {"server", 5}}, Json{{"kind", "x"}, {"server", "y"}}}) {
    json = good;
    json["from"] = from;
    expect_damaged(json, {"from"});
  }
  fs::remove(file);
  const RawFolder raw(path(), manifest());
  const auto damages = raw.verify(1, monitor);
  ASSERT_EQ(damages.size(), 1);
  EXPECT_EQ(damages[0].faults[0].reason, "no record");
}

}  // namespace
}  // namespace nodulus::archive
