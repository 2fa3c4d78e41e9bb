#include "nodulus/core/options.h"

#include <gmock/gmock.h>

#include <fstream>

#include "nodulus/core/error.h"

namespace nodulus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Settings {
  int batch = 8;
  double rate = 2e-4;
  bool flips = false;
  std::string family = "ddpm";
  std::vector<int> multipliers{1, 2};
  std::vector<std::string> channels{"ct"};
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path config;
};

Options describe(Settings& s) {
  Options options;
  options.add("inputs", s.inputs, "what to read").positional();
  options.add("batch", s.batch, "images a step").between(1, 1024);
  options.add("learning_rate", s.rate, "Adam's step size");
  options.add("flips", s.flips, "mirror images");
  options.add("family", s.family, "kind of model").one_of({"ddpm", "stylegan2-ada"});
  options.add("unet.multipliers", s.multipliers, "channels by level");
  options.add("channels", s.channels, "planes").one_of({"ct", "mask"});
  options.add("config", s.config, "settings file").command_line_only();
  return options;
}

std::string error_of(const std::vector<std::string>& words) {
  Settings s;
  Options options = describe(s);
  try {
    options.parse(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "no error";
}

TEST(Options, FlagsOfEveryKind) {
  Settings s;
  Options options = describe(s);
  options.parse({"a", "b", "--batch", "16", "--learning-rate=1e-3", "--flips", "--unet.multipliers", "1,2,4",
                 "--channels=ct,mask"});
  EXPECT_EQ(s.batch, 16);
  EXPECT_DOUBLE_EQ(s.rate, 1e-3);
  EXPECT_TRUE(s.flips);
  EXPECT_THAT(s.multipliers, ElementsAre(1, 2, 4));
  EXPECT_THAT(s.channels, ElementsAre("ct", "mask"));
  EXPECT_THAT(s.inputs, ElementsAre("a", "b"));
}

TEST(Options, ErrorsNameTheFlagTheValueAndTheRemedy) {
  EXPECT_EQ(error_of({"a", "--batch", "0"}), "--batch: expected a value from 1 to 1024, found 0");
  EXPECT_EQ(error_of({"a", "--batch", "8x"}), "--batch: expected a whole number, found '8x'");
  EXPECT_EQ(error_of({"a", "--bach", "8"}), "unknown option '--bach'; did you mean '--batch'?");
  EXPECT_EQ(error_of({"a", "--no-flps"}), "unknown option '--no-flps'; did you mean '--no-flips'?");
  EXPECT_EQ(error_of({"a", "--family", "dppm"}),
            "--family: expected one of ddpm, stylegan2-ada; found 'dppm'; did you mean 'ddpm'?");
  EXPECT_EQ(error_of({}), "expected inputs (what to read)");
  EXPECT_THAT(error_of({"a", "--learning-rate", "nan"}), HasSubstr("expected a number"));
}

TEST(Options, APathByPositionIsRequiredToo) {
  std::filesystem::path dataset;
  Options options;
  options.add("dataset", dataset, "what to look at").positional();
  EXPECT_THROW(options.parse({}), Error);
  options.parse({"here"});
  EXPECT_EQ(dataset, "here");
}

TEST(Options, FlagsWinOverTheFileWhichWinsOverDefaults) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "options_test.toml";
  std::ofstream(file) << "batch = 32\nlearning_rate = 0.5\n[unet]\nmultipliers = [3, 3]\n";
  Settings s;
  Options options = describe(s);
  options.parse({"a", "--config", file.string(), "--batch", "64"});
  EXPECT_EQ(s.batch, 64);
  EXPECT_DOUBLE_EQ(s.rate, 0.5);
  EXPECT_THAT(s.multipliers, ElementsAre(3, 3));
  EXPECT_EQ(s.family, "ddpm");
}

TEST(Options, TomlErrorsNameFileLineAndNearestKey) {
  Settings s;
  Options options = describe(s);
  auto message = [&](const std::string& text) -> std::string {
    try {
      options.read_toml(text, "r.toml");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message("batch = 1\nbatc = 2"), "r.toml:2: unknown key 'batc'; did you mean 'batch'?");
  EXPECT_EQ(message("batch = \"8\""), "r.toml:1: batch: expected a number, found a string");
  EXPECT_EQ(message("family = 3"), "r.toml:1: family: expected a string, found a integer");
  EXPECT_EQ(message("batch = [1]"), "r.toml:1: batch: expected one value, found a list");
  EXPECT_THAT(message("batch = = 2"), HasSubstr("r.toml:1: "));
  EXPECT_THAT(message("config = \"x\""), HasSubstr("unknown key 'config'"));
}

TEST(Options, TomlAndJsonCarryEverySavedValue) {
  Settings s;
  Options options = describe(s);
  options.parse({"a", "--batch", "7", "--learning-rate", "0.125", "--unet.multipliers", "4,5", "--flips"});
  Settings from_toml;
  Options toml_options = describe(from_toml);
  toml_options.read_toml(options.to_toml(), "config.toml");
  EXPECT_EQ(from_toml.batch, 7);
  EXPECT_DOUBLE_EQ(from_toml.rate, 0.125);
  EXPECT_THAT(from_toml.multipliers, ElementsAre(4, 5));
  EXPECT_TRUE(from_toml.flips);
  Settings from_json;
  Options json_options = describe(from_json);
  json_options.read_json(options.to_json(), "manifest.json");
  EXPECT_EQ(json_options.to_toml(), options.to_toml());
}

TEST(Options, HelpListsSectionsFlagsAndDefaults) {
  Settings s;
  const Options options = describe(s);
  const std::string text = options.help("nodulus x");
  EXPECT_THAT(text, HasSubstr("Usage: nodulus x inputs... [OPTIONS]"));
  EXPECT_THAT(text, HasSubstr("--batch INT"));
  EXPECT_THAT(text, HasSubstr("images a step [8]"));
  EXPECT_THAT(text, HasSubstr("\nunet:\n  --unet.multipliers INT,..."));
}

}  // namespace
}  // namespace nodulus
