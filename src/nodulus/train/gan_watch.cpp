#include "nodulus/train/gan_watch.h"

#include <fmt/format.h>

namespace nodulus::train {
namespace {

// The discriminator takes what is generated for real with a probability of e^-7, and nearly all that is real for it.
constexpr double lost_loss = 7;
constexpr double lost_sign = 0.9;
// Generated images differ from one another by so much of what real ones do.
constexpr double collapsed_spread = 0.1;

}  // namespace

std::vector<std::string> GanWatch::see(std::int64_t step, const GanResult& result) {
  ++count_;
  generator_loss_ += result.generator_loss;
  sign_ += result.sign;
  spread_ += result.spread;
  if (count_ < window) return {};
  const double loss = generator_loss_ / static_cast<double>(count_);
  const double sign = sign_ / static_cast<double>(count_);
  const double spread = spread_ / static_cast<double>(count_);
  count_ = 0;
  generator_loss_ = sign_ = spread_ = 0;
  if (step < patience) return {};
  std::vector<std::string> said;
  auto tell = [&](std::size_t what, bool is_so, const std::string& text) {
    if (is_so && !told_.at(what)) said.push_back(fmt::format("step {}: {}", step + 1, text));
    told_.at(what) = is_so;
  };
  tell(
      0, loss > lost_loss && sign > lost_sign,
      fmt::format("the discriminator has won (generator loss {:.1f}, r_t {:.2f}): the generator learns little from it. "
                  "Try a higher --gan.gamma, a lower --learning-rate, or --transfer from a model that draws well",
                  loss, sign));
  tell(1, adapts_ && result.p >= 1,
       "p has run to 1: the discriminator knows the images by heart, and augmentations begin to show in what is "
       "generated. Try --flips, more images, --transfer, or a higher --gan.gamma");
  tell(
      2, spread < collapsed_spread,
      fmt::format("generated images differ by {:.0f} % of what real ones do: the batch has collapsed to one image. Try "
                  "an earlier checkpoint with a higher --gan.gamma, a lower --learning-rate or a larger --batch",
                  100 * spread));
  return said;
}

}  // namespace nodulus::train
