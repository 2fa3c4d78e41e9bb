#include "nodulus/sample/interpolation.h"

#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/sample/image_norms.h"

namespace nodulus::sample {

using torch::Tensor;

Tensor slerp(const Tensor& from, const Tensor& to, double weight) {
  if (from.sizes() != to.sizes()) throw Error(ErrorCode::internal, "slerp: expected two tensors of one shape");
  const std::vector<double> from_norms = image_norms(from);
  const std::vector<double> to_norms = image_norms(to);
  // |u - v| and |u + v| of unit vectors are 2 sin(theta/2) and 2 cos(theta/2): exact where acos(u . v) is not.
  const Tensor u = from / by_image(from_norms, from);
  const Tensor v = to / by_image(to_norms, to);
  const std::vector<double> apart = image_norms(u - v);
  const std::vector<double> along = image_norms(u + v);
  std::vector<double> first(apart.size());
  std::vector<double> second(apart.size());
  for (std::size_t i = 0; i < apart.size(); ++i) {
    const double theta = 2 * std::atan2(apart[i], along[i]);
    const bool parallel = !(std::sin(theta) > 1e-9);
    first[i] = parallel ? 1 - weight : std::sin((1 - weight) * theta) / std::sin(theta);
    second[i] = parallel ? weight : std::sin(weight * theta) / std::sin(theta);
  }
  return by_image(first, from) * from + by_image(second, to) * to;
}

}  // namespace nodulus::sample
