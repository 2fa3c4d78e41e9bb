#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "nodulus/core/manifest.h"

/// From figures to a page that people read.
namespace nodulus::report {

/// The versions of metrics.json and sweep.json that are read.
inline constexpr int newest_metrics = 1;

/// A file of figures and what it is called in messages.
struct Source {
  std::filesystem::path path;
  Json json;
};

/// Reads a metrics.json or sweep.json. Throws Error{not_found, io}; Error{bad_input} naming file, key, expected and
/// found for anything else and for another version.
Source read_source(const std::filesystem::path& file);

/// report.json: all sets of all files side by side, as docs/formats.md has it. Throws Error{usage} where there is no
/// metrics.json among them or two do not compare: another data set, other features, another window or size; the message
/// names both files.
Json combine(const std::vector<Source>& sources);

/// What the figures say, in plain sentences. Computed: no sentence without the figure that it rests on.
std::vector<std::string> summary(const Json& report);
/// What they do not say: few images, what the features are, that nobody looked.
std::vector<std::string> cautions(const Json& report);

/// The page, one file that needs nothing else.
std::string page(const Json& report);

/// figures.csv: set, figure, value, interval, floor, ...; traits.csv likewise, a row a set and trait.
std::string figures_csv(const Json& report);
std::string traits_csv(const Json& report);

}  // namespace nodulus::report
