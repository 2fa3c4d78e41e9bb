#include "nodulus/train/gan_step.h"

#include <fmt/format.h>
#include <torch/autograd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nodulus/core/error.h"
#include "nodulus/core/seed.h"
#include "nodulus/nn/normal_rows.h"
#include "nodulus/nn/torch_compat.h"
#include "nodulus/train/labels.h"

namespace nodulus::train {
namespace {

using torch::Tensor;

void set_trained(const torch::nn::Module& network, bool on) {
  for (Tensor& parameter : network.parameters()) parameter.set_requires_grad(on);
}

double checked(const Tensor& loss, const char* phase, std::int64_t step) {
  const auto value = loss.item<double>();
  if (!std::isfinite(value))
    throw Error(
        ErrorCode::internal,
        fmt::format("training diverged at step {}, {}: loss {}; a lower --learning-rate or a higher --gamma may "
                    "hold it",
                    step, phase, value));
  return value;
}

double share_of_lazy(int interval) { return interval / (interval + 1.0); }

/// Mean deviation of a pixel over the images of a batch.
double deviation_between(const Tensor& images) { return images.std(0).mean().item<double>(); }

AdamOptions without_averages(AdamOptions options) {
  options.averages = false;
  return options;
}

// Places in the state.
enum : std::int64_t { at_p, at_path_mean, at_sign_sum, at_sign_count };

}  // namespace

Tensor path_lengths(const Tensor& images, const Tensor& ws, const Tensor& y) {
  const double pixels = static_cast<double>(images.size(2) * images.size(3));
  const Tensor along = (images * y).sum() / std::sqrt(pixels);
  return torch::autograd::grad({along}, {ws}, {}, true, true)[0].square().sum(2).mean(1).sqrt();
}

Tensor squared_score_gradients(const Tensor& scores, const Tensor& images) {
  return torch::autograd::grad({scores.sum()}, {images}, {}, true, true)[0].square().sum({1, 2, 3});
}

AdamOptions GanStep::lazy_adam(int interval) {
  const double share = share_of_lazy(interval);
  return {std::pow(0.0, share), std::pow(0.99, share), 1e-8};
}

double GanStep::ema_decay_at(const GanStepOptions& options, std::int64_t images_seen) {
  double images = options.ema_kimg * 1000;
  if (options.ema_rampup > 0) images = std::min(images, static_cast<double>(images_seen) * options.ema_rampup);
  return std::pow(0.5, options.batch / std::max(images, 1e-8));
}

GanStep::GanStep(std::shared_ptr<models::StyleGan2Generator> generator,
                 std::shared_ptr<models::StyleGan2Discriminator> discriminator, const data::Loader& loader,
                 const GanStepOptions& options)
    : generator_(std::move(generator)),
      discriminator_(std::move(discriminator)),
      loader_(loader),
      options_(options),
      generator_adam_(generator_->parameters(), lazy_adam(options.path_interval)),
      discriminator_adam_(discriminator_->parameters(), without_averages(lazy_adam(options.r1_interval))),
      state_(torch::zeros({4})) {
  state_.data_ptr<float>()[at_p] = static_cast<float>(options.p);
  result_.p = options.p;
  generator_->train();
  discriminator_->train();
}

double GanStep::p() const { return static_cast<double>(state_.data_ptr<float>()[at_p]); }

GanResult GanStep::run(std::int64_t step) {
  generator_phase(step);
  if (options_.path_weight > 0 && step % options_.path_interval == 0) path_length_phase(step);
  discriminator_phase(step);
  if (options_.gamma > 0 && step % options_.r1_interval == 0) r1_phase(step);
  adapt(step);
  result_.p = p();
  return result_;
}

void GanStep::generator_phase(std::int64_t step) {
  set_trained(*generator_, true);
  set_trained(*discriminator_, false);
  const Tensor ws = styles("generator", step, options_.batch);
  const Tensor logits = scores(augmented(images_of(ws, "generator", step), "generator", step),
                               drawn_labels("generator", step, options_.batch));
  const Tensor loss = torch::softplus(-logits).mean();  // -log sigmoid(D(G(z)))
  loss.backward();
  result_.generator_loss = checked(loss, "the generator's phase", step);
  const bool last = options_.path_weight <= 0 || step % options_.path_interval != 0;
  take(generator_adam_, options_.learning_rate * share_of_lazy(options_.path_interval),
       last ? ema_decay_at(options_, step * options_.batch) : 1, "the generator's phase", step);
}

// Karras et al. 2020a, section 3.2: (|J_w^T y| - a)^2, y a random image, a the mean of |J_w^T y| so far.
void GanStep::path_length_phase(std::int64_t step) {
  set_trained(*generator_, true);
  const std::int64_t count = std::max(1, options_.batch / options_.path_shrink);
  const Tensor ws = styles("path length", step, count);
  const Tensor images = images_of(ws, "path length", step);
  const Tensor lengths = path_lengths(images, ws, torch::randn_like(images));
  float& mean = state_.data_ptr<float>()[at_path_mean];
  const Tensor next = mean + options_.path_decay * (lengths.mean() - mean);
  const Tensor penalty = (lengths - next).square();
  // Every `interval` steps, so that much stronger.
  const Tensor loss = penalty.mean() * (options_.path_weight * options_.path_interval);
  loss.backward();
  mean = next.item<float>();
  result_.path_length = lengths.mean().item<double>();
  result_.path_penalty = penalty.mean().item<double>();
  checked(loss, "the path length phase", step);
  take(generator_adam_, options_.learning_rate * share_of_lazy(options_.path_interval),
       ema_decay_at(options_, step * options_.batch), "the path length phase", step);
}

void GanStep::discriminator_phase(std::int64_t step) {
  set_trained(*generator_, false);
  set_trained(*discriminator_, true);
  Tensor generated;
  {
    const torch::NoGradGuard no_grad;
    generated = images_of(styles("discriminator", step, options_.batch), "discriminator", step);
  }
  const Tensor real = real_images(step);
  // Both at once, for one pass over the weights; groups of the minibatch deviation hold one kind alone: i mod the
  // number of groups tells an image's.
  const std::int64_t group = std::min<std::int64_t>(discriminator_->options().group, options_.batch);
  auto both = [&](const Tensor& of_generated, const Tensor& of_real) {
    auto in_groups = [&](const Tensor& t) { return t.unflatten(0, {group, options_.batch / group}); };
    return of_real.defined() ? torch::stack({in_groups(of_generated), in_groups(of_real)}, 1).flatten(0, 2) : of_real;
  };
  const Tensor logits =
      scores(both(augmented(generated, "discriminator, generated", step), augmented(real, "discriminator, real", step)),
             both(drawn_labels("discriminator", step, options_.batch), real_labels(step)))
          .view({group, 2, -1});
  const Tensor of_generated = logits.select(1, 0);
  const Tensor of_real = logits.select(1, 1);
  // -log(1 - sigmoid(D(G(z)))) and -log sigmoid(D(x))
  const Tensor loss = torch::softplus(of_generated).mean() + torch::softplus(-of_real).mean();
  loss.backward();
  result_.discriminator_loss = checked(loss, "the discriminator's phase", step);
  result_.real_score = of_real.mean().item<double>();
  result_.fake_score = of_generated.mean().item<double>();
  if (options_.batch > 1) result_.spread = deviation_between(generated) / std::max(deviation_between(real), 1e-6);
  state_.data_ptr<float>()[at_sign_sum] += of_real.detach().sign().sum().item<float>();
  state_.data_ptr<float>()[at_sign_count] += static_cast<float>(options_.batch);
  take(discriminator_adam_, options_.learning_rate * share_of_lazy(options_.r1_interval), 0,
       "the discriminator's phase", step);
}

// Mescheder et al. 2018: gamma / 2 |grad_x D(x)|^2 over real images, here through their augmentation.
void GanStep::r1_phase(std::int64_t step) {
  set_trained(*discriminator_, true);
  const Tensor real = real_images(step).requires_grad_();
  const Tensor logits = scores(augmented(real, "R1", step), real_labels(step));
  const Tensor penalty = squared_score_gradients(logits, real).mean();
  const Tensor loss = penalty * (options_.gamma / 2 * options_.r1_interval);
  loss.backward();
  checked(loss, "the R1 phase", step);
  result_.r1_penalty = penalty.item<double>();
  take(discriminator_adam_, options_.learning_rate * share_of_lazy(options_.r1_interval), 0, "the R1 phase", step);
}

void GanStep::take(Adam& adam, double learning_rate, double ema_decay, const char* phase, std::int64_t step) const {
  const double norm = adam.step({learning_rate, 0, ema_decay});
  if (!std::isfinite(norm))
    throw Error(ErrorCode::internal,
                fmt::format("training diverged at step {}, {}: gradient norm {}", step, phase, norm));
}

// Karras et al. 2020b, section 3: p goes up where the mean sign of real images' scores is above the target, down below.
void GanStep::adapt(std::int64_t step) {
  if ((step + 1) % options_.adapt_interval != 0) return;
  auto* const state = state_.data_ptr<float>();
  result_.sign = state[at_sign_count] > 0 ? static_cast<double>(state[at_sign_sum] / state[at_sign_count]) : 0;
  state[at_sign_sum] = state[at_sign_count] = 0;
  if (!options_.adapts) return;
  const double by = options_.batch * options_.adapt_interval / (options_.adapt_kimg * 1000);
  const double sign = result_.sign > options_.target ? 1 : (result_.sign < options_.target ? -1 : 0);
  state[at_p] = static_cast<float>(std::max(0.0, static_cast<double>(state[at_p]) + sign * by));
}

std::vector<std::uint64_t> GanStep::numbers(std::int64_t step, std::int64_t count) const {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), static_cast<std::uint64_t>(step * options_.batch));
  return all;
}

Tensor GanStep::real_images(std::int64_t step) const {
  Tensor images = torch::empty({options_.batch, loader_.channels(), loader_.height(), loader_.width()});
  loader_.batch(numbers(step, options_.batch), {images.data_ptr<float>(), static_cast<std::size_t>(images.numel())});
  return images.to(options_.device);
}

Tensor GanStep::latents(const char* purpose, std::int64_t step, std::int64_t count) const {
  const std::uint64_t seed = derive_seed(derive_seed(options_.seed, "latents"), purpose);
  const auto all = numbers(step, count);
  return nn::normal_rows(count, {generator_->options().z},
                         [&](std::int64_t i) { return RandomStream(seed, all[static_cast<std::size_t>(i)]); })
      .to(options_.device);
}

Tensor GanStep::labels_of(std::span<const std::uint64_t> samples, std::span<const std::uint64_t> numbers,
                          const char* purpose) const {
  Tensor rows = label_rows(loader_, samples);
  if (!rows.defined()) return rows;
  const std::uint64_t seed = derive_seed(derive_seed(options_.seed, "hidden labels"), purpose);
  hide_labels(rows, loader_.conditions(), options_.hidden_labels, seed, numbers);
  return rows.to(options_.device);
}

Tensor GanStep::real_labels(std::int64_t step) const {
  const auto all = numbers(step, options_.batch);
  return labels_of(all, all, "real");
}

Tensor GanStep::first_labels(std::int64_t count) const {
  const Tensor rows = label_rows(loader_, numbers(0, count));
  return rows.defined() ? rows.to(options_.device) : rows;
}

Tensor GanStep::drawn_labels(const char* purpose, std::int64_t step, std::int64_t count) const {
  const std::uint64_t seed = derive_seed(derive_seed(options_.seed, "labels"), purpose);
  const auto all = numbers(step, count);
  std::vector<std::uint64_t> samples;
  samples.reserve(all.size());
  for (const std::uint64_t number : all) {
    float drawn = 0;
    RandomStream(seed, number).fill_uniform({&drawn, 1});
    samples.push_back(static_cast<std::uint64_t>(static_cast<double>(drawn) * static_cast<double>(loader_.items())));
  }
  return labels_of(samples, all, purpose);
}

Tensor GanStep::styles(const char* purpose, std::int64_t step, std::int64_t count) {
  const Tensor labels = drawn_labels(purpose, step, count);
  const Tensor w = generator_->map(latents(purpose, step, count), labels);
  generator_->track(w);
  Tensor ws = generator_->broadcast(w);
  std::array<float, 2> drawn{};
  RandomStream(derive_seed(derive_seed(options_.seed, "style mixing"), purpose), static_cast<std::uint64_t>(step))
      .fill_uniform(drawn);
  if (static_cast<double>(drawn[0]) >= options_.mixing) return ws;
  const std::int64_t layers = generator_->layers();
  const auto kept = 1 + static_cast<std::int64_t>(drawn[1] * static_cast<float>(layers - 1));
  const Tensor other =
      generator_->broadcast(generator_->map(latents((std::string(purpose) + ", mixed").c_str(), step, count), labels));
  return torch::cat({ws.narrow(1, 0, kept), other.narrow(1, kept, layers - kept)}, 1);
}

Tensor GanStep::images_of(const Tensor& ws, const char* purpose, std::int64_t step) {
  torch::manual_seed(
      derive_seed(derive_seed(derive_seed(options_.seed, "layer noise"), purpose), static_cast<std::uint64_t>(step)));
  const nn::Bfloat16Scope scope(options_.bfloat16);
  return generator_->synthesize(ws, models::LayerNoise::random).to(torch::kFloat);
}

Tensor GanStep::augmented(const Tensor& images, const char* purpose, std::int64_t step) {
  const std::uint64_t seed = derive_seed(derive_seed(options_.seed, "augment"), purpose);
  const auto all = numbers(step, images.size(0));
  std::vector<Augmentation> augmentations;
  augmentations.reserve(all.size());
  for (const std::uint64_t number : all)
    augmentations.push_back(draw_augmentation(options_.augment, p(), seed, number));
  return augment(images, augmentations, seed, all);
}

Tensor GanStep::scores(const Tensor& seen, const Tensor& labels) {
  const nn::Bfloat16Scope scope(options_.bfloat16);
  return discriminator_->forward(seen, labels).to(torch::kFloat);
}

}  // namespace nodulus::train
