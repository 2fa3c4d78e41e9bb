#include "nodulus/eval/obedience.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "nodulus/data/dataset.h"
#include "nodulus/eval/classifier.h"
#include "nodulus/traits/catalog.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

std::vector<std::int64_t> alternating(std::int64_t n, std::int64_t classes) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(i % classes);
  return all;
}

/// Two features of which one tells the class, and eight that tell nothing.
Tensor telling(const std::vector<std::int64_t>& classes, std::uint64_t seed) {
  torch::manual_seed(seed);
  Tensor x = torch::randn({static_cast<std::int64_t>(classes.size()), 10}, torch::kDouble);
  for (std::size_t i = 0; i < classes.size(); ++i)
    x[static_cast<std::int64_t>(i)][0] += 4.0 * static_cast<double>(classes[i]);
  return x;
}

std::vector<std::int64_t> each_its_own(std::size_t n) {
  std::vector<std::int64_t> groups(n);
  for (std::size_t i = 0; i < n; ++i) groups[i] = static_cast<std::int64_t>(i);
  return groups;
}

TEST(Classifier, LearnsWhatTells) {
  const auto classes = alternating(150, 3);
  const Classifier classifier(telling(classes, 1), classes, 3, each_its_own(150));
  const auto found = classifier(telling(classes, 2));
  EXPECT_GT(balanced_accuracy(confusion(classes, found, 3)), 0.9);
}

TEST(Classifier, IsByChanceWhereNothingTells) {
  const auto classes = alternating(200, 2);
  torch::manual_seed(3);
  const Classifier classifier(torch::randn({200, 10}), classes, 2, each_its_own(200));
  EXPECT_NEAR(balanced_accuracy(confusion(classes, classifier(torch::randn({200, 10})), 2)), 0.5, 0.12);
}

TEST(Classifier, HeedsARareClass) {
  std::vector<std::int64_t> classes(200, 0);
  for (std::size_t i = 0; i < 10; ++i) classes[i * 20] = 1;
  const Classifier classifier(telling(classes, 4), classes, 2, each_its_own(200));
  const auto table = confusion(classes, classifier(telling(classes, 5)), 2);
  EXPECT_GE(table[1][1], 9);
}

TEST(Confusion, BalancedAccuracyIsTheMeanOverClasses) {
  const auto table = confusion({0, 0, 0, 0, 1, 1}, {0, 0, 0, 1, 1, 0}, 3);
  EXPECT_EQ(table, (std::vector<std::vector<std::int64_t>>{{3, 1, 0}, {1, 1, 0}, {0, 0, 0}}));
  EXPECT_DOUBLE_EQ(balanced_accuracy(table), (0.75 + 0.5) / 2);
}

/// A data set of 80 items with the label "kind" of 1 and 2, and images that are asked for by it.
class Obedience : public ::testing::Test {
 protected:
  void SetUp() override {
    data::DatasetInfo info;
    info.height = info.width = 8;
    info.labels = {{"kind", "number", "", {}},
                   {"diameter_mm", "number", "", {}},
                   {"colour", "text", "", {}},
                   {"grade", "rating", "", {{1, "low"}, {5, "high"}}}};
    std::filesystem::create_directories(folder_ / "set");
    data::DatasetWriter writer(folder_ / "set", info, {"nodule"});
    const std::vector<std::int16_t> image(64, 0);
    for (int i = 0; i < 80; ++i) {
      data::Item item;
      item.patient = "p" + std::to_string(i);
      item.split = i < 60 ? data::Split::train : data::Split::test;
      item.labels = {i == 0 ? "" : std::to_string(1 + i % 2), "5", "red", i % 2 == 0 ? "1" : "5"};
      writer.append(item, image, {});
    }
    const data::DatasetInfo written = writer.close({});
    Manifest manifest;
    manifest.kind = "dataset";
    write_manifest(folder_ / "set", manifest);
    dataset_ = std::make_unique<data::Dataset>(data::Dataset::open(folder_ / "set"));
    training_images_ = images_of(data::Split::train);
    held_out_images_ = images_of(data::Split::test);
    training_ = {&training_images_, telling(kinds(training_images_), 6), {}};
    held_out_ = {&held_out_images_, telling(kinds(held_out_images_), 7), {}};
  }

  [[nodiscard]] Images images_of(data::Split split) const {
    Images images;
    for (const std::int64_t item : dataset_->items_of(split)) {
      images.row.push_back(item);
      images.patient.push_back(dataset_->item(item).patient);
      ++images.count;
    }
    return images;
  }
  [[nodiscard]] static std::vector<std::int64_t> kinds(const Images& images) {
    std::vector<std::int64_t> all;
    for (const std::int64_t row : images.row) all.push_back(row % 2);
    return all;
  }
  /// 40 images that show kind 1 and 2 in turn, asked for as `asked` says.
  [[nodiscard]] Json obeyed(const std::function<std::string(int)>& asked) {
    ImageSet set;
    set.path = "images";
    std::vector<std::int64_t> shown;
    for (int i = 0; i < 40; ++i) {
      set.asked.emplace_back();
      if (const std::string part = asked(i); !part.empty()) set.asked.back().push_back(part);
      shown.push_back(i % 2);
    }
    return obedience(set, {&set.images, telling(shown, 8), {}}, training_, held_out_, *dataset_);
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<data::Dataset> dataset_;
  Images training_images_;
  Images held_out_images_;
  JudgedImages training_;
  JudgedImages held_out_;
};

TEST_F(Obedience, SeesThatImagesAreAsAskedFor) {
  const Json all = obeyed([](int i) { return i < 30 ? "kind=" + std::to_string(1 + i % 2) : ""; });
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["label"], "kind");
  EXPECT_EQ(all[0]["judge"], "classifier");
  EXPECT_EQ(all[0]["judge_trained_on"], 59);  // of one the label is unknown
  EXPECT_EQ(all[0]["asked"], 30);
  EXPECT_GT(all[0]["correct"].get<double>(), 0.9);
  EXPECT_GT(all[0]["judge_accuracy"].get<double>(), 0.9);
  EXPECT_EQ(all[0]["classes"], (Json{"1", "2"}));
}

// Means of readers: more different ones than there are classes, each a step of the scale.
TEST_F(Obedience, AScaleIsJudgedHoweverManyMeansAreAskedFor) {
  const Json all = obeyed([](int i) { return fmt::format("grade={:.2f}", i % 2 == 0 ? 1 + 0.01 * i : 5 - 0.01 * i); });
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0]["label"], "grade");
  EXPECT_EQ(all[0]["judge"], "classifier");
  EXPECT_EQ(all[0]["asked"], 40);
  EXPECT_GT(all[0]["correct"].get<double>(), 0.9);
}

TEST_F(Obedience, CatchesAClassSwap) {
  const Json all = obeyed([](int i) { return "kind=" + std::to_string(2 - i % 2); });
  EXPECT_LT(all[0]["correct"].get<double>(), 0.1);
  EXPECT_LT(all[0]["interval"][1].get<double>(), all[0]["chance"].get<double>());
  EXPECT_GT(all[0]["judge_accuracy"].get<double>(), 0.9);
  EXPECT_GE(all[0]["confusion"][0][1].get<int>(), 18);
  EXPECT_GE(all[0]["confusion"][1][0].get<int>(), 18);
}

TEST_F(Obedience, SizesAreMeasuredOnTheOutline) {
  std::size_t diameter = 0;
  while (traits::catalog()[diameter].name != "longest_diameter") ++diameter;
  ImageSet set;
  set.asked = {{"diameter_mm=5"}, {"diameter_mm=15"}, {"diameter_mm=15"}, {"diameter_mm=5"}};
  JudgedImages judged{&set.images, torch::zeros({4, 10}), {}};
  for (const double measured : {6.0, 13.0, 5.5, std::nan("")}) {
    judged.traits.emplace_back(traits::catalog().size(), 0);
    judged.traits.back()[diameter] = measured;
  }
  const Json all = obedience(set, judged, training_, held_out_, *dataset_);
  EXPECT_EQ(all[0]["judge"], "outline");
  // The empty outline is neither 5 nor 15 mm.
  EXPECT_EQ(all[0]["confusion"], (Json{{1, 0}, {1, 1}}));
  EXPECT_EQ(all[0]["not_measured"], 1);
  EXPECT_NEAR(all[0]["correct"].get<double>(), 0.5, 1e-12);
  for (auto& asked : set.asked) asked = {"diameter_mm=5"};  // of one size alone all would be right
  EXPECT_TRUE(obedience(set, judged, training_, held_out_, *dataset_).empty());
}

TEST_F(Obedience, SizesFromARangeAreRightWithinAQuarter) {
  std::size_t diameter = 0;
  while (traits::catalog()[diameter].name != "longest_diameter") ++diameter;
  ImageSet set;
  JudgedImages judged{&set.images, torch::zeros({40, 10}), {}};
  for (int i = 0; i < 40; ++i) {
    const double wanted = 4 + 0.5 * i;
    set.asked.push_back({"diameter_mm=" + std::to_string(wanted)});
    judged.traits.emplace_back(traits::catalog().size(), 0);
    judged.traits.back()[diameter] = i < 30 ? 1.2 * wanted : i < 36 ? 1.3 * wanted : std::nan("");
  }
  const Json all = obedience(set, judged, training_, held_out_, *dataset_);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["tolerance"], 0.25);
  EXPECT_NEAR(all[0]["correct"].get<double>(), 0.75, 1e-12);
  EXPECT_EQ(all[0]["not_measured"], 4);
  EXPECT_GT(all[0]["chance"].get<double>(), 0.05);
  EXPECT_LT(all[0]["chance"].get<double>(), 0.5);
}

// A length is asked for together with the size of a pixel, which is no label of the data set.
TEST_F(Obedience, NothingJudgesTheSizeOfAPixel) {
  EXPECT_TRUE(obeyed([](int) { return "spacing_mm=0.7"; }).empty());
}

TEST_F(Obedience, RefusesWhatTheDataSetDoesNotKnow) {
  test::expect_error([&] { static_cast<void>(obeyed([](int) { return "kidn=1"; })); }, ErrorCode::usage, {"kind"});
  test::expect_error([&] { static_cast<void>(obeyed([](int) { return "kind=red"; })); }, ErrorCode::bad_input,
                     {"LABEL=NUMBER", "kind=red"});
}

}  // namespace
}  // namespace nodulus::eval
