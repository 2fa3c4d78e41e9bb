#include "nodulus/archive/manifest_file.h"

#include <gmock/gmock.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::archive {
namespace {

// As the NBIA Data Retriever writes them.
const std::string head =
    "downloadServerUrl=https://public.cancerimagingarchive.net/nbia-download/servlet/DownloadServlet\n"
    "includeAnnotation=true\nnoOfrRetry=4\ndatabasketId=manifest-1600709154662.tcia\nmanifestVersion=3.0\n"
    "ListOfSeriesToDownload=\n";

TEST(ManifestFile, IsRead) {
  const auto manifest = parse_manifest_file(head + "1.2.3\n1.2.4\n", "m.tcia");
  EXPECT_THAT(manifest.series, ::testing::ElementsAre("1.2.3", "1.2.4"));
  EXPECT_TRUE(manifest.include_annotation);
  EXPECT_EQ(manifest.name, "manifest-1600709154662.tcia");
  EXPECT_TRUE(manifest.rejects.empty());
}

TEST(ManifestFile, OfWindowsAndWithoutALastLineBreak) {
  std::string text = "\xef\xbb\xbf" + head + "1.2.3\n\n 1.2.4 ";
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\r\n");
  EXPECT_THAT(parse_manifest_file(text, "m").series, ::testing::ElementsAre("1.2.3", "1.2.4"));
}

TEST(ManifestFile, GarbageAndRepeatedLinesAreCountedAndTheRestStands) {
  const auto manifest = parse_manifest_file(head + "1.2.3\n<html>\n1.2.3\n../../x\n1.2.4\n", "m.tcia");
  EXPECT_THAT(manifest.series, ::testing::ElementsAre("1.2.3", "1.2.4"));
  ASSERT_EQ(manifest.rejects.size(), 3);
  EXPECT_EQ(manifest.rejects[0].where, "m.tcia, line 8");
  EXPECT_EQ(manifest.rejects[0].reason, "not a UID");
  EXPECT_EQ(manifest.rejects[1].reason, "named twice");
  EXPECT_EQ(manifest.rejects[2].where, "m.tcia, line 10");
}

TEST(ManifestFile, WhatIsNoneIsRefusedByPlace) {
  const auto refused = [](const std::string& text, const std::vector<std::string>& parts) {
    test::expect_error([&] { (void)parse_manifest_file(text, "m.tcia"); }, ErrorCode::bad_input, parts);
  };
  refused("", {"m.tcia", "expected a line ListOfSeriesToDownload=, found none in 0 lines"});
  refused("includeAnnotation=true\n", {"found none in 1 lines"});
  refused("<!DOCTYPE html>\n<html>", {"m.tcia, line 1", "expected name=value", "<!DOCTYPE html>"});
  refused(head, {"expected series below ListOfSeriesToDownload=, found none"});
  refused(head + "nothing\n", {"found none", "1 not a UID"});
  refused(std::string("PK\3\4\0\0", 6), {"expected a text file"});
  test::expect_error([] { (void)read_manifest_file("no-such.tcia"); }, ErrorCode::not_found, {"no-such.tcia"});
}

TEST(ManifestFile, NamesItsServer) {
  const auto server = [](const std::string& url) {
    ManifestFile manifest;
    manifest.download_server = url;
    return nbia_server_of(manifest, "https://tcia/nbia-api/services/v1");
  };
  EXPECT_EQ(server(""), "https://tcia/nbia-api/services/v1");
  EXPECT_EQ(server("https://public.cancerimagingarchive.net/nbia-download/servlet/DownloadServlet"),
            "https://tcia/nbia-api/services/v1");
  // Another archive's manifest never goes to TCIA.
  EXPECT_EQ(server("https://nbia.hospital.example:8443/nbia-download/servlet/DownloadServlet"),
            "https://nbia.hospital.example:8443/nbia-api/services/v1");
  EXPECT_EQ(server("https://evilcancerimagingarchive.net/x"),
            "https://evilcancerimagingarchive.net/nbia-api/services/v1");
  test::expect_error([&] { (void)server("javascript:alert(1)"); }, ErrorCode::bad_input, {"downloadServerUrl"});
}

}  // namespace
}  // namespace nodulus::archive
