#include "benchmarks/op_profile.h"

#include <ATen/record_function.h>

#include <chrono>
#include <memory>
#include <vector>

namespace nodulus::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Frame : at::ObserverContext {
  Clock::time_point start = Clock::now();
  double children = 0;
};

std::map<std::string, double> totals;
std::vector<Frame*> stack;

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& /*function*/) {
  auto frame = std::make_unique<Frame>();
  stack.push_back(frame.get());
  return frame;
}

void leave(const at::RecordFunction& function, at::ObserverContext* context) {
  const auto* frame = static_cast<Frame*>(context);
  const double all = std::chrono::duration<double>(Clock::now() - frame->start).count();
  stack.pop_back();
  totals[function.name()] += all - frame->children;
  if (!stack.empty()) stack.back()->children += all;
}

}  // namespace

OpProfile::OpProfile() {
  totals.clear();
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(enter, leave).scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

OpProfile::~OpProfile() { at::removeCallback(handle_); }

const std::map<std::string, double>& OpProfile::seconds() { return totals; }

}  // namespace nodulus::bench
