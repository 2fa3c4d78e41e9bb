#pragma once

#include <filesystem>
#include <string>

#include "nodulus/core/condition.h"
#include "nodulus/core/contact_sheet.h"
#include "nodulus/models/network.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/process/process.h"

/// Models as TorchScript, which PyTorch runs without this program: `torch.jit.load(FILE).generate([1, 2, 3])` draws in
/// Python the images that `generate` draws here of the seeds 1 to 3, as far as float32 goes. What such a file offers
/// stands in docs/models.md.
namespace nodulus::sample {

/// What a file tells besides its weights.
struct ScriptFacts {
  ConditionSchema conditions;
  WindowHu window_hu;
  std::string about;  ///< Family, licence and the like, as JSON.
};

/// A diffusion model: `generate` goes through the process's noise levels for `steps` steps by DDIM, `denoise` is D(x;
/// sigma). The preconditioning is a table over ln(sigma), linear between its 4096 levels and those of the process: to
/// 1e-5 of each coefficient, exact at the levels that `generate` asks for.
///
/// The network is put into evaluation without gradients. The file appears whole or not at all. Error{io};
/// Error{internal} where what was traced gives another image than the network.
void write_script(const std::filesystem::path& file, models::Network& network, const process::Process& process,
                  int image_channels, int resolution, int steps, const ScriptFacts& facts);

/// A StyleGAN2 generator with its constant noise. As above in all else.
void write_script(const std::filesystem::path& file, models::StyleGan2Generator& generator, const ScriptFacts& facts);

}  // namespace nodulus::sample
