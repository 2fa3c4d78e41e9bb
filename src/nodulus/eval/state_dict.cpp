#include "nodulus/eval/state_dict.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/eval/pickle.h"
#include "nodulus/eval/stored_zip.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;
using Kind = PickleValue::Kind;

constexpr std::string_view zip_start = "PK\x03\x04";
// The number 0x1950a86a20f9469cfc6c as a pickle of its own, after the two bytes that say the protocol.
constexpr std::string_view magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13);
constexpr std::size_t protocol_bytes = 2;
constexpr std::int64_t container_version = 1001;
constexpr std::size_t most_dimensions = 8;

constexpr std::string_view rebuild = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view old_rebuild = "torch._utils._rebuild_tensor";
constexpr std::string_view rebuild_parameter = "torch._utils._rebuild_parameter";
constexpr std::array<std::pair<std::string_view, at::ScalarType>, 4> storage_types = {
    {{"torch.FloatStorage", at::kFloat},
     {"torch.HalfStorage", at::kHalf},
     {"torch.DoubleStorage", at::kDouble},
     {"torch.LongStorage", at::kLong}}};
constexpr std::array<std::string_view, 7> known_globals = {rebuild,
                                                           old_rebuild,
                                                           rebuild_parameter,
                                                           storage_types[0].first,
                                                           storage_types[1].first,
                                                           storage_types[2].first,
                                                           storage_types[3].first};

struct StorageId {
  at::ScalarType type = at::kFloat;
  std::string key;
  std::int64_t count = 0;   // of the whole storage
  std::int64_t first = 0;   // where this view of it begins
  std::int64_t length = 0;  // of this view

  [[nodiscard]] std::size_t bytes() const { return static_cast<std::size_t>(count) * at::elementSize(type); }
};

/// Where tensors' numbers come from.
struct Storages {
  /// The storage that an id names, 1-D. Checked to have the id's type and count.
  std::function<Tensor(const StorageId&)> get;
  /// Bytes that may be copied: no more than the file has, whatever tensors share a storage.
  std::uint64_t room = 0;
};

[[noreturn]] void bad(const std::string& where, const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::bad_input, fmt::format("{}: expected {}, found {}", where, expected, found));
}

std::string first_line(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

bool is_count(const PickleValue& value) {
  // Far below an overflow, and more elements than any machine holds.
  return value.is(Kind::integer) && value.integer >= 0 && value.integer <= std::int64_t{1} << 48;
}

// ---- From the pickle's values to tensors

/// ("storage", type, key, location, count[, None or (key of the view, first, length)])
StorageId storage_id(const PickleValue& value, const std::string& where) {
  const auto refuse = [&] { bad(where, "a storage's type, key and count", "another id"); };
  if (!value.is(Kind::persistent) || !value.items[0]->is(Kind::tuple)) refuse();
  const auto& id = value.items[0]->items;
  if (id.size() < 5 || id.size() > 6 || id[0]->text != "storage" || !id[2]->is(Kind::text) || !is_count(*id[4]))
    refuse();
  StorageId found;
  const auto* const type = std::find_if(storage_types.begin(), storage_types.end(),
                                        [&](const auto& known) { return id[1]->is_global(known.first); });
  if (type == storage_types.end()) refuse();
  found.type = type->second;
  found.key = id[2]->text;
  found.count = found.length = id[4]->integer;
  if (id.size() == 6 && !id[5]->is(Kind::none)) {
    const auto& view = id[5]->items;
    if (!id[5]->is(Kind::tuple) || view.size() != 3 || !is_count(*view[1]) || !is_count(*view[2])) refuse();
    found.first = view[1]->integer;
    found.length = view[2]->integer;
    if (found.first + found.length > found.count) bad(where, "a view within its storage", "one that reaches beyond it");
  }
  return found;
}

std::vector<std::int64_t> counts_of(const PickleValue& value, const std::string& where) {
  if (!value.is(Kind::tuple) || value.items.size() > most_dimensions ||
      !std::all_of(value.items.begin(), value.items.end(), [](const PickleValue* v) { return is_count(*v); }))
    bad(where, fmt::format("sizes and strides, at most {} each", most_dimensions), "other values");
  std::vector<std::int64_t> counts;
  for (const PickleValue* item : value.items) counts.push_back(item->integer);
  return counts;
}

/// (storage, offset, sizes, strides, ...), each element checked to lie within the storage.
Tensor rebuilt(const std::vector<PickleValue*>& arguments, Storages& storages, const std::string& where) {
  if (arguments.size() < 4 || !is_count(*arguments[1]))
    bad(where, "a storage, an offset, sizes and strides", fmt::format("{} other values", arguments.size()));
  const StorageId id = storage_id(*arguments[0], where);
  const std::int64_t offset = arguments[1]->integer;
  const auto sizes = counts_of(*arguments[2], where);
  const auto strides = counts_of(*arguments[3], where);
  if (sizes.size() != strides.size())
    bad(where, fmt::format("{} strides", sizes.size()), std::to_string(strides.size()));
  const Tensor storage = storages.get(id);
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return torch::empty(sizes, storage.options());
  std::int64_t elements = 1;
  std::int64_t last = offset;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    // Divided rather than multiplied, so that nothing overflows.
    if (elements > id.length / sizes[d] || (sizes[d] > 1 && strides[d] > id.length / (sizes[d] - 1)))
      bad(where, fmt::format("a tensor within a storage of {} elements", id.length), "one that reaches beyond it");
    elements *= sizes[d];
    last += (sizes[d] - 1) * strides[d];
  }
  if (last >= id.length)
    bad(where, fmt::format("a tensor within a storage of {} elements", id.length),
        fmt::format("one with an element at {}", last));
  Tensor view = storage.as_strided(sizes, strides, id.first + offset);
  if (view.is_contiguous()) return view;
  if (view.nbytes() > storages.room) bad(where, "tensors no larger than the file in all", "larger ones");
  storages.room -= view.nbytes();
  return view.contiguous();
}

/// The tensor that a value stands for, or nothing where it is none.
std::optional<Tensor> tensor_of_value(const PickleValue* value, Storages& storages, const std::string& where) {
  if (value->is(Kind::call) && value->items[0]->is_global(rebuild_parameter) && !value->items[1]->items.empty())
    value = value->items[1]->items[0];
  if (!value->is(Kind::call)) return {};
  if (!value->items[0]->is_global(rebuild) && !value->items[0]->is_global(old_rebuild))
    bad(where, "a tensor", fmt::format("a call of '{}'", value->items[0]->text));
  return rebuilt(value->items[1]->items, storages, where);
}

/// {"ema": {"shadow_params": [...]}}, at most `most` of them, or nothing.
std::vector<Tensor> averages_of(const PickleValue& root, std::size_t most, Storages& storages,
                                const std::string& where) {
  const PickleValue* const state = root.find("ema");
  const PickleValue* const list = state != nullptr ? state->find("shadow_params") : nullptr;
  std::vector<Tensor> averages;
  if (list == nullptr || !list->is(Kind::list)) return averages;
  if (list->items.size() > most)
    bad(where, fmt::format("at most {} averages in 'ema.shadow_params', as many as there are weights", most),
        std::to_string(list->items.size()));
  for (const PickleValue* const value : list->items) {
    const std::string name = fmt::format("{}, 'ema.shadow_params.{}'", where, averages.size());
    const auto tensor = tensor_of_value(value, storages, name);
    if (!tensor) bad(name, "a tensor", "another value");
    averages.push_back(*tensor);
  }
  return averages;
}

TrainedState collect(const PickleValue& root, Storages& storages, const std::string& where) {
  const PickleValue* found = &root;
  for (const char* const key : {"state_dict", "model"})
    if (const PickleValue* const inner = root.find(key); found == &root && inner != nullptr && inner->is(Kind::dict))
      found = inner;
  if (!found->is(Kind::dict)) bad(where, "a state dict: tensors by name", "another object");
  constexpr std::string_view prefix = "module.";
  TrainedState state;
  for (std::size_t i = 0; i < found->items.size(); i += 2) {
    if (!found->items[i]->is(Kind::text)) continue;
    std::string name = found->items[i]->text;
    const auto tensor = tensor_of_value(found->items[i + 1], storages, fmt::format("{}, '{}'", where, name));
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
    if (tensor && state.weights.insert_or_assign(name, *tensor).second) state.order.push_back(name);
  }
  if (state.weights.empty()) bad(where, "a state dict: tensors by name", "no tensor");
  state.averages = averages_of(root, state.order.size(), storages, where);
  return state;
}

// ---- The zip archive

TrainedState read_zip(const std::filesystem::path& file) {
  const std::string where = file.string();
  StoredZip zip(file);
  if (!zip.has("data.pkl")) bad(where, "a state dict with a record 'data.pkl'", "none");
  if (zip.has("byteorder") && zip.text("byteorder") != "little")
    bad(where, "numbers with the lowest byte first", "others");
  const std::string bytes = zip.text("data.pkl");
  const Pickle pickle(bytes, known_globals, where);
  std::map<std::string, Tensor> read;
  Storages storages{[&](const StorageId& id) {
                      const auto before = read.find(id.key);
                      if (before != read.end()) {
                        if (before->second.scalar_type() != id.type || before->second.numel() != id.count)
                          bad(where, fmt::format("storage '{}' to have one type and size", id.key), "two");
                        return before->second;
                      }
                      const std::string record = "data/" + id.key;
                      if (zip.size(record) != id.bytes())
                        bad(where, fmt::format("storage '{}' to have {} bytes", id.key, id.bytes()),
                            std::to_string(zip.size(record)));
                      const Tensor storage = torch::empty({id.count}, id.type);
                      zip.read(record, {static_cast<std::byte*>(storage.data_ptr()), id.bytes()});
                      return read[id.key] = storage;
                    },
                    zip.file_bytes()};
  return collect(pickle.root(), storages, where);
}

// ---- The older container: the magic number, a version, the writer's machine, the object, the keys, the storages

class OldContainer {
 public:
  OldContainer(std::string bytes, std::string where) : bytes_(std::move(bytes)), where_(std::move(where)) {}

  /// One pickle at a time is in memory; the object is read twice, for its storages' ids and then for its tensors.
  TrainedState read() {
    position_ = protocol_bytes + magic.size();
    check_version(next());
    check_order(next());
    const std::size_t object = position_;
    const StorageIds ids = storage_ids(next());
    read_storages(ids, next());
    Storages storages{[&](const StorageId& id) {
                        const auto found = storages_.find(id.key);
                        if (found == storages_.end()) bad(where_, fmt::format("storage '{}'", id.key), "none");
                        return found->second;
                      },
                      bytes_.size()};
    position_ = object;
    return collect(next().root(), storages, where_);
  }

 private:
  using StorageIds = std::map<std::string, StorageId>;

  Pickle next() {
    Pickle pickle(std::string_view(bytes_).substr(position_), known_globals, where_);
    position_ += pickle.size();
    return pickle;
  }

  void check_version(const Pickle& version) const {
    if (!version.root().is(Kind::integer) || version.root().integer != container_version)
      bad(where_, fmt::format("version {} of the container", container_version), "another");
  }

  void check_order(const Pickle& machine) const {
    const PickleValue* const order = machine.root().find("little_endian");
    if (order == nullptr || order->integer != 1) bad(where_, "numbers with the lowest byte first", "others");
  }

  std::string_view take(std::size_t count) {
    const std::size_t left = bytes_.size() - position_;
    if (count > left)
      bad(where_, fmt::format("{} more bytes of storages", count), fmt::format("{}: the file is cut off", left));
    const std::string_view taken = std::string_view(bytes_).substr(position_, count);
    position_ += count;
    return taken;
  }

  [[nodiscard]] StorageIds storage_ids(const Pickle& object) const {
    StorageIds ids;
    for (const PickleValue& value : object.values()) {
      if (!value.is(Kind::persistent)) continue;
      const StorageId id = storage_id(value, where_);
      const auto [known, is_new] = ids.emplace(id.key, id);
      if (!is_new && (known->second.type != id.type || known->second.count != id.count))
        bad(where_, fmt::format("storage '{}' to have one type and size", id.key), "two");
    }
    return ids;
  }

  /// Their numbers follow in the order of the keys.
  void read_storages(const StorageIds& ids, const Pickle& keys) {
    if (!keys.root().is(Kind::list)) bad(where_, "a list of the storages' keys", "another object");
    for (const PickleValue* key : keys.root().items) {
      const auto found = ids.find(key->text);
      if (!key->is(Kind::text) || found == ids.end()) bad(where_, "keys of the storages in use", "another");
      const StorageId& id = found->second;
      std::int64_t count = 0;
      std::memcpy(&count, take(sizeof count).data(), sizeof count);
      if (count != id.count)
        bad(where_, fmt::format("storage '{}' to have {} elements", id.key, id.count), std::to_string(count));
      const std::string_view data = take(id.bytes());
      const Tensor storage = torch::empty({count}, id.type);
      if (!data.empty()) std::memcpy(storage.data_ptr(), data.data(), data.size());
      storages_[id.key] = storage;
    }
  }

  std::string bytes_;
  std::string where_;
  std::size_t position_ = 0;
  std::map<std::string, Tensor> storages_;
};

bool is_old_container(std::string_view start) {
  return start.size() > protocol_bytes && start.substr(protocol_bytes).starts_with(magic);
}

/// As many bytes as tell the containers apart.
std::string start_of(const std::filesystem::path& file) {
  std::array<char, protocol_bytes + magic.size()> start{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), start.size());
  if (stream.gcount() == 0) return read_file(file);  // which says what is wrong with it
  return {start.data(), static_cast<std::size_t>(stream.gcount())};
}

}  // namespace

TorchFileKind torch_file_kind(const std::filesystem::path& file) {
  const std::string start = start_of(file);
  if (is_old_container(start)) return TorchFileKind::state_dict;
  if (!start.starts_with(zip_start)) return TorchFileKind::other;
  const StoredZip zip(file);
  if (zip.has("constants.pkl")) return TorchFileKind::script;
  return zip.has("data.pkl") ? TorchFileKind::state_dict : TorchFileKind::other;
}

TrainedState read_trained_state(const std::filesystem::path& file) {
  const torch::NoGradGuard no_grad;
  const std::string start = start_of(file);
  const std::string where = file.string();
  try {
    if (is_old_container(start)) return OldContainer(read_file(file), where).read();
    if (start.starts_with(zip_start)) return read_zip(file);
  } catch (const c10::Error& error) {
    bad(where, "a whole state dict", first_line(error));
  }
  bad(where, "a state dict that torch.save() wrote", "other bytes");
}

StateDict read_state_dict(const std::filesystem::path& file) { return read_trained_state(file).weights; }

}  // namespace nodulus::eval
