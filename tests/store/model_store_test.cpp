#include "nodulus/store/model_store.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "nodulus/core/files.h"
#include "nodulus/core/hash.h"
#include "nodulus/store/card.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::store {
namespace {

namespace fs = std::filesystem;
using nodulus::test::expect_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// model.json of a small model, but for its files.
Json facts(const std::string& name, int version) {
  Json json = Json::parse(R"json({
    "schema": {"name": "nodulus.model", "version": 2}, "synthetic": true, "family": "ddpm", "image_channels": 2,
    "resolution": 64, "window_hu": [-1000, 400], "parameters": 1234, "precision": "F16",
    "conditions": [{"name": "diameter", "unit": "mm", "kind": "number", "meaning": "longest diameter", "known": 90,
                    "words": {}, "values": [{"number": 4, "name": "", "cases": 40},
                                            {"number": 30, "name": "", "cases": 50}]}],
    "data": {"sha256": "abc", "counts": {"images": 100, "patients": 20, "nodules": 30},
             "sources": [{"name": "LIDC-IDRI", "licence": "CC BY 3.0", "citation": "Armato et al.", "url": "https://d"}]},
    "training": {"step": 10, "images_seen": 160, "images_seen_before": 0, "seconds": 7200, "checkpoint": "c",
                 "options": {}},
    "metrics": {"count": 50, "sampler": "ddim", "steps": 20, "features": "SqueezeNet", "train": 100, "held_out": 40,
                "figures": [{"name": "fd", "title": "FD (SqueezeNet)", "better": "lower", "value": 31.25,
                             "interval": [29, 34], "floor": {"value": 12.5, "interval": null}, "ratio": 2.5}],
                "obedience": [{"label": "diameter_mm", "judge": "outline", "asked": 40, "correct": 0.8,
                               "interval": [0.7, 0.9], "chance": null}],
                "copies": {"named": [], "verdict": "no sign of copying"}},
    "files": {}})json");
  json["name"] = name;
  json["version"] = version;
  return json;
}

class Store : public ::testing::Test {
 protected:
  /// Adds a version whose weights are `text`.
  fs::path publish(const std::string& name, const std::string& text) {
    int version = 0;
    const fs::path folder = store_.next_folder(name, version);
    fs::create_directories(folder);
    write_text(folder / weights_file, text);
    Json json = facts(name, version);
    json["files"][std::string(weights_file)] = sha256_hex(text);
    json["sum"] = sum_of(json);
    write_json(folder / facts_file, json);
    store_.use(name, version);
    return folder;
  }
  nodulus::test::TemporaryFolder folder_;
  ModelStore store_{folder_ / "models"};
};

TEST_F(Store, KeepsVersionsAndGoesBack) {
  EXPECT_TRUE(store_.names().empty());
  publish("lung", "one");
  publish("lung", "two");
  publish("liver", "three");
  EXPECT_THAT(store_.names(), ElementsAre("liver", "lung"));
  EXPECT_THAT(store_.versions("lung"), ElementsAre(1, 2));
  EXPECT_EQ(store_.current("lung"), 2);
  EXPECT_EQ(store_.rollback("lung"), 1);
  EXPECT_EQ(store_.open("lung").version, 1);
  EXPECT_EQ(store_.open("lung", 2).version, 2);
  expect_error([&] { store_.rollback("lung"); }, ErrorCode::not_found, {"before 1"});
  EXPECT_EQ(store_.rollback("lung", 2), 2);
  expect_error([&] { (void)store_.open("lung", 7); }, ErrorCode::not_found, {"version 7", "1, 2"});
  expect_error([&] { (void)store_.open("lunge"); }, ErrorCode::not_found, {"'lunge'", "did you mean 'lung'"});
}

TEST_F(Store, ARemovedVersionsNumberIsNotGivenAgain) {
  publish("lung", "one");
  publish("lung", "two");
  store_.remove("lung", 2);
  EXPECT_EQ(store_.current("lung"), 1);
  EXPECT_EQ(publish("lung", "three").filename(), "3");
  store_.remove("lung", 1);
  EXPECT_EQ(store_.current("lung"), 3);
  expect_error([&] { store_.remove("lung", 1); }, ErrorCode::not_found, {"version 1"});
  store_.remove("lung", 0);
  EXPECT_TRUE(store_.names().empty());
  EXPECT_FALSE(fs::exists(folder_ / "models" / "lung"));
}

TEST_F(Store, WhatWasChangedIsNamedWithBothSums) {
  const fs::path folder = publish("lung", "one");
  verify(store_.open("lung"));
  write_text(folder / weights_file, "ane");
  expect_error([&] { verify(store_.open("lung")); }, ErrorCode::bad_input,
               {"weights.safetensors", "SHA-256", sha256_hex("one"), sha256_hex("ane")});
  fs::remove(folder / weights_file);
  expect_error([&] { verify(store_.open("lung")); }, ErrorCode::bad_input, {"weights.safetensors", "found none"});
  Json json = facts("lung", 1);
  json["files"]["../../secret"] = "abc";
  json["sum"] = sum_of(json);
  write_json(folder / facts_file, json);
  expect_error([&] { verify(store_.open("lung")); }, ErrorCode::bad_input, {"names without a folder", "../../secret"});
  const std::string sum = json["sum"];
  json["parameters"] = 4321;
  write_json(folder / facts_file, json);
  expect_error([&] { verify(store_.open("lung")); }, ErrorCode::bad_input, {"model.json", "sum", sum, sum_of(json)});
  for (const int other : {1, 9}) {
    json["schema"]["version"] = other;
    write_json(folder / facts_file, json);
    expect_error([&] { (void)store_.open("lung"); }, ErrorCode::bad_input,
                 {"model.json", "version", "found " + std::to_string(other)});
  }
  write_text(folder_ / "models" / "lung" / "current.json", "{}");
  expect_error([&] { (void)store_.current("lung"); }, ErrorCode::bad_input, {"current.json", "schema"});
}

TEST_F(Store, ADamagedVersionCanBeLeftAndRemoved) {
  publish("lung", "one");
  publish("lung", "two");
  EXPECT_EQ(store_.rollback_version("lung"), 1);
  EXPECT_EQ(store_.current("lung"), 2) << "it is only told, not done";
  write_text(folder_ / "models" / "lung" / "2" / facts_file, "{");
  store_.remove("lung", 2);
  EXPECT_EQ(store_.current("lung"), 1);
  expect_error([&] { (void)store_.rollback_version("lung"); }, ErrorCode::not_found, {"before 1"});
  expect_error([&] { store_.remove("lung", 2); }, ErrorCode::not_found, {"version 2"});
}

TEST_F(Store, NamesThatLeaveItAreRefused) {
  int version = 0;
  for (const std::string name : {"", "../lung", "a/b", ".hidden", "7", "a b"})
    expect_error([&] { (void)store_.next_folder(name, version); }, ErrorCode::usage, {"'" + name + "'"});
  EXPECT_EQ(store_.next_folder("DDPM_64-v.2", version).filename(), "1");
}

TEST_F(Store, AModelIsFoundByItsFolderOrItsName) {
  const fs::path first = publish("lung", "one");
  publish("lung", "two");
  EXPECT_EQ(published_folder(first), first);
  EXPECT_EQ(published_folder(folder_ / "models" / "lung"), folder_ / "models" / "lung" / "2");
  EXPECT_EQ(published_folder(folder_ / "models" / "lung" / ""), folder_ / "models" / "lung" / "2");
  EXPECT_TRUE(published_folder(folder_ / "models").empty());
  ASSERT_EQ(::setenv("NODULUS_MODELS", (folder_ / "models").c_str(), 1), 0);
  EXPECT_EQ(published_folder("lung"), folder_ / "models" / "lung" / "2");
  EXPECT_EQ(published_folder("lung/1"), folder_ / "models" / "lung/1");
  EXPECT_TRUE(published_folder("lung/3").empty());
  EXPECT_TRUE(published_folder("liver").empty());
  ASSERT_EQ(::unsetenv("NODULUS_MODELS"), 0);
}

TEST(ModelCard, SaysWhatAUserMustKnow) {
  const std::string card = model_card(facts("lung", 2));
  for (const char* const part : {"# lung (version 2)", "synthetic", "What it is not for", "Diagnosis", "CC BY 3.0",
                                 "Armato et al.", "2.0 hours", "FD (SqueezeNet) | 31.25 [29, 34] | 12.5 | 2.5",
                                 "Verdict: no sign of copying.", "`--diameter`", "4 mm", "0.8 [0.7, 0.9] of 40"})
    EXPECT_THAT(card, HasSubstr(part));
  EXPECT_THAT(card, Not(HasSubstr("by force")));
}

TEST(ModelCard, OfImportedWeightsSaysThatAnotherProgramTrainedThem) {
  Json model = facts("lung", 1);
  model["data"] = {{"sha256", ""}};
  model["training"]["step"] = 0;
  model["imported"] = {{"layout", "adm"}, {"sha256", "5e1f"}, {"note", "source and licence are unknown"}};
  const std::string card = model_card(model);
  EXPECT_THAT(card, HasSubstr("By another program: its weights came from a file in the layout adm (SHA-256 5e1f)"));
  EXPECT_THAT(card, HasSubstr("Source and licence are not known."));
  EXPECT_THAT(card, Not(HasSubstr("images seen")));
  EXPECT_THAT(card, Not(HasSubstr("dataset.json")));
}

TEST(ModelCard, OfATrainingThatWentOnFromImportedWeightsStillSaysSo) {
  Json model = facts("lung", 1);
  model["imported"] = {{"layout", "adm"}, {"sha256", "5e1f"}, {"note", "source and licence are unknown"}};
  const std::string card = model_card(model);
  EXPECT_THAT(card, HasSubstr("LIDC-IDRI, CC BY 3.0"));
  EXPECT_THAT(card, HasSubstr("layout adm learnt from, with which it began: source and licence are unknown."));
  EXPECT_THAT(card, HasSubstr("10 steps"));
  EXPECT_THAT(card, HasSubstr("the weights of another program, from a file in the layout adm (SHA-256 5e1f)"));
}

TEST(ModelCard, SaysThatATrainingBeganWithASmallerModel) {
  Json model = facts("lung", 1);
  model["transferred"] = {{"sha256", "d00d"}, {"dataset", "small"}, {"images_seen", 25536}, {"resolution", 32}};
  EXPECT_THAT(model_card(model), HasSubstr("It began with what fitted of the weights of a model of 32x32 pixels that "
                                           "had seen 25536 images (SHA-256 of its checkpoint: d00d)."));
  model["training"]["images_seen_before"] = 100;
  EXPECT_THAT(model_card(model), HasSubstr("That model, or one before it, began with what fitted"));
}

TEST(ModelCard, RefusesWithoutMeasurementsAndWithCopies) {
  Json model = facts("lung", 1);
  EXPECT_EQ(why_not_publishable(model), "");
  model["metrics"]["copies"]["named"] = {3, 8};
  EXPECT_EQ(why_not_publishable(model), "2 of 50 images copy training images");
  EXPECT_THAT(model_card(model), HasSubstr("Published by force: 2 of 50"));
  model["metrics"]["copies"] = nullptr;
  EXPECT_EQ(why_not_publishable(model), "no copies test was made");
  EXPECT_THAT(model_card(model), HasSubstr("Not tested."));
  model["metrics"] = nullptr;
  EXPECT_EQ(why_not_publishable(model), "its images were not measured");
  EXPECT_THAT(model_card(model), HasSubstr("Not measured."));
  model.erase("training");
  expect_error([&] { model_card(model); }, ErrorCode::bad_input, {"model.json", "training"});
}

}  // namespace
}  // namespace nodulus::store
