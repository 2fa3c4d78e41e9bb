#include "nodulus/train/gan_watch.h"

#include <gmock/gmock.h>

namespace nodulus::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// All that is said over so many steps that all look alike, from `first` on.
std::vector<std::string> said_over(GanWatch& watch, std::int64_t first, std::int64_t steps, const GanResult& result) {
  std::vector<std::string> all;
  for (std::int64_t step = first; step < first + steps; ++step)
    for (const std::string& line : watch.see(step, result)) all.push_back(line);
  return all;
}

GanResult healthy() {
  GanResult r;
  r.generator_loss = 1.5;
  r.sign = 0.6;
  r.spread = 0.9;
  r.p = 0.2;
  return r;
}

TEST(GanWatch, SaysNothingOfAHealthyTraining) {
  GanWatch watch(true);
  EXPECT_THAT(said_over(watch, 0, 3000, healthy()), IsEmpty());
}

TEST(GanWatch, TellsEachTroubleOnceUntilItComesBack) {
  GanWatch watch(true);
  GanResult lost = healthy();
  lost.generator_loss = 9;
  lost.sign = 0.97;
  EXPECT_THAT(said_over(watch, 0, 1000, lost), ElementsAre(HasSubstr("the discriminator has won")));
  EXPECT_THAT(said_over(watch, 1000, 500, lost), IsEmpty());
  EXPECT_THAT(said_over(watch, 1500, 500, healthy()), IsEmpty());
  EXPECT_THAT(said_over(watch, 2000, 500, lost), ElementsAre(HasSubstr("--gan.gamma")));
}

TEST(GanWatch, SeesOneImageDrawnAgainAndAgain) {
  GanWatch watch(true);
  GanResult collapsed = healthy();
  collapsed.spread = 0.02;
  EXPECT_THAT(said_over(watch, 0, GanWatch::patience, collapsed), IsEmpty());  // all begin so
  EXPECT_THAT(said_over(watch, GanWatch::patience, 200, collapsed), ElementsAre(HasSubstr("collapsed to one image")));
}

TEST(GanWatch, SeesPAtItsEndWhereItIsAdapted) {
  GanResult end = healthy();
  end.p = 1;
  GanWatch adapted(true);
  EXPECT_THAT(said_over(adapted, 0, 1000, end), ElementsAre(HasSubstr("p has run to 1")));
  GanWatch fixed(false);
  EXPECT_THAT(said_over(fixed, 0, 1000, end), IsEmpty());
}

}  // namespace
}  // namespace nodulus::train
