#include "nodulus/store/card.h"

#include <fmt/format.h>

#include <cmath>

#include "nodulus/core/condition.h"
#include "nodulus/core/json_fields.h"

namespace nodulus::store {
namespace {

std::string number(const Json& value) { return value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : "–"; }

std::string interval(const Json& value) {
  return value.is_array() && value.size() == 2 && value[0].is_number()
             ? fmt::format(" [{:.4g}, {:.4g}]", value[0].get<double>(), value[1].get<double>())
             : "";
}

std::string opening(const Json& facts) {
  const auto& size = facts.at("resolution");
  std::string text =
      fmt::format("# {} (version {})\n\n", facts.at("name").get<std::string>(), facts.at("version").get<int>());
  text += fmt::format(
      "A generative model of the family {}, which draws axial CT images of lung nodules that do not exist: {}x{} "
      "pixels, "
      "{}, {:g} to {:g} HU. **All that it draws is synthetic and is marked so.**\n\n",
      facts.at("family").get<std::string>(), size.get<int>(), size.get<int>(),
      facts.at("image_channels") == 2 ? "with the nodule's outline" : "without an outline",
      facts.at("window_hu")[0].get<double>(), facts.at("window_hu")[1].get<double>());
  if (facts.at("files").contains("samples.png")) text += "![samples, each synthetic](samples.png)\n\n";
  if (const std::string why = why_not_publishable(facts); !why.empty())
    text += fmt::format("> **Published by force: {}.**\n\n", why);
  return text;
}

std::string uses() {
  return "## What it is for\n\nResearch and teaching: observer studies, examples of kinds of nodule, trying out "
         "software "
         "and adding to training data, with the figures below in mind.\n\n"
         "## What it is not for\n\nDiagnosis, or any decision about a patient. Its images are nobody's: they prove "
         "nothing "
         "about how often something occurs. They must not be passed on as real ones, or go into a clinical archive "
         "unmarked.\n\n";
}

std::string data_part(const Json& facts) {
  const Json& data = facts.at("data");
  std::string text = "## What it learnt from\n\n";
  if (data.contains("counts"))
    text += fmt::format(
        "{} images of {} nodules of {} patients in training; {}.\n\n", data["counts"].at("images").get<std::int64_t>(),
        data["counts"].at("nodules").get<std::int64_t>(), data["counts"].at("patients").get<std::int64_t>(),
        facts.value("other_data", false)
            ? "held-out patients were not seen in it, but the weights that it began with had learnt from "
              "other images, which may have been of them"
            : "held-out patients were not seen");
  const Json sources = data.value("sources", Json::array());
  for (const Json& source : sources)
    text +=
        fmt::format("- {}, {}. {} {}\n", source.at("name").get<std::string>(), source.at("licence").get<std::string>(),
                    source.at("citation").get<std::string>(), source.at("url").get<std::string>());
  if (const Json from = facts.value("imported", Json()); from.is_object())
    text += fmt::format("- What weights in the layout {} learnt from, with which it began: {}.\n",
                        from.at("layout").get<std::string>(), from.at("note").get<std::string>());
  if (sources.empty()) text += "- Source and licence are not known.\n";
  const auto sum = data.at("sha256").get<std::string>();
  return text + (sum.empty() ? "\n" : fmt::format("\nData set (SHA-256 of dataset.json): {}\n\n", sum));
}

std::string training_part(const Json& facts) {
  const Json& training = facts.at("training");
  const Json from = facts.value("imported", Json());
  const std::string file = from.is_object()
                               ? fmt::format("a file in the layout {} (SHA-256 {})",
                                             from.at("layout").get<std::string>(), from.at("sha256").get<std::string>())
                               : "";
  if (from.is_object() && training.at("step") == 0)
    return fmt::format(
        "## How it was trained\n\nBy another program: its weights came from {}, which does not say how. "
        "{} numbers, kept as {}.\n\n",
        file, facts.at("parameters").get<std::int64_t>(), facts.at("precision").get<std::string>());
  std::string text = fmt::format(
      "## How it was trained\n\n{} steps, {} images seen, {:.1f} hours; {} numbers, kept as {}. Weights are "
      "the moving average.\n",
      training.at("step").get<std::int64_t>(), training.at("images_seen").get<std::int64_t>(),
      training.at("seconds").get<double>() / 3600, facts.at("parameters").get<std::int64_t>(),
      facts.at("precision").get<std::string>());
  if (const std::int64_t before = training.value("images_seen_before", std::int64_t{0}); before > 0)
    text += fmt::format("It went on from a model that had seen {} images.\n", before);
  if (const Json began = facts.value("transferred", Json()); began.is_object())
    text += fmt::format(
        "{} with what fitted of the weights of a model of {}x{} pixels that had seen {} images (SHA-256 of its "
        "checkpoint: {}).\n",
        training.value("images_seen_before", std::int64_t{0}) > 0 ? "That model, or one before it, began" : "It began",
        began.at("resolution").get<int>(), began.at("resolution").get<int>(),
        began.at("images_seen").get<std::int64_t>(), began.at("sha256").get<std::string>());
  if (from.is_object())
    text += fmt::format(
        "It began with the weights of another program, from {}, which does not say how it was trained.\n", file);
  return text + "All settings are in model.json.\n\n";
}

std::string metrics_part(const Json& facts) {
  std::string text = "## How its images measure\n\n";
  const Json& metrics = facts.at("metrics");
  if (metrics.is_null()) return text + "Not measured.\n\n";
  text += fmt::format(
      "{} images{}, against {} training images and {} held-out ones of other patients; features: {}. "
      "Floor: real held-out images in place of generated ones.\n\n",
      metrics.at("count").get<std::int64_t>(),
      metrics.at("sampler") == ""
          ? ""
          : fmt::format(", {} with {} steps", metrics["sampler"].get<std::string>(), metrics.at("steps").get<int>()),
      metrics.at("train").get<std::int64_t>(), metrics.at("held_out").get<std::int64_t>(),
      metrics.at("features").get<std::string>());
  text += "| figure | value (95 %) | floor | ratio at equal numbers |\n|---|---:|---:|---:|\n";
  for (const Json& figure : metrics.at("figures"))
    text += fmt::format("| {} | {}{} | {} | {} |\n", figure.at("title").get<std::string>(), number(figure.at("value")),
                        interval(figure.at("interval")), number(figure.at("floor").at("value")),
                        number(figure.at("ratio")));
  return text + "\n";
}

std::string copies_part(const Json& facts) {
  std::string text = "## Privacy: copies of training images\n\n";
  const Json& metrics = facts.at("metrics");
  if (metrics.is_null() || metrics.at("copies").is_null()) return text + "Not tested.\n\n";
  return text +
         fmt::format(
             "Each of {} images was compared with each training image, in eight turns, by pixels and by features, "
             "and with how near held-out images of other patients come. Verdict: {}.\n\n",
             metrics.at("count").get<std::int64_t>(), metrics["copies"].at("verdict").get<std::string>());
}

std::string asking_part(const Json& facts) {
  std::string text = "## What it can be asked for\n\n";
  const ConditionSchema schema = condition_schema_of(facts.at("conditions"), "model.json");
  if (schema.empty()) return text + "Nothing: it was trained without labels.\n\n";
  text += "| option | meaning | from | to | training images with it |\n|---|---|---|---|---:|\n";
  for (const ConditionLabel& label : schema.labels)
    text += fmt::format("| `{}` | {} | {} | {} | {} |\n", label.flag(), label.meaning,
                        label.text(label.values.front().number), label.text(label.values.back().number), label.known);
  text += "\n";
  const Json& metrics = facts.at("metrics");
  if (metrics.is_null() || metrics.at("obedience").empty()) return text + "Whether it obeys was not measured.\n\n";
  text += "| asked for | as asked (95 %) | by chance | judged by |\n|---|---:|---:|---|\n";
  for (const Json& label : metrics["obedience"])
    text +=
        fmt::format("| {} | {}{} of {} | {} | {} |\n", label.at("label").get<std::string>(),
                    number(label.at("correct")), interval(label.at("interval")), label.at("asked").get<std::int64_t>(),
                    number(label.value("chance", Json())), label.at("judge").get<std::string>());
  return text + "\n";
}

std::string limits() {
  return "## Limits\n\nIt knows the scanners, patients and readers of its data and no others. Labels are readers' "
         "opinions, "
         "not histology. Single slices, no volumes. What is rare in the data it draws worse than the figures over all "
         "images tell.\n";
}

}  // namespace

std::string why_not_publishable(const Json& facts) {
  const Json metrics = facts.value("metrics", Json());
  if (metrics.is_null()) return "its images were not measured";
  if (metrics.value("copies", Json()).is_null()) return "no copies test was made";
  const Json named = metrics["copies"].value("named", Json::array());
  if (!named.empty())
    return fmt::format("{} of {} images copy training images", named.size(), metrics.value("count", 0));
  return "";
}

std::string model_card(const Json& facts) {
  try {
    return opening(facts) + uses() + data_part(facts) + training_part(facts) + metrics_part(facts) +
           copies_part(facts) + asking_part(facts) + limits();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::bad_input,
                fmt::format("model.json: a fact for the card is missing or of another type ({})", error.what()));
  }
}

}  // namespace nodulus::store
