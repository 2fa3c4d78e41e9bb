#include "nodulus/net/retry.h"

#include <gmock/gmock.h>

#include <chrono>
#include <vector>

#include "nodulus/core/error.h"

namespace nodulus::net {
namespace {

/// Counts notes; asks to stop after `stop_after` looks.
class Watcher final : public Monitor {
 public:
  explicit Watcher(int stop_after = -1) : stop_after_(stop_after) {}
  void note(std::string_view line) override { notes.emplace_back(line); }
  void warn(std::string_view) override {}
  void progress(const Progress&) override {}
  [[nodiscard]] bool stop_requested() const override { return stop_after_ >= 0 && looks_++ >= stop_after_; }
  std::vector<std::string> notes;

 private:
  int stop_after_;
  mutable int looks_ = 0;
};

Answer failing(bool worth_retry, std::optional<double> after = {}) {
  Answer answer;
  answer.status = 503;
  answer.problem = "status 503";
  answer.worth_retry = worth_retry;
  answer.retry_after_s = after;
  return answer;
}

const RetryRule quick{.tries = 4, .first_s = 0.001, .longest_s = 0.002, .patience_s = 1};

TEST(Retry, WaitsTwiceAsLongEachTimeUpToALimit) {
  const RetryRule rule{.tries = 10, .first_s = 1, .longest_s = 10, .patience_s = 100, .seed = 7};
  double whole = 1;
  for (int next = 2; next <= 8; ++next, whole = std::min(10.0, 2 * whole)) {
    const auto seconds = rule.wait_s(next, {});
    ASSERT_TRUE(seconds);
    EXPECT_GE(*seconds, whole / 2) << next;
    EXPECT_LE(*seconds, whole) << next;
  }
  RetryRule other = rule;
  other.seed = 8;
  EXPECT_NE(rule.wait_s(5, {}), other.wait_s(5, {}));
  EXPECT_EQ(rule.wait_s(5, {}), rule.wait_s(5, {}));
}

TEST(Retry, TheServersWordWinsWithinPatience) {
  const RetryRule rule{.tries = 3, .first_s = 1, .longest_s = 10, .patience_s = 100};
  EXPECT_EQ(rule.wait_s(2, 42.0), 42.0);
  EXPECT_EQ(rule.wait_s(2, 101.0), std::nullopt);
}

TEST(Retry, GoesOnUntilItIsGood) {
  Watcher watcher;
  int calls = 0;
  const Answer answer =
      with_retries(quick, "the list", watcher, [&] { return ++calls < 3 ? failing(true) : Answer{200}; });
  EXPECT_TRUE(answer.good());
  EXPECT_EQ(calls, 3);
  ASSERT_EQ(watcher.notes.size(), 2);
  EXPECT_THAT(watcher.notes[0], ::testing::StartsWith("the list: status 503; try 2 of 4 in 0.0 s"));
}

TEST(Retry, EndsAfterItsTriesOrWhereThereIsNoHope) {
  Watcher watcher;
  int calls = 0;
  EXPECT_FALSE(with_retries(quick, "x", watcher, [&] { return ++calls, failing(true); }).good());
  EXPECT_EQ(calls, 4);
  calls = 0;
  EXPECT_FALSE(with_retries(quick, "x", watcher, [&] { return ++calls, failing(false); }).good());
  EXPECT_EQ(calls, 1);
  calls = 0;
  const Answer impatient = with_retries(quick, "x", watcher, [&] { return ++calls, failing(true, 3600.0); });
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(impatient.problem, ::testing::HasSubstr("it asks to come back in 3600 s"));
}

TEST(Retry, AWaitEndsWhenThePersonAsks) {
  Watcher watcher(1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(wait(60, watcher), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace nodulus::net
