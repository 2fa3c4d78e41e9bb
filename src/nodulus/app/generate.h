#pragma once

#include <memory>
#include <string>

#include "nodulus/app/batch_joiner.h"
#include "nodulus/app/command.h"

namespace nodulus::app {

/// The command `generate`, whose batches are joined with those of others of the same key: the same model and settings,
/// whatever is asked of each image.
std::unique_ptr<Command> make_generate(std::shared_ptr<BatchJoiner> joiner, std::string key);

}  // namespace nodulus::app
