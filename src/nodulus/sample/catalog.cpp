#include <fmt/format.h>

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/sample/ancestral.h"
#include "nodulus/sample/ddim.h"
#include "nodulus/sample/sampler.h"

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
  [[nodiscard]] torch::Tensor run(const SamplerInput& input) const override { return ddim(input, eta_); }

 private:
  double eta_ = 0;
};

template <class T>
std::unique_ptr<Sampler> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    SamplerRow{"ddim", "DDIM (Song et al. 2021), deterministic unless --ddim.eta is set", 1, false, 50, "n",
               Schedule::own, true, make<Ddim>},
    SamplerRow{"ancestral", "DDPM's own reverse chain (Ho et al. 2020)", 1, true, 1000, "n", Schedule::own, true,
               make<Ancestral>},
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
