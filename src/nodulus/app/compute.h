#pragma once

#include "nodulus/core/monitor.h"

namespace nodulus::app {

/// Sets libtorch's threads, once, before it computes anything: Debian's starts with one.
void set_up_compute(int threads);

/// Warns where matrix products go through the reference BLAS, 30 times slower than OpenBLAS.
void warn_of_slow_blas(Monitor& monitor);

}  // namespace nodulus::app
