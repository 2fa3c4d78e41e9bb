#include "nodulus/train/labels.h"

#include <vector>

#include "nodulus/core/seed.h"

namespace nodulus::train {

torch::Tensor label_rows(const data::Loader& loader, std::span<const std::uint64_t> sample_numbers) {
  if (loader.conditions().empty()) return {};
  torch::Tensor rows = torch::empty({static_cast<std::int64_t>(sample_numbers.size()), loader.conditions().width()});
  loader.labels(sample_numbers, {rows.data_ptr<float>(), static_cast<std::size_t>(rows.numel())});
  return rows;
}

void hide_labels(torch::Tensor& rows, const ConditionSchema& schema, double share, std::uint64_t seed,
                 std::span<const std::uint64_t> numbers) {
  std::vector<float> drawn(schema.labels.size() + 1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    RandomStream(seed, numbers[i]).fill_uniform(drawn);
    torch::Tensor row = rows[static_cast<std::int64_t>(i)];
    const bool all = static_cast<double>(drawn.back()) < share;
    std::int64_t at = 0;
    for (std::size_t k = 0; k < schema.labels.size(); ++k) {
      const auto size = static_cast<std::int64_t>(schema.labels[k].values.size());
      if (all || static_cast<double>(drawn[k]) < share) row.narrow(0, at, size).zero_();
      at += size;
    }
  }
}

}  // namespace nodulus::train
