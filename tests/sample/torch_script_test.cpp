#include "nodulus/sample/torch_script.h"

#include <gmock/gmock.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/script.h>

#include <array>
#include <filesystem>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/models/scorenet.h"
#include "nodulus/models/unet.h"
#include "nodulus/sample/ddim.h"
#include "nodulus/sample/diffusion_source.h"
#include "nodulus/sample/gan_source.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

// What a file draws when libtorch alone runs it, beside what we draw.
namespace nodulus::sample {
namespace {

using torch::Tensor;

const std::vector<std::int64_t> script_seeds{3, 1'000'000'007, 42};

ScriptFacts facts() {
  ConditionSchema schema;
  schema.labels.push_back({"kind", "", ConditionKind::category, "", {{1, "", 0}, {3, "", 0}}, 0});
  schema.labels.push_back({"size", "mm", ConditionKind::number, "", {{4, "", 0}, {8, "", 0}, {20, "", 0}}, 0});
  return {schema, {-1000, 400}, R"({"family": "test"})"};
}

Tensor asked() {
  const std::vector<Condition> conditions{{3.0, 10.0}, {std::nullopt, 4.0}, {1.2, 30.0}};
  Tensor rows = torch::empty({3, 5});
  for (std::int64_t i = 0; i < 3; ++i)
    encode(facts().conditions, conditions[static_cast<std::size_t>(i)], {rows.data_ptr<float>() + 5 * i, 5});
  return rows;
}

void randomise(torch::nn::Module& network) {
  torch::manual_seed(4);
  const torch::NoGradGuard no_grad;
  for (Tensor& p : network.parameters()) p.copy_(torch::randn_like(p) * 0.1);
}

c10::IValue drawn(torch::jit::Module& module, const c10::IValue& labels, double last) {
  return module.get_method("generate")({c10::List<std::int64_t>(script_seeds), labels, last});
}

void expect_close(const Tensor& found, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  EXPECT_LT((found - expected).abs().max().item<double>(), 2e-4) << what;
}

std::vector<std::uint64_t> our_seeds() { return {script_seeds.begin(), script_seeds.end()}; }

class TorchScript : public ::testing::Test {
 protected:
  nodulus::test::TemporaryFolder folder_;
  const std::filesystem::path script_file = folder_ / "model.ts";
};

struct ScriptCase {
  const char* process;
  std::shared_ptr<models::Network> network;
};

/// The same size of every kind: 2 channels of 16x16, the labels of facts().
models::UnetOptions small(models::UnetOptions options) {
  options.image_channels = 2;
  options.labels = 5;
  options.resolution = 16;
  options.channels = 16;
  options.multipliers = {1, 2};
  options.attention_resolutions = {8};
  return options;
}

std::shared_ptr<models::Network> small_scorenet(int image_channels) {
  models::ScoreNetOptions options;
  options.image_channels = image_channels;
  options.labels = 5;
  options.resolution = 16;
  options.channels = {8, 8, 8, 8};
  options.embedding = 16;
  return models::make_scorenet(options);
}

std::vector<ScriptCase> cases() {
  models::UnetOptions adm = small({});
  adm.form = "adm";
  adm.heads = 2;
  adm.scale_shift = true;
  adm.block = "biggan";
  adm.channels = 32;
  models::UnetOptions patched = small(models::ddpmpp_options());
  patched.patch = 2;
  return {{"ddpm", models::make_unet(small({}))},
          {"ddpm", models::make_unet(adm)},
          {"edm", models::make_unet(patched)},
          {"sub-vp", models::make_unet(patched)},
          {"ve", models::make_unet(small(models::ncsnpp_options()))},
          {"tutorial-ve", small_scorenet(2)}};
}

TEST_F(TorchScript, DiffusionModelsDrawTheSameImages) {
  for (ScriptCase& c : cases()) {
    randomise(*c.network);
    const std::shared_ptr<process::Process> process = process::make_process(c.process);
    process->prepare(c.process == std::string("ve") ? NoiseLabels::logarithm : NoiseLabels::index);
    write_script(script_file, *c.network, *process, 2, 16, 4, facts());
    torch::jit::Module module = torch::jit::load(script_file.string());

    DiffusionParts parts;
    parts.network = c.network;
    parts.process = process;
    parts.sampler = std::shared_ptr<const Sampler>(sampler("ddim").make());
    parts.steps = 4;
    parts.channels = 2;
    parts.resolution = 16;
    DiffusionSource any(parts);
    parts.guidance.weight = 2.5;
    DiffusionSource guided(parts);
    expect_close(drawn(module, c10::IValue(), 1.0).toTensor(), any.images(our_seeds(), {}), c.process);
    expect_close(drawn(module, asked(), 2.5).toTensor(), guided.images(our_seeds(), asked()), c.process);

    // At levels that nothing asked for when the file was written, another for each image.
    const torch::NoGradGuard no_grad;
    const process::NoiseRange range = process->noise_range();
    const Tensor sigma = torch::tensor(
        {range.lowest * 1.7, std::sqrt(range.lowest * range.highest), range.highest * 0.6}, torch::kDouble);
    const Tensor x =
        torch::linspace(-1, 1, 3 * 2 * 16 * 16, torch::kDouble).view({3, 2, 16, 16}) * sigma.view({3, 1, 1, 1});
    const auto network = [&](const Tensor& in, const Tensor& level) { return c.network->forward(in, level, asked()); };
    const Tensor expected = process->denoiser(network)(x, sigma);
    const Tensor found = module.get_method("denoise")({x, sigma, asked()}).toTensor();
    EXPECT_LT(((found - expected).abs() / sigma.view({3, 1, 1, 1})).max().item<double>(), 2e-4) << c.process;
  }
}

TEST_F(TorchScript, AGeneratorDrawsTheSameImages) {
  models::StyleGan2Options options;
  options.image_channels = 2;
  options.resolution = 16;
  options.z = 8;
  options.w = 12;
  options.channel_base = 256;
  options.channel_max = 16;
  options.labels = 5;
  const auto generator = models::make_generator(options);
  randomise(*generator);
  generator->track(torch::full({1, 12}, 2.0), 0.5);
  write_script(script_file, *generator, facts());
  torch::jit::Module module = torch::jit::load(script_file.string());
  GanParts parts;
  parts.generator = generator;
  expect_close(drawn(module, c10::IValue(), 1.0).toTensor(), GanSource(parts).images(our_seeds(), {}), "any");
  parts.truncation = 0.6;
  expect_close(drawn(module, asked(), 0.6).toTensor(), GanSource(parts).images(our_seeds(), asked()), "truncated");
}

TEST_F(TorchScript, LabelsAndUnitsAreThoseOfTheModel) {
  write_script(script_file, *small_scorenet(1), *process::make_process("tutorial-ve"), 1, 16, 2, facts());
  torch::jit::Module module = torch::jit::load(script_file.string());
  auto encoded = [&](const std::vector<std::pair<std::string, double>>& values) {
    c10::Dict<std::string, double> dict;
    for (const auto& [name, value] : values) dict.insert(name, value);
    return module.get_method("encode")({dict}).toTensor();
  };
  EXPECT_TRUE(encoded({{"kind", 3}, {"size_mm", 10}}).allclose(asked()[0], 1e-6));
  EXPECT_TRUE(encoded({{"size_mm", 4}}).allclose(asked()[1], 1e-6));
  EXPECT_TRUE(encoded({{"kind", 1.2}, {"size_mm", 30}}).allclose(asked()[2], 1e-6));
  EXPECT_ANY_THROW(encoded({{"colour", 1}}));
  const Tensor hu =
      module.get_method("to_hu")({torch::tensor({-1.0F, 0.0F, 1.0F, 2.0F}).view({1, 1, 2, 2})}).toTensor();
  EXPECT_TRUE(hu.equal(torch::tensor({-1000, -300, 400, 1100}, torch::kShort).view({1, 2, 2})));
  EXPECT_TRUE(module.attr("synthetic").toBool());
}

/// What a tracer cannot follow: the number of images is a plain number to it.
class CountsImages final : public models::Network {
 public:
  Tensor forward(const Tensor& x, const Tensor& /*c_noise*/, const Tensor& /*labels*/) override {
    return x * static_cast<double>(x.size(0));
  }
};

TEST_F(TorchScript, WhatItCannotHoldIsRefusedAndNothingIsLeft) {
  CountsImages network;
  const auto process = process::make_process("tutorial-ve");
  const auto written = [&](const std::filesystem::path& file) {
    write_script(file, network, *process, 1, 16, 2, facts());
  };
  nodulus::test::expect_error([&] { written(script_file); }, ErrorCode::internal, {"'forward'", "difference of"});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  nodulus::test::write_all(script_file, "what was there");
  nodulus::test::expect_error([&] { written(script_file); }, ErrorCode::internal, {"'forward'"});
  EXPECT_EQ(read_file(script_file), "what was there");
  nodulus::test::expect_error(
      [&] { write_script(folder_ / "none" / "model.ts", *small_scorenet(1), *process, 1, 16, 2, facts()); },
      ErrorCode::io, {"none"});
}

TEST_F(TorchScript, LevelsThatNoTableHoldsAreRefused) {
  write_script(script_file, *small_scorenet(1), *process::make_process("tutorial-ve"), 1, 16, 2, facts());
  torch::jit::Module module = torch::jit::load(script_file.string());
  const Tensor x = torch::zeros({1, 1, 16, 16}, torch::kDouble);
  const auto at = [&](double sigma) {
    return module.get_method("denoise")({x, torch::full({1}, sigma, torch::kDouble), torch::zeros({1, 5})});
  };
  EXPECT_TRUE(at(1.0).toTensor().isfinite().all().item<bool>());
  EXPECT_ANY_THROW(at(1e-6));
  EXPECT_ANY_THROW(at(1e3));
}

}  // namespace
}  // namespace nodulus::sample
