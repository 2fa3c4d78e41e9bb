#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nodulus/archive/raw_folder.h"
#include "nodulus/archive/source.h"
#include "nodulus/net/retry.h"

namespace nodulus::archive {

struct CollectOptions {
  int connections = 4;
  net::RetryRule retry;  ///< Of a series.
  net::ClientOptions client;
  std::int64_t budget_bytes = 0;    ///< Of the raw folder's files on disk; 0: no limit.
  std::int64_t batch_patients = 0;  ///< Patients a batch; 0: all.
  int give_up_after = 8;            ///< Series in a row that no try could fetch, for want of a server that answers.
};

struct CollectResult {
  std::int64_t listed = 0;      ///< Series of the selection.
  std::int64_t there = 0;       ///< Of them: there before.
  std::int64_t fetched = 0;     ///< Series.
  std::int64_t files = 0;       ///< Of them.
  std::int64_t bytes = 0;       ///< Of them, as they lie on disk.
  std::int64_t left = 0;        ///< Series that the budget had no room for.
  std::int64_t batches = 0;     ///< Handed over.
  std::int64_t unused = 0;      ///< Series that were handed over and not used: their files are kept.
  std::vector<Reject> rejects;  ///< A series each, and lines of a list.
  double seconds = 0;
};

/// What to do with a batch of series that have come. The UIDs of those that were used: their files are dropped.
using AfterBatch = std::function<std::set<std::string>(const std::vector<const Record*>& batch)>;

/// Series of a selection as they are on the server: which there are, how many are here.
struct CollectPlan {
  std::vector<RemoteSeries> missing;
  std::vector<std::string> there;  ///< Series UIDs.
  std::vector<Reject> rejects;     ///< Of the list.
  Selection selection;
  std::map<std::string, Record> former;  ///< Of series that are fetched anew: no less may come.

  [[nodiscard]] std::int64_t listed() const { return static_cast<std::int64_t>(missing.size() + there.size()); }
};
/// Asks the source for the selection, all of it missing yet. Throws as Source::list().
CollectPlan plan_collect(Source& source, const Selection& selection, const net::ClientOptions& client,
                         Monitor& monitor);
/// Sorts out what is in the folder already.
void sort_out(CollectPlan& plan, const RawFolder& folder);

/// Fetches what is missing, several series at a time, each whole or not at all; what was fetched before is not asked
/// for again. A series that cannot be had is a reject; one that turns out to be of another patient or modality than
/// asked for is passed over. With `after_batch`, batch after batch: each is handed over and what was used of it is
/// dropped before the next is begun; what was not is handed over once more, all together, at the end or where the
/// budget has no more room. Without it, collecting ends where the budget does.
///
/// Error{io}: the disk is full, or the server no longer answers (both keep all that is there); Error{not_found} where
/// every series is passed over; Error{stopped}.
CollectResult collect(Source& source, const CollectPlan& plan, RawFolder& folder, const CollectOptions& options,
                      Monitor& monitor, const AfterBatch& after_batch = {});

/// The source that a series came from, by Source::address().
/// May take the credentials from `client`, where that server is not to have them.
using SourceAt = std::function<std::unique_ptr<Source>(const Json& address, net::ClientOptions& client)>;

struct RepairResult {
  std::int64_t damaged = 0;        ///< Series.
  std::int64_t repaired = 0;       ///< Of them.
  std::vector<Reject> faults;      ///< A damaged file each, or a record.
  std::vector<Reject> unrepaired;  ///< A series each.
};

/// Reads everything again (RawFolder::verify) and fetches damaged series anew, from where they came, no less than was
/// there: readings that do not come again are kept. Series of a server that has gone are unrepaired, those of others
/// are gone on with. Error{io} where the disk is full, Error{stopped}.
RepairResult repair(RawFolder& folder, const SourceAt& source_at, const CollectOptions& options, int threads,
                    Monitor& monitor);

}  // namespace nodulus::archive
