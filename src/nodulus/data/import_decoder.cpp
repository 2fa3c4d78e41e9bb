#include "nodulus/data/import_decoder.h"

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/core/threads.h"

namespace nodulus::data {
namespace {

constexpr std::size_t batch_entries = 256;
constexpr std::size_t batch_bytes = std::size_t{64} << 20;

}  // namespace

ImportDecoder::ImportDecoder(const ImportOptions& options, const CsvTable& table, const ImportPlan& plan,
                             std::filesystem::path scratch, std::vector<Reject>& rejects, Monitor& monitor)
    : options_(options),
      table_(table),
      plan_(plan),
      scratch_(std::move(scratch)),
      rejects_(rejects),
      monitor_(monitor),
      image_done_(plan.items.size()),
      mask_done_(plan.items.size()) {
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    uses_[plan.items[i].picture].push_back({i, false});
    if (plan.masks) uses_[plan.items[i].mask].push_back({i, true});
  }
}

bool ImportDecoder::usable(std::size_t item) const {
  return image_done_[item] != 0 && (!plan_.masks || mask_done_[item] != 0);
}

void ImportDecoder::get(std::size_t item, std::span<std::int16_t> image, std::span<std::uint8_t> mask) const {
  images_->get(static_cast<std::int64_t>(item), std::as_writable_bytes(image));
  if (plan_.masks) masks_->get(static_cast<std::int64_t>(item), std::as_writable_bytes(mask));
}

void ImportDecoder::decode_all(EntrySource& source) {
  const std::size_t rejects_before = rejects_.size();
  decode_pass(source);
  if (options_.size > 0 || sizes_.empty()) return;
  const auto [size, count] =
      *std::max_element(sizes_.begin(), sizes_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (sizes_[{height_, width_}] == count) return;
  monitor_.note("the first picture is not of the most common size; reading all again");
  rejects_.resize(rejects_before);
  input_sums_.clear();
  done_ = 0;
  std::fill(image_done_.begin(), image_done_.end(), 0);
  std::fill(mask_done_.begin(), mask_done_.end(), 0);
  set_size(size.first, size.second);
  decode_pass(source);
}

void ImportDecoder::decode_pass(EntrySource& source) {
  const auto mapped = [&](const std::string& name) { return is_npy_name(name) && !source.file_of(name).empty(); };
  const auto array = [&](const std::string& name, const std::function<NpyMap()>& open) {
    try {
      decode_array(name, open());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;
      rejects_.push_back({name, "damaged array", error.what()});
    }
  };
  const auto visit = [&](const std::string& name, std::vector<std::byte> bytes) {
    if (is_npy_name(name)) {
      input_sums_ += name + " " + sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "\n";
      return array(name, [&] { return NpyMap::from_bytes(std::move(bytes), name); });
    }
    waiting_bytes_ += bytes.size();
    waiting_.emplace_back(name, std::move(bytes));
    if (waiting_.size() >= batch_entries || waiting_bytes_ >= batch_bytes) flush();
  };
  source.visit([&](const std::string& name) { return uses_.contains(name) && !mapped(name); }, visit, rejects_);
  flush();
  for (const auto& [name, uses] : uses_) {
    if (!mapped(name)) continue;
    const std::filesystem::path file = source.file_of(name);
    input_sums_ += name + " " + sha256_file(file) + "\n";
    array(name, [&] { return NpyMap::open(file); });
  }
}

void ImportDecoder::flush() {
  std::vector<std::variant<GrayImage, Reject>> pictures(waiting_.size(), Reject{});
  std::vector<std::string> sums(waiting_.size());
  parallel_for(static_cast<std::int64_t>(waiting_.size()), options_.threads, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const auto& [name, bytes] = waiting_[at];
    pictures[at] = decode_picture(bytes, name);
    sums[at] = sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  });
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    const std::string& name = waiting_[i].first;
    input_sums_ += name + " " + sums[i] + "\n";
    for (const Use& use : uses_.at(name)) tasks.push_back({use, name, pictures[i], {}});
  }
  waiting_.clear();
  waiting_bytes_ = 0;
  store_all(tasks);
}

void ImportDecoder::decode_array(const std::string& name, const NpyMap& array) {
  const std::vector<Use>& uses = uses_.at(name);
  for (std::size_t start = 0; start < uses.size(); start += batch_entries) {
    std::vector<Task> tasks;
    for (std::size_t i = start; i < std::min(start + batch_entries, uses.size()); ++i) {
      auto picture = npy_picture(array, plan_.items[uses[i].item].index);
      if (auto* const reject = std::get_if<Reject>(&picture)) reject->where = name;
      tasks.push_back({uses[i], name, std::move(picture), {}});
    }
    store_all(tasks);
  }
}

void ImportDecoder::store_all(std::vector<Task>& tasks) {
  if (monitor_.stop_requested()) throw Error(ErrorCode::stopped, "import stopped: nothing was written");
  for (const Task& task : tasks) note_size(task);
  parallel_for(static_cast<std::int64_t>(tasks.size()), options_.threads,
               [&](std::int64_t i) { store(tasks[static_cast<std::size_t>(i)]); });
  for (const Task& task : tasks) {
    if (task.fault) rejects_.push_back(*task.fault);
    if (!task.use.mask) ++done_;
  }
  monitor_.progress({"importing", done_, static_cast<std::int64_t>(plan_.items.size()), "images", ""});
}

/// The first good picture, image or mask, says how large all are, until most say otherwise.
void ImportDecoder::note_size(const Task& task) {
  const auto* const image = std::get_if<GrayImage>(&task.picture);
  if (image == nullptr) return;
  synthetic_ = synthetic_ || image->synthetic;
  if (!task.use.mask) ++sizes_[{image->height, image->width}];
  if (height_ > 0) return;
  if (options_.size > 0 && options_.size > std::min(image->height, image->width)) {
    return;  // rejected by itself; a larger one may follow
  }
  set_size(options_.size > 0 ? options_.size : image->height, options_.size > 0 ? options_.size : image->width);
}

void ImportDecoder::set_size(int height, int width) {
  height_ = height;
  width_ = width;
  const std::size_t pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  images_.emplace(scratch_, pixels * sizeof(std::int16_t));
  masks_.emplace(scratch_, pixels);
}

void ImportDecoder::store(Task& task) {
  if (const auto* const reject = std::get_if<Reject>(&task.picture)) {
    task.fault = *reject;
    return;
  }
  const auto& image = std::get<GrayImage>(task.picture);
  const bool fits = options_.size > 0 ? std::min(image.height, image.width) >= options_.size
                                      : image.height == height_ && image.width == width_;
  if (!fits) {
    const int height = options_.size > 0 ? options_.size : height_;
    const int width = options_.size > 0 ? options_.size : width_;
    task.fault = Reject{task.name, options_.size > 0 ? "smaller than the cut" : "wrong size",
                        "expected " + std::to_string(width) + "x" + std::to_string(height) + ", found " +
                            std::to_string(image.width) + "x" + std::to_string(image.height) +
                            (options_.size > 0 ? "" : "; --size cuts all to one size")};
    return;
  }
  task.use.mask ? store_mask(task, image) : store_image(task, image);
}

std::int32_t ImportDecoder::cut_value(const GrayImage& image, std::size_t pixel) const {
  const auto width = static_cast<std::size_t>(width_);
  const std::size_t y = pixel / width + static_cast<std::size_t>(image.height - height_) / 2;
  const std::size_t x = pixel % width + static_cast<std::size_t>(image.width - width_) / 2;
  return image.values[y * static_cast<std::size_t>(image.width) + x];
}

void ImportDecoder::store_image(Task& task, const GrayImage& image) {
  const auto [gain, offset] = gain_and_offset(plan_.items[task.use.item].row, image.max_value);
  std::vector<std::int16_t> hu(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_));
  for (std::size_t i = 0; i < hu.size(); ++i) {
    hu[i] = static_cast<std::int16_t>(std::lround(std::clamp(gain * cut_value(image, i) + offset, -32768.0, 32767.0)));
  }
  images_->put(static_cast<std::int64_t>(task.use.item), std::as_bytes(std::span(hu)));
  image_done_[task.use.item] = 1;
}

void ImportDecoder::store_mask(Task& task, const GrayImage& image) {
  const bool black_white =
      std::all_of(image.values.begin(), image.values.end(), [](std::int32_t v) { return v == 0 || v == 255; });
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_));
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const std::int32_t value = black_white ? cut_value(image, i) / 255 * 4 : cut_value(image, i);
    if (value < 0 || value > 4) {
      task.fault = Reject{task.name, "mask value",
                          "expected 0 to 4 readers, or 0 and 255 alone; found " + std::to_string(value)};
      return;
    }
    mask[i] = static_cast<std::uint8_t>(value);
  }
  masks_->put(static_cast<std::int64_t>(task.use.item), std::as_bytes(std::span(mask)));
  mask_done_[task.use.item] = 1;
}

std::pair<double, double> ImportDecoder::gain_and_offset(std::size_t row, int max_value) const {
  if (plan_.hu_known) return {table_.number(row, "hu_gain"), table_.number(row, "hu_offset")};
  if (max_value == 0) return {1, 0};
  return {(options_.window_hu.hi - options_.window_hu.lo) / max_value, options_.window_hu.lo};
}

}  // namespace nodulus::data
