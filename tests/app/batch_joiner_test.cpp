#include "nodulus/app/batch_joiner.h"

#include <gmock/gmock.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "nodulus/core/error.h"

namespace nodulus::app {
namespace {

using Labels = torch::Tensor;
constexpr std::chrono::milliseconds patience(20'000);  // that all are there ends the wait

/// An "image" of its seed and label alone: [N, 1, 1, 1].
torch::Tensor images_of(std::span<const std::uint64_t> seeds, const Labels& labels) {
  torch::Tensor images = torch::empty({static_cast<std::int64_t>(seeds.size()), 1, 1, 1});
  for (std::size_t i = 0; i < seeds.size(); ++i)
    images[static_cast<std::int64_t>(i)] =
        static_cast<double>(seeds[i]) + (labels.defined() ? labels[static_cast<std::int64_t>(i)][0].item<double>() : 0);
  return images;
}

/// Draws for `members` in a thread each, member m the seeds 100 m, 100 m + 1, ..., m + 1 of them.
class DrawingTogether {
 public:
  explicit DrawingTogether(std::int64_t most) : joiner(std::make_shared<BatchJoiner>(most, patience)) {}

  void run(int count, const std::function<std::string(int)>& key) {
    std::vector<std::unique_ptr<BatchJoiner::Member>> members;
    for (int m = 0; m < count; ++m) members.push_back(std::make_unique<BatchJoiner::Member>(joiner, key(m)));
    images.assign(static_cast<std::size_t>(count), {});
    ended.assign(static_cast<std::size_t>(count), "");
    std::vector<std::thread> threads;
    for (int m = 0; m < count; ++m) {
      threads.emplace_back([&, m] {
        BatchJoiner::Member& member = *members[static_cast<std::size_t>(m)];
        member.listen(
            [&, m](std::int64_t, std::int64_t) {
              ++steps;
              if (m == leaves) throw Error(ErrorCode::stopped, "left");
            },
            [&, m](const torch::Tensor& x, double) {
              const std::lock_guard lock(mutex);
              questions[m] = x.clone();
            });
        std::vector<std::uint64_t> seeds(static_cast<std::size_t>(m) + 1);
        std::iota(seeds.begin(), seeds.end(), 100 * m);
        const Labels labels = torch::full({m + 1, 1}, 0.5 * m);
        try {
          images[static_cast<std::size_t>(m)] = member.images(seeds, labels, [&](auto some, const Labels& rows) {
            {
              const std::lock_guard lock(mutex);
              sizes.push_back(some.size());
            }
            const torch::Tensor drawn = images_of(some, rows);
            member.step(1, 2);
            member.question(drawn, 1.0);
            if (fails) throw Error(ErrorCode::io, "no memory");
            return drawn;
          });
          expect_own(m);
        } catch (const Error& error) {
          ended[static_cast<std::size_t>(m)] = error.what();
        }
        members[static_cast<std::size_t>(m)].reset();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void expect_own(int m) const {
    const torch::Tensor& drawn = images[static_cast<std::size_t>(m)];
    ASSERT_EQ(drawn.size(0), m + 1);
    for (int i = 0; i <= m; ++i) EXPECT_EQ(drawn[i].item<double>(), 100 * m + i + 0.5 * m) << m << " " << i;
  }

  std::shared_ptr<BatchJoiner> joiner;
  std::vector<torch::Tensor> images;
  std::vector<std::string> ended;
  std::mutex mutex;
  std::vector<std::size_t> sizes;  // of the batches that were drawn
  std::map<int, torch::Tensor> questions;
  std::atomic<int> steps{0};
  int leaves = -1;
  bool fails = false;
};

TEST(BatchJoiner, ThoseWhoDrawAlikeShareABatch) {
  DrawingTogether drawing(64);
  drawing.run(3, [](int) { return "alike"; });
  EXPECT_THAT(drawing.sizes, ::testing::ElementsAre(1 + 2 + 3));
  EXPECT_EQ(drawing.joiner->joined(), 1);
  EXPECT_EQ(drawing.steps, 3) << "each is told of the step";
  for (int m = 0; m < 3; ++m)
    EXPECT_TRUE(drawing.questions.at(m).equal(drawing.images[static_cast<std::size_t>(m)])) << m;
}

TEST(BatchJoiner, ThoseWhoDoNotAreAlone) {
  DrawingTogether drawing(64);
  drawing.run(1, [](int) { return "alone"; });
  EXPECT_THAT(drawing.sizes, ::testing::ElementsAre(1));
  EXPECT_EQ(drawing.joiner->joined(), 0);
  DrawingTogether two(64);
  two.run(2, [](int m) { return m == 0 ? "one way" : "another"; });
  EXPECT_EQ(two.joiner->joined(), 0);
  EXPECT_EQ(two.steps, 2);
}

TEST(BatchJoiner, ABatchThatIsFullIsDrawn) {
  DrawingTogether drawing(3);  // of shares of 1, 2 and 3 images
  drawing.run(3, [](int) { return "alike"; });
  EXPECT_EQ(drawing.steps, 3);
  EXPECT_THAT(drawing.ended, ::testing::Each(""));
  EXPECT_LE(drawing.joiner->joined(), 1);
}

TEST(BatchJoiner, OneWhoLeavesEndsItsShareAlone) {
  DrawingTogether drawing(64);
  drawing.leaves = 1;
  drawing.run(3, [](int) { return "alike"; });
  EXPECT_THAT(drawing.ended, ::testing::ElementsAre("", "left", ""));
  EXPECT_EQ(drawing.sizes.size(), 1);
  DrawingTogether alone(64);
  alone.leaves = 0;
  alone.run(1, [](int) { return "alone"; });
  EXPECT_THAT(alone.ended, ::testing::ElementsAre("left"));
}

TEST(BatchJoiner, AFailureIsEverybodys) {
  DrawingTogether drawing(64);
  drawing.fails = true;
  drawing.run(3, [](int) { return "alike"; });
  EXPECT_THAT(drawing.ended, ::testing::Each("no memory"));
}

}  // namespace
}  // namespace nodulus::app
