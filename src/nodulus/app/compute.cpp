#include "nodulus/app/compute.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>

#include <filesystem>

namespace nodulus::app {

void set_up_compute(int threads) {
  at::set_num_threads(threads);
#ifdef __GLIBC__
  // A training step frees and takes the same megabytes over and over. Kept by the process they need not be cleared by
  // the kernel each time.
  constexpr int mebi = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, 32 * mebi);  // glibc takes no more
  ::mallopt(M_TRIM_THRESHOLD, 1024 * mebi);
  ::mallopt(M_TOP_PAD, 64 * mebi);
#endif
}

void warn_of_slow_blas(Monitor& monitor) {
  void* sgemm = ::dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info{};
  if (sgemm == nullptr || ::dladdr(sgemm, &info) == 0 || info.dli_fname == nullptr) return;
  std::error_code error;
  const std::string library = std::filesystem::canonical(info.dli_fname, error).string();
  if (library.find("/blas/libblas") == std::string::npos) return;
  monitor.warn("matrix products go through the reference BLAS (" + library +
               "), 30 times slower than OpenBLAS: install libopenblas0-openmp");
}

}  // namespace nodulus::app
