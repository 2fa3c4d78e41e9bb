#include <fmt/format.h>

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/process/ddpm.h"
#include "nodulus/process/process.h"

namespace nodulus::process {
namespace {

template <class T>
std::unique_ptr<Process> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    ProcessRow{"ddpm", "discrete variance-preserving noise, epsilon prediction (Ho et al. 2020)", make<Ddpm>},
};

}  // namespace

std::span<const ProcessRow> processes() { return rows; }

std::unique_ptr<Process> make_process(std::string_view name) {
  for (const ProcessRow& row : rows)
    if (row.name == name) return row.make();
  throw Error(ErrorCode::internal, fmt::format("no process is called '{}'", name));
}

}  // namespace nodulus::process
