#include "nodulus/app/console.h"

#include <gmock/gmock.h>

#include "nodulus/app/command.h"
#include "nodulus/app/rejects_text.h"

namespace nodulus::app {
namespace {

TEST(DurationText, ReadsLikeAClock) {
  EXPECT_EQ(duration_text(7.6), "8 s");
  EXPECT_EQ(duration_text(723), "12:03");
  EXPECT_EQ(duration_text(3909), "1:05:09");
}

TEST(WordAfter, TakesBothForms) {
  EXPECT_EQ(word_after({"--family", "ddpm"}, "--family"), "ddpm");
  EXPECT_EQ(word_after({"x", "--family=ddpm"}, "--family"), "ddpm");
  EXPECT_EQ(word_after({"--familyx=1"}, "--family"), "");
  EXPECT_EQ(word_after({"--family"}, "--family"), "");
}

TEST(CountsText, ListsReasons) {
  EXPECT_EQ(counts_text("left out", {{"not DICOM", 3}, {"truncated", 1}}), "\nleft out: 3 not DICOM, 1 truncated");
  EXPECT_EQ(counts_text("left out", {}), "");
}

}  // namespace
}  // namespace nodulus::app
