#include <fmt/format.h>

#include "nodulus/data/inspect.h"

namespace nodulus::data {
namespace {

Json json_of(const std::optional<std::array<double, 3>>& range) {
  if (!range) return nullptr;
  return {{"min", (*range)[0]}, {"median", (*range)[1]}, {"max", (*range)[2]}};
}

Json json_of(const Counts& counts) {
  return {{"images", counts.images}, {"nodules", counts.nodules}, {"patients", counts.patients}};
}

std::string value_name(const Label& label, int value) {
  for (const auto& [number, text] : label.values) {
    if (number == value) return fmt::format("{} {}", value, text);
  }
  return std::to_string(value);
}

Counts counts_in(const DatasetInfo& info, Split split) {
  const auto found = info.counts_by_split.find(std::string(name(split)));
  return found == info.counts_by_split.end() ? Counts{} : found->second;
}

constexpr std::array splits{Split::train, Split::val, Split::test};

}  // namespace

Json json_of(const Inspection& inspection) {
  const DatasetInfo& info = inspection.info;
  Json json;
  json["dataset_sha256"] = inspection.hash;
  json["size"] = {info.height, info.width};
  json["synthetic"] = inspection.synthetic;
  json["content"] = info.content;
  json["masks"] = info.masks;
  json["counts"] = json_of(info.counts);
  for (const Split split : splits) json["counts"][std::string(name(split))] = json_of(counts_in(info, split));
  json["spacing_mm"] = json_of(inspection.spacing_mm);
  json["hu"] = {{"min", inspection.hu_min},
                {"max", inspection.hu_max},
                {"percentiles", Json::object()},
                {"window", {inspection.window_hu.lo, inspection.window_hu.hi}},
                {"below_window", inspection.below_window},
                {"above_window", inspection.above_window},
                {"note", info.hu_note}};
  constexpr std::array shares{"1", "25", "50", "75", "99"};
  for (std::size_t i = 0; i < shares.size(); ++i) json["hu"]["percentiles"][shares[i]] = inspection.hu_percentiles[i];
  json["hu"]["histogram"] = {
      {"first", inspection.hu_first}, {"bin", inspection.hu_bin}, {"counts", inspection.hu_histogram}};
  if (info.masks) json["mask_pixels_by_readers"] = inspection.pixels_by_readers;
  json["labels"] = Json::array();
  for (const LabelFigures& figures : inspection.labels) {
    Json label{{"name", figures.label.name}, {"type", figures.label.type}, {"known", figures.known}};
    if (figures.range) label["range"] = json_of(figures.range);
    for (const auto& [value, by_split] : figures.by_value) {
      label["items"][std::to_string(value)] = {{"train", by_split[0]}, {"val", by_split[1]}, {"test", by_split[2]}};
    }
    json["labels"].push_back(std::move(label));
  }
  json["rejects"] = info.rejects.empty() ? Json::object() : Json(info.rejects);
  json["shown_items"] = inspection.shown;
  return json;
}

std::string text_of(const Inspection& inspection) {
  const DatasetInfo& info = inspection.info;
  std::string text = fmt::format("{} images of {}x{}, {}{}\n", info.counts.images, info.width, info.height,
                                 info.content == "patch" ? "each around a nodule" : "whole slices",
                                 info.masks ? ", with the readers' masks" : ", no masks");
  if (inspection.synthetic) text += "SYNTHETIC: generated images are among them\n";
  for (const Source& source : info.sources)
    text += fmt::format("source   {} ({}) {}\n", source.name, source.licence, source.url);
  if (!info.hu_note.empty()) text += fmt::format("HU       {}\n", info.hu_note);
  const auto& p = inspection.hu_percentiles;
  text += fmt::format("HU       {} to {}; 1 % {}, 25 % {}, median {}, 75 % {}, 99 % {}\n", inspection.hu_min,
                      inspection.hu_max, p[0], p[1], p[2], p[3], p[4]);
  text +=
      fmt::format("window   {:g} to {:g} HU: {:.1f} % of the pixels below, {:.1f} % above\n", inspection.window_hu.lo,
                  inspection.window_hu.hi, 100 * inspection.below_window, 100 * inspection.above_window);
  if (inspection.spacing_mm) {
    const auto& s = *inspection.spacing_mm;
    text += fmt::format("pixel    {:.3g} to {:.3g} mm, median {:.3g} mm\n", s[0], s[2], s[1]);
  }
  text += fmt::format("\n{:<36}{:>10}{:>10}{:>10}{:>10}\n", "", "train", "val", "test", "all");
  const auto row = [&](const std::string& title, auto member) {
    text += fmt::format("{:<36}", title);
    for (const Split split : splits) text += fmt::format("{:>10}", counts_in(info, split).*member);
    text += fmt::format("{:>10}\n", info.counts.*member);
  };
  row("images", &Counts::images);
  row("nodules", &Counts::nodules);
  row("patients", &Counts::patients);
  for (const LabelFigures& figures : inspection.labels) {
    if (figures.label.type == "text" || figures.known == 0) continue;
    text += fmt::format("{}", figures.label.name);
    if (figures.range) {
      const auto& r = *figures.range;
      text += fmt::format(": {:g} to {:g}, median {:g}", r[0], r[2], r[1]);
    }
    if (figures.known < info.counts.images) text += fmt::format(" ({} unknown)", info.counts.images - figures.known);
    text += "\n";
    for (const auto& [value, n] : figures.by_value) {
      text += fmt::format("  {:<34}{:>10}{:>10}{:>10}{:>10}\n", value_name(figures.label, value), n[0], n[1], n[2],
                          n[0] + n[1] + n[2]);
    }
  }
  for (const auto& [reason, count] : info.rejects) text += fmt::format("left out {:>8}  {}\n", count, reason);
  return text;
}

}  // namespace nodulus::data
