#include "nodulus/core/csv.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace nodulus {
namespace {

using test::expect_error;

TEST(CsvTable, ReadsQuotesLineBreaksAndAByteOrderMark) {
  const CsvTable table =
      CsvTable::parse("\xEF\xBB\xBFname,\"a, b\"\r\n\"say \"\"hi\"\"\",\"two\nlines\"\r\n\r\nlast,", "t.csv");
  EXPECT_EQ(table.columns(), (std::vector<std::string>{"name", "a, b"}));
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.text(0, "name"), "say \"hi\"");
  EXPECT_EQ(table.text(0, "a, b"), "two\nlines");
  EXPECT_EQ(table.text(1, "name"), "last");
  EXPECT_EQ(table.text(1, "a, b"), "");
  EXPECT_EQ(table.place(1, "name"), "t.csv, line 5, column 'name'");
}

TEST(CsvTable, NamesFileLineAndColumn) {
  const CsvTable table = CsvTable::parse("patient,z_mm\na,1.5e1\nb,ten\nc,\nd,nan\n", "t.csv");
  EXPECT_EQ(table.number(0, "z_mm"), 15);
  EXPECT_EQ(table.number_if_any(2, "z_mm"), std::nullopt);
  expect_error([&] { (void)table.number(1, "z_mm"); }, ErrorCode::bad_input, {"t.csv, line 3, column 'z_mm'", "'ten'"});
  expect_error([&] { (void)table.number(3, "z_mm"); }, ErrorCode::bad_input, {"line 5", "'nan'"});
  expect_error([&] { (void)table.integer(0, "z_mm"); }, ErrorCode::bad_input, {"whole number", "'1.5e1'"});
  expect_error([&] { (void)table.column("patiant"); }, ErrorCode::bad_input, {"'patiant'", "did you mean 'patient'"});
  expect_error([] { CsvTable::parse("a,b\n1,2\n3\n", "t.csv"); }, ErrorCode::bad_input,
               {"line 3", "expected 2 fields, found 1"});
  expect_error([] { CsvTable::parse("a,b\n1,\"2\n3,4\n", "t.csv"); }, ErrorCode::bad_input, {"line 2", "never closed"});
  expect_error([] { CsvTable::parse("a\n\"1\"2\n", "t.csv"); }, ErrorCode::bad_input,
               {"line 2", "after a quoted field"});
  expect_error([] { CsvTable::parse("a,a\n", "t.csv"); }, ErrorCode::bad_input, {"'a' occurs twice"});
  expect_error([] { CsvTable::parse("", "t.csv"); }, ErrorCode::bad_input, {"header"});
}

TEST(CsvWriter, WritesWhatTheReaderReads) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> odd{"a,b", "quote \"", "line\nbreak", "", " space "};
  CsvWriter writer(folder / "w.csv", {"1", "2", "3", "4", "5"});
  writer.row(odd);
  EXPECT_THROW(writer.row(std::vector<std::string>{"too short"}), Error);
  writer.close();
  const CsvTable table = CsvTable::read(folder / "w.csv");
  ASSERT_EQ(table.rows(), 1u);
  for (std::size_t i = 0; i < odd.size(); ++i) EXPECT_EQ(table.text(0, i), odd[i]);
  EXPECT_EQ(CsvTable::parse("a\n" + csv_row(std::vector<std::string>{""}), "t").rows(), 1u);
}

TEST(CsvNumber, IsTheShortestTextThatReadsBackTheSame) {
  EXPECT_EQ(csv_number(0.1), "0.1");
  EXPECT_EQ(csv_number(-1000), "-1000");
  EXPECT_EQ(csv_number(std::numeric_limits<double>::quiet_NaN()), "");
  EXPECT_EQ(parse_number(csv_number(1.0 / 3)), 1.0 / 3);
  EXPECT_EQ(parse_number("1.5x"), std::nullopt);
  EXPECT_EQ(parse_number(""), std::nullopt);
}

}  // namespace
}  // namespace nodulus
