#include "nodulus/train/run_folder.h"

#include <gmock/gmock.h>

#include <fstream>

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

TEST(RunFolder, RewindDropsLaterAndCutLines) {
  const RunFolder run = RunFolder::create(scratch(), "a", "", {});
  for (const int step : {10, 20, 30}) run.append_metrics({{"step", step}});
  std::ofstream(run.path() / "metrics.jsonl", std::ios::app) << "{\"step\":4";
  run.rewind_metrics(20);
  run.append_metrics({{"step", 25}});
  std::ifstream in(run.path() / "metrics.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  EXPECT_THAT(lines, ::testing::ElementsAre("{\"step\":10}", "{\"step\":20}", "{\"step\":25}"));
}

}  // namespace
}  // namespace nodulus::train
