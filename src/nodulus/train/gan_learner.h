#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nodulus/core/options.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/train/gan_step.h"
#include "nodulus/train/gan_watch.h"
#include "nodulus/train/learner.h"

namespace nodulus::train {

/// Settings of a StyleGAN2 training as a user gives them. 0, or -1 where 0 means something: as the published "auto"
/// chooses by the resolution.
struct GanOptions {
  int z = 512;
  int w = 512;
  int mapping_layers = 2;
  double fmaps = 0;  ///< Channels, relative to the largest setting.
  int channel_max = 512;
  std::string discriminator = "resnet";
  int group = 0;
  int freeze = 0;
  double clamp = -1;  ///< Largest activation; 0: no limit; -1: 256 with bfloat16, else none.
  double learning_rate = 0;
  double gamma = -1;
  double ema_kimg = 0;
  double ema_rampup = -1;
  double mixing = 0.9;
  double path_weight = 2;
  std::string augment = "bgc";
  double p = -1;  ///< A fixed probability; -1: adapted.
  double target = 0.6;
  double adapt_kimg = 0;
  AugmentOptions parts = augment_unset();  ///< Where they are not -1, in place of the pipeline's.

  void describe(Options& options);
  /// All numbers, for images of this size in batches of so
  /// many. Throws Error{usage} where they make no networks, or no training.
  [[nodiscard]] models::StyleGan2Options networks(int channels, int resolution, int labels, int batch,
                                                  bool bfloat16) const;
  /// `transferred`: the training begins with another's weights. Throws Error{usage} for a number below 0 but -1.
  [[nodiscard]] GanStepOptions resolved(int resolution, int batch, bool transferred) const;
  /// Images a step that "auto" takes: as many as keep memory in bounds.
  [[nodiscard]] static int auto_batch(int resolution);
};

/// Generator, discriminator, their optimisers and the average. Its state: "generator/", "discriminator/" and the names
/// of parameters and buffers, "generator_first/" and so on for Adam's moments, "ema/" for the average, "gan" for p and
/// what else GanStep::state() holds.
class GanLearner final : public Learner {
 public:
  GanLearner(const models::StyleGan2Options& networks, const data::Loader& loader, const GanStepOptions& options);

  std::vector<Figure> step(std::int64_t step) override;
  std::vector<std::string> warnings() override { return std::exchange(warnings_, {}); }
  [[nodiscard]] std::vector<StateTensor> state() const override;
  [[nodiscard]] std::vector<StateTensor> weights() const override;
  void resumed(std::int64_t steps) override;
  /// The same latents each time; and the same images as the discriminator would see them.
  std::vector<SampleSheet> samples(Monitor& monitor) override;

 private:
  GanStepOptions options_;
  std::shared_ptr<models::StyleGan2Generator> generator_;
  std::shared_ptr<models::StyleGan2Discriminator> discriminator_;
  std::shared_ptr<models::StyleGan2Generator> averaged_;
  GanStep step_;
  GanWatch watch_;
  std::vector<std::string> warnings_;
};

/// The averaged weights and the buffers of a checkpoint as its state names them, for load_part().
std::vector<StateTensor> averaged_weights(const models::StyleGan2Generator& generator);

}  // namespace nodulus::train
