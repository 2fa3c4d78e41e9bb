#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "nodulus/core/reject.h"
#include "nodulus/dicom/byte_source.h"

namespace nodulus::dicom {

/// A stretch of bytes within a ByteSource.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// How a data set's elements are written (DICOM PS3.5 section 7.1 and annex A).
struct Encoding {
  bool explicit_vr = true;
  bool big_endian = false;
};

/// Where things lie in one DICOM file, found by walking its tags and lengths without reading values.
/// Every length before the pixels has been checked against the file's end, nested ones too: whoever parses
/// values afterwards meets none that asks for memory that the file cannot fill.
struct Layout {
  std::shared_ptr<ByteSource> source;  ///< The file; or, where it was deflated, its inflated form.
  std::string transfer_syntax_uid;     ///< Of the file as stored; empty where it has no meta header.
  Encoding encoding;                   ///< Of the data set in `source`.
  std::uint64_t data_set = 0;          ///< Offset of the first element after the meta header.
  std::uint64_t pixel_element = 0;     ///< Offset of the pixel element's tag; the end of the data set where none.

  enum class Pixels { none, integer, floating };
  Pixels pixels = Pixels::none;
  bool encapsulated = false;
  std::uint64_t pixels_declared = 0;  ///< Native pixels: the length that the element states.
  Extent native;                      ///< Native pixels: what of it the file holds.
  std::vector<Extent> fragments;      ///< Encapsulated pixels: the first is the basic offset table (PS3.5 A.4).
  std::string pixels_cut;             ///< Where the pixel element runs past the end of the file; or empty.
};

/// Walks a file. Rejects: "not found", "unreadable file", "empty file", "not DICOM", "truncated",
/// "damaged header".
std::variant<Layout, Reject> find_layout(const std::string& path);

}  // namespace nodulus::dicom
