#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "nodulus/core/artifact.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/dataset.h"
#include "nodulus/train/diffusion_learner.h"
#include "nodulus/train/loop.h"

namespace nodulus::train {

/// A scratch folder of this test, empty.
inline std::filesystem::path scratch() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  auto folder = std::filesystem::path(::testing::TempDir()) / "nodulus" / test->test_suite_name() / test->name();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

/// Twelve discs on noise with their masks, 8x8 or of another even side.
inline void write_tiny_dataset(const std::filesystem::path& folder, int side = 8) {
  ArtifactWriter artifact(folder, "dataset", false);
  data::DatasetInfo info;
  info.height = info.width = side;
  info.masks = true;
  data::DatasetWriter writer(artifact.path(), info, {"patient", "nodule"});
  for (int i = 0; i < 12; ++i) {
    const auto pixels = static_cast<std::size_t>(side * side);
    std::vector<float> noise(pixels);
    RandomStream(static_cast<std::uint64_t>(i)).fill_normal(noise);
    std::vector<std::int16_t> image(pixels);
    std::vector<std::uint8_t> mask(pixels);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const auto at = static_cast<std::size_t>(y * side + x);
        mask[at] = (x - side / 2 + 1) * (x - side / 2 + 1) + (y - side / 2) * (y - side / 2) <= 2 + i % 4 ? 4 : 0;
        image[at] = static_cast<std::int16_t>((mask[at] ? 0 : -800) + 50 * noise[at]);
      }
    }
    data::Item item;
    item.patient = "P" + std::to_string(i);
    item.nodule = "1";
    item.split = data::Split::train;
    writer.append(item, image, mask);
  }
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  manifest.command = "test";
  write_manifest(artifact.path(), manifest);
  artifact.commit();
}

/// A training of a network small enough for a test. The data set must outlive it.
inline Training tiny_training(const data::Dataset& dataset, const std::vector<std::string>& words = {},
                              const Preview& preview = {}) {
  Training training;
  training.family = "ddpm";
  training.dataset = &dataset;
  training.options.batch = 5;
  training.options.sample_minutes = 0;
  training.options.flips = true;
  training.options.seed = 9;
  const std::shared_ptr<models::Architecture> architecture = models::family("ddpm").make();
  const std::shared_ptr<process::Process> process = process::make_process("ddpm");
  DiffusionOptions diffusion;
  diffusion.warmup_steps = 3;
  Options options;
  training.options.describe(options);
  diffusion.describe(options);
  architecture->describe(options);
  process->describe(options);
  std::vector<std::string> all{"--unet.channels", "8", "--unet.multipliers", "1,2", "--unet.attention", "4"};
  all.insert(all.end(), words.begin(), words.end());
  options.parse(all);
  process->prepare(NoiseLabels::index);
  architecture->fit(2, 8, 0);
  training.resolved_options = options.to_json();
  const DiffusionStepOptions step{training.options.batch, diffusion.learning_rate, diffusion.warmup_steps,
                                  diffusion.clip_norm,    diffusion.ema_decay,     training.options.seed};
  training.make_learner = [=](const data::Loader& loader) {
    return std::make_unique<DiffusionLearner>(*architecture, process, loader, step, preview);
  };
  return training;
}

}  // namespace nodulus::train
