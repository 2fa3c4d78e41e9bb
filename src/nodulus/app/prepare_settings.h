#pragma once

#include <string>

#include "nodulus/app/shared_options.h"
#include "nodulus/core/options.h"
#include "nodulus/data/prepare.h"

namespace nodulus::app {

/// What of data::PrepareOptions says how images are made: options of prepare, and of collect --then prepare.
class PrepareSettings {
 public:
  /// Each name after `prefix`, such as "prepare.".
  void describe(Options& options, const std::string& prefix = "");
  /// Takes the options over. Throws Error{usage} as WindowOption::window().
  void resolve();

  data::PrepareOptions options;

 private:
  double spacing_mm_ = 0;
  WindowOption window_;
};

}  // namespace nodulus::app
