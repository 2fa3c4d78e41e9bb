#pragma once

#include <memory>

#include "nodulus/app/command.h"

namespace nodulus::app {

/// `nodulus models import`: weights that another program has trained -> a checkpoint of ours. It describes what comes
/// after the word `import`.
std::unique_ptr<Command> make_model_import();

}  // namespace nodulus::app
