#include "nodulus/eval/extractor.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/upsampling.h>

#include "nodulus/core/hash.h"
#include "nodulus/nn/squeezenet.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::eval {
namespace {

using test::expect_error;
using torch::Tensor;

std::filesystem::path eval_data(const std::string& name) {
  return std::string(NODULUS_SOURCE_DIR) + "/tests/eval/data/" + name;
}

/// Grey images whose values run from -1 to 1.
Tensor ramps(std::int64_t count, std::int64_t side) {
  return torch::linspace(-1, 1, count * side * side).view({count, 1, side, side});
}

TEST(ExtractorTest, SqueezeNetIsOnBoard) {
  const auto extractor = open_extractor("");
  EXPECT_EQ(extractor->name(), "SqueezeNet");
  EXPECT_EQ(extractor->distance_name(), "FD (SqueezeNet)");
  EXPECT_EQ(extractor->dimension(), 512);
  EXPECT_EQ(extractor->hash(),
            sha256_file(std::string(NODULUS_SOURCE_DIR) + "/models/squeezenet/squeezenet10.safetensors"));
  const Tensor images = torch::sin(torch::arange(3 * 64 * 64).to(torch::kFloat) * 0.37F).view({3, 1, 64, 64});
  const Tensor found = extractor->features(images);
  ASSERT_EQ(found.sizes(), at::IntArrayRef({3, 512}));
  const Tensor maps = nn::SqueezeNet().features(images).back();
  const Tensor expected = maps.to(torch::kDouble).sum({2, 3}) / (64 * maps.size(2) * maps.size(3));
  EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5 * expected.abs().max().item<double>());
  EXPECT_GT(expected.std(0).max().item<double>(), 0);
  EXPECT_TRUE(torch::equal(found[1], extractor->features(images.narrow(0, 1, 1))[0]));
}

TEST(ExtractorTest, SqueezeNetEnlargesSmallImages) {
  const auto extractor = open_extractor("");
  namespace F = torch::nn::functional;
  const Tensor small = torch::sin(ramps(2, 32) * 40).narrow(3, 0, 24);
  const auto how = F::InterpolateFuncOptions().mode(torch::kBilinear).align_corners(false);
  const Tensor large = F::interpolate(small, F::InterpolateFuncOptions(how).size(std::vector<std::int64_t>{85, 64}));
  EXPECT_TRUE(torch::equal(extractor->features(small), extractor->features(large)));
  EXPECT_EQ(extractor->features(ramps(1, 8)).sizes(), at::IntArrayRef({1, 512}));
  EXPECT_EQ(extractor->features(ramps(1, 100)).sizes(), at::IntArrayRef({1, 512}));
}

TEST(ExtractorTest, ImagesOfAnotherShapeAreOurFault) {
  const auto extractor = open_extractor("");
  for (const Tensor& wrong : {torch::zeros({1, 3, 64, 64}), torch::zeros({64, 64}), torch::zeros({0, 1, 64, 64}),
                              torch::zeros({1, 1, 64, 64}, torch::kByte)})
    expect_error([&] { (void)extractor->features(wrong); }, ErrorCode::internal, {"[N, 1, H, W]"});
}

TEST(ExtractorTest, TorchScriptSeesBytesInThreeChannels) {
  const auto extractor = open_extractor(eval_data("good.pt"));
  EXPECT_EQ(extractor->name(), "good.pt");
  EXPECT_EQ(extractor->distance_name(), "FD (good.pt)");
  EXPECT_EQ(extractor->dimension(), 4);
  EXPECT_EQ(extractor->hash(), sha256_file(eval_data("good.pt")));
  Tensor images = torch::zeros({2, 1, 2, 2});
  images[0][0][0] = torch::tensor({-1.0F, 1.0F});
  images[0][0][1] = torch::tensor({-1.3F, 1.7F});  // beyond black and white
  images[1] = 0.5F;                                // 191.25
  // Means of the three channels, and the brightest pixel.
  const Tensor expected = torch::tensor({127.5F, 127.5F, 127.5F, 255.0F, 191.0F, 191.0F, 191.0F, 191.0F}).view({2, 4});
  EXPECT_TRUE(torch::equal(extractor->features(images), expected)) << extractor->features(images);
}

TEST(ExtractorTest, TorchScriptIsAskedForFeatures) {
  const auto extractor = open_extractor(eval_data("asked.pt"));
  EXPECT_EQ(extractor->dimension(), 6);
  EXPECT_EQ(extractor->features(ramps(3, 16)).sizes(), at::IntArrayRef({3, 6}));
}

TEST(ExtractorTest, RefusesTorchScriptThatReturnsSomethingElse) {
  const auto refused = [](const std::string& name, const std::vector<std::string>& parts) {
    expect_error([&] { open_extractor(eval_data(name)); }, ErrorCode::bad_input, parts);
  };
  refused("flat.pt", {"flat.pt", "[1, D]", "found [1]"});
  refused("pair.pt", {"pair.pt", "[1, D]", "found Tuple"});
  refused("bytes.pt", {"floating-point", "found Byte"});
  refused("failing.pt", {"failing.pt", "this one never works"});
  const auto changing = open_extractor(eval_data("changing.pt"));
  expect_error([&] { (void)changing->features(ramps(1, 8)); }, ErrorCode::bad_input, {"4096 features", "found 64"});
}

TEST(ExtractorTest, RefusesOtherFiles) {
  const test::TemporaryFolder folder;
  expect_error([&] { open_extractor(folder / "none.pt"); }, ErrorCode::not_found, {"none.pt"});
  test::write_all(folder / "a.pt", "a text");
  expect_error([&] { open_extractor(folder / "a.pt"); }, ErrorCode::bad_input, {"a.pt", "TorchScript", "Inception"});
  const std::string whole = test::read_all(eval_data("good.pt"));
  for (std::size_t length = 100; length < whole.size(); length += 150) {
    test::write_all(folder / "cut.pt", whole.substr(0, length));
    expect_error([&] { open_extractor(folder / "cut.pt"); }, ErrorCode::bad_input, {"cut.pt", "expected", "found"});
  }
  // A state dict, but of another network.
  expect_error([&] { open_extractor(eval_data("zip.pth")); }, ErrorCode::bad_input, {"zip.pth", "Inception v3"});
}

TEST(ExtractorTest, OnlyThePublishedFilesAreFid) {
  EXPECT_TRUE(is_fid_network("6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"));
  EXPECT_TRUE(is_fid_network("f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"));
  EXPECT_FALSE(is_fid_network(""));
  EXPECT_FALSE(is_fid_network(sha256_hex("")));
  const test::TemporaryFolder folder;
  test::write_all(folder / "inception-2015-12-05.pt", test::read_all(eval_data("asked.pt")));
  EXPECT_EQ(open_extractor(folder / "inception-2015-12-05.pt")->distance_name(), "FD (inception-2015-12-05.pt)");
}

}  // namespace
}  // namespace nodulus::eval
