#include "nodulus/archive/send.h"

#include "tests/archive/collecting.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;
using test::StandIn;
using ::testing::HasSubstr;

class SendTest : public test::Collecting {
 protected:
  void SetUp() override {
    Collecting::SetUp();
    series_ = test::made_series("P-1", "1.3.1", 10);
    for (const auto& [name, bytes] : series_.files) test::write_all(folder / "out/dicom" / name, bytes);
    test::write_all(folder / "out/items.csv", "not,DICOM\n");
  }
  SendResult send_all(const StandIn& server, int per_request = 4) {
    SendResult result;
    send_into(result, server, per_request);
    return result;
  }
  void send_into(SendResult& result, const StandIn& server, int per_request = 4) {
    SendOptions sending;
    sending.server = server.dicomweb();
    sending.retry = options.retry;
    sending.client = options.client;
    sending.per_request = per_request;
    archive::send(dicom_files(folder / "out"), sending, monitor, result);
  }
  void expect_stored(const StandIn& server, std::size_t count) const {
    const auto stored = server.stored();
    EXPECT_EQ(stored.size(), count);
    for (const auto& [name, sop] : series_.sops) {
      if (stored.contains(sop)) {
        EXPECT_EQ(stored.at(sop), series_.files.at(name));
      }
    }
  }
  test::StandInSeries series_;
};

TEST_F(SendTest, EveryObjectArrivesByteForByte) {
  StandIn server({});
  const SendResult result = send_all(server);
  EXPECT_EQ(result.stored, 10);
  EXPECT_EQ(result.requests, 3);
  expect_stored(server, 10);
}

TEST_F(SendTest, WhatMayPassIsSentAgainAlone) {
  StandIn server({});
  server.fault("refuse-one:A700", "/studies");  // out of resources
  server.fault("503", "/studies");              // Retry-After: 1
  const SendResult result = send_all(server);
  EXPECT_EQ(result.stored, 10);
  EXPECT_THAT(monitor.text(), HasSubstr("studies: status 503 (it says: the stand-in fails); try 2 of 4 in 1.0 s"));
  EXPECT_EQ(result.requests, 5);  // three, one again as a whole, one for the object
  expect_stored(server, 10);
}

// What a server says of a hundred objects is longer than an error's usual line.
TEST_F(SendTest, AnAnswerOfManyObjectsIsReadWhole) {
  series_ = test::made_series("P-2", "1.3.2", 100, 64);
  std::filesystem::remove_all(folder / "out");
  for (const auto& [name, bytes] : series_.files) test::write_all(folder / "out" / name, bytes);
  StandIn server({});
  server.fault("refuse:A700", "/studies");  // 409 of all of them
  EXPECT_EQ(send_all(server, 100).stored, 100);
  expect_stored(server, 100);
}

TEST_F(SendTest, WhatIsRefusedIsToldObjectByObject) {
  StandIn server({});
  server.fault("refuse:0122", "/studies", 1);  // the first request's four
  const SendResult result = send_all(server);
  EXPECT_EQ(result.stored, 6);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(result.objects[i].stored);
    EXPECT_EQ(result.objects[i].reason, "refused by the server");
    EXPECT_EQ(result.objects[i].detail, "0122: it does not store objects of this class");
  }
  expect_stored(server, 6);
}

TEST_F(SendTest, AnObjectWithoutAnAnswerIsNotTakenForStored) {
  StandIn server({});
  server.fault("silent", "/studies", 1);
  const SendResult result = send_all(server);
  EXPECT_EQ(result.stored, 9);
  EXPECT_EQ(result.objects[0].reason, "not answered");
  StandIn mute({});
  mute.fault("empty", "/studies", 1000);
  EXPECT_EQ(send_all(mute).stored, 0);
}

TEST_F(SendTest, ServersThatTakeNothing) {
  StandIn without({}, {.without_stow = true});
  test::expect_error([&] { send_all(without); }, ErrorCode::io,
                     {"expected a server that stores objects (STOW-RS)", "0 of 10"});
  StandIn locked({}, {.token = "right"});
  test::expect_error([&] { send_all(locked); }, ErrorCode::io, {"status 401"});
  EXPECT_EQ(locked.requests("/studies"), 1);
  StandIn failing({});
  failing.fault("500", "/studies", 1000);
  test::expect_error([&] { send_all(failing); }, ErrorCode::io, {"status 500"});
  EXPECT_EQ(failing.requests("/studies"), options.retry.tries);
}

TEST_F(SendTest, WhatWasStoredBeforeAServerFailsIsTold) {
  StandIn server({});
  server.fault("refuse-one:0122", "/studies", 1);
  server.fault("500", "/studies", 1000);
  SendResult result;
  test::expect_error([&] { send_into(result, server); }, ErrorCode::io, {"status 500", "3 of 10 objects were stored"});
  ASSERT_EQ(result.objects.size(), 10);
  EXPECT_EQ(result.stored, 3);
  EXPECT_EQ(result.objects[0].reason, "refused by the server");
  EXPECT_TRUE(result.objects[3].stored);
  EXPECT_EQ(result.objects[4].reason, "not sent");
}

TEST_F(SendTest, WhatTheServerHasAlreadyCountsAsStored) {
  StandIn server({});
  server.fault("refuse-one:0111", "/studies", 1);
  const SendResult result = send_all(server);
  EXPECT_EQ(result.stored, 10);
  EXPECT_EQ(result.objects[0].reason, "there already");
}

// Patients' images go to the address that was named alone.
TEST_F(SendTest, ARedirectIsToldAndNotFollowed) {
  StandIn other({});
  StandIn server({});
  server.fault("redirect:" + other.origin(), "/studies");
  test::expect_error([&] { send_all(server); }, ErrorCode::io, {"status 302: it points to", other.origin()});
  EXPECT_EQ(other.requests(""), 0);
}

TEST_F(SendTest, AFolderWithoutDicom) {
  test::write_all(folder / "none/images.npy", "no");
  test::expect_error([&] { (void)dicom_files(folder / "none"); }, ErrorCode::bad_input,
                     {"expected DICOM files, found none"});
  test::expect_error([&] { (void)dicom_files(folder / "nowhere"); }, ErrorCode::not_found, {"nowhere"});
  EXPECT_EQ(dicom_files(folder / "out").size(), 10);
}

TEST(FailureReason, IsNamedAndSorted) {  // PS3.18 table 10.5.3-2, PS3.4 B.2.3
  EXPECT_THAT(failure_text(0xA700), HasSubstr("A700: it is out of resources"));
  EXPECT_THAT(failure_text(0xC122), HasSubstr("transfer syntax"));
  EXPECT_THAT(failure_text(0x4242), HasSubstr("4242"));
  EXPECT_TRUE(failure_may_pass(0x0110));
  EXPECT_TRUE(failure_may_pass(0xA7FF));
  EXPECT_FALSE(failure_may_pass(0x0122));
  EXPECT_FALSE(failure_may_pass(0xC000));
}

}  // namespace
}  // namespace nodulus::archive
