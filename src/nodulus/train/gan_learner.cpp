#include "nodulus/train/gan_learner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/normal_rows.h"

namespace nodulus::train {
namespace {

using torch::Tensor;

constexpr std::int64_t sample_count = 24;
constexpr double usual_clamp = 256;  // with half precision, in the authors' train.py

std::shared_ptr<models::StyleGan2Generator> seeded_generator(const models::StyleGan2Options& networks,
                                                             const GanStepOptions& options) {
  torch::manual_seed(derive_seed(options.seed, "generator"));
  auto generator = models::make_generator(networks);
  generator->to(options.device);
  return generator;
}

std::shared_ptr<models::StyleGan2Discriminator> seeded_discriminator(const models::StyleGan2Options& networks,
                                                                     const GanStepOptions& options) {
  torch::manual_seed(derive_seed(options.seed, "discriminator"));
  auto discriminator = models::make_discriminator(networks);
  discriminator->to(options.device);
  return discriminator;
}

void append_buffers(std::vector<StateTensor>& state, const std::string& prefix, const torch::nn::Module& module) {
  for (const auto& item : module.named_buffers()) state.push_back({prefix + item.key(), item.value()});
}

void append_moments(std::vector<StateTensor>& state, const std::string& prefix, const torch::nn::Module& module,
                    const std::vector<Tensor>& tensors) {
  std::size_t k = 0;
  for (const auto& item : module.named_parameters()) state.push_back({prefix + item.key(), tensors.at(k++)});
}

/// Phases that come once in `interval` steps, in the first `steps`.
std::int64_t lazy_count(std::int64_t steps, int interval) { return (steps + interval - 1) / interval; }

}  // namespace

void GanOptions::describe(Options& o) {
  o.add("stylegan2.z", z, "numbers that an image is made from").between(1, 65536);
  o.add("stylegan2.w", w, "numbers of a style").between(1, 65536);
  o.add("stylegan2.mapping_layers", mapping_layers, "layers from z to w").between(1, 64);
  o.add("stylegan2.fmaps", fmaps, "channels, relative to 32768 over the resolution; 0: by the resolution")
      .between(0, 64);
  o.add("stylegan2.channel_max", channel_max, "most channels of a layer").between(1, 65536);
  o.add("stylegan2.discriminator", discriminator, "with residual connections or without").one_of({"resnet", "orig"});
  o.add("stylegan2.group", group, "images over which the discriminator sees the deviation; 0: by the batch")
      .between(0, 65536);
  o.add("stylegan2.freeze", freeze, "first layers of the discriminator that stay as they are").between(0, 1000);
  o.add("stylegan2.clamp", clamp, "largest activation; 0: no limit; -1: 256 with bfloat16, else none").between(-1, 1e9);
  o.add("learning_rate", learning_rate, "Adam's step size; 0: by the resolution").between(0, 1);
  o.add("gan.gamma", gamma, "weight of R1; -1: by resolution and batch").between(-1, 1e6);
  o.add("gan.ema_kimg", ema_kimg, "thousands of images in which the average forgets half; 0: by the batch")
      .between(0, 1e6);
  o.add("gan.ema_rampup", ema_rampup, "at most this share of the images seen; 0: no ramp; -1: 0.05, 0 after a transfer")
      .between(-1, 1);
  o.add("gan.mixing", mixing, "probability that a training image has two styles").between(0, 1);
  o.add("gan.path_weight", path_weight, "weight of path length regularisation; 0: none").between(0, 1e6);
  o.add("gan.augment", augment, "what the discriminator's images go through").one_of(augment_pipeline_names());
  o.add("gan.p", p, "probability of each augmentation; -1: adapted").between(-1, 1);
  o.add("gan.target", target, "sign of the scores of real images that p is adapted to").between(-1, 1);
  o.add("gan.adapt_kimg", adapt_kimg, "thousands of images in which p can go from 0 to 1; 0: 500, 100 after a transfer")
      .between(0, 1e6);
  describe_augment(o, parts);
}

int GanOptions::auto_batch(int resolution) { return std::clamp(4096 / resolution, 1, 32); }

models::StyleGan2Options GanOptions::networks(int channels, int resolution, int labels, int batch,
                                              bool bfloat16) const {
  models::StyleGan2Options o;
  o.resolution = resolution;
  o.image_channels = channels;
  o.z = z;
  o.w = w;
  o.mapping_layers = mapping_layers;
  o.labels = labels;
  o.channel_base = static_cast<int>((fmaps > 0 ? fmaps : (resolution >= 512 ? 1 : 0.5)) * 32768);
  o.channel_max = channel_max;
  o.discriminator = discriminator;
  o.group = std::min(group > 0 ? group : 4, batch);
  o.freeze = freeze;
  if (clamp < 0 && clamp != -1)
    throw Error(ErrorCode::usage, fmt::format("--stylegan2.clamp: expected -1 or no less than 0, found {}", clamp));
  o.clamp = clamp >= 0 ? clamp : (bfloat16 ? usual_clamp : 0);
  models::check(o);
  if (batch % o.group != 0)
    throw Error(
        ErrorCode::usage,
        fmt::format("--batch: expected a multiple of the discriminator's group of {}, found {}", o.group, batch));
  return o;
}

GanStepOptions GanOptions::resolved(int resolution, int batch, bool transferred) const {
  for (const auto& [name, value] :
       {std::pair{"gan.p", p}, std::pair{"gan.gamma", gamma}, std::pair{"gan.ema-rampup", ema_rampup}})
    if (value < 0 && value != -1)
      throw Error(ErrorCode::usage, fmt::format("--{}: expected -1 or no less than 0, found {}", name, value));
  GanStepOptions step;
  step.batch = batch;
  step.learning_rate = learning_rate > 0 ? learning_rate : (resolution >= 1024 ? 0.002 : 0.0025);
  step.gamma = gamma >= 0 ? gamma : 0.0002 * resolution * resolution / batch;
  step.ema_kimg = ema_kimg > 0 ? ema_kimg : batch * 10.0 / 32;
  step.ema_rampup = ema_rampup >= 0 ? ema_rampup : (transferred ? 0 : 0.05);
  step.mixing = mixing;
  step.path_weight = path_weight;
  step.augment = with_parts(augment_pipeline(augment), parts);
  step.adapts = p < 0;
  step.p = std::max(p, 0.0);
  step.target = target;
  step.adapt_kimg = adapt_kimg > 0 ? adapt_kimg : (transferred ? 100 : 500);
  return step;
}

GanLearner::GanLearner(const models::StyleGan2Options& networks, const data::Loader& loader,
                       const GanStepOptions& options)
    : options_(options),
      generator_(seeded_generator(networks, options)),
      discriminator_(seeded_discriminator(networks, options)),
      averaged_(seeded_generator(networks, options)),
      step_(generator_, discriminator_, loader, options),
      watch_(options.adapts) {
  averaged_->eval();
}

std::vector<Figure> GanLearner::step(std::int64_t step) {
  const GanResult r = step_.run(step);
  warnings_ = watch_.see(step, r);
  return {{"loss", r.discriminator_loss, false, true},
          {"generator_loss", r.generator_loss, true, true},
          {"discriminator_loss", r.discriminator_loss, true, true},
          {"real_score", r.real_score, false, true},
          {"fake_score", r.fake_score, false, true},
          {"r1_penalty", r.r1_penalty},
          {"path_length", r.path_length},
          {"path_penalty", r.path_penalty},
          {"spread", r.spread, false, true},
          {"r_t", r.sign, true},
          {"p", r.p, true}};
}

std::vector<StateTensor> GanLearner::weights() const {
  std::vector<StateTensor> state;
  append_parameters(state, "generator/", *generator_);
  append_buffers(state, "generator/", *generator_);
  append_moments(state, "ema/", *generator_, step_.generator_adam().averages());
  append_parameters(state, "discriminator/", *discriminator_);
  append_buffers(state, "discriminator/", *discriminator_);
  return state;
}

std::vector<StateTensor> GanLearner::state() const {
  std::vector<StateTensor> state = weights();
  append_moments(state, "generator_first/", *generator_, step_.generator_adam().first_moments());
  append_moments(state, "generator_second/", *generator_, step_.generator_adam().second_moments());
  append_moments(state, "discriminator_first/", *discriminator_, step_.discriminator_adam().first_moments());
  append_moments(state, "discriminator_second/", *discriminator_, step_.discriminator_adam().second_moments());
  state.push_back({"gan", step_.state()});
  return state;
}

void GanLearner::resumed(std::int64_t steps) {
  const bool has_path = options_.path_weight > 0;
  const bool has_r1 = options_.gamma > 0;
  step_.generator_adam().set_steps(steps + (has_path ? lazy_count(steps, options_.path_interval) : 0));
  step_.discriminator_adam().set_steps(steps + (has_r1 ? lazy_count(steps, options_.r1_interval) : 0));
}

std::vector<SampleSheet> GanLearner::samples(Monitor& /*monitor*/) {
  const torch::NoGradGuard no_grad;
  step_.generator_adam().copy_averages_to(*averaged_);
  const auto buffers = averaged_->buffers();
  for (std::size_t k = 0; k < buffers.size(); ++k) buffers[k].copy_(generator_->buffers()[k]);
  const Tensor z = nn::normal_rows(sample_count, {averaged_->options().z}, [&](std::int64_t i) {
    return RandomStream(options_.seed + static_cast<std::uint64_t>(i));
  });
  Tensor labels = step_.first_labels(sample_count);
  const Tensor w = averaged_->map(z.to(options_.device), labels);
  const Tensor images = averaged_->synthesize(averaged_->broadcast(w), models::LayerNoise::constant);
  std::vector<std::uint64_t> numbers(sample_count);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<Augmentation> all;
  all.reserve(numbers.size());
  for (const std::uint64_t number : numbers)
    all.push_back(draw_augmentation(options_.augment, step_.p(), options_.seed, number));
  auto plain = [](const Tensor& t) { return t.to(torch::kFloat).cpu().contiguous(); };
  return {{"step", plain(images)}, {"augmented", plain(augment(images, all, options_.seed, numbers))}};
}

std::vector<StateTensor> averaged_weights(const models::StyleGan2Generator& generator) {
  std::vector<StateTensor> state;
  append_parameters(state, "ema/", generator);
  append_buffers(state, "generator/", generator);
  return state;
}

}  // namespace nodulus::train
