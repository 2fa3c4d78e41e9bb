#include "nodulus/study/duplicates.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <span>

#include "nodulus/core/error.h"
#include "nodulus/core/threads.h"
#include "nodulus/data/pose.h"

namespace nodulus::study {
namespace {

/// An image's means over blocks and what they leave, padded with zeros to a multiple of four.
template <int side>
using Sketch = std::array<float, side * side + 4>;
using Coarse = Sketch<4>;
using Fine = Sketch<16>;

/// The scaled block means of an image of norm 1.
template <int side>
Sketch<side> sketch_of(const std::vector<float>& image, int height, int width) {
  Sketch<side> sketch{};
  double kept = 0;
  for (int row = 0; row < side; ++row) {
    const int top = row * height / side;
    const int bottom = (row + 1) * height / side;
    for (int column = 0; column < side; ++column) {
      const int left = column * width / side;
      const int right = (column + 1) * width / side;
      double sum = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) sum += image[static_cast<std::size_t>(y) * width + x];
      }
      const int pixels = (bottom - top) * (right - left);
      if (pixels == 0) continue;  // an image smaller than the sketch
      const double value = sum / std::sqrt(pixels);
      sketch[static_cast<std::size_t>(row) * side + static_cast<std::size_t>(column)] = static_cast<float>(value);
      kept += value * value;
    }
  }
  sketch[static_cast<std::size_t>(side) * side] = static_cast<float>(std::sqrt(std::max(0.0, 1 - kept)));
  return sketch;
}

template <std::size_t n>
float squared_distance(const std::array<float, n>& a, const std::array<float, n>& b) {
  std::array<float, 4> sums{};
  for (std::size_t i = 0; i < n; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += (a[i + k] - b[i + k]) * (a[i + k] - b[i + k]);
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

using Pixels = std::span<const std::int16_t>;

/// All images, clamped to the window, without their mean and of norm 1.
class UnitImages {
 public:
  UnitImages(std::vector<Pixels> images, const data::DatasetInfo& info, int threads)
      : images_(std::move(images)), info_(info) {
    const std::size_t count = images_.size();
    mean_.resize(count);
    scale_.resize(count, 0);
    coarse.resize(count);
    fine.resize(count);
    parallel_for(static_cast<std::int64_t>(count), threads, [&](std::int64_t item) { prepare(item); });
  }

  [[nodiscard]] bool flat(std::int64_t item) const { return scale_[static_cast<std::size_t>(item)] == 0; }
  [[nodiscard]] std::vector<float> image(std::int64_t item) const {
    const auto at = static_cast<std::size_t>(item);
    const auto hu = images_[at];
    std::vector<float> values(hu.size());
    for (std::size_t i = 0; i < hu.size(); ++i) {
      values[i] = static_cast<float>((clamped(hu[i]) - mean_[at]) * scale_[at]);
    }
    return values;
  }

  std::vector<Coarse> coarse;
  std::vector<Fine> fine;

 private:
  [[nodiscard]] double clamped(std::int16_t hu) const {
    const WindowHu& window = info_.window_hu;
    return std::clamp(static_cast<double>(hu), window.lo, window.hi);
  }
  void prepare(std::int64_t item) {
    const auto at = static_cast<std::size_t>(item);
    const auto hu = images_[at];
    double sum = 0;
    double squares = 0;
    for (const std::int16_t value : hu) sum += clamped(value);
    mean_[at] = sum / static_cast<double>(hu.size());
    for (const std::int16_t value : hu) squares += (clamped(value) - mean_[at]) * (clamped(value) - mean_[at]);
    if (squares < 1) return;
    scale_[at] = 1 / std::sqrt(squares);
    const std::vector<float> values = image(item);
    coarse[at] = sketch_of<4>(values, info_.height, info_.width);
    fine[at] = sketch_of<16>(values, info_.height, info_.width);
  }

  std::vector<Pixels> images_;
  const data::DatasetInfo& info_;
  std::vector<double> mean_;
  std::vector<double> scale_;  ///< One over the norm; 0: flat.
};

/// One image in all its poses.
struct Posed {
  std::vector<float> image;
  Coarse coarse;
  Fine fine;
  data::Pose pose;
};

std::vector<Posed> poses_of(const UnitImages& images, std::int64_t item, int height, int width) {
  const std::vector<float> upright = images.image(item);
  std::vector<Posed> poses;
  for (const bool mirrored : {false, true}) {
    for (int turns = 0; turns < 4; turns += height == width ? 1 : 2) {
      Posed posed{std::vector<float>(upright.size()), {}, {}, {.left_right = mirrored, .turns = turns}};
      data::place(upright, height, width, posed.pose, posed.image);
      posed.coarse = sketch_of<4>(posed.image, height, width);
      posed.fine = sketch_of<16>(posed.image, height, width);
      poses.push_back(std::move(posed));
    }
  }
  return poses;
}

/// What the images from `first_other` on have that is like this one, each in its best pose.
std::vector<AlikePair> like(const UnitImages& images, std::int64_t item, const data::DatasetInfo& info,
                            std::int64_t first_other, std::int64_t count, double threshold) {
  std::vector<AlikePair> found;
  const auto farthest = static_cast<float>(2 * (1 - threshold) + 1e-4);  // and room for float
  const std::vector<Posed> poses = poses_of(images, item, info.height, info.width);
  for (std::int64_t other = first_other; other < count; ++other) {
    if (images.flat(other)) continue;
    const auto at = static_cast<std::size_t>(other);
    AlikePair pair{item, other};
    std::vector<float> second;
    for (const Posed& posed : poses) {
      if (squared_distance(posed.coarse, images.coarse[at]) > farthest) continue;
      if (squared_distance(posed.fine, images.fine[at]) > farthest) continue;
      if (second.empty()) second = images.image(other);
      double correlation = 0;
      for (std::size_t i = 0; i < second.size(); ++i) {
        correlation += static_cast<double>(posed.image[i]) * static_cast<double>(second[i]);
      }
      if (correlation < threshold || correlation <= pair.correlation) continue;
      pair.correlation = correlation;
      pair.mirrored = posed.pose.left_right;
      pair.turns = posed.pose.turns;
    }
    if (pair.correlation > 0) found.push_back(pair);
  }
  return found;
}

Kinship kinship_of(const data::Item& a, const data::Item& b) {
  if (a.patient != b.patient) return Kinship::other_patient;
  return a.nodule == b.nodule && !a.nodule.empty() ? Kinship::same_nodule : Kinship::same_patient;
}

}  // namespace

std::string_view name(Kinship kinship) {
  switch (kinship) {
    case Kinship::same_nodule: return "same nodule";
    case Kinship::same_patient: return "same patient";
    case Kinship::other_patient: return "other patient";
  }
  return "other patient";
}

namespace {

/// What each of the first `count` images is like, of those from first_other(image) on.
std::vector<std::vector<AlikePair>> all_alike(const UnitImages& images, std::int64_t count, std::int64_t all,
                                              const data::DatasetInfo& info,
                                              const std::function<std::int64_t(std::int64_t)>& first_other,
                                              double threshold, int threads, Monitor& monitor) {
  if (!(threshold > 0 && threshold <= 1)) {
    throw Error(ErrorCode::usage,
                "near-duplicates: expected a correlation above 0 and up to 1, found " + std::to_string(threshold));
  }
  std::vector<std::vector<AlikePair>> found(static_cast<std::size_t>(count));
  std::atomic<std::int64_t> done{0};
  parallel_for(count, threads, [&](std::int64_t item) {
    if (!images.flat(item))
      found[static_cast<std::size_t>(item)] = like(images, item, info, first_other(item), all, threshold);
    const std::int64_t finished = ++done;
    if (finished % 16 != 0) return;
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped: nothing was written");
    monitor.progress({"looking for near-duplicates", finished, count, "images", ""});
  });
  monitor.progress({"looking for near-duplicates", count, count, "images", ""});
  return found;
}

}  // namespace

std::vector<AlikePair> find_alike_between(const std::vector<Pixels>& old, const std::vector<Pixels>& added,
                                          const data::DatasetInfo& info, double threshold, int threads,
                                          Monitor& monitor) {
  std::vector<Pixels> both = added;
  both.insert(both.end(), old.begin(), old.end());
  const auto count = static_cast<std::int64_t>(added.size());
  const auto all = static_cast<std::int64_t>(both.size());
  const UnitImages images(std::move(both), info, threads);
  std::vector<AlikePair> pairs;
  for (const auto& of_one : all_alike(
           images, count, all, info, [count](auto) { return count; }, threshold, threads, monitor)) {
    for (AlikePair pair : of_one) {
      const std::int64_t added_item = pair.first;
      pair.first = pair.second - count;
      pair.second = added_item;
      pairs.push_back(pair);
    }
  }
  return pairs;
}

Duplicates find_duplicates(const data::Dataset& dataset, double threshold, int threads, Monitor& monitor) {
  const std::int64_t count = dataset.size();
  std::vector<Pixels> all;
  for (std::int64_t item = 0; item < count; ++item) all.push_back(dataset.image(item));
  const UnitImages images(std::move(all), dataset.info(), threads);
  auto found = all_alike(
      images, count, count, dataset.info(), [](std::int64_t item) { return item + 1; }, threshold, threads, monitor);
  Duplicates result;
  result.threshold = threshold;
  for (std::int64_t item = 0; item < count; ++item) {
    ++(images.flat(item) ? result.flat : result.compared);
    for (AlikePair& pair : found[static_cast<std::size_t>(item)]) {
      const data::Item& first = dataset.item(pair.first);
      const data::Item& second = dataset.item(pair.second);
      pair.kinship = kinship_of(first, second);
      pair.crosses_split = first.split != second.split;
      ++result.pairs_by_kinship[static_cast<std::size_t>(pair.kinship)];
      result.across_splits += pair.crosses_split ? 1 : 0;
      result.leaks += pair.leak() ? 1 : 0;
      result.pairs.push_back(pair);
    }
  }
  std::stable_sort(result.pairs.begin(), result.pairs.end(), [](const AlikePair& a, const AlikePair& b) {
    if (a.leak() != b.leak()) return a.leak();
    return a.correlation > b.correlation;
  });
  return result;
}

}  // namespace nodulus::study
