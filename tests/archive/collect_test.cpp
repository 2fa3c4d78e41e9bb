#include "nodulus/archive/collect.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "nodulus/core/csv.h"
#include "tests/archive/collecting.h"
#include "tests/archive/zip_bytes.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using test::StandIn;
using test::StandInSeries;
using CollectTest = test::Collecting;

std::set<std::string> uids(const std::vector<const Record*>& batch) {
  std::set<std::string> all;
  for (const Record* const record : batch) all.insert(record->series.series_uid);
  return all;
}

TEST_F(CollectTest, EverySeriesComesWholeAndOnce) {
  const auto series = three();
  StandIn server(series);
  const CollectResult first = collect(server);
  EXPECT_EQ(first.fetched, 3);
  EXPECT_EQ(first.files, 12);
  EXPECT_TRUE(first.rejects.empty());
  for (const StandInSeries& one : series) expect_whole(one);
  const CsvTable table = CsvTable::read(raw() / "collected.csv");
  ASSERT_EQ(table.rows(), 3);
  EXPECT_EQ(table.text(2, "patient"), "LIDC-IDRI-0002");
  EXPECT_EQ(table.text(0, "from"), server.nbia());
  EXPECT_EQ(table.text(0, "licence"), "Creative Commons Attribution 3.0 Unported License");
  EXPECT_FALSE(table.text(0, "fetched").empty());
  const int images = server.requests("getImage");
  const CollectResult second = collect(server);
  EXPECT_EQ(second.fetched, 0);
  EXPECT_EQ(second.there, 3);
  EXPECT_EQ(server.requests("getImage"), images);
}

TEST_F(CollectTest, EachVersionOfTheApi) {
  const auto series = three();
  for (const char* version : {"v1", "v2", "v4"}) {
    StandIn server(series);
    NbiaOptions versioned = nbia(server);
    versioned.server = server.origin() + "/nbia-api/services/" + version;
    NbiaSource source(versioned);
    EXPECT_EQ(collect(source).fetched, 3) << version;
    for (const StandInSeries& one : series) expect_whole(one);
    EXPECT_GT(server.requests(std::string("/services/") + version + "/getImageWithMD5Hash"), 0);
    fs::remove_all(raw());
  }
}

TEST_F(CollectTest, SomePatientsAndSeriesAlone) {
  auto series = three();
  series[1].modality = "SEG";
  StandIn server(series);
  selection.patients = PatientChoice({"1..1"});
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[0]);
  selection.patients = PatientChoice({"7"});
  test::expect_error([&] { collect(server); }, ErrorCode::not_found, {"has 2 patients of CT", "'LIDC-IDRI-0001'"});
  selection.patients = PatientChoice({"2"});
  selection.modality = "SEG";
  test::expect_error([&] { collect(server); }, ErrorCode::not_found, {"patient 'LIDC-IDRI-0002'", "no series of SEG"});
  selection.modality = "CT";
  selection.patients = {};
  selection.series = {series[2].series_uid, "1.2.99", series[2].series_uid};  // as of a manifest
  const CollectResult named = collect(server);
  EXPECT_EQ(named.fetched, 1);
  expect_whole(series[2]);
  ASSERT_EQ(named.rejects.size(), 1);
  EXPECT_EQ(named.rejects[0].where, "1.2.99");
  EXPECT_EQ(named.rejects[0].reason, "not there");
  // Of such series the server tells patient and modality late.
  selection.series = {series[0].series_uid, series[1].series_uid, series[2].series_uid};
  fs::remove_all(raw());
  const CollectResult of_ct = collect(server);
  EXPECT_EQ(of_ct.fetched, 2);
  EXPECT_EQ(of_ct.listed, 2);
  EXPECT_TRUE(of_ct.rejects.empty());
  expect_absent(series[1]);
  selection.patients = PatientChoice({"9"});
  fs::remove_all(raw());
  test::expect_error([&] { collect(server); }, ErrorCode::not_found, {"none of 3 series"});
  selection.patients = {};
  selection.series.clear();
  selection.collection = "LIDC-IDR";
  test::expect_error([&] { collect(server); }, ErrorCode::not_found,
                     {"no collection 'LIDC-IDR'", "did you mean 'LIDC-IDRI'"});
}

TEST_F(CollectTest, AServerWithoutSumsIsTakenAtItsCount) {
  const auto series = three();
  StandIn server(series, {.without_sums = true});
  EXPECT_EQ(collect(server).fetched, 3);
  for (const StandInSeries& one : series) expect_whole(one);
}

TEST_F(CollectTest, TheReadersXmlLiesBesideItsSeries) {
  const auto series = three();
  const std::string reading =
      "<LidcReadMessage><ResponseHeader><SeriesInstanceUid>" + series[1].series_uid + "</SeriesInstanceUid>";
  test::write_zip(folder / "readings.zip",
                  {{"tcia-lidc-xml/157/158.xml", reading},
                   {"tcia-lidc-xml/157/159.xml", "<SeriesInstanceUid>../../x</SeriesInstanceUid>"},
                   {"readme.txt", "not a reading"}});
  Readings::unpack(folder / "readings.zip", folder / "annotations", monitor);
  const auto readings = std::make_shared<const Readings>(folder / "annotations");
  EXPECT_EQ(readings->series(), 1);
  StandIn server(series);
  NbiaSource source(nbia(server), readings);
  EXPECT_EQ(collect(source).fetched, 3);
  const fs::path place = raw() / "dicom" / series[1].patient / series[1].series_uid;
  EXPECT_EQ(test::read_all(place / "158.xml"), reading);
  EXPECT_TRUE(RawFolder(raw(), {}).verify(1, monitor).empty());
  test::write_all(folder / "other.zip", "<html>");
  test::expect_error([&] { Readings::unpack(folder / "other.zip", folder / "annotations", monitor); },
                     ErrorCode::bad_input, {"other.zip"});
  EXPECT_TRUE(fs::exists(folder / "annotations/158.xml"));
}

TEST_F(CollectTest, AnnotationsFiledWithASeriesComeWhereAsked) {
  auto series = three();
  series[0].annotation = "<ImageAnnotation/>";
  StandIn server(series);
  NbiaOptions without = nbia(server);
  without.annotations = false;
  NbiaSource bare(without);
  EXPECT_EQ(collect(bare).files, 12);
  fs::remove_all(raw());
  EXPECT_EQ(collect(server).files, 13);
  EXPECT_EQ(test::read_all(raw() / "dicom" / series[0].patient / series[0].series_uid / "annotation.xml"),
            "<ImageAnnotation/>");
  EXPECT_EQ(server.requests("getDCMImage"), 1) << "the others have none";
  // A server that cannot be asked for them has the series all the same, and it is told; one that could not once, can.
  fs::remove_all(raw());
  StandIn old(series, {.old = true});
  EXPECT_EQ(collect(old).files, 12);
  EXPECT_THAT(monitor.text(), ::testing::HasSubstr(series[0].series_uid + ": comes without the annotations"));
}

TEST_F(CollectTest, NoDataFoundIsAnEmptyList) {
  StandIn server(three());
  server.fault("no-data", "getSeries?");
  selection.collection = "LIDC-IDR";
  test::expect_error([&] { collect(server); }, ErrorCode::not_found,
                     {"no collection 'LIDC-IDR'", "did you mean 'LIDC-IDRI'"});
  EXPECT_EQ(server.requests("getSeries?"), 1);
}

TEST_F(CollectTest, TheBudgetEndsItAndTheNextRunGoesOn) {
  const auto series = patients(4, 4, 50'000);
  StandIn server(series);
  options.connections = 1;
  options.budget_bytes = 700'000;  // 200 kB a series, twice while it comes
  const CollectResult first = collect(server);
  EXPECT_EQ(first.fetched, 2);
  EXPECT_EQ(first.left, 2);
  options.budget_bytes = 0;
  EXPECT_EQ(collect(server).fetched, 2);
}

TEST_F(CollectTest, BatchesAreHandedOverAndDropped) {
  const auto series = patients(5, 2);
  StandIn server(series);
  options.batch_patients = 2;
  std::vector<std::size_t> sizes;
  int most_at_once = 0;
  const AfterBatch after = [&](const std::vector<const Record*>& batch) {
    sizes.push_back(batch.size());
    int at_once = 0;
    for (const auto& entry : fs::recursive_directory_iterator(raw() / "dicom"))
      at_once += entry.path().extension() == ".dcm";
    most_at_once = std::max(most_at_once, at_once);
    if (sizes.size() == 2) throw Error(ErrorCode::io, "no room for the data set");
    return uids(batch);
  };
  // The second batch cannot be handed over: it stays, and is handed over by the next run, without a request.
  EXPECT_THROW(collect(server, after), Error);
  EXPECT_EQ(collect(server, after).batches, 2);
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2, 2, 1));
  EXPECT_EQ(most_at_once, 4);
  EXPECT_EQ(server.requests("getImage"), 5);
  EXPECT_TRUE(fs::is_empty(raw() / "dicom"));
  EXPECT_EQ(CsvTable::read(raw() / "collected.csv").rows(), 5);
}

TEST_F(CollectTest, BatchesOfAManifestGoByPatientToo) {
  const auto series = patients(4, 2);
  StandIn server(series);
  for (const StandInSeries& one : series)
    selection.series.push_back(one.series_uid);  // whose patients a list tells later
  options.batch_patients = 2;
  options.connections = 1;
  std::vector<std::size_t> sizes;
  collect(server, [&](const std::vector<const Record*>& batch) {
    sizes.push_back(batch.size());
    return uids(batch);
  });
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2));
}

// What nothing was made of is not lost: it is handed over once more with the rest of its kind.
TEST_F(CollectTest, OnlyWhatWasUsedOfABatchIsDropped) {
  const auto series = patients(5, 2);
  StandIn server(series);
  options.batch_patients = 2;
  options.connections = 1;
  std::vector<std::size_t> sizes;
  const AfterBatch after = [&](const std::vector<const Record*>& batch) {
    sizes.push_back(batch.size());
    auto used = uids(batch);
    if (sizes.size() == 1) used.clear();  // of use later
    used.erase(series[3].series_uid);     // of no use at all
    return used;
  };
  const CollectResult result = collect(server, after);
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2, 1, 3));
  EXPECT_EQ(result.unused, 1);
  for (const StandInSeries& one : series) {
    if (one.series_uid == series[3].series_uid)
      expect_whole(one);
    else
      expect_absent_files(one);
  }
  // The next run hands it over first, once, and without a request.
  const int requests = server.requests("getImage");
  EXPECT_EQ(collect(server, after).unused, 1);
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2, 1, 3, 1));
  EXPECT_EQ(server.requests("getImage"), requests);
}

TEST_F(CollectTest, ABudgetThatIsFullOfWhatIsOfNoUseEndsIt) {
  const auto series = patients(4, 4, 50'000);
  StandIn server(series);
  options.connections = 1;
  options.batch_patients = 1;
  options.budget_bytes = 700'000;
  const CollectResult result =
      collect(server, [](const std::vector<const Record*>&) { return std::set<std::string>(); });
  EXPECT_EQ(result.unused, 2);
  EXPECT_EQ(result.left, 2);
}

// What two hold in reserve for a while is no room that is taken.
TEST_F(CollectTest, TheBudgetIsUsedWhateverTheNumberOfConnections) {
  const auto series = patients(6, 4, 50'000);
  StandIn server(series);
  options.connections = 6;
  options.budget_bytes = 1'250'000;  // 200 kB a series, twice while it comes: five and then no room
  EXPECT_EQ(collect(server).fetched, 5);
}

TEST_F(CollectTest, ReadingsAndHalfDownloadsCountToTheBudget) {
  const auto series = patients(4, 4, 50'000);
  StandIn server(series);
  options.connections = 1;
  options.budget_bytes = 700'000;  // which has room for two, see above
  fs::create_directories(raw() / "annotations");
  fs::create_directories(raw() / ".partial");
  test::write_all(raw() / "annotations/1.xml", std::string(50'000, 'x'));
  test::write_all(raw() / ".partial/1.9.zip", std::string(70'000, 'x'));
  test::write_all(raw() / ".partial/1.9.zip.json", "{}");
  Manifest manifest;
  manifest.kind = "raw";
  write_json(raw() / "manifest.json", manifest_json(manifest));
  EXPECT_EQ(collect(server).fetched, 1);
}

TEST_F(CollectTest, DamageIsFetchedAnewAsItWasFetched) {
  auto series = three();
  series[0].annotation = "<ImageAnnotation/>";
  StandIn server(series);
  StandIn web({test::made_series("P-9", "1.9", 3)});
  collect(server);
  DicomwebSource dicomweb({.server = web.dicomweb(), .retry = options.retry});
  collect(dicomweb);
  const fs::path place = raw() / "dicom" / series[0].patient / series[0].series_uid;
  fs::remove(place / "1-001.dcm");
  fs::remove_all(raw() / "dicom/P-9");
  test::write_all(raw() / "records" / (series[2].series_uid + ".json"), "{\"half\":");
  std::vector<std::string> asked;
  const SourceAt source_at = [&](const Json& address, net::ClientOptions&) -> std::unique_ptr<Source> {
    asked.push_back(address.at("server"));
    if (address.at("kind") == "nbia") return std::make_unique<NbiaSource>(nbia(server));
    return std::make_unique<DicomwebSource>(DicomwebOptions{.server = web.dicomweb(), .retry = options.retry});
  };
  options.budget_bytes = 1;  // of a run; what is damaged was in it
  {
    RawFolder place_of_all(raw(), {});
    const RepairResult result = repair(place_of_all, source_at, options, 2, monitor);
    EXPECT_EQ(result.damaged, 3);
    EXPECT_EQ(result.repaired, 2);
    EXPECT_THAT(asked, ::testing::UnorderedElementsAre(server.nbia(), web.dicomweb()));
    EXPECT_EQ(result.faults.size(), 3);
    ASSERT_EQ(result.unrepaired.size(), 1);  // nobody knows where it came from
    EXPECT_EQ(result.unrepaired[0].where, series[2].series_uid);
    EXPECT_EQ(result.unrepaired[0].reason, "damaged record");
    EXPECT_TRUE(place_of_all.has("1.9.2"));
  }
  EXPECT_EQ(test::read_all(place / "annotation.xml"), "<ImageAnnotation/>") << "as it was fetched";
  fs::remove(place / "annotation.xml");
  expect_whole(series[0]);
  options.budget_bytes = 0;
  EXPECT_EQ(collect(server).fetched, 1) << "whose record was damaged";
  expect_whole(series[2]);
}

// Readings came from elsewhere, which need not be at hand again.
TEST_F(CollectTest, ARepairKeepsWhatDoesNotComeAgain) {
  const auto series = three();
  StandIn server(series);
  const std::string reading = "<SeriesInstanceUid>" + series[0].series_uid + "</SeriesInstanceUid>";
  test::write_zip(folder / "readings.zip", {{"157/158.xml", reading}});
  Readings::unpack(folder / "readings.zip", folder / "annotations", monitor);
  NbiaSource with_readings(nbia(server), std::make_shared<const Readings>(folder / "annotations"));
  collect(with_readings);
  const fs::path place = raw() / "dicom" / series[0].patient / series[0].series_uid;
  const SourceAt source_at = [&](const Json&, net::ClientOptions&) {
    return std::make_unique<NbiaSource>(nbia(server));
  };
  const auto repaired = [&] {
    RawFolder opened(raw(), {});
    return repair(opened, source_at, options, 1, monitor);
  };
  fs::remove(place / "1-001.dcm");
  EXPECT_EQ(repaired().repaired, 1);
  EXPECT_EQ(test::read_all(place / "158.xml"), reading);
  EXPECT_EQ(repaired().damaged, 0);
  // Where it is damaged itself, nobody has it: that is told, and what there is stays.
  test::write_all(place / "158.xml", "<half");
  const RepairResult lost = repaired();
  EXPECT_EQ(lost.repaired, 0);
  ASSERT_EQ(lost.unrepaired.size(), 1);
  EXPECT_THAT(lost.unrepaired[0].detail, ::testing::HasSubstr("'158.xml'"));
  fs::remove(place / "158.xml");
  expect_whole(series[0]);
}

TEST_F(CollectTest, ARepairBringsNoLessThanThereWas) {
  const std::vector<StandInSeries> five{test::made_series("P-1", "1.3.1", 5)};
  {
    StandIn whole(five);
    DicomwebSource source({.server = whole.dicomweb(), .retry = options.retry});
    collect(source);
  }
  fs::remove(raw() / "dicom/P-1" / five[0].series_uid / (five[0].sops.begin()->second + ".dcm"));
  auto fewer = five;
  fewer[0].files.erase("1-005.dcm");
  fewer[0].sops.erase("1-005.dcm");
  StandIn server(fewer);
  const SourceAt source_at = [&](const Json&, net::ClientOptions&) {
    return std::make_unique<DicomwebSource>(DicomwebOptions{.server = server.dicomweb(), .retry = options.retry});
  };
  options.retry.tries = 1;
  RawFolder opened(raw(), {});
  const RepairResult result = repair(opened, source_at, options, 1, monitor);
  ASSERT_EQ(result.unrepaired.size(), 1);
  EXPECT_EQ(result.unrepaired[0].detail, "expected 5 objects, found 4");
  EXPECT_TRUE(fs::exists(raw() / "dicom/P-1" / five[0].series_uid / (five[0].sops.rbegin()->second + ".dcm")));
}

TEST_F(CollectTest, ARepairGoesOnBehindAServerThatHasGone) {
  const auto series = three();
  StandIn server(series);
  collect(server);
  for (const StandInSeries& one : series) fs::remove(raw() / "dicom" / one.patient / one.series_uid / "1-001.dcm");
  for (const std::size_t i : {0UL, 1UL}) {  // said to have come from a server that is no more
    const fs::path record = raw() / "records" / (series[i].series_uid + ".json");
    Json json = read_json(record);
    json["from"]["server"] = "http://127.0.0.1:1/nbia-api/services/v1";
    write_json(record, json);
  }
  const SourceAt source_at = [&](const Json& address, net::ClientOptions&) {
    NbiaOptions from = nbia(server);
    from.server = address.at("server");
    return std::make_unique<NbiaSource>(from);
  };
  options.retry.tries = 1;
  options.give_up_after = 2;
  options.connections = 1;
  RawFolder opened(raw(), {});
  const RepairResult result = repair(opened, source_at, options, 1, monitor);
  EXPECT_EQ(result.damaged, 3);
  EXPECT_EQ(result.repaired, 1);
  EXPECT_EQ(result.unrepaired.size(), 2);
  expect_whole(series[2]);
  EXPECT_EQ(CsvTable::read(raw() / "rejects.csv").rows(), 2);
}

TEST_F(CollectTest, StoppingLosesTheFileUnderWayAlone) {
  const auto series = three();
  StandIn server(series);
  server.fault("stall", series[2].series_uid, 1);
  options.client.stall_s = 60;
  options.connections = 1;
  std::thread person([&] {
    while (server.requests("getImageWithMD5Hash") < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    monitor.stop = true;
  });
  test::expect_error([&] { collect(server); }, ErrorCode::stopped, {"2 of 3 series are there"});
  person.join();
  expect_whole(series[0]);
  monitor.stop = false;
  EXPECT_EQ(collect(server).fetched, 1);
  for (const StandInSeries& one : series) expect_whole(one);
}

TEST_F(CollectTest, AFullDiskEndsItAndLosesNothing) {
  std::vector<StandInSeries> series{test::made_series("P-1", "1.3.1", 2),
                                    test::made_series("P-2", "1.3.2", 2, 600'000)};
  StandIn server(series);
  options.connections = 1;
  // A limit on the size of files is what a test can have of a full disk: write() fails in the same way.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  tight.rlim_cur = 500'000;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  test::expect_error([&] { collect(server); }, ErrorCode::io, {"cannot write", "1.3.2"});
  ::setrlimit(RLIMIT_FSIZE, &before);
  expect_whole(series[0]);
  EXPECT_FALSE(fs::exists(raw() / "dicom/P-2/1.3.2.2"));
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[1]);
}

}  // namespace
}  // namespace nodulus::archive
