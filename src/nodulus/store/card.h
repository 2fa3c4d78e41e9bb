#pragma once

#include <string>

#include "nodulus/core/manifest.h"

namespace nodulus::store {

/// MODEL_CARD.md of a model with these facts (model.json): what it is for and not for, its data with licence and
/// citation, how it was trained, how its images measure against real ones, the copies test, its limits.
/// Error{bad_input} where a fact is missing.
std::string model_card(const Json& facts);

/// Why these facts do not allow publication; empty where they do: metrics and a copies test that no image failed.
std::string why_not_publishable(const Json& facts);

}  // namespace nodulus::store
