#include "nodulus/app/command.h"

namespace nodulus::app {

void CommonOptions::describe(Options& options, bool computes) {
  options.add("config", config, "settings from a TOML file; flags win").command_line_only();
  options.add("threads", threads, "threads; 0: one a core").between(0, 4096).command_line_only();
  if (computes) options.add("device", device, "where to compute").one_of({"cpu", "cuda"}).command_line_only();
  options.add("force", force, "replace the target where it exists").command_line_only();
  options.add("dry_run", dry_run, "say what would be done, do nothing").command_line_only();
  options.add("quiet", quiet, "no progress, no notes").command_line_only();
  options.add("json", json, "one JSON object on stdout at the end").command_line_only();
}

std::string word_after(const std::vector<std::string>& words, std::string_view flag) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == flag) return i + 1 < words.size() ? words[i + 1] : "";
    if (words[i].starts_with(flag) && words[i].size() > flag.size() && words[i][flag.size()] == '=')
      return words[i].substr(flag.size() + 1);
  }
  return "";
}

}  // namespace nodulus::app
