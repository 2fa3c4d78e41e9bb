#include "nodulus/app/trainable.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/models/catalog.h"

namespace nodulus::app {

std::vector<std::string> trainable_families() {
  std::vector<std::string> names;
  for (const models::Family& row : models::families()) names.emplace_back(row.name);
  for (const models::GanFamily& row : models::gan_families()) names.emplace_back(row.name);
  return names;
}

std::unique_ptr<Trainable> make_trainable(const std::string& family, const std::string& process) {
  const auto names = trainable_families();
  if (std::find(names.begin(), names.end(), family) == names.end())
    throw Error(ErrorCode::usage, fmt::format("--family: expected one of {}; found '{}'{}", fmt::join(names, ", "),
                                              family, did_you_mean(family, names)));
  if (!models::is_gan(family)) return make_trainable_diffusion(family, process);
  if (!process.empty())
    throw Error(ErrorCode::usage,
                fmt::format("--process: {} learns no noise; expected none, found '{}'", family, process));
  return make_trainable_gan();
}

}  // namespace nodulus::app
