#include "nodulus/eval/state_dict.h"

#include <gtest/gtest.h>

#include "nodulus/eval/pickle.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::eval {
namespace {

using namespace std::string_literals;
using test::expect_error;
using torch::Tensor;

// The start of the older container, up to its third pickle, which is the object.
const std::string old_start =
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
    "\x80\x02M\xe9\x03."
    "\x80\x02}X\x0d\0\0\0little_endian\x88s."s;

std::filesystem::path data(const std::string& name) {
  return std::string(NODULUS_SOURCE_DIR) + "/tests/eval/data/" + name;
}

class StateDictTest : public testing::Test {
 protected:
  StateDict read(const std::string& bytes) {
    test::write_all(folder_ / "x.pth", bytes);
    return read_state_dict(folder_ / "x.pth");
  }
  void refused(const std::string& bytes, const std::vector<std::string>& parts) {
    expect_error([&] { read(bytes); }, ErrorCode::bad_input, parts);
  }
  test::TemporaryFolder folder_;
};

void expect_equal(const Tensor& found, const Tensor& expected) {
  ASSERT_TRUE(found.defined());
  EXPECT_EQ(found.scalar_type(), expected.scalar_type());
  EXPECT_TRUE(found.is_contiguous());
  ASSERT_EQ(found.sizes(), expected.sizes());
  EXPECT_TRUE(torch::equal(found, expected)) << found << expected;
}

TEST_F(StateDictTest, ReadsWhatPyTorchWroteInBothContainers) {
  for (const char* const name : {"zip.pth", "old.pth"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(torch_file_kind(data(name)), TorchFileKind::state_dict);
    StateDict found = read_state_dict(data(name));
    EXPECT_EQ(found.size(), 8U);
    expect_equal(found["float"], torch::tensor({1.5F, -2.0F, 3.0F, 0.25F, 1e-3F, 7.0F}).view({2, 3}));
    expect_equal(found["half"], torch::tensor({0.5F, -1.0F, 65504.0F}).to(torch::kHalf));
    expect_equal(found["double"], torch::tensor(0.1, torch::kDouble));
    expect_equal(found["num_batches_tracked"], torch::tensor(std::int64_t{1234567890123}));
    expect_equal(found["tail"], torch::arange(16, 24, torch::kFloat));
    expect_equal(found["turned"], torch::arange(24, torch::kFloat).view({4, 6}).t().contiguous());
    expect_equal(found["empty"], torch::zeros({0, 5}));
    expect_equal(found["parameter"], torch::tensor({9.0F, 8.0F}));
  }
}

TEST_F(StateDictTest, TakesTheInnerOneAndDropsThePrefix) {
  for (const char* const name : {"zip_nested.pth", "old_nested.pth"}) {
    SCOPED_TRACE(name);
    StateDict found = read_state_dict(data(name));
    EXPECT_EQ(found.size(), 7U);
    expect_equal(found["0.weight"], torch::full({2, 1, 3, 3}, 8.0F));
    expect_equal(found["1.running_var"], torch::full({2}, 13.0F));
    expect_equal(found["1.num_batches_tracked"], torch::tensor(std::int64_t{21}));
  }
}

// Made by PyTorch itself: see make_goldens.trained_state().
TEST_F(StateDictTest, ReadsATrainingsWeightsInTheirOrderAndTheirAverages) {
  const TrainedState state = read_trained_state(data("trained_state.pth"));
  EXPECT_EQ(state.order, (std::vector<std::string>{"sigmas", "0.weight", "0.bias", "1.weight", "1.bias"}));
  expect_equal(state.weights.at("0.weight"), torch::full({2, 3}, 1.0F));
  expect_equal(state.weights.at("1.bias"), torch::full({1}, 4.0F));
  ASSERT_EQ(state.averages.size(), 4U);
  expect_equal(state.averages[0], torch::full({2, 3}, 10.0F));
  expect_equal(state.averages[3], torch::full({1}, 40.0F));
  EXPECT_EQ(read_state_dict(data("trained_state.pth")).size(), 5U);
  EXPECT_TRUE(read_trained_state(data("zip.pth")).averages.empty());
}

TEST_F(StateDictTest, WhatIsWrittenComesBack) {
  const StateDict written{{"conv.weight", torch::arange(24, torch::kFloat).view({2, 3, 4})},
                          {"conv.turned", torch::arange(6, torch::kFloat).view({2, 3}).t()},
                          {"gain", torch::tensor(2.5F)},
                          {"none", torch::zeros({0, 3})}};
  write_state_dict(folder_ / "ours.pt", written);
  EXPECT_EQ(torch_file_kind(folder_ / "ours.pt"), TorchFileKind::state_dict);
  const StateDict found = read_state_dict(folder_ / "ours.pt");
  ASSERT_EQ(found.size(), written.size());
  for (const auto& [name, tensor] : written) EXPECT_TRUE(found.at(name).equal(tensor)) << name;
}

TEST_F(StateDictTest, TellsFilesApart) {
  EXPECT_EQ(torch_file_kind(data("good.pt")), TorchFileKind::script);
  test::write_all(folder_ / "x.txt", "a text");
  EXPECT_EQ(torch_file_kind(folder_ / "x.txt"), TorchFileKind::other);
  test::write_all(folder_ / "empty", "");
  EXPECT_EQ(torch_file_kind(folder_ / "empty"), TorchFileKind::other);
  expect_error([&] { torch_file_kind(folder_ / "none.pth"); }, ErrorCode::not_found, {"none.pth"});
  expect_error([&] { read_state_dict(folder_ / "none.pth"); }, ErrorCode::not_found, {"none.pth"});
  expect_error([&] { read_state_dict(folder_.path()); }, ErrorCode::io, {"folder"});
}

TEST_F(StateDictTest, RefusesAFileCutAnywhere) {
  for (const char* const name : {"zip.pth", "old.pth", "zip_nested.pth", "old_nested.pth"}) {
    const std::string whole = test::read_all(data(name));
    ASSERT_GT(whole.size(), 1000U);
    EXPECT_NO_THROW(read(whole));
    for (std::size_t length = 0; length < whole.size(); length += 1 + length / 64)
      refused(whole.substr(0, length), {"x.pth: expected ", ", found "});
    refused(whole.substr(0, whole.size() - 1), {"x.pth: expected ", ", found "});
  }
}

TEST_F(StateDictTest, NoChangedByteDoesHarm) {
  // A changed byte may be a number of a tensor, and the file still whole; all else is refused, and nothing ends.
  for (const char* const name : {"zip.pth", "old.pth"}) {
    const std::string whole = test::read_all(data(name));
    int refusals = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ (i % 3 == 0 ? 0xff : 0x41));
      try {
        read(changed);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input) << error.what();
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
        ++refusals;
      }
    }
    EXPECT_GT(refusals, 300) << name;
  }
}

TEST_F(StateDictTest, RefusesWhatIsNoTensorByName) {
  // os.system("true"), as a pickle that Python would run.
  refused(old_start +
              "\x80\x02"
              "cposix\nsystem\nX\x04\0\0\0true\x85R."s,
          {"x.pth", "'posix.system'"});
  // The same by names on the stack.
  refused(old_start +
              "\x80\x04\x8c\x08"
              "builtins\x8c\x04"
              "eval\x93."s,
          {"'builtins.eval'"});
  refused(test::read_all(data("int32.pth")), {"'torch.IntStorage'"});
  refused(test::read_all(data("good.pt")), {"'__torch__"});
  refused("a text", {"torch.save()"});
  refused(old_start +
              "\x80\x02}X\x01\0\0\0"
              "aK\x01s.\x80\x02]."s,
          {"no tensor"});  // {"a": 1}
}

// Twenty turned views of one matrix, each of which would become a copy: see make_goldens.shared_storage().
TEST_F(StateDictTest, RefusesToCopyMoreThanTheFileHolds) {
  expect_error([&] { read_state_dict(data("shared_storage.pth")); }, ErrorCode::bad_input,
               {"shared_storage.pth, '", "': expected tensors no larger than the file in all, found larger ones"});
}

/// `whole` with the first `from` replaced by as many bytes.
std::string with(std::string whole, const std::string& from, const std::string& to) {
  const std::size_t at = whole.find(from);
  EXPECT_NE(at, std::string::npos);
  return whole.replace(at, from.size(), to);
}

TEST_F(StateDictTest, ChecksThatTensorsLieInTheirStorages) {
  const std::string whole = test::read_all(data("old.pth"));
  // "float": offset 0 and sizes (2, 3) of a storage of 6: K\0 K\2 K\3 \x86.
  const std::string shape = "K\0K\2K\3\x86"s;
  refused(with(whole, shape, "K\1K\2K\3\x86"s), {"'float'", "within a storage of 6", "an element at 6"});
  refused(with(whole, shape, "K\0K\3K\3\x86"s), {"'float'", "within a storage of 6"});
  refused(with(whole, shape, "K\0K\xffK\xff\x86"s), {"'float'", "within a storage of 6"});
  // Its strides (3, 1).
  refused(with(whole, "K\3K\1\x86", "K\4K\1\x86"), {"'float'", "an element at 6"});
  refused(with(whole, "K\3K\1\x86", "K\3K\1\x85"), {"'float'", "sizes and strides"});
}

TEST(PickleTest, ReadsNumbersOfEachWidth) {
  const std::string bytes =
      "\x80\x02(J\xff\xff\xff\xffK\xffM\xff\xff\x8a\0\x8a\x01\x80\x8a\x02\xff\0G\xbf\xf8\0\0\0\0\0\0N\x88t.rest"s;
  const Pickle pickle(bytes, {}, "x");
  const auto& items = pickle.root().items;
  ASSERT_EQ(items.size(), 9U);
  const std::vector<std::int64_t> expected = {-1, 255, 65535, 0, -128, 255};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(items[i]->integer, expected[i]) << i;
  EXPECT_EQ(items[6]->real, -1.5);
  EXPECT_TRUE(items[7]->is(PickleValue::Kind::none));
  EXPECT_TRUE(items[8]->is(PickleValue::Kind::boolean));
  EXPECT_EQ(bytes.substr(pickle.size()), "rest");
}

TEST(PickleTest, RefusesWhatDoesNotFit) {
  const auto refused = [](const std::string& bytes, const std::string& part) {
    expect_error([&] { Pickle(bytes, {}, "x"); }, ErrorCode::bad_input, {"x: expected", part});
  };
  refused("", "cut off");
  refused(".", "a value");
  refused("\x80\x01N.", "protocol");
  refused("K\x01", "cut off");
  refused("t.", "a mark");
  refused("K\x01(K\x02\x86.", "a value");  // none from below the mark
  refused("h\x05.", "stored");
  refused("NNs.", "a value");
  refused("]NNs.", "a dict");
  refused("}(Nu.", "without a value");
  refused("}Na.", "a list");
  refused("NNR.", "a global");
  refused("\x81.", "0x81");
  refused("X\xff\xff\xff\xff", "cut off");
}

// Files of a few thousand bytes that would otherwise become millions of items.
TEST(PickleTest, TakesNoMoreMemoryThanAFewTimesItsBytes) {
  const auto refused = [](const std::string& bytes, const std::vector<std::string>& parts) {
    expect_error([&] { Pickle(bytes, {}, "x"); }, ErrorCode::bad_input, parts);
  };
  const auto repeated = [](const std::string& part, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += part;
    return all;
  };
  // [("k", 1)] * 1000, and of that an OrderedDict again and again.
  const std::string list = "X\x01\0\0\0kK\x01\x86q\x00"s + "](" + repeated("h\x00"s, 1000) + "eq\x01"s;
  const std::string dict = "ccollections\nOrderedDict\nq\x02"s;
  refused(list + dict + repeated("h\x02h\x01\x85R0"s, 100) + ".", {"x: expected containers of at most", "found more"});
  // The same list as an attribute, a tuple's item and a dict's value costs nothing.
  const Pickle harmless(list + repeated("h\x01\x85"s, 100) + ".", {}, "x");
  EXPECT_TRUE(harmless.root().is(PickleValue::Kind::tuple));
  // One value, stored a thousand times.
  refused("N" + std::string(1000, '\x94') + ".", {"expected at most 1 stored values", "found more"});
  refused(std::string(std::size_t{1} << 20, 'N') + ".", {"x: expected at most", "values in", "bytes, found more"});
}

// As Python 2 wrote it: a dict of pairs as short as they can be.
TEST(PickleTest, ReadsADictOfShortPairs) {
  std::string bytes = "\x80\x02"s + "ccollections\nOrderedDict\n](";
  for (int i = 0; i < 1000; ++i) bytes += "U\x01kN\x86"s;
  const Pickle pickle(bytes + "e\x85R.", {}, "x");
  EXPECT_EQ(pickle.root().items.size(), 2000U);
}

}  // namespace
}  // namespace nodulus::eval
