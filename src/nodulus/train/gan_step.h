#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "nodulus/data/loader.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/train/adam.h"
#include "nodulus/train/augment.h"

namespace nodulus::train {

/// Settings of StyleGAN2's training with adaptive discriminator augmentation, resolved (Karras et al. 2020a and 2020b).
struct GanStepOptions {
  int batch = 32;
  double learning_rate = 0.0025;
  double gamma = 1;            ///< Weight of R1.
  int r1_interval = 16;        ///< Steps from one R1 phase to the next.
  double path_weight = 2;      ///< 0: no path length regularisation.
  double path_decay = 0.01;    ///< of the mean of the path lengths
  int path_interval = 4;       ///< Steps from one path length phase to the next.
  int path_shrink = 2;         ///< The phase takes batch / this images.
  double mixing = 0.9;         ///< Probability that an image has two styles.
  double ema_kimg = 10;        ///< Thousands of images in which the average forgets half.
  double ema_rampup = 0.05;    ///< At most this share of the images seen; 0: no ramp.
  double hidden_labels = 0.1;  ///< Probability that labels are hidden (train/labels.h).
  AugmentOptions augment;
  double p = 0;  ///< First, or, with `adapts` false, always.
  bool adapts = true;
  double target = 0.6;      ///< of r_t, the mean sign of the scores of real images
  int adapt_interval = 4;   ///< Steps from one change of p to the next.
  double adapt_kimg = 500;  ///< Thousands of images in which p can go from 0 to 1.
  std::uint64_t seed = 0;
  torch::Device device = torch::kCPU;
  bool bfloat16 = false;
};

/// What a step did. Those of a phase that this step had not are as they were.
struct GanResult {
  double generator_loss = 0;
  double discriminator_loss = 0;
  double real_score = 0;
  double fake_score = 0;
  double r1_penalty = 0;
  double path_length = 0;
  double path_penalty = 0;
  double sign = 0;    ///< r_t of the last interval.
  double spread = 1;  ///< Deviation between the images of a batch, generated over real.
  double p = 0;
};

/// |J_w^T y| of each image (Karras et al. 2020a, section 3.2), [N]: how far it moves with its styles in the direction
/// y / sqrt(H W), as a root mean square over the layers. images [N, C, H, W] of styles ws [N, layers, w], y of the
/// images' shape, standard normal. Differentiable.
torch::Tensor path_lengths(const torch::Tensor& images, const torch::Tensor& ws, const torch::Tensor& y);

/// |grad_x D(x)|^2 of each image (Mescheder et al. 2018, arXiv 1801.04406, equation 9, without gamma / 2), [N], from
/// scores [N, 1] of images [N, C, H, W]. Differentiable.
torch::Tensor squared_score_gradients(const torch::Tensor& scores, const torch::Tensor& images);

/// One training step of StyleGAN2: the generator's phase, its path length phase every path_interval steps, the
/// discriminator's, its R1 phase every r1_interval steps, the average, and p. All that is random is a function of
/// (seed, step); step k sees the samples [k batch, (k + 1) batch).
class GanStep {
 public:
  GanStep(std::shared_ptr<models::StyleGan2Generator> generator,
          std::shared_ptr<models::StyleGan2Discriminator> discriminator, const data::Loader& loader,
          const GanStepOptions& options);

  /// Throws Error{internal} where a loss or a gradient is not finite.
  GanResult run(std::int64_t step);

  // The phases by themselves, for benchmarks: gradients, and a step of the optimiser.
  void generator_phase(std::int64_t step);
  void path_length_phase(std::int64_t step);
  void discriminator_phase(std::int64_t step);
  void r1_phase(std::int64_t step);

  [[nodiscard]] Adam& generator_adam() { return generator_adam_; }
  [[nodiscard]] Adam& discriminator_adam() { return discriminator_adam_; }
  [[nodiscard]] const Adam& generator_adam() const { return generator_adam_; }
  [[nodiscard]] const Adam& discriminator_adam() const { return discriminator_adam_; }
  /// p, the mean of the path lengths, and the sum and number of signs since the last change of p, [4] float32: with the
  /// networks and the optimisers all that a resumed training needs.
  [[nodiscard]] const torch::Tensor& state() const { return state_; }
  [[nodiscard]] double p() const;
  /// What the first so many of the training images are labelled with, none hidden; undefined without conditions.
  [[nodiscard]] torch::Tensor first_labels(std::int64_t count) const;
  /// Of the last run() or phase.
  [[nodiscard]] const GanResult& result() const { return result_; }

  /// The decay of the average over one step, at so many images seen.
  [[nodiscard]] static double ema_decay_at(const GanStepOptions& options, std::int64_t images_seen);
  /// Adam's settings where one step in `interval` is followed by a second, for its regulariser (2020a, appendix B).
  [[nodiscard]] static AdamOptions lazy_adam(int interval);

 private:
  [[nodiscard]] std::vector<std::uint64_t> numbers(std::int64_t step, std::int64_t count) const;
  [[nodiscard]] torch::Tensor real_images(std::int64_t step) const;
  /// Normal [count, z], a row for each sample number.
  [[nodiscard]] torch::Tensor latents(const char* purpose, std::int64_t step, std::int64_t count) const;
  /// Labels of the data's own images at random, some hidden, [count, labels]; undefined without conditions.
  [[nodiscard]] torch::Tensor drawn_labels(const char* purpose, std::int64_t step, std::int64_t count) const;
  [[nodiscard]] torch::Tensor real_labels(std::int64_t step) const;
  [[nodiscard]] torch::Tensor labels_of(std::span<const std::uint64_t> samples, std::span<const std::uint64_t> numbers,
                                        const char* purpose) const;
  /// Styles [count, layers, w] of new latents and their drawn labels, two of them mixed with probability `mixing`.
  torch::Tensor styles(const char* purpose, std::int64_t step, std::int64_t count);
  torch::Tensor images_of(const torch::Tensor& ws, const char* purpose, std::int64_t step);
  torch::Tensor augmented(const torch::Tensor& images, const char* purpose, std::int64_t step);
  /// The discriminator's scores, [N, 1].
  torch::Tensor scores(const torch::Tensor& seen, const torch::Tensor& labels);
  void take(Adam& adam, double learning_rate, double ema_decay, const char* phase, std::int64_t step) const;
  void adapt(std::int64_t step);

  std::shared_ptr<models::StyleGan2Generator> generator_;
  std::shared_ptr<models::StyleGan2Discriminator> discriminator_;
  const data::Loader& loader_;
  GanStepOptions options_;
  Adam generator_adam_;
  Adam discriminator_adam_;
  torch::Tensor state_;
  GanResult result_;
};

}  // namespace nodulus::train
