#include "nodulus/study/markdown.h"

#include <fmt/format.h>

#include <cmath>

namespace nodulus::study {

std::string figure(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "–"; }

std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      escaped += ' ';
      continue;
    }
    if (c == '|' || c == '<' || c == '`' || c == '*' || c == '_' || c == '[' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& text : cells) row += " " + text + " |";
  return row + "\n";
}

std::string head_of(const std::vector<std::string>& titles) {
  std::string rule = "|---|";
  for (std::size_t k = 1; k < titles.size(); ++k) rule += "---:|";
  return row_of(titles) + rule + "\n";
}

}  // namespace nodulus::study
