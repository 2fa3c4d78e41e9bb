// The stand-in archive as a program, for scripts/end-to-end and benchmarks.
//
//   stand_in_archive PORT_FILE [folder=DIR] [made=SERIES,FILES,BYTES] [annotations=ZIP] [token=TOKEN] [ranges=1]
//                    [fault=KIND:TEXT:TIMES]...
//
// Writes its port into PORT_FILE and serves until it is killed: the DICOM series under DIR as collection LIDC-IDRI, or
// series of made-up objects.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "nodulus/core/atomic_file.h"
#include "nodulus/dicom/identity.h"
#include "tests/archive/stand_in.h"

namespace {

namespace fs = std::filesystem;
using nodulus::test::StandInSeries;

std::vector<StandInSeries> series_under(const fs::path& folder) {
  std::map<std::string, StandInSeries> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto read = nodulus::dicom::read_identity(entry.path().string());
    const auto* const identity = std::get_if<nodulus::dicom::Identity>(&read);
    if (identity == nullptr) continue;
    StandInSeries& series = found[identity->series_uid];
    series.patient = identity->patient_id;
    series.study_uid = identity->study_uid;
    series.series_uid = identity->series_uid;
    series.modality = identity->modality;
    const std::string name = entry.path().filename().string();
    series.files[name] = nodulus::read_file(entry.path());
    series.sops[name] = identity->sop_uid;
  }
  std::vector<StandInSeries> series;
  for (auto& [uid, one] : found) series.push_back(std::move(one));
  return series;
}

std::vector<StandInSeries> made_of(const std::string& words) {
  int count = 0;
  int files = 0;
  int bytes = 0;
  if (std::sscanf(words.c_str(), "%d,%d,%d", &count, &files, &bytes) != 3) return {};
  std::vector<StandInSeries> series;
  for (int i = 1; i <= count; ++i) {
    const std::string patient = "LIDC-IDRI-" + std::to_string(10000 + i).substr(1);
    const std::string root = "1.2.3." + std::to_string(i);
    StandInSeries one = nodulus::test::made_series(patient, root, 0);
    one.count = static_cast<std::size_t>(files);
    one.make = [=] { return nodulus::test::made_series(patient, root, files, static_cast<std::size_t>(bytes)); };
    series.push_back(std::move(one));
  }
  return series;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<StandInSeries> series;
  nodulus::test::StandInOptions options;
  std::vector<std::string> faults;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (name == "folder") series = series_under(value);
    if (name == "made") series = made_of(value);
    if (name == "annotations") options.annotations = nodulus::read_file(value);
    if (name == "token") options.token = value;
    if (name == "ranges") options.ranges = true;
    if (name == "fault") faults.push_back(value);
  }
  if (argc < 2) return 2;
  nodulus::test::StandIn server(std::move(series), options);
  for (const std::string& fault : faults) {
    const std::size_t last = fault.rfind(':');
    const std::size_t first = fault.rfind(':', last - 1);
    server.fault(fault.substr(0, first), fault.substr(first + 1, last - first - 1), std::stoi(fault.substr(last + 1)));
  }
  std::ofstream(std::string(argv[1]) + ".tmp") << server.port() << "\n";
  fs::rename(std::string(argv[1]) + ".tmp", argv[1]);
  while (true) ::pause();
}
