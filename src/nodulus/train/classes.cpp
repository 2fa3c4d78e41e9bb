#include "nodulus/train/classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "nodulus/core/error.h"

namespace nodulus::train {
namespace {

constexpr std::size_t most_classes = 256;

std::optional<int> value_of(const data::Loader& loader, const std::string& label, std::uint64_t sample_number) {
  const auto value = loader.dataset().label(loader.item_of(sample_number), label);
  if (!value) return std::nullopt;
  return static_cast<int>(std::lround(*value));
}

}  // namespace

std::vector<int> class_values(const data::Loader& loader, const std::string& label) {
  std::set<int> found;
  for (std::int64_t k = 0; k < loader.items(); ++k)
    if (const auto value = value_of(loader, label, static_cast<std::uint64_t>(k))) found.insert(*value);
  if (found.size() < 2 || found.size() > most_classes)
    throw Error(ErrorCode::usage, fmt::format("label '{}': expected 2 to {} different values to tell images apart by, "
                                              "found {} in {}",
                                              label, most_classes, found.size(), loader.dataset().folder().string()));
  return {found.begin(), found.end()};
}

torch::Tensor class_rows(const Classes& classes, const data::Loader& loader,
                         std::span<const std::uint64_t> sample_numbers) {
  const auto columns = static_cast<std::int64_t>(classes.values.size());
  torch::Tensor rows = torch::zeros({static_cast<std::int64_t>(sample_numbers.size()), columns});
  for (std::size_t i = 0; i < sample_numbers.size(); ++i) {
    const auto value = value_of(loader, classes.label, sample_numbers[i]);
    const auto at = value ? std::find(classes.values.begin(), classes.values.end(), *value) : classes.values.end();
    if (at != classes.values.end())
      rows.data_ptr<float>()[static_cast<std::int64_t>(i) * columns + (at - classes.values.begin())] = 1;
  }
  return rows;
}

}  // namespace nodulus::train
