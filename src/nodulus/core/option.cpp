#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/core/options.h"

namespace nodulus {
namespace {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

template <class T>
constexpr std::string_view kind_of() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "a whole number >= 0";
  if constexpr (std::is_integral_v<T>) return "a whole number";
  if constexpr (std::is_floating_point_v<T>) return "a number";
  return "text";
}

template <class T>
T number_from(const std::string& word, const std::string& where) {
  T result{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), result);
  bool good = error == std::errc() && end == word.data() + word.size();
  if constexpr (std::is_floating_point_v<T>) good = good && std::isfinite(result);
  if (!good) throw Error(ErrorCode::usage, fmt::format("{}: expected {}, found '{}'", where, kind_of<T>(), word));
  return result;
}

}  // namespace

Option& Option::one_of(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}

Option& Option::between(double low, double high) {
  low_ = low;
  high_ = high;
  return *this;
}

Option& Option::positional(bool required) {
  positional_ = true;
  required_ = required;
  saved_ = false;
  return *this;
}

Option& Option::command_line_only() {
  saved_ = false;
  return *this;
}

std::string Option::flag() const {
  std::string text = key_;
  std::replace(text.begin(), text.end(), '_', '-');
  return "--" + text;
}

std::string Option::section() const {
  const auto dot = key_.find('.');
  return dot == std::string::npos ? "" : key_.substr(0, dot);
}

bool Option::is_list() const {
  return std::visit([](auto* target) { return is_vector<std::remove_pointer_t<decltype(target)>>::value; }, target_);
}

std::string Option::value_name() const {
  if (!choices_.empty()) return fmt::format("{}", fmt::join(choices_, "|"));
  return std::visit(
      [](auto* target) -> std::string {
        using T = std::remove_pointer_t<decltype(target)>;
        if constexpr (std::is_same_v<T, bool>) return "";
        if constexpr (std::is_same_v<T, std::vector<int>>) return "INT,...";
        if constexpr (std::is_same_v<T, std::vector<double>>) return "NUMBER,...";
        if constexpr (std::is_same_v<T, std::vector<std::string>>) return "TEXT,...";
        if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) return "PATH...";
        if constexpr (std::is_same_v<T, std::filesystem::path>) return "PATH";
        if constexpr (std::is_same_v<T, std::string>) return "TEXT";
        if constexpr (std::is_floating_point_v<T>) return "NUMBER";
        return "INT";
      },
      target_);
}

nlohmann::ordered_json Option::value() const {
  return std::visit(
      [](auto* target) -> nlohmann::ordered_json {
        using T = std::remove_pointer_t<decltype(target)>;
        if constexpr (std::is_same_v<T, std::filesystem::path>) {
          return target->string();
        } else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) {
          auto list = nlohmann::ordered_json::array();
          for (const auto& path : *target) list.push_back(path.string());
          return list;
        } else {
          return *target;
        }
      },
      target_);
}

void Option::check_text(const std::string& text, const std::string& where) const {
  if (choices_.empty() || std::find(choices_.begin(), choices_.end(), text) != choices_.end()) return;
  throw Error(ErrorCode::usage, fmt::format("{}: expected one of {}; found '{}'{}", where, fmt::join(choices_, ", "),
                                            text, did_you_mean(text, choices_)));
}

void Option::check_number(double number, const std::string& where) const {
  if (number >= low_ && number <= high_) return;
  std::string range;
  if (std::isinf(high_)) {
    range = fmt::format("a value >= {}", low_);
  } else if (std::isinf(low_)) {
    range = fmt::format("a value <= {}", high_);
  } else {
    range = fmt::format("a value from {} to {}", low_, high_);
  }
  throw Error(ErrorCode::usage, fmt::format("{}: expected {}, found {}", where, range, number));
}

void Option::assign(const std::vector<std::string>& words, const std::string& where) {
  auto one = [&]<class T>(T& out, const std::string& word) {
    if constexpr (std::is_same_v<T, bool>) {
      if (word != "true" && word != "false")
        throw Error(ErrorCode::usage, fmt::format("{}: expected true or false, found '{}'", where, word));
      out = word == "true";
    } else if constexpr (std::is_arithmetic_v<T>) {
      const T number = number_from<T>(word, where);
      check_number(static_cast<double>(number), where);
      out = number;
    } else {
      check_text(word, where);
      out = word;
    }
  };
  std::visit(
      [&](auto* target) {
        using T = std::remove_pointer_t<decltype(target)>;
        if constexpr (is_vector<T>::value) {
          T list(words.size());
          for (std::size_t i = 0; i < words.size(); ++i) one(list[i], words[i]);
          *target = std::move(list);
        } else {
          if (words.size() != 1)
            throw Error(ErrorCode::usage, fmt::format("{}: expected one value, found {}", where, words.size()));
          one(*target, words.front());
        }
      },
      target_);
}

}  // namespace nodulus
