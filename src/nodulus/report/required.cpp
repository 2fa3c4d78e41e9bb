#include "nodulus/report/required.h"

#include <fmt/format.h>

#include <span>
#include <string_view>

#include "nodulus/core/error.h"

namespace nodulus::report {
namespace {

/// A key by its path: "[]" after a name: of each entry of that list; "?": it may be null.
struct Required {
  std::string_view path;
  std::string_view type;  // "text", "number", "number or null", "[low, high] or null", "list", "object"
};

constexpr Required metrics_keys[] = {
    {"real.hash", "text"},
    {"real.window_hu", "list"},
    {"real.size", "list"},
    {"real.downsample", "number"},
    {"real.spacing_mm", "number"},
    {"real.counts.train", "number"},
    {"features.name", "text"},
    {"features.sha256", "text"},
    {"sets", "list"},
    {"sets[].name", "text"},
    {"sets[].path", "text"},
    {"sets[].family", "text"},
    {"sets[].count", "number"},
    {"sets[].figures", "list"},
    {"sets[].figures[].name", "text"},
    {"sets[].figures[].title", "text"},
    {"sets[].figures[].better", "text"},
    {"sets[].figures[].value", "number or null"},
    {"sets[].figures[].interval", "[low, high] or null"},
    {"sets[].figures[].floor.value", "number or null"},
    {"sets[].figures[].floor.interval", "[low, high] or null"},
    {"sets[].figures[].matched.count", "number"},
    {"sets[].figures[].matched.value", "number or null"},
    {"sets[].figures[].matched.floor", "number or null"},
    {"sets[].figures[].ratio", "number or null"},
    {"sets[].traits", "list"},
    {"sets[].traits[].name", "text"},
    {"sets[].traits[].title", "text"},
    {"sets[].traits[].unit", "text"},
    {"sets[].traits[].real.mean", "number or null"},
    {"sets[].traits[].real.quantiles.50", "number or null"},
    {"sets[].traits[].generated.mean", "number or null"},
    {"sets[].traits[].generated.quantiles.50", "number or null"},
    {"sets[].traits[].wasserstein.value", "number or null"},
    {"sets[].traits[].wasserstein.interval", "[low, high] or null"},
    {"sets[].traits[].wasserstein.floor", "number or null"},
    {"sets[].traits[].wasserstein.ratio", "number or null"},
    {"sets[].traits[].ks.statistic", "number or null"},
    {"sets[].traits[].ks.p_corrected", "number or null"},
    {"sets[].traits[].beyond", "number or null"},
    {"sets[].beyond?.share", "number or null"},
    {"sets[].beyond?.floor", "number or null"},
    {"sets[].outlines?.from", "text"},
    {"sets[].copies?.verdict", "text"},
    {"sets[].copies?.closer_share.pixel", "number or null"},
    {"sets[].obedience[].label", "text"},
    {"sets[].obedience[].judge", "text"},
    {"sets[].obedience[].asked", "number"},
    {"sets[].obedience[].correct", "number or null"},
    {"sets[].obedience[].judge_accuracy", "number or null"},
    {"sets[].cost?", "object"},
};

constexpr Required sweep_keys[] = {
    {"name", "text"},
    {"dataset", "text"},
    {"features.sha256", "text"},
    {"points", "list"},
    {"points[].sampler", "text"},
    {"points[].evaluations", "number"},
    {"points[].fd", "number or null"},
};

bool has_type(const Json& value, std::string_view type) {
  if (value.is_null() && type.ends_with("or null")) return true;
  if (type.starts_with("number")) return value.is_number();
  if (type.starts_with("[low, high]"))
    return value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
  if (type == "text") return value.is_string();
  if (type == "list") return value.is_array();
  return value.is_object();
}

class Check {
 public:
  explicit Check(const Source& source) : source_(source) {}

  /// `value` is at `place`; `rest` of the path is still to go.
  void check(const Json& value, const std::string& place, std::string_view rest, std::string_view type) const {
    if (rest.empty()) {
      if (!has_type(value, type)) fail(place, type, value);
      return;
    }
    if (!value.is_object()) fail(place, "an object", value);
    std::string_view name = rest.substr(0, rest.find('.'));
    rest = name.size() < rest.size() ? rest.substr(name.size() + 1) : std::string_view();
    const bool each = name.ends_with("[]");
    const bool may_be_null = name.ends_with("?");
    name.remove_suffix(each ? 2 : may_be_null ? 1 : 0);
    const std::string here = place.empty() ? std::string(name) : fmt::format("{}.{}", place, name);
    const auto found = value.find(std::string(name));
    if (found == value.end()) {
      if (may_be_null) return;
      fail(here, type, "nothing");
    }
    if (may_be_null && found->is_null()) return;
    if (!each) return check(*found, here, rest, type);
    if (!found->is_array()) fail(here, "a list", *found);
    for (std::size_t i = 0; i < found->size(); ++i) check((*found)[i], fmt::format("{}[{}]", here, i), rest, type);
  }

 private:
  [[noreturn]] void fail(const std::string& place, std::string_view expected, const Json& found) const {
    std::string text = found == "nothing" ? "nothing" : found.dump();
    if (text.size() > 40) text = text.substr(0, 40) + "...";
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: key '{}': expected {}, found {}", source_.path.string(), place, expected, text));
  }

  const Source& source_;
};

void require_all(const Source& source, std::span<const Required> keys) {
  for (const Required& key : keys) Check(source).check(source.json, "", key.path, key.type);
}

}  // namespace

void require_metrics(const Source& source) { require_all(source, metrics_keys); }
void require_sweep(const Source& source) { require_all(source, sweep_keys); }

}  // namespace nodulus::report
