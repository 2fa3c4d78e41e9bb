#include "nodulus/core/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"

namespace nodulus {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;  // the format's own bound

std::string as_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// The number of elements, or -1 where a dimension is negative or the product overflows.
std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return -1;
  return count;
}

}  // namespace

std::size_t element_size(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16") return 2;
  if (dtype == "U8" || dtype == "I8" || dtype == "BOOL") return 1;
  return 0;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error(ErrorCode::not_found, fmt::format("{}: cannot open weights file", path.string()));
  struct stat status {};
  ::fstat(descriptor, &status);
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = size >= length_bytes ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : MAP_FAILED;
  ::close(descriptor);
  if (address == MAP_FAILED) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected a safetensors file, found {} bytes", path.string(), size));
  }
  file_ = {static_cast<const std::byte*>(address), size};
  mapped_ = true;
  try {
    read_header();
  } catch (...) {
    ::munmap(address, size);
    throw;
  }
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::filesystem::path name)
    : path_(std::move(name)), file_(bytes) {
  if (bytes.size() < length_bytes)
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected a safetensors file, found {} bytes", path_.string(), bytes.size()));
  read_header();
}

SafetensorsFile::~SafetensorsFile() {
  if (mapped_) ::munmap(const_cast<std::byte*>(file_.data()), file_.size());
}

void SafetensorsFile::read_header() {
  auto refuse = [&](const std::string& why) -> Error {
    return {ErrorCode::bad_input, fmt::format("{}: not a whole safetensors file: {}", path_.string(), why)};
  };
  std::uint64_t header_length = 0;
  std::memcpy(&header_length, file_.data(), length_bytes);
  if (header_length > longest_header)
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected a safetensors file, found another", path_.string()));
  if (header_length > file_.size() - length_bytes)
    throw refuse(fmt::format("header of {} bytes in a file of {}", header_length, file_.size()));
  const auto* text = reinterpret_cast<const char*>(file_.data() + length_bytes);
  const auto header = nlohmann::json::parse(text, text + header_length, nullptr, false);
  if (!header.is_object()) throw refuse("the header is not a JSON object");
  const std::span<const std::byte> data = file_.subspan(length_bytes + header_length);
  std::vector<std::pair<std::size_t, std::size_t>> extents;
  try {
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        metadata_ = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      TensorView view{name, entry.at("dtype"), entry.at("shape"), {}};
      const std::vector<std::size_t> offsets = entry.at("data_offsets");
      if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size())
        throw refuse(fmt::format("tensor '{}' reaches past the end ({} bytes of data)", name, data.size()));
      const std::size_t item = element_size(view.dtype);
      const std::int64_t count = element_count(view.shape);
      const std::size_t length = offsets[1] - offsets[0];
      if (item == 0) throw refuse(fmt::format("tensor '{}' has unknown dtype '{}'", name, view.dtype));
      if (count < 0 || length % item != 0 || length / item != static_cast<std::size_t>(count))
        throw refuse(fmt::format("tensor '{}' of shape {} does not fit {} bytes", name, as_text(view.shape), length));
      view.bytes = data.subspan(offsets[0], length);
      extents.emplace_back(offsets[0], offsets[1]);
      tensors_.emplace(name, std::move(view));
    }
  } catch (const nlohmann::json::exception& error) {
    throw refuse(fmt::format("malformed header entry ({})", error.what()));
  }
  std::sort(extents.begin(), extents.end());
  std::size_t end = 0;
  for (const auto& [begin, stop] : extents) {
    if (begin != end) throw refuse(fmt::format("tensor data has a gap or an overlap at byte {}", end));
    end = stop;
  }
  if (end != data.size()) throw refuse(fmt::format("{} bytes of data, tensors take {}", data.size(), end));
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected a tensor '{}', found none", path_.string(), name));
  return found->second;
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const TensorView& tensor : tensors) {
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // data starts on an 8-byte boundary, as the format asks
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const TensorView& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}

}  // namespace nodulus
