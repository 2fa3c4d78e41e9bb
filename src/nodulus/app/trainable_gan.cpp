#include "nodulus/app/trainable.h"
#include "nodulus/core/error.h"
#include "nodulus/models/network.h"
#include "nodulus/train/gan_learner.h"

namespace nodulus::app {
namespace {

constexpr std::int64_t usual_images = 25'000'000;

class TrainableGan final : public Trainable {
 public:
  void describe(Options& options) override { settings_.describe(options); }

  void fit(const data::Loader& loader, train::TrainOptions& settings) override {
    if (settings.batch == 0) settings.batch = train::GanOptions::auto_batch(loader.height());
    if (settings.steps == 0) settings.steps = usual_images / settings.batch;
    if (loader.items() < 2)
      throw Error(ErrorCode::usage,
                  "--data: expected two images or more to train on, found " + std::to_string(loader.items()));
    if (settings_.freeze > 0 && settings.transfer.empty())
      throw Error(ErrorCode::usage,
                  "--stylegan2.freeze: expected --transfer, for layers to stay as another run left them");
    (void)settings_.resolved(loader.height(), settings.batch,
                             !settings.transfer.empty());  // its checks, before a folder
    networks_ = settings_.networks(loader.channels(), loader.height(), static_cast<int>(loader.conditions().width()),
                                   settings.batch, settings.bfloat16);
    settings_.clamp = networks_.clamp;  // the networks keep it where they are trained on without bfloat16
  }

  [[nodiscard]] std::int64_t parameter_count() const override {
    return models::parameter_count(*models::make_generator(networks_)) +
           models::parameter_count(*models::make_discriminator(networks_));
  }

  /// A step without its regularisers: 3 G + 2 D for the generator, G + 6 D for the discriminator.
  [[nodiscard]] double step_flop(const train::TrainOptions& settings) const override {
    return settings.batch * (4 * models::generator_flop(networks_) + 8 * models::discriminator_flop(networks_));
  }

  [[nodiscard]] std::unique_ptr<train::Learner> learner(const data::Loader& loader, const train::TrainOptions& settings,
                                                        torch::Device device) const override {
    train::GanStepOptions step = settings_.resolved(loader.height(), settings.batch, !settings.transfer.empty());
    step.seed = settings.seed;
    step.device = device;
    step.bfloat16 = settings.bfloat16;
    step.hidden_labels = settings.hidden_labels;
    return std::make_unique<train::GanLearner>(networks_, loader, step);
  }

 private:
  train::GanOptions settings_;
  models::StyleGan2Options networks_;
};

}  // namespace

std::unique_ptr<Trainable> make_trainable_gan() { return std::make_unique<TrainableGan>(); }

}  // namespace nodulus::app
