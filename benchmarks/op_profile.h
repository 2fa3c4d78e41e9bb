#pragma once

#include <map>
#include <string>

namespace nodulus::bench {

/// Self time of every libtorch operation on this thread while the object lives: time within an operation less that of
/// the operations it calls.
class OpProfile {
 public:
  OpProfile();
  OpProfile(const OpProfile&) = delete;
  OpProfile& operator=(const OpProfile&) = delete;
  ~OpProfile();

  /// Seconds by operation name.
  [[nodiscard]] static const std::map<std::string, double>& seconds();

 private:
  unsigned long handle_;
};

}  // namespace nodulus::bench
