#include "nodulus/lidc/xml_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

namespace nodulus::lidc {
namespace {

constexpr std::size_t kTextLimit = 256;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Bytes of the UTF-8 character that `text` begins with; 0 where it is not valid UTF-8 (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_named(const pugi::xml_node& node, std::string_view name) {
  std::string_view found = node.name();
  const std::size_t colon = found.find(':');
  if (colon != std::string_view::npos) found.remove_prefix(colon + 1);
  return found == name;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& candidate : node.children()) {
    if (is_named(candidate, name)) return candidate;
  }
  return {};
}

std::string child_text(const pugi::xml_node& node, std::string_view name) {
  return clean_text(child(node, name).text().get());
}

std::string clean_text(std::string_view text) {
  text = trimmed(text);
  std::string clean;
  for (std::size_t characters = 0; !text.empty() && characters < kTextLimit; ++characters) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    if (length == 0) {
      clean += static_cast<char>(0xC0u | (first >> 6u));
      clean += static_cast<char>(0x80u | (first & 0x3Fu));
    } else if (length == 1) {
      clean += first < 0x20 || first == 0x7F ? ' ' : text.front();
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

bool is_uid(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&lower](char x, char y) { return lower(x) == lower(y); });
}

std::optional<double> decimal(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  const auto value = decimal(text);
  if (!value || std::abs(*value) > 9007199254740992.0 || std::floor(*value) != *value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

}  // namespace nodulus::lidc
