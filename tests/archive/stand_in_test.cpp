// That the stand-in does what it says, seen by a client that is not ours: the tests of collect and send stand on it.
#include "tests/archive/stand_in.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "nodulus/archive/md5.h"
#include "nodulus/core/monitor.h"
#include "nodulus/net/client.h"
#include "tests/archive/certificates.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* root = "/nbia-api/services/v1/";

/// Name -> bytes; `whole` where it ends as a zip does. Of a large entry, its beginning.
struct Unpacked {
  std::map<std::string, std::string> files;
  std::map<std::string, std::size_t> bytes;
  bool whole = false;
};

Unpacked unpack(const std::string& zip) {
  Unpacked found;
  ::archive* const reader = archive_read_new();
  archive_read_support_format_zip(reader);
  archive_entry* entry = nullptr;
  int status = archive_read_open_memory(reader, zip.data(), zip.size());
  while (status == ARCHIVE_OK && (status = archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
    const std::string name = archive_entry_pathname(entry);
    std::vector<char> block(1 << 20);
    for (la_ssize_t count = 1; count != 0;) {
      count = archive_read_data(reader, block.data(), block.size());
      if (count < 0) {
        status = ARCHIVE_FATAL;
        break;
      }
      found.bytes[name] += static_cast<std::size_t>(count);
      if (found.files[name].size() < block.size())
        found.files[name].append(block.data(), static_cast<std::size_t>(count));
    }
  }
  found.whole = status == ARCHIVE_EOF;
  archive_read_free(reader);
  return found;
}

std::string md5(const std::string& bytes) {
  archive::Md5 sum;
  sum.update(std::as_bytes(std::span(bytes)));
  return sum.hex();
}

class StandInTest : public ::testing::Test {
 protected:
  StandInTest() : series(two()) {}
  static std::vector<StandInSeries> two() {
    return {made_series("LIDC-IDRI-0001", "1.2.1", 3), made_series("LIDC-IDRI-0002", "1.2.2", 4)};
  }
  void serve(const StandInOptions& options = {}) {
    client.reset();
    server = std::make_unique<StandIn>(series, options);
    client = std::make_unique<httplib::Client>("127.0.0.1", server->port());
    client->set_read_timeout(20, 0);
  }
  static httplib::Response need(const httplib::Result& result) {
    if (!result) throw std::runtime_error("expected an answer, found: " + httplib::to_string(result.error()));
    return *result;
  }
  httplib::Response get(const std::string& target, const httplib::Headers& headers = {}) {
    return need(client->Get(target, headers));
  }
  httplib::Response list(const std::string& words) { return get(root + words); }
  [[nodiscard]] std::string zip_target(std::size_t i = 0) const {
    return root + ("getImageWithMD5Hash?SeriesInstanceUID=" + series[i].series_uid);
  }
  httplib::Response zip() { return get(zip_target()); }
  httplib::Response stow(const std::vector<std::string>& objects) {
    std::string body;
    for (const std::string& object : objects)
      body += "--b\r\nContent-Type: application/dicom\r\n\r\n" + object + "\r\n";
    return need(client->Post("/dicom-web/studies", body + "--b--\r\n",
                             "multipart/related; type=\"application/dicom\"; boundary=b"));
  }

  std::vector<StandInSeries> series;
  std::unique_ptr<StandIn> server;
  std::unique_ptr<httplib::Client> client;
};

TEST_F(StandInTest, Lists) {
  serve();
  EXPECT_EQ(json::parse(list("getCollectionValues").body), (json{{{"Collection", "LIDC-IDRI"}}}));
  const auto all = json::parse(list("getSeries?Collection=LIDC-IDRI&Modality=CT").body);
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[1]["SeriesInstanceUID"], "1.2.2.2");
  EXPECT_EQ(all[1]["StudyInstanceUID"], "1.2.2.1");
  EXPECT_EQ(all[1]["PatientID"], "LIDC-IDRI-0002");
  EXPECT_EQ(all[1]["ImageCount"], 4);
  EXPECT_EQ(json::parse(list("getSeries?PatientID=LIDC-IDRI-0002").body).size(), 1);
  EXPECT_EQ(json::parse(list("getSeries?SeriesInstanceUID=1.2.1.2").body).size(), 1);
  EXPECT_EQ(list("getSeries?Collection=Other").body, "");
  EXPECT_EQ(json::parse(list("getSeriesSize?SeriesInstanceUID=1.2.2.2").body)[0]["ObjectCount"], "4");
  EXPECT_EQ(server->requests("getSeries?"), 4);
}

TEST_F(StandInTest, ZipsHoldTheSeriesAndItsSums) {
  serve();
  const auto answer = zip();
  EXPECT_EQ(answer.get_header_value("Transfer-Encoding"), "chunked");
  EXPECT_FALSE(answer.has_header("Content-Length"));
  EXPECT_FALSE(answer.has_header("ETag"));
  Unpacked unpacked = unpack(answer.body);
  EXPECT_TRUE(unpacked.whole);
  std::string sums = unpacked.files.extract("md5hashes.csv").mapped();
  EXPECT_EQ(unpacked.files, series[0].files);
  EXPECT_THAT(sums, StartsWith("Filename,MD5Hash\n"));
  for (const auto& [name, bytes] : series[0].files) EXPECT_THAT(sums, HasSubstr("\n" + name + "," + md5(bytes) + "\n"));

  const auto plain = get(root + std::string("getImage?SeriesInstanceUID=1.2.1.2"));
  EXPECT_EQ(unpack(plain.body).files, series[0].files);
  EXPECT_EQ(get(root + std::string("getImage?SeriesInstanceUID=1.2.9")).status, 404);
}

TEST_F(StandInTest, RangesAreOfTheSameFileAlone) {
  serve({.ranges = true});
  const auto whole = zip();
  const std::string tag = whole.get_header_value("ETag");
  EXPECT_EQ(whole.get_header_value("Content-Length"), std::to_string(whole.body.size()));
  EXPECT_EQ(whole.get_header_value("Accept-Ranges"), "bytes");
  const auto part = get(zip_target(), {{"Range", "bytes=100-"}, {"If-Range", tag}});
  EXPECT_EQ(part.status, 206);
  EXPECT_THAT(part.get_header_value("Content-Range"), StartsWith("bytes 100-"));
  EXPECT_EQ(part.body, whole.body.substr(100));
  server->fault("changed", "getImage");
  const auto changed = get(zip_target(), {{"Range", "bytes=100-"}, {"If-Range", tag}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, whole.body);
  EXPECT_NE(changed.get_header_value("ETag"), tag);
  EXPECT_EQ(server->ranges().size(), 2);
}

TEST_F(StandInTest, FaultsOfAnyRequestEndAfterSoMany) {
  serve();
  const struct {
    const char* kind;
    int status;
    const char* retry_after;
  } faults[] = {{"500", 500, ""}, {"503", 503, "1"}, {"429", 429, "1"}, {"429-long", 429, "86400"},
                {"401", 401, ""}, {"403", 403, ""},  {"404", 404, ""}};
  for (const auto& [kind, status, retry_after] : faults) {
    server->fault(kind, "getSeries?", 2);
    for (int i = 0; i < 2; ++i) {
      const auto answer = list("getSeries?Collection=LIDC-IDRI");
      EXPECT_EQ(answer.status, status) << kind;
      EXPECT_EQ(answer.get_header_value("Retry-After"), retry_after) << kind;
    }
    EXPECT_EQ(list("getSeries?Collection=LIDC-IDRI").status, 200) << kind;
  }
  server->fault("429-date", "getImage");
  EXPECT_EQ(list("getSeries?Collection=LIDC-IDRI").status, 200) << "another target";
  EXPECT_THAT(zip().get_header_value("Retry-After"), HasSubstr(" GMT"));
  server->fault("html", "getImage");
  EXPECT_EQ(zip().get_header_value("Content-Type"), "text/html");
  server->fault("json", "getImage");
  EXPECT_TRUE(json::parse(zip().body).is_object());
  server->fault("empty", "getImage");
  EXPECT_EQ(zip().body, "");
  server->fault("garbage", "getSeries?");
  EXPECT_TRUE(json::parse(list("getSeries?").body, nullptr, false).is_discarded());
  server->fault("redirect:http://127.0.0.1:1", "getSeries?");
  const auto redirect = list("getSeries?");
  EXPECT_EQ(redirect.status, 302);
  EXPECT_EQ(redirect.get_header_value("Location"), "http://127.0.0.1:1/elsewhere");
}

TEST_F(StandInTest, BodiesAreCutAndStalled) {
  for (const bool ranges : {false, true}) {
    serve({.ranges = ranges});
    server->fault("cut", "getImage");
    EXPECT_FALSE(client->Get(zip_target())) << "half a body is no answer";
    EXPECT_TRUE(client->Get(zip_target()));
    server->fault("stall", "getImage");
    client->set_read_timeout(0, 300'000);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(client->Get(zip_target())) << "it waits longer than the client";
    server.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3)) << "and ends with the server";
  }
}

TEST_F(StandInTest, ZipsThatAreNotWhatTheySeem) {
  serve();
  const auto faulty = [&](const char* kind) {
    server->fault(kind, "getImage");
    return unpack(zip().body);
  };
  Unpacked found = faulty("wrong-md5");
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.files.at("1-001.dcm"), series[0].files.at("1-001.dcm"));
  EXPECT_THAT(found.files.at("md5hashes.csv"), ::testing::Not(HasSubstr(md5(series[0].files.at("1-001.dcm")))));
  EXPECT_FALSE(faulty("truncated-zip").whole);
  found = faulty("missing-file");
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.files.size(), 2 + 1);
  found = faulty("wrong-series");
  EXPECT_EQ(found.files.at("1-001.dcm"), series[1].files.at("1-001.dcm"));
  EXPECT_TRUE(faulty("path-escape").files.contains("../../evil.dcm"));
  server->fault("bomb", "getImage");
  const std::string bomb = zip().body;
  EXPECT_LT(bomb.size(), 1'000'000);
  EXPECT_EQ(unpack(bomb).bytes.at("bomb.dcm"), std::size_t{80} << 20);
}

TEST_F(StandInTest, TokensAndLogins) {
  serve({.token = "right"});
  EXPECT_EQ(list("getSeries?").status, 401);
  EXPECT_EQ(get("/dicom-web/series", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(get("/dicom-web/series", {{"Authorization", "Bearer right"}}).status, 200);
  EXPECT_EQ(server->authorizations(), (std::vector<std::string>{"", "Bearer wrong", "Bearer right"}));

  serve({.user = "reader", .password = "pw", .token_uses = 2});
  const auto login = [&](const char* password) {
    return need(client->Post(
        "/nbia-api/oauth/token",
        httplib::Params{
            {"username", "reader"}, {"password", password}, {"client_id", "NBIA"}, {"grant_type", "password"}}));
  };
  EXPECT_EQ(login("other").status, 401);
  const std::string token = json::parse(login("pw").body)["access_token"];
  for (const int status : {200, 200, 401})
    EXPECT_EQ(get(root + std::string("getSeries?"), {{"Authorization", "Bearer " + token}}).status, status);
}

TEST_F(StandInTest, DicomwebListsAndGives) {
  serve();
  const auto rows = json::parse(get("/dicom-web/series?limit=1&offset=1").body);
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0]["0020000E"]["Value"][0], "1.2.2.2");
  EXPECT_EQ(rows[0]["00201209"]["Value"][0], 4);
  const std::string path = "/dicom-web/studies/1.2.1.1/series/1.2.1.2";
  EXPECT_EQ(json::parse(get(path + "/instances").body).size(), 3);
  EXPECT_EQ(json::parse(get(path + "/instances?offset=3").body).size(), 0);
  const auto whole = get(path);
  EXPECT_THAT(whole.get_header_value("Content-Type"), StartsWith("multipart/related; type=\"application/dicom\""));
  for (const auto& [name, bytes] : series[0].files) EXPECT_NE(whole.body.find(bytes), std::string::npos) << name;
  const auto one = get(path + "/instances/1.2.1.3.2");
  EXPECT_NE(one.body.find(series[0].files.at("1-002.dcm")), std::string::npos);
  EXPECT_EQ(one.body.find(series[0].files.at("1-001.dcm")), std::string::npos);
  serve({.knows_offset = false});
  EXPECT_EQ(json::parse(get(path + "/instances?offset=3").body).size(), 3);
}

TEST_F(StandInTest, StowStoresAndRefuses) {
  serve();
  std::vector<std::string> objects;
  for (const auto& [name, bytes] : series[0].files) objects.push_back(bytes);
  const auto counts = [&](const char* kind, int status) {
    if (*kind != '\0') server->fault(kind, "/studies");
    const auto answer = stow(objects);
    EXPECT_EQ(answer.status, status) << kind;
    const json said = json::parse(answer.body);
    const auto items = [&](const char* tag) { return said.contains(tag) ? said[tag]["Value"].size() : 0; };
    return std::pair(items("00081199"), items("00081198"));
  };
  using Counts = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(counts("refuse:0122", 409), Counts(0, 3));
  EXPECT_TRUE(server->stored().empty());
  EXPECT_EQ(counts("refuse-one:A700", 202), Counts(2, 1));
  EXPECT_EQ(server->stored().size(), 2);
  EXPECT_EQ(counts("silent", 200), Counts(2, 0));
  EXPECT_EQ(counts("", 200), Counts(3, 0));
  EXPECT_EQ(server->stored().at("1.2.1.3.1"), series[0].files.at("1-001.dcm"));
  serve({.without_stow = true});
  EXPECT_EQ(stow(objects).status, 404);
}

TEST_F(StandInTest, SeriesMadeAnewAreTheSameEachTime) {
  StandInSeries made = made_series("P-1", "1.2.3", 0);
  made.count = 3;
  made.make = [] { return made_series("P-1", "1.2.3", 3, 40'000); };
  series = {made};
  serve();
  EXPECT_EQ(json::parse(list("getSeries?").body)[0]["ImageCount"], 3);
  const std::string first = zip().body;
  EXPECT_GT(first.size(), 120'000) << "which does not compress";
  EXPECT_EQ(unpack(first).files, unpack(zip().body).files);
}

TEST_F(StandInTest, SeveralAtOnce) {
  serve();
  server->fault("stall", "getImage", 3);
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.emplace_back([&] {
      httplib::Client other("127.0.0.1", server->port());
      other.set_read_timeout(0, 300'000);
      EXPECT_FALSE(other.Get(root + ("getImage?SeriesInstanceUID=" + series[0].series_uid)));
    });
  EXPECT_EQ(list("getSeries?").status, 200) << "while others wait";
  for (std::thread& thread : waiting) thread.join();
  EXPECT_EQ(server->requests("getImage"), 3);
}

TEST_F(StandInTest, CertificatesThatHoldAndDoNot) {
  const TemporaryFolder folder;
  const Certificate good = make_certificate(folder.path(), "good", "IP:127.0.0.1,DNS:localhost");
  const Certificate other = make_certificate(folder.path(), "other", "DNS:archive.example");
  const Certificate expired = make_certificate(folder.path(), "expired", "IP:127.0.0.1", -9, -2);
  SilentMonitor monitor;
  for (const auto& [certificate, problem] :
       {std::pair(good, ""), std::pair(other, "subject name"), std::pair(expired, "certificate has expired")}) {
    const StandIn secure(series, {.certificate = certificate.certificate, .key = certificate.key});
    EXPECT_THAT(secure.origin(), StartsWith("https://"));
    httplib::SSLClient stranger("127.0.0.1", secure.port());
    stranger.enable_server_certificate_verification(false);
    EXPECT_EQ(stranger.Get(root + std::string("getCollectionValues"))->status, 200);
    net::Client ours({.connect_s = 5, .stall_s = 5, .ca_file = certificate.certificate, .credentials = {}}, monitor);
    const net::Answer answer = ours.send({.url = secure.nbia() + "/getCollectionValues"});
    EXPECT_THAT(answer.problem, HasSubstr(problem));
    EXPECT_EQ(answer.good(), *problem == '\0') << answer.problem;
  }
}

}  // namespace
}  // namespace nodulus::test
