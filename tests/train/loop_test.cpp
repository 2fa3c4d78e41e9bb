#include "nodulus/train/loop.h"

#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <stdexcept>
#include <utility>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/safetensors.h"
#include "tests/train/tiny_training.h"

namespace nodulus::train {
namespace {

/// Asks for a stop after so many progress reports (one a step).
class StopAfter final : public Monitor {
 public:
  explicit StopAfter(int steps) : left_(steps) {}
  void note(std::string_view) override {}
  void warn(std::string_view) override {}
  void progress(const Progress&) override { --left_; }
  [[nodiscard]] bool stop_requested() const override { return left_ <= 0; }

 private:
  int left_;
};

/// Every tensor's bytes of a run's newest checkpoint, by name.
std::map<std::string, std::string> state_of(const RunFolder& run) {
  const SafetensorsFile file(run.latest_checkpoint());
  std::map<std::string, std::string> state;
  for (const auto& [name, view] : file.tensors())
    state[name] = {reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size()};
  return state;
}

class TrainLoop : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch();
    write_tiny_dataset(folder_ / "dataset");
    dataset_.emplace(data::Dataset::open(folder_ / "dataset"));
  }
  RunFolder new_run() { return RunFolder::create(folder_ / "runs", "t", "", {}); }

  std::filesystem::path folder_;
  std::optional<data::Dataset> dataset_;
  SilentMonitor silent_;
};

TEST_F(TrainLoop, AnInterruptedRunEndsBitIdenticalToAnUninterruptedOne) {
  const Training training = tiny_training(*dataset_, {"--steps", "11", "--flips", "--quarter-turns"});
  const RunFolder whole = new_run();
  const TrainResult result = train(training, whole, silent_);
  EXPECT_EQ(result.steps, 11);
  EXPECT_EQ(result.images_seen, 55);

  const RunFolder cut = new_run();
  for (const int stop_after : {4, 3}) {  // stopped at step 4, again at step 7
    StopAfter monitor(stop_after);
    try {
      train(training, cut, monitor);
      FAIL() << "was not stopped";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::stopped);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("--resume"));
    }
  }
  EXPECT_EQ(read_checkpoint_info(cut.latest_checkpoint()).step, 7);
  EXPECT_EQ(train(training, cut, silent_).steps, 11);

  const auto expected = state_of(whole);
  const auto found = state_of(cut);
  ASSERT_EQ(expected.size(), found.size());
  for (const auto& [name, bytes] : expected) EXPECT_EQ(found.at(name), bytes) << name;
}

TEST_F(TrainLoop, AnotherSeedGivesOtherWeights) {
  const RunFolder a = new_run();
  const RunFolder b = new_run();
  train(tiny_training(*dataset_, {"--steps", "2"}), a, silent_);
  train(tiny_training(*dataset_, {"--steps", "2", "--seed", "10"}), b, silent_);
  EXPECT_NE(state_of(a).at("model/conv_in.weight"), state_of(b).at("model/conv_in.weight"));
}

// Predicting epsilon by 0 has loss 1: a network that learns anything falls below it.
TEST_F(TrainLoop, TheLossFalls) {
  const RunFolder run = new_run();
  const TrainResult result = train(tiny_training(*dataset_, {"--steps", "300", "--log-steps", "100", "--learning-rate",
                                                             "2e-3", "--unet.dropout", "0"}),
                                   run, silent_);
  EXPECT_LT(result.loss, 0.5);
  std::ifstream metrics(run.path() / "metrics.jsonl");
  std::vector<Json> lines;
  for (std::string line; std::getline(metrics, line);) lines.push_back(Json::parse(line));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2].at("step"), 300);
  EXPECT_GT(lines[0].at("loss").get<double>(), lines[2].at("loss").get<double>());
}

TEST_F(TrainLoop, RefusesAnotherDataSetOnResume) {
  const RunFolder run = new_run();
  train(tiny_training(*dataset_, {"--steps", "1"}), run, silent_);
  std::ofstream(folder_ / "dataset" / "dataset.json", std::ios::app) << "\n";  // its hash is the data set's identity
  const data::Dataset other = data::Dataset::open(folder_ / "dataset");
  EXPECT_THROW(train(tiny_training(other, {"--steps", "2"}), run, silent_), Error);
}

TEST_F(TrainLoop, AFinishedRunResumedSaysItsLossAgain) {
  const RunFolder run = new_run();
  const Training training = tiny_training(*dataset_, {"--steps", "4", "--log-steps", "2"});
  const double loss = train(training, run, silent_).loss;
  EXPECT_GT(loss, 0);
  EXPECT_EQ(train(training, run, silent_).loss, loss);
}

/// Counts warnings, and asks for a stop from the first of its progress reports of that stage on.
class StopAtStage final : public Monitor {
 public:
  explicit StopAtStage(std::string stage) : stage_(std::move(stage)) {}
  void note(std::string_view) override {}
  void warn(std::string_view) override { ++warnings; }
  void progress(const Progress& progress) override { stop_ = stop_ || progress.stage == stage_; }
  [[nodiscard]] bool stop_requested() const override { return stop_; }
  int warnings = 0;

 private:
  std::string stage_;
  bool stop_ = false;
};

TEST_F(TrainLoop, AStopWhileSamplesAreDrawnSavesAtOnce) {
  const RunFolder run = new_run();
  int drawn = 0;
  const Preview preview = [&](const std::shared_ptr<models::Network>&, Monitor& monitor) -> torch::Tensor {
    ++drawn;
    monitor.progress({"drawing samples", 1, 25, "steps", ""});
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped");
    return torch::zeros({1, 2, 8, 8});
  };
  Training training = tiny_training(*dataset_, {"--steps", "9"}, preview);
  training.options.sample_minutes = 1e-9;
  StopAtStage monitor("drawing samples");
  EXPECT_THROW(train(training, run, monitor), Error);
  EXPECT_EQ(drawn, 1);
  EXPECT_EQ(monitor.warnings, 0);
  EXPECT_EQ(read_checkpoint_info(run.latest_checkpoint()).step, 1);
}

/// Does something at the first progress report, when the run is under way.
class DoesOnce final : public Monitor {
 public:
  explicit DoesOnce(std::function<void()> work) : work_(std::move(work)) {}
  void note(std::string_view) override {}
  void warn(std::string_view line) override { warnings.emplace_back(line); }
  void progress(const Progress&) override {
    if (work_) std::exchange(work_, nullptr)();
  }
  [[nodiscard]] bool stop_requested() const override { return false; }
  std::vector<std::string> warnings;

 private:
  std::function<void()> work_;
};

TEST_F(TrainLoop, WhatCannotBeWrittenOnTheWayIsAWarning) {
  const RunFolder run = new_run();
  const Preview preview = [](const std::shared_ptr<models::Network>&, Monitor&) { return torch::zeros({1, 2, 8, 8}); };
  Training training =
      tiny_training(*dataset_, {"--steps", "3", "--log-steps", "1", "--checkpoint-minutes", "0.01"}, preview);
  training.options.checkpoint_minutes = 1e-9;  // after each step
  training.options.sample_minutes = 1e6;       // the one at the end
  const auto checkpoints = run.path() / "checkpoints";
  const auto aside = run.path() / "aside";
  DoesOnce monitor([&] {  // folders where files should be, and none where one should: stand in for a full disk
    std::filesystem::remove(run.metrics());
    std::filesystem::create_directory(run.metrics());
    std::filesystem::remove_all(run.samples());
    std::filesystem::rename(checkpoints, aside);
  });
  EXPECT_THROW(train(training, run, monitor), Error);  // the last checkpoint is no warning
  std::vector<std::string> kinds;
  for (const std::string& line : monitor.warnings) kinds.push_back(line.substr(0, line.find(':')));
  EXPECT_THAT(kinds, ::testing::ElementsAre("no line of metrics", "no checkpoint", "no line of metrics",
                                            "no checkpoint", "no line of metrics", "no checkpoint"));

  std::filesystem::rename(aside, checkpoints);
  std::filesystem::remove(run.metrics());
  DoesOnce calm([] {});
  EXPECT_EQ(train(training, run, calm).steps, 3);
  EXPECT_THAT(calm.warnings, ::testing::ElementsAre(::testing::StartsWith("no sheet of samples: ")));
  EXPECT_EQ(read_checkpoint_info(run.latest_checkpoint()).step, 3);
}

TEST_F(TrainLoop, APreviewThatLibtorchEndsIsAWarning) {
  const RunFolder run = new_run();
  const Preview preview = [](const std::shared_ptr<models::Network>&, Monitor&) -> torch::Tensor {
    throw std::runtime_error("CUDA out of memory");
  };
  Training training = tiny_training(*dataset_, {"--steps", "1"}, preview);
  training.options.sample_minutes = 1e6;
  DoesOnce monitor([] {});
  EXPECT_EQ(train(training, run, monitor).steps, 1);
  EXPECT_THAT(monitor.warnings, ::testing::ElementsAre("no sheet of samples: CUDA out of memory"));
}

TEST_F(TrainLoop, ADamagedCheckpointIsNamedWithTheOneBeforeIt) {
  const RunFolder run = new_run();
  const Training training = tiny_training(*dataset_, {"--steps", "6"});
  StopAfter monitor(2);
  EXPECT_THROW(train(training, run, monitor), Error);
  train(training, run, silent_);
  ASSERT_EQ(run.checkpoints().size(), 2U);
  std::filesystem::resize_file(run.latest_checkpoint(), std::filesystem::file_size(run.latest_checkpoint()) / 2);
  try {
    train(training, run, silent_);
    FAIL() << "went on with half a checkpoint";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("step-000000006"),
                                               ::testing::HasSubstr("step-000000002.safetensors, may be whole")));
  }
}

TEST_F(TrainLoop, WithoutItsCheckpointsARunStartsOverAndSaysSo) {
  const RunFolder run = new_run();
  const Training training = tiny_training(*dataset_, {"--steps", "2", "--log-steps", "1"});
  train(training, run, silent_);
  std::filesystem::remove(run.latest_checkpoint());
  DoesOnce monitor([] {});
  EXPECT_EQ(train(training, run, monitor).steps, 2);
  EXPECT_THAT(monitor.warnings, ::testing::ElementsAre(::testing::HasSubstr("starting over")));
}

TEST_F(TrainLoop, RefusesAFolderThatIsTrainedIn) {
  RunFolder run = new_run();
  run.lock();
  try {
    train(tiny_training(*dataset_, {"--steps", "1"}), RunFolder::open(run.path()), silent_);
    FAIL() << "trained all the same";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::exists);
  }
}

TEST_F(TrainLoop, KeepsTheNewestCheckpointsAndRewindsMetrics) {
  const RunFolder run = new_run();
  const Training training = tiny_training(*dataset_, {"--steps", "6", "--log-steps", "2", "--keep-checkpoints", "1"});
  StopAfter monitor(4);
  EXPECT_THROW(train(training, run, monitor), Error);
  run.append_metrics({{"step", 5}, {"loss", 0}});  // written by a session that died before its checkpoint
  train(training, run, silent_);
  EXPECT_EQ(run.checkpoints().size(), 1U);
  const std::string text = read_file(run.path() / "metrics.jsonl");
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("\"step\":5")));
  EXPECT_THAT(text, ::testing::HasSubstr("\"step\":6"));
}

TEST_F(TrainLoop, ChannelsMustBeInTheDataSet) {
  TrainOptions options;
  EXPECT_TRUE(uses_mask(options, *dataset_));
  options.channels = {"ct"};
  EXPECT_FALSE(uses_mask(options, *dataset_));
  options.channels = {"mask"};
  EXPECT_THROW((void)uses_mask(options, *dataset_), Error);
}

// However a training begins with another's weights, and when it is taken up again.
TEST_F(TrainLoop, RemembersWhoseWeightsItBeganWith) {
  const Training plain = tiny_training(*dataset_, {"--steps", "2"});
  CheckpointInfo info;
  info.family = "ddpm";
  info.continued.imported = {"adm", "5e1f"};
  info.continued.images_seen = 30;
  info.continued.sha256 = "of its own ancestor";
  info.images_seen = 12;
  info.resolution = 32;
  info.dataset_hash = "small";
  info.data = {{"sources", {{{"name", "kidneys"}, {"licence", "CC0"}, {"citation", ""}, {"url", ""}}}}};
  const auto file = folder_ / "imported.safetensors";
  {
    const data::Loader loader(*dataset_, loader_options(plain.options, *dataset_, {}));
    save_checkpoint(file, info, plain.make_learner(loader)->weights());
  }
  Training continued = plain;
  continued.inherited = Inheritance{
      file,     {-1000, 400}, {}, {}, {"abc", "", 0, 0, info.continued.imported, {"d00d", "older", 7, 16}, true},
      info.data};
  Training transferred = plain;
  transferred.transfer = file;
  for (const Training& training : {continued, transferred}) {
    const RunFolder run = new_run();
    StopAfter monitor(1);
    EXPECT_THROW(train(training, run, monitor), Error);
    EXPECT_EQ(train(training, run, silent_).steps, 2);
    const CheckpointInfo found = read_checkpoint_info(run.latest_checkpoint());
    EXPECT_EQ(found.continued.imported.layout, "adm");
    EXPECT_EQ(found.continued.imported.sha256, "5e1f");
    const Transferred expected =
        training.inherited ? Transferred{"d00d", "older", 7, 16} : Transferred{sha256_file(file), "small", 42, 32};
    EXPECT_EQ(found.continued.transferred.sha256, expected.sha256);
    EXPECT_EQ(found.continued.transferred.dataset_hash, expected.dataset_hash);
    EXPECT_EQ(found.continued.transferred.images_seen, expected.images_seen);
    EXPECT_EQ(found.continued.transferred.resolution, expected.resolution);
    EXPECT_TRUE(found.continued.other_data);
    EXPECT_EQ(found.data["sources"].size(), 1U) << "whose images the other had learnt from";
  }
}

}  // namespace
}  // namespace nodulus::train
