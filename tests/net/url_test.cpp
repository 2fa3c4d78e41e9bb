#include "nodulus/net/url.h"

#include <gmock/gmock.h>

#include "nodulus/core/error.h"

namespace nodulus::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Url, IsTakenApart) {
  const Url url = Url::parse("HTTPS://Archive.Example:8443/nbia-api/services/v1?x=1#top", "--server");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.host, "archive.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/nbia-api/services/v1?x=1");
  EXPECT_EQ(url.origin(), "https://archive.example:8443");
  EXPECT_EQ(Url::parse("http://a", "x").target, "/");
  EXPECT_EQ(Url::parse("http://a?b", "x").target, "/?b");
  EXPECT_EQ(Url::parse("http://a", "x").port, 80);
  EXPECT_EQ(Url::parse("https://[::1]:99/", "x").origin(), "https://[::1]:99");
}

TEST(Url, KnowsThisMachine) {
  for (const char* text : {"http://localhost", "http://127.0.0.1:8042/x", "http://127.9.9.9", "http://[::1]/"})
    EXPECT_TRUE(Url::parse(text, "x").is_loopback()) << text;
  for (const char* text : {"http://127.example.org", "http://localhost.example.org", "http://10.0.0.1", "http://[::2]"})
    EXPECT_FALSE(Url::parse(text, "x").is_loopback()) << text;
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text :
       {"", "archive.example", "ftp://a/b", "file:///etc/passwd", "http://", "http:///x", "https://a b/", "http://a:0/",
        "http://a:65536/", "http://a:8x/", "http://[::1", "http://a\n/"}) {
    try {
      (void)Url::parse(text, "--server");
      ADD_FAILURE() << "'" << text << "' was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << text;
      EXPECT_THAT(error.what(), HasSubstr("--server: expected an address"));
    }
  }
}

TEST(Url, RepeatsNoSecret) {
  try {
    (void)Url::parse("https://me:hunter2@archive.example/x?token=abc", "--to");
    ADD_FAILURE() << "a password in an address was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(error.what(), Not(HasSubstr("abc")));
  }
  EXPECT_EQ(shown("https://me:pa/ss@a.example/x"), "https://me:pa/ss@a.example/x");  // no authority with a '/'
  EXPECT_EQ(shown("https://a.example/x?token=1#2"), "https://a.example/x");
  EXPECT_EQ(shown("https://me:p@a.example"), "https://a.example");
  EXPECT_EQ(shown("me:p@a.example/x"), "a.example/x");
}

TEST(Url, EncodesAndJoins) {
  EXPECT_EQ(encoded("LIDC-IDRI a/b?&=ü~"), "LIDC-IDRI%20a%2Fb%3F%26%3D%C3%BC~");
  EXPECT_EQ(joined("https://a/v1/", "getSeries", {{"Collection", "A B"}, {"Modality", ""}, {"x", "1"}}),
            "https://a/v1/getSeries?Collection=A%20B&x=1");
  EXPECT_EQ(joined("https://a/v1", "p"), "https://a/v1/p");
}

}  // namespace
}  // namespace nodulus::net
