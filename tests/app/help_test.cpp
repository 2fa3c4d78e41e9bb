// What users read is part of the program: --help is compared with golden text. After a change that is meant:
//   for c in collect send prepare import export-images export-dicom inspect study patterns contribute train describe
//     generate project likelihood samplers evaluate sweep report publish models; do
//     nodulus $c --help > tests/app/golden/$c.txt; done   (on one line)
//   nodulus --help > tests/app/golden/nodulus.txt
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "nodulus/app/commands.h"

namespace nodulus::app {
namespace {

struct Spoken {
  std::string output;
  int exit_code = -1;
};

Spoken run(const std::string& words) {
  Spoken spoken;
  std::FILE* pipe = ::popen((std::string(NODULUS_PROGRAM) + " " + words + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    spoken.output.append(buffer.data(), n);
  spoken.exit_code = ::pclose(pipe) >> 8;
  return spoken;
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(NODULUS_SOURCE_DIR) + "/tests/app/golden/" + name + ".txt");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Help, OfTheProgramIsTheGoldenText) {
  const Spoken spoken = run("--help");
  EXPECT_EQ(spoken.exit_code, 0);
  EXPECT_EQ(spoken.output, golden("nodulus"));
}

TEST(Help, OfEveryCommandIsTheGoldenTextWithAnExample) {
  for (const CommandRow& row : commands()) {
    const std::string name(row.name);
    const Spoken spoken = run(name + " --help");
    EXPECT_EQ(spoken.exit_code, 0) << name;
    EXPECT_EQ(spoken.output, golden(name)) << name;
    EXPECT_THAT(spoken.output, ::testing::HasSubstr("Example:\n  nodulus " + name)) << name;
  }
}

TEST(ExitCode, IsTwoForWrongUsageAndOneForFailure) {
  EXPECT_EQ(run("").exit_code, 2);
  EXPECT_EQ(run("prepair").output,
            "nodulus: unknown command 'prepair'; did you mean 'prepare'?; nodulus --help lists them\n");
  EXPECT_EQ(run("prepair").exit_code, 2);
  EXPECT_EQ(run("inspect").exit_code, 2);
  EXPECT_EQ(run("inspect /no/such/folder").exit_code, 1);
  EXPECT_EQ(run("inspect /no/such/folder --imges 3").exit_code, 2);
}

}  // namespace
}  // namespace nodulus::app
