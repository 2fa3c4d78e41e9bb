#include "nodulus/app/image_edit.h"

#include <fmt/format.h>

#include "nodulus/core/error.h"
#include "nodulus/core/numbers.h"

namespace nodulus::app {
namespace {

std::uint64_t seed_from(std::string_view text, const std::string& whole) {
  const auto seed = whole_number(text);
  if (!seed)
    throw Error(ErrorCode::usage, fmt::format("--interpolate: expected two seeds as in 3:17, found '{}'", whole));
  return *seed;
}

}  // namespace

void ImageEdit::describe(Options& options) {
  options.add("interpolate", interpolate_,
              "A:B: the way from the image of one seed to that of another; of StyleGAN2 also of "
              "folders that project made");
  options.add("inpaint", inpaint_, "data set with an image of which a region is made anew, by ancestral steps");
  options.add("item", item_, "number of that image, as in its items.csv from 0").between(0, 1e12);
  options.add("region", region_, "X,Y,WIDTH,HEIGHT of the region, in the model's pixels").between(0, 65536);
  options.add("inpaint_method", method_, "how the region is made to fit").one_of({"repaint", "replacement"});
  options.add("resamplings", options_.resamplings, "of repaint: times that each stretch is gone down").between(1, 1000);
  options.add("jump_length", options_.jump_length, "of repaint: noise levels of a stretch").between(1, 100000);
}

void ImageEdit::check_interpolation(std::int64_t count) {
  count_ = count;
  if (!interpolates()) return;
  if (!inpaint_.empty()) throw Error(ErrorCode::usage, "--interpolate and --inpaint: expected one of them, found both");
  const std::size_t colon = interpolate_.find(':');
  from_ = interpolate_.substr(0, colon);
  to_ = colon == std::string::npos ? "" : interpolate_.substr(colon + 1);
  if (from_.empty() || to_.empty()) seed_from("", interpolate_);
  if (count < 2)
    throw Error(ErrorCode::usage, fmt::format("--interpolate: expected --count of 2 or more, found {}", count));
}

void ImageEdit::check_region() const {
  if (inpaint_.empty() && !region_.empty())
    throw Error(ErrorCode::usage, "--region: expected --inpaint with the data set that the image is in");
}

void ImageEdit::prepare(const TrainedModel& model, const SamplerChoice& choice, std::int64_t count) {
  if (is_surrounded() && (interpolates() || !inpaint_.empty()))
    throw Error(ErrorCode::usage, fmt::format("--insert and --{}: expected one of them, found both",
                                              inpaint_.empty() ? "interpolate" : "inpaint"));
  check_interpolation(count);
  if (interpolates()) {  // between seeds alone
    seed_from(from_, interpolate_);
    seed_from(to_, interpolate_);
  }
  if (inpaints() && !asked_sampler_.empty())
    throw Error(ErrorCode::usage,
                fmt::format("--{}: it goes by ancestral steps of its own; expected no --sampler, found {}",
                            is_surrounded() ? "insert" : "inpaint", asked_sampler_));
  check_region();
  if (interpolates() && (choice.row->stochastic || choice.sampler->adds_noise()))
    throw Error(ErrorCode::usage,
                fmt::format("--interpolate: expected a sampler without noise of its own (nodulus samplers lists them), "
                            "found {}{}",
                            choice.row->name, choice.row->stochastic ? "" : " with noise added by its settings"));
  if (inpaint_.empty()) return;
  const int size = model.info.resolution;
  if (region_.size() != 4 || region_[2] < 1 || region_[3] < 1 || region_[0] + region_[2] > size ||
      region_[1] + region_[3] > size)
    throw Error(ErrorCode::usage, fmt::format("--region: expected X,Y,WIDTH,HEIGHT within {}x{}, found '{}'", size,
                                              size, fmt::join(region_, ",")));
  known_ = item_image(model.info, inpaint_, item_);
  mask_ = torch::zeros({1, 1, size, size}, torch::kBool);
  mask_.slice(2, region_[1], region_[1] + region_[3]).slice(3, region_[0], region_[0] + region_[2]).fill_(true);
}

double ImageEdit::weight(std::int64_t i) const { return static_cast<double>(i) / static_cast<double>(count_ - 1); }

std::vector<double> ImageEdit::weights(std::int64_t first, std::size_t count) const {
  std::vector<double> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(weight(first + static_cast<std::int64_t>(i)));
  return all;
}

sample::InpaintOptions ImageEdit::inpaint_options() const {
  sample::InpaintOptions options = options_;
  options.method = method_ == "replacement" ? sample::InpaintMethod::replacement : sample::InpaintMethod::repaint;
  return options;
}

torch::Tensor ImageEdit::images(sample::DiffusionSource& source, std::span<const std::uint64_t> seeds,
                                std::int64_t first, const torch::Tensor& labels) const {
  if (interpolates())
    return source.between(seed_from(from_, interpolate_), seed_from(to_, interpolate_), weights(first, seeds.size()),
                          labels);
  if (is_surrounded()) {
    const auto count = static_cast<std::int64_t>(seeds.size());
    return source.inpainted(seeds, surroundings_->known(first, count), surroundings_->region(first, count),
                            inpaint_options(), surroundings_->labels(first, count));
  }
  if (!inpaint_.empty()) return source.inpainted(seeds, known_, mask_, inpaint_options(), labels);
  return source.images(seeds, labels);
}

std::uint64_t ImageEdit::seed(std::uint64_t own) const {
  return interpolates() ? whole_number(from_).value_or(own) : own;
}

std::string ImageEdit::condition(std::int64_t i) const {
  if (interpolates()) return fmt::format("between {} and {} at {:.4f}", from_, to_, weight(i));
  if (is_surrounded()) return surroundings_->condition(i);
  if (!inpaint_.empty()) return fmt::format("item {} of the data set but for {}", item_, fmt::join(region_, " "));
  return "";
}

std::int64_t ImageEdit::evaluations(std::int64_t steps, std::int64_t usual) const {
  return inpaints() ? sample::inpaint_steps(steps, inpaint_options()) : usual;
}

}  // namespace nodulus::app
