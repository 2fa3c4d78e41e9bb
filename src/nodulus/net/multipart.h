#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/net/client.h"

namespace nodulus::net {

/// The value of a parameter of a header such as `multipart/related; type="application/dicom"; boundary=x`; "" for none.
std::string parameter(std::string_view header, std::string_view name);

/// Reads a multipart body (RFC 2046 5.1) as it comes, part by part, holding no more than a header and a boundary.
class MultipartReader {
 public:
  struct Parts {
    std::function<void(const Headers& headers)> begin;
    std::function<void(std::span<const std::byte> bytes)> bytes;
    std::function<void()> end;  ///< The part was whole.
  };
  MultipartReader(std::string boundary, Parts parts);

  /// Throws Error{bad_input} for what is no multipart body, and what the functions above throw.
  void feed(std::span<const std::byte> bytes);
  /// True once the closing boundary was met.
  [[nodiscard]] bool finished() const { return state_ == State::done; }

 private:
  enum class State { preamble, after_boundary, headers, body, done };
  bool step();
  bool read_body();

  std::string delimiter_;  // "\r\n--boundary"
  Parts parts_;
  State state_ = State::preamble;
  std::string pending_;
};

/// A multipart/related body of files, read from disk as it is sent.
Body multipart_of_files(const std::vector<std::filesystem::path>& files, const std::string& boundary,
                        const std::string& content_type);

}  // namespace nodulus::net
