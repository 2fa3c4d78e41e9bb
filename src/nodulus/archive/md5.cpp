#include "nodulus/archive/md5.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::archive {
namespace {

void require(bool done) {
  if (!done) throw Error(ErrorCode::internal, "OpenSSL has no MD5");
}

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Md5::Md5() : context_(EVP_MD_CTX_new(), [](void* context) { EVP_MD_CTX_free(context_of(context)); }) {
  require(context_ != nullptr && EVP_DigestInit_ex(context_of(context_.get()), EVP_md5(), nullptr) == 1);
}

void Md5::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_of(context_.get()), bytes.data(), bytes.size()) == 1);
}

std::string Md5::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  require(EVP_DigestFinal_ex(context_of(context_.get()), digest.data(), &size) == 1);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : std::span(digest).first(size)) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string md5_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw io_error("open", file);
  Md5 sum;
  std::vector<char> buffer(1 << 18);
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    sum.update(std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(stream.gcount()))));
  }
  if (stream.bad()) throw io_error("read", file);
  return sum.hex();
}

}  // namespace nodulus::archive
