#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nodulus/core/error.h"
#include "nodulus/models/unet.h"
#include "nodulus/models/unet_plan.h"

namespace nodulus::models {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::usage, "unet: " + why); }

void check_choice(const std::string& name, const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    refuse(fmt::format("{} must be one of {}, found '{}'", name, fmt::join(choices, ", "), value));
}

void check_frequencies(const UnetOptions& options) {
  const auto& given = options.fourier_frequencies;
  if (!given.empty() && given.size() != static_cast<std::size_t>(options.channels))
    refuse(
        fmt::format("fourier_frequencies must be {}, one for each channel, found {}", options.channels, given.size()));
}

void check_heads(const UnetOptions& options) {
  if (options.heads < 1) refuse(fmt::format("heads must be >= 1, found {}", options.heads));
  if (options.head_channels < 0) refuse(fmt::format("head_channels must be >= 0, found {}", options.head_channels));
  for (const UnetPart& part : unet_parts(options)) {
    if (part.kind != UnetPartKind::attention) continue;
    const int heads = attention_heads(options, part.out);
    if (heads < 1 || part.out % heads != 0 || (options.head_channels > 0 && heads * options.head_channels != part.out))
      refuse(options.head_channels > 0
                 ? fmt::format("head_channels must divide the {} channels of {}, found {}", part.out, part.name,
                               options.head_channels)
                 : fmt::format("heads must divide the {} channels of {}, found {}", part.out, part.name, heads));
  }
}

}  // namespace

UnetOptions ddpmpp_options() {
  UnetOptions options;
  options.blocks = 4;
  options.attention_up = "last";
  options.block = "biggan";
  options.skip_rescale = true;
  options.pointwise_init_scale = 0.1;
  return options;
}

UnetOptions ncsnpp_options() {
  UnetOptions options = ddpmpp_options();
  options.fir = true;
  options.embedding = "fourier";
  options.progressive_input = "residual";
  return options;
}

UnetOptions adm_options() {
  UnetOptions options;
  options.resolution = 64;
  options.channels = 192;
  options.multipliers = {1, 2, 3, 4};
  options.blocks = 3;
  options.attention_resolutions = {32, 16, 8};
  options.block = "biggan";
  options.form = "adm";
  options.heads = 4;
  options.scale_shift = true;
  return options;
}

void check(const UnetOptions& options) {
  if (options.image_channels < 1) refuse(fmt::format("image channels must be >= 1, found {}", options.image_channels));
  if (options.channels < 4 || options.channels % 4 != 0)
    refuse(fmt::format("channels must be a multiple of 4, found {}", options.channels));
  if (options.multipliers.empty() || options.multipliers.size() > 10) refuse("multipliers must name 1 to 10 levels");
  for (const int m : options.multipliers)
    if (m < 1) refuse(fmt::format("multipliers must be >= 1, found {}", m));
  if (options.patch < 1) refuse(fmt::format("patch must be >= 1, found {}", options.patch));
  const int divisor = options.patch << (options.multipliers.size() - 1);
  if (options.resolution < divisor || options.resolution % divisor != 0)
    refuse(fmt::format("{} levels{} need a resolution divisible by {}, found {}", options.multipliers.size(),
                       options.patch > 1 ? fmt::format(" of patches of {}", options.patch) : "", divisor,
                       options.resolution));
  if (options.blocks < 1) refuse(fmt::format("blocks must be >= 1, found {}", options.blocks));
  check_choice("attention_up", options.attention_up, {"every", "last"});
  check_choice("block", options.block, {"ddpm", "biggan"});
  check_choice("embedding", options.embedding, {"positional", "fourier"});
  if (!(options.fourier_scale > 0)) refuse(fmt::format("fourier_scale must be > 0, found {}", options.fourier_scale));
  check_choice("progressive", options.progressive, {"none", "output_skip", "residual"});
  check_choice("progressive_input", options.progressive_input, {"none", "input_skip", "residual"});
  check_choice("progressive_combine", options.progressive_combine, {"sum", "cat"});
  check_choice("form", options.form, {"ddpm", "adm"});
  check_frequencies(options);
  check_heads(options);
  if (options.form == "adm" && (options.embedding != "positional" || options.fir || options.progressive != "none" ||
                                options.progressive_input != "none"))
    refuse("form adm goes with a positional embedding, without fir and progressive input or output");
}

}  // namespace nodulus::models
