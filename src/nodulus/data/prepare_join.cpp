#include "nodulus/data/prepare_join.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <system_error>
#include <tuple>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/manifest.h"
#include "nodulus/core/threads.h"

namespace nodulus::data {

std::vector<ReadingFile> find_readings(const std::vector<std::string>& xml_files, int threads,
                                       std::vector<Reject>& rejects, Monitor& monitor) {
  std::vector<std::variant<lidc::Reading, Reject>> read(xml_files.size(), Reject{});
  std::atomic<std::int64_t> done{0};
  parallel_for(static_cast<std::int64_t>(xml_files.size()), threads, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    read[at] = lidc::read_reading(xml_files[at]);
    if (auto* const reading = std::get_if<lidc::Reading>(&read[at])) {
      reading->sessions.clear();  // only who it is and when is needed here: memory stays flat
      reading->sessions.shrink_to_fit();
      reading->left_out.clear();
    }
    if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped while reading annotations");
    monitor.progress({"reading annotations", ++done, static_cast<std::int64_t>(xml_files.size()), "files", ""});
  });
  std::vector<lidc::Reading> readings;
  for (auto& result : read) {
    if (auto* const reading = std::get_if<lidc::Reading>(&result)) {
      readings.push_back(std::move(*reading));
    } else {
      rejects.push_back(std::get<Reject>(result));
    }
  }
  std::vector<ReadingFile> files;
  for (const lidc::Reading& reading : lidc::newest_of_each_series(std::move(readings), rejects)) {
    files.push_back({reading.where, reading.series_uid});
  }
  return files;
}

std::vector<std::filesystem::path> with_collections_opened(std::vector<std::filesystem::path> roots) {
  for (std::filesystem::path& root : roots) {
    const std::filesystem::path said = root / "manifest.json";
    std::error_code error;
    if (!std::filesystem::is_regular_file(said, error)) continue;
    const Json json = Json::parse(read_file(said), nullptr, false);
    const Json::json_pointer name("/schema/name");
    if (json.is_object() && json.contains(name) && json[name] == manifest_schema("raw")) root /= "dicom";
  }
  return roots;
}

Work find_work(const std::vector<std::filesystem::path>& roots, int threads, Monitor& monitor) {
  dicom::Scan scan = dicom::scan(with_collections_opened(roots), {.threads = threads}, monitor);
  Work work;
  work.rejects = std::move(scan.rejects);
  work.files = scan.files;
  work.slices = scan.slices;
  work.series = static_cast<std::int64_t>(scan.series.size());
  std::map<std::string, std::string> xml_of;
  for (const ReadingFile& reading : find_readings(scan.xml_files, threads, work.rejects, monitor)) {
    xml_of.emplace(reading.series_uid, reading.path);
  }
  for (dicom::Series& series : scan.series) {
    const auto xml = xml_of.find(series.uid);
    if (xml == xml_of.end()) {
      work.rejects.push_back({series.uid, "no reading",
                              "no reading file names this series of patient '" + series.patient_id + "' (" +
                                  std::to_string(series.slices) + " slices)"});
      continue;
    }
    SeriesTask task{std::move(series), xml->second, sha256_file(xml->second), 0};
    for (const std::string& file : task.series.files) {
      std::error_code error;
      const auto size = std::filesystem::file_size(file, error);
      task.bytes += error ? 0 : static_cast<std::int64_t>(size);
    }
    work.tasks.push_back(std::move(task));
    xml_of.erase(xml);
  }
  for (const auto& [uid, path] : xml_of) {
    work.rejects.push_back({path, "reading without series", "no CT series " + uid});
  }
  std::sort(work.tasks.begin(), work.tasks.end(), [](const SeriesTask& a, const SeriesTask& b) {
    return std::make_tuple(a.patient(), a.series.uid) < std::make_tuple(b.patient(), b.series.uid);
  });
  return work;
}

}  // namespace nodulus::data
