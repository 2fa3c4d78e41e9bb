#include "nodulus/eval/neighbours.h"

#include <limits>

namespace nodulus::eval {
namespace {

using torch::Tensor;

/// Of a matrix of distances of rows to rows of the same kind: the k-th nearest, itself left out.
Tensor kth_of(const Tensor& own_distances, int k) {
  const std::int64_t n = own_distances.size(0);
  if (n <= k) return torch::full({n}, std::numeric_limits<double>::infinity(), torch::kDouble);
  return std::get<0>(own_distances.kthvalue(k + 1, 1));  // the nearest of all is the row itself
}

}  // namespace

Tensor distances(const Tensor& a, const Tensor& b) {
  // Not through a product of matrices, which loses the small distances that copies have.
  return torch::cdist(a.to(torch::kDouble), b.to(torch::kDouble), 2, 2);
}

Tensor kth_neighbour(const Tensor& rows, int k) { return kth_of(distances(rows, rows), k); }

std::vector<Neighbourhoods> neighbourhoods(const Tensor& real, const Tensor& generated, const std::vector<int>& ks) {
  const Tensor between = distances(real, generated);
  const Tensor within_real = distances(real, real);
  const Tensor within_generated = distances(generated, generated);
  std::vector<Neighbourhoods> all;
  all.reserve(ks.size());
  for (const int k : ks) {
    const Tensor in_real = between <= kth_of(within_real, k).unsqueeze(1);            // of each real image
    const Tensor in_generated = between <= kth_of(within_generated, k).unsqueeze(0);  // of each generated one
    Neighbourhoods found{in_real.any(0).to(torch::kDouble), in_generated.any(1).to(torch::kDouble),
                         in_real.sum(0).to(torch::kDouble) / k, in_real.any(1).to(torch::kDouble)};
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (generated.size(0) <= k) found.recall.fill_(none);
    if (real.size(0) <= k)
      for (Tensor* values : {&found.precision, &found.density, &found.coverage}) values->fill_(none);
    all.push_back(found);
  }
  return all;
}

}  // namespace nodulus::eval
