#include "nodulus/data/conditions.h"

#include <gmock/gmock.h>

#include <cmath>

#include "nodulus/data/loader.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::data {
namespace {

using ::testing::ElementsAre;

/// Another organ's data set: 12 training images with labels that no lung nodule has.
class LiverLesions : public ::testing::Test {
 protected:
  void SetUp() override {
    DatasetInfo info;
    info.height = info.width = 8;
    info.labels = {{"segment", "category", "where it lies", {{2, "left"}, {7, "right"}}},
                   {"enhancement", "rating", "how bright it gets", {{1, "none"}, {2, "some"}, {3, "much"}}},
                   {"volume_mm3", "number", "volume", {}},
                   {"scanner", "text", "who made it", {}},
                   {"note", "text", "each its own", {}},
                   {"gain", "number", "no quantity", {}}};
    std::filesystem::create_directories(folder_ / "set");
    DatasetWriter writer(folder_ / "set", info, {"nodule"});
    for (int i = 0; i < 24; ++i) {
      Item item;
      item.patient = "p" + std::to_string(i);
      item.spacing_mm = 0.5 + 0.01 * i;
      item.split = i < 20 ? Split::train : Split::test;
      item.labels = {i % 2 == 0 ? "2" : "7",      i == 0 ? "" : i == 1 ? "1.5" : std::to_string(1 + i % 3),
                     std::to_string(100 * i),     i < 20 ? (i % 4 == 0 ? "A" : "B") : "C",
                     "note " + std::to_string(i), std::to_string(i)};
      writer.append(item, std::vector<std::int16_t>(64, 0), {});
    }
    writer.close({});
    Manifest manifest;
    manifest.kind = "dataset";
    write_manifest(folder_ / "set", manifest);
    dataset_ = Dataset::open(folder_ / "set");
  }
  nodulus::test::TemporaryFolder folder_;
  Dataset dataset_;
};

TEST_F(LiverLesions, SayWhatTheyCanBeAskedForBy) {
  EXPECT_THAT(telling_labels(dataset_), ElementsAre("segment", "enhancement", "volume_mm3", "scanner", "spacing_mm"));
  const ConditionSchema schema = condition_schema(dataset_, {"all"});
  ASSERT_EQ(schema.labels.size(), 5U);
  EXPECT_EQ(schema.labels[0].kind, ConditionKind::category);
  EXPECT_EQ(schema.labels[0].values[1], (ConditionValue{7, "right", 10}));
  EXPECT_EQ(schema.labels[1].kind, ConditionKind::ordinal);
  EXPECT_EQ(schema.labels[1].known, 19);
  EXPECT_EQ(schema.labels[2].name, "volume");
  EXPECT_EQ(schema.labels[2].unit, "mm3");
  EXPECT_EQ(schema.labels[2].values.back().number, 1900);
  EXPECT_THAT(schema.labels[3].values, ElementsAre(ConditionValue{0, "A", 5}, ConditionValue{1, "B", 15}));
}

TEST_F(LiverLesions, AnItemsValuesAreFound) {
  const ConditionSchema schema = condition_schema(dataset_, {"scanner", "enhancement", "spacing_mm"});
  EXPECT_EQ(condition_of(dataset_, schema, 1), (Condition{1, 1.5, 0.51}));
  EXPECT_EQ(condition_of(dataset_, schema, 0), (Condition{0, std::nullopt, 0.5}));
  EXPECT_EQ(condition_of(dataset_, schema, 22)[0], std::nullopt);  // no training image is of scanner C
}

TEST_F(LiverLesions, AModelThatLearnsOnKeepsWhatItKnows) {
  ConditionSchema model = condition_schema(dataset_, {"segment", "enhancement", "volume_mm3", "scanner"});
  model.labels[0].values = {{1, "dome", 30}, {2, "left", 9}};
  model.labels[2].values = {{150, "", 1}, {1000, "", 2}, {5000, "", 3}};
  model.labels[3].values = {{0, "Z", 5}, {1, "B", 7}};
  model.labels.push_back({"age", "", ConditionKind::number, "age", {{20, "", 4}, {80, "", 4}}, 8});
  const ConditionSchema wider = extended_schema(model, dataset_, {"segment", "spacing_mm"});
  ASSERT_EQ(wider.labels.size(), 6U);
  EXPECT_THAT(wider.labels[0].values,
              ElementsAre(ConditionValue{1, "dome", 0}, ConditionValue{2, "left", 10}, ConditionValue{7, "right", 10}));
  EXPECT_THAT(wider.labels[2].values,  // volumes 0 to 1900: 0 to 500, to 1900, none
              ElementsAre(ConditionValue{150, "", 6}, ConditionValue{1000, "", 14}, ConditionValue{5000, "", 0}));
  EXPECT_THAT(wider.labels[3].values,
              ElementsAre(ConditionValue{0, "Z", 0}, ConditionValue{1, "B", 15}, ConditionValue{2, "A", 5}));
  EXPECT_EQ(wider.labels[4].known, 0);
  EXPECT_EQ(wider.labels[5].column(), "spacing_mm");
  EXPECT_THAT(columns_in(model, wider), ElementsAre(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13));
  // Item 4: segment left, of scanner A, which the model numbers anew; its age is unknown.
  EXPECT_EQ(condition_of(dataset_, wider, 4), (Condition{2, 2, 400, 2, std::nullopt, 0.54}));
  EXPECT_EQ(extended_schema(wider, dataset_, {"segment"}), wider);
  model.labels[0].values = {{2, "left", 9}, {7, "caudate", 1}};
  nodulus::test::expect_error([&] { extended_schema(model, dataset_, {}); }, ErrorCode::usage,
                              {"'segment'", "7 is 'caudate'", "'right'"});
}

TEST_F(LiverLesions, RefuseWhatTellsNothing) {
  nodulus::test::expect_error([&] { condition_schema(dataset_, {"segmemt"}); }, ErrorCode::usage,
                              {"segmemt", "did you mean 'segment'"});
  DatasetInfo info = dataset_.info();
  nodulus::test::expect_error([&] { Loader loader(dataset_, {.conditions = {"nothing"}}); }, ErrorCode::usage,
                              {"nothing"});
}

TEST_F(LiverLesions, TheLoaderHandsThemOutWithTheImages) {
  const Loader loader(dataset_, {.conditions = {"segment", "volume_mm3"}, .seed = 4});
  ASSERT_EQ(loader.conditions().width(), 2 + 8);
  std::vector<float> rows(20);
  loader.labels(std::vector<std::uint64_t>{3, 25}, rows);
  for (const auto& [row, sample] : {std::pair{0, 3U}, {1, 25U}}) {
    std::vector<float> expected(10);
    encode(loader.conditions(), condition_of(dataset_, loader.conditions(), loader.item_of(sample)), expected);
    EXPECT_EQ(std::vector<float>(rows.begin() + 10 * row, rows.begin() + 10 * row + 10), expected);
  }
  EXPECT_TRUE(Loader(dataset_, {}).conditions().empty());
}

TEST(Diameter, IsThatOfTheOutlineOnTheImage) {
  nodulus::test::TemporaryFolder folder;
  DatasetInfo info;
  info.height = info.width = 32;
  info.masks = true;
  info.labels = {{"diameter_mm", "number", "of the nodule on another slice", {}}};
  std::filesystem::create_directories(folder / "set");
  DatasetWriter writer(folder / "set", info, {"nodule"});
  for (int i = 0; i < 6; ++i) {
    Item item;
    item.patient = "p" + std::to_string(i);
    item.spacing_mm = i == 5 ? std::nan("") : 0.5;
    item.split = Split::train;
    item.labels = {"99"};
    std::vector<std::uint8_t> readers(32 * 32, 1);  // one of four is no consensus
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        if (std::hypot(x - 16, y - 16) < 3 + i) readers[static_cast<std::size_t>(32 * y + x)] = 3;
    if (i == 4) readers.assign(32 * 32, 0);
    writer.append(item, std::vector<std::int16_t>(32 * 32, 0), readers);
  }
  writer.close({});
  Manifest manifest;
  manifest.kind = "dataset";
  write_manifest(folder / "set", manifest);
  const Dataset dataset = Dataset::open(folder / "set");
  EXPECT_THAT(telling_labels(dataset), ElementsAre("diameter_mm"));
  const ConditionSchema schema = condition_schema(dataset, {"diameter_mm"});
  EXPECT_EQ(schema.labels[0].name, "diameter");
  EXPECT_EQ(schema.labels[0].known, 4);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(*condition_of(dataset, schema, i)[0], 3 + i, 0.35) << i;
  EXPECT_EQ(condition_of(dataset, schema, 4)[0], std::nullopt);  // no outline
  EXPECT_EQ(condition_of(dataset, schema, 5)[0], std::nullopt);  // no pixel size
}

}  // namespace
}  // namespace nodulus::data
