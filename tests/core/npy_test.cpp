#include "nodulus/core/npy.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus {
namespace {

using test::expect_error;

/// A .npy file put together by hand, as NumPy's format specification has it.
std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string padded = dictionary;
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + padded.size() + 1) % 64 != 0) padded += ' ';
  padded += '\n';
  std::string file("\x93NUMPY", 6);
  file += version;
  file += '\0';
  file += static_cast<char>(padded.size() & 255);
  file += static_cast<char>(padded.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + padded + data;
}

class NpyTest : public testing::Test {
 protected:
  NpyMap open(const std::string& bytes) {
    test::write_all(folder_ / "x.npy", bytes);
    return NpyMap::open(folder_ / "x.npy");
  }
  void refused(const std::string& bytes, const std::string& part) {
    expect_error([&] { open(bytes); }, ErrorCode::bad_input, {"x.npy", part});
  }
  test::TemporaryFolder folder_;
};

TEST_F(NpyTest, ReadsWhatTheSpecificationSays) {
  const std::string data("\x01\x00\xff\xff\x00\x80", 6);
  for (const char version : {1, 2}) {
    const NpyMap map = open(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (3, 1), }", data, version));
    EXPECT_EQ(map.shape(), (std::vector<std::int64_t>{3, 1}));
    EXPECT_EQ(map.values<std::int16_t>()[0], 1);
    EXPECT_EQ(map.row<std::int16_t>(1)[0], -1);
    EXPECT_EQ(map.row<std::int16_t>(2)[0], -32768);
  }
}

TEST_F(NpyTest, RefusesEachFaultByName) {
  const auto dictionary = [](const std::string& descr, const std::string& order, const std::string& shape) {
    return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  };
  refused("", "empty");
  refused("no npy at all", "other bytes");
  refused(npy(dictionary("<i2", "False", "(2,)"), "abc"), "needs 4 bytes, found 3");
  refused(npy(dictionary("<i2", "False", "(2,)"), "abcdef"), "needs 4 bytes, found 6");
  refused(npy(dictionary(">i2", "False", "(2,)"), "abcd"), "element type '>i2'");
  refused(npy(dictionary("<c8", "False", "(2,)"), "abcd"), "element type '<c8'");
  refused(npy(dictionary("<i2", "True", "(2, 1)"), "abcd"), "Fortran order");
  refused(npy(dictionary("<i2", "False", "(4294967296, 4294967296)"), ""), "overflows");
  refused(npy(dictionary("<i2", "False", "(0, 4294967296, 4294967296)"), ""), "overflows");
  refused(npy(dictionary("<i2", "False", "(99999999999999999999,)"), ""), "tuple of counts");
  refused(npy(dictionary("<i2", "False", "(-1,)"), ""), "tuple of counts");
  refused(npy("{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (1,), }", "ab"), "structured");
  refused(npy("{'descr': '<i2', 'shape': (1,), }", "ab"), "lacks");
  refused(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (1,), 'more': 'x'}", "ab"), "'more'");
  refused(npy(dictionary("<i2", "False", "(1,)"), "ab", 9), "version 9");
  refused(npy(dictionary("<i2", "False", "(1,)"), "").substr(0, 40), "cut off");
  expect_error([&] { NpyMap::open(folder_ / "none.npy"); }, ErrorCode::not_found, {"none.npy"});
  expect_error([&] { NpyMap::open(folder_.path()); }, ErrorCode::bad_input, {"folder"});
}

TEST_F(NpyTest, WrongTypeOrShapeNamesBoth) {
  const NpyMap map = open(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", "abcd"));
  expect_error([&] { (void)map.values<float>(); }, ErrorCode::bad_input, {"float32", "uint8"});
  const std::vector<std::int64_t> wanted{-1, 3};
  expect_error([&] { map.expect(NpyType::uint8, wanted); }, ErrorCode::bad_input, {"(any, 3)", "(2, 2)"});
}

TEST_F(NpyTest, StreamsRowsAndPatchesTheCount) {
  NpyWriter writer(folder_ / "w.npy", NpyType::float32, {2, 3});
  std::vector<float> rows(12);
  std::iota(rows.begin(), rows.end(), 0.5f);
  writer.append<float>(rows);
  writer.append<float>(std::span(rows).first(6));
  EXPECT_THROW(writer.append<float>(std::span(rows).first(5)), Error);
  EXPECT_THROW(writer.append<std::uint8_t>(std::vector<std::uint8_t>(24)), Error);
  writer.close();
  const NpyMap map = NpyMap::open(folder_ / "w.npy");
  EXPECT_EQ(map.shape(), (std::vector<std::int64_t>{3, 2, 3}));
  EXPECT_EQ(map.row<float>(1)[5], 11.5f);
  EXPECT_EQ(map.row<float>(2)[0], 0.5f);
  const std::string bytes = test::read_all(folder_ / "w.npy");
  EXPECT_EQ((bytes.size() - 3 * 24) % 64, 0u);
  EXPECT_EQ(bytes[bytes.size() - 3 * 24 - 1], '\n');
}

TEST_F(NpyTest, AnUnalignedHeaderIsReadAllTheSame) {
  const std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } \n";
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(dictionary.size());
  file += '\0';
  ASSERT_NE((10 + dictionary.size()) % 8, 0u);
  const double value = 1234.5;
  const NpyMap map = open(file + dictionary + std::string(reinterpret_cast<const char*>(&value), 8));
  EXPECT_EQ(map.values<double>()[0], 1234.5);
}

TEST(NpyWriter, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  expect_error(
      [] {
        NpyWriter writer("/dev/full", NpyType::uint8, {1 << 20});
        writer.append<std::uint8_t>(std::vector<std::uint8_t>(1 << 20));
        writer.close();
      },
      ErrorCode::io, {"/dev/full", "No space left"});
}

}  // namespace
}  // namespace nodulus
