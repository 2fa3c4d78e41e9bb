#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/dicom/slice_header.h"

namespace nodulus::dicom {

/// A file that scripts/make-dicom-fixtures made.
inline std::string fixture(const std::string& name) {
  return std::string(NODULUS_BINARY_DIR "/dicom-fixtures/") + name;
}

inline std::string bundled_slice() { return NODULUS_SOURCE_DIR "/data/lidc-idri-0001/1-040.dcm"; }

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path << " is missing: run the ctest entry dicom.fixtures first";
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The Hounsfield units that numpy says are in the file beside.
inline std::vector<std::int16_t> expected_hu(const std::string& name) {
  const std::string bytes = read_bytes(fixture(name + ".hu"));
  std::vector<std::int16_t> hu(bytes.size() / 2);
  for (std::size_t i = 0; i < hu.size(); ++i) {
    const auto low = static_cast<std::uint8_t>(bytes[2 * i]);
    const auto high = static_cast<std::uint8_t>(bytes[2 * i + 1]);
    hu[i] = static_cast<std::int16_t>(low | (high << 8));
  }
  return hu;
}

inline std::vector<SliceHeader> headers_of(const std::string& path) {
  auto found = read_headers(path);
  if (const auto* reject = std::get_if<Reject>(&found)) {
    ADD_FAILURE() << path << ": " << reject->reason << ": " << reject->detail;
    return {};
  }
  return std::get<std::vector<SliceHeader>>(std::move(found));
}

inline std::string reject_reason(const std::string& path) {
  const auto found = read_headers(path);
  const auto* reject = std::get_if<Reject>(&found);
  return reject == nullptr ? "none" : reject->reason;
}

}  // namespace nodulus::dicom
