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

TEST_F(CollectTest, SomePatientsAndSeriesAlone) {
  auto series = three();
  series[1].modality = "SEG";
  StandIn server(series);
  selection.patients = PatientChoice({"1..1"});
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[0]);
  selection.patients = PatientChoice({"7"});
  test::expect_error([&] { collect(server); }, ErrorCode::not_found, {"has 2 patients of CT", "'LIDC-IDRI-0001'"});
  selection.patients = {};
  selection.series = {series[2].series_uid, "1.2.99"};  // as of a manifest
  const CollectResult named = collect(server);
  EXPECT_EQ(named.fetched, 1);
  expect_whole(series[2]);
  ASSERT_EQ(named.rejects.size(), 1);
  EXPECT_EQ(named.rejects[0].where, "1.2.99");
  EXPECT_EQ(named.rejects[0].reason, "not there");
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
  // A server that cannot be asked for them has the series all the same.
  fs::remove_all(raw());
  StandIn old(series, {.old = true});
  EXPECT_EQ(collect(old).files, 12);
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
  std::vector<StandInSeries> series;
  for (int i = 1; i <= 4; ++i)
    series.push_back(test::made_series("P-" + std::to_string(i), "1.3." + std::to_string(i), 4, 50'000));
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
  std::vector<StandInSeries> series;
  for (int i = 1; i <= 5; ++i)
    series.push_back(test::made_series("P-" + std::to_string(i), "1.3." + std::to_string(i), 2));
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
  std::vector<StandInSeries> series;
  for (int i = 1; i <= 4; ++i)
    series.push_back(test::made_series("P-" + std::to_string(i), "1.3." + std::to_string(i), 2));
  StandIn server(series);
  for (const StandInSeries& one : series)
    selection.series.push_back(one.series_uid);  // whose patients a list tells later
  options.batch_patients = 2;
  options.connections = 1;
  std::vector<std::size_t> sizes;
  collect(server, [&](const std::vector<const Record*>& batch) { sizes.push_back(batch.size()); });
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2));
}

TEST_F(CollectTest, DamageIsFetchedAnewAndTheGoodStays) {
  const auto series = three();
  StandIn server(series);
  collect(server);
  fs::remove(raw() / "dicom" / series[0].patient / series[0].series_uid / "1-001.dcm");
  NbiaSource source(nbia(server));
  RawFolder place(raw(), {});
  EXPECT_EQ(place.verify(2, monitor).size(), 1);
  CollectPlan plan;
  plan.missing = {place.records().at(series[0].series_uid).series};
  plan.missing[0].files = plan.missing[0].bytes = -1;
  EXPECT_EQ(archive::collect(source, plan, place, options, monitor).fetched, 1);
  EXPECT_TRUE(place.verify(2, monitor).empty());
  expect_whole(series[0]);
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
