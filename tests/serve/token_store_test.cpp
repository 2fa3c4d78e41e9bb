#include "nodulus/serve/token_store.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "nodulus/core/hash.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::serve {
namespace {

using test::expect_error;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Tokens, AreKeptAsSumsAlone) {
  const test::TemporaryFolder folder;
  TokenStore store(folder.path());
  EXPECT_TRUE(store.empty());
  const auto [token, secret] = store.create("viewer", Role::read, "");
  EXPECT_THAT(secret, StartsWith("nod_"));
  EXPECT_EQ(secret.size(), 47);
  const std::string kept = test::read_all(folder / "tokens.json");
  EXPECT_THAT(kept, Not(HasSubstr(secret)));
  EXPECT_THAT(kept, HasSubstr(sha256_hex(secret)));
  struct stat status {};
  ASSERT_EQ(::stat((folder / "tokens.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600);
  ASSERT_TRUE(store.find(secret));
  EXPECT_EQ(store.find(secret)->name, "viewer");
  EXPECT_FALSE(store.find(secret + "x"));
  EXPECT_FALSE(store.find(""));
  EXPECT_NE(store.create("other", Role::admin, "").second, secret);
}

TEST(Tokens, AnotherProcessChangesThem) {
  const test::TemporaryFolder folder;
  TokenStore service(folder.path());
  TokenStore command(folder.path());
  const auto [token, secret] = command.create("viewer", Role::generate, "");
  EXPECT_TRUE(service.find(secret));
  EXPECT_EQ(command.revoke(token.id).name, "viewer");
  EXPECT_FALSE(service.find(secret));
  command.create("viewer", Role::generate, "");
  expect_error([&] { command.create("viewer", Role::read, ""); }, ErrorCode::exists, {"'viewer'"});
  expect_error([&] { command.revoke("nobody"); }, ErrorCode::not_found, {"'nobody'"});
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string(101, 'a')})
    expect_error([&] { command.create(name, Role::read, ""); }, ErrorCode::usage, {"a name for the token"});
}

TEST(Tokens, RunOut) {
  Token token;
  token.expires = "2026-11-27T08:00:00Z";
  EXPECT_FALSE(token.has_expired("2026-11-27T07:59:59Z"));
  EXPECT_TRUE(token.has_expired("2026-11-27T08:00:00Z"));
  token.expires.clear();
  EXPECT_FALSE(token.has_expired("9999-01-01T00:00:00Z"));
  EXPECT_LT(utc_in_days(-1), utc_in_days(0));
}

TEST(Tokens, ADamagedFileIsTold) {
  const test::TemporaryFolder folder;
  test::write_all(folder / "tokens.json", R"({"tokens": [{"id": "1", "name": "x", "role": "king"}]})");
  expect_error([&] { (void)TokenStore(folder.path()).all(); }, ErrorCode::usage, {"'king'"});
  test::write_all(folder / "tokens.json", R"({"tokens": 5})");
  expect_error([&] { (void)TokenStore(folder.path()).all(); }, ErrorCode::bad_input, {"tokens.json", "a list"});
}

TEST(Roles, MayWhatThoseBeforeThemMay) {
  EXPECT_LT(Role::none, Role::read);
  EXPECT_LT(Role::read, Role::generate);
  EXPECT_LT(Role::generate, Role::train);
  EXPECT_LT(Role::train, Role::admin);
  for (const Role role : {Role::read, Role::generate, Role::train, Role::admin}) EXPECT_EQ(role_of(name(role)), role);
  expect_error([] { (void)role_of("none"); }, ErrorCode::usage, {"read, generate, train or admin"});
}

}  // namespace
}  // namespace nodulus::serve
