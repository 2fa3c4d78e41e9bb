#include "nodulus/archive/dicomweb.h"

#include "tests/archive/collecting.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using test::StandIn;
using test::StandInSeries;
using ::testing::HasSubstr;

class Dicomweb : public test::Collecting {
 protected:
  CollectResult fetch(const StandIn& server) {
    DicomwebSource source({.server = server.dicomweb(), .retry = options.retry});
    return collect(source);
  }
};

TEST_F(Dicomweb, EverySeriesComesWholeAndOnce) {
  const auto series = three();
  StandIn server(series);
  EXPECT_EQ(fetch(server).fetched, 3);
  for (const StandInSeries& one : series) expect_whole(one);
  EXPECT_EQ(fetch(server).there, 3);
  EXPECT_EQ(server.requests("/series/"), 6) << "a list and the objects of each, once";
}

TEST_F(Dicomweb, APatientIsAskedForByName) {
  const auto series = three();
  StandIn server(series);
  selection.patients = PatientChoice({"LIDC-IDRI-0002"});
  EXPECT_EQ(fetch(server).fetched, 1);
  expect_whole(series[2]);
  EXPECT_GT(server.requests("PatientID=LIDC-IDRI-0002"), 0);
  EXPECT_EQ(server.requests("/dicom-web/series?"), server.requests("PatientID=LIDC-IDRI-0002"));
}

// A server need not heed what it is asked for.
TEST_F(Dicomweb, OnlyWhatWasAskedForIsTaken) {
  const auto series = three();
  StandIn server(series);  // which knows no SeriesInstanceUID
  selection.series = {series[1].series_uid, "1.2.99"};
  const CollectResult result = fetch(server);
  EXPECT_EQ(result.fetched, 1);
  expect_whole(series[1]);
  ASSERT_EQ(result.rejects.size(), 1);
  EXPECT_EQ(result.rejects[0].where, "1.2.99");
  // One that is there and of another patient is no fault.
  selection.series = {series[1].series_uid, series[2].series_uid};
  selection.patients = PatientChoice({"LIDC-IDRI-0002"}, true);
  const CollectResult of_two = fetch(server);
  EXPECT_EQ(of_two.fetched, 1);
  EXPECT_TRUE(of_two.rejects.empty());
}

TEST_F(Dicomweb, ANumberIsAPatientOfAHospital) {
  const std::vector<StandInSeries> series{test::made_series("17", "1.3.1", 2), test::made_series("P-17", "1.3.2", 2)};
  StandIn server(series);
  selection.patients = PatientChoice({"17"}, true);
  EXPECT_EQ(fetch(server).fetched, 1);
  expect_whole(series[0]);
}

TEST_F(Dicomweb, AServerThatTellsNoPatientWithASeriesIsAskedForTheStudys) {
  const auto series = three();
  StandIn server(series, {.bare_series = true});
  for (const char* word : {"LIDC-IDRI-0002", "2..9"}) {  // asked for by name, and not
    selection.patients = PatientChoice({word}, true);
    const CollectResult result = fetch(server);
    EXPECT_EQ(result.fetched, 1) << word;
    EXPECT_EQ(result.listed, 1) << word;
    expect_whole(series[2]);
    fs::remove_all(raw());
  }
  selection.patients = PatientChoice({"8..9"});
  test::expect_error([&] { fetch(server); }, ErrorCode::not_found, {"none of 3 series"});
}

TEST_F(Dicomweb, AServersOwnLimitIsNotTheEndOfAList) {
  for (const bool knows_offset : {true, false}) {
    const auto series = patients(7, 5);
    StandIn server(series, {.knows_offset = knows_offset, .page = 3});
    EXPECT_EQ(fetch(server).fetched, knows_offset ? 7 : 3);
    for (int i = 0; i < (knows_offset ? 7 : 3); ++i) expect_whole(series[static_cast<std::size_t>(i)]);
    fs::remove_all(raw());
  }
}

TEST_F(Dicomweb, FewerObjectsThanTheSeriesIsSaidToHaveAreNotTheSeries) {
  const std::vector<StandInSeries> series{test::made_series("P-1", "1.3.1", 5)};
  StandIn server(series, {.knows_offset = false, .page = 3});
  server.fault("missing-file", "/series/1.3.1.2", 3);  // the list twice, which has no such fault, and all objects
  options.retry.tries = 1;
  const CollectResult result = fetch(server);
  ASSERT_EQ(result.rejects.size(), 1);
  EXPECT_EQ(result.rejects[0].reason, "incomplete");
  EXPECT_EQ(result.rejects[0].detail, "expected 5 objects, found 4");
  expect_absent(series[0]);
  EXPECT_EQ(fetch(server).fetched, 1);
}

TEST_F(Dicomweb, LongListsComeByPages) {
  for (const bool knows_offset : {true, false}) {
    std::vector<StandInSeries> series{test::made_series("P-1", "1.3.1", knows_offset ? 1203 : 300, 2)};
    StandIn server(series, {.knows_offset = knows_offset});
    EXPECT_EQ(fetch(server).fetched, 1);
    expect_whole(series[0]);
    fs::remove_all(raw());
  }
}

TEST_F(Dicomweb, WhatOfASeriesDidNotComeIsAskedForByItself) {
  for (const char* kind : {"cut", "missing-file", "stall"}) {
    const auto series = three();
    StandIn server(series);
    server.fault(kind, "/series/" + series[2].series_uid, 2);  // the list itself, then all objects
    EXPECT_EQ(fetch(server).fetched, 3) << kind;
    for (const StandInSeries& one : series) expect_whole(one);
    fs::remove_all(raw());
  }
}

TEST_F(Dicomweb, AnAnswerOfOtherKindsIsAReject) {
  const struct {
    const char* kind;
    const char* reason;
  } faults[] = {{"html", "not DICOM"},
                {"json", "not DICOM"},
                {"500", "the server fails"},
                {"404", "not there"},
                {"wrong-series", "wrong series"},
                {"401", "refused"}};
  for (const auto& [kind, reason] : faults) {
    const auto series = three();
    StandIn server(series);
    const std::string objects = "/series/" + series[1].series_uid;
    options.retry.tries = 2;
    server.fault(kind, objects + "/instances/", 1000);  // the list of them has a query and no slash
    Fetched one;
    {
      DicomwebSource source({.server = server.dicomweb(), .retry = options.retry});
      net::Client client(options.client, monitor);
      fs::create_directories(folder / "work");
      // An object that came before: so the rest is asked for one by one.
      const auto& [name, bytes] = *series[1].files.begin();
      test::write_all(folder / "work" / (series[1].sops.at(name) + ".dcm"), bytes);
      RemoteSeries wanted;
      wanted.series_uid = series[1].series_uid;
      wanted.study_uid = series[1].study_uid;
      one = source.fetch(client, wanted, {folder / "work", folder / "zip", [](std::int64_t) {}, monitor});
    }
    ASSERT_TRUE(one.fault) << kind;
    EXPECT_EQ(one.fault->reason, reason) << kind << ": " << one.fault->detail;
  }
}

TEST_F(Dicomweb, WhatAFormerTryLeftIsReadAgain) {
  const auto series = three();
  StandIn server(series);
  const StandInSeries& five = series[2];
  Manifest manifest;
  manifest.kind = "raw";
  {
    const RawFolder place(raw(), manifest);
    const fs::path work = place.workplace(five.series_uid, monitor).folder;
    int number = 0;
    for (const auto& [name, bytes] : five.files) {
      // Two whole ones, one half, one under the name of another.
      if (number < 2) test::write_all(work / (five.sops.at(name) + ".dcm"), bytes);
      if (number == 2) test::write_all(work / (five.sops.at(name) + ".dcm"), bytes.substr(0, bytes.size() / 2));
      if (number == 3) test::write_all(work / "1.2.3.4.dcm", bytes);
      ++number;
    }
    test::write_all(work / "arriving", "half");
  }
  EXPECT_EQ(fetch(server).fetched, 3);
  expect_whole(five);
  EXPECT_EQ(server.requests(five.series_uid + "/instances/"), 3);
}

TEST_F(Dicomweb, AListThatIsNoneIsTold) {
  StandIn server(three());
  options.retry.tries = 2;
  server.fault("html", "/dicom-web/series", 2);
  test::expect_error([&] { fetch(server); }, ErrorCode::bad_input, {"expected a DICOM JSON list, found text/html"});
  server.fault("404", "/dicom-web/series", 1);
  test::expect_error([&] { fetch(server); }, ErrorCode::io, {"/dicom-web/series", "status 404"});
  selection.modality = "MR";
  test::expect_error([&] { fetch(server); }, ErrorCode::not_found, {"no series of what was asked for"});
  EXPECT_FALSE(fs::exists(raw()));
}

TEST_F(Dicomweb, ATokenOpensIt) {
  StandIn server(three(), {.token = "right"});
  test::expect_error([&] { fetch(server); }, ErrorCode::io, {"status 401"});
  options.client.credentials.token = net::Secret("right");
  EXPECT_EQ(fetch(server).fetched, 3);
}

}  // namespace
}  // namespace nodulus::archive
