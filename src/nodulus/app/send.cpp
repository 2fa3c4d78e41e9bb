#include "nodulus/archive/send.h"

#include <fmt/format.h>

#include "nodulus/app/archive_options.h"
#include "nodulus/app/commands.h"
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/csv.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

/// A row an object: what the server said of it.
void write_log(const fs::path& file, const archive::SendResult& result) {
  std::string table = csv_row(std::vector<std::string>{"file", "sop_uid", "stored", "reason", "detail"});
  for (const archive::Sent& sent : result.objects)
    table += csv_row(std::vector<std::string>{sent.file.string(), sent.sop_uid, sent.stored ? "yes" : "no", sent.reason,
                                              sent.detail});
  AtomicFile log(file);
  log.write(table);
  log.commit();
}

class Send final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("source", source_, "folder with DICOM files").positional();
    options.add("to", settings_.server, "the DICOMweb service's root, such as https://host/dicom-web");
    options.add("per_request", settings_.per_request, "objects a request, at most").between(1, 10000);
    options.add("log", log_, "CSV file to write, a row an object").command_line_only();
    server_.describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const auto files = ready(common);
    Outcome outcome;
    outcome.figures = {{"source", source_.string()}, {"to", settings_.server}, {"objects", files.size()}};
    outcome.text = fmt::format("would send {} of {} to {}", counted(static_cast<std::int64_t>(files.size()), "object"),
                               source_.string(), settings_.server);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& /*options*/, Monitor& monitor) override {
    const auto files = ready(common);
    archive::SendResult result;
    try {
      archive::send(files, settings_, monitor, result);
    } catch (const Error&) {
      try {  // what was stored before is told all the same
        if (!log_.empty() && !result.objects.empty()) write_log(log_, result);
      } catch (const Error& unwritten) {
        monitor.warn(unwritten.what());
      }
      throw;
    }
    if (!log_.empty()) write_log(log_, result);
    std::map<std::string, int> reasons;
    for (const archive::Sent& sent : result.objects) {
      if (sent.reason.empty()) continue;
      ++reasons[sent.reason];
      monitor.warn(fmt::format("{}: {}: {}", sent.file.string(), sent.reason, sent.detail));
    }
    const auto total = static_cast<std::int64_t>(result.objects.size());
    if (result.stored < total)
      throw Error(
          ErrorCode::io,
          fmt::format("{}: {} of {} not stored ({}); the same command sends all again, which a server "
                      "takes once",
                      settings_.server, total - result.stored, counted(total, "object"), reasons_text(reasons)));
    Outcome outcome;
    outcome.figures = {{"to", settings_.server},
                       {"stored", result.stored},
                       {"bytes", result.bytes},
                       {"requests", result.requests},
                       {"remarks", reasons}};
    outcome.text =
        fmt::format("{}: {} stored in {:.1f} s, {:.1f} MB/s{}", settings_.server, counted(result.stored, "object"),
                    result.seconds, static_cast<double>(result.bytes) / 1e6 / std::max(result.seconds, 1e-9),
                    reasons.empty() ? "" : "; " + reasons_text(reasons));
    return outcome;
  }

 private:
  std::vector<fs::path> ready(const CommonOptions& /*common*/) {
    if (settings_.server.empty()) throw Error(ErrorCode::usage, "expected --to, the address of a DICOMweb service");
    if (!log_.empty() && !fs::is_directory(fs::absolute(log_).parent_path()))
      throw Error(ErrorCode::usage, "--log: expected a file in a folder that is there, found '" + log_.string() + "'");
    settings_.client = server_.client();
    settings_.retry = server_.retry();
    try {
      return archive::dicom_files(source_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input || !fs::exists(source_ / "images.npy")) throw;
      throw Error(ErrorCode::bad_input,
                  std::string(error.what()) + "; images become DICOM by export-dicom, or generate --format dicom");
    }
  }

  fs::path source_;
  fs::path log_;
  archive::SendOptions settings_;
  ArchiveOptions server_;
};

}  // namespace

CommandRow send_command() {
  return {"send", "DICOM files -> an archive that takes them by DICOMweb (STOW-RS)",
          "nodulus send images/ --to https://pacs.example/dicom-web", make_command<Send>};
}

}  // namespace nodulus::app
