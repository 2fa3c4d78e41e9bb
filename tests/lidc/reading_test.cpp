#include "nodulus/lidc/reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "xml_builder.h"

namespace nodulus::lidc {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> reasons(const Reading& reading) {
  std::vector<std::string> list;
  for (const Reject& reject : reading.left_out) list.push_back(reject.reason);
  return list;
}

TEST(Reading, TakesTheHeader) {
  const Reading reading = reading_of(message(session("", "540461523")));
  EXPECT_EQ(reading.where, "made.xml");
  EXPECT_EQ(reading.message_uid, "1.3.6.1.1307390687803.0");
  EXPECT_EQ(reading.series_uid, "1.2.840.1");
  EXPECT_EQ(reading.study_uid, "1.2.840.9");
  EXPECT_EQ(reading.task, "Second unblinded read");
  EXPECT_EQ(reading.date_request, "2007-11-01 12:30:44");
  EXPECT_EQ(reading.date_service, "2008-08-18 02:05:51");
  ASSERT_EQ(reading.sessions.size(), 1u);
  EXPECT_EQ(reading.sessions[0].reader_id, "540461523");
}

TEST(Reading, TellsTheThreeKindsOfMarksApart) {
  const Reading reading =
      reading_of(message(session(nodule("big", ratings() + roi(-10.5, around(5, 6, 7, 8))) +
                                 small_nodule("small", -12, 30, 40) + non_nodule("other", -13, 50, 60))));
  ASSERT_EQ(reading.sessions.size(), 1u);
  ASSERT_EQ(reading.sessions[0].marks.size(), 3u);
  const Mark& big = reading.sessions[0].marks[0];
  EXPECT_EQ(big.id, "big");
  EXPECT_EQ(big.kind, MarkKind::nodule);
  EXPECT_EQ(big.characteristics, (Characteristics{5, 1, 6, 4, 3, 2, 1, 5, 4}));
  ASSERT_EQ(big.outlines.size(), 1u);
  EXPECT_EQ(big.outlines[0].z_mm, -10.5);
  EXPECT_EQ(big.outlines[0].sop_uid, uid_at(-10.5));
  EXPECT_TRUE(big.outlines[0].inclusion);
  EXPECT_EQ(big.outlines[0].edge.size(), 16u) << "the closing point is the first one again";
  const Mark& small = reading.sessions[0].marks[1];
  EXPECT_EQ(small.kind, MarkKind::small_nodule);
  EXPECT_FALSE(small.characteristics.has_value());
  EXPECT_THAT(small.outlines[0].edge, ElementsAre(Pixel{30, 40}));
  const Mark& other = reading.sessions[0].marks[2];
  EXPECT_EQ(other.kind, MarkKind::non_nodule);
  EXPECT_THAT(other.outlines[0].edge, ElementsAre(Pixel{50, 60}));
}

TEST(Reading, KnowsTheOddMarksOfTheCollection) {
  const Reading reading = reading_of(message(
      session(nodule("point with ratings", ratings() + roi(1, {{9, 9}})) +
              nodule("ratings all zero", ratings({0, 0, 0, 0, 0, 0, 0, 0, 0}) + roi(2, {{9, 9}})) +
              nodule("ratings empty", "<characteristics/>" + roi(3, {{9, 9}})) +
              nodule("outline without ratings", roi(4, around(9, 9, 12, 12))) +
              nodule("hole", ratings() + roi(5, around(9, 9, 19, 19)) + roi(5, around(12, 12, 13, 13), false)))));
  ASSERT_EQ(reading.sessions[0].marks.size(), 5u);
  const auto& marks = reading.sessions[0].marks;
  EXPECT_EQ(marks[0].kind, MarkKind::nodule);
  EXPECT_EQ(marks[1].kind, MarkKind::small_nodule);
  EXPECT_EQ(marks[2].kind, MarkKind::small_nodule);
  EXPECT_EQ(marks[3].kind, MarkKind::nodule);
  EXPECT_FALSE(marks[3].characteristics.has_value());
  ASSERT_EQ(marks[4].outlines.size(), 2u);
  EXPECT_FALSE(marks[4].outlines[1].inclusion);
}

TEST(Reading, LeavesOutWhatIsDamagedAndKeepsTheRest) {
  std::string nan_z = small_nodule("a", 1, 2, 3);
  nan_z.replace(nan_z.find("1.000000"), 8, "nan");
  std::string no_uid = small_nodule("b", 1, 2, 3);
  no_uid.replace(no_uid.find(uid_at(1)), uid_at(1).size(), "");
  std::string huge = small_nodule("c", 1, 2, 3);
  huge.replace(huge.find("<xCoord>2"), 9, "<xCoord>1e300");
  std::string fraction = small_nodule("d", 1, 2, 3);
  fraction.replace(fraction.find("<yCoord>3"), 9, "<yCoord>3.5");
  const std::string negative = small_nodule("e", 1, -2, 3);
  const std::string no_points = nodule("f", ratings() + roi(1, {}));
  const std::string only_hole = nodule("g", ratings() + roi(1, around(5, 5, 6, 6), false));
  const std::string wild_rating = nodule("h", ratings({7, 1, 6, 4, 3, 2, 1, 5, -4}) + roi(1, around(5, 5, 6, 6)));
  const Reading reading = reading_of(message(session(nan_z + no_uid + huge + fraction + negative + no_points +
                                                     only_hole + wild_rating + small_nodule("good", 9, 2, 3))));
  EXPECT_THAT(reasons(reading), ElementsAre("damaged coordinate", "mark without outline",       // a
                                            "no image UID", "mark without outline",             // b
                                            "damaged coordinate", "mark without outline",       // c
                                            "damaged coordinate", "mark without outline",       // d
                                            "coordinate out of range", "mark without outline",  // e
                                            "empty outline", "mark without outline",            // f
                                            "mark without outline",                             // g
                                            "rating out of range", "rating out of range"));     // h
  EXPECT_THAT(reading.left_out[0].where, HasSubstr("made.xml, session 1, mark \"a\""));
  EXPECT_THAT(reading.left_out[0].detail, HasSubstr("\"nan\""));
  ASSERT_EQ(reading.sessions[0].marks.size(), 2u);
  EXPECT_EQ(reading.sessions[0].marks[0].characteristics, (Characteristics{0, 1, 6, 4, 3, 2, 1, 5, 0}));
  EXPECT_EQ(reading.sessions[0].marks[1].id, "good");
}

TEST(Reading, AMarkSaidTwiceCountsOnce) {
  const Reading reading =
      reading_of(message(session(non_nodule("a", 1, 2, 3) + non_nodule("b", 1, 2, 3) + small_nodule("c", 1, 2, 3)) +
                         session(non_nodule("a", 1, 2, 3))));
  EXPECT_EQ(reading.sessions[0].marks.size(), 2u) << "a point may be a nodule and a non-nodule: that is no repetition";
  EXPECT_EQ(reading.sessions[1].marks.size(), 1u) << "another reader's mark on the same pixel is no repetition";
  EXPECT_THAT(reasons(reading), ElementsAre("repeated mark"));
}

TEST(Reading, SessionsSaidTwiceCountOnce) {
  const std::string a = session(nodule("n", ratings() + roi(1, around(5, 5, 9, 9))));
  const std::string b = session(small_nodule("n", 1, 7, 7));
  const std::string empty = session("");
  const Reading twice = reading_of(message(a + b + empty + empty + a + b + empty + empty));
  ASSERT_EQ(twice.sessions.size(), 4u);
  EXPECT_EQ(std::count_if(twice.left_out.begin(), twice.left_out.end(),
                          [](const Reject& r) { return r.reason == "repeated session"; }),
            4);
  for (const Session& one : twice.sessions) EXPECT_EQ(one.round, 0);

  const Reading outline_twice = reading_of(message(a + a + b));
  EXPECT_EQ(outline_twice.sessions.size(), 2u) << "no two readers draw the same outline";
  const Reading points_twice = reading_of(message(b + b + empty));
  EXPECT_EQ(points_twice.sessions.size(), 3u) << "two readers may mark the same pixel and nothing else";
}

TEST(Reading, ThreeSessionsAreOneRoundAndEightAreTwo) {
  std::string sessions;
  for (int i = 0; i < 3; ++i) sessions += session(small_nodule("n", 1, 10 + i, 7));
  for (const Session& one : reading_of(message(sessions)).sessions) EXPECT_EQ(one.round, 0);
  for (int i = 3; i < 8; ++i) sessions += session(small_nodule("n", i < 4 ? 1 : 99, 10 + i, 7));
  const Reading eight = reading_of(message(sessions));
  ASSERT_EQ(eight.sessions.size(), 8u);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(eight.sessions[static_cast<std::size_t>(i)].round, i / 4);
    EXPECT_EQ(eight.sessions[static_cast<std::size_t>(i)].number, i + 1);
  }
}

TEST(Reading, NamespacePrefixesMakeNoDifference) {
  std::string xml = message(session(small_nodule("n", 1, 5, 6)));
  for (std::size_t at = 0; (at = xml.find('<', at)) != std::string::npos; ++at) {
    if (xml[at + 1] == '?') continue;
    xml.insert(at + (xml[at + 1] == '/' ? 2 : 1), "ns1:");
  }
  const Reading reading = reading_of(xml);
  ASSERT_EQ(reading.mark_count(), 1u);
  EXPECT_EQ(reading.sessions[0].marks[0].id, "n");
}

TEST(NewestOfEachSeries, TheDateOfServiceDecides) {
  std::vector<Reading> readings;
  const auto add = [&readings](const std::string& where, const std::string& series, const std::string& date,
                               const std::string& uid) {
    Reading reading = reading_of(message(session(""), header(series, date), uid));
    reading.where = where;
    readings.push_back(reading);
  };
  add("old.xml", "1.1", "2006-01-01", "1.9.1307390748033.0");
  add("new.xml", "1.1", "2008-01-01", "1.9.1307390740000.0");
  add("undated, stamped later.xml", "1.2", "", "1.9.1307989645415.0");
  add("undated, stamped earlier.xml", "1.2", "", "1.9.1307390748033.0");
  add("alone.xml", "1.0", "", "1.9");
  const auto where_of = [](const std::vector<Reading>& list) {
    std::vector<std::string> names;
    for (const Reading& reading : list) names.push_back(reading.where);
    return names;
  };
  std::sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) { return a.where < b.where; });
  do {
    std::vector<Reject> left_out;
    const auto kept = newest_of_each_series(readings, left_out);
    ASSERT_THAT(where_of(kept), ElementsAre("alone.xml", "new.xml", "undated, stamped later.xml"));
    ASSERT_EQ(left_out.size(), 2u);
    EXPECT_EQ(left_out[0].where, "old.xml");
    EXPECT_EQ(left_out[0].reason, "superseded reading");
    EXPECT_THAT(left_out[0].detail, HasSubstr("new.xml"));
  } while (std::next_permutation(readings.begin(), readings.end(),
                                 [](const Reading& a, const Reading& b) { return a.where < b.where; }));
}

}  // namespace
}  // namespace nodulus::lidc
