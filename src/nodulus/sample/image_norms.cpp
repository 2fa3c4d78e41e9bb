#include "nodulus/sample/image_norms.h"

namespace nodulus::sample {

using torch::Tensor;

std::vector<double> image_norms(const Tensor& x) {
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < x.size(0); ++i) rows.push_back(x[i].square().sum());
  const Tensor norms = torch::stack(rows).sqrt().to(torch::kDouble).cpu();
  const auto* first = norms.data_ptr<double>();
  return {first, first + norms.numel()};
}

Tensor by_image(const std::vector<double>& values, const Tensor& like) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape.front() = like.size(0);
  return torch::tensor(values, torch::kDouble).to(like.device()).view(shape);
}

}  // namespace nodulus::sample
