#include "nodulus/net/multipart.h"

#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "nodulus/core/error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::net {
namespace {

struct Part {
  Headers headers;
  std::string bytes;
  bool whole = false;
};

/// The parts of `text`, fed in pieces of `step` bytes.
std::vector<Part> parts_of(const std::string& text, const std::string& boundary, std::size_t step, bool& finished) {
  std::vector<Part> parts;
  MultipartReader reader(boundary, {[&](const Headers& headers) {
                                      parts.push_back({headers, "", false});
                                    },
                                    [&](std::span<const std::byte> bytes) {
                                      parts.back().bytes.append(reinterpret_cast<const char*>(bytes.data()),
                                                                bytes.size());
                                    },
                                    [&] { parts.back().whole = true; }});
  for (std::size_t at = 0; at < text.size(); at += step)
    reader.feed(std::as_bytes(std::span(text.data() + at, std::min(step, text.size() - at))));
  finished = reader.finished();
  return parts;
}

std::string noise(std::size_t size) {
  std::mt19937 random(3);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Multipart, ParametersOfAHeader) {
  const std::string header = R"(Multipart/Related; type="application/dicom"; Boundary="a;b\"c" ; start = x)";
  EXPECT_EQ(parameter(header, "type"), "application/dicom");
  EXPECT_EQ(parameter(header, "boundary"), "a;b\"c");
  EXPECT_EQ(parameter(header, "start"), "x");
  EXPECT_EQ(parameter(header, "charset"), "");
  EXPECT_EQ(parameter("multipart/related;boundary=abc", "boundary"), "abc");
  EXPECT_EQ(parameter("multipart/related", "boundary"), "");
}

TEST(Multipart, IsReadWhateverThePiecesAre) {
  // Bytes that look like the beginning of a boundary, a boundary within a line, and line breaks at the end.
  const std::string first = "\r\n--b\r\n--boundar\r\nx--boundary" + noise(5000);
  const std::string second = "abc\r\n";
  const std::string text = "a preamble\r\n--boundary  \r\nContent-Type: application/dicom\r\nX: 1\r\n\r\n" + first +
                           "\r\n--boundary\r\n\r\n" + second + "\r\n--boundary--\r\nan epilogue --boundary";
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, text.size()}) {
    bool finished = false;
    const auto parts = parts_of(text, "boundary", step, finished);
    ASSERT_EQ(parts.size(), 2) << step;
    EXPECT_EQ(parts[0].headers.at("content-type"), "application/dicom");
    EXPECT_EQ(parts[0].headers.at("x"), "1");
    EXPECT_EQ(parts[0].bytes, first) << step;
    EXPECT_EQ(parts[1].bytes, second) << step;
    EXPECT_TRUE(parts[0].whole && parts[1].whole && finished) << step;
  }
}

TEST(Multipart, ACutBodyIsNotFinished) {
  const std::string text = "--b\r\nA: 1\r\n\r\none\r\n--b\r\nA: 2\r\n\r\ntwo\r\n--b--";
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    bool finished = true;
    const auto parts = parts_of(text.substr(0, size), "b", 3, finished);
    EXPECT_FALSE(finished && size < text.size() - 2) << size;
    if (parts.size() == 2) {
      EXPECT_TRUE(parts[0].whole) << size;
    }
  }
}

TEST(Multipart, WhatIsNoneIsRefused) {
  bool finished = false;
  EXPECT_THROW(parts_of(std::string(100'000, 'x'), "b", 1000, finished), Error);
  EXPECT_THROW(parts_of("--b\r\n" + std::string(100'000, 'x'), "b", 1000, finished), Error);
  EXPECT_THROW(parts_of("x", "", 1, finished), Error);
}

TEST(Multipart, FilesAreSentAndReadBack) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> contents{noise(100'000), "", "\r\n--b"};
  std::vector<std::filesystem::path> files;
  for (const std::string& content : contents) {
    files.push_back(folder.path() / std::to_string(files.size()));
    std::ofstream(files.back(), std::ios::binary) << content;
  }
  Body body = multipart_of_files(files, "boundary-1", "application/dicom");
  for (int time = 0; time < 2; ++time) {  // the second after a rewind in the middle
    std::string text;
    std::vector<char> room(777);
    while (const std::size_t count = body.read(room)) text.append(room.data(), count);
    EXPECT_EQ(static_cast<std::int64_t>(text.size()), body.bytes);
    bool finished = false;
    const auto parts = parts_of(text, "boundary-1", 4096, finished);
    ASSERT_EQ(parts.size(), 3);
    EXPECT_TRUE(finished);
    for (std::size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i].bytes, contents[i]) << i;
    body.rewind();
    (void)body.read(room);
    body.rewind();
  }
}

}  // namespace
}  // namespace nodulus::net
