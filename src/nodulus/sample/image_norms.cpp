#include "nodulus/sample/image_norms.h"

#include <cmath>
#include <numeric>

namespace nodulus::sample {

using torch::Tensor;

std::vector<double> image_norms(const Tensor& x) {
  // In the order of the numbers: libtorch cuts a long sum by the number of threads.
  const Tensor rows = x.to(torch::kDouble).cpu().flatten(1).contiguous();
  const std::int64_t length = rows.size(1);
  std::vector<double> norms;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const double* const row = rows.data_ptr<double>() + i * length;
    norms.push_back(std::sqrt(std::inner_product(row, row + length, row, 0.0)));
  }
  return norms;
}

Tensor by_image(const std::vector<double>& values, const Tensor& like) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape.front() = like.size(0);
  return torch::tensor(values, torch::kDouble).to(like.device()).view(shape);
}

}  // namespace nodulus::sample
