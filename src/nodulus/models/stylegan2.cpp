#include "nodulus/models/stylegan2.h"

#include <fmt/format.h>

#include <algorithm>

#include "nodulus/core/error.h"

namespace nodulus::models {
namespace {

constexpr int smallest = 8;

/// FLOP of a k x k convolution at a resolution.
double conv_flop(double resolution, double kernel, double in, double out) {
  return 2 * resolution * resolution * kernel * kernel * in * out;
}

}  // namespace

int StyleGan2Options::channels(int at_resolution) const { return std::min(channel_base / at_resolution, channel_max); }

void check(const StyleGan2Options& options) {
  auto refuse = [](const std::string& why) { throw Error(ErrorCode::usage, "stylegan2-ada: " + why); };
  const int size = options.resolution;
  if (size < smallest || (size & (size - 1)) != 0)
    refuse(
        fmt::format("images must be a power of two from {} on to a side, found {}; --size cuts them", smallest, size));
  if (options.image_channels < 1) refuse(fmt::format("image channels must be >= 1, found {}", options.image_channels));
  if (options.z < 1 || options.w < 1)
    refuse(fmt::format("z and w must be >= 1, found {} and {}", options.z, options.w));
  if (options.mapping_layers < 1) refuse(fmt::format("mapping layers must be >= 1, found {}", options.mapping_layers));
  if (options.channel_max < 1 || options.channels(size) < 1)
    refuse(fmt::format("channel_base {} and channel_max {} leave no channel at {}x{}", options.channel_base,
                       options.channel_max, size, size));
  if (options.labels < 0) refuse(fmt::format("labels must be >= 0, found {}", options.labels));
  if (options.discriminator != "resnet" && options.discriminator != "orig")
    refuse(fmt::format("discriminator must be resnet or orig, found '{}'", options.discriminator));
  int frozen_most = 1;  // the image's layer, and those of each block
  for (int r = size; r > 4; r /= 2) frozen_most += options.discriminator == "resnet" ? 3 : 2;
  if (options.freeze < 0 || options.freeze > frozen_most)
    refuse(fmt::format("freeze must be 0 to {}, the discriminator's layers before its last block, found {}",
                       frozen_most, options.freeze));
  if (options.group < 1) refuse(fmt::format("group must be >= 1, found {}", options.group));
}

double generator_flop(const StyleGan2Options& o) {
  double in = o.z + (o.labels > 0 ? o.w : 0);
  double flop = 2.0 * o.labels * o.w;
  for (int i = 0; i < o.mapping_layers; ++i, in = o.w) flop += 2 * in * o.w;
  for (int r = 4; r <= o.resolution; r *= 2) {
    const double out = o.channels(r);
    // Enlarging by a transposed convolution costs what the smaller image has pixels.
    if (r > 4) flop += conv_flop(r / 2.0, 3, o.channels(r / 2), out) + 2.0 * o.w * o.channels(r / 2);
    flop += conv_flop(r, 3, out, out) + conv_flop(r, 1, out, o.image_channels) + 4.0 * o.w * out;
  }
  return flop;
}

double discriminator_flop(const StyleGan2Options& o) {
  double flop = conv_flop(o.resolution, 1, o.image_channels, o.channels(o.resolution));
  for (int r = o.resolution; r > 4; r /= 2) {
    const double in = o.channels(r);
    const double out = o.channels(r / 2);
    flop += conv_flop(r, 3, in, in) + conv_flop(r / 2.0, 3, in, out);
    if (o.discriminator == "resnet") flop += conv_flop(r / 2.0, 1, in, out);
  }
  const double last = o.channels(4);
  return flop + conv_flop(4, 3, last + 1, last) + 2 * 16 * last * last + 2 * last;
}

}  // namespace nodulus::models
