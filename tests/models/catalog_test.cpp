#include "nodulus/models/catalog.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include "nodulus/core/error.h"

// The contract of every family: a new row is tested unasked.
namespace nodulus::models {
namespace {

class FamilyContract : public ::testing::TestWithParam<Family> {
 protected:
  /// The family at a size that a test can afford: its defaults, for two channels at 32x32.
  std::unique_ptr<Architecture> architecture(int labels = 0) {
    auto made = GetParam().make();
    Options options;
    made->describe(options);
    if (options.find("unet.channels") != nullptr) options.parse({"--unet.channels", "16", "--unet.dropout", "0"});
    made->fit(2, 32, labels);
    return made;
  }
};

TEST_P(FamilyContract, KeepsTheShapeAndReportsItsOptions) {
  const auto made = architecture();
  EXPECT_EQ(made->image_channels(), 2);
  EXPECT_EQ(made->resolution(), 32);
  EXPECT_GT(made->forward_flop(), 1e6);
  const auto network = made->build();
  const torch::NoGradGuard no_grad;
  const torch::Tensor y = network->forward(torch::randn({3, 2, 32, 32}), torch::tensor({1.0F, 2.0F, 3.0F}));
  EXPECT_EQ(y.sizes(), (std::vector<std::int64_t>{3, 2, 32, 32}));
  EXPECT_TRUE(y.isfinite().all().item<bool>());
}

TEST_P(FamilyContract, EveryParameterGetsAGradient) {
  const auto network = architecture()->build();
  const torch::Tensor y = network->forward(torch::randn({2, 2, 32, 32}), torch::tensor({5.0F, 6.0F}));
  y.square().sum().backward();
  for (const auto& item : network->named_parameters()) EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST_P(FamilyContract, LabelsMoveTheirImageAloneAndOnlyOnceTheyAreLearnt) {
  const auto network = architecture(3)->build();
  network->eval();
  torch::manual_seed(6);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({3, 2, 32, 32});
  const torch::Tensor level = torch::tensor({0.7F});
  const torch::Tensor labels = torch::eye(3);
  EXPECT_LT((network->forward(x, level, labels) - network->forward(x, level)).abs().max().item<double>(), 1e-4);
  for (torch::Tensor& p : network->parameters()) p.set_data(torch::randn_like(p) * 0.1);
  const torch::Tensor asked = network->forward(x, level, labels);
  const torch::Tensor any = network->forward(x, level);
  EXPECT_TRUE(any.equal(network->forward(x, level, torch::zeros({3, 3}))));
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(asked[i].equal(any[i]));
    const torch::Tensor alone = network->forward(x.narrow(0, i, 1), level, labels.narrow(0, i, 1));
    EXPECT_TRUE(alone[0].equal(asked[i])) << i;
  }
  EXPECT_THROW(network->forward(x, level, torch::eye(4).narrow(0, 0, 3)), c10::Error);
}

TEST_P(FamilyContract, TheSameTorchSeedBuildsTheSameNetwork) {
  const auto made = architecture();
  torch::manual_seed(5);
  const auto a = made->build()->parameters();
  torch::manual_seed(5);
  const auto b = made->build()->parameters();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].equal(b[i]));
}

/// So many threads while it lives.
class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

/// A batch of five at these noise levels gives what each image alone gives.
void expect_images_of_their_own(Network& network, const torch::Tensor& levels) {
  network.eval();
  torch::manual_seed(3);
  for (torch::Tensor& p : network.parameters()) torch::NoGradGuard(), p.set_data(torch::randn_like(p) * 0.1);
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({5, 2, 32, 32});
  const torch::Tensor together = network.forward(x, levels);
  for (std::int64_t i = 0; i < 5; ++i) {
    const torch::Tensor own = levels.size(0) == 1 ? levels : levels.narrow(0, i, 1);
    const torch::Tensor alone = network.forward(x.narrow(0, i, 1), own);
    EXPECT_TRUE(alone[0].equal(together[i])) << i << " differs by " << (alone[0] - together[i]).abs().max();
  }
}

// What generation promises: an image does not depend on the batch that it is in, nor on how threads share that. With
// three, libtorch cuts a batch of five within its images.
TEST_P(FamilyContract, AnImageDoesNotDependOnItsBatch) {
  const auto network = architecture()->build();
  for (const int count : {at::get_num_threads(), 3}) {
    const Threads threads(count);
    expect_images_of_their_own(*network, torch::tensor({7.0F}));
  }
}

// The same where each image has a noise level of its own.
TEST_P(FamilyContract, AnImageDoesNotDependOnItsBatchNorOnItsNeighboursNoise) {
  const auto network = architecture()->build();
  for (const int count : {at::get_num_threads(), 3}) {
    const Threads threads(count);
    expect_images_of_their_own(*network, torch::tensor({0.013F, 0.4F, 1.7F, 0.98F, 3.3F}));
  }
}

// Checkpoints hold parameters: what else a network needs must not depend on the seed that it was built from.
TEST_P(FamilyContract, ParametersAreAllThatACheckpointNeeds) {
  const auto made = architecture();
  torch::manual_seed(6);
  const auto a = made->build();
  torch::manual_seed(7);
  const auto b = made->build();
  a->eval();
  b->eval();
  const torch::NoGradGuard no_grad;
  auto to = b->parameters();
  const auto from = a->parameters();
  for (std::size_t i = 0; i < to.size(); ++i) {
    EXPECT_TRUE(from[i].requires_grad());
    from[i].normal_(0, 0.1);
    to[i].copy_(from[i]);
  }
  const torch::Tensor x = torch::randn({2, 2, 32, 32});
  const torch::Tensor levels = torch::tensor({0.3F, 0.7F});
  EXPECT_TRUE(a->forward(x, levels).equal(b->forward(x, levels)));
}

INSTANTIATE_TEST_SUITE_P(Catalog, FamilyContract, ::testing::ValuesIn(families().begin(), families().end()),
                         [](const auto& row) {
                           std::string name(row.param.name);
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

TEST(Families, AnUnknownNameIsAUsageError) {
  try {
    family("dppm");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("did you mean 'ddpm'?"));
  }
}

}  // namespace
}  // namespace nodulus::models
