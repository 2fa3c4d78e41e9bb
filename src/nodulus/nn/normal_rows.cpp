#include "nodulus/nn/normal_rows.h"

#include <ATen/Parallel.h>

#include <vector>

namespace nodulus::nn {

torch::Tensor normal_rows(std::int64_t count, at::IntArrayRef one,
                          const std::function<RandomStream(std::int64_t i)>& stream) {
  std::vector<std::int64_t> sizes{count};
  sizes.insert(sizes.end(), one.begin(), one.end());
  torch::Tensor rows = torch::empty(sizes, torch::kFloat);
  const std::int64_t size = count > 0 ? rows.numel() / count : 0;
  auto* const data = rows.data_ptr<float>();
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) stream(i).fill_normal({data + i * size, static_cast<std::size_t>(size)});
  });
  return rows;
}

}  // namespace nodulus::nn
