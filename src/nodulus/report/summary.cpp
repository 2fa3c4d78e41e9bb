#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/reject.h"
#include "nodulus/report/report.h"

namespace nodulus::report {
namespace {

constexpr double significant = 0.05;
constexpr std::int64_t few_images = 2048;  // below that FD is mostly made of the number of images
constexpr std::size_t named_traits = 3;
constexpr std::int64_t too_few = 50;

std::string number(const Json& value) {
  return value.is_number() ? fmt::format("{:.3g}", value.get<double>()) : "unknown";
}

std::string percent(const Json& share) {
  return share.is_number() ? fmt::format("{:.0f} %", 100 * share.get<double>()) : "an unknown share";
}

const Json* figure(const Json& set, std::string_view name) {
  for (const Json& f : set["figures"])
    if (f["name"] == name) return &f;
  return nullptr;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

/// True where a's interval lies wholly below b's.
bool below(const Json& a, const Json& b) {
  return a["interval"].is_array() && b["interval"].is_array() && a["interval"][1] < b["interval"][0];
}

/// The set whose figure is lower than every other's by their intervals, if there is one.
const Json* clear_lowest(const Json& sets, std::string_view name) {
  for (const Json& set : sets) {
    const Json* own = figure(set, name);
    const bool lowest = own != nullptr && std::all_of(sets.begin(), sets.end(), [&](const Json& other) {
                          const Json* theirs = figure(other, name);
                          return &other == &set || theirs == nullptr || below(*own, *theirs);
                        });
    if (lowest) return &set;
  }
  return nullptr;
}

std::string nearness_sentence(const Json& report) {
  const Json& sets = report["sets"];
  const std::string distance = report["features"].value("distance", "FD");
  auto said = [&](const Json& set) {
    const Json* fd = figure(set, "fd");
    std::string text =
        fmt::format("{} {}", set["name"].get<std::string>(), fd == nullptr ? "-" : number((*fd)["value"]));
    if (fd != nullptr && (*fd)["ratio"].is_number())
      text += fmt::format(" ({} at {} images, {} times what as many real images have among themselves)",
                          number((*fd)["matched"]["value"]), (*fd)["matched"]["count"].get<std::int64_t>(),
                          number((*fd)["ratio"]));
    return text;
  };
  std::vector<std::string> all;
  for (const Json& set : sets) all.push_back(said(set));
  if (sets.size() == 1) return fmt::format("{} from the real images: {}.", distance, all.front());
  auto same_for_all = [&](const auto& of) {
    return std::all_of(sets.begin(), sets.end(), [&](const Json& set) { return of(set) == of(sets[0]); });
  };
  if (!same_for_all([](const Json& set) { return set["count"]; })) {
    const bool matched = same_for_all([](const Json& set) {
      const Json* fd = figure(set, "fd");
      return fd == nullptr ? Json() : (*fd)["matched"]["count"];
    });
    return fmt::format("By {}, {}. It depends on the number of images, which differs: {}.", distance, listed(all),
                       matched ? "compare the ratios, which are at one number" : "these do not compare");
  }
  const bool intervals = std::all_of(sets.begin(), sets.end(), [](const Json& set) {
    const Json* fd = figure(set, "fd");
    return fd != nullptr && (*fd)["interval"].is_array();
  });
  if (!intervals)
    return fmt::format("{} from the real images: {}. Without intervals none can be called nearer.", distance,
                       listed(all));
  const Json* best = clear_lowest(sets, "fd");
  const std::string verdict =
      best != nullptr ? fmt::format("{} lies nearest to the real images; its interval parts from all others'",
                                    (*best)["name"].get<std::string>())
                      : std::string("no set lies clearly nearer to the real images than all others: intervals overlap");
  return fmt::format("By {}, {}. {}.", distance, verdict, listed(all));
}

std::string variety_sentence(const Json& set) {
  const Json* precision = figure(set, "precision_5");
  const Json* recall = figure(set, "recall_5");
  if (precision == nullptr || recall == nullptr) return "";
  return fmt::format(
      "{}: {} of the images lie among real ones by their features (real against real: {}), and {} of the "
      "real ones lie among these ({}).",
      set["name"].get<std::string>(), percent((*precision)["value"]), percent((*precision)["floor"]["value"]),
      percent((*recall)["value"]), percent((*recall)["floor"]["value"]));
}

/// What is to be known before the traits are: where outlines come from, and that some show nothing.
std::string outline_words(const Json& set) {
  std::string text;
  const Json outlines = set.value("outlines", Json());
  if (outlines.is_object() && outlines["from"] == "network")
    text += fmt::format("outlines by a network that agrees with readers by a Dice of {}; ",
                        number(outlines.value("dice", Json())));
  const Json empty = set.value("empty_outlines", Json());
  if (empty.is_object() && empty.value("share", Json()).is_number() && empty["share"].get<double>() > 0)
    text += fmt::format("{} of the images show no nodule (real ones held out: {}); ", percent(empty["share"]),
                        percent(empty.value("floor", Json())));
  return text;
}

std::string trait_sentence(const Json& set) {
  const auto name = set["name"].get<std::string>();
  if (set["traits"].empty()) return fmt::format("{}: traits were not measured, since outlines are missing.", name);
  std::vector<std::pair<double, std::string>> apart;
  std::int64_t tested = 0;
  for (const Json& t : set["traits"]) {
    if (!t["ks"]["p_corrected"].is_number()) continue;
    ++tested;
    if (t["ks"]["p_corrected"].get<double>() >= significant) continue;
    apart.emplace_back(t["wasserstein"]["ratio"].is_number() ? t["wasserstein"]["ratio"].get<double>() : 0.0,
                       fmt::format("{} ({} in place of {}{}{})", t["title"].get<std::string>(),
                                   number(t["generated"]["quantiles"]["50"]), number(t["real"]["quantiles"]["50"]),
                                   t["unit"] == "" ? "" : " ", t["unit"].get<std::string>()));
  }
  if (tested == 0) return fmt::format("{}: {}no trait could be measured.", name, outline_words(set));
  std::string text = fmt::format("{}: {}of {} traits, {} beyond what chance explains", name, outline_words(set), tested,
                                 apart.empty()       ? "none differs"
                                 : apart.size() == 1 ? "1 differs"
                                                     : fmt::format("{} differ", apart.size()));
  std::sort(apart.rbegin(), apart.rend());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(named_traits, apart.size()); ++i) names.push_back(apart[i].second);
  if (!names.empty()) text += ", most of all, by their medians, " + listed(names);
  if (set["beyond"].is_object() && set["beyond"]["share"].is_number())
    text += fmt::format("; {} of the nodules lie beyond the real range in some trait (real ones held out: {})",
                        percent(set["beyond"]["share"]), percent(set["beyond"]["floor"]));
  return text + ".";
}

std::string copies_sentence(const Json& set) {
  if (!set["copies"].is_object()) return "";
  return fmt::format("{}: {}; {} of the images are closer to a training image than 99 % of held-out real ones are.",
                     set["name"].get<std::string>(), set["copies"]["verdict"].get<std::string>(),
                     percent(set["copies"]["closer_share"]["pixel"]));
}

std::string obedience_sentence(const Json& set, const Json& label) {
  return fmt::format(
      "{}: asked for {}, {} of {} images came out as asked by the {}{}.", set["name"].get<std::string>(),
      label["label"].get<std::string>(), percent(label["correct"]), label["asked"].get<std::int64_t>(),
      label["judge"].get<std::string>(),
      label["judge_accuracy"].is_number()
          ? fmt::format(", which itself is right for {} of held-out real ones", percent(label["judge_accuracy"]))
          : "");
}

std::string cost_sentence(const Json& report) {
  std::vector<std::string> each;
  for (const Json& set : report["sets"]) {
    const Json cost = set.value("cost", Json());
    if (!cost.is_object() || !cost.value("generation_seconds_per_image", Json()).is_number()) continue;
    each.push_back(
        fmt::format("{} {} s", set["name"].get<std::string>(), number(cost["generation_seconds_per_image"])));
  }
  return each.empty() ? "" : fmt::format("Drawing an image took {}.", listed(each));
}

}  // namespace

std::vector<std::string> summary(const Json& report) {
  const Json& counts = report["real"]["counts"];
  std::vector<std::string> sentences;
  sentences.push_back(
      fmt::format("{} compared with {} real training images of {} patients. {} further real images of {} patients, "
                  "held out, say "
                  "how far real images lie from one another: the floor.",
                  report["sets"].size() == 1 ? "One set of images was"
                                             : fmt::format("{} sets of images were", report["sets"].size()),
                  counts["train"].get<std::int64_t>(), counts.value("train_patients", std::int64_t{0}),
                  counts.value("held_out", std::int64_t{0}), counts.value("held_out_patients", std::int64_t{0})));
  sentences.push_back(nearness_sentence(report));
  for (const Json& set : report["sets"]) {
    sentences.push_back(variety_sentence(set));
    sentences.push_back(trait_sentence(set));
    sentences.push_back(copies_sentence(set));
    for (const Json& label : set.value("obedience", Json::array())) sentences.push_back(obedience_sentence(set, label));
  }
  sentences.push_back(cost_sentence(report));
  std::erase(sentences, "");
  return sentences;
}

std::vector<std::string> cautions(const Json& report) {
  std::vector<std::string> sentences;
  const Json& counts = report["real"]["counts"];
  std::int64_t fewest = counts["train"].get<std::int64_t>();
  for (const Json& set : report["sets"]) fewest = std::min(fewest, set.value("count", fewest));
  const std::string distance = report["features"].value("distance", "FD");
  if (fewest < few_images)
    sentences.push_back(
        fmt::format("With {} in the smallest set, much of {} is owed to their number. It compares here, at "
                    "the same number, and with the floor; not with published figures, which rest on 10,000 "
                    "images or more.",
                    counted(fewest, "image"), distance));
  for (const Json& set : report["sets"])
    if (set["count"].get<std::int64_t>() < too_few)
      sentences.push_back(fmt::format("{} has {}: too few to say that traits do not differ or that nothing was copied.",
                                      set["name"].get<std::string>(),
                                      counted(set["count"].get<std::int64_t>(), "image")));
  if (distance != "FID")
    sentences.push_back(
        fmt::format("{} is no FID: its features are those of another network ({}), so that it compares with "
                    "figures of the same features alone.",
                    distance, report["features"].value("name", "")));
  const std::int64_t held_out = counts.value("held_out", std::int64_t{0});
  if (held_out < 500)
    sentences.push_back(
        fmt::format("The floor rests on {} images of {} patients: differences of the size of its interval cannot "
                    "be told from chance.",
                    held_out, counts.value("held_out_patients", std::int64_t{0})));
  for (const Json& set : report["sets"]) {
    const Json learnt = set.value("learnt_from_real", Json());
    if (learnt == true) continue;
    sentences.push_back(fmt::format(
        "{}: {}; it may have seen the images that the floor rests on.", set["name"].get<std::string>(),
        learnt == false ? "the model learnt from other images" : "what the model learnt from is not known"));
  }
  if (report["real"].contains("spacing_note") && report["real"]["spacing_mm"].is_number())
    sentences.push_back(fmt::format("Lengths are at {:.3g} mm a pixel: {}.", report["real"]["spacing_mm"].get<double>(),
                                    report["real"]["spacing_note"].get<std::string>()));
  sentences.push_back(
      "Intervals hold what drawing other images would change: of recall and coverage other real ones, of precision, "
      "density and authenticity other generated ones. They do not hold what training another model, with another seed, "
      "would change: one model of a family is not the family.");
  sentences.push_back(
      "No radiologist has judged these images. Generated images are for research and teaching, never for diagnosis.");
  return sentences;
}

}  // namespace nodulus::report
