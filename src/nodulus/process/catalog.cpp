#include <fmt/format.h>

#include <array>

#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/process/ddpm.h"
#include "nodulus/process/edm.h"
#include "nodulus/process/process.h"
#include "nodulus/process/score_process.h"

namespace nodulus::process {
namespace {

template <class T>
std::unique_ptr<Process> make() {
  return std::make_unique<T>();
}

constexpr std::array rows{
    ProcessRow{"ddpm", "discrete variance-preserving noise, epsilon prediction (Ho et al. 2020)", make<Ddpm>},
    ProcessRow{"vp", "variance-preserving SDE (Song et al. 2021)", make_vp},
    ProcessRow{"sub-vp", "sub-variance-preserving SDE (Song et al. 2021)", make_sub_vp},
    ProcessRow{"ve", "variance-exploding SDE (Song et al. 2021)", make_ve},
    ProcessRow{"tutorial-ve", "the variance-exploding SDE of its authors' tutorial, dx = 25^t dw", make_tutorial_ve},
    ProcessRow{"edm", "preconditioning and noise distribution of Karras et al. 2022", make<Edm>},
};

}  // namespace

std::span<const ProcessRow> processes() { return rows; }

std::unique_ptr<Process> make_process(std::string_view name) {
  std::vector<std::string> known;
  for (const ProcessRow& row : rows) {
    if (row.name == name) return row.make();
    known.emplace_back(row.name);
  }
  throw Error(ErrorCode::usage, fmt::format("expected a process, one of {}; found '{}'{}", fmt::join(known, ", "), name,
                                            did_you_mean(name, known)));
}

}  // namespace nodulus::process
