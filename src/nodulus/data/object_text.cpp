#include "nodulus/data/object_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/core/files.h"

namespace nodulus::data {
namespace fs = std::filesystem;
namespace {

/// Of models/NAME, models/NAME/2 and NAME/ the name: no path of this machine.
std::string model_name(const std::string& path) {
  if (path.empty()) return "";
  const fs::path whole = without_slash(path);
  const std::string last = whole.filename().string();
  const bool version = last.find_first_not_of("0123456789") == std::string::npos;
  return version ? whole.parent_path().filename().string() : last;
}

/// The words of a condition, those that are paths without their folders.
std::string without_folders(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    while (word.size() > 1 && word.back() == '/') word.pop_back();
    out += fmt::format("{}{}", out.empty() ? "" : " ", word.substr(word.rfind('/') + 1));
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string object_description(const CsvTable& items, std::size_t row) {
  std::string text;
  for (const std::string_view column : {"model", "seed", "condition", "sampler", "steps"}) {
    if (!items.has(column) || items.text(row, column).empty()) continue;
    std::string value = items.text(row, column);
    value = column == "model" ? model_name(value) : without_folders(value);
    text +=
        fmt::format("{}{}{}", text.empty() ? "" : "; ", column == "condition" ? "" : fmt::format("{} ", column), value);
  }
  return text;
}

std::string model_of(const StoredImages& source) {
  const Json& options = source.manifest().options;
  const std::string name = model_name(options.value("model", ""));
  return name.empty() ? source.manifest().command : name;
}

}  // namespace nodulus::data
