#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nodulus/core/error.h"
#include "nodulus/models/unet.h"

namespace nodulus::models {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::usage, "unet: " + why); }

void check_choice(const std::string& name, const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    refuse(fmt::format("{} must be one of {}, found '{}'", name, fmt::join(choices, ", "), value));
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
}

}  // namespace nodulus::models
