#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/options.h"

namespace nodulus::app {

/// Settings that every command has.
struct CommonOptions {
  std::filesystem::path config;
  int threads = 0;  ///< 0: the machine's cores.
  std::string device = "cpu";
  bool force = false;
  bool dry_run = false;
  bool quiet = false;
  bool json = false;

  /// `computes`: the command runs a network, which may be on another device.
  void describe(Options& options, bool computes);
};

/// What a command leaves for the user besides its artifact.
struct Outcome {
  Json figures = Json::object();  ///< What was made, counts, figures: the object that --json prints.
  std::string text;               ///< The same for people.
};

/// One subcommand, one source file, one row of commands().
class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  /// Adds the command's settings. `words` are those of the command line, for a command whose settings depend on one of
  /// them (--family).
  virtual void describe(Options& options, const std::vector<std::string>& words) = 0;
  /// The work ahead, for --dry-run: checks what can be checked without doing it.
  virtual Outcome plan(const CommonOptions& common, Monitor& monitor) = 0;
  virtual Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) = 0;
};

struct CommandRow {
  std::string_view name;
  std::string_view summary;
  std::string_view example;
  std::unique_ptr<Command> (*make)();
  bool computes = false;  ///< Runs a network.
};

std::vector<CommandRow> commands();

/// The value of a flag among the words, as "--family x" or "--family=x"; "" where there is none.
std::string word_after(const std::vector<std::string>& words, std::string_view flag);

template <class T>
std::unique_ptr<Command> make_command() {
  return std::make_unique<T>();
}

}  // namespace nodulus::app
