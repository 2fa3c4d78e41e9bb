#include "nodulus/train/checkpoint.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/models/stylegan2_mapping.h"
#include "nodulus/models/unet.h"
#include "nodulus/train/diffusion_learner.h"
#include "tests/train/tiny_training.h"

namespace nodulus::train {
namespace {

std::shared_ptr<models::Network> network(int channels) {
  models::UnetOptions options;
  options.image_channels = 1;
  options.resolution = 8;
  options.channels = channels;
  options.multipliers = {1};
  return models::make_unet(options);
}

CheckpointInfo sample_info() {
  CheckpointInfo info;
  info.family = "ddpm";
  info.options = {{"unet.channels", 8}};
  info.step = 41;
  info.images_seen = 328;
  info.window_hu = {-1000, 400};
  info.dataset_hash = "abc";
  return info;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    return error.what();
  }
  return "no error";
}

TEST(Checkpoint, RoundTrip) {
  const auto file = scratch() / "c.safetensors";
  const auto net = network(8);
  Adam adam(net->parameters(), {});
  for (torch::Tensor p : net->parameters()) p.mutable_grad() = torch::randn_like(p);
  adam.step({0.1, 0, 0.5});
  save_checkpoint(file, sample_info(), diffusion_state(*net, adam));

  const CheckpointInfo info = read_checkpoint_info(file);
  EXPECT_EQ(info.step, 41);
  EXPECT_EQ(info.images_seen, 328);
  EXPECT_EQ(info.options, sample_info().options);
  EXPECT_EQ(info.window_hu, sample_info().window_hu);
  const auto other = network(8);
  Adam other_adam(other->parameters(), {});
  load_checkpoint(file, diffusion_state(*other, other_adam));
  for (std::size_t k = 0; k < net->parameters().size(); ++k) {
    EXPECT_TRUE(other->parameters()[k].equal(net->parameters()[k]));
    EXPECT_TRUE(other_adam.first_moments()[k].equal(adam.first_moments()[k]));
    EXPECT_TRUE(other_adam.second_moments()[k].equal(adam.second_moments()[k]));
    EXPECT_TRUE(other_adam.averages()[k].equal(adam.averages()[k]));
  }
  const auto averaged = network(8);
  load_part(file, averaged_weights(*averaged));
  EXPECT_TRUE(averaged->parameters()[0].equal(adam.averages()[0]));
}

TEST(Checkpoint, RemembersThatItsWeightsWereAnotherPrograms) {
  const auto file = scratch() / "c.safetensors";
  EXPECT_FALSE(model_json(sample_info()).contains("imported"));
  CheckpointInfo info = sample_info();
  info.continued.imported = {"adm", "5e1f"};
  save_checkpoint(file, info, {});
  const CheckpointInfo found = read_checkpoint_info(file);
  EXPECT_EQ(found.continued.imported.layout, "adm");
  EXPECT_EQ(found.continued.imported.sha256, "5e1f");
  EXPECT_TRUE(found.continued.sha256.empty());
  EXPECT_THAT(model_json(found)["imported"]["note"], ::testing::HasSubstr("licence of those weights are not known"));
}

TEST(Checkpoint, RefusesWeightsThatAreNotFinite) {
  const auto file = scratch() / "c.safetensors";
  const auto net = network(8);
  Adam adam(net->parameters(), {});
  {
    const torch::NoGradGuard no_grad;
    net->parameters()[0].view({-1})[3] = std::numeric_limits<float>::quiet_NaN();
  }
  save_checkpoint(file, sample_info(), diffusion_state(*net, adam));
  const auto other = network(8);
  Adam other_adam(other->parameters(), {});
  EXPECT_THAT(message_of([&] { load_checkpoint(file, diffusion_state(*other, other_adam)); }),
              ::testing::AllOf(::testing::HasSubstr("tensor 'model/"), ::testing::HasSubstr("finite")));
}

TEST(Checkpoint, RefusesAnotherArchitectureByTensorAndLeavesTheNetworkAlone) {
  const auto file = scratch() / "c.safetensors";
  const auto net = network(8);
  Adam adam(net->parameters(), {});
  save_checkpoint(file, sample_info(), diffusion_state(*net, adam));
  const auto wide = network(16);
  Adam wide_adam(wide->parameters(), {});
  const torch::Tensor before = wide->parameters()[0].clone();
  EXPECT_THAT(message_of([&] { load_checkpoint(file, diffusion_state(*wide, wide_adam)); }),
              ::testing::AllOf(::testing::HasSubstr("another architecture"), ::testing::HasSubstr("tensor '"),
                               ::testing::HasSubstr(file.string())));
  EXPECT_TRUE(wide->parameters()[0].equal(before));
}

/// Labels that a model was trained with, and those of a data set that has more: a new kind, and a label before it.
ConditionSchema two_labels() {
  ConditionSchema schema;
  schema.labels.push_back({"kind", "", ConditionKind::category, "", {{1, "nodule", 1}, {2, "scar", 1}}, 2});
  schema.labels.push_back({"size", "mm", ConditionKind::number, "", {{4, "", 1}, {8, "", 1}}, 2});
  return schema;
}
ConditionSchema wider_labels() {
  ConditionSchema schema = two_labels();
  schema.labels[0].values.insert(schema.labels[0].values.begin(), ConditionValue{0, "renal cyst", 1});
  schema.labels.push_back({"age", "", ConditionKind::number, "", {{20, "", 1}, {80, "", 1}}, 2});
  return schema;
}

torch::Tensor encoded(const ConditionSchema& schema, const Condition& condition) {
  torch::Tensor row = torch::zeros({1, schema.width()});
  encode(schema, condition, {row.data_ptr<float>(), static_cast<std::size_t>(row.numel())});
  return row;
}

TEST(Checkpoint, AModelWithMoreLabelsDrawsAsBefore) {
  const auto file = scratch() / "c.safetensors";
  const auto unet = [](std::int64_t labels) {
    models::UnetOptions options;
    options.image_channels = 1;
    options.resolution = 8;
    options.channels = 8;
    options.multipliers = {1};
    options.labels = static_cast<int>(labels);
    auto network = models::make_unet(options);
    network->eval();  // no dropout
    const torch::NoGradGuard no_grad;
    for (torch::Tensor p : network->parameters()) p.normal_(0, 0.3);
    return network;
  };
  const auto from = unet(two_labels().width());
  Adam adam(from->parameters(), {});
  save_checkpoint(file, sample_info(), diffusion_state(*from, adam));
  const auto to = unet(wider_labels().width());
  Adam to_adam(to->parameters(), {});
  auto weights = diffusion_state(*to, to_adam);
  std::erase_if(weights, [](const StateTensor& slot) { return slot.name.starts_with("adam_"); });
  load_continued(file, weights, two_labels(), wider_labels(), false);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({1, 1, 8, 8});
  const torch::Tensor noise = torch::full({1}, 3.0);
  const torch::Tensor before = from->forward(x, noise, encoded(two_labels(), {2, 6}));
  EXPECT_TRUE(
      torch::allclose(to->forward(x, noise, encoded(wider_labels(), {2, 6, std::nullopt})), before, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(to->forward(x, noise, encoded(wider_labels(), {2, 6, 50})), before, 1e-4, 1e-5));
  EXPECT_FALSE(
      torch::allclose(to->forward(x, noise, encoded(wider_labels(), {1, 6, std::nullopt})), before, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(to->forward(x, noise), from->forward(x, noise), 1e-4, 1e-5));
  const auto wide = network(16);
  Adam wide_adam(wide->parameters(), {});
  EXPECT_THAT(message_of([&] { load_continued(file, diffusion_state(*wide, wide_adam), {}, {}, false); }),
              ::testing::HasSubstr("another architecture"));
}

TEST(Checkpoint, AGeneratorWithMoreLabelsDrawsAsBefore) {
  const auto file = scratch() / "c.safetensors";
  const auto mapping = [](std::int64_t labels) {
    return std::make_shared<models::Mapping>(models::MappingOptions{8, static_cast<int>(labels), 8, 2});
  };
  const auto state_of = [](const models::Mapping& module, const std::string& prefix) {
    std::vector<StateTensor> state;
    append_parameters(state, prefix, module);
    return state;
  };
  const auto from = mapping(two_labels().width());
  save_checkpoint(file, sample_info(), state_of(*from, "ema/"));  // as a published model has them: averages alone
  const auto to = mapping(wider_labels().width());
  load_continued(file, state_of(*to, "generator/"), two_labels(), wider_labels(), true);
  const torch::NoGradGuard no_grad;
  const torch::Tensor z = torch::randn({1, 8});
  EXPECT_TRUE(torch::allclose(to->forward(z, encoded(wider_labels(), {2, 6, std::nullopt})),
                              from->forward(z, encoded(two_labels(), {2, 6})), 1e-4, 1e-6));
  EXPECT_TRUE(torch::allclose(to->forward(z, encoded(wider_labels(), {std::nullopt, 4, std::nullopt})),
                              from->forward(z, encoded(two_labels(), {std::nullopt, 4})), 1e-4, 1e-6));
}

TEST(Checkpoint, RefusesACutFileAndForeignWeights) {
  const auto folder = scratch();
  const auto net = network(8);
  Adam adam(net->parameters(), {});
  save_checkpoint(folder / "c.safetensors", sample_info(), diffusion_state(*net, adam));
  const std::string whole = read_file(folder / "c.safetensors");
  std::ofstream(folder / "half.safetensors", std::ios::binary) << whole.substr(0, whole.size() / 2);
  EXPECT_THAT(message_of([&] { (void)read_checkpoint_info(folder / "half.safetensors"); }),
              ::testing::HasSubstr("not a whole safetensors file"));
  std::ofstream(folder / "other.safetensors", std::ios::binary) << "PK\x03\x04 of torch.save";
  EXPECT_THAT(message_of([&] { (void)read_checkpoint_info(folder / "other.safetensors"); }),
              ::testing::HasSubstr("expected a safetensors file"));
  std::ofstream(folder / "foreign.safetensors", std::ios::binary) << std::string("\x02\0\0\0\0\0\0\0{}", 10);
  EXPECT_THAT(message_of([&] { (void)read_checkpoint_info(folder / "foreign.safetensors"); }),
              ::testing::HasSubstr("expected a nodulus checkpoint"));
}

}  // namespace
}  // namespace nodulus::train
