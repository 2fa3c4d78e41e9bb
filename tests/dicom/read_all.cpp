// dicom_read_all FOLDER...: scans, orders and reads every image of every modality, and says what became of each
// file. Ends with 0 unless something else than a Reject or an Error came up. For folders of odd files, under the
// sanitizers, and for timing the decoders.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/monitor.h"
#include "nodulus/core/threads.h"
#include "nodulus/dicom/order.h"
#include "nodulus/dicom/scan.h"
#include "nodulus/dicom/slice.h"

namespace {

using namespace nodulus;
using namespace nodulus::dicom;

/// The reason of an error, short enough to count by: what stands behind the path.
std::string kind_of(const SliceHeader& header, const Error& error) {
  std::string text = error.what();
  if (text.starts_with(header.path)) text = text.substr(header.path.size());
  return text;
}

void read_file(const std::string& path, std::map<std::string, int>& outcomes) {
  const auto found = read_headers(path);
  if (const auto* reject = std::get_if<Reject>(&found)) {
    ++outcomes[reject->reason];
    std::printf("%s: %s: %s\n", path.c_str(), reject->reason.c_str(), reject->detail.c_str());
    return;
  }
  SliceReader reader;
  for (const SliceHeader& header : std::get<std::vector<SliceHeader>>(found)) {
    try {
      if (header.has_rescale) {
        reader.read(header);
      } else {
        reader.read_stored(header);
      }
      ++outcomes[header.has_rescale ? "frame in HU" : "frame without rescale"];
    } catch (const Error& error) {
      ++outcomes["frame refused"];
      std::printf("%s frame %d%s\n", path.c_str(), header.frame_index, kind_of(header, error).c_str());
    }
  }
}

double read_series(const Scan& scan, int threads, std::int64_t& slices) {
  const auto start = std::chrono::steady_clock::now();
  for (const Series& series : scan.series) {
    const Ordering ordering = order_slices(series);
    if (const auto* rejects = std::get_if<std::vector<Reject>>(&ordering)) {
      for (const Reject& reject : *rejects) {
        std::printf("series %s: %s: %s\n", reject.where.c_str(), reject.reason.c_str(), reject.detail.c_str());
      }
      continue;
    }
    const auto& ordered = std::get<OrderedSeries>(ordering);
    for (const Reject& finding : ordered.findings) {
      std::printf("series %s: %s: %s\n", finding.where.c_str(), finding.reason.c_str(), finding.detail.c_str());
    }
    slices += static_cast<std::int64_t>(ordered.slices.size());
    parallel_for(static_cast<std::int64_t>(ordered.slices.size()), threads, [&](std::int64_t i) {
      try {
        read_slice(ordered.slices[static_cast<std::size_t>(i)]);
      } catch (const Error& error) {
        std::printf("%s\n", error.what());
      }
    });
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  SilentMonitor monitor;
  try {
    const std::vector<std::filesystem::path> roots(argv + 1, argv + argc);
    ScanOptions options;
    options.modality = "";
    options.accept_derived = true;
    options.threads = available_cores();
    const Scan everything = scan(roots, options, monitor);
    std::map<std::string, int> outcomes;
    for (const auto& root : roots) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (entry.is_regular_file()) read_file(entry.path().string(), outcomes);
      }
    }
    for (const auto& [what, count] : outcomes) std::printf("%5d %s\n", count, what.c_str());
    for (const Series& series : everything.series) {
      std::printf("series %s: %lld slices\n", series.uid.c_str(), static_cast<long long>(series.slices));
      order_slices(series);
    }

    options = {};
    options.threads = available_cores();
    const auto start = std::chrono::steady_clock::now();
    const Scan ct = scan(roots, options, monitor);
    const std::chrono::duration<double> scanned = std::chrono::steady_clock::now() - start;
    std::int64_t slices = 0;
    const double seconds = read_series(ct, options.threads, slices);
    std::printf("CT: %zu series; scan %lld files in %.3f s; order and read %lld slices in %.3f s, %d threads\n",
                ct.series.size(), static_cast<long long>(ct.files), scanned.count(), static_cast<long long>(slices),
                seconds, options.threads);
  } catch (const Error& error) {
    std::fprintf(stderr, "dicom_read_all: %s\n", error.what());
    return 1;
  }
  return 0;
}
