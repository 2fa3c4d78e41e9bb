#include "nodulus/archive/collect.h"

#include <fmt/format.h>

#include <memory>
#include <set>

#include "nodulus/app/archive_options.h"
#include "nodulus/app/commands.h"
#include "nodulus/app/prepare_settings.h"
#include "nodulus/app/rejects_text.h"
#include "nodulus/archive/dicomweb.h"
#include "nodulus/archive/download.h"
#include "nodulus/archive/manifest_file.h"
#include "nodulus/archive/nbia.h"
#include "nodulus/archive/readings.h"
#include "nodulus/core/error.h"
#include "nodulus/core/reject.h"
#include "nodulus/net/url.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* lidc_readings = "https://www.cancerimagingarchive.net/wp-content/uploads/LIDC-XML-only.zip";

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

class Collect final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("source", kind_, "lidc, nbia, manifest or dicomweb").positional(false);
    options.add("from", from_, "of manifest its file, of dicomweb the service's root").positional(false);
    options.add("out", out_, "folder that it goes to, and grows").command_line_only();
    options.add("to", to_, "the same as --out").command_line_only();
    options.add("manifest", manifest_, "manifest of the NBIA Data Retriever (.tcia)").command_line_only();
    options.add("server", server_, "NBIA's REST API; \"\": TCIA's, or that of the manifest");
    options.add("collection", collection_, "of nbia: the collection's name");
    options.add("patients", patients_, "some alone: numbers such as 1..200, or their IDs");
    options.add("series", selection_.series, "these series alone, by UID");
    options.add("studies", selection_.studies, "of dicomweb: these studies alone, by UID");
    options.add("modality", modality_, "this modality alone, or any; \"\": CT, but any of a manifest or --series");
    options.add("annotations", annotations_,
                "the readers' XML: address or file of a zip, or none; \"\": LIDC's own for lidc");
    options.add("connections", settings_.connections, "series fetched at a time").between(1, 64);
    options.add("budget_gb", budget_gb_, "disk that the files may take, in 10^9 bytes; 0: any").between(0, 1e6);
    options.add("then", then_, "of each batch make a data set, then drop its files").one_of({"prepare"});
    options.add("batch", batch_, "patients a batch of --then").between(1, 1e6);
    options.add("verify", verify_, "read all files again, and fetch anew what is damaged, from where it came")
        .command_line_only();
    archive_.describe(options);
    options.add("prepare.out", prepare_.options.out, "of --then prepare: the data set to make").command_line_only();
    prepare_.describe(options, "prepare.");
  }

  Outcome plan(const CommonOptions& common, Monitor& monitor) override {
    resolve(common);
    Outcome outcome;
    if (verify_) {
      outcome.text = fmt::format("would read every file of {} again", out_.string());
      return outcome;
    }
    const auto source = source_of_words();
    archive::CollectPlan plan = archive::plan_collect(*source, selection_, settings_.client, monitor);
    std::int64_t files = 0;
    std::set<std::string> patients;
    bool known = true;
    for (const archive::RemoteSeries& series : plan.missing) {
      files += std::max<std::int64_t>(series.files, 0);
      if (!series.patient_id.empty()) patients.insert(series.patient_id);
      known = known && series.files >= 0;
    }
    plan.rejects.insert(plan.rejects.end(), line_rejects_.begin(), line_rejects_.end());
    const auto here = std::count_if(plan.missing.begin(), plan.missing.end(), [&](const auto& series) {
      return fs::exists(out_ / "records" / (series.series_uid + ".json"));
    });
    outcome.figures = {{"series", plan.listed()},
                       {"series_there", here},
                       {"patients", patients.size()},
                       {"files", files},
                       {"rejects", count_by_reason(plan.rejects)}};
    warn_of_patients(plan, monitor);
    const std::string of =
        known ? fmt::format(" of {}, {} files,", counted(static_cast<std::int64_t>(patients.size()), "patient"), files)
              : ", of which the server tells more as they come,";
    outcome.text = fmt::format("would fetch what is not there yet (all but {}) of {} series{} from {} into {}{}", here,
                               plan.listed(), of, source->address().value("server", ""), out_.string(),
                               counts_text("left out", count_by_reason(plan.rejects)));
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    resolve(common);
    if (verify_) return verify(common, monitor);
    prepare_.options.add = fs::exists(prepare_.options.out);
    if (!then_.empty()) data::check_prepare(prepare_.options);  // before hours of work
    Manifest manifest;
    manifest.kind = "raw";
    manifest.command = "collect";
    manifest.options = options.to_json();
    archive::CollectPlan plan = archive::plan_collect(*source_of_words(), selection_, settings_.client, monitor);
    warn_of_patients(plan, monitor);
    archive::RawFolder folder(out_, manifest);
    archive::sort_out(plan, folder);
    fetch_readings(folder, monitor);
    const auto source = source_of_words(annotations_ == "none" ? fs::path() : folder.annotations());
    plan.rejects.insert(plan.rejects.end(), line_rejects_.begin(), line_rejects_.end());
    const archive::AfterBatch after = then_.empty() ? archive::AfterBatch() : [&](const auto& batch) {
      return prepare_batch(folder, batch, monitor);
    };
    return outcome_of(archive::collect(*source, plan, folder, settings_, monitor, after));
  }

 private:
  /// Checks what needs no server.
  void resolve(const CommonOptions& common) {
    if (out_.empty()) out_ = to_;
    if (kind_.empty() && manifest_.empty() && !verify_)
      throw Error(ErrorCode::usage, "expected what to collect: lidc, nbia, manifest FILE or dicomweb URL");
    require_out(out_, "the folder that it goes to");
    settings_.client = archive_.client();
    settings_.retry = archive_.retry();
    settings_.budget_bytes = static_cast<std::int64_t>(budget_gb_ * 1e9);
    if (kind_ == "manifest" && manifest_.empty()) manifest_ = from_;
    if (kind_.empty() && !manifest_.empty()) kind_ = "manifest";
    selection_.patients = archive::PatientChoice(patients_, kind_ == "dicomweb");
    selection_.modality = modality_ == "any" ? "" : modality_;
    if (modality_.empty() && kind_ != "manifest" && selection_.series.empty()) selection_.modality = "CT";
    for (const auto* const uids : {&selection_.series, &selection_.studies}) {
      for (const std::string& uid : *uids) {
        if (!archive::is_uid(uid))
          throw Error(ErrorCode::usage, "--series, --studies: expected UIDs, found '" + uid + "'");
      }
    }
    check_fitting();
    if (then_.empty() != prepare_.options.out.empty())
      throw Error(ErrorCode::usage, "expected --then prepare and --prepare.out together, the data set to make");
    if (!then_.empty()) settings_.batch_patients = batch_;
    prepare_.options.threads = common.threads;
    prepare_.resolve();
  }

  /// Refuses what this kind of source does not heed.
  void check_fitting() const {
    const auto refuse = [](const std::string& what) { throw Error(ErrorCode::usage, what); };
    if (verify_) return;
    const bool web = kind_ == "dicomweb";
    if (web && !annotations_.empty() && annotations_ != "none")
      refuse("--annotations: expected none with dicomweb, whose series have no readings beside them");
    if (web && !server_.empty()) refuse("--server: expected none with dicomweb, whose address is the word behind it");
    if (!web && !selection_.studies.empty()) refuse("--studies: expected dicomweb; NBIA lists series alone");
    if (kind_ != "manifest" && !manifest_.empty())
      refuse("--manifest: expected no '" + kind_ + "' beside it, or 'manifest'");
    if (!web && kind_ != "manifest" && !from_.empty())
      refuse("expected nothing behind '" + kind_ + "', found '" + from_ + "'; a list is one word with commas");
  }

  /// True for a server that the user named, and TCIA: a token or password is not for whatever a manifest names.
  [[nodiscard]] bool may_have_secrets(const std::string& server) const {
    const net::Url url = net::Url::parse(server, "address");
    const auto names = [&](const std::string& word) {
      return !word.empty() && net::Url::parse(word, "--server").origin() == url.origin();
    };
    return archive::is_tcia(url.host) || names(server_) || (kind_ == "dicomweb" && names(from_));
  }

  /// A word of --patients that is no patient's is a slip of the pen, where others are.
  void warn_of_patients(const archive::CollectPlan& plan, Monitor& monitor) const {
    for (const std::string& word : patients_) {
      if (word.find("..") != std::string::npos) continue;  // ranges have gaps
      const archive::PatientChoice one({word}, kind_ == "dicomweb");
      const bool found = std::any_of(plan.missing.begin(), plan.missing.end(), [&](const auto& series) {
        return series.patient_id.empty() || one.has(series.patient_id);
      });
      if (!found) monitor.warn(fmt::format("--patients: '{}' has no such series there", word));
    }
  }

  /// `filed`: with what the archive files beside a series' objects.
  std::unique_ptr<archive::Source> nbia(const std::string& server, const fs::path& annotations, net::Credentials& who,
                                        bool filed = true) {
    archive::NbiaOptions options;
    options.annotations = filed;
    options.server = server.empty() ? archive::tcia_server : server;
    options.retry = settings_.retry;
    if (who.token.empty() && !who.user.empty()) {  // a login of its own
      options.user = who.user;
      options.password = who.password;
    }
    return std::make_unique<archive::NbiaSource>(
        options, annotations.empty() ? nullptr : std::make_shared<const archive::Readings>(annotations));
  }

  std::unique_ptr<archive::Source> dicomweb(const std::string& server) {
    archive::DicomwebOptions options;
    options.server = server;
    options.retry = settings_.retry;
    return std::make_unique<archive::DicomwebSource>(options);
  }

  /// What the words of the command line ask for; readings come from the folder `annotations`.
  std::unique_ptr<archive::Source> source_of_words(const fs::path& annotations = {}) {
    const auto fail = [](const std::string& what) { throw Error(ErrorCode::usage, what); };
    net::Credentials& who = settings_.client.credentials;
    if (kind_ == "lidc") {
      selection_.collection = "LIDC-IDRI";
      return nbia(server_, annotations, who);
    }
    if (kind_ == "nbia") {
      if (collection_.empty() && selection_.series.empty())
        fail("nbia: expected --collection or --series, found neither");
      selection_.collection = collection_;
      return nbia(server_, annotations, who);
    }
    if (kind_ == "manifest") {
      if (manifest_.empty()) fail("manifest: expected the manifest's file, found none");
      const archive::ManifestFile manifest = archive::read_manifest_file(manifest_);
      if (selection_.series.empty()) selection_.series = manifest.series;
      line_rejects_ = manifest.rejects;
      const std::string server = server_.empty() ? archive::nbia_server_of(manifest, archive::tcia_server) : server_;
      if (!who.empty() && !may_have_secrets(server))
        fail("expected --server to name " + net::Url::parse(server, "manifest").origin() +
             " before a token or password goes there; the manifest alone names it");
      return nbia(server, annotations, who, manifest.include_annotation);
    }
    if (kind_ == "dicomweb") {
      if (from_.empty()) fail("dicomweb: expected the service's root, such as https://host/dicom-web, found none");
      return dicomweb(from_);
    }
    throw Error(ErrorCode::usage, kind_.empty()
                                      ? "expected what to collect: lidc, nbia, manifest FILE or dicomweb URL"
                                      : "expected lidc, nbia, manifest FILE or dicomweb URL, found '" + kind_ + "'");
  }

  /// The readers' XML into raw/annotations, once.
  void fetch_readings(const archive::RawFolder& folder, Monitor& monitor) {
    const std::string from = annotations_.empty() && kind_ == "lidc" ? lidc_readings : annotations_;
    if (from.empty() || from == "none") return;
    if (fs::exists(folder.annotations())) {
      if (!annotations_.empty())
        monitor.note(folder.annotations().string() + " is there already; remove it to take others");
      return;
    }
    if (from.find("://") == std::string::npos) {
      if (!fs::is_regular_file(from))
        throw Error(fs::exists(from) ? ErrorCode::bad_input : ErrorCode::not_found,
                    "--annotations: expected a zip of the readers' XML, found " +
                        std::string(fs::exists(from) ? "a folder" : "no file") + " at '" + from + "'");
      archive::Readings::unpack(from, folder.annotations(), monitor);
      return;
    }
    net::ClientOptions options = settings_.client;
    options.credentials = {};  // another server's
    net::Client client(options, monitor);
    const archive::Workplace place{folder.partial(), folder.partial() / "annotations.zip", [](std::int64_t) {},
                                   monitor};
    const archive::Send plain = [&](const net::Request& request, const net::Sink& sink, const net::OnHead& on_head) {
      return client.send(request, sink, on_head);
    };
    for (int number = 1;; ++number) {
      const auto fault = archive::download_zip(from, net::shown(from), place, std::int64_t{4} << 30, plain);
      if (!fault) break;
      const auto seconds = settings_.retry.wait_s(number + 1, fault->retry_after_s);
      if (!fault->worth_retry || number >= settings_.retry.tries || !seconds)
        throw Error(ErrorCode::io,
                    fmt::format("the readers' XML, {}: {}: {}; --annotations takes another address, a file or none",
                                fault->fault->where, fault->fault->reason, fault->fault->detail));
      monitor.note(fmt::format("the readers' XML: {}; try {} of {} in {:.1f} s", fault->fault->detail, number + 1,
                               settings_.retry.tries, *seconds));
      net::wait(*seconds, monitor);
    }
    archive::Readings::unpack(place.download, folder.annotations(), monitor);
    fs::remove(place.download);
  }

  /// The series of the batch that the data set has now.
  std::set<std::string> prepare_batch(const archive::RawFolder& folder,
                                      const std::vector<const archive::Record*>& batch, Monitor& monitor) {
    data::PrepareOptions options = prepare_.options;
    for (const archive::Record* const record : batch) options.raw.push_back(folder.path() / record->folder);
    options.add = fs::exists(options.out);
    try {
      const data::PrepareResult made = data::prepare(options, monitor);
      monitor.note(fmt::format("{}: {} of {} in {} series", options.out.string(), counted(made.counts.images, "image"),
                               counted(made.counts.nodules, "nodule"), made.series));
      if (made.used.size() < batch.size()) not_used_ = fmt::format("{}/rejects.csv says why", options.out.string());
      return {made.used.begin(), made.used.end()};
    } catch (const data::NothingToPrepare& nothing) {
      not_used_ = nothing.what();
      monitor.warn(fmt::format("of {} series by themselves nothing is made: {}", batch.size(), not_used_));
      return {};
    }
  }

  Outcome verify(const CommonOptions& common, Monitor& monitor) {
    if (!fs::exists(out_ / "manifest.json"))
      throw Error(ErrorCode::not_found, "'" + out_.string() + "': expected what collect left, found no manifest.json");
    archive::RawFolder folder(out_, {});
    const archive::SourceAt source_at = [&](const Json& from, net::ClientOptions& client) {
      const auto server = from.at("server").get<std::string>();
      if (!client.credentials.empty() && !may_have_secrets(server)) {
        client.credentials = {};
        monitor.warn(fmt::format("{} is asked without the token or password; --server {} would let it have them",
                                 server, net::Url::parse(server, "address").origin()));
      }
      return from.at("kind") == "dicomweb" ? dicomweb(server) : nbia(server, folder.annotations(), client.credentials);
    };
    const archive::RepairResult result = archive::repair(folder, source_at, settings_, common.threads, monitor);
    if (!result.unrepaired.empty())
      throw Error(ErrorCode::io, fmt::format("{}: {} series damaged, {} of them could not be fetched again ({})",
                                             out_.string(), result.damaged, result.unrepaired.size(),
                                             reasons_text(count_by_reason(result.unrepaired))));
    Outcome outcome;
    outcome.figures = {{"raw", out_.string()},
                       {"series", folder.records().size()},
                       {"damaged_files", result.faults.size()},
                       {"repaired_series", result.repaired},
                       {"damage", count_by_reason(result.faults)}};
    outcome.text = fmt::format("{}: {} series, {} damaged{}", out_.string(), folder.records().size(),
                               counted(static_cast<std::int64_t>(result.faults.size()), "file"),
                               result.repaired > 0 ? fmt::format(", {} series fetched anew", result.repaired) : "");
    return outcome;
  }

  Outcome outcome_of(const archive::CollectResult& result) const {
    const std::string rejects = counts_text("left out (each in rejects.csv)", count_by_reason(result.rejects));
    // Lines of a manifest that are no series are none that could not be had.
    const auto missing = static_cast<std::int64_t>(result.rejects.size() - line_rejects_.size());
    if (result.unused > 0)
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: nothing is made of {} of {} series, whose files are kept{}: {}", out_.string(),
                              result.unused, result.there + result.fetched,
                              result.left > 0 ? fmt::format("; --budget-gb has no room for {} more", result.left) : "",
                              not_used_));
    if (missing > 0)
      throw Error(ErrorCode::io,
                  fmt::format("{}: {} of {} series could not be had, {} are there; left out (each in "
                              "rejects.csv): {}; the same command tries them again",
                              out_.string(), missing, result.there + result.fetched + missing + result.left,
                              result.there + result.fetched, reasons_text(count_by_reason(result.rejects))));
    Outcome outcome;
    outcome.figures = {{"raw", out_.string()},
                       {"series", result.listed},
                       {"series_there", result.there},
                       {"series_fetched", result.fetched},
                       {"files", result.files},
                       {"bytes", result.bytes},
                       {"left_by_budget", result.left},
                       {"batches", result.batches},
                       {"rejects", count_by_reason(result.rejects)}};
    if (!then_.empty()) outcome.figures["dataset"] = prepare_.options.out.string();
    const double seconds = std::max(result.seconds, 1e-9);
    outcome.text = fmt::format(
        "{}: {} series, {} of them fetched now ({} files, {}, {:.1f} MB/s){}{}{}", out_.string(),
        result.there + result.fetched, result.fetched, result.files, megabytes(result.bytes),
        static_cast<double>(result.bytes) / 1e6 / seconds, rejects,
        result.left > 0 ? fmt::format("; {} series left: --budget-gb has no room for them", result.left) : "",
        result.batches == 0 ? ""
                            : fmt::format("; {}: made of {} batches", prepare_.options.out.string(), result.batches));
    return outcome;
  }

  std::string kind_;
  std::string from_;
  fs::path out_;
  fs::path to_;
  fs::path manifest_;
  std::string server_;
  std::string collection_;
  std::vector<std::string> patients_;
  std::string modality_;
  archive::Selection selection_;
  std::string annotations_;
  double budget_gb_ = 0;
  std::string then_;
  std::int64_t batch_ = 200;
  bool verify_ = false;
  std::vector<Reject> line_rejects_;
  std::string not_used_;
  archive::CollectOptions settings_;
  ArchiveOptions archive_;
  PrepareSettings prepare_;
};

}  // namespace

CommandRow collect_command() {
  return {"collect",
          "CT series and the readers' XML from TCIA, another NBIA or a DICOMweb server, checked and resumable",
          "nodulus collect lidc --patients 1..200 --out raw/", make_command<Collect>};
}

}  // namespace nodulus::app
