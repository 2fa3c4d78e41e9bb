#include "nodulus/app/batch_joiner.h"

#include <exception>

#include "nodulus/core/error.h"

namespace nodulus::app {

/// What one member has in a batch.
struct BatchJoiner::Share {
  const OnStep* on_step;
  const OnQuestion* on_question;
  std::vector<std::uint64_t> seeds;
  torch::Tensor labels;
  std::int64_t first = 0;  ///< In the batch.
  std::exception_ptr ended{};
  torch::Tensor images{};

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(seeds.size()); }
};

struct BatchJoiner::Batch {
  std::vector<std::shared_ptr<Share>> shares;
  std::int64_t count = 0;
  bool done = false;
};

BatchJoiner::~BatchJoiner() = default;

BatchJoiner::Member::Member(std::shared_ptr<BatchJoiner> joiner, std::string key)
    : joiner_(std::move(joiner)), key_(std::move(key)) {
  const std::lock_guard lock(joiner_->mutex_);
  ++joiner_->members_[key_];
}

BatchJoiner::Member::~Member() {
  const std::lock_guard lock(joiner_->mutex_);
  if (--joiner_->members_[key_] == 0) joiner_->members_.erase(key_);
  joiner_->changed_.notify_all();  // who waits for it need not
}

void BatchJoiner::Member::listen(OnStep on_step, OnQuestion on_question) {
  on_step_ = std::move(on_step);
  on_question_ = std::move(on_question);
}

torch::Tensor BatchJoiner::Member::images(std::span<const std::uint64_t> seeds, const torch::Tensor& labels,
                                          const Draw& draw) {
  const auto share = std::make_shared<Share>(Share{&on_step_, &on_question_, {seeds.begin(), seeds.end()}, labels});
  const std::string key = key_ + (labels.defined() ? " labels" : "");
  BatchJoiner& joiner = *joiner_;
  std::unique_lock lock(joiner.mutex_);
  std::shared_ptr<Batch>& open = joiner.open_[key];
  const bool leads = !open || open->count + share->count() > joiner.most_;
  if (leads) open = std::make_shared<Batch>();  // one that is full is closed by that
  const std::shared_ptr<Batch> batch = open;
  share->first = batch->count;
  batch->shares.push_back(share);
  batch->count += share->count();
  joiner.changed_.notify_all();
  if (leads) {
    const auto is_open = [&] {
      const auto found = joiner.open_.find(key);
      return found != joiner.open_.end() && found->second == batch;
    };
    // Until all who draw alike are here, or nobody can join any more; in vain where they are at something else.
    joiner.changed_.wait_for(lock, joiner.patience_, [&] {
      return !is_open() || batch->count >= joiner.most_ ||
             static_cast<int>(batch->shares.size()) >= joiner.members_[key_];
    });
    if (is_open()) joiner.open_.erase(key);
    joiner.joined_ += batch->shares.size() > 1 ? 1 : 0;
    lock.unlock();
    drawing_ = batch.get();
    joiner.run(*batch, draw);
    drawing_ = nullptr;
  } else {
    joiner.changed_.wait(lock, [&] { return batch->done; });
  }
  if (share->ended) std::rethrow_exception(share->ended);
  return share->images;
}

void BatchJoiner::run(Batch& batch, const Draw& draw) {
  std::exception_ptr failed;
  try {
    std::vector<std::uint64_t> seeds;
    std::vector<torch::Tensor> labels;
    for (const auto& share : batch.shares) {
      seeds.insert(seeds.end(), share->seeds.begin(), share->seeds.end());
      if (share->labels.defined()) labels.push_back(share->labels);
    }
    const torch::Tensor images = draw(seeds, labels.empty() ? torch::Tensor() : torch::cat(labels));
    for (const auto& share : batch.shares) share->images = images.narrow(0, share->first, share->count()).contiguous();
  } catch (...) {
    failed = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  for (const auto& share : batch.shares) {
    if (failed && !share->ended) share->ended = failed;
  }
  batch.done = true;
  changed_.notify_all();
}

void BatchJoiner::Member::step(std::int64_t done, std::int64_t total) {
  if (drawing_ == nullptr) return;
  bool anybody = false;
  for (const auto& share : drawing_->shares) {
    if (share->ended) continue;
    try {
      if (*share->on_step) (*share->on_step)(done, total);
      anybody = true;
    } catch (...) {
      share->ended = std::current_exception();  // the others go on
    }
  }
  if (!anybody) throw Error(ErrorCode::stopped, "stopped: nobody waits for these images any more");
}

void BatchJoiner::Member::question(const torch::Tensor& x, double sigma) {
  if (drawing_ == nullptr || x.size(0) != drawing_->count) return;  // of some of the images alone
  for (const auto& share : drawing_->shares) {
    if (*share->on_question && !share->ended) (*share->on_question)(x.narrow(0, share->first, share->count()), sigma);
  }
}

std::int64_t BatchJoiner::joined() const {
  const std::lock_guard lock(mutex_);
  return joined_;
}

}  // namespace nodulus::app
