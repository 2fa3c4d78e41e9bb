#include "nodulus/process/score_process.h"

#include <fmt/format.h>

#include <cmath>

#include "nodulus/core/error.h"

namespace nodulus::process {

using torch::Tensor;

namespace {

constexpr double training_t_first = 1e-5;
constexpr double last_index = 999;  // c_noise of t = 1, as DDPM counts its steps

/// f of each element of a CPU tensor of doubles.
template <class Function>
Tensor map(const Tensor& values, Function f) {
  Tensor result = torch::empty_like(values);
  for (std::int64_t i = 0; i < values.numel(); ++i) result.data_ptr<double>()[i] = f(values.data_ptr<double>()[i]);
  return result;
}

/// One number an image, ready to be multiplied with images.
Tensor per_image(const Tensor& values, const Tensor& images) {
  return values.to(images.device(), images.scalar_type()).view({-1, 1, 1, 1});
}

}  // namespace

void ScoreProcess::describe(Options& options) {
  options.add(section_ + ".weighting", weighting_, "of the loss over time: plain, or the bound on the likelihood")
      .one_of({"simple", "likelihood"});
  options.add(section_ + ".importance", importance_, "draw times so that the likelihood weighting has little variance");
  options.add(section_ + ".reduction", reduction_, "of the loss over channels and pixels: its mean, or half its sum")
      .one_of({"mean", "sum"});
}

void ScoreProcess::prepare(NoiseLabels labels) {
  sde_ = make_sde();
  if (!std::isfinite(prior_deviation()) || !std::isfinite(noise_range().highest))
    throw Error(ErrorCode::usage, fmt::format("{}: the settings leave nothing of the image at the noisy end; expected "
                                              "less noise",
                                              section_));
  labels_ = labels;
}

double ScoreProcess::label(double t) const {
  switch (labels_) {
    case NoiseLabels::logarithm: return log_label(t);
    case NoiseLabels::time: return t;
    case NoiseLabels::index: break;
  }
  return last_index * t;
}

double ScoreProcess::training_time(double uniform) const {
  if (weighting_ == "likelihood" && importance_) {
    const double first = std::log(sde_->sigma(training_t_first));
    const double last = std::log(sde_->sigma(sde_->t_last()));
    return sde_->time_of(std::exp(first + (last - first) * uniform));
  }
  return training_t_first + (sde_->t_last() - training_t_first) * uniform;
}

double ScoreProcess::weight(double t) const {
  if (weighting_ == "simple") return 1;
  if (!importance_) return sde_->likelihood_weight(t);
  // The weight over the density that t was drawn with: the weight's integral over time, over the time's length.
  const double ratio = sde_->sigma(sde_->t_last()) / sde_->sigma(training_t_first);
  return 2 * std::log(ratio) / (sde_->t_last() - training_t_first);
}

Tensor ScoreProcess::loss(const NetworkFunction& network, const Tensor& clean, const TrainingDraw& draw) const {
  const Tensor t = map(draw.uniform.cpu(), [&](double u) { return training_time(u); });
  const Tensor scale = per_image(map(t, [&](double at) { return sde_->scale(at); }), clean);
  const Tensor deviation = per_image(map(t, [&](double at) { return sde_->deviation(at); }), clean);
  const Tensor c_noise = map(t, [&](double at) { return label(at); }).to(clean.device(), torch::kFloat);
  const Tensor x_t = scale * clean + deviation * draw.noise;
  const Tensor predicted = sign_ * network(x_t, c_noise).to(torch::kFloat);
  const Tensor squares = (predicted - draw.noise).square().flatten(1);
  const Tensor weights = map(t, [&](double at) { return weight(at); }).to(clean.device(), torch::kFloat);
  return weights * (reduction_ == "mean" ? squares.mean(1) : squares.sum(1) / 2);
}

Preconditioning ScoreProcess::preconditioning(double sigma) const {
  const double t = sde_->time_of(sigma);
  return {1, -sign_ * sigma, sde_->scale(t), label(t)};
}

std::vector<double> ScoreProcess::noise_levels(int steps) const {
  if (steps < 1) throw Error(ErrorCode::usage, fmt::format("expected 1 step or more, found {}", steps));
  std::vector<double> levels{sde_->sigma(sde_->t_last())};
  for (int i = 1; i < steps; ++i)
    levels.push_back(sde_->sigma(sde_->t_last() + (t_first_ - sde_->t_last()) * i / (steps - 1)));
  levels.push_back(0);
  return levels;
}

NoiseRange ScoreProcess::likelihood_range() const {
  return {sde_->sigma(training_t_first), sde_->sigma(sde_->t_last())};
}

NoiseRange ScoreProcess::noise_range() const { return {sde_->sigma(t_first_), sde_->sigma(sde_->t_last())}; }

double ScoreProcess::prior_deviation() const { return sde_->prior_deviation() / sde_->scale(sde_->t_last()); }

namespace {

using SdeMaker = std::unique_ptr<Sde> (*)(double, double);

/// VP and sub-VP, which have the same settings.
class LinearBetaProcess final : public ScoreProcess {
 public:
  LinearBetaProcess(std::string section, SdeMaker maker) : ScoreProcess(std::move(section), 1e-3, 1), maker_(maker) {}

  void describe(Options& options) override {
    options.add(section() + ".beta_min", beta_min_, "rate of noise at the clean end").between(1e-6, 1e3);
    options.add(section() + ".beta_max", beta_max_, "rate of noise at the noisy end").between(1e-6, 1e3);
    ScoreProcess::describe(options);
  }

 private:
  [[nodiscard]] std::unique_ptr<Sde> make_sde() const override {
    if (beta_max_ < beta_min_)
      throw Error(ErrorCode::usage,
                  fmt::format("{}: beta_max must be >= beta_min, found {} < {}", section(), beta_max_, beta_min_));
    return maker_(beta_min_, beta_max_);
  }
  [[nodiscard]] double log_label(double t) const override { return std::log(last_index * t); }

  SdeMaker maker_;
  double beta_min_ = 0.1;
  double beta_max_ = 20;
};

class VeProcess final : public ScoreProcess {
 public:
  VeProcess() : ScoreProcess("ve", 1e-5, -1) {}

  void describe(Options& options) override {
    options.add("ve.sigma_min", sigma_min_, "noise at the clean end, in the model's scale of -1 to 1")
        .between(1e-9, 1e6);
    options.add("ve.sigma_max", sigma_max_, "noise at the noisy end").between(1e-9, 1e6);
    ScoreProcess::describe(options);
  }

 private:
  [[nodiscard]] std::unique_ptr<Sde> make_sde() const override {
    if (sigma_max_ <= sigma_min_)
      throw Error(ErrorCode::usage,
                  fmt::format("ve: sigma_max must be > sigma_min, found {} <= {}", sigma_max_, sigma_min_));
    return make_ve_sde(sigma_min_, sigma_max_);
  }
  [[nodiscard]] double log_label(double t) const override { return std::log(sde().sigma(t)); }

  double sigma_min_ = 0.01;
  double sigma_max_ = 50;
};

class TutorialVeProcess final : public ScoreProcess {
 public:
  TutorialVeProcess() : ScoreProcess("tutorial-ve", 1e-3, -1) {}

  void describe(Options& options) override {
    options.add("tutorial-ve.base", base_, "noise grows as this to the power of time").between(1.001, 1e6);
    ScoreProcess::describe(options);
  }

 private:
  [[nodiscard]] std::unique_ptr<Sde> make_sde() const override { return make_tutorial_ve_sde(base_); }
  [[nodiscard]] double log_label(double t) const override { return std::log(sde().sigma(t)); }

  double base_ = 25;
};

/// With its defaults, as every process is when it is made.
std::unique_ptr<Process> prepared(std::unique_ptr<Process> process) {
  process->prepare(NoiseLabels::index);
  return process;
}

}  // namespace

std::unique_ptr<Process> make_vp() { return prepared(std::make_unique<LinearBetaProcess>("vp", make_vp_sde)); }
std::unique_ptr<Process> make_sub_vp() {
  return prepared(std::make_unique<LinearBetaProcess>("sub-vp", make_sub_vp_sde));
}
std::unique_ptr<Process> make_ve() { return prepared(std::make_unique<VeProcess>()); }
std::unique_ptr<Process> make_tutorial_ve() { return prepared(std::make_unique<TutorialVeProcess>()); }

}  // namespace nodulus::process
