#include "nodulus/app/console.h"

#include <gmock/gmock.h>

#include "nodulus/app/command.h"
#include "nodulus/app/rejects_text.h"
#include "nodulus/core/reject.h"

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

TEST(Console, TheEndOfAStageIsSaidOnce) {
  testing::internal::CaptureStderr();
  Console console(false);
  for (int i = 0; i < 3; ++i) console.progress({"importing", 500, 500, "images", ""});
  console.progress({"writing", 1, 1, "files", ""});
  console.progress({"importing", 500, 500, "images", ""});
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "importing: 500/500 images\nwriting: 1/1 files\nimporting: 500/500 images\n");
}

TEST(Counted, NamesOneThingAndSeveral) {
  EXPECT_EQ(counted(1, "nodule"), "1 nodule");
  EXPECT_EQ(counted(0, "nodule"), "0 nodules");
  EXPECT_EQ(counted(12, "nodule"), "12 nodules");
}

}  // namespace
}  // namespace nodulus::app
