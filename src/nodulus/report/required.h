#pragma once

#include "nodulus/report/report.h"

namespace nodulus::report {

/// Throws Error{bad_input} naming file, key, expected and found unless the metrics.json (or the sweep.json) has every
/// key that the report reads, of its type.
void require_metrics(const Source& source);
void require_sweep(const Source& source);

}  // namespace nodulus::report
