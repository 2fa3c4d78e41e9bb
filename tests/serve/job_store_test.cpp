#include "nodulus/serve/job_store.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::serve {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

class Jobs : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path file() const { return folder_ / "jobs.sqlite"; }
  static Job add(JobStore& store, int number, const std::string& key = "", const std::string& owner = "somebody") {
    return store.create("drawing", owner, {{"number", number}}, {{"number", number}, {"seed", 1}}, key).first;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Jobs, AreTakenInTheirOrderAndKept) {
  std::string first;
  {
    JobStore store(file());
    first = add(store, 1).id;
    add(store, 2);
    const auto taken = store.take({"drawing"});
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->id, first);
    EXPECT_EQ(taken->state, JobState::running);
    EXPECT_EQ(taken->attempts, 1);
    EXPECT_FALSE(store.take({"training"}));
    store.remark(first, "few cases are like that");
    store.end(first, JobState::done, {{"count", 4}}, 100);
    EXPECT_EQ(store.counts().at(JobState::queued), 1);
  }
  const JobStore store(file());
  const auto job = store.find(first);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->state, JobState::done);
  EXPECT_EQ(job->asked, (Json{{"number", 1}}));
  EXPECT_EQ(job->request["seed"], 1);
  EXPECT_EQ(job->outcome["count"], 4);
  EXPECT_EQ(job->bytes, 100);
  EXPECT_THAT(job->remarks, ::testing::ElementsAre("few cases are like that"));
  EXPECT_FALSE(job->ended.empty());
  EXPECT_FALSE(store.find("nothing"));
}

TEST_F(Jobs, ThatRanWhenTheProcessEndedAreQueuedAgain) {
  std::string id;
  {
    JobStore store(file());
    id = add(store, 1).id;
    store.take({"drawing"});
  }
  JobStore store(file());
  EXPECT_EQ(store.find(id)->state, JobState::queued);
  EXPECT_EQ(store.take({"drawing"})->attempts, 2);
  store.end(id, JobState::queued, nullptr, 0);  // given back, which is no attempt
  EXPECT_EQ(store.take({"drawing"})->attempts, 2);
}

TEST_F(Jobs, OfOneKeyAreOne) {
  JobStore store(file());
  const Job first = add(store, 1, "key");
  const auto [second, is_new] = store.create("drawing", "somebody", {{"number", 1}}, {}, "key");
  EXPECT_FALSE(is_new);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(store.find_key("somebody", "key")->id, first.id);
  EXPECT_FALSE(store.find_key("another", "key"));
  EXPECT_NE(add(store, 1, "key", "another").id, first.id);
  EXPECT_NE(add(store, 1).id, add(store, 1).id);
}

TEST_F(Jobs, AreListedNewestFirstPageByPage) {
  JobStore store(file());
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add(store, i).id);
  const auto newest = store.list("drawing", 2);
  ASSERT_EQ(newest.size(), 2);
  EXPECT_EQ(newest[0].id, ids[4]);
  const auto next = store.list("drawing", 10, newest[1].id);
  ASSERT_EQ(next.size(), 3);
  EXPECT_EQ(next[2].id, ids[0]);
  EXPECT_TRUE(store.list("training", 10).empty());
}

TEST_F(Jobs, TellWhenTheyChange) {
  JobStore store(file());
  const std::string id = add(store, 1).id;
  store.take({"drawing"});
  const std::uint64_t before = store.version(id);
  EXPECT_EQ(store.wait(id, before, 0.01), before);
  std::thread other([&] { store.tell(id, {"drawing", 3, 10, "images", ""}); });
  EXPECT_NE(store.wait(id, before, 20), before);
  other.join();
  const auto job = store.find(id);
  EXPECT_EQ(job->done, 3);
  EXPECT_EQ(job->total, 10);
  EXPECT_EQ(job->unit, "images");
  const std::uint64_t seen = store.work();
  std::thread asker([&] { add(store, 2); });
  store.wait_for_work(seen, 20);
  EXPECT_NE(store.work(), seen);
  asker.join();
}

TEST_F(Jobs, AQueuedOneIsCancelledAtOnce) {
  JobStore store(file());
  const std::string id = add(store, 1).id;
  EXPECT_TRUE(store.cancel_queued(id));
  EXPECT_EQ(store.find(id)->state, JobState::cancelled);
  EXPECT_FALSE(store.cancel_queued(id));
  EXPECT_FALSE(store.take({"drawing"}));
  store.erase(id);
  EXPECT_FALSE(store.find(id));
}

TEST_F(Jobs, AFileThatIsNoneIsRefused) {
  test::write_all(file(), "<html>" + std::string(5000, 'x'));
  expect_error([&] { JobStore store(file()); }, ErrorCode::bad_input, {"jobs.sqlite"});
  expect_error([&] { JobStore store(folder_ / "nowhere/jobs.sqlite"); }, ErrorCode::io, {"nowhere"});
}

TEST_F(Jobs, TwoServicesOfOneFolderAreOneTooMany) {
  const JobStore store(file());
  expect_error([&] { JobStore second(file()); }, ErrorCode::exists, {"another service has it"});
}

}  // namespace
}  // namespace nodulus::serve
