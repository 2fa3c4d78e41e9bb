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
  EXPECT_EQ(server.requests("PatientID=LIDC-IDRI-0002"), 1);
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
    server.fault(kind, series[2].series_uid + "?", 0);
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
    // Every request for objects; the list of them has a query.
    server.fault("none", "", 0);
    options.retry.tries = 2;
    server.fault(kind, objects + "/instances/", 1000);
    StandIn* const at = &server;
    at->fault(kind, objects, 0);
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
