#include <cstdlib>

#include "nodulus/core/csv.h"
#include "tests/archive/collecting.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using test::StandIn;
using test::StandInSeries;
using ::testing::HasSubstr;
using ::testing::Not;

class Faults : public test::Collecting {};

/// A server's fault, where it happens, and what it is called where it does not pass.
struct Fault {
  const char* kind;
  const char* reason;
  bool tried_again = true;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.kind; }

std::string fault_name(const ::testing::TestParamInfo<Fault>& fault) {
  std::string name = fault.param.kind;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

class EachFault : public test::Collecting, public ::testing::WithParamInterface<Fault> {};

INSTANTIATE_TEST_SUITE_P(Nbia, EachFault,
                         ::testing::Values(Fault{"cut", "connection fails"}, Fault{"500", "the server fails"},
                                           Fault{"503", "the server fails"}, Fault{"429", "too many requests"},
                                           Fault{"429-date", "too many requests"}, Fault{"stall", "connection fails"},
                                           Fault{"html", "not a zip"}, Fault{"json", "not a zip"},
                                           Fault{"empty", "not a zip"}, Fault{"wrong-md5", "wrong MD5"},
                                           Fault{"truncated-zip", "damaged zip"}, Fault{"missing-file", "incomplete"},
                                           Fault{"no-sums", "incomplete"}, Fault{"wrong-series", "wrong series"},
                                           Fault{"path-escape", "path escapes the archive", false},
                                           Fault{"bomb", "too large", false}, Fault{"403", "refused", false},
                                           Fault{"401", "refused", false},
                                           Fault{"429-long", "too many requests", false}),
                         fault_name);

TEST_P(EachFault, OnceLosesNothing) {
  const auto series = three();
  StandIn server(series);
  server.fault(GetParam().kind, "getImageWithMD5Hash?SeriesInstanceUID=" + series[1].series_uid);
  const CollectResult result = collect(server);
  expect_whole(series[0]);
  expect_whole(series[2]);
  if (!GetParam().tried_again) {
    EXPECT_EQ(result.rejects.size(), 1);
    expect_absent(series[1]);
    EXPECT_EQ(collect(server).fetched, 1);  // the next run
  } else {
    EXPECT_TRUE(result.rejects.empty()) << result.rejects[0].detail;
    EXPECT_THAT(monitor.text(), HasSubstr("try 2 of 4"));
  }
  expect_whole(series[1]);
}

TEST_P(EachFault, ForGoodIsOneReject) {
  const auto series = three();
  StandIn server(series);
  server.fault(GetParam().kind, "getImageWithMD5Hash?SeriesInstanceUID=" + series[1].series_uid, 1000);
  options.retry.tries = 2;
  options.retry.patience_s = 0.5;  // less than the server's wish
  const CollectResult result = collect(server);
  ASSERT_EQ(result.rejects.size(), 1);
  EXPECT_EQ(result.rejects[0].where, series[1].series_uid);
  EXPECT_EQ(result.rejects[0].reason, GetParam().reason) << result.rejects[0].detail;
  expect_absent(series[1]);
  expect_whole(series[0]);
  expect_whole(series[2]);
  EXPECT_EQ(CsvTable::read(raw() / "rejects.csv").text(0, "reason"), GetParam().reason);
  std::size_t strays = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
    strays += entry.path().filename() == "evil.dcm";
  EXPECT_EQ(strays, 0);
}

TEST_F(Faults, OfAListAreTriedAgainAndThenTold) {
  const auto series = three();
  StandIn server(series);
  for (const char* kind : {"500", "garbage", "html", "json", "cut", "429"}) server.fault(kind, "getSeries?", 1);
  options.retry.tries = 7;
  EXPECT_EQ(collect(server).fetched, 3);
  options.retry.tries = 2;
  server.fault("garbage", "getSeries?", 2);
  test::expect_error([&] { collect(server); }, ErrorCode::bad_input,
                     {"getSeries", "expected a JSON list, found broken JSON"});
  server.fault("html", "getSeries?", 2);
  test::expect_error([&] { collect(server); }, ErrorCode::bad_input, {"found a page or XML"});
  server.fault("500", "getSeries?", 2);
  test::expect_error([&] { collect(server); }, ErrorCode::io, {"status 500"});
}

TEST_F(Faults, WhatCannotBeToldOfOneSeriesIsOneReject) {
  const auto series = three();
  StandIn server(series);
  selection.series = {series[0].series_uid, series[1].series_uid, series[2].series_uid};
  server.fault("500", "getSeries?SeriesInstanceUID=" + series[1].series_uid, 1000);
  const CollectResult result = collect(server);
  EXPECT_EQ(result.fetched, 2);
  ASSERT_EQ(result.rejects.size(), 1);
  EXPECT_EQ(result.rejects[0].where, series[1].series_uid);
  EXPECT_THAT(result.rejects[0].detail, HasSubstr("status 500"));
}

TEST_F(Faults, AServerThatHasGoneEndsIt) {
  const auto series = patients(9, 1);
  StandIn server(series);
  server.fault("500", "getImage", 100000);
  options.retry.tries = 1;
  options.give_up_after = 4;
  test::expect_error([&] { collect(server); }, ErrorCode::io, {"4 series in a row", "the same command goes on"});
  EXPECT_LE(server.requests("getImage"), 6);
  // The same of a DICOMweb server, whose list of objects fails.
  server.fault("500", "/instances", 100000);
  DicomwebSource source({.server = server.dicomweb(), .retry = options.retry});
  test::expect_error([&] { collect(source); }, ErrorCode::io, {"4 series in a row", "the same command goes on"});
  EXPECT_LE(server.requests("/instances"), 6);
}

// However small the batches.
TEST_F(Faults, AServerThatHasGoneEndsItInBatchesToo) {
  const auto series = patients(9, 1);
  StandIn server(series);
  server.fault("500", "getImage", 100000);
  options.retry.tries = 1;
  options.give_up_after = 4;
  options.batch_patients = 2;
  const AfterBatch after = [](const std::vector<const Record*>&) { return std::set<std::string>(); };
  test::expect_error([&] { collect(server, after); }, ErrorCode::io, {"4 series in a row"});
  EXPECT_EQ(CsvTable::read(raw() / "rejects.csv").rows(), 4);
}

// Nor are series that are damaged there.
TEST_F(Faults, DamagedSeriesDoNotBlockThoseBehindThem) {
  const auto series = patients(9, 2);
  StandIn server(series);
  for (int i = 1; i <= 8; ++i) server.fault("missing-file", "=1.3." + std::to_string(i) + ".2", 1000);
  options.retry.tries = 1;
  options.give_up_after = 4;
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[8]);
}

// A series that the server refuses is no sign that it has gone.
TEST_F(Faults, AServerThatRefusesMuchDoesNotEndIt) {
  const auto series = patients(9, 1);
  StandIn server(series);
  server.fault("403", "getImage", 8);
  options.give_up_after = 4;
  const CollectResult result = collect(server);
  EXPECT_EQ(result.rejects.size(), 8);
  EXPECT_EQ(result.fetched, 1);
}

TEST_F(Faults, ADownloadGoesOnWhereItWasCut) {
  const std::vector<StandInSeries> series{test::made_series("P-1", "1.3.1", 8, 100'000)};
  StandIn server(series, {.ranges = true});
  server.fault("cut", "getImage");
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[0]);
  ASSERT_EQ(server.ranges().size(), 1);
  EXPECT_NE(server.ranges()[0], "bytes=0-");
  EXPECT_LT(server.bytes_sent(), 900'000);  // of 800 kB, once
}

TEST_F(Faults, AnotherFileIsNotGlued) {
  const std::vector<StandInSeries> series{test::made_series("P-1", "1.3.1", 8, 100'000)};
  StandIn server(series, {.ranges = true});
  server.fault("cut", "getImage");
  server.fault("changed", "getImage");
  EXPECT_EQ(collect(server).fetched, 1);
  expect_whole(series[0]);
  EXPECT_GT(server.bytes_sent(), 1'100'000);  // half, then all
}

TEST_F(Faults, AWrongTokenIsToldWithoutIt) {
  StandIn server(three(), {.token = "right"});
  options.client.credentials.token = net::Secret("hunter2");
  try {
    collect(server);
    ADD_FAILURE() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_THAT(error.what(), HasSubstr("status 401"));
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(server.requests("getSeries"), 1) << "a wrong token is not tried again";
  EXPECT_FALSE(fs::exists(raw()));
  options.client.credentials.token = net::Secret("right");
  EXPECT_EQ(collect(server).fetched, 3);
}

TEST_F(Faults, ALoginIsRenewedWhenItsTokenRunsOut) {
  const auto series = three();
  StandIn server(series, {.user = "reader", .password = "hunter2", .token_uses = 3});
  NbiaOptions with_login = nbia(server);
  with_login.user = "reader";
  with_login.password = net::Secret("hunter2");
  NbiaSource source(with_login);
  EXPECT_EQ(collect(source).fetched, 3);
  for (const StandInSeries& one : series) expect_whole(one);
  EXPECT_GE(server.requests("oauth/token"), 2);
  EXPECT_THAT(monitor.text(), Not(HasSubstr("hunter2")));
  std::string written;
  for (const auto& entry : fs::recursive_directory_iterator(raw())) {
    if (entry.is_regular_file()) written += test::read_all(entry.path());
  }
  EXPECT_THAT(written, Not(HasSubstr("hunter2")));
  EXPECT_THAT(written, Not(HasSubstr("session-")));

  with_login.password = net::Secret("hunter3");
  NbiaSource wrong(with_login);
  fs::remove_all(raw());
  try {
    collect(wrong);
    ADD_FAILURE() << "expected a refusal";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the login is refused (status 401)"));
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter3")));  // which this server repeats
  }
}

TEST_F(Faults, ARedirectToAnotherServerGoesWithoutTheToken) {
  StandIn other(three());
  StandIn server(three(), {.token = "right"});
  options.client.credentials.token = net::Secret("right");
  // Another host by name; both are this machine.
  server.fault("redirect:http://localhost:" + std::to_string(other.port()), "getSeries?");
  EXPECT_THROW(collect(server), Error);
  ASSERT_EQ(other.requests("/elsewhere"), 1);
  EXPECT_EQ(other.authorizations()[0], "");
}

TEST_F(Faults, ALoginGoesToTheServerThatWasNamedAlone) {
  StandIn other(three(), {.user = "reader", .password = "hunter2"});
  StandIn server(three(), {.user = "reader", .password = "hunter2"});
  server.fault("redirect:http://localhost:" + std::to_string(other.port()), "oauth/token");
  NbiaOptions with_login = nbia(server);
  with_login.user = "reader";
  with_login.password = net::Secret("hunter2");
  NbiaSource source(with_login);
  test::expect_error([&] { collect(source); }, ErrorCode::io, {"the login is refused (status 302)"});
  EXPECT_EQ(other.requests(""), 0);
}

TEST_F(Faults, ASecretGoesOverHttpToNobodyElse) {
  NbiaOptions far;
  far.server = "http://archive.example/nbia-api/services/v1";
  options.client.credentials.token = net::Secret("hunter2");
  NbiaSource source(far);
  test::expect_error([&] { collect(source); }, ErrorCode::usage, {"http://archive.example", "expected https"});
  options.client.credentials = {};
  far.user = "reader";
  far.password = net::Secret("hunter2");
  NbiaSource login(far);
  test::expect_error([&] { collect(login); }, ErrorCode::usage, {"http://archive.example", "expected https"});
}

/// Certificates made by openssl(1).
class Tls : public test::Collecting {
 protected:
  void make(const std::string& name, const std::string& host, const std::string& more) {
    const std::string command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout " + file(name + ".key") + " -out " +
                                file(name + ".pem") + " -subj /CN=" + name + " -addext subjectAltName=" + host + " " +
                                more + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder / name).string(); }
};

TEST_F(Tls, ACertificateIsTrustedByItsAuthorityAlone) {
  make("good", "IP:127.0.0.1", "-days 2");
  make("elsewhere", "DNS:archive.example", "-days 2");
  options.retry.tries = 2;
  {
    StandIn server(three(), {.certificate = file("good.pem"), .key = file("good.key")});
    test::expect_error([&] { collect(server); }, ErrorCode::io, {"https://127.0.0.1", "certificate"});
    options.client.ca_file = file("good.pem");
    EXPECT_EQ(collect(server).fetched, 3);
  }
  options.client.ca_file = file("elsewhere.pem");
  StandIn server(three(), {.certificate = file("elsewhere.pem"), .key = file("elsewhere.key")});
  test::expect_error([&] { collect(server); }, ErrorCode::io, {"https://127.0.0.1", "subject name"});
  options.client.ca_file = file("none.pem");
  test::expect_error([&] { collect(server); }, ErrorCode::usage, {"--ca-file", "none.pem"});
}

}  // namespace
}  // namespace nodulus::archive
