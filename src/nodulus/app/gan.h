#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nodulus/models/stylegan2.h"
#include "nodulus/train/checkpoint.h"

/// What commands ask of a trained StyleGAN2.
namespace nodulus::app {

/// The generator of a checkpoint with its averaged weights, in evaluation. Throws Error{usage} for a model of another
/// kind, otherwise as train::load_part().
std::shared_ptr<models::StyleGan2Generator> load_generator(const std::filesystem::path& checkpoint,
                                                           const train::CheckpointInfo& info, torch::Device device);

/// File in a projection's folder that holds "styles" [layers, w] and, for each layer K with noise, "noise.K" [r, r];
/// its metadata "model" is the SHA-256 of the checkpoint.
inline constexpr const char* latent_file = "latent.safetensors";

void write_latent(const std::filesystem::path& file, const torch::Tensor& styles,
                  const std::vector<torch::Tensor>& noise, const std::string& model_hash);

/// The styles of a projection's folder. Throws Error{bad_input} where they were found in another model than the
/// checkpoint, to which they mean nothing.
torch::Tensor read_styles(const std::filesystem::path& folder, const models::StyleGan2Generator& generator,
                          const std::filesystem::path& checkpoint);

}  // namespace nodulus::app
