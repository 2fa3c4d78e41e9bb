#include "nodulus/train/diffusion_learner.h"

namespace nodulus::train {
namespace {

std::shared_ptr<models::Network> seeded_network(const models::Architecture& architecture,
                                                const DiffusionStepOptions& options) {
  torch::manual_seed(options.seed);
  auto network = architecture.build();
  network->to(options.device);
  return network;
}

}  // namespace

void DiffusionOptions::describe(Options& o) {
  o.add("learning_rate", learning_rate, "Adam's step size").between(0, 1);
  o.add("warmup_steps", warmup_steps, "the learning rate rises from 0 over these").between(0, 1e12);
  o.add("clip_norm", clip_norm, "largest norm of the gradient; 0: no limit").between(0, 1e12);
  o.add("ema_decay", ema_decay, "decay of the weights' moving average").between(0, 1);
}

DiffusionLearner::DiffusionLearner(const models::Architecture& architecture,
                                   std::shared_ptr<const process::Process> process, const data::Loader& loader,
                                   const DiffusionStepOptions& options, Preview preview)
    : network_(seeded_network(architecture, options)),
      averaged_(architecture.build()),
      adam_(network_->parameters(), {}),
      step_(network_, std::move(process), loader, options),
      preview_(std::move(preview)) {
  averaged_->to(options.device);
  averaged_->eval();
}

std::vector<Figure> DiffusionLearner::step(std::int64_t step) {
  const StepResult taken = step_.run(step, adam_);
  return {
      {"loss", taken.loss, true, true}, {"gradient_norm", taken.gradient_norm}, {"learning_rate", taken.learning_rate}};
}

std::vector<SampleSheet> DiffusionLearner::samples(Monitor& monitor) {
  if (!preview_) return {};
  adam_.copy_averages_to(*averaged_);
  const torch::Tensor images = preview_(averaged_, monitor);
  averaged_->train();  // gives back what layers kept for generation
  averaged_->eval();
  return {{"step", images}};
}

std::vector<StateTensor> DiffusionLearner::weights() const {
  std::vector<StateTensor> all = diffusion_state(*network_, adam_);
  std::erase_if(all, [](const StateTensor& slot) { return slot.name.starts_with("adam_"); });
  return all;
}

std::vector<StateTensor> diffusion_state(const models::Network& network, const Adam& adam) {
  std::vector<StateTensor> state;
  const auto parameters = network.named_parameters();
  for (const auto& item : parameters) state.push_back({"model/" + item.key(), item.value()});
  for (const auto& [prefix, tensors] :
       {std::pair{"adam_first/", &adam.first_moments()}, std::pair{"adam_second/", &adam.second_moments()},
        std::pair{"ema/", &adam.averages()}}) {
    std::size_t k = 0;
    for (const auto& item : parameters) state.push_back({prefix + item.key(), tensors->at(k++)});
  }
  return state;
}

std::vector<StateTensor> averaged_weights(const models::Network& network) {
  std::vector<StateTensor> state;
  append_parameters(state, "ema/", network);
  return state;
}

}  // namespace nodulus::train
