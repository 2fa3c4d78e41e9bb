#include "nodulus/core/options.h"

#define TOML_HEADER_ONLY 1
#include <fmt/format.h>

#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"

namespace nodulus {
namespace {

/// A list is written with commas on the command line: --channels ct,mask. Paths are not split.
std::vector<std::string> split_commas(const std::vector<std::string>& words) {
  std::vector<std::string> parts;
  for (const std::string& word : words) {
    std::stringstream stream(word);
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  }
  return parts;
}

bool holds_paths(const Option& option) { return option.value_name() == "PATH..."; }

std::string plain_text(const nlohmann::ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string toml_text(const nlohmann::ordered_json& value) {
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const auto& element : value) parts.push_back(toml_text(element));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  return value.dump();  // JSON strings, numbers and booleans are TOML too
}

bool is_text_kind(const Option& option) {
  const auto value = option.value();
  if (value.is_array())
    return option.value_name().find("TEXT") == 0 || holds_paths(option) ||
           option.value_name().find('|') != std::string::npos;
  return value.is_string();
}

/// One TOML value as the word that Option::assign reads; its type has to fit the option's.
std::string word_of(const toml::node& node, const Option& option, const std::string& where) {
  const bool text = is_text_kind(option);
  if (text && node.is_string()) return node.ref<std::string>();
  if (option.is_flag() && node.is_boolean()) return node.ref<bool>() ? "true" : "false";
  if (!text && !option.is_flag() && node.is_integer()) return std::to_string(node.ref<std::int64_t>());
  if (!text && !option.is_flag() && node.is_floating_point()) return fmt::format("{}", node.ref<double>());
  std::ostringstream found;
  found << node.type();
  const std::string_view expected = text ? "a string" : option.is_flag() ? "true or false" : "a number";
  throw Error(ErrorCode::usage, fmt::format("{}: expected {}, found a {}", where, expected, found.str()));
}

/// The callback sees every leaf of the table with its dotted key.
template <class Visit>
void visit_leaves(const toml::table& table, const std::string& prefix, const Visit& visit) {
  for (const auto& [key, node] : table) {
    const std::string full = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      visit_leaves(*inner, full + ".", visit);
    } else {
      visit(full, node);
    }
  }
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw Error(ErrorCode::usage, fmt::format("{}: no such configuration file", file.string()));
  std::stringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

toml::table parse_toml(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::usage, fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }
}

/// Throws Error{usage} for an option that there is none of. Looked for first: CLI11 would take the word behind it for
/// one argument too many.
void require_known_flags(const std::deque<Option>& options, const std::vector<std::string>& words) {
  std::vector<std::string> flags;
  for (const Option& option : options) {
    if (option.is_positional()) continue;
    flags.push_back(option.flag());
    if (option.is_flag()) flags.push_back("--no-" + option.flag().substr(2));
  }
  for (const std::string& word : words) {
    if (word == "--") return;
    const std::string flag = word.substr(0, word.find('='));
    if (!flag.starts_with("--") || std::find(flags.begin(), flags.end(), flag) != flags.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("unknown option '{}'{}", flag, did_you_mean(flag, flags)));
  }
}

/// Words of the command line by option, in CLI11's terms.
std::map<std::string, std::vector<std::string>> parse_words(const std::deque<Option>& options,
                                                            std::vector<std::string> words) {
  require_known_flags(options, words);
  std::map<std::string, std::vector<std::string>> given;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (const Option& option : options) {
    if (option.is_flag()) {
      std::string negative = option.flag();
      negative.insert(2, "no-");
      app.add_flag_callback(option.flag(), [&given, key = option.key()] { given[key] = {"true"}; });
      app.add_flag_callback(negative, [&given, key = option.key()] { given[key] = {"false"}; });
      continue;
    }
    const std::string name = option.is_positional() ? option.key() : option.flag();
    if (option.is_positional() && holds_paths(option)) {
      app.add_option_function<std::vector<std::string>>(
          name, [&given, key = option.key()](const std::vector<std::string>& values) { given[key] = values; });
    } else {
      app.add_option_function<std::string>(
          name, [&given, key = option.key()](const std::string& value) { given[key] = {value}; });
    }
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes the vector from its back
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::usage, fmt::format("{} (a list is one word with commas; a name with spaces needs quotes)",
                                              std::string(error.what())));
  }
  for (const std::string& extra : app.remaining()) {
    const bool dashed = extra.starts_with('-');
    throw Error(ErrorCode::usage, fmt::format("unknown {} '{}'", dashed ? "option" : "argument", extra));
  }
  return given;
}

}  // namespace

Option& Options::add(std::string key, Option::Target target, std::string help) {
  options_.emplace_back(std::move(key), target, std::move(help));
  return options_.back();
}

const Option* Options::find(std::string_view key) const {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.key() == key; });
  return found == options_.end() ? nullptr : &*found;
}

Option& Options::require(std::string_view key, const std::string& where) {
  std::vector<std::string> known;
  for (Option& option : options_) {
    if (!option.is_saved()) continue;
    if (option.key() == key) return option;
    known.push_back(option.key());
  }
  throw Error(ErrorCode::usage, fmt::format("{}: unknown key '{}'{}", where, key, did_you_mean(key, known)));
}

void Options::parse(const std::vector<std::string>& words) {
  const auto given = parse_words(options_, words);
  if (const auto config = given.find("config"); config != given.end()) read_toml_file(config->second.front());
  for (Option& option : options_) {
    const auto found = given.find(option.key());
    if (found == given.end()) {
      const auto value = option.value();
      if (option.is_required() && (value.is_array() ? value.empty() : value == ""))
        throw Error(ErrorCode::usage, fmt::format("expected {} ({})", option.key(), option.help()));
      continue;
    }
    const bool split = option.is_list() && !holds_paths(option);
    option.assign(split ? split_commas(found->second) : found->second,
                  option.is_positional() ? option.key() : option.flag());
  }
}

void Options::read_toml_file(const std::filesystem::path& file) { read_toml(text_of(file), file.string()); }

void Options::read_toml(std::string_view text, const std::string& name) {
  const toml::table table = parse_toml(text, name);
  visit_leaves(table, "", [&](const std::string& key, const toml::node& node) {
    const std::string where = fmt::format("{}:{}", name, node.source().begin.line);
    Option& option = require(key, where);
    const std::string place = fmt::format("{}: {}", where, key);
    std::vector<std::string> parts;
    if (const toml::array* array = node.as_array()) {
      if (!option.is_list()) throw Error(ErrorCode::usage, fmt::format("{}: expected one value, found a list", place));
      for (const toml::node& element : *array) parts.push_back(word_of(element, option, place));
    } else {
      parts.push_back(word_of(node, option, place));
    }
    option.assign(parts, place);
  });
}

void Options::read_json(const nlohmann::json& values, const std::string& name) {
  for (const auto& [key, value] : values.items()) {
    std::vector<std::string> parts;
    if (value.is_array()) {
      for (const auto& element : value) parts.push_back(plain_text(element));
    } else {
      parts.push_back(plain_text(value));
    }
    require(key, name).assign(parts, fmt::format("{}: {}", name, key));
  }
}

std::string Options::to_toml() const {
  std::map<std::string, std::string> sections;  // "" sorts first, as TOML needs
  for (const Option& option : options_) {
    if (!option.is_saved()) continue;
    const std::string section = option.section();
    const std::string key = section.empty() ? option.key() : option.key().substr(section.size() + 1);
    sections[section] += fmt::format("{} = {}\n", key, toml_text(option.value()));
  }
  std::string text = sections[""];
  for (const auto& [section, body] : sections)
    if (!section.empty()) text += fmt::format("\n[{}]\n{}", section, body);
  return text;
}

nlohmann::ordered_json Options::to_json() const {
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const Option& option : options_)
    if (option.is_saved()) values[option.key()] = option.value();
  return values;
}

std::string Options::help(const std::string& program) const {
  std::string usage = fmt::format("Usage: {}", program);
  std::vector<std::string> order{"arguments"};
  std::map<std::string, std::string> sections;
  for (const Option& option : options_) {
    std::string left = option.is_positional() ? option.key() : option.flag();
    if (option.is_flag()) left.insert(2, "[no-]");
    if (option.is_positional()) {
      const std::string name = option.key() + (option.is_list() ? "..." : "");
      usage += option.is_required() ? " " + name : " [" + name + "]";
    } else if (!option.is_flag()) {
      left += " " + option.value_name();
    }
    const std::string section = option.is_positional() ? "arguments" : option.section();
    if (std::find(order.begin(), order.end(), section) == order.end()) order.push_back(section);
    const auto value = option.value();
    std::string shown = plain_text(value);
    if (value.is_array()) {
      std::vector<std::string> parts;
      for (const auto& element : value) parts.push_back(plain_text(element));
      shown = fmt::format("{}", fmt::join(parts, ","));
    }
    if (option.is_flag()) shown = shown == "true" ? "on" : "";
    const bool has_default = !option.is_positional() && !shown.empty();
    if (left.size() > 34) left += fmt::format("\n{:36}", "");  // its help on a line of its own
    sections[section] += fmt::format("  {:<34} {}{}\n", left, option.help(), has_default ? " [" + shown + "]" : "");
  }
  std::string text = usage + " [OPTIONS]\n";
  for (const std::string& section : order) {
    if (sections[section].empty()) continue;
    text += fmt::format("\n{}:\n{}", section.empty() ? "options" : section, sections[section]);
  }
  return text;
}

std::string toml_string(const std::filesystem::path& file, std::string_view key) {
  return parse_toml(text_of(file), file.string())[key].value_or(std::string());
}

}  // namespace nodulus
