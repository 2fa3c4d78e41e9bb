#include "nodulus/app/asked.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/app/trained.h"
#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/conditions.h"
#include "nodulus/train/checkpoint.h"

namespace nodulus::app {
namespace {

constexpr std::int64_t few_cases = 20;
constexpr double nearby = 0.1;  // of a number: what is as near as that is like it

/// The conditions of the first word that is a model; none where there is no such word.
ConditionSchema schema_among(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.empty() || word.starts_with("-")) continue;
    try {
      return train::read_checkpoint_info(checkpoint_of(word)).conditions;
    } catch (const Error&) {
      continue;  // another word; opening the model says what is wrong with it
    }
  }
  return {};
}

std::string option_name(const Options& options, const std::string& label) {
  return options.find(label) == nullptr ? label : "label_" + label;
}

std::string help_of(const ConditionLabel& label) {
  const std::string low = label.text(label.values.front().number);
  const std::string high = label.text(label.values.back().number);
  return fmt::format("asked for: {}; {} to {}, a value, a range as 3..5, or several", label.meaning, low, high);
}

}  // namespace

void Asked::describe(Options& options, const std::vector<std::string>& words) {
  schema_ = schema_among(words);
  options.add("like", like_, "a data set: each image is asked for by the labels of one of its training images");
  for (const ConditionLabel& label : schema_.labels)
    options.add(option_name(options, label.name), given_.emplace_back(), help_of(label));
}

void Asked::prepare() {
  if (!like_.empty()) read_like();
  ranges_.assign(schema_.labels.size(), {});
  for (std::size_t i = 0; i < schema_.labels.size(); ++i)
    for (const std::string& text : given_[i]) ranges_[i].push_back(condition_range(schema_.labels[i], text));
  // A length is nothing without the size of a pixel: the usual one, where none is asked for.
  bool lengths = false;
  for (std::size_t i = 0; i < ranges_.size(); ++i)
    lengths = lengths || (!ranges_[i].empty() && schema_.labels[i].unit.starts_with("mm"));
  for (std::size_t i = 0; i < ranges_.size() && lengths; ++i) {
    const ConditionLabel& label = schema_.labels[i];
    if (label.column() != data::spacing_label || !ranges_[i].empty()) continue;
    const double middle = label.values[label.values.size() / 2].number;
    ranges_[i].push_back({middle, middle});
  }
}

void Asked::read_like() {
  if (schema_.empty()) throw Error(ErrorCode::usage, "--like: this model was trained without labels; expected none");
  const data::Dataset dataset = data::Dataset::open(like_);
  for (const std::int64_t item : dataset.items_of(data::Split::train))
    known_.push_back(data::condition_of(dataset, schema_, item));
  if (known_.empty())
    throw Error(ErrorCode::usage, fmt::format("--like: expected training images in {}, found none", like_.string()));
}

bool Asked::empty() const {
  return known_.empty() &&
         std::all_of(ranges_.begin(), ranges_.end(), [](const auto& ranges) { return ranges.empty(); });
}

std::vector<std::string> Asked::cautions() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const ConditionLabel& label = schema_.labels[i];
    for (const ConditionRange& range : ranges_[i]) {
      const double margin = label.kind == ConditionKind::number ? nearby : 0;
      const std::int64_t cases = cases_within(label, {range.low * (1 - margin), range.high * (1 + margin)});
      if (cases >= few_cases) continue;
      const std::string asked = range.low == range.high
                                    ? label.text(range.low)
                                    : fmt::format("{} to {}", label.text(range.low), label.text(range.high));
      all.push_back(fmt::format("{} {}: {} of the {} real images that the model learnt from are like that", label.name,
                                asked, cases == 0 ? "none" : fmt::format("about {}", cases), label.known));
    }
  }
  return all;
}

Condition Asked::of(std::uint64_t seed) const {
  Condition condition(schema_.labels.size());
  if (!known_.empty()) condition = known_[RandomStream(derive_seed(seed, "like")).below(0, known_.size())];
  for (std::size_t i = 0; i < ranges_.size(); ++i)
    if (!ranges_[i].empty()) condition[i] = drawn_value(schema_.labels[i], ranges_[i], seed);
  return condition;
}

torch::Tensor Asked::rows(std::span<const std::uint64_t> seeds) const {
  if (empty()) return {};
  const auto width = static_cast<std::size_t>(schema_.width());
  torch::Tensor rows = torch::empty({static_cast<std::int64_t>(seeds.size()), schema_.width()});
  for (std::size_t i = 0; i < seeds.size(); ++i)
    encode(schema_, of(seeds[i]), {rows.data_ptr<float>() + i * width, width});
  return rows;
}

std::string Asked::text(std::uint64_t seed) const { return condition_text(schema_, of(seed)); }

std::string condition_text(const ConditionSchema& schema, const Condition& condition) {
  std::string text;
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i])
      text += fmt::format("{}{}={:.6g}", text.empty() ? "" : "; ", schema.labels[i].column(), *condition[i]);
  return text;
}

}  // namespace nodulus::app
