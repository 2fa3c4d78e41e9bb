#include "nodulus/eval/stored_zip.h"

#include <gtest/gtest.h>

#include <array>

#include "nodulus/eval/state_dict.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus::eval {
namespace {

using test::expect_error;

std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

/// An archive with one record "x/data.pkl" of three bytes, as its list says it is.
std::string archive(std::uint64_t packed, std::uint64_t whole, int method, int records = 1) {
  const std::string name = "x/data.pkl";
  const std::string local = "PK\x03\x04" + little(20, 2) + little(0, 2) + little(method, 2) + std::string(8, '\0') +
                            little(packed, 4) + little(whole, 4) + little(name.size(), 2) + little(0, 2) + name + "abc";
  std::string list;
  for (int i = 0; i < records; ++i)
    list += "PK\x01\x02" + little(20, 2) + little(20, 2) + little(0, 2) + little(method, 2) + std::string(8, '\0') +
            little(packed, 4) + little(whole, 4) + little(name.size(), 2) + std::string(16, '\0') + name;
  return local + list + "PK\x05\x06" + little(0, 4) + little(records, 2) + little(records, 2) + little(list.size(), 4) +
         little(local.size(), 4) + little(0, 2);
}

class StoredZipTest : public testing::Test {
 protected:
  StoredZip open(const std::string& bytes) {
    test::write_all(folder_ / "x.pt", bytes);
    return StoredZip(folder_ / "x.pt");
  }
  test::TemporaryFolder folder_;
};

TEST_F(StoredZipTest, ReadsARecord) {
  StoredZip zip = open(archive(3, 3, 0));
  EXPECT_TRUE(zip.has("data.pkl"));
  EXPECT_FALSE(zip.has("data/0"));
  EXPECT_EQ(zip.text("data.pkl"), "abc");
  expect_error([&] { zip.text("data/0"); }, ErrorCode::bad_input, {"x.pt: expected a record 'data/0', found none"});
}

TEST_F(StoredZipTest, ReadsWhatPyTorchWrote) {
  StoredZip zip(std::string(NODULUS_SOURCE_DIR) + "/tests/eval/data/zip.pth");
  EXPECT_TRUE(zip.has("version"));
  EXPECT_TRUE(zip.text("data.pkl").starts_with("\x80\x02"));
}

TEST_F(StoredZipTest, RefusesCompressedRecordsAndThoseThatAreLargerThanTheFile) {
  StoredZip zip = open(archive(3, 1'000'000'000, 8));
  expect_error([&] { zip.text("data.pkl"); }, ErrorCode::bad_input,
               {"record 'data.pkl' to be stored as it is, found a compressed one"});
  StoredZip same = open(archive(3, 3, 8));
  expect_error([&] { same.text("data.pkl"); }, ErrorCode::bad_input, {"found a compressed one"});
  StoredZip lying = open(archive(3, 1'000'000'000, 0));
  expect_error([&] { (void)lying.size("data.pkl"); }, ErrorCode::bad_input, {"found a compressed one"});
  expect_error([&] { open(archive(1'000'000'000, 1'000'000'000, 0)); }, ErrorCode::bad_input,
               {"expected records that the file has room for, found larger ones from 'x/data.pkl' on"});
}

TEST_F(StoredZipTest, RefusesRecordsThatShareTheFilesBytes) {
  const std::size_t bytes = archive(3, 3, 0, 2).size();
  EXPECT_EQ(open(archive(bytes / 2, bytes / 2, 0, 2)).size("data.pkl"), bytes / 2);
  expect_error([&] { open(archive(bytes / 2 + 1, bytes / 2 + 1, 0, 2)); }, ErrorCode::bad_input,
               {"records that the file has room for"});
}

TEST_F(StoredZipTest, RefusesAListThatReachesBeyondTheFile) {
  const std::string whole = archive(3, 3, 0);
  for (const std::size_t field : {10U, 6U}) {  // from the end: the list's size, and where it begins
    std::string changed = whole;
    changed.replace(changed.size() - field, 4, little(100'000'000, 4));
    expect_error([&] { open(changed); }, ErrorCode::bad_input, {"expected a whole zip archive: ", "100000000"});
  }
  std::string more = whole;
  more[more.size() - 12] = 2;  // records
  expect_error([&] { open(more); }, ErrorCode::bad_input, {"expected a list of 2 records, found 1 whole ones"});
}

TEST_F(StoredZipTest, TellsAMissingFileFromOneThatItCannotRead) {
  expect_error([&] { StoredZip(folder_ / "none.pt"); }, ErrorCode::not_found, {"none.pt: no such file"});
  expect_error([&] { StoredZip(folder_.path()); }, ErrorCode::io, {"cannot be read"});
}

TEST_F(StoredZipTest, FillsNothingButTheRecordsOwnSize) {
  StoredZip zip = open(archive(3, 3, 0));
  std::array<std::byte, 4> to{};
  for (const std::size_t size : {2U, 4U})
    expect_error([&] { zip.read("data.pkl", std::span(to).first(size)); }, ErrorCode::bad_input,
                 {"x.pt: expected " + std::to_string(size) + " bytes of record 'data.pkl', found 3"});
}

TEST_F(StoredZipTest, RefusesAnArchiveCutAnywhere) {
  const std::string whole = archive(3, 3, 0);
  for (std::size_t length = 0; length < whole.size(); ++length)
    expect_error([&] { open(whole.substr(0, length)); }, ErrorCode::bad_input, {"x.pt: expected "});
}

}  // namespace
}  // namespace nodulus::eval
