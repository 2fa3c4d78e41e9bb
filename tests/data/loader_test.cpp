#include "nodulus/data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "tests/data/fixtures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

using nodulus::test::expect_error;

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() : dataset_(Dataset::open(test::make_dataset(folder_ / "d", 30, 8))) {}
  static std::vector<float> load(const Loader& loader, const std::vector<std::uint64_t>& numbers) {
    std::vector<float> out(numbers.size() *
                           static_cast<std::size_t>(loader.channels() * loader.height() * loader.width()));
    loader.batch(numbers, out);
    return out;
  }
  nodulus::test::TemporaryFolder folder_;
  Dataset dataset_;
};

TEST(Permuted, IsABijectionForEveryCountAndKey) {
  for (const std::uint64_t n : {1, 2, 3, 7, 16, 100, 1000, 6371}) {
    for (const std::uint64_t key : {0, 1, 12345}) {
      std::set<std::uint64_t> seen;
      for (std::uint64_t i = 0; i < n; ++i) seen.insert(permuted(i, n, key));
      EXPECT_EQ(seen.size(), n);
      EXPECT_LT(*seen.rbegin(), n);
    }
  }
}

TEST(Permuted, KeysGiveUnrelatedOrders) {
  // Of 1000 places, two random orders agree on 1 by expectation; 10 or more has a chance below 1e-6.
  int same = 0;
  int fixed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same += permuted(i, 1000, 1) == permuted(i, 1000, 2);
    fixed += permuted(i, 1000, 1) == i;
  }
  EXPECT_LT(same, 10);
  EXPECT_LT(fixed, 10);
}

TEST_F(LoaderTest, ReplaysWhatIsKnown) {
  const std::int64_t known = 40;  // of 60 items, in all splits
  const Loader loader(dataset_, {.known_items = known, .replay = 0.25, .seed = 3});
  const auto train = dataset_.items_of(Split::train);
  const auto old_items = std::count_if(train.begin(), train.end(), [&](auto item) { return item < known; });
  const auto new_items = static_cast<std::int64_t>(train.size()) - old_items;
  std::map<std::int64_t, int> times;
  for (std::uint64_t k = 0; k < static_cast<std::uint64_t>(12 * new_items); ++k) ++times[loader.item_of(k)];
  std::int64_t of_old = 0;
  for (const auto& [item, count] : times) {
    if (item < known) {
      of_old += count;
    } else {
      EXPECT_EQ(count, 9) << item;  // whole epochs of the new: three in four of twelve
    }
  }
  EXPECT_EQ(of_old, 3 * new_items);
  for (std::uint64_t k = 0; k < 40; ++k) EXPECT_EQ(loader.item_of(k) < known, k % 4 == 3) << k;
  // Without a share, or where all is known, items come as they do without.
  const Loader plain(dataset_, {.seed = 3});
  for (const Loader& same : {Loader(dataset_, {.known_items = known, .replay = 0, .seed = 3}),
                             Loader(dataset_, {.known_items = 60, .replay = 0.5, .seed = 3})})
    for (std::uint64_t k = 0; k < 100; ++k) EXPECT_EQ(same.item_of(k), plain.item_of(k));
}

TEST_F(LoaderTest, EveryItemComesOnceAnEpochInAnotherOrder) {
  const Loader loader(dataset_, {.seed = 5});
  const auto n = static_cast<std::uint64_t>(loader.items());
  std::vector<std::vector<std::int64_t>> epochs(3);
  for (std::uint64_t k = 0; k < 3 * n; ++k) epochs[k / n].push_back(loader.item_of(k));
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    EXPECT_EQ(epoch, dataset_.items_of(Split::train));
  }
}

TEST_F(LoaderTest, ASampleDoesNotDependOnItsBatch) {
  const LoaderOptions options{.mask_channel = true, .flips = true, .quarter_turns = true, .seed = 9};
  const Loader loader(dataset_, options);
  std::vector<std::uint64_t> numbers(50);
  std::iota(numbers.begin(), numbers.end(), 37);
  const std::vector<float> whole = load(loader, numbers);
  std::vector<float> pieces;
  const Loader resumed(dataset_, options);
  for (const std::uint64_t number : numbers) {
    const std::vector<float> one = load(resumed, {number});
    pieces.insert(pieces.end(), one.begin(), one.end());
  }
  EXPECT_EQ(whole, pieces);
}

TEST_F(LoaderTest, TheWindowMapsToMinusOneAndOneAndTheMaskIsTheConsensus) {
  const Loader loader(dataset_, {.mask_channel = true, .window_hu = WindowHu{0, 40}});
  ASSERT_EQ(loader.channels(), 2);
  for (std::uint64_t k = 0; k < 20; ++k) {
    const std::vector<float> sample = load(loader, {k});
    const std::int64_t item = loader.item_of(k);
    for (std::size_t i = 0; i < 64; ++i) {
      const double hu = static_cast<double>(item) * 7 + static_cast<double>(i);
      EXPECT_FLOAT_EQ(sample[i], static_cast<float>(std::min(hu / 20 - 1, 1.0)));
      const bool inside = i % 8 < 4 && item % 5 >= 2;  // 2 of the item's 4 readers
      EXPECT_EQ(sample[64 + i], inside ? 1.0f : -1.0f);
    }
  }
}

TEST_F(LoaderTest, DownsamplingAveragesAndTheCutIsCentral) {
  const Loader loader(dataset_, {.downsample = 2, .size = 2, .window_hu = WindowHu{-1000, 1000}});
  const std::vector<float> sample = load(loader, {3});
  const double first = static_cast<double>(loader.item_of(3)) * 7;
  // Blocks of rows 2-3 and columns 2-3: pixels 18, 19, 26, 27, whose mean is 22.5.
  EXPECT_FLOAT_EQ(sample[0], static_cast<float>((first + 22.5) / 1000));
  EXPECT_FLOAT_EQ(sample[1], static_cast<float>((first + 24.5) / 1000));
  EXPECT_FLOAT_EQ(sample[2], static_cast<float>((first + 38.5) / 1000));
}

TEST_F(LoaderTest, AllEightPosesComeAndMoveImageAndMaskTogether) {
  const Loader upright(dataset_, {.mask_channel = true, .window_hu = WindowHu{-1000, 1000}});
  const Loader turned(dataset_,
                      {.mask_channel = true, .window_hu = WindowHu{-1000, 1000}, .flips = true, .quarter_turns = true});
  std::set<std::pair<int, int>> poses;
  for (std::uint64_t k = 0; k < 200; ++k) {
    const std::vector<float> before = load(upright, {k});
    const std::vector<float> after = load(turned, {k});
    // Where pixels (0,0) and (0,1) went says the pose; the rest must follow, mask included.
    const auto place = [&](float value) {
      return static_cast<int>(std::find(after.begin(), after.begin() + 64, value) - after.begin());
    };
    poses.insert({place(before[0]), place(before[1])});
    for (std::size_t i = 0; i < 64; ++i) {
      const auto at = static_cast<std::size_t>(place(before[i]));
      ASSERT_LT(at, 64u);
      EXPECT_EQ(after[64 + at], before[64 + i]);
    }
  }
  EXPECT_EQ(poses.size(), 8u);
}

TEST_F(LoaderTest, WhatDoesNotFitIsRefused) {
  const Dataset bare = Dataset::open(test::make_dataset(folder_ / "bare", 30, 8, false));
  expect_error([&] { Loader(bare, {.mask_channel = true}); }, ErrorCode::usage, {"no masks"});
  expect_error([&] { Loader(dataset_, {.downsample = 3}); }, ErrorCode::usage, {"8x8", "3"});
  expect_error([&] { Loader(dataset_, {.downsample = 2, .size = 5}); }, ErrorCode::usage, {"5x5", "4x4"});
  const Dataset one = Dataset::open(test::make_dataset(folder_ / "one", 1, 8));
  const Split other = one.item(0).split == Split::test ? Split::val : Split::test;
  expect_error([&] { Loader(one, {.split = other}); }, ErrorCode::usage, {"no items"});
}

TEST_F(LoaderTest, TheLabelSaysWhereTheConsensusIs) {
  // Three pixels that 1, 2 and 3 of 4 readers marked; each item has another rule.
  ArtifactWriter artifact(folder_ / "e", "dataset", false);
  DatasetInfo info;
  info.height = 1;
  info.width = 3;
  info.masks = true;
  info.labels = {{"readers", "number", "", {}}, {"consensus_at", "number", "", {}}};
  DatasetWriter writer(artifact.path(), info, {"patient"});
  const std::vector<std::int16_t> image(3, 0);
  const std::vector<std::uint8_t> mask{1, 2, 3};
  for (const char* consensus_at : {"1", "3", ""}) {
    Item item;
    item.patient = "P";
    item.labels = {"4", consensus_at};
    writer.append(item, image, mask);
  }
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  write_manifest(artifact.path(), manifest);
  artifact.commit();

  const Dataset dataset = Dataset::open(folder_ / "e");
  const Loader loader(dataset, {.mask_channel = true});
  const std::vector<std::vector<float>> expected{{1, 1, 1}, {-1, -1, 1}, {-1, 1, 1}};
  for (std::uint64_t k = 0; k < 3; ++k) {
    const std::vector<float> out = load(loader, {k});
    EXPECT_EQ(std::vector<float>(out.begin() + 3, out.end()), expected[static_cast<std::size_t>(loader.item_of(k))]);
  }
}

}  // namespace
}  // namespace nodulus::data
