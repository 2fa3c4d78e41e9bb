#pragma once

namespace nodulus::nn {

/// While one lives, the operations of this thread are libtorch's own, by the references of ours: what libtorch's tracer
/// can follow, and another program run.
class PlainOperations {
 public:
  PlainOperations() : before_(active_) { active_ = true; }
  PlainOperations(const PlainOperations&) = delete;
  PlainOperations& operator=(const PlainOperations&) = delete;
  ~PlainOperations() { active_ = before_; }

  [[nodiscard]] static bool active() { return active_; }

 private:
  inline static thread_local bool active_ = false;
  bool before_;
};

}  // namespace nodulus::nn
