// Files that are damaged or made to do harm: each is a named Reject or read with its faults listed, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>

#include "nodulus/lidc/nodule.h"
#include "nodulus/lidc/reading.h"
#include "nodulus/lidc/table.h"
#include "tests/support/temporary_folder.h"
#include "xml_builder.h"

namespace nodulus::lidc {
namespace {

using namespace test;
using ::testing::HasSubstr;

std::string ordinary() {
  return message(session(nodule("big", ratings() + roi(-10, around(5, 6, 9, 9)) + roi(-12, around(5, 6, 8, 9)) +
                                           roi(-12, around(6, 7, 6, 7), false))) +
                 session(small_nodule("small", -12, 30, 40) + non_nodule("other", -13, 50, 60)));
}

TEST(Hostile, NotXml) {
  EXPECT_EQ(reject_of("").reason, "empty file");
  EXPECT_EQ(reject_of("patient,series\n1,2\n").reason, "not XML");
  EXPECT_EQ(reject_of(std::string(1000, '\0')).reason, "not XML");
  EXPECT_EQ(reject_of("<?xml version=\"1.0\"?>\n<!-- nothing -->").reason, "not XML");
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(1 + random() % 500, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const auto result = parse_reading(bytes, "random");
    EXPECT_TRUE(std::holds_alternative<Reject>(result));
  }
}

TEST(Hostile, CutOffAnywhere) {
  const std::string xml = ordinary();
  const std::size_t end = xml.rfind("</LidcReadMessage>") + std::string("</LidcReadMessage>").size();
  for (std::size_t length = 1; length < end; ++length) {
    const Reject reject = reject_of(xml.substr(0, length));
    EXPECT_TRUE(reject.reason == "damaged XML" || reject.reason == "not XML") << length << ": " << reject.reason;
    EXPECT_THAT(reject.detail, HasSubstr("at byte"));
  }
}

TEST(Hostile, AnyByteChanged) {
  const std::string xml = ordinary();
  std::mt19937 random(11);
  int read = 0;
  for (std::size_t at = 0; at < xml.size(); ++at) {
    std::string changed = xml;
    changed[at] = static_cast<char>(random());
    const auto result = parse_reading(changed, "changed");
    if (const auto* reading = std::get_if<Reading>(&result)) {
      ++read;
      const ScanGeometry geometry = assumed_geometry(*reading);
      for (const Nodule& lesion : find_nodules(*reading, geometry).nodules) {
        EXPECT_EQ(nodule_row("", *reading, geometry, lesion).size(), nodule_columns().size());
      }
    }
  }
  EXPECT_GT(read, 100);
}

TEST(Hostile, OtherSchema) {
  const Reject xray = reject_of("<?xml version=\"1.0\"?><IdriReadMessage xmlns=\"http://www.nih.gov/idri\"/>");
  EXPECT_EQ(xray.reason, "other XML schema");
  EXPECT_THAT(xray.detail, HasSubstr("IdriReadMessage"));
  EXPECT_EQ(reject_of("<html><body/></html>").reason, "other XML schema");
  EXPECT_EQ(reject_of("<LidcReadMessage/>").reason, "no series UID");
  EXPECT_EQ(reject_of(message(session(""), header("not a uid"))).reason, "no series UID");
  EXPECT_EQ(reject_of(message("")).reason, "no reading session");
}

TEST(Hostile, EntitiesAreNotExpanded) {
  std::string bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE b [\n<!ENTITY a0 \"ha\">\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "&a" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(i) + " \"" + before + before + "\">\n";
  }
  const std::string body = ordinary().substr(ordinary().find("<LidcReadMessage"));
  EXPECT_EQ(reject_of(bomb + "]>\n" + body).reason, "XML declares entities");
  // Undeclared entities stay text, and text is no coordinate.
  std::string reference = small_nodule("n", 1, 2, 3);
  reference.replace(reference.find("<xCoord>2"), 9, "<xCoord>&a39;");
  const Reading reading = reading_of(message(session(reference)));
  EXPECT_EQ(reading.mark_count(), 0u);
  EXPECT_THAT(reading.left_out.at(0).detail, HasSubstr("&a39;"));
}

TEST(Hostile, DeepNesting) {
  std::string xml = "<LidcReadMessage>";
  for (int i = 0; i < 200000; ++i) xml += "<a>";
  for (int i = 0; i < 200000; ++i) xml += "</a>";
  EXPECT_EQ(reject_of(xml + "</LidcReadMessage>").reason, "XML nested too deeply");
  EXPECT_EQ(reject_of(xml).reason, "damaged XML");
}

TEST(Hostile, TooMuchOfEverything) {
  ReadLimits limits;
  limits.file_bytes = 100;
  EXPECT_EQ(reject_of(ordinary(), limits).reason, "file too large");
  limits = {};
  limits.tags = 50;
  EXPECT_EQ(reject_of(ordinary(), limits).reason, "too many tags");
  limits = {};
  limits.sessions = 1;
  EXPECT_EQ(reject_of(ordinary(), limits).reason, "too many sessions");
  limits = {};
  limits.marks = 2;
  EXPECT_EQ(reject_of(ordinary(), limits).reason, "too many marks");
  // Three corners span a whole image each; thousands of them would be gigabytes of masks.
  std::string marks;
  for (int i = 0; i < 20; ++i) marks += nodule("n", ratings() + roi(i, {{0, 0}, {4095, 0}, {i, 4095}}));
  EXPECT_EQ(reject_of(message(session(marks))).reason, "outlines too large");
}

TEST(Hostile, AHundredMegabytes) {
  const ::nodulus::test::TemporaryFolder folder;
  const auto path = folder.path() / "large.xml";
  std::ofstream(path) << ordinary();
  std::filesystem::resize_file(path, 100'000'000);
  const auto result = read_reading(path);
  ASSERT_TRUE(std::holds_alternative<Reject>(result));
  EXPECT_EQ(std::get<Reject>(result).reason, "file too large");
  EXPECT_EQ(std::get<Reject>(read_reading(folder.path() / "none.xml")).reason, "not readable");
  EXPECT_EQ(std::get<Reject>(read_reading(folder.path())).reason, "not readable");
}

TEST(Hostile, Latin1AndOtherEncodings) {
  const std::string marks =
      session(small_nodule("N\xF8"
                           "dule",
                           1, 2, 3));
  std::string latin1 = message(marks);
  latin1.replace(latin1.find("UTF-8"), 5, "ISO-8859-1");
  EXPECT_EQ(reading_of(latin1).sessions[0].marks[0].id,
            "N\xC3\xB8"
            "dule");
  EXPECT_EQ(reading_of(message(marks)).sessions[0].marks[0].id,
            "N\xC3\xB8"
            "dule")
      << "said to be UTF-8, but is not";
  std::string utf16 = "\xFF\xFE";
  for (const char c : message(session(small_nodule("plain", 1, 2, 3)))) {
    utf16 += c;
    utf16 += '\0';
  }
  EXPECT_EQ(reading_of(utf16).sessions[0].marks[0].id, "plain");
  EXPECT_EQ(reading_of("\xEF\xBB\xBF" + ordinary()).sessions.size(), 2u) << "byte order mark";
}

TEST(Hostile, TextIsFitForOneLine) {
  const std::string id = std::string(3000, 'x');
  const Reading reading = reading_of(message(session(small_nodule("a\nb\tc\x01"
                                                                  "d",
                                                                  1, 2, 3) +
                                                     small_nodule(id, 1, 5, 3))));
  EXPECT_EQ(reading.sessions[0].marks.at(0).id, "a b c d");
  EXPECT_EQ(reading.sessions[0].marks.at(1).id.size(), 256u);
}

}  // namespace
}  // namespace nodulus::lidc
