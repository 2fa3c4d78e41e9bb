#include "tests/serve/serving.h"

namespace nodulus::serve {
namespace {

namespace fs = std::filesystem;
using Runner = test::Serving;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Runner, AResultIsWholeOrAbsent) {
  serve();
  const Json job = done({{"count", 3}, {"seed", 5}});
  EXPECT_EQ(job["state"], "done");
  EXPECT_EQ(job["figures"], (Json{{"count", 3}}));
  EXPECT_THAT(job["remarks"].dump(), HasSubstr("few cases"));
  EXPECT_EQ(test::read_all(runner->result(job["id"]) / "text/2.txt"), "5\n");
  const Json failed = done({{"count", 1}, {"fault", "bad_input"}});
  EXPECT_EQ(failed["state"], "failed");
  EXPECT_EQ(failed["problem"]["status"], 500);
  EXPECT_EQ(failed["problem"]["request_id"], failed["id"]) << "by which the log tells more";
  EXPECT_THAT(logged(), HasSubstr(failed["id"].get<std::string>() + " failed: the model is damaged"));
  EXPECT_FALSE(fs::exists(runner->result(failed["id"])));
}

TEST_F(Runner, WhatTheMachineFailedAtIsForTheLogAlone) {
  serve();
  for (const char* fault : {"io", "unknown"}) {
    const Json job = done({{"count", 1}, {"fault", fault}});
    EXPECT_EQ(job["state"], "failed");
    EXPECT_EQ(job["problem"]["status"], 500);
    EXPECT_THAT(job.dump(), Not(HasSubstr("secret")));
  }
  EXPECT_THAT(logged(), HasSubstr("cannot write '/srv/secret/place'"));
  EXPECT_THAT(logged(), HasSubstr("something else"));
}

TEST_F(Runner, AJobIsCancelledWhetherItRunsOrWaits) {
  work.stay = true;
  serve();
  const std::string first = Json::parse(ask({{"count", 1}}).body)["id"];
  const std::string second = Json::parse(ask({{"count", 1}}).body)["id"];
  while (work.runs == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(post("/v1/drawings/" + second + "/cancel", "").status, 202);
  EXPECT_EQ(ended(second)["state"], "cancelled");
  EXPECT_EQ(post("/v1/drawings/" + first + "/cancel", "").status, 202);
  EXPECT_EQ(ended(first)["state"], "cancelled");
  EXPECT_EQ(work.runs, 1);
  EXPECT_FALSE(fs::exists(runner->result(first)));
  expect_problem(post("/v1/drawings/" + first + "/cancel", ""), 409, "has_ended");
}

TEST_F(Runner, AStoppedServiceGoesOnWhereItWas) {
  work.stay = true;
  serve();
  const std::string running = Json::parse(ask({{"count", 2}}).body)["id"];
  const std::string waiting = Json::parse(ask({{"count", 1}}).body)["id"];
  while (work.runs == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  server->stop();
  runner->stop();
  EXPECT_EQ(jobs->find(running)->state, JobState::queued);
  EXPECT_EQ(jobs->find(running)->attempts, 0);
  work.stay = false;
  serve();
  EXPECT_EQ(ended(running)["state"], "done");
  EXPECT_EQ(ended(waiting)["state"], "done");
}

// As after SIGKILL: the database says that it runs, its result is half there or whole and not told of.
TEST_F(Runner, AKilledServiceLosesAndDoublesNothing) {
  std::string id;
  {
    JobStore store(folder / "jobs.sqlite");
    id = store.create("drawing", "", {{"count", 2}}, {{"count", 2}, {"seed", 3}}).first.id;
    store.take({"drawing"});
  }
  fs::create_directories(folder / "results" / id / "text");
  test::write_all(folder / "results" / id / "text/9.txt", "of the killed one");
  fs::create_directories(folder / "results" / (id + ".half"));
  fs::create_directories(folder / "results" / ("." + id + ".tmp-host-1-0"));
  fs::create_directories(folder / "results/letters");
  serve();
  EXPECT_EQ(ended(id)["state"], "done");
  EXPECT_EQ(work.runs, 1);
  EXPECT_FALSE(fs::exists(runner->result(id) / "text/9.txt"));
  EXPECT_TRUE(fs::exists(runner->result(id) / "text/1.txt"));
  std::vector<std::string> there;
  for (const auto& entry : fs::directory_iterator(folder / "results")) there.push_back(entry.path().filename());
  EXPECT_THAT(there, ::testing::UnorderedElementsAre(id, "letters")) << "and nobody's letters are touched";
}

TEST_F(Runner, ResultsWithoutTheirDatabaseAreNotThrownAway) {
  serve();
  const std::string id = done({{"count", 1}})["id"];
  TearDown();
  jobs.reset();
  for (const char* file : {"jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"}) fs::remove(folder / file);
  test::expect_error([&] { serve(); }, ErrorCode::exists, {"jobs.sqlite knows of none"});
  EXPECT_TRUE(fs::exists(folder / "results" / id / "manifest.json"));
}

TEST_F(Runner, AResultThatSomebodyTookIsNotToldOf) {
  serve();
  const std::string id = done({{"count", 1}})["id"];
  fs::remove_all(runner->result(id));
  expect_problem(get("/v1/drawings/" + id + "/archive"), 410, "cleared");
  expect_problem(get("/v1/drawings/" + id + "/files"), 410, "cleared");
  EXPECT_EQ(get("/healthz").status, 200);
  serve();
  EXPECT_EQ(Json::parse(get("/v1/drawings/" + id).body)["bytes"], 0);
}

TEST_F(Runner, SeveralAtOnceAreDoneOnceEach) {
  work.at_once = 4;
  work.step_s = 0.01;
  serve();
  std::set<std::string> ids;
  for (int i = 0; i < 15; ++i) ids.insert(Json::parse(ask({{"count", 2}}).body)["id"].get<std::string>());
  for (const std::string& id : ids) EXPECT_EQ(ended(id)["state"], "done");
  EXPECT_EQ(ids.size(), 15);
  EXPECT_EQ(work.runs, 15);
}

TEST_F(Runner, AJobThatEndsTheServiceEachTimeIsGivenUp) {
  std::string id;
  for (int i = 0; i < 30; ++i) {
    JobStore store(folder / "jobs.sqlite");
    if (id.empty()) id = store.create("drawing", "", {{"count", 2}}, {{"count", 2}, {"seed", 3}}).first.id;
    store.take({"drawing"});
  }
  serve();
  EXPECT_EQ(ended(id)["state"], "failed");
  EXPECT_EQ(work.runs, 0);
}

TEST_F(Runner, OldResultsGoByAgeAndBySize) {
  serve();
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(done({{"count", 1}})["id"]);
  const std::int64_t each = jobs->find(ids[0])->bytes;
  EXPECT_EQ(runner->clean(), 0);
  retention.bytes = 2 * each;
  serve();
  for (int i = 0; i < 2000 && fs::exists(runner->result(ids[0])); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(fs::exists(runner->result(ids[0])));
  EXPECT_FALSE(fs::exists(runner->result(ids[1])));
  EXPECT_TRUE(fs::exists(runner->result(ids[2])));
  EXPECT_TRUE(fs::exists(runner->result(ids[3])));
  expect_problem(get("/v1/drawings/" + ids[0] + "/archive"), 410, "cleared");
  retention.days = -1;
  retention.bytes = 1 << 30;
  serve();
  for (int i = 0; i < 2000 && fs::exists(runner->result(ids[3])); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(fs::exists(runner->result(ids[3])));
}

}  // namespace
}  // namespace nodulus::serve
