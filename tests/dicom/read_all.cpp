// Reads every image under the folders given: what a robustness run and a person with an odd folder want to know.
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "nodulus/core/error.h"
#include "nodulus/core/monitor.h"
#include "nodulus/dicom/order.h"
#include "nodulus/dicom/scan.h"
#include "nodulus/dicom/slice.h"

int main(int argc, char** argv) {
  using namespace nodulus;
  using namespace nodulus::dicom;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      const auto found = read_headers(entry.path().string());
      if (const auto* reject = std::get_if<Reject>(&found)) {
        std::printf("reject %s: %s: %s\n", entry.path().c_str(), reject->reason.c_str(), reject->detail.c_str());
        continue;
      }
      SliceReader reader;
      for (const SliceHeader& header : std::get<std::vector<SliceHeader>>(found)) {
        try {
          const StoredFrame frame = reader.read_stored(header);
          long long sum = 0;
          for (const auto value : frame.values) sum += value;
          std::printf("ok %s %d %dx%d %s sum %lld\n", header.path.c_str(), header.frame_index, header.rows,
                      header.columns, header.transfer_syntax_uid.c_str(), sum);
        } catch (const Error& error) {
          std::printf("error %s\n", error.what());
        }
      }
    }
  }
}
