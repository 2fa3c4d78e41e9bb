#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nodulus/app/asked.h"
#include "nodulus/app/batch_joiner.h"
#include "nodulus/app/diffusion.h"
#include "nodulus/app/image_edit.h"
#include "nodulus/core/options.h"
#include "nodulus/train/checkpoint.h"

namespace nodulus::app {

/// What generate asks for, whatever the model.
struct DrawingRequest {
  std::filesystem::path checkpoint;
  train::CheckpointInfo info;
  /// The diffusion model of that checkpoint where it was loaded already; sharing its network does it no harm.
  const TrainedModel* loaded = nullptr;
  std::int64_t count = 0;
  const Asked* asked = nullptr;  ///< Outlives the drawing; null: nothing.
  torch::Device device = torch::kCPU;
  BatchJoiner::Member* joining = nullptr;      ///< Outlives the drawing; null: it is drawn by itself.
  const Surroundings* surroundings = nullptr;  ///< Of each image, which outlive the drawing; null: there are none.
  std::function<void(std::int64_t done, std::int64_t total)> on_step;  ///< Within a batch; may throw to stop.
  std::function<void(const torch::Tensor& x, double sigma)>
      on_question;  ///< Sees what a denoiser is asked; may be empty.
};

/// Images of one model, as generate draws them.
class Drawing {
 public:
  Drawing() = default;
  Drawing(const Drawing&) = delete;
  Drawing& operator=(const Drawing&) = delete;
  virtual ~Drawing() = default;

  /// Images [first, first + seeds.size()) of those that were asked for, [N, C, H, W] float32 on the CPU.
  virtual torch::Tensor images(std::span<const std::uint64_t> seeds, std::int64_t first) = 0;
  /// What items.csv says of image i, of seed `own`, besides that: "" for one from that alone.
  [[nodiscard]] virtual std::string condition(std::int64_t i, std::uint64_t own) const = 0;
  /// The seed that image i, of seed `own`, begins with.
  [[nodiscard]] virtual std::uint64_t seed(std::uint64_t own) const = 0;
  [[nodiscard]] virtual std::string sampler() const = 0;  ///< "" where there is none.
  [[nodiscard]] virtual int steps() const = 0;
  /// Network evaluations an image: those of the last batch, before it as far as they are known, 0 where not.
  [[nodiscard]] virtual std::int64_t evaluations() const = 0;
  /// FLOP of one evaluation.
  [[nodiscard]] virtual double evaluation_flop() const = 0;
  /// Of the network that draws.
  [[nodiscard]] virtual std::int64_t parameters() const = 0;
  /// A data set that pixels are taken from; empty where there is none.
  [[nodiscard]] virtual std::filesystem::path data() const { return {}; }
};

/// Images drawn in batches, image i from `seed` + i unless `seeds` tells another, and how far that is.
struct Batches {
  std::int64_t count = 0;
  std::int64_t batch = 1;
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> seeds = {};  ///< Of each of the `count` images; empty: as above.
  std::int64_t done = 0;                  ///< Images of the batches before.
  std::int64_t now = 0;                   ///< Images of the batch at hand.
  double seconds = 0;                     ///< Spent drawing.

  using Take = std::function<void(const torch::Tensor& images, std::span<const std::uint64_t> seeds)>;
  /// Hands over each batch, [now, C, H, W], in order.
  void draw(Drawing& drawing, const Take& take);
};

/// Settings of generate that only diffusion families have.
class DiffusionDrawingSettings {
 public:
  /// The sampler, which decides what other settings there are, is looked for in the words and the file first. Where
  /// neither names one, a published model's is the one that its figures were made with.
  void describe(Options& options, const std::vector<std::string>& words);
  /// Throws Error{usage} for settings that contradict one another or the model.
  [[nodiscard]] std::unique_ptr<Drawing> open(const DrawingRequest& request);
  /// Throws Error{usage} where a sampler was asked for: a model of `family` has no noise levels.
  void refuse_sampler(const std::string& family) const;
  [[nodiscard]] ImageEdit& edit() { return edit_; }

 private:
  std::string sampler_name_ = "ddim";
  std::string asked_sampler_;
  SamplerChoice choice_;
  ImageEdit edit_;
  int steps_ = 0;
  int usual_steps_ = 0;  ///< Those that a published model was measured with; 0: none are told.
  std::string schedule_name_;
  double rho_ = 7;
  bool clip_ = true;
  bool bfloat16_ = false;
  double guidance_ = 1;
  std::vector<double> guided_;
};

/// Settings of generate that only StyleGAN2 has.
class GanDrawingSettings {
 public:
  void describe(Options& options);
  /// `edit`: what was asked of all families alike. Throws Error{usage} as above.
  [[nodiscard]] std::unique_ptr<Drawing> open(const DrawingRequest& request, ImageEdit& edit) const;
  /// Throws Error{usage} where one of these was asked for: a model of `family` has no styles.
  void refuse(const std::string& family) const;

 private:
  double truncation_ = 1;
  std::string noise_ = "const";
  std::string mix_;
};

}  // namespace nodulus::app
