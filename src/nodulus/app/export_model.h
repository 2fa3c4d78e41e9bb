#pragma once

#include <memory>

#include "nodulus/app/command.h"

namespace nodulus::app {

/// `nodulus models export`: a model -> a state dict, TorchScript or safetensors for other programs. It describes what
/// comes after the word `export`.
std::unique_ptr<Command> make_model_export();

}  // namespace nodulus::app
