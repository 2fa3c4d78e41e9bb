#include <gtest/gtest.h>
#include <torch/types.h>

namespace {

/// Each test starts from the same libtorch seed, whichever tests its program ran before it.
class SeedEachTest final : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo& /*test*/) override { torch::manual_seed(0); }
};

// The list owns what is appended to it.
[[maybe_unused]] const bool appended = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new SeedEachTest);
  return true;
}();

}  // namespace
