#include "nodulus/models/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/models/scorenet.h"
#include "nodulus/models/unet.h"

namespace nodulus::models {
namespace {

class UnetArchitecture final : public Architecture {
 public:
  explicit UnetArchitecture(UnetOptions defaults) : unet_(std::move(defaults)) {}
  void describe(Options& options) override {
    options.add("unet.channels", unet_.channels, "channels of the first level").between(4, 4096);
    options.add("unet.multipliers", unet_.multipliers, "channels of each level, in multiples of the first")
        .between(1, 64);
    options.add("unet.blocks", unet_.blocks, "residual blocks a level").between(1, 16);
    options.add("unet.attention", unet_.attention_resolutions, "resolutions with self-attention").between(1, 4096);
    options.add("unet.patch", unet_.patch, "pixels a side that the network sees as one: 2 is four times as fast")
        .between(1, 64);
    options.add("unet.dropout", unet_.dropout, "share of activations dropped in training").between(0, 0.99);
    options.add("unet.attention_up", unet_.attention_up, "on the way up: after every block, or a level's last")
        .one_of({"every", "last"});
    options.add("unet.block", unet_.block, "resample by convolutions (ddpm) or residual blocks (biggan)")
        .one_of({"ddpm", "biggan"});
    options.add("unet.fir", unet_.fir, "resample with the smoothing filter [1, 3, 3, 1]");
    options.add("unet.skip_rescale", unet_.skip_rescale, "divide sums of residual connections by sqrt 2");
    options.add("unet.embedding", unet_.embedding, "how the noise level is embedded").one_of({"positional", "fourier"});
    options.add("unet.fourier_scale", unet_.fourier_scale, "deviation of the Fourier frequencies").between(1e-6, 1e6);
    options.add("unet.fourier_frequencies", unet_.fourier_frequencies, "the frequencies themselves; default: drawn")
        .between(-1e9, 1e9);
    options.add("unet.progressive", unet_.progressive, "output that grows on the way up")
        .one_of({"none", "output_skip", "residual"});
    options.add("unet.progressive_input", unet_.progressive_input, "input that shrinks on the way down")
        .one_of({"none", "input_skip", "residual"});
    options.add("unet.progressive_combine", unet_.progressive_combine, "how input_skip joins the features")
        .one_of({"sum", "cat"});
    options.add("unet.form", unet_.form, "small print of the layers: as Ho and Song have it, or Dhariwal and Nichol")
        .one_of({"ddpm", "adm"});
    options.add("unet.heads", unet_.heads, "heads of self-attention").between(1, 4096);
    options.add("unet.head_channels", unet_.head_channels, "channels of a head, in place of their number; 0: by that")
        .between(0, 65536);
    options.add("unet.scale_shift", unet_.scale_shift, "the noise level scales and shifts features, not only shifts");
  }
  void fit(int image_channels, int resolution, int labels) override {
    unet_.labels = labels;
    unet_.image_channels = image_channels;
    unet_.resolution = resolution;
    check(unet_);
  }
  [[nodiscard]] NoiseLabels noise_labels() const override {
    return unet_.embedding == "fourier" ? NoiseLabels::logarithm : NoiseLabels::index;
  }
  [[nodiscard]] int image_channels() const override { return unet_.image_channels; }
  [[nodiscard]] int resolution() const override { return unet_.resolution; }
  [[nodiscard]] std::shared_ptr<Network> build() const override { return make_unet(unet_); }
  [[nodiscard]] double forward_flop() const override { return models::forward_flop(unet_); }
  [[nodiscard]] const UnetOptions* unet() const override { return &unet_; }

 private:
  UnetOptions unet_;
};

class ScoreNetArchitecture final : public Architecture {
 public:
  void describe(Options& options) override {
    options.add("scorenet.channels", net_.channels, "channels of the four stages").between(4, 4096);
    options.add("scorenet.embedding", net_.embedding, "channels of the embedding of time").between(2, 4096);
  }
  void fit(int image_channels, int resolution, int labels) override {
    net_.labels = labels;
    net_.image_channels = image_channels;
    net_.resolution = resolution;
    check(net_);
  }
  [[nodiscard]] NoiseLabels noise_labels() const override { return NoiseLabels::time; }
  [[nodiscard]] int image_channels() const override { return net_.image_channels; }
  [[nodiscard]] int resolution() const override { return net_.resolution; }
  [[nodiscard]] std::shared_ptr<Network> build() const override { return make_scorenet(net_); }
  [[nodiscard]] double forward_flop() const override { return models::forward_flop(net_); }

 private:
  ScoreNetOptions net_;
};

UnetOptions ddpm_options() { return {}; }

template <UnetOptions (*defaults)()>
std::unique_ptr<Architecture> make_unet_architecture() {
  return std::make_unique<UnetArchitecture>(defaults());
}

template <class T>
std::unique_ptr<Architecture> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    Family{"ddpm", "denoising diffusion probabilistic model (Ho et al. 2020)", "ddpm",
           make_unet_architecture<ddpm_options>},
    Family{"ddpmpp", "DDPM++, continuous, variance preserving (Song et al. 2021)", "vp",
           make_unet_architecture<ddpmpp_options>},
    Family{"ncsnpp", "NCSN++, continuous, variance exploding (Song et al. 2021)", "ve",
           make_unet_architecture<ncsnpp_options>},
    Family{"adm", "ablated diffusion model (Dhariwal and Nichol 2021)", "ddpm", make_unet_architecture<adm_options>},
    Family{"scorenet", "the small score network of Song's tutorial", "tutorial-ve", make<ScoreNetArchitecture>},
};

constexpr std::array gan_rows{
    GanFamily{"stylegan2-ada", "StyleGAN2 with adaptive discriminator augmentation (Karras et al. 2020)"},
};

}  // namespace

std::span<const GanFamily> gan_families() { return gan_rows; }

bool is_gan(std::string_view family) {
  return std::any_of(gan_rows.begin(), gan_rows.end(), [&](const GanFamily& row) { return row.name == family; });
}

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
