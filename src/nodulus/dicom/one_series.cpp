#include "nodulus/dicom/one_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "nodulus/core/error.h"
#include "nodulus/dicom/attributes.h"
#include "nodulus/dicom/layout.h"
#include "nodulus/dicom/scan.h"

namespace nodulus::dicom {
namespace {

constexpr std::size_t most_named = 5;

std::string names_of(const std::vector<Series>& all) {
  std::string names;
  for (std::size_t i = 0; i < std::min(all.size(), most_named); ++i)
    names += fmt::format("{}{} ({})", i == 0 ? "" : ", ", all[i].uid, counted(all[i].slices, "slice"));
  return all.size() > most_named ? fmt::format("{} and {} more", names, all.size() - most_named) : names;
}

const Series& chosen(const Scan& found, const std::filesystem::path& folder, const SeriesChoice& choice) {
  if (found.series.empty()) {
    const std::string rejects = reasons_text(count_by_reason(found.rejects));
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected a CT series, found none in {}{}{}", folder.string(),
                                                  counted(found.files, "file"), rejects.empty() ? "" : ": ", rejects));
  }
  if (choice.uid.empty() && found.series.size() == 1) return found.series.front();
  if (choice.uid.empty())
    throw Error(ErrorCode::usage,
                fmt::format("{}: expected one CT series, or {} with the UID of one; found {}: {}", folder.string(),
                            choice.option, found.series.size(), names_of(found.series)));
  const auto one = std::ranges::find(found.series, choice.uid, &Series::uid);
  if (one == found.series.end())
    throw Error(ErrorCode::usage, fmt::format("{}: expected a CT series of {}, found {}; there is {}", choice.option,
                                              folder.string(), choice.uid, names_of(found.series)));
  return *one;
}

/// Names in the pixels would go wherever the pixels go.
void refuse_burned_in(const OrderedSeries& series, Monitor& monitor) {
  for (const SliceHeader& slice : series.slices) {
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped while reading headers");
    const auto layout = find_layout(slice.path);
    if (std::holds_alternative<Reject>(layout)) continue;  // reading its pixels says what is wrong with it
    if (Attributes::read(std::get<Layout>(layout)).text(0x00280301) == "YES")
      throw Error(
          ErrorCode::bad_input,
          fmt::format("{}: expected pixels without text, found BurnedInAnnotation (0028,0301) YES", slice.path));
  }
}

}  // namespace

OrderedSeries open_one_series(const std::filesystem::path& folder, const SeriesChoice& choice, Monitor& monitor) {
  ScanOptions options;
  options.threads = choice.threads;
  const Scan found = scan({folder}, options, monitor);
  Ordering ordering = order_slices(chosen(found, folder, choice));
  if (const auto* const rejects = std::get_if<std::vector<Reject>>(&ordering)) {
    const Reject& first = rejects->front();
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected slices in an order, found {}: {}", first.where, first.reason, first.detail));
  }
  OrderedSeries series = std::get<OrderedSeries>(std::move(ordering));
  if (!series.regular()) {
    const Gap& gap = series.gaps.front();
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected a slice every {:.3f} mm, found a step of {:.3f} mm from {:.3f} to {:.3f} mm",
                            series.uid, series.slice_spacing_mm, gap.step_mm, gap.from_mm, gap.to_mm));
  }
  refuse_burned_in(series, monitor);
  return series;
}

}  // namespace nodulus::dicom
