#include "nodulus/train/run_folder.h"

#include <gmock/gmock.h>

#include <fstream>
#include <optional>

#include "nodulus/core/error.h"
#include "tests/train/tiny_training.h"

namespace nodulus::train {
namespace {

TEST(RunFolder, NumbersFollowTheHighestThereIs) {
  const auto parent = scratch();
  EXPECT_EQ(RunFolder::create(parent, "a", "", {}).path().filename(), "00000-a");
  std::filesystem::create_directory(parent / "00041-older");
  std::filesystem::create_directory(parent / "notes");
  EXPECT_EQ(RunFolder::create(parent, "b", "x = 1\n", {}).path().filename(), "00042-b");
}

TEST(RunFolder, OpensOnlyRuns) {
  const auto parent = scratch();
  const RunFolder run = RunFolder::create(parent, "a", "x = 1\n", {});
  EXPECT_EQ(RunFolder::open(run.path()).path(), run.path());
  EXPECT_THROW(RunFolder::open(parent), Error);
  EXPECT_THROW((void)run.latest_checkpoint(), Error);
}

TEST(RunFolder, UnfinishedCheckpointsAreNotSeen) {
  const RunFolder run = RunFolder::create(scratch(), "a", "", {});
  std::ofstream(run.checkpoint(7)) << "x";
  std::ofstream(run.checkpoint(12)) << "x";
  std::ofstream(run.checkpoint(13).string() + ".tmp") << "x";
  EXPECT_EQ(run.latest_checkpoint(), run.checkpoint(12));
  run.prune_checkpoints(1);
  EXPECT_THAT(run.checkpoints(), ::testing::ElementsAre(run.checkpoint(12)));
}

TEST(RunFolder, OneProcessAtATimeTrainsInIt) {
  std::optional<RunFolder> first = RunFolder::create(scratch(), "a", "", {});
  first->lock();
  RunFolder second = RunFolder::open(first->path());
  EXPECT_THROW(second.lock(), Error);
  first.reset();
  EXPECT_NO_THROW(second.lock());
}

TEST(RunFolder, KnowsWhatItBeganOn) {
  Manifest manifest;
  manifest.inputs = {{"dataset", "abc"}};
  const RunFolder run = RunFolder::create(scratch(), "a", "", manifest);
  EXPECT_TRUE(run.began_on({"elsewhere", "abc"}));
  EXPECT_FALSE(run.began_on({"dataset", "abd"}));
}

TEST(RunFolder, LockingRemovesWhatAKilledProcessLeft) {
  RunFolder run = RunFolder::create(scratch(), "a", "", {});
  const std::string left = run.checkpoint(13).string() + ".tmp";
  std::ofstream(left) << "half";
  std::ofstream(run.checkpoint(12)) << "whole";
  run.lock();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(run.checkpoint(12)));
}

TEST(RunFolder, AFolderThatCannotBeMadeWholeIsNotMade) {
  const auto parent = scratch();
  EXPECT_THROW(RunFolder::create(parent, "no/such", "", {}), Error);
  EXPECT_TRUE(std::filesystem::is_empty(parent));
}

TEST(RunFolder, RewindDropsLaterAndCutLines) {
  const RunFolder run = RunFolder::create(scratch(), "a", "", {});
  for (const int step : {10, 20, 30}) run.append_metrics({{"loss", 1.0 / step}, {"step", step}});
  std::ofstream(run.path() / "metrics.jsonl", std::ios::app) << "{\"step\":4";
  EXPECT_EQ(run.rewind_metrics(20), 0.05);
  run.append_metrics({{"step", 25}});
  std::ifstream in(run.path() / "metrics.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  EXPECT_THAT(lines,
              ::testing::ElementsAre(R"({"loss":0.1,"step":10})", R"({"loss":0.05,"step":20})", R"({"step":25})"));
}

}  // namespace
}  // namespace nodulus::train
