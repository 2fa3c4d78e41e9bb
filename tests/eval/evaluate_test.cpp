#include "nodulus/eval/evaluate.h"

#include <gmock/gmock.h>
#include <torch/types.h>

#include "nodulus/core/npy.h"
#include "nodulus/core/seed.h"
#include "nodulus/eval/sweep_judge.h"
#include "tests/eval/made_images.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::eval {
namespace {

/// A data set of made-up nodules, 60 to train on and 30 held out, and folders of others.
class Evaluating : public ::testing::Test {
 protected:
  void SetUp() override {
    const Images images = made_images(90, 1);
    data::DatasetInfo info;
    info.height = info.width = images.height;
    info.masks = true;
    info.spacing_mm = 0.5;
    std::filesystem::create_directories(folder_ / "set");
    data::DatasetWriter writer(folder_ / "set", info, {"nodule"});
    for (std::int64_t i = 0; i < images.count; ++i) {
      data::Item item;
      item.patient = "p" + std::to_string(i);
      item.split = i < 60 ? data::Split::train : i < 75 ? data::Split::val : data::Split::test;
      std::vector<std::uint8_t> readers(images.mask(i).begin(), images.mask(i).end());
      for (auto& r : readers) r = static_cast<std::uint8_t>(4 * r);
      writer.append(item, images.image(i), readers);
    }
    writer.close({});
    Manifest manifest;
    manifest.kind = "dataset";
    write_manifest(folder_ / "set", manifest);
    write_images("like", made_images(40, 2), {-1000, 400});
    options_.real = folder_ / "set";
    options_.sets = {folder_ / "like"};
    options_.bootstrap = 20;
    options_.pictures = 4;
  }

  void write_images(const std::string& name, const Images& images, WindowHu window) const {
    const auto folder = folder_ / name;
    std::filesystem::create_directories(folder);
    NpyWriter hu(folder / "images.npy", NpyType::int16, {images.height, images.width});
    NpyWriter masks(folder / "masks.npy", NpyType::uint8, {images.height, images.width});
    CsvWriter items(folder / "items.csv", {"seed", "condition"});
    for (std::int64_t i = 0; i < images.count; ++i) {
      hu.append(images.image(i));
      masks.append(images.mask(i));
      items.row(std::vector<std::string>{std::to_string(i), ""});
    }
    hu.close();
    masks.close();
    items.close();
    Manifest manifest;
    manifest.kind = "images";
    manifest.synthetic = true;
    manifest.options["window_hu"] = {window.lo, window.hi};
    write_manifest(folder, manifest);
  }

  [[nodiscard]] Json evaluated() {
    SilentMonitor monitor;
    return evaluate(open_evaluation(options_), options_, monitor);
  }
  static const Json& figure(const Json& set, const std::string& name) {
    for (const Json& f : set["figures"])
      if (f["name"] == name) return f;
    throw Error(ErrorCode::internal, name);
  }

  test::TemporaryFolder folder_;
  EvaluateOptions options_;
};

TEST_F(Evaluating, ImagesOfTheSameMakingAreNearTheFloor) {
  const Json all = evaluated();
  const Json& set = all["sets"][0];
  EXPECT_EQ(all["real"]["counts"]["train"], 60);
  EXPECT_EQ(all["real"]["counts"]["held_out"], 30);
  EXPECT_EQ(all["features"]["distance"], "FD (SqueezeNet)");
  EXPECT_NEAR(figure(set, "fd")["ratio"].get<double>(), 1, 0.25);
  EXPECT_EQ(figure(set, "fd")["matched"]["count"], 30);
  EXPECT_EQ(set["count"], 40);
  EXPECT_EQ(set["synthetic"], true);
  for (const Json& trait : set["traits"]) EXPECT_GT(trait["ks"]["p_corrected"].get<double>(), 0.01) << trait["name"];
  EXPECT_EQ(set["samples"]["count"], 4);
  EXPECT_EQ(all["real"]["spacing_mm"], 0.5);
}

TEST_F(Evaluating, OtherImagesAreFarAndTheirTraitsTellWhy) {
  Images images;
  for (std::uint64_t i = 0; i < 40; ++i) put_nodule(images, derive_seed(5, i), 3, 350);  // small and calcified
  write_images("far", images, {-1000, 400});
  options_.sets.push_back(folder_ / "far");
  const Json all = evaluated();
  const Json& near = all["sets"][0];
  const Json& far = all["sets"][1];
  EXPECT_GT(figure(far, "fd")["ratio"].get<double>(), 2);
  EXPECT_GT(figure(far, "fd")["interval"][0].get<double>(), figure(near, "fd")["interval"][1].get<double>());
  EXPECT_LT(figure(far, "recall_5")["value"].get<double>(), figure(near, "recall_5")["value"].get<double>());
  for (const Json& trait : far["traits"])
    if (trait["name"] == "area" || trait["name"] == "mean_density") {
      EXPECT_LT(trait["ks"]["p_corrected"].get<double>(), 1e-6) << trait["name"];
    }
  EXPECT_GT(far["beyond"]["share"].get<double>(), near["beyond"]["share"].get<double>());
}

TEST_F(Evaluating, ImagesWithoutOutlinesAreOutlinedByANetwork) {
  std::filesystem::remove(folder_ / "like" / "masks.npy");
  options_.outline_epochs = 6;
  const Json all = evaluated();
  const Json& set = all["sets"][0];
  EXPECT_EQ(set["outlines"]["from"], "network");
  EXPECT_EQ(set["outlines"]["held_out"], 30);
  EXPECT_GT(set["outlines"]["dice"].get<double>(), 0.7);
  EXPECT_FALSE(set["traits"].empty());
  options_.outline_epochs = 0;
  EXPECT_TRUE(evaluated()["sets"][0]["traits"].empty());
}

TEST_F(Evaluating, ImagesThatShowNoNoduleAreCounted) {
  Images empty = made_images(20, 2);
  std::fill(empty.masks.begin(), empty.masks.begin() + 10 * 48 * 48, 0);
  write_images("like", empty, {-1000, 400});
  const Json all = evaluated();
  const Json& set = all["sets"][0];
  EXPECT_EQ(set["empty_outlines"]["share"], 0.5);
  EXPECT_EQ(set["empty_outlines"]["floor"], 0.0);
  EXPECT_EQ(set["traits"][0]["generated"]["missing"], 10);
  std::fill(empty.masks.begin(), empty.masks.end(), 0);
  write_images("like", empty, {-1000, 400});
  const Json none = evaluated();
  EXPECT_TRUE(none["sets"][0]["beyond"]["share"].is_null());
  EXPECT_TRUE(none["sets"][0]["traits"][0]["ks"]["p_corrected"].is_null());
}

TEST_F(Evaluating, AFigureAtItsOwnNumberIsItself) {
  write_images("like", made_images(20, 2), {-1000, 400});  // fewer than are held out
  const Json all = evaluated();
  for (const Json& f : all["sets"][0]["figures"]) EXPECT_EQ(f["value"], f["matched"]["value"]) << f["name"];
}

TEST_F(Evaluating, TheSameOptionsGiveTheSameFigures) {
  Json first = evaluated();
  Json second = evaluated();
  for (Json* json : {&first, &second}) (*json)["features"].erase("images_per_second");
  EXPECT_EQ(first, second);
  options_.cache = folder_ / "cache";  // kept features are those that were computed
  Json third = evaluated();
  Json fourth = evaluated();
  EXPECT_EQ(fourth["features"]["images_computed"], 0);
  EXPECT_EQ(first["sets"], third["sets"]);
  EXPECT_EQ(first["sets"], fourth["sets"]);
}

TEST_F(Evaluating, ADamagedCacheIsComputedAnew) {
  options_.cache = folder_ / "cache";
  const Json first = evaluated();
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "cache"))
    std::filesystem::resize_file(file.path(), 50);
  EXPECT_EQ(evaluated()["sets"], first["sets"]);
}

TEST_F(Evaluating, ASweepFindsTheFiguresOfAnEvaluation) {
  write_images("few", made_images(20, 3), {-1000, 400});
  options_.sets = {folder_ / "few"};
  options_.bootstrap = 50;
  options_.copies = false;
  const Json evaluated_once = evaluated();
  const Json& set = evaluated_once["sets"][0];
  SilentMonitor monitor;
  const data::Dataset dataset = data::Dataset::open(folder_ / "set");
  SweepJudge judge(dataset, View{}, {}, {}, monitor);
  const Json swept = judge.figures(open_image_set(folder_ / "few").images, 50, 7);
  EXPECT_NEAR(swept["fd"].get<double>(), figure(set, "fd")["value"].get<double>(), 1e-9);
  EXPECT_NEAR(swept["kid"].get<double>(), figure(set, "kid")["value"].get<double>(), 1e-9);
  EXPECT_LT(swept["interval"][0].get<double>(), swept["fd"].get<double>());
  EXPECT_GT(swept["interval"][1].get<double>(), swept["fd"].get<double>());
  // All held-out images are the evaluation's floor; fewer of them lie further off.
  const Json floor = judge.floor(1000, 7);
  EXPECT_EQ(floor["count"], 30);
  EXPECT_NEAR(floor["fd"].get<double>(), figure(set, "fd")["floor"]["value"].get<double>(), 1e-9);
  EXPECT_GT(judge.floor(10, 7)["fd"].get<double>(), floor["fd"].get<double>());
}

TEST_F(Evaluating, RefusesWhatDoesNotCompare) {
  auto refuse = [&](ErrorCode code, const std::vector<std::string>& parts) {
    test::expect_error([&] { static_cast<void>(open_evaluation(options_)); }, code, parts);
  };
  write_images("wide", made_images(3, 2), {-1350, 150});
  options_.sets.push_back(folder_ / "wide");
  refuse(ErrorCode::usage, {"wide", "window", "-1000", "-1350"});
  options_.sets = {folder_ / "like"};
  options_.downsample = 2;
  refuse(ErrorCode::usage, {"like", "24x24", "48x48"});
  options_.downsample = 0;
  options_.sets = {folder_ / "like", folder_ / "halved", folder_ / "cut"};
  const Json record = {{"schema", {{"name", "nodulus.record"}, {"version", 1}}},
                       {"view", {{"downsample", 1}, {"size", 48}}}};  // a cut of the whole is none
  for (const char* name : {"halved", "cut"}) write_images(name, made_images(3, 2), {-1000, 400});
  write_json(folder_ / "cut" / "record.json", record);
  Json halved = record;
  halved["view"] = {{"downsample", 2}, {"size", 0}};
  write_json(folder_ / "halved" / "record.json", halved);
  refuse(ErrorCode::usage, {"cut", "halved", "--downsample 2", "--downsample 1"});
  options_.sets = {folder_ / "like", folder_ / "cut"};
  EXPECT_EQ(open_evaluation(options_).view.size, 0);
  Json later = record;
  later["schema"]["version"] = 7;
  write_json(folder_ / "cut" / "record.json", later);
  refuse(ErrorCode::bad_input, {"cut", "record.json", "version", "7"});
  later = record;
  later["view"] = Json::array();
  write_json(folder_ / "cut" / "record.json", later);
  refuse(ErrorCode::bad_input, {"cut", "record.json"});
  write_images("none", made_images(0, 2), {-1000, 400});
  options_.sets = {folder_ / "none"};
  refuse(ErrorCode::bad_input, {"none"});
  std::filesystem::create_directories(folder_ / "empty");
  options_.sets = {folder_ / "empty"};
  refuse(ErrorCode::not_found, {"empty"});
  options_.sets = {folder_ / "like"};
  options_.real.clear();
  refuse(ErrorCode::usage, {"--real"});
}

}  // namespace
}  // namespace nodulus::eval
