#include "nodulus/app/compute.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <filesystem>

namespace nodulus::app {

void set_up_compute(int threads) { at::set_num_threads(threads); }

void warn_of_slow_blas(Monitor& monitor) {
  void* sgemm = ::dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info{};
  if (sgemm == nullptr || ::dladdr(sgemm, &info) == 0 || info.dli_fname == nullptr) return;
  std::error_code error;
  const std::string library = std::filesystem::canonical(info.dli_fname, error).string();
  if (library.find("/blas/libblas") == std::string::npos) return;
  monitor.warn("matrix products go through the reference BLAS (" + library +
               "), 30 times slower than OpenBLAS: install libopenblas0-pthread");
}

}  // namespace nodulus::app
