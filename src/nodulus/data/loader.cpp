#include "nodulus/data/loader.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/data/conditions.h"
#include "nodulus/data/pose.h"

namespace nodulus::data {
namespace {

/// One Feistel round: half of a word mixed with the round's key (the finaliser of MurmurHash3, a bijection that every
/// input bit moves about half of the output bits of).
std::uint64_t mixed(std::uint64_t half, std::uint64_t key, std::uint64_t round) {
  std::uint64_t x = half + key + round * 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

}  // namespace

std::uint64_t permuted(std::uint64_t index, std::uint64_t n, std::uint64_t key) {
  // Halves of equal width make the network a bijection of [0, 4^width); the walk stays on index's cycle, which leads
  // back below n since it started there.
  const int width = std::max(1, (static_cast<int>(std::bit_width(n - 1)) + 1) / 2);
  const std::uint64_t half_mask = (std::uint64_t{1} << width) - 1;
  do {
    std::uint64_t left = index >> width;
    std::uint64_t right = index & half_mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mixed(right, key, round) & half_mask);
      left = right;
      right = next;
    }
    index = left << width | right;
  } while (index >= n);
  return index;
}

int consensus_at(const Dataset& dataset, std::int64_t item) {
  const std::vector<Label>& labels = dataset.info().labels;
  const auto label = [&](std::string_view wanted) -> std::optional<double> {
    const bool there = std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.name == wanted; });
    return there ? dataset.label(item, wanted) : std::nullopt;
  };
  const double readers = label("readers").value_or(4);
  const double least = label("consensus_at").value_or(std::ceil(std::round(readers) / 2));
  return std::max(1, static_cast<int>(std::lround(least)));
}

Loader::Loader(const Dataset& dataset, const LoaderOptions& options)
    : dataset_(dataset),
      options_(options),
      window_(options.window_hu.value_or(dataset.info().window_hu)),
      items_(dataset.items_of(options.split)) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::usage, dataset.folder().string() + ": " + why);
  };
  const DatasetInfo& info = dataset.info();
  if (items_.empty()) refuse("no items in the split '" + std::string(name(options.split)) + "'");
  if (options.mask_channel && !info.masks) refuse("a mask channel was asked for, the data set has no masks");
  if (!(window_.lo < window_.hi)) refuse("expected a window lo < hi");
  const int factor = options.downsample;
  if (factor < 1 || info.height % factor != 0 || info.width % factor != 0) {
    refuse("images of " + std::to_string(info.height) + "x" + std::to_string(info.width) +
           " cannot be averaged over blocks of " + std::to_string(factor));
  }
  height_ = info.height / factor;
  width_ = info.width / factor;
  if (options.size < 0 || options.size > std::min(height_, width_)) {
    refuse("cannot cut " + std::to_string(options.size) + "x" + std::to_string(options.size) + " from images of " +
           std::to_string(height_) + "x" + std::to_string(width_));
  }
  if (options.size > 0) height_ = width_ = options.size;
  if (options.quarter_turns && height_ != width_) refuse("quarter turns need square images");
  conditions_ = options.schema ? *options.schema : condition_schema(dataset, options.conditions);
  if (options.replay > 0 && options.replay < 1) {
    const auto border = std::lower_bound(items_.begin(), items_.end(), options.known_items);
    if (border != items_.end()) known_ = static_cast<std::size_t>(border - items_.begin());
  }
  const auto labels_width = static_cast<std::size_t>(conditions_.width());
  labels_.resize(labels_width * items_.size());
  for (std::size_t i = 0; i < items_.size() && labels_width > 0; ++i)
    encode(conditions_, condition_of(dataset, conditions_, items_[i]),
           std::span(labels_).subspan(i * labels_width, labels_width));
  if (!options.mask_channel) return;
  consensus_at_.reserve(items_.size());
  for (const std::int64_t item : items_) consensus_at_.push_back(consensus_at(dataset, item));
}

std::int64_t Loader::drawn(std::span<const std::int64_t> from, std::uint64_t number, std::uint64_t seed) const {
  const std::uint64_t n = from.size();
  return from[permuted(number % n, n, derive_seed(seed, number / n))];
}

std::int64_t Loader::item_of(std::uint64_t sample_number) const {
  const std::span<const std::int64_t> all = items_;
  if (known_ == 0) return drawn(all, sample_number, derive_seed(options_.seed, "order of items"));
  const auto replayed_before = [&](std::uint64_t k) {
    return static_cast<std::uint64_t>(std::floor(static_cast<double>(k) * options_.replay));
  };
  const std::uint64_t before = replayed_before(sample_number);
  if (replayed_before(sample_number + 1) > before)
    return drawn(all.first(known_), before, derive_seed(options_.seed, "order of known items"));
  return drawn(all.subspan(known_), sample_number - before, derive_seed(options_.seed, "order of new items"));
}

std::size_t Loader::place_of(std::int64_t item) const {
  return static_cast<std::size_t>(std::lower_bound(items_.begin(), items_.end(), item) - items_.begin());
}

void Loader::batch(std::span<const std::uint64_t> sample_numbers, std::span<float> out) const {
  const std::size_t each =
      static_cast<std::size_t>(channels()) * static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  if (out.size() != each * sample_numbers.size()) {
    throw Error(ErrorCode::internal, "loader: expected room for " + std::to_string(each * sample_numbers.size()) +
                                         " numbers, found " + std::to_string(out.size()));
  }
  for (std::size_t i = 0; i < sample_numbers.size(); ++i) sample(sample_numbers[i], out.subspan(i * each, each));
}

void Loader::labels(std::span<const std::uint64_t> sample_numbers, std::span<float> out) const {
  const auto width = static_cast<std::size_t>(conditions_.width());
  if (out.size() != width * sample_numbers.size()) {
    throw Error(ErrorCode::internal, "loader: expected room for " + std::to_string(width * sample_numbers.size()) +
                                         " numbers, found " + std::to_string(out.size()));
  }
  for (std::size_t i = 0; i < sample_numbers.size(); ++i) {
    const auto row = std::span(labels_).subspan(place_of(item_of(sample_numbers[i])) * width, width);
    std::copy(row.begin(), row.end(), out.subspan(i * width, width).begin());
  }
}

void Loader::sample(std::uint64_t number, std::span<float> out) const {
  const std::uint64_t bits = philox(derive_seed(options_.seed, "flips and turns"), number, 0)[0];
  Pose pose;
  if (options_.flips) {
    pose.left_right = (bits & 1) != 0;
    pose.up_down = (bits & 2) != 0;
  }
  if (options_.quarter_turns) pose.turns = static_cast<int>(bits >> 2 & 3);
  const std::int64_t item = item_of(number);
  const std::size_t size = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  std::vector<float> upright(size);
  for (int channel = 0; channel < channels(); ++channel) {
    plane(item, channel == 1, upright);
    place(upright, height_, width_, pose, out.subspan(static_cast<std::size_t>(channel) * size, size));
  }
}

void Loader::plane(std::int64_t item, bool mask, std::span<float> out) const {
  const DatasetInfo& info = dataset_.info();
  const int factor = options_.downsample;
  const int left = (info.width / factor - width_) / 2 * factor;
  const int top = (info.height / factor - height_) / 2 * factor;
  const auto image = dataset_.image(item);
  const auto readers = dataset_.mask(item);
  const int least = mask ? consensus_at_[place_of(item)] : 0;
  const double scale = 2 / (window_.hi - window_.lo);
  const auto value = [&](std::size_t at) {
    if (mask) return readers[at] >= least ? 1.0 : -1.0;
    return std::clamp((image[at] - window_.lo) * scale - 1, -1.0, 1.0);
  };
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      double sum = 0;
      for (int dy = 0; dy < factor; ++dy) {
        const std::size_t row = static_cast<std::size_t>(top + y * factor + dy) * info.width;
        for (int dx = 0; dx < factor; ++dx) sum += value(row + static_cast<std::size_t>(left + x * factor + dx));
      }
      out[static_cast<std::size_t>(y) * width_ + x] = static_cast<float>(sum / (factor * factor));
    }
  }
}

}  // namespace nodulus::data
