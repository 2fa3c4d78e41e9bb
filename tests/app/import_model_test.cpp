#include <gmock/gmock.h>

#include <array>
#include <cstdio>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/gan.h"
#include "nodulus/core/safetensors.h"
#include "nodulus/eval/state_dict.h"
#include "tests/models/golden.h"
#include "tests/support/temporary_folder.h"

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
  std::string import_unet(const std::string& file, const std::string& words) {
    return said("models import " + path(file) +
                " --channels ct,mask --size 16 --unet.multipliers 1,2 --unet.blocks 1 --unet.attention 8 --out " +
                path("model.safetensors") + " " + words);
  }

  void expect_outputs(const std::string& case_name) {
    const auto entry = golden_foreign_case(case_name);
    const TrainedModel model = load_model(path("model.safetensors"));
    model.network->eval();
    const torch::NoGradGuard no_grad;
    const auto c_noise = torch::tensor(entry.at("c_noise").get<std::vector<float>>());
    const torch::Tensor x = entry.value("input_scale", 1.0) * models::golden_image(2, 16);
    EXPECT_LT(golden_difference(entry, model.network->forward(x, c_noise)), 1e-4);
  }

  test::TemporaryFolder folder_;
  int exit_code_ = -1;
};

const std::string score_sde = "--layout score-sde --unet.channels 16";
const std::string adm = "--layout adm --unet.channels 32 --window-hu=-1000,600";
const std::string small_stylegan2 =
    "--size 16 --stylegan2.z 24 --stylegan2.w 32 --stylegan2.mapping-layers 2 --stylegan2.fmaps 0.015625 "
    "--stylegan2.channel-max 40";

TEST_F(ImportModelTest, OfScoreSdeKeepsItsOwnFrequencies) {
  write("x.pth", "NCSN++");
  EXPECT_THAT(import_unet("x.pth", score_sde), HasSubstr("ncsnpp"));
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("NCSN++");
  write("x.pth", "DDPM++");
  import_unet("x.pth", score_sde + " --family ddpmpp --force");
  ASSERT_EQ(exit_code_, 0);
  expect_outputs("DDPM++");
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
  const SafetensorsFile file(model);
  EXPECT_TRUE(file.tensors().contains("discriminator/b4.out.weight"));
  said("publish " + model + " tiny --force --store " + path("store"));
  EXPECT_EQ(exit_code_, 0);
  said("generate " + path("store/tiny/1") + " --count 2 --out " + path("images"));
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
  const std::string whole = test::read_all(path("x.pth"));
  test::write_all(path("x.pth"), whole.substr(0, whole.size() / 2));
  refused(score_sde, 1, "x.pth: expected a whole zip archive");
  EXPECT_THAT(said("models --store x import " + path("x.pth")), HasSubstr("expected import as the first word"));
}

}  // namespace
}  // namespace nodulus::app
