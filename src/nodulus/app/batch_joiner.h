#pragma once

#include <torch/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace nodulus::app {

/// Joins what several draw at the same time of the same model in the same way into one batch, which costs less than one
/// after the other. An image depends on its seed and its labels alone, so that no image changes by it.
class BatchJoiner {
 public:
  using OnStep = std::function<void(std::int64_t done, std::int64_t total)>;
  using OnQuestion = std::function<void(const torch::Tensor& x, double sigma)>;
  /// Draws images, [seeds.size(), C, H, W]; labels [N, D] or undefined.
  using Draw = std::function<torch::Tensor(std::span<const std::uint64_t> seeds, const torch::Tensor& labels)>;

  /// At most so many images a batch, and so long a wait for others that draw too.
  BatchJoiner(std::int64_t most, std::chrono::milliseconds patience) : most_(most), patience_(patience) {}
  BatchJoiner(const BatchJoiner&) = delete;
  BatchJoiner& operator=(const BatchJoiner&) = delete;
  ~BatchJoiner();

 private:
  struct Share;
  struct Batch;

 public:
  /// One who draws, in a thread of its own. Those of the same key draw alike: any of them may draw for the others.
  class Member {
   public:
    Member(std::shared_ptr<BatchJoiner> joiner, std::string key);
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member();

    /// Where its steps are told, and what its denoiser is asked. `on_step` may throw, which ends this member's share
    /// alone. Both are called in the thread of whoever draws, while this member waits.
    void listen(OnStep on_step, OnQuestion on_question);
    /// draw(seeds, labels), by itself or within a larger batch. Throws what its own on_step or the drawing threw.
    torch::Tensor images(std::span<const std::uint64_t> seeds, const torch::Tensor& labels, const Draw& draw);
    /// What whoever draws is to call as it does: tells all members of the batch at hand. Throws when none is left.
    void step(std::int64_t done, std::int64_t total);
    void question(const torch::Tensor& x, double sigma);

   private:
    std::shared_ptr<BatchJoiner> joiner_;
    std::string key_;
    OnStep on_step_;
    OnQuestion on_question_;
    Batch* drawing_ = nullptr;  // the batch that this member draws
  };

  /// Batches that held shares of several members, so far.
  [[nodiscard]] std::int64_t joined() const;

 private:
  void run(Batch& batch, const Draw& draw);

  std::int64_t most_;
  std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> members_;                  // of each key
  std::map<std::string, std::shared_ptr<Batch>> open_;  // that others may join
  std::int64_t joined_ = 0;
};

}  // namespace nodulus::app
