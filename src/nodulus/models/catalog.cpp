#include "nodulus/models/catalog.h"

#include <fmt/format.h>

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/models/unet.h"

namespace nodulus::models {
namespace {

class UnetArchitecture final : public Architecture {
 public:
  void describe(Options& options) override {
    options.add("unet.channels", unet_.channels, "channels of the first level").between(4, 4096);
    options.add("unet.multipliers", unet_.multipliers, "channels of each level, in multiples of the first")
        .between(1, 64);
    options.add("unet.blocks", unet_.blocks, "residual blocks a level").between(1, 16);
    options.add("unet.attention", unet_.attention_resolutions, "resolutions with self-attention").between(1, 4096);
    options.add("unet.dropout", unet_.dropout, "share of activations dropped in training").between(0, 0.99);
  }
  void fit(int image_channels, int resolution) override {
    unet_.image_channels = image_channels;
    unet_.resolution = resolution;
    check(unet_);
  }
  [[nodiscard]] int image_channels() const override { return unet_.image_channels; }
  [[nodiscard]] int resolution() const override { return unet_.resolution; }
  [[nodiscard]] std::shared_ptr<Network> build() const override { return make_unet(unet_); }
  [[nodiscard]] double forward_flop() const override { return models::forward_flop(unet_); }

 private:
  UnetOptions unet_;
};

template <class T>
std::unique_ptr<Architecture> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    Family{"ddpm", "denoising diffusion probabilistic model (Ho et al. 2020)", "ddpm", make<UnetArchitecture>},
};

}  // namespace

std::span<const Family> families() { return rows; }

const Family& family(std::string_view name) {
  std::vector<std::string> known;
  for (const Family& row : rows) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error(ErrorCode::usage, fmt::format("expected a family, one of {}; found '{}'{}", fmt::join(known, ", "), name,
                                            did_you_mean(name, known)));
}

}  // namespace nodulus::models
