#include "nodulus/train/augment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/affine.h"
#include "nodulus/nn/warp.h"

namespace nodulus::train {
namespace {

using std::numbers::pi;
using torch::Tensor;

/// A setting of its own.
struct AugmentSetting {
  const char* name;
  double AugmentOptions::*value;
  const char* help;
};

constexpr std::array<AugmentSetting, 15> probabilities = {{
    {"augment.flip", &AugmentOptions::flip, "mirrored; as a multiple of p, like those below; -1: by the pipeline"},
    {"augment.quarter_turns", &AugmentOptions::quarter_turns, "turned by 90, 180 or 270 degrees"},
    {"augment.shift", &AugmentOptions::shift, "shifted by whole pixels"},
    {"augment.scale", &AugmentOptions::scale, "scaled"},
    {"augment.rotate", &AugmentOptions::rotate, "turned by any angle"},
    {"augment.stretch", &AugmentOptions::stretch, "scaled more along one axis"},
    {"augment.move", &AugmentOptions::move, "shifted by fractions of a pixel"},
    {"augment.brightness", &AugmentOptions::brightness, "of the CT"},
    {"augment.contrast", &AugmentOptions::contrast, "of the CT"},
    {"augment.luma_flip", &AugmentOptions::luma_flip, "black for white, of the CT"},
    {"augment.hue", &AugmentOptions::hue, "of colour, which no data set here has yet"},
    {"augment.saturation", &AugmentOptions::saturation, "of colour, which no data set here has yet"},
    {"augment.filter", &AugmentOptions::filter, "bands of frequencies amplified, of the CT"},
    {"augment.noise", &AugmentOptions::noise, "added to the CT"},
    {"augment.cutout", &AugmentOptions::cutout, "a square of the CT taken out"},
}};

constexpr std::array<AugmentSetting, 10> strengths = {{
    {"augment.shift_most", &AugmentOptions::shift_most, "of the image's side"},
    {"augment.scale_deviation", &AugmentOptions::scale_deviation, "of log2"},
    {"augment.stretch_deviation", &AugmentOptions::stretch_deviation, "of log2"},
    {"augment.move_deviation", &AugmentOptions::move_deviation, "of the image's side"},
    {"augment.brightness_deviation", &AugmentOptions::brightness_deviation, "the window is 2"},
    {"augment.contrast_deviation", &AugmentOptions::contrast_deviation, "of log2"},
    {"augment.saturation_deviation", &AugmentOptions::saturation_deviation, "of log2"},
    {"augment.filter_deviation", &AugmentOptions::filter_deviation, "of log2, for each of four bands"},
    {"augment.noise_deviation", &AugmentOptions::noise_deviation, "of the noise's deviation; the window is 2"},
    {"augment.cutout_size", &AugmentOptions::cutout_size, "of the image's side"},
}};

// Letters of a pipeline's name.
constexpr std::array<std::string_view, 6> pipeline_parts = {"blit", "geom", "color", "filter", "noise", "cutout"};

void add_part(AugmentOptions& o, std::string_view part) {
  if (part == "blit") o.flip = o.quarter_turns = o.shift = 1;
  if (part == "geom") o.scale = o.rotate = o.stretch = o.move = 1;
  if (part == "color") o.brightness = o.contrast = o.luma_flip = o.hue = o.saturation = 1;
  if (part == "filter") o.filter = 1;
  if (part == "noise") o.noise = 1;
  if (part == "cutout") o.cutout = 1;
}

/// The numbers of one image: each has a place of its own, so that turning one augmentation on moves no other.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t number) {
    RandomStream(derive_seed(seed, "augmentation"), number).fill_uniform(uniform_);
    RandomStream(derive_seed(seed, "augmentation strength"), number).fill_normal(normal_);
  }
  bool happens(double probability) { return next_uniform() < probability; }
  double next_uniform() { return static_cast<double>(uniform_.at(at_uniform_++)); }
  double next_normal() { return static_cast<double>(normal_.at(at_normal_++)); }

 private:
  std::array<float, 48> uniform_{};
  std::array<float, 24> normal_{};
  std::size_t at_uniform_ = 0;
  std::size_t at_normal_ = 0;
};

nn::Affine turned(double angle) { return {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0}; }

// ---- Colours

using Matrix = std::array<double, 9>;

Matrix multiply(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return c;
}

/// a I + b J, J all thirds: what scales a colour off the grey axis by a and on it by a + b.
Matrix grey_matrix(double a, double b) {
  Matrix m{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) m[3 * i + j] = (i == j ? a : 0) + b / 3;
  return m;
}

/// Turn by an angle about the grey axis (Rodrigues).
Matrix hue_matrix(double angle) {
  Matrix m = grey_matrix(std::cos(angle), 1 - std::cos(angle));
  const double s = std::sin(angle) / std::sqrt(3.0);
  m[1] -= s, m[2] += s, m[3] += s, m[5] -= s, m[6] -= s, m[7] += s;
  return m;
}

/// y = sign contrast (x + brightness) on the grey axis; three channels also turn and scale about it.
Tensor recoloured(const Tensor& images, std::span<const Augmentation> all) {
  const auto count = static_cast<std::int64_t>(all.size());
  const std::int64_t channels = images.size(1);
  if (channels < 3) {
    Tensor gain = torch::ones({count, channels, 1, 1}, torch::kDouble);
    Tensor offset = torch::zeros({count, channels, 1, 1}, torch::kDouble);
    for (std::int64_t i = 0; i < count; ++i) {
      const Augmentation& a = all[static_cast<std::size_t>(i)];
      const double by = a.luma_flip ? -a.contrast : a.contrast;
      gain.data_ptr<double>()[i * channels] = by;
      offset.data_ptr<double>()[i * channels] = by * a.brightness;
    }
    return images * gain.to(images.options()) + offset.to(images.options());
  }
  Tensor matrices = torch::empty({count, 3, 3}, torch::kDouble);
  Tensor offsets = torch::empty({count, 3, 1}, torch::kDouble);
  for (std::int64_t i = 0; i < count; ++i) {
    const Augmentation& a = all[static_cast<std::size_t>(i)];
    Matrix m = grey_matrix(a.contrast, 0);
    if (a.luma_flip) m = multiply(grey_matrix(1, -2), m);
    if (a.hue != 0) m = multiply(hue_matrix(a.hue), m);
    if (a.saturation != 1) m = multiply(grey_matrix(a.saturation, 1 - a.saturation), m);
    std::copy(m.begin(), m.end(), matrices.data_ptr<double>() + 9 * i);
    for (std::int64_t r = 0; r < 3; ++r)
      offsets.data_ptr<double>()[3 * i + r] =
          a.brightness * (m[static_cast<std::size_t>(3 * r)] + m[static_cast<std::size_t>(3 * r + 1)] +
                          m[static_cast<std::size_t>(3 * r + 2)]);
  }
  const Tensor flat = matrices.to(images.options()).matmul(images.flatten(2)) + offsets.to(images.options());
  return flat.view(images.sizes());
}

// ---- Bands of frequencies

std::vector<double> convolved(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> c(a.size() + b.size() - 1);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b.size(); ++j) c[i + j] += a[i] * b[j];
  return c;
}

/// Four filters whose sum is 1, from the lowest band to the highest (appendix B.3): the symlet with two vanishing
/// moments, there and back, splits the spectrum in halves again and again.
const std::array<std::vector<double>, filter_bands>& filter_bank() {
  static const auto bank = [] {
    const std::vector<double> low = {-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025};
    std::vector<double> high = low;
    for (std::size_t i = 1; i < high.size(); i += 2) high[i] = -high[i];
    auto there_and_back = [](const std::vector<double>& h) {
      std::vector<double> both = convolved(h, {h.rbegin(), h.rend()});
      for (double& v : both) v /= 2;
      return both;
    };
    const std::vector<double> low2 = there_and_back(low);
    const std::vector<double> high2 = there_and_back(high);
    std::array<std::vector<double>, filter_bands> rows;
    rows.fill({0.0});
    rows[0] = {1.0};
    for (std::size_t band = 1; band < filter_bands; ++band) {
      for (auto& row : rows) {
        std::vector<double> spread(2 * row.size() - 1);
        for (std::size_t i = 0; i < row.size(); ++i) spread[2 * i] = row[i];
        row = convolved(spread, low2);
      }
      const std::size_t first = (rows[band].size() - high2.size()) / 2;
      for (std::size_t i = 0; i < high2.size(); ++i) rows[band][first + i] += high2[i];
    }
    return rows;
  }();
  return bank;
}

/// Each image through the sum of its amplified bands, reflected about the edges.
Tensor filtered(const Tensor& ct, std::span<const Augmentation> all) {
  const auto& bank = filter_bank();
  const auto taps = static_cast<std::int64_t>(bank[0].size());
  const auto count = static_cast<std::int64_t>(all.size());
  Tensor kernels = torch::zeros({count, taps}, torch::kDouble);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::size_t band = 0; band < filter_bands; ++band)
      for (std::int64_t t = 0; t < taps; ++t)
        kernels.data_ptr<double>()[i * taps + t] +=
            all[static_cast<std::size_t>(i)].gains[band] * bank[band][static_cast<std::size_t>(t)];
  const Tensor k = kernels.to(ct.options());
  // Reflected by an index, as a small image may have fewer pixels than the filter has taps.
  auto bordered = [&](const Tensor& x, std::int64_t axis) {
    const std::int64_t size = x.size(axis);
    std::vector<std::int64_t> from;
    for (std::int64_t i = -(taps / 2); i < size + taps / 2; ++i) {
      const std::int64_t period = std::max<std::int64_t>(2 * (size - 1), 1);
      const std::int64_t r = ((i % period) + period) % period;
      from.push_back(r < size ? r : period - r);
    }
    return x.index_select(axis, torch::tensor(from).to(x.device()));
  };
  Tensor x = ct.transpose(0, 1);  // [C, N, H, W]: a group an image
  x = torch::conv2d(bordered(x, 2), k.view({count, 1, taps, 1}), Tensor(), at::IntArrayRef{1}, at::IntArrayRef{0},
                    at::IntArrayRef{1}, count);
  x = torch::conv2d(bordered(x, 3), k.view({count, 1, 1, taps}), Tensor(), at::IntArrayRef{1}, at::IntArrayRef{0},
                    at::IntArrayRef{1}, count);
  return x.transpose(0, 1);
}

Tensor with_noise(const Tensor& ct, std::span<const Augmentation> all, std::uint64_t seed,
                  std::span<const std::uint64_t> numbers) {
  Tensor noise = torch::empty({ct.size(0), ct.size(1), ct.size(2), ct.size(3)});
  const std::int64_t pixels = noise.numel() / noise.size(0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::span<float> one(noise.data_ptr<float>() + static_cast<std::int64_t>(i) * pixels,
                               static_cast<std::size_t>(pixels));
    RandomStream(derive_seed(seed, "augmentation noise"), numbers[i]).fill_normal(one);
    for (float& v : one) v *= static_cast<float>(all[i].noise);
  }
  return ct + noise.to(ct.options());
}

/// 0 within each image's square.
Tensor cut_out(const Tensor& ct, std::span<const Augmentation> all) {
  auto outside = [&](std::int64_t size, std::size_t axis) {  // [N, size]
    const Tensor at = (torch::arange(size, torch::kDouble) + 0.5) / static_cast<double>(size);
    std::vector<Tensor> rows;
    for (const Augmentation& a : all) rows.push_back((at - a.cutout_centre[axis]).abs() >= a.cutout / 2);
    return torch::stack(rows);
  };
  const Tensor columns = outside(ct.size(3), 0).unsqueeze(1);
  const Tensor rows = outside(ct.size(2), 1).unsqueeze(2);
  return ct * torch::logical_or(columns, rows).unsqueeze(1).to(ct.options());
}

bool any(std::span<const Augmentation> all, bool (*does)(const Augmentation&)) {
  return std::any_of(all.begin(), all.end(), does);
}

}  // namespace

std::vector<std::string> augment_pipeline_names() {
  std::vector<std::string> names(pipeline_parts.begin(), pipeline_parts.end());
  std::string letters = "b";
  for (std::size_t i = 1; i < pipeline_parts.size(); ++i) names.push_back(letters += pipeline_parts[i].front());
  return names;
}

AugmentOptions augment_pipeline(std::string_view name) {
  AugmentOptions options;
  const auto part = std::find(pipeline_parts.begin(), pipeline_parts.end(), name);
  if (part != pipeline_parts.end()) {
    add_part(options, *part);
    return options;
  }
  const auto names = augment_pipeline_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw Error(ErrorCode::usage,
                fmt::format("augmentation: expected one of {}, found '{}'", fmt::join(names, ", "), name));
  for (std::size_t i = 0; i < name.size(); ++i) add_part(options, pipeline_parts.at(i));
  return options;
}

AugmentOptions augment_unset() {
  AugmentOptions options;
  for (const AugmentSetting& part : probabilities) options.*part.value = -1;
  return options;
}

AugmentOptions with_parts(AugmentOptions pipeline, const AugmentOptions& parts) {
  for (const AugmentSetting& part : probabilities) {
    const double value = parts.*part.value;
    if (value < 0 && value != -1)
      throw Error(ErrorCode::usage, fmt::format("{}: expected -1 or no less than 0, found {}", part.name, value));
    if (value >= 0) pipeline.*part.value = value;
  }
  for (const AugmentSetting& strength : strengths) pipeline.*strength.value = parts.*strength.value;
  return pipeline;
}

void describe_augment(Options& options, AugmentOptions& parts) {
  for (const AugmentSetting& part : probabilities)
    options.add(part.name, parts.*part.value, part.help).between(-1, 1000);
  for (const AugmentSetting& strength : strengths)
    options.add(strength.name, parts.*strength.value, strength.help).between(0, 100);
}

Augmentation draw_augmentation(const AugmentOptions& o, double p, std::uint64_t seed, std::uint64_t number) {
  Draws d(seed, number);
  Augmentation a;
  // Each draws its numbers whether it happens or not.
  auto when = [&](double probability, auto& target, auto value) {
    if (d.happens(probability * p)) target = value;
  };
  when(o.flip, a.flip, d.next_uniform() < 0.5);
  when(o.quarter_turns, a.quarter_turns, static_cast<int>(d.next_uniform() * 4));
  when(o.shift, a.shift,
       std::array{(2 * d.next_uniform() - 1) * o.shift_most, (2 * d.next_uniform() - 1) * o.shift_most});
  when(o.scale, a.scale, std::exp2(d.next_normal() * o.scale_deviation));
  // A turn before or after the stretch, so that one of them happens with probability p.
  const double one_turn = p > 0 ? (1 - std::sqrt(1 - std::clamp(o.rotate * p, 0.0, 1.0))) / p : 0;
  when(one_turn, a.turn_before, (2 * d.next_uniform() - 1) * pi);
  when(o.stretch, a.stretch, std::exp2(d.next_normal() * o.stretch_deviation));
  when(one_turn, a.turn_after, (2 * d.next_uniform() - 1) * pi);
  when(o.move, a.move, std::array{d.next_normal() * o.move_deviation, d.next_normal() * o.move_deviation});
  when(o.brightness, a.brightness, d.next_normal() * o.brightness_deviation);
  when(o.contrast, a.contrast, std::exp2(d.next_normal() * o.contrast_deviation));
  when(o.luma_flip, a.luma_flip, d.next_uniform() < 0.5);
  when(o.hue, a.hue, (2 * d.next_uniform() - 1) * pi);
  when(o.saturation, a.saturation, std::exp2(d.next_normal() * o.saturation_deviation));
  // Power that a band of natural images has: one over its frequency.
  constexpr std::array<double, filter_bands> power = {10.0 / 13, 1.0 / 13, 1.0 / 13, 1.0 / 13};
  for (std::size_t band = 0; band < filter_bands; ++band) {
    double amplification = 1;
    when(o.filter, amplification, std::exp2(d.next_normal() * o.filter_deviation));
    const double kept = std::sqrt(1 + power[band] * (amplification * amplification - 1));
    for (std::size_t other = 0; other < filter_bands; ++other)
      a.gains[other] *= (other == band ? amplification : 1) / kept;
  }
  when(o.noise, a.noise, std::abs(d.next_normal()) * o.noise_deviation);
  when(o.cutout, a.cutout, o.cutout_size);
  a.cutout_centre = {d.next_uniform(), d.next_uniform()};
  return a;
}

Tensor inverse_map(const Augmentation& a, std::int64_t rows, std::int64_t columns) {
  const auto width = static_cast<double>(columns);
  const auto height = static_cast<double>(rows);
  nn::Affine m = nn::scaled(a.flip ? -1 : 1, 1);
  if (a.quarter_turns != 0) {
    constexpr std::array<double, 4> cosine{1, 0, -1, 0};
    const double c = cosine.at(static_cast<std::size_t>(a.quarter_turns % 4));
    const double s = cosine.at(static_cast<std::size_t>((a.quarter_turns + 3) % 4));
    m = nn::after(m, {c, -s, 0, s, c, 0});
  }
  m = nn::after(m, nn::moved(-std::nearbyint(a.shift[0] * width), -std::nearbyint(a.shift[1] * height)));
  m = nn::after(m, nn::scaled(1 / a.scale, 1 / a.scale));
  m = nn::after(m, turned(a.turn_before));
  m = nn::after(m, nn::scaled(1 / a.stretch, a.stretch));
  m = nn::after(m, turned(a.turn_after));
  m = nn::after(m, nn::moved(-a.move[0] * width, -a.move[1] * height));
  return torch::tensor(std::vector<double>(m.begin(), m.end()), torch::kDouble).view({2, 3});
}

Tensor augment(const Tensor& images, std::span<const Augmentation> all, std::uint64_t seed,
               std::span<const std::uint64_t> numbers) {
  std::vector<Tensor> inverse;
  for (const Augmentation& a : all) inverse.push_back(inverse_map(a, images.size(2), images.size(3)));
  Tensor x = recoloured(nn::warp(images, torch::stack(inverse)), all);
  const std::int64_t with_intensity = images.size(1) == 2 ? 1 : images.size(1);
  Tensor ct = x.narrow(1, 0, with_intensity);
  bool changed = false;
  if (any(all, [](const Augmentation& a) { return a.gains != Augmentation{}.gains; })) {
    ct = filtered(ct, all);
    changed = true;
  }
  if (any(all, [](const Augmentation& a) { return a.noise > 0; })) {
    ct = with_noise(ct, all, seed, numbers);
    changed = true;
  }
  if (any(all, [](const Augmentation& a) { return a.cutout > 0; })) {
    ct = cut_out(ct, all);
    changed = true;
  }
  if (!changed) return x;
  return with_intensity == images.size(1) ? ct : torch::cat({ct, x.narrow(1, with_intensity, 1)}, 1);
}

}  // namespace nodulus::train
