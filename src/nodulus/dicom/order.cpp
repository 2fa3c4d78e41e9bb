#include "nodulus/dicom/order.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "nodulus/core/error.h"
#include "nodulus/dicom/slice.h"

namespace nodulus::dicom {
namespace {

using Vector = std::array<double, 3>;

constexpr double kSamePositionMm = 0.01;
constexpr double kSameDirection = 1e-3;  ///< Largest difference of a direction cosine: 0.06 degrees.
constexpr double kSameSpacing = 1e-3;    ///< Relative.

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector normal_of(const std::array<double, 6>& o) {
  const Vector n = {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]};
  const double length = std::sqrt(dot(n, n));
  return {n[0] / length, n[1] / length, n[2] / length};
}

std::string mm(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f mm", value);
  return text.data();
}

std::string name_of(const SliceHeader& header) {
  return header.frames > 1 ? header.path + " frame " + std::to_string(header.frame_index) : header.path;
}

bool same_direction(const SliceHeader& a, const SliceHeader& b) {
  for (std::size_t i = 0; i < 6; ++i) {
    if (std::abs(a.orientation[i] - b.orientation[i]) > kSameDirection) return false;
  }
  return true;
}

bool same_spacing(const SliceHeader& a, const SliceHeader& b) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (std::abs(a.spacing_mm[i] - b.spacing_mm[i]) > kSameSpacing * a.spacing_mm[i]) return false;
  }
  return true;
}

std::string size_of(const SliceHeader& header) {
  return std::to_string(header.rows) + " x " + std::to_string(header.columns);
}

/// What all slices of a stack must have in common, or their order along one axis has no meaning.
std::vector<Reject> find_mixtures(const std::string& uid, const std::vector<SliceHeader>& headers) {
  std::vector<Reject> rejects;
  const SliceHeader& first = headers.front();
  const auto find = [&](const char* reason, auto&& differs, auto&& describe) {
    const auto other = std::find_if(headers.begin(), headers.end(), differs);
    if (other == headers.end()) return;
    rejects.push_back(
        {uid, reason, describe(first) + " in " + name_of(first) + ", " + describe(*other) + " in " + name_of(*other)});
  };
  const auto numbers = [](const auto& values) {
    std::string text;
    for (const double value : values) {
      std::array<char, 32> one{};
      std::snprintf(one.data(), one.size(), "%s%.6g", text.empty() ? "" : "\\", value);
      text += one.data();
    }
    return text;
  };
  find(
      "mixed patients", [&](const SliceHeader& h) { return h.patient_id != first.patient_id; },
      [](const SliceHeader& h) { return "PatientID \"" + h.patient_id + "\""; });
  find(
      "mixed frames of reference",
      [&](const SliceHeader& h) { return h.frame_of_reference_uid != first.frame_of_reference_uid; },
      [](const SliceHeader& h) { return "frame of reference " + h.frame_of_reference_uid; });
  find(
      "mixed sizes", [&](const SliceHeader& h) { return h.rows != first.rows || h.columns != first.columns; },
      [](const SliceHeader& h) { return size_of(h); });
  find(
      "mixed orientations", [&](const SliceHeader& h) { return !same_direction(first, h); },
      [&](const SliceHeader& h) { return numbers(h.orientation); });
  find(
      "mixed spacing", [&](const SliceHeader& h) { return !same_spacing(first, h); },
      [&](const SliceHeader& h) { return numbers(h.spacing_mm) + " mm"; });
  return rejects;
}

std::vector<Reject> find_missing_geometry(const std::string& uid, const std::vector<SliceHeader>& headers) {
  int count = 0;
  const SliceHeader* example = nullptr;
  for (const SliceHeader& header : headers) {
    if (header.geometry_problem.empty()) continue;
    if (example == nullptr) example = &header;
    ++count;
  }
  if (example == nullptr) return {};
  return {{uid, "no position",
           std::to_string(count) + " of " + std::to_string(headers.size()) + " slices, such as " + name_of(*example) +
               ": " + example->geometry_problem}};
}

/// The same image twice: same SOP instance and frame, same HU. A copy whose pixels cannot be read is none.
bool is_copy(const SliceHeader& a, const SliceHeader& b) {
  if (a.sop_uid.empty() || a.sop_uid != b.sop_uid || a.frame_index != b.frame_index) return false;
  try {
    return read_slice(a).hu == read_slice(b).hu;
  } catch (const Error&) {
    return false;
  }
}

struct Placed {
  double z_mm = 0.0;
  SliceHeader header;
};

/// Drops second copies; what still shares a position afterwards is ambiguous.
std::vector<Reject> resolve_positions(const std::string& uid, std::vector<Placed>& slices,
                                      std::vector<Reject>& findings) {
  std::vector<Reject> rejects;
  std::vector<Placed> kept;
  std::set<int> acquisitions;
  int clashes = 0;
  std::string example;
  for (Placed& slice : slices) {
    std::size_t first_here = kept.size();
    while (first_here > 0 && slice.z_mm - kept[first_here - 1].z_mm < kSamePositionMm) --first_here;
    const auto here = kept.begin() + static_cast<std::ptrdiff_t>(first_here);
    const auto original =
        std::find_if(here, kept.end(), [&](const Placed& p) { return is_copy(p.header, slice.header); });
    if (original != kept.end()) {
      findings.push_back({name_of(slice.header), "duplicate file", "the same image as " + name_of(original->header)});
      continue;
    }
    if (here != kept.end()) {
      ++clashes;
      if (example.empty()) {
        example = name_of(here->header) + " and " + name_of(slice.header) + ", both at " + mm(slice.z_mm);
      }
      acquisitions.insert(here->header.acquisition_number.value_or(-1));
      acquisitions.insert(slice.header.acquisition_number.value_or(-1));
    }
    kept.push_back(std::move(slice));
  }
  slices = std::move(kept);
  if (clashes > 0) {
    const bool several = acquisitions.size() > 1;
    rejects.push_back(
        {uid, several ? "several acquisitions" : "duplicate position",
         std::to_string(clashes) + " different images share a position with another, such as " + example});
  }
  return rejects;
}

/// Acquisitions may follow one another along the axis (step and shoot gives each slice its own number). Where
/// their ranges overlap, the slices of one stand between those of the other, and a choice would be a guess.
std::vector<Reject> check_acquisitions(const std::string& uid, const std::vector<Placed>& slices,
                                       std::vector<Reject>& findings) {
  std::vector<int> runs;  // The acquisition of each run of slices, in order.
  for (const Placed& slice : slices) {
    const int number = slice.header.acquisition_number.value_or(-1);
    if (runs.empty() || runs.back() != number) runs.push_back(number);
  }
  const std::set<int> distinct(runs.begin(), runs.end());
  if (distinct.size() < 2) return {};
  if (distinct.size() < runs.size()) {
    return {{uid, "several acquisitions",
             std::to_string(distinct.size()) + " acquisition numbers whose slices lie between one another"}};
  }
  findings.push_back({uid, "several acquisitions",
                      std::to_string(distinct.size()) + " acquisition numbers, one after the other along the axis"});
  return {};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void measure_steps(const std::string& uid, OrderedSeries& series) {
  const std::vector<double>& z = series.z_mm;
  if (z.size() < 2) {
    series.slice_spacing_mm = series.slices.front().slice_thickness_mm;
    return;
  }
  std::vector<double> steps(z.size() - 1);
  for (std::size_t i = 0; i + 1 < z.size(); ++i) steps[i] = z[i + 1] - z[i];
  series.slice_spacing_mm = median(steps);
  const double tolerance = std::max(0.01, 0.01 * series.slice_spacing_mm);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (std::abs(steps[i] - series.slice_spacing_mm) <= tolerance) continue;
    series.gaps.push_back({static_cast<int>(i), z[i], z[i + 1], steps[i]});
    series.findings.push_back({uid, "gap",
                               "a step of " + mm(steps[i]) + " from " + mm(z[i]) + " to " + mm(z[i + 1]) +
                                   ", expected " + mm(series.slice_spacing_mm)});
  }
}

/// Origins that do not lie on one line along the normal: gantry tilt, or a table that moved sideways.
void find_shear(const std::string& uid, OrderedSeries& series) {
  const Vector& start = series.slices.front().position_mm;
  double largest = 0.0;
  for (std::size_t i = 0; i < series.slices.size(); ++i) {
    const Vector& p = series.slices[i].position_mm;
    const double along = series.z_mm[i] - series.z_mm.front();
    Vector aside{};
    for (std::size_t k = 0; k < 3; ++k) aside[k] = p[k] - start[k] - along * series.normal[k];
    largest = std::max(largest, std::sqrt(dot(aside, aside)));
  }
  // Half a pixel: what would show when the stack is taken for a box.
  const double limit = 0.5 * std::min(series.slices.front().spacing_mm[0], series.slices.front().spacing_mm[1]);
  if (largest <= limit) return;
  series.findings.push_back(
      {uid, "sheared stack",
       "slices are shifted in their plane by up to " + mm(largest) + " (gantry tilt or table movement)"});
}

void append(std::vector<Reject>& to, std::vector<Reject> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

Ordering order_headers(const std::string& series_uid, std::vector<SliceHeader> headers) {
  if (headers.empty()) return std::vector<Reject>{{series_uid, "no position", "a series without slices"}};
  std::sort(headers.begin(), headers.end(), [](const SliceHeader& a, const SliceHeader& b) {
    return std::tie(a.path, a.frame_index) < std::tie(b.path, b.frame_index);
  });
  std::vector<Reject> rejects = find_missing_geometry(series_uid, headers);
  if (rejects.empty()) rejects = find_mixtures(series_uid, headers);
  if (!rejects.empty()) return rejects;

  OrderedSeries series;
  series.uid = series_uid;
  series.normal = normal_of(headers.front().orientation);
  std::vector<Placed> slices;
  for (SliceHeader& header : headers) {
    const double z = dot(header.position_mm, series.normal);
    slices.push_back({z, std::move(header)});
  }
  std::stable_sort(slices.begin(), slices.end(), [](const Placed& a, const Placed& b) { return a.z_mm < b.z_mm; });
  append(rejects, resolve_positions(series_uid, slices, series.findings));
  if (rejects.empty()) append(rejects, check_acquisitions(series_uid, slices, series.findings));
  if (!rejects.empty()) return rejects;
  for (Placed& slice : slices) {
    series.z_mm.push_back(slice.z_mm);
    series.slices.push_back(std::move(slice.header));
  }
  measure_steps(series_uid, series);
  find_shear(series_uid, series);
  return series;
}

Ordering order_slices(const Series& series) {
  std::vector<SliceHeader> headers;
  for (const std::string& file : series.files) {
    auto read = read_headers(file);
    if (const auto* reject = std::get_if<Reject>(&read)) {
      return std::vector<Reject>{{series.uid, "changed since scan", file + ": " + reject->reason}};
    }
    for (SliceHeader& header : std::get<std::vector<SliceHeader>>(read)) {
      if (header.series_uid != series.uid) {
        return std::vector<Reject>{{series.uid, "changed since scan", file + ": now of series " + header.series_uid}};
      }
      headers.push_back(std::move(header));
    }
  }
  return order_headers(series.uid, std::move(headers));
}

}  // namespace nodulus::dicom
