#pragma once

#include <filesystem>

#include "nodulus/eval/state_dict.h"

namespace nodulus::app {

/// The tensors of a .safetensors file, or of what torch.save() wrote (eval/state_dict.h). Nothing in either can run.
/// Throws Error{not_found, io}, Error{bad_input} naming the file and what was expected.
eval::TrainedState read_foreign_file(const std::filesystem::path& file);

/// Looks whether it is such a file, by its beginning and its list of contents. Throws as above.
void check_foreign_file(const std::filesystem::path& file);

}  // namespace nodulus::app
