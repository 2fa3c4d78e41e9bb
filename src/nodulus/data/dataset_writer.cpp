#include <algorithm>
#include <set>
#include <vector>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/data/dataset.h"
#include "nodulus/data/item_table.h"

namespace nodulus::data {
struct DatasetWriter::Impl {
  /// Distinct patients and nodules, by the first bytes of their hashes: 8 bytes each, however long the names are.
  struct Tally {
    std::int64_t items = 0;
    std::set<std::uint64_t> patients;
    std::set<std::uint64_t> nodules;

    void add(std::uint64_t patient, const std::vector<std::uint64_t>& shown) {
      ++items;
      patients.insert(patient);
      nodules.insert(shown.begin(), shown.end());
    }
    [[nodiscard]] Counts counts() const {
      return {items, static_cast<std::int64_t>(patients.size()), static_cast<std::int64_t>(nodules.size())};
    }
  };

  std::filesystem::path folder;
  DatasetInfo info;
  NpyWriter images;
  std::optional<NpyWriter> masks;
  CsvWriter items;
  CsvWriter nodules;
  Tally all;
  std::array<Tally, 3> by_split;

  Impl(const std::filesystem::path& where, DatasetInfo what, std::vector<std::string> nodule_columns)
      : folder(where),
        info(std::move(what)),
        images(where / "images.npy", NpyType::int16, {info.height, info.width}),
        items(where / "items.csv", item_columns(info.labels)),
        nodules(where / "nodules.csv", std::move(nodule_columns)) {
    if (info.masks)
      masks.emplace(where / "masks.npy", NpyType::uint8, std::vector<std::int64_t>{info.height, info.width});
  }
};

DatasetWriter::DatasetWriter(const std::filesystem::path& folder, DatasetInfo info,
                             std::vector<std::string> nodule_columns)
    : impl_(std::make_unique<Impl>(folder, std::move(info), std::move(nodule_columns))) {}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const Item& item, std::span<const std::int16_t> image_hu,
                           std::span<const std::uint8_t> mask) {
  const DatasetInfo& info = impl_->info;
  const std::size_t size = static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width);
  if (image_hu.size() != size || mask.size() != (info.masks ? size : 0) || item.labels.size() != info.labels.size()) {
    throw Error(ErrorCode::internal, "data set: an item of " + std::to_string(image_hu.size()) + " pixels, " +
                                         std::to_string(mask.size()) + " mask pixels and " +
                                         std::to_string(item.labels.size()) + " labels");
  }
  impl_->images.append(image_hu);
  if (impl_->masks) impl_->masks->append(mask);
  impl_->items.row(item_row(item));
  const std::uint64_t patient = stable_hash(item.patient);
  std::vector<std::uint64_t> nodules;  // a whole slice may show several: "a;b"
  for (std::size_t start = 0; start < item.nodule.size();) {
    const std::size_t end = std::min(item.nodule.find(';', start), item.nodule.size());
    nodules.push_back(stable_hash(item.patient + '\n' + item.nodule.substr(start, end - start)));
    start = end + 1;
  }
  for (Impl::Tally* tally : {&impl_->all, &impl_->by_split[static_cast<std::size_t>(item.split)]}) {
    tally->add(patient, nodules);
  }
}

void DatasetWriter::append_nodule(std::span<const std::string> fields) { impl_->nodules.row(fields); }

std::int64_t DatasetWriter::size() const { return impl_->images.rows(); }

DatasetInfo DatasetWriter::close(std::span<const Reject> rejects) {
  Impl& impl = *impl_;
  impl.images.close();
  if (impl.masks) impl.masks->close();
  impl.items.close();
  impl.nodules.close();
  CsvWriter rejected(impl.folder / "rejects.csv", {"where", "reason", "detail"});
  impl.info.rejects.clear();
  for (const Reject& reject : rejects) {
    ++impl.info.rejects[reject.reason];
    rejected.row(std::vector<std::string>{reject.where, reject.reason, reject.detail});
  }
  rejected.close();
  impl.info.counts = impl.all.counts();
  for (const Split split : {Split::train, Split::val, Split::test}) {
    impl.info.counts_by_split[std::string(name(split))] = impl.by_split[static_cast<std::size_t>(split)].counts();
  }
  impl.info.files.clear();
  for (const auto& entry : std::filesystem::directory_iterator(impl.folder)) {  // tables of the caller's own too
    impl.info.files[entry.path().filename().string()] = sha256_file(entry.path());
  }
  write_dataset_info(impl.folder / "dataset.json", impl.info);
  return impl.info;
}

}  // namespace nodulus::data
