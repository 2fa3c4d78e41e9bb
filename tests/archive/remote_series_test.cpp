#include "nodulus/archive/remote_series.h"

#include <gmock/gmock.h>

#include "nodulus/archive/md5.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::archive {
namespace {

TEST(PatientChoice, RangesGoByTheNumberAtTheEnd) {
  const PatientChoice choice({"1..200", "LIDC-IDRI-0300", "512"});
  for (const char* id : {"LIDC-IDRI-0001", "LIDC-IDRI-0200", "LIDC-IDRI-0300", "LIDC-IDRI-0512"})
    EXPECT_TRUE(choice.has(id)) << id;
  for (const char* id : {"LIDC-IDRI-0201", "LIDC-IDRI-0301", "LIDC-IDRI", "", "99999999999999999999999"})
    EXPECT_FALSE(choice.has(id)) << id;
  EXPECT_TRUE(PatientChoice().has("anybody"));
  const PatientChoice hospital({"17", "P-4"}, true);
  EXPECT_TRUE(hospital.has("17"));
  EXPECT_FALSE(hospital.has("P-17"));
  EXPECT_THAT(*hospital.names_alone(), ::testing::ElementsAre("17", "P-4"));
  EXPECT_EQ(choice.names_alone(), nullptr);
}

TEST(PatientChoice, ARangeThatIsNoneIsRefused) {
  for (const char* word : {"200..1", "..5", "1..", "a..b", "1...5"})
    test::expect_error([&] { PatientChoice({word}); }, ErrorCode::usage, {"--patients", word});
}

TEST(Uid, OnlyDigitsAndDotsBecomePaths) {
  for (const char* uid :
       {"1.2.840.10008.1.2", "2.25.1", "0", "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"})
    EXPECT_TRUE(is_uid(uid)) << uid;
  for (const std::string& uid : {std::string(""), std::string("."), std::string("1."), std::string(".1"),
                                 std::string("1..2"), std::string("1.a"), std::string("../1"), std::string("1/2"),
                                 std::string("1.2 "), std::string("1.2\n"), std::string(65, '1')})
    EXPECT_FALSE(is_uid(uid)) << uid;
}

TEST(FileName, HoldsNothingThatLeavesAFolder) {
  EXPECT_EQ(file_name_of("LIDC-IDRI-0001"), "LIDC-IDRI-0001");
  EXPECT_EQ(file_name_of("../../etc"), "_._.._etc");
  EXPECT_EQ(file_name_of(".."), "_.");
  EXPECT_EQ(file_name_of(".hidden"), "_hidden");
  EXPECT_EQ(file_name_of(""), "_");
  EXPECT_EQ(file_name_of("Müller^A"), "M__ller_A");
  EXPECT_EQ(file_name_of(std::string(300, 'a')).size(), 100);
}

TEST(Md5, OfTheStandardsOwnTexts) {  // RFC 1321 A.5
  const auto sum = [](std::string_view text) {
    Md5 md5;
    md5.update(std::as_bytes(std::span(text.data(), text.size())));
    return md5.hex();
  };
  EXPECT_EQ(sum(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(sum("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  const test::TemporaryFolder folder;
  test::write_all(folder / "file", "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(md5_file(folder.path() / "file"), "c3fcd3d76192e4007dfb496cca67e13b");
}

}  // namespace
}  // namespace nodulus::archive
