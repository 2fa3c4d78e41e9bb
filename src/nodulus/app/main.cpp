#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <new>

#include "nodulus/app/command.h"
#include "nodulus/app/console.h"
#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/core/threads.h"
#ifdef NODULUS_HAS_TORCH
#include "nodulus/app/compute.h"
#endif

namespace nodulus::app {
namespace {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

std::string overview() {
  std::string text =
      "nodulus: lung CT to a labelled nodule data set, generative models of it, and new nodules from them\n\n"
      "Usage: nodulus COMMAND [OPTIONS]\n\ncommands:\n";
  for (const CommandRow& row : commands()) text += fmt::format("  {:<16} {}\n", row.name, row.summary);
  text +=
      "\n  nodulus COMMAND --help says what a command takes; nodulus --version which program this is.\n\n"
      "Example:\n  nodulus prepare raw/ --out dataset/ && nodulus train --data dataset/\n\n"
      "Generated images are for research and teaching, never for diagnosis.\n";
  return text;
}

std::string command_help(const CommandRow& row, const Options& options) {
  return fmt::format("{}\n\n{}\nExample:\n  {}\n", row.summary, options.help(fmt::format("nodulus {}", row.name)),
                     row.example);
}

const CommandRow& find(const std::vector<CommandRow>& rows, const std::string& name) {
  std::vector<std::string> known;
  for (const CommandRow& row : rows) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error(ErrorCode::usage,
              fmt::format("unknown command '{}'{}; nodulus --help lists them", name, did_you_mean(name, known)));
}

bool asks_for_help(const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (word == "--help" || word == "-h") return true;
  return false;
}

int run_command(const CommandRow& row, const std::vector<std::string>& words) {
  const auto start = std::chrono::steady_clock::now();
  const auto command = row.make();
  CommonOptions common;
  Options options;
  command->describe(options, words);
  common.describe(options, row.computes);
  if (asks_for_help(words)) {
    fmt::print("{}", command_help(row, options));
    return exit_done;
  }
  options.parse(words);
  if (common.threads == 0) common.threads = available_cores();
  Console console(common.quiet);
#ifdef NODULUS_HAS_TORCH
  set_up_compute(common.threads);
#endif
  Outcome outcome;
  if (common.dry_run) {
    outcome = command->plan(common, console);
    outcome.figures["options"] = options.to_json();
    outcome.text = fmt::format("{}\n# options\n{}", outcome.text, options.to_toml());
  } else {
    outcome = command->run(common, options, console);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (common.json) {
    outcome.figures["seconds"] = seconds;
    fmt::print("{}\n", outcome.figures.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (!common.quiet) {
    fmt::print("{}\n", outcome.text);
  }
  if (std::fflush(stdout) != 0) throw Error(ErrorCode::io, "cannot write to standard output");
  return exit_done;
}

int main_of(const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "--help" || words.front() == "-h") {
    fmt::print(words.empty() ? stderr : stdout, "{}", overview());
    return words.empty() ? exit_usage : exit_done;
  }
  if (words.front() == "--version") {
    fmt::print("nodulus {}{}\n", program_version(),
               git_revision().empty() ? "" : fmt::format(" ({:.12})", git_revision()));
    return exit_done;
  }
  const auto rows = commands();
  return run_command(find(rows, words.front()), {words.begin() + 1, words.end()});
}

}  // namespace
}  // namespace nodulus::app

int main(int argc, char** argv) {
  try {
    return nodulus::app::main_of({argv + 1, argv + argc});
  } catch (const nodulus::Error& error) {
    fmt::print(stderr, "nodulus: {}\n", error.what());
    return error.code() == nodulus::ErrorCode::usage ? nodulus::app::exit_usage : nodulus::app::exit_failed;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "nodulus: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "nodulus: unexpected failure: {}\n", error.what());
  }
  return nodulus::app::exit_failed;
}
