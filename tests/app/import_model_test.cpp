#include <gmock/gmock.h>

#include <array>
#include <cstdio>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/gan.h"
#include "nodulus/core/safetensors.h"
#include "nodulus/eval/state_dict.h"
#include "nodulus/train/run_folder.h"
#include "tests/models/golden.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_training.h"

// Files as other programs have them go in by the command line, and give the numbers of those programs: see
// tests/models/foreign_golden.py for what made these.
namespace nodulus::app {
namespace {

using models::golden_difference;
using models::golden_foreign_case;
using models::golden_foreign_tensors;
using ::testing::HasSubstr;

class ImportModelTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  /// What the program says; its exit code is in exit_code_.
  std::string said(const std::string& words) {
    std::string output;
    std::FILE* pipe = ::popen((std::string(NODULUS_PROGRAM) + " " + words + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      output.append(buffer.data(), n);
    exit_code_ = ::pclose(pipe) >> 8;
    return output;
  }

  void write(const std::string& name, const std::string& case_name) {
    eval::write_state_dict(path(name), golden_foreign_tensors(golden_foreign_case(case_name)));
  }

  /// `models import` of a small U-Net with outlines.
  std::string import_unet(const std::string& file, const std::string& words, const std::string& multipliers = "1,2") {
    return said("models import " + path(file) + " --channels ct,mask --size 16 --unet.multipliers " + multipliers +
                " --unet.blocks 1 --unet.attention 8 --out " + path("model.safetensors") + " " + words);
  }

  /// Of the network that was imported, from what the authors' code gives.
  [[nodiscard]] double output_difference(const std::string& case_name) const {
    const auto entry = golden_foreign_case(case_name);
    const TrainedModel model = load_model(path("model.safetensors"));
    model.network->eval();
    const torch::NoGradGuard no_grad;
    const auto c_noise = torch::tensor(entry.at("c_noise").get<std::vector<float>>());
    const torch::Tensor x = entry.value("input_scale", 1.0) * models::golden_image(2, 16);
    return golden_difference(entry, model.network->forward(x, c_noise));
  }
  void expect_outputs(const std::string& case_name) const { EXPECT_LT(output_difference(case_name), 1e-4); }

  /// The checkpoint of a run of one step that goes on from the imported model.
  std::filesystem::path trained_on(const std::string& words) {
    train::write_tiny_dataset(path("dataset"), 16);
    const std::string text = said("train --continue " + path("model.safetensors") + " --data " + path("dataset") +
                                  " --out " + path("runs") + " --name t --steps 1 --sample-minutes 0 " + words);
    EXPECT_EQ(exit_code_, 0) << text;
    return train::RunFolder::open(path("runs/00000-t")).latest_checkpoint();
  }

  test::TemporaryFolder folder_;
  int exit_code_ = -1;
};

using ::testing::AllOf;

const std::string score_sde = "--layout score-sde --unet.channels 16";
const std::string adm = "--layout adm --unet.channels 32 --window-hu=-1000,600";
const std::string small_stylegan2 =
    "--size 16 --stylegan2.z 24 --stylegan2.w 32 --stylegan2.mapping-layers 2 --stylegan2.fmaps 0.015625 "
    "--stylegan2.channel-max 40";

TEST_F(ImportModelTest, OfScoreSdeKeepsItsOwnFrequencies) {
  write("x.pth", "NCSN++");
  EXPECT_THAT(import_unet("x.pth", score_sde + " --centered"), HasSubstr("ncsnpp"));
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("NCSN++");
  write("x.pth", "DDPM++");
  import_unet("x.pth", score_sde + " --family ddpmpp --force");
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("DDPM++");
}

// As their VE settings have them: what the denoiser gives at our noise levels is what theirs gives at its own.
TEST_F(ImportModelTest, OfScoreSdeTakesImagesFrom0To1WhereTheNoiseIsVe) {
  const std::string name = "NCSN++ of uncentred images";
  write("x.pth", name);
  EXPECT_THAT(import_unet("x.pth", score_sde + " --ve.sigma-max 30"), HasSubstr("its images went from 0 to 1"));
  ASSERT_EQ(exit_code_, 0);
  expect_outputs(name);
  const TrainedModel model = load_model(path("model.safetensors"));
  model.network->eval();
  EXPECT_EQ(model.info.options.at("ve.sigma_min"), 0.02);
  EXPECT_EQ(model.info.options.at("ve.sigma_max"), 60);
  const auto entry = golden_foreign_case(name);
  const torch::NoGradGuard no_grad;
  const auto denoiser = model.family.process->denoiser(
      [&](const torch::Tensor& x, const torch::Tensor& c_noise) { return model.network->forward(x, c_noise); });
  const auto sigma = torch::tensor(entry.at("sigma").get<std::vector<double>>(), torch::kDouble);
  const auto denoised = denoiser(models::golden_image(2, 16).to(torch::kDouble), sigma);
  EXPECT_LT(golden_difference({{"output", entry.at("denoised")}, {"stride", 7}}, denoised), 1e-4);
  import_unet("x.pth", score_sde + " --centered --force");
  EXPECT_GT(output_difference(name), 0.05);
}

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}
std::string pickled(const std::string& text) { return "X" + little(text.size(), 4) + text; }

/// A training's file as torch.save() once wrote it: {"model": weights, "ema": {"shadow_params": averages}}.
class TrainingFile {
 public:
  TrainingFile(const eval::StateDict& weights, const std::vector<torch::Tensor>& averages) {
    object_ = "}(" + pickled("model") + "}(";
    for (const auto& [name, values] : weights) add(pickled(name), values);
    object_ += "u" + pickled("ema") + "}" + pickled("shadow_params") + "](";
    for (const torch::Tensor& values : averages) add("", values);
    object_ += "esu.";
  }
  [[nodiscard]] std::string bytes() const {
    using namespace std::string_literals;
    return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
           "\x80\x02M\xe9\x03."
           "\x80\x02}"s +
           pickled("little_endian") + "\x88s.\x80\x02" + object_ + "\x80\x02](" + keys_ + "e." + storages_;
  }

 private:
  void add(const std::string& name, const torch::Tensor& values) {
    const std::string key = pickled(std::to_string(count_++));
    auto numbers = [](at::IntArrayRef all) {
      std::string text = "(";
      for (const std::int64_t n : all) text += "J" + little(static_cast<std::uint64_t>(n), 4);
      return text + "t";
    };
    const auto count = static_cast<std::uint64_t>(values.numel());
    object_ += name + "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\nFloatStorage\n" + key +
               pickled("cpu") + "J" + little(count, 4) + "tQJ" + little(0, 4) + numbers(values.sizes()) +
               numbers(values.strides()) + "\x89}tR";
    keys_ += key;
    storages_ += little(count, 8);
    storages_.append(static_cast<const char*>(values.data_ptr()), values.nbytes());
  }

  std::string object_, keys_, storages_;
  int count_ = 0;
};

TEST_F(ImportModelTest, TakesTheMovingAveragesUnlessTheLastWeightsAreAskedFor) {
  const auto right = golden_foreign_tensors(golden_foreign_case("NCSN++"));
  auto wrong = right;
  std::vector<torch::Tensor> averages;
  std::vector<torch::Tensor> wrong_averages;
  for (auto& [name, values] : wrong) {
    if (name == "sigmas" || name == "all_modules.0.W") continue;  // nothing trains them
    averages.push_back(values);
    wrong_averages.push_back(values = values + 1);
  }
  test::write_all(path("x.pth"), TrainingFile(wrong, averages).bytes());
  EXPECT_THAT(import_unet("x.pth", score_sde + " --centered"), HasSubstr("the weights are the file's moving averages"));
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("NCSN++");
  test::write_all(path("x.pth"), TrainingFile(right, wrong_averages).bytes());
  import_unet("x.pth", score_sde + " --centered --weights last --force");
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("NCSN++");
}

TEST_F(ImportModelTest, OfAdmTakesHeadsInEitherOrder) {
  const std::string name = "heads by their channels in the new order";
  write("x.pt", name);
  const std::string words = adm + " --unet.heads 1 --unet.head-channels 16 --heads-order ";
  const std::string text = import_unet("x.pt", words + "new", "2,3");
  ASSERT_EQ(exit_code_, 0) << text;
  expect_outputs(name);
  import_unet("x.pt", words + "legacy --force", "2,3");
  ASSERT_EQ(exit_code_, 0);
  EXPECT_GT(output_difference(name), 0.01);
}

TEST_F(ImportModelTest, WhatATrainingMakesOfItStillSaysWhereItCameFrom) {
  write("x.pt", "guided-diffusion");
  import_unet("x.pt", adm);
  ASSERT_EQ(exit_code_, 0);
  EXPECT_THAT(said("describe " + path("model.safetensors")), HasSubstr("Its weights are another program's (adm)"));
  const train::CheckpointInfo info = train::read_checkpoint_info(trained_on("--batch 2"));
  EXPECT_EQ(info.step, 1);
  EXPECT_EQ(info.continued.imported.layout, "adm");
  EXPECT_THAT(said("describe " + path("runs/00000-t")), HasSubstr("Its weights began as another program's (adm)"));
  said("publish " + path("runs/00000-t") + " tiny --force --store " + path("store"));
  EXPECT_EQ(exit_code_, 0);
  EXPECT_THAT(test::read_all(path("store/tiny/1/MODEL_CARD.md")),
              AllOf(HasSubstr("source and licence of those weights are not known"),
                    HasSubstr("It began with the weights of another program, from a file in the layout adm")));
  said("models export " + path("runs/00000-t") + " " + path("x.ts"));
  EXPECT_EQ(exit_code_, 0);
  EXPECT_THAT(test::read_all(path("x.ts")), HasSubstr("source and licence of those weights are not known"));
}

TEST_F(ImportModelTest, OfAdmSaysWhatItLeavesOut) {
  write("x.pt", "guided-diffusion");
  EXPECT_THAT(import_unet("x.pt", adm), HasSubstr("the outputs for a learnt variance were left out"));
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("guided-diffusion");
  const TrainedModel model = load_model(path("model.safetensors"));
  EXPECT_EQ(model.info.window_hu.lo, -1000);
  EXPECT_EQ(model.info.window_hu.hi, 600);
  EXPECT_EQ(model.family.process_name, "ddpm");
  EXPECT_THAT(said("generate " + path("model.safetensors") + " --count 1 --steps 2 --out " + path("images")),
              HasSubstr("images"));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(ImportModelTest, ReadsSafetensors) {
  auto tensors = golden_foreign_tensors(golden_foreign_case("guided-diffusion"));
  std::vector<TensorView> views;
  for (const auto& [name, values] : tensors)
    views.push_back(
        {name, "F32", values.sizes().vec(), {static_cast<const std::byte*>(values.data_ptr()), values.nbytes()}});
  write_safetensors(path("x.safetensors"), views, {});
  import_unet("x.safetensors", adm);
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("guided-diffusion");
}

TEST_F(ImportModelTest, OfStyleGan2DrawsAndPublishesWithItsDiscriminator) {
  write("g.pt", "generator");
  write("d.pt", "discriminator");
  const std::string model = path("model.safetensors");
  const std::string text = said("models import " + path("g.pt") + " --layout stylegan2-ada --discriminator " +
                                path("d.pt") + " --out " + model + " " + small_stylegan2);
  ASSERT_EQ(exit_code_, 0) << text;
  const auto entry = golden_foreign_case("generator");
  const auto generator = load_generator(model, train::read_checkpoint_info(model), torch::kCPU);
  {
    const torch::NoGradGuard no_grad;
    const auto ws = generator->broadcast(generator->map(models::golden_normal("z", {2, 24}), {}), 0.7);
    EXPECT_LT(golden_difference(entry, generator->synthesize(ws, models::LayerNoise::constant)), 1e-4);
  }
  EXPECT_EQ(train::read_checkpoint_info(model).options.at("stylegan2.clamp"), 256);
  const SafetensorsFile file(model);
  EXPECT_TRUE(file.tensors().contains("discriminator/b4.out.weight"));
  said("publish " + model + " tiny --force --store " + path("store"));
  EXPECT_EQ(exit_code_, 0);
  said("generate " + path("store/tiny/1") + " --count 2 --out " + path("images"));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(ImportModelTest, OfStyleGan2KeepsItsLimitOfActivationsInTraining) {
  write("g.pt", "clamped generator");
  write("d.pt", "clamped discriminator");
  const std::string model = path("model.safetensors");
  const std::string words = "models import " + path("g.pt") + " --layout stylegan2-ada --stylegan2.clamp 2 --out " +
                            model + " --batch 4 " + small_stylegan2;
  said(words + " --discriminator " + path("d.pt"));
  ASSERT_EQ(exit_code_, 0);
  {
    const auto generator = load_generator(model, train::read_checkpoint_info(model), torch::kCPU);
    const torch::NoGradGuard no_grad;
    const auto ws = generator->broadcast(generator->map(models::golden_normal("z", {2, 24}), {}), 0.7);
    EXPECT_LT(golden_difference(golden_foreign_case("clamped generator"),
                                generator->synthesize(ws, models::LayerNoise::constant)),
              1e-4);
  }
  EXPECT_EQ(train::read_checkpoint_info(trained_on("")).options.at("stylegan2.clamp"), 2);
  said(words + " --force");
  ASSERT_EQ(exit_code_, 0);
  const std::string text = said("train --continue " + model + " --data " + path("dataset") + " --out " + path("runs") +
                                " --name u --steps 1");
  EXPECT_EQ(exit_code_, 1) << text;
  EXPECT_THAT(text,
              AllOf(HasSubstr("expected a discriminator to train on with, found none"), HasSubstr("--discriminator")));
}

TEST_F(ImportModelTest, ARehearsalLooksForTheFiles) {
  EXPECT_THAT(import_unet("none.pt", adm + " --dry-run"), HasSubstr("none.pt: no such file"));
  EXPECT_EQ(exit_code_, 1);
  EXPECT_THAT(import_unet("none.safetensors", adm + " --dry-run"), HasSubstr("none.safetensors"));
  EXPECT_EQ(exit_code_, 1);
  test::write_all(path("text.pt"), "a text");
  EXPECT_THAT(import_unet("text.pt", adm + " --dry-run"), HasSubstr("expected a state dict that torch.save() wrote"));
  EXPECT_EQ(exit_code_, 1);
  write("g.pt", "generator");
  const std::string text = said("models import " + path("g.pt") + " --layout stylegan2-ada --dry-run --discriminator " +
                                path("d.pt") + " --out " + path("model.safetensors") + " " + small_stylegan2);
  EXPECT_THAT(text, HasSubstr("d.pt: no such file"));
  EXPECT_THAT(import_unet("g.pt", adm + " --dry-run"), HasSubstr("would write"));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(ImportModelTest, RefusesByNameFieldAndExpectedValue) {
  write("x.pth", "NCSN++");
  const auto refused = [&](const std::string& words, int code, const std::string& part) {
    const std::string text = import_unet("x.pth", words);
    EXPECT_THAT(text, HasSubstr(part));
    EXPECT_EQ(exit_code_, code) << text;
    EXPECT_FALSE(std::filesystem::exists(path("model.safetensors")));
  };
  refused("--layout score-sde --unet.channels 32", 1, "x.pth: tensor 'all_modules.0.W': expected [32]");
  refused(score_sde + " --no-unet.fir", 1, "Conv_0.weight': expected [");
  refused(adm, 1, "expected tensors named as 'time_embed.0.weight', found 'all_modules.0.W' and others");
  refused("--layout adm --family ncsnpp --unet.channels 32", 2, "form adm goes with a positional embedding");
  refused("--layout score-sde --family scorenet", 2, "expected a family of these, found scorenet");
  refused("--layout score-sde --family stylegan2-ada", 2, "--family: layout score-sde");
  refused("--layout score-sd", 2, "did you mean 'score-sde'?");
  refused("--layout score-sde --family ddpm --unet.channels 64", 2, "expected unet.channels >= 128, found 64");
  refused(score_sde + " --unet.embedding positional", 2, "expected unet.embedding fourier, found positional");
  refused(score_sde + " --process vp --no-centered", 2, "expected process ve, whose noise");
  refused(score_sde + " --unet.patch 2", 2, "layout score-sde: expected unet.patch 1, found 2");
  const std::string whole = test::read_all(path("x.pth"));
  test::write_all(path("x.pth"), whole.substr(0, whole.size() / 2));
  refused(score_sde, 1, "x.pth: expected a whole zip archive");
  EXPECT_THAT(said("models import " + path("x.pth") + " --channels mask,ct --out " + path("model.safetensors")),
              HasSubstr("--channels: expected ct or ct,mask, found mask,ct"));
  EXPECT_THAT(said("models --store x import " + path("x.pth")), HasSubstr("expected import as the first word"));
}

}  // namespace
}  // namespace nodulus::app
