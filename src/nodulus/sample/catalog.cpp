#include <fmt/format.h>

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/sample/ancestral.h"
#include "nodulus/sample/ddim.h"
#include "nodulus/sample/dpmpp_multistep.h"
#include "nodulus/sample/dpmpp_singlestep.h"
#include "nodulus/sample/euler_maruyama.h"
#include "nodulus/sample/heun.h"
#include "nodulus/sample/ode.h"
#include "nodulus/sample/predictor_corrector.h"
#include "nodulus/sample/reverse_diffusion.h"
#include "nodulus/sample/sampler.h"
#include "nodulus/sample/unipc.h"

namespace nodulus::sample {
namespace {

class Ancestral final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("ancestral.variance", variance_, "of each step: beta_t (large) or the posterior's (small)")
        .one_of({"large", "small"});
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return steps; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override {
    return ancestral(input, variance_ == "small" ? StepVariance::small : StepVariance::large);
  }

 private:
  std::string variance_ = "large";
};

class Ddim final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("ddim.eta", eta_, "0 deterministic, 1 as noisy as ancestral").between(0, 1);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return steps; }
  [[nodiscard]] bool adds_noise() const override { return eta_ > 0; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return ddim(input, eta_); }

 private:
  double eta_ = 0;
};

/// A sampler without settings: n evaluations, or 2n - 1 where a step takes two but the last.
template <torch::Tensor (*function)(const SamplerInput&), int a_step = 1>
class Plain final : public Sampler {
 public:
  void describe(Options& /*options*/) override {}
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return a_step * (steps - 1) + 1; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return function(input); }
};

class PredictorCorrector final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("predictor-corrector.predictor", predictor_, "from one level to the next")
        .one_of({"reverse-diffusion", "euler-maruyama", "ancestral", "none"});
    options.add("predictor-corrector.corrector", corrector_, "at each level")
        .one_of({"langevin", "annealed-langevin", "none"});
    options.add("predictor-corrector.snr", options_.snr, "signal-to-noise ratio of a corrector's step")
        .between(1e-6, 10);
    options.add("predictor-corrector.corrector_steps", options_.corrector_steps, "at each level").between(1, 1000);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override {
    const PredictorCorrectorOptions chosen = settings();
    return corrections(chosen) * steps + (chosen.predictor == Predictor::none ? 1 : steps);
  }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override {
    return predictor_corrector(input, settings());
  }

 private:
  [[nodiscard]] PredictorCorrectorOptions settings() const {
    PredictorCorrectorOptions chosen = options_;
    chosen.predictor = predictor_ == "euler-maruyama" ? Predictor::euler_maruyama
                       : predictor_ == "ancestral"    ? Predictor::ancestral
                       : predictor_ == "none"         ? Predictor::none
                                                      : Predictor::reverse_diffusion;
    chosen.corrector = corrector_ == "annealed-langevin" ? Corrector::annealed_langevin
                       : corrector_ == "none"            ? Corrector::none
                                                         : Corrector::langevin;
    return chosen;
  }

  PredictorCorrectorOptions options_;
  std::string predictor_ = "reverse-diffusion";
  std::string corrector_ = "langevin";
};

class Ode final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("ode.rtol", tolerance_.rtol, "relative error of a step; a network's own is about 1e-7")
        .between(1e-13, 1);
    options.add("ode.atol", tolerance_.atol, "absolute error of a step").between(1e-13, 1);
    options.add("ode.most_evaluations", tolerance_.most_evaluations, "of an image, before it is given up")
        .between(10, 1e9);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t /*steps*/) const override { return 0; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return ode(input, tolerance_); }

 private:
  OdeTolerance tolerance_;
};

class Heun final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("heun.s_churn", options_.S_churn, "noise added on the way; 0 deterministic").between(0, 1e6);
    options.add("heun.s_tmin", options_.S_tmin, "lowest level at which noise is added").between(0, 1e10);
    options.add("heun.s_tmax", options_.S_tmax, "highest level at which noise is added").between(0, 1e10);
    options.add("heun.s_noise", options_.S_noise, "deviation of the noise added").between(0, 10);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return 2 * steps - 1; }
  [[nodiscard]] bool adds_noise() const override { return options_.S_churn > 0; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return heun(input, options_); }

 private:
  HeunOptions options_;
};

class Dpmpp2mSde final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("dpmpp-2m-sde.eta", eta_, "0 deterministic, 1 the reverse SDE").between(0, 2);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return steps; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return dpmpp_2m_sde(input, eta_); }

 private:
  double eta_ = 1;
};

class DpmppSde final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("dpmpp-sde.eta", eta_, "0 deterministic, 1 the reverse SDE").between(0, 2);
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return 2 * steps - 1; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return dpmpp_sde(input, eta_); }

 private:
  double eta_ = 1;
};

class Unipc final : public Sampler {
 public:
  void describe(Options& options) override {
    options.add("unipc.order", options_.order, "p of UniPC-p").between(1, 3);
    options.add("unipc.variant", variant_, "B(h): h or e^h - 1").one_of({"bh1", "bh2"});
  }
  [[nodiscard]] std::int64_t evaluations(std::int64_t steps) const override { return steps; }
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override {
    UnipcOptions chosen = options_;
    chosen.variant = variant_ == "bh1" ? UnipcVariant::bh1 : UnipcVariant::bh2;
    return unipc(input, chosen);
  }

 private:
  UnipcOptions options_;
  std::string variant_ = "bh2";
};

template <class T>
std::unique_ptr<Sampler> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    SamplerRow{"ddim", "DDIM (Song, Meng, Ermon 2021), deterministic unless --ddim.eta is set", 1, false, 50, "n",
               Schedule::own, true, make<Ddim>},
    SamplerRow{"ancestral", "DDPM's own reverse chain (Ho et al. 2020)", 1, true, 1000, "n", Schedule::own, true,
               make<Ancestral>},
    SamplerRow{"euler-maruyama", "the reverse SDE by Euler's rule (Song et al. 2021)", 1, true, 1000, "n",
               Schedule::own, false, make<Plain<euler_maruyama>>},
    SamplerRow{"reverse-diffusion", "the reverse SDE, discretised as the forward one is (Song et al. 2021)", 1, true,
               1000, "n", Schedule::own, false, make<Plain<reverse_diffusion>>},
    SamplerRow{"predictor-corrector", "Langevin steps at each level, then a step to the next (Song et al. 2021)", 1,
               true, 1000, "2n; (1 + corrector_steps) n in general", Schedule::own, false, make<PredictorCorrector>},
    SamplerRow{"ode", "the probability-flow ODE by adaptive Dormand-Prince 5(4) (Song et al. 2021)", 5, false, 50,
               "as many as the tolerance takes", Schedule::own, false, make<Ode>},
    SamplerRow{"heun", "Heun's rule, with noise where --heun.s-churn is set (Karras et al. 2022)", 2, false, 18,
               "2n - 1", Schedule::karras, false, make<Heun>},
    SamplerRow{"dpmpp-2m", "DPM-Solver++(2M), multistep (Lu et al. 2022)", 2, false, 20, "n", Schedule::log_snr, true,
               make<Plain<dpmpp_2m>>},
    SamplerRow{"dpmpp-2s", "DPM-Solver++(2S), single-step (Lu et al. 2022)", 2, false, 20, "2n - 1", Schedule::log_snr,
               true, make<Plain<dpmpp_2s, 2>>},
    SamplerRow{"dpmpp-2m-sde", "SDE-DPM-Solver++(2M), multistep (Lu et al. 2022)", 2, true, 50, "n", Schedule::karras,
               true, make<Dpmpp2mSde>},
    SamplerRow{"dpmpp-sde", "SDE-DPM-Solver++, single-step (Lu et al. 2022)", 2, true, 25, "2n - 1", Schedule::karras,
               true, make<DpmppSde>},
    SamplerRow{"unipc", "UniPC, predictor and corrector (Zhao et al. 2023)", 3, false, 15, "n", Schedule::log_snr, true,
               make<Unipc>},
};

}  // namespace

std::span<const SamplerRow> samplers() { return rows; }

const SamplerRow& sampler(std::string_view name) {
  std::vector<std::string> known;
  for (const SamplerRow& row : rows) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error(ErrorCode::usage, fmt::format("expected a sampler, one of {}; found '{}'{}", fmt::join(known, ", "), name,
                                            did_you_mean(name, known)));
}

}  // namespace nodulus::sample
