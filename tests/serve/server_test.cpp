// What a service refuses, and how it says so; by a client that is not ours.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/archive/certificates.h"
#include "tests/serve/serving.h"

namespace nodulus::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ServerTest : public test::Serving {
 protected:
  /// Sends these bytes and returns what comes until the other side closes, or for `seconds`.
  /// Of `slowly` then one byte after the other, so far apart.
  [[nodiscard]] std::string raw(const std::string& bytes, double seconds = 3, const std::string& slowly = "",
                                double apart_s = 0) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval patience{static_cast<time_t>(seconds), 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    for (const char byte : slowly) {
      std::this_thread::sleep_for(std::chrono::duration<double>(apart_s));
      if (::send(socket, &byte, 1, MSG_NOSIGNAL) != 1) break;
    }
    std::string answer;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (got > 0) answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::close(socket);
    return answer;
  }
};

TEST_F(ServerTest, AJobIsAskedForSeenAndFetched) {
  serve();
  const auto taken = ask({{"count", 2}});
  EXPECT_EQ(taken.status, 202);
  const Json job = Json::parse(taken.body);
  EXPECT_EQ(taken.get_header_value("Location"), "/v1/drawings/" + job["id"].get<std::string>());
  EXPECT_EQ(job["request"]["seed"], 7) << "what was left open is told";
  const Json whole = ended(job["id"]);
  const Json files = Json::parse(get(whole["links"]["files"]).body)["files"];
  ASSERT_EQ(files.size(), 3);
  EXPECT_EQ(files[1]["name"], "text/0.txt");
  const auto file = get(files[1]["href"]);
  EXPECT_EQ(file.body, "7\n");
  EXPECT_EQ(file.get_header_value("Content-Type"), "text/plain");
  const auto part = get(files[1]["href"], {{"Range", "bytes=1-1"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "\n");
  const std::string zip = get(whole["links"]["archive"]).body;
  EXPECT_THAT(zip, StartsWith("PK"));
  EXPECT_EQ(zip, get(whole["links"]["archive"]).body) << "the same bytes each time";
  EXPECT_EQ(need(client->Delete("/v1/drawings/" + job["id"].get<std::string>())).status, 204);
  expect_problem(get("/v1/drawings/" + job["id"].get<std::string>()), 404, "not_found");
  EXPECT_FALSE(std::filesystem::exists(runner->result(job["id"])));
}

TEST_F(ServerTest, RangesAreOfFilesAloneAndWithinThem) {
  serve();
  const std::string id = done({{"count", 1}, {"seed", 123456789}})["id"];
  const std::string file = "/v1/drawings/" + id + "/file?name=text%2F0.txt";  // "123456789\n"
  const auto range = [&](const std::string& of, const char* words) { return get(of, {{"Range", words}}); };
  EXPECT_EQ(range(file, "bytes=2-4").body, "345");
  EXPECT_EQ(range(file, "bytes=7-").body, "89\n");
  EXPECT_EQ(range(file, "bytes=-3").body, "89\n");
  const auto clamped = range(file, "bytes=8-99999");
  EXPECT_EQ(clamped.status, 206);
  EXPECT_EQ(clamped.body, "9\n");
  EXPECT_EQ(clamped.get_header_value("Content-Range"), "bytes 8-9/10");
  const auto outside = range(file, "bytes=1000-");
  expect_problem(outside, 416, "no_such_range");
  EXPECT_EQ(outside.get_header_value("Content-Range"), "bytes */10");
  EXPECT_EQ(range(file, "bytes=0-1,3-4").status, 200) << "several at once are not served";
  const auto whole = range("/v1/models", "bytes=0-3");
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(Json::parse(whole.body).is_object());
}

TEST_F(ServerTest, EventsTellHowItGoesOn) {
  work.step_s = 0.15;
  serve();
  const std::string id = Json::parse(ask({{"count", 3}}).body)["id"];
  const auto events = get("/v1/drawings/" + id + "/events");
  EXPECT_EQ(events.get_header_value("Content-Type"), "text/event-stream");
  std::vector<Json> told;
  for (std::size_t at = events.body.find("data: "); at != std::string::npos; at = events.body.find("data: ", at + 1))
    told.push_back(Json::parse(events.body.substr(at + 6, events.body.find('\n', at) - at - 6)));
  ASSERT_GE(told.size(), 3);
  EXPECT_EQ(told.back()["state"], "done");
  EXPECT_EQ(told[told.size() - 2]["state"], "running");
  EXPECT_GT(told[told.size() - 2]["progress"]["done"], 0);
}

TEST_F(ServerTest, TheSameKeyIsTheSameJob) {
  serve();
  const httplib::Headers key{{"Idempotency-Key", "k-1"}};
  const auto first = ask({{"count", 1}}, key);
  const auto second = ask({{"count", 1}}, key);
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(Json::parse(first.body)["id"], Json::parse(second.body)["id"]);
  expect_problem(ask({{"count", 2}}, key), 422, "key_reused");
  for (int i = 0; i < 30; ++i) (void)ask({{"count", 1}});
  EXPECT_EQ(ask({{"count", 1}}, key).status, 200) << "however many wait";
  EXPECT_NE(Json::parse(ask({{"count", 1}}).body)["id"], Json::parse(first.body)["id"]);
}

TEST_F(ServerTest, BodiesThatAreNotAsDescribed) {
  serve();
  expect_problem(post("/v1/drawings", "{\"count\": 2"), 400, "not_json", "at byte");
  expect_problem(post("/v1/drawings", "{\"count\": \"\xff\xfe\"}"), 400, "not_json", "UTF-8");
  expect_problem(post("/v1/drawings", ""), 400, "not_json");
  expect_problem(post("/v1/drawings", std::string(100'000, '[')), 400, "not_json", "levels");
  expect_problem(post("/v1/drawings", "{\"count\": 1e999}"), 400, "not_json", "too large");
  expect_problem(post("/v1/drawings", "{\"count\": 1e300}"), 422, "usage", "/count");
  expect_problem(post("/v1/drawings", "--b\r\n\r\nx\r\n--b--", {}, "multipart/form-data; boundary=b"), 415, "not_json");
  expect_problem(ask({{"count", "many"}}), 422, "usage", "/count");
  expect_problem(ask({{"count", 1'000'000'000}}), 422, "usage", "expected 100 at most");
  expect_problem(ask({{"count", 1}, {"cuont", 1}}), 422, "usage", "did you mean 'count'");
  expect_problem(ask({{"count", 1}, {"seed", 13}}), 422, "usage", "expected another than 13");
  expect_problem(post("/v1/drawings", "count=1", {}, "application/x-www-form-urlencoded"), 415, "not_json");
  expect_problem(post("/v1/drawings", "{\"count\": 1}", {}, "text/plain"), 415, "not_json");
  expect_problem(get("/v1/drawings?limit=0"), 422, "usage", "limit");
  expect_problem(get("/v1/drawings?limit=x"), 422, "usage", "limit");
  expect_problem(get("/v1/drawings?page=2"), 422, "usage", "unknown parameter");
  expect_problem(get("/v1/drawings?limit=2000000000e-7"), 422, "usage", "limit");
  expect_problem(get("/v1/drawings?before=nothing"), 404, "not_found");
  EXPECT_EQ(work.runs, 0);
}

TEST_F(ServerTest, BodiesThatAreTooLargeOrTooSlow) {
  ServerOptions options;
  options.body_bytes = 1000;
  options.body_s = 1;
  options.idle_s = 2;
  serve(options);
  expect_problem(post("/v1/drawings", "{\"count\": 1}" + std::string(2000, ' ')), 413, "too_large", "at most 1000");
  const std::string head =
      "POST /v1/drawings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Content-Type: application/json\r\n";
  EXPECT_THAT(raw(head + "Content-Length: 20\r\n\r\n{\"count\"", 10), HasSubstr("408")) << "a body that stops";
  EXPECT_THAT(raw(head + "\r\n"), HasSubstr("400")) << "no body at all";
  // One that trickles, a byte now and then.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(raw(head + "Content-Length: 400\r\n\r\n", 10, std::string(100, ' '), 0.1), HasSubstr("408"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(6));
  EXPECT_EQ(get("/healthz").status, 200) << "and it lives";
}

// What a refused request still sends is not the next request.
TEST_F(ServerTest, NothingIsReadAsARequestThatIsNone) {
  serve();
  const std::string inner = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
  for (const std::string& head :
       {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + length,
        "DELETE /v1/drawings/x HTTP/1.1\r\nHost: localhost\r\n" + length,
        "POST /v1/drawings HTTP/1.1\r\nHost: localhost\r\n" + length + "Content-Length: 3\r\n",
        "POST /v1/drawings HTTP/1.1\r\nHost: localhost\r\n" + length + "Transfer-Encoding: chunked\r\n"}) {
    const std::string answer = raw(head + "\r\n" + inner, 1);
    EXPECT_THAT(answer, Not(HasSubstr("made-up"))) << head << answer;
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 4")) << head;
  }
  EXPECT_THAT(raw("POST /%0a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 1),
              StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerTest, FollowersLeaveRoomForOthers) {
  work.stay = true;
  ServerOptions options;
  options.threads = 8;
  serve(options);
  const std::string id = Json::parse(ask({{"count", 1}}).body)["id"];
  std::atomic<int> refused{0};
  std::vector<std::thread> followers;
  for (int i = 0; i < 7; ++i)
    followers.emplace_back([&] {
      httplib::Client other("127.0.0.1", server->port());
      other.set_read_timeout(20, 0);
      const auto answer = other.Get("/v1/drawings/" + id + "/events", [](const char*, std::size_t) { return true; });
      refused += answer && answer->status == 503;
    });
  while (refused < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(get("/healthz").status, 200);
  work.stay = false;
  for (std::thread& follower : followers) follower.join();
  EXPECT_EQ(refused, 3);
  EXPECT_THAT(get("/v1/drawings/" + id + "/events").body, HasSubstr("\"done\"")) << "and there is room again";
}

TEST_F(ServerTest, WhatIsNoHttp) {
  serve();
  EXPECT_THAT(raw("hello\r\n\r\n", 1), HasSubstr("400"));
  EXPECT_THAT(raw("GET /" + std::string(10'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 1), HasSubstr("414"));
  EXPECT_THAT(raw("BREW /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 1), HasSubstr("400"));
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(ServerTest, PathsThatWouldEscape) {
  serve();
  const std::string id = done({{"count", 1}})["id"];
  for (const char* name : {"..%2f..%2ftokens.json", "../../tokens.json", "text/../manifest.json", "%2fetc%2fpasswd",
                           "/etc/passwd", "text%2f0.txt%00.png", "..", "", "text"}) {
    const auto answer = get("/v1/drawings/" + id + "/file?name=" + name);
    EXPECT_EQ(answer.status, 404) << name << ": " << answer.body;
  }
  EXPECT_EQ(get("/v1/drawings/" + id + "/file?name=text%2f0.txt").status, 200) << "by the name that is listed";
  expect_problem(get("/v1/drawings/" + id + "/files/../../../tokens.json"), 404, "not_found");
  expect_problem(get("/v1/drawings/..%2f..%2fjobs.sqlite"), 404, "not_found");
  expect_problem(get("/v1/drawings/" + std::string(100, 'a')), 422, "usage", "id");
}

TEST_F(ServerTest, AddressesThatThereAreNot) {
  serve();
  expect_problem(get("/"), 404, "not_found");
  expect_problem(get("/v1/models/none"), 404, "not_found");
  const auto answer = need(client->Put("/v1/models", "{}", "application/json"));
  expect_problem(answer, 405, "method_not_allowed");
  EXPECT_EQ(answer.get_header_value("Allow"), "GET");
  EXPECT_EQ(need(client->Head("/healthz")).status, 200);
}

TEST_F(ServerTest, TokensOpenWhatTheirRoleMay) {
  ServerOptions options;
  options.need_token = true;
  serve(options);
  const std::string reader = tokens.create("reader", Role::read, "").second;
  const std::string artist = tokens.create("artist", Role::generate, "").second;
  const std::string late = tokens.create("late", Role::admin, utc_in_days(-1)).second;
  const auto with = [](const std::string& token) { return httplib::Headers{{"Authorization", "Bearer " + token}}; };
  EXPECT_EQ(get("/healthz").status, 200) << "needs none";
  expect_problem(get("/v1/models"), 401, "unauthorized");
  EXPECT_EQ(get("/v1/models").get_header_value("WWW-Authenticate"), "Bearer");
  expect_problem(get("/v1/models", with("nod_forged")), 401, "unauthorized", "none of this service");
  expect_problem(get("/v1/models", with(late)), 401, "unauthorized", "expired");
  expect_problem(get("/v1/models", {{"Authorization", "Basic bWU6cHc="}}), 401, "unauthorized");
  EXPECT_EQ(get("/v1/models", with(reader)).status, 200);
  expect_problem(ask({{"count", 1}}, with(reader)), 403, "forbidden", "role generate or above");
  const auto taken = ask({{"count", 1}}, with(artist));
  EXPECT_EQ(taken.status, 202);
  EXPECT_EQ(Json::parse(taken.body)["owner"], "artist");
  tokens.revoke("artist");
  expect_problem(ask({{"count", 1}}, with(artist)), 401, "unauthorized");
  EXPECT_THAT(logged(), Not(HasSubstr(reader)));
  EXPECT_THAT(logged(), HasSubstr("\"token\":\"reader\""));
}

TEST_F(ServerTest, BeyondThisMachineATokenIsNeededAlways) {
  ServerOptions options;
  options.host = "0.0.0.0";
  serve(options);
  expect_problem(get("/v1/models"), 401, "unauthorized");
}

TEST_F(ServerTest, PagesOfOtherSitesChangeNothing) {
  ServerOptions options;
  options.origins = {"https://viewer.example"};
  serve(options);
  const std::string own = "http://127.0.0.1:" + std::to_string(server->port());
  EXPECT_EQ(ask({{"count", 1}}, {{"Origin", own}}).status, 202);
  expect_problem(ask({{"count", 1}}, {{"Origin", "https://evil.example"}}), 403, "other_origin");
  expect_problem(ask({{"count", 1}}, {{"Origin", "null"}}), 403, "other_origin");
  expect_problem(ask({{"count", 1}}, {{"Sec-Fetch-Site", "cross-site"}}), 403, "other_origin");
  const auto listed = ask({{"count", 1}}, {{"Origin", "https://viewer.example"}});
  EXPECT_EQ(listed.status, 202);
  EXPECT_EQ(listed.get_header_value("Access-Control-Allow-Origin"), "https://viewer.example");
  EXPECT_FALSE(get("/v1/models", {{"Origin", "https://evil.example"}}).has_header("Access-Control-Allow-Origin"));
  const auto preflight = [&](const char* origin) {
    return need(client->Options("/v1/drawings", {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}}));
  };
  EXPECT_EQ(preflight("https://viewer.example").status, 204);
  EXPECT_THAT(preflight("https://viewer.example").get_header_value("Access-Control-Allow-Headers"),
              HasSubstr("Authorization"));
  EXPECT_EQ(preflight("https://evil.example").status, 405);
  // A name that another site gives to this machine.
  for (const char* host : {"evil.example", "127.evil.example", "127.0.0.1.evil.example", ""})
    expect_problem(get("/v1/models", {{"Host", host}}), 421, "misdirected");
  EXPECT_EQ(get("/v1/models", {{"Host", "localhost:99"}}).status, 200);
  // A proxy on this machine stands for anybody.
  expect_problem(get("/v1/models", {{"X-Forwarded-For", "192.0.2.1"}}), 401, "unauthorized");
}

TEST_F(ServerTest, WhoAsksTooOftenWaits) {
  ServerOptions options;
  options.rate = 0.001;
  options.burst = 3;
  serve(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/healthz").status, 200);
  const auto answer = get("/healthz");
  expect_problem(answer, 429, "too_many_requests");
  EXPECT_GT(std::stoi(answer.get_header_value("Retry-After")), 1);
}

TEST_F(ServerTest, AFullQueueIsTold) {
  work.stay = true;
  serve();
  int taken = 0;
  for (int i = 0; i < 30; ++i) {
    const auto answer = ask({{"count", 1}});
    if (answer.status == 202) {
      ++taken;
    } else {
      expect_problem(answer, 503, "queue_full");
      EXPECT_EQ(answer.get_header_value("Retry-After"), "30");
    }
  }
  EXPECT_GE(taken, 20);
  EXPECT_LE(taken, 21);
}

TEST_F(ServerTest, RequestsHaveNames) {
  serve();
  EXPECT_EQ(get("/healthz", {{"X-Request-Id", "trace-7"}}).get_header_value("X-Request-Id"), "trace-7");
  const std::string own = get("/healthz", {{"X-Request-Id", "a b"}}).get_header_value("X-Request-Id");
  EXPECT_EQ(own.size(), 16);
  EXPECT_THAT(logged(), HasSubstr("\"request_id\":\"trace-7\""));
  EXPECT_THAT(logged(), Not(HasSubstr("a b")));
  get("/v1/models?token=s3cret");
  EXPECT_THAT(logged(), Not(HasSubstr("s3cret")));
}

TEST_F(ServerTest, FiguresForPrometheus) {
  serve();
  get("/v1/models");
  get("/nowhere");
  done({{"count", 1}});
  const auto answer = get("/metrics");
  EXPECT_THAT(answer.get_header_value("Content-Type"), StartsWith("text/plain"));
  EXPECT_THAT(answer.body, HasSubstr("nodulus_requests_total{operation=\"listModels\",status=\"200\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("nodulus_requests_total{operation=\"none\",status=\"404\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("nodulus_jobs{state=\"done\"} 1\n"));
  EXPECT_THAT(answer.body, HasSubstr("nodulus_request_seconds_bucket{operation=\"listModels\",le=\"+Inf\"} 1\n"));
}

TEST_F(ServerTest, AStopEndsStreamsAndAnswersWhatWasAsked) {
  work.stay = true;
  serve();
  const std::string id = Json::parse(ask({{"count", 1}}).body)["id"];
  std::string events;
  std::thread follower([&] {
    httplib::Client other("127.0.0.1", server->port());
    other.set_read_timeout(20, 0);
    other.Get("/v1/drawings/" + id + "/events", [&](const char* data, std::size_t size) {
      events.append(data, size);
      return true;
    });
  });
  while (work.runs == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto start = std::chrono::steady_clock::now();
  client.reset();
  server->stop();
  follower.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  EXPECT_THAT(events, HasSubstr("event: job"));
}

TEST_F(ServerTest, HttpsWithACertificate) {
  const auto made = test::make_certificate(folder.path(), "good", "IP:127.0.0.1");
  ServerOptions options;
  options.tls_certificate = made.certificate;
  options.tls_key = made.key;
  serve(options);
  EXPECT_THAT(server->address(), StartsWith("https://127.0.0.1:"));
  httplib::SSLClient secure("127.0.0.1", server->port());
  secure.set_ca_cert_path(made.certificate.c_str());
  EXPECT_EQ(need(secure.Get("/v1/models")).status, 200);
  EXPECT_EQ(
      need(secure.Post("/v1/drawings", {{"Origin", server->address()}}, "{\"count\": 1}", "application/json")).status,
      202);
}

TEST_F(ServerTest, SettingsThatCannotBe) {
  ServerOptions options;
  options.tls_certificate = (folder / "none.pem").string();
  test::expect_error([&] { serve(options); }, ErrorCode::usage, {"--tls-cert and --tls-key"});
  options.tls_key = (folder / "none.key").string();
  test::expect_error([&] { serve(options); }, ErrorCode::usage, {"none.pem"});
  serve();
  options = {};
  options.port = server->port();
  Server second(options, router, tokens, metrics, [](const std::string&) {});
  test::expect_error([&] { second.start(); }, ErrorCode::io, {"cannot listen"});
}

}  // namespace
}  // namespace nodulus::serve
