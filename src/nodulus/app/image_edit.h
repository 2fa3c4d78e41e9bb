#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/surroundings.h"
#include "nodulus/core/options.h"
#include "nodulus/sample/diffusion_source.h"

namespace nodulus::app {

/// What generate makes besides images from seeds alone: the way between two seeds, a region of a data set's image
/// made anew, or one of each of many images (Surroundings).
class ImageEdit {
 public:
  void describe(Options& options);
  /// A region of each of these is made anew; null: of none. They outlive this.
  void set_surroundings(const Surroundings* surroundings) { surroundings_ = surroundings; }
  [[nodiscard]] bool is_surrounded() const { return surroundings_ != nullptr; }
  /// The sampler that was asked for on the command line; "" for none.
  void note_sampler(const std::string& name) { asked_sampler_ = name; }
  /// The part of prepare() that needs no model: reads the two ends of --interpolate.
  void check_interpolation(std::int64_t count);
  /// Throws Error{usage} for a region of no image.
  void check_region() const;
  [[nodiscard]] bool interpolates() const { return !interpolate_.empty(); }
  /// Of --interpolate: its ends as they were given, and how far images [first, first + count) are on the way.
  [[nodiscard]] const std::string& from() const { return from_; }
  [[nodiscard]] const std::string& to() const { return to_; }
  [[nodiscard]] std::vector<double> weights(std::int64_t first, std::size_t count) const;
  /// Throws Error{usage} for settings that contradict each other, `count` or the model, and reads the image whose
  /// region is asked for.
  void prepare(const TrainedModel& model, const SamplerChoice& choice, std::int64_t count);
  /// The steps where none were asked for: as many as repaint needs, or the sampler's.
  [[nodiscard]] int default_steps(int usual) const { return inpaints() ? 250 : usual; }

  /// Images [first, first + seeds.size()) of those that were asked for.
  [[nodiscard]] torch::Tensor images(sample::DiffusionSource& source, std::span<const std::uint64_t> seeds,
                                     std::int64_t first, const torch::Tensor& labels) const;
  /// What items.csv says of image i: "" for one from its seed alone.
  [[nodiscard]] std::string condition(std::int64_t i) const;
  /// The seed that image i, of seed `own`, begins with.
  [[nodiscard]] std::uint64_t seed(std::uint64_t own) const;
  /// What items.csv calls the sampler: `usual`, or the method by which a region is made.
  [[nodiscard]] std::string sampler(const std::string& usual) const { return inpaints() ? method_ : usual; }
  /// The data set that known pixels come from; empty where there are none.
  [[nodiscard]] const std::filesystem::path& data() const { return inpaint_; }
  /// Network evaluations an image, where `sampler` steps take `usual`.
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps, std::int64_t usual) const;

 private:
  [[nodiscard]] bool inpaints() const { return is_surrounded() || !inpaint_.empty(); }
  [[nodiscard]] double weight(std::int64_t i) const;
  [[nodiscard]] sample::InpaintOptions inpaint_options() const;

  std::string asked_sampler_;
  std::string interpolate_;
  std::string from_;
  std::string to_;
  std::int64_t count_ = 0;
  std::filesystem::path inpaint_;
  std::int64_t item_ = 0;
  std::vector<int> region_;
  std::string method_ = "repaint";
  sample::InpaintOptions options_;
  torch::Tensor known_;
  torch::Tensor mask_;
  const Surroundings* surroundings_ = nullptr;
};

}  // namespace nodulus::app
