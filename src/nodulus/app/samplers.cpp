#include <fmt/format.h>

#include "nodulus/app/commands.h"
#include "nodulus/sample/sampler.h"

namespace nodulus::app {
namespace {

/// Lists the catalog of samplers.
class Samplers final : public Command {
 public:
  void describe(Options& /*options*/, const std::vector<std::string>& /*words*/) override {}

  Outcome plan(const CommonOptions& /*common*/, Monitor& /*monitor*/) override { return list(); }
  Outcome run(const CommonOptions& /*common*/, const Options& /*options*/, Monitor& /*monitor*/) override {
    return list();
  }

 private:
  static Outcome list() {
    Outcome outcome;
    outcome.figures["samplers"] = Json::array();
    outcome.text = fmt::format("{:<20}{:>5}  {:<10}  {:>5}  {:<22}{:<9}  {}", "sampler", "order", "noise", "steps",
                               "evaluations (n steps)", "schedule", "what it is");
    for (const sample::SamplerRow& row : sample::samplers()) {
      outcome.figures["samplers"].push_back({{"name", row.name},
                                             {"summary", row.summary},
                                             {"order", row.order},
                                             {"stochastic", row.stochastic},
                                             {"default_steps", row.default_steps},
                                             {"evaluations", row.evaluations},
                                             {"schedule", sample::name_of(row.schedule)}});
      outcome.text += fmt::format("\n{:<20}{:>5}  {:<10}  {:>5}  {:<22}{:<9}  {}", row.name, row.order,
                                  row.stochastic ? "stochastic" : "none", row.default_steps, row.evaluations,
                                  sample::name_of(row.schedule), row.summary);
    }
    return outcome;
  }
};

}  // namespace

CommandRow samplers_command() {
  return {"samplers", "lists the ways from noise to images: order, noise, evaluations", "nodulus samplers",
          make_command<Samplers>};
}

}  // namespace nodulus::app
