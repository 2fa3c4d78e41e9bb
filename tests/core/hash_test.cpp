#include "nodulus/core/hash.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus {
namespace {

std::string plain_hex(std::string_view text, std::size_t piece) {
  PlainSha256 sum;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto part = text.substr(at, piece);
    sum.update(std::as_bytes(std::span(part.data(), part.size())));
  }
  std::string hex;
  for (const std::uint8_t byte : sum.digest()) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

struct Vector {
  std::string text;
  std::string sum;
};

// NIST's example values for FIPS 180-4, and the empty message.
const std::vector<Vector> vectors{
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};

TEST(Sha256, GivesThePublishedSums) {
  for (const Vector& vector : vectors) {
    EXPECT_EQ(sha256_hex(vector.text), vector.sum);
    EXPECT_EQ(plain_hex(vector.text, 7), vector.sum);
  }
}

TEST(Sha256, BothImplementationsAgreeAtEveryLengthAroundABlock) {
  std::string text;
  for (int length = 0; length < 200; ++length) {
    EXPECT_EQ(plain_hex(text, 64), sha256_hex(text)) << length;
    text += static_cast<char>('a' + length % 26);
  }
}

TEST(Sha256, SumsAFileAndNamesAMissingOne) {
  const test::TemporaryFolder folder;
  test::write_all(folder / "a", std::string(1000000, 'a'));
  EXPECT_EQ(sha256_file(folder / "a"), vectors[3].sum);
  test::expect_error([&] { (void)sha256_file(folder / "b"); }, ErrorCode::not_found, {"/b'"});
}

TEST(StableHash, IsTheFirstEightBytesOfTheSum) { EXPECT_EQ(stable_hash("abc"), 0xba7816bf8f01cfeaull); }

}  // namespace
}  // namespace nodulus
