#include "nodulus/core/safetensors.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"

namespace nodulus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path scratch(const std::string& name) { return std::filesystem::path(::testing::TempDir()) / name; }

void write_raw(const std::filesystem::path& path, const std::string& header, std::size_t data_bytes) {
  std::ofstream out(path, std::ios::binary);
  const std::uint64_t length = header.size();
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header << std::string(data_bytes, '\1');
}

std::string refusal(const std::filesystem::path& path) {
  try {
    const SafetensorsFile file(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Safetensors, RoundTrip) {
  const std::vector<float> values{1.5F, -2.0F, 3.25F, 0.0F, 1e-30F, 7.0F};
  const std::vector<std::uint8_t> bytes{0, 4};
  const auto path = scratch("round.safetensors");
  write_safetensors(path,
                    {{"b.weight", "F32", {2, 3}, std::as_bytes(std::span(values))},
                     {"a", "U8", {2}, std::as_bytes(std::span(bytes))}},
                    {{"step", "12"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("step"), "12");
  const TensorView& view = file.at("b.weight");
  EXPECT_EQ(view.dtype, "F32");
  EXPECT_THAT(view.shape, ElementsAre(2, 3));
  ASSERT_EQ(view.bytes.size(), 24U);
  EXPECT_EQ(std::memcmp(view.bytes.data(), values.data(), 24), 0);
  EXPECT_EQ(file.at("a").bytes.size(), 2U);
}

TEST(Safetensors, MalformedFilesAreRefusedByName) {
  const auto path = scratch("bad.safetensors");
  std::ofstream(path) << "abc";
  EXPECT_THAT(refusal(path), HasSubstr("found 3 bytes"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("'a' reaches past the end"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8);
  EXPECT_THAT(refusal(path), HasSubstr("'a' of shape [3] does not fit 8 bytes"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("does not fit"));
  write_raw(path, R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("does not fit"));
  write_raw(path, R"({"a":{"dtype":"PICKLE","shape":[1],"data_offsets":[0,4]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("unknown dtype 'PICKLE'"));
  write_raw(path, R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("malformed header entry"));
  write_raw(path, R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("gap or an overlap"));
  write_raw(path, R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 4);
  EXPECT_THAT(refusal(path), HasSubstr("4 bytes of data, tensors take 2"));
  write_raw(path, "[1]", 0);
  EXPECT_THAT(refusal(path), HasSubstr("not a JSON object"));
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::vector<float> values(8, 1.0F);
  const auto whole = scratch("whole.safetensors");
  write_safetensors(whole, {{"w", "F32", {8}, std::as_bytes(std::span(values))}}, {});
  const std::string text = read_file(whole);
  const auto cut = scratch("cut.safetensors");
  for (std::size_t size = 0; size < text.size(); ++size) {
    std::ofstream(cut, std::ios::binary) << text.substr(0, size);
    EXPECT_NE(refusal(cut), "no error") << size << " of " << text.size() << " bytes";
  }
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const auto path = scratch("atomic.txt");
  std::ofstream(path) << "old";
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
  AtomicFile file(path);
  file.write("new");
  file.commit();
  EXPECT_EQ(read_file(path), "new");
}

}  // namespace
}  // namespace nodulus
