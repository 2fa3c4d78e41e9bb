#pragma once

#include <gmock/gmock.h>

#include <fstream>
#include <mutex>

#include "nodulus/archive/collect.h"
#include "nodulus/archive/dicomweb.h"
#include "nodulus/archive/nbia.h"
#include "tests/archive/stand_in.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::test {

/// Keeps what it is told; stops where it is asked to.
class Listener final : public Monitor {
 public:
  void note(std::string_view line) override { keep(line); }
  void warn(std::string_view line) override { keep(line); }
  void progress(const Progress& progress) override { keep(progress.detail); }
  [[nodiscard]] bool stop_requested() const override { return stop; }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::atomic<bool> stop{false};

 private:
  void keep(std::string_view line) {
    const std::lock_guard lock(mutex_);
    text_.append(line).append("\n");
  }
  mutable std::mutex mutex_;
  std::string text_;
};

/// Three series of two patients, and a folder to collect them into.
class Collecting : public ::testing::Test {
 protected:
  static std::vector<StandInSeries> three() {
    return {made_series("LIDC-IDRI-0001", "1.2.1", 4), made_series("LIDC-IDRI-0001", "1.2.2", 3),
            made_series("LIDC-IDRI-0002", "1.2.3", 5)};
  }
  /// Patients P-1, P-2, ... of a series each, 1.3.1, 1.3.2, ...
  static std::vector<StandInSeries> patients(int count, int files, std::size_t pixel_bytes = 512) {
    std::vector<StandInSeries> all;
    for (int i = 1; i <= count; ++i)
      all.push_back(made_series("P-" + std::to_string(i), "1.3." + std::to_string(i), files, pixel_bytes));
    return all;
  }
  void SetUp() override {
    selection.collection = "LIDC-IDRI";
    selection.modality = "CT";
    options.connections = 2;
    options.retry = {.tries = 4, .first_s = 0.01, .longest_s = 0.02, .patience_s = 10};
    options.client.stall_s = 1;
  }
  [[nodiscard]] std::filesystem::path raw() const { return folder / "raw"; }

  [[nodiscard]] archive::NbiaOptions nbia(const StandIn& server) const {
    archive::NbiaOptions nbia;
    nbia.server = server.nbia();
    nbia.retry = options.retry;
    return nbia;
  }
  archive::CollectResult collect(const StandIn& server, const archive::AfterBatch& after = {}) {
    archive::NbiaSource source(nbia(server));
    return collect(source, after);
  }
  archive::CollectResult collect(archive::Source& source, const archive::AfterBatch& after = {}) {
    Manifest manifest;
    manifest.kind = "raw";
    auto plan = archive::plan_collect(source, selection, options.client, monitor);
    archive::RawFolder place(raw(), manifest);
    archive::sort_out(plan, place);
    return archive::collect(source, plan, place, options, monitor, after);
  }

  /// Every object of the series lies there, byte for byte, and nothing else.
  void expect_whole(const StandInSeries& series) const {
    const auto place = raw() / "dicom" / series.patient / series.series_uid;
    std::map<std::string, std::string> found;  // by content, as the name is the source's choice
    if (std::filesystem::exists(place)) {
      for (const auto& entry : std::filesystem::directory_iterator(place))
        found[read_all(entry.path())] = entry.path().filename().string();
    }
    EXPECT_EQ(found.size(), series.files.size()) << series.series_uid;
    for (const auto& [name, bytes] : series.files)
      EXPECT_TRUE(found.contains(bytes)) << series.series_uid << " " << name;
  }
  void expect_absent_files(const StandInSeries& series) const {
    EXPECT_FALSE(std::filesystem::exists(raw() / "dicom" / series.patient / series.series_uid)) << series.series_uid;
  }
  /// Nothing of the series lies anywhere.
  void expect_absent(const StandInSeries& series) const {
    expect_absent_files(series);
    EXPECT_FALSE(std::filesystem::exists(raw() / "records" / (series.series_uid + ".json"))) << series.series_uid;
    for (const char* rest : {"", ".zip", ".zip.json", ".old"})
      EXPECT_FALSE(std::filesystem::exists(raw() / ".partial" / (series.series_uid + rest))) << series.series_uid;
  }

  TemporaryFolder folder;
  Listener monitor;
  archive::Selection selection;
  archive::CollectOptions options;
};

}  // namespace nodulus::test
