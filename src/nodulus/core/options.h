#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nodulus {

/// One setting of a command: its key, where its value goes and what values are allowed.
/// The key is dotted where it belongs to a section: "unet.channels" is the flag --unet.channels and the key
/// `channels` of the TOML table [unet]. Words within a key are joined by '_' in TOML and by '-' in the flag.
class Option {
 public:
  using Target = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*, std::filesystem::path*,
                              std::vector<int>*, std::vector<double>*, std::vector<std::string>*,
                              std::vector<std::filesystem::path>*>;

  Option(std::string key, Target target, std::string help)
      : key_(std::move(key)), target_(target), help_(std::move(help)) {}

  /// Values must be one of these (each element, for a list).
  Option& one_of(std::vector<std::string> choices);
  /// Numbers must lie in [low, high] (each element, for a list).
  Option& between(double low, double high);
  /// Given by position on the command line, not by a flag; never saved to config.toml.
  Option& positional(bool required = true);
  /// Not part of what is saved and not allowed in a configuration file: --config itself, --json, ...
  Option& command_line_only();

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const std::string& help() const { return help_; }
  [[nodiscard]] std::string flag() const;
  [[nodiscard]] std::string section() const;
  [[nodiscard]] bool is_positional() const { return positional_; }
  [[nodiscard]] bool is_required() const { return required_; }
  [[nodiscard]] bool is_saved() const { return saved_; }
  [[nodiscard]] bool is_flag() const { return std::holds_alternative<bool*>(target_); }
  [[nodiscard]] bool is_list() const;
  /// The kind of value as help prints it: "INT", "TEXT", "a|b|c".
  [[nodiscard]] std::string value_name() const;
  /// The present value; [] and "" where nothing is set.
  [[nodiscard]] nlohmann::ordered_json value() const;

  /// Reads the value from words of text. `where` names the place for the error, such as "--size" or
  /// "ddpm.toml:3". Throws Error{usage}: what was expected and what was found.
  void assign(const std::vector<std::string>& words, const std::string& where);

 private:
  void check_text(const std::string& text, const std::string& where) const;
  void check_number(double number, const std::string& where) const;

  std::string key_;
  Target target_;
  std::string help_;
  std::vector<std::string> choices_;
  double low_ = -std::numeric_limits<double>::infinity();
  double high_ = std::numeric_limits<double>::infinity();
  bool positional_ = false;
  bool required_ = false;
  bool saved_ = true;
};

/// The settings of one command, described once: flags, TOML keys, config.toml, help and validation follow.
///
///     Options options;
///     options.add("batch", batch, "images a step").between(1, 65536);
///     options.read_toml_file("recipe.toml");
///     options.parse(arguments);
class Options {
 public:
  /// The variable holds the default until it is assigned and must outlive this object.
  Option& add(std::string key, Option::Target target, std::string help);
  template <class T>
  Option& add(std::string key, T& variable, std::string help) {
    return add(std::move(key), Option::Target(&variable), std::move(help));
  }

  [[nodiscard]] const std::deque<Option>& all() const { return options_; }
  [[nodiscard]] const Option* find(std::string_view key) const;

  /// Command line words (without program and command name). Flags win over what --config FILE says, which wins
  /// over defaults. Throws Error{usage}; an unknown flag names the nearest known one.
  void parse(const std::vector<std::string>& words);
  /// Reads a TOML file. Throws Error{usage} for an unknown key (naming the nearest), a wrong type or bad syntax.
  void read_toml_file(const std::filesystem::path& file);
  void read_toml(std::string_view text, const std::string& name);
  /// Sets the options that `values` (as to_json() gave them) has.
  void read_json(const nlohmann::json& values, const std::string& name);

  /// Every saved option, resolved, as TOML in the order of description.
  [[nodiscard]] std::string to_toml() const;
  [[nodiscard]] nlohmann::ordered_json to_json() const;
  /// The text that --help prints below the summary: usage and every option by section, with its default.
  [[nodiscard]] std::string help(const std::string& program) const;

 private:
  Option& require(std::string_view key, const std::string& where);

  std::deque<Option> options_;  // a deque: add() hands out references that stay good
};

/// The string under a top-level key of a TOML file, or "" where it has none: for a setting on which the description of
/// the others depends. Throws Error{usage} as Options::read_toml_file().
std::string toml_string(const std::filesystem::path& file, std::string_view key);

}  // namespace nodulus
