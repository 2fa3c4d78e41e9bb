#include "nodulus/report/page_template.h"

#include <cstddef>

// The file's bytes as they are, put there by the assembler.
asm(".section .rodata\n"
    ".global nodulus_report_page_first\n"
    "nodulus_report_page_first:\n"
    ".incbin \"report.html\"\n"
    ".global nodulus_report_page_last\n"
    "nodulus_report_page_last:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char nodulus_report_page_first;
extern const char nodulus_report_page_last;
}

namespace nodulus::report {

std::string_view page_template() {
  return {&nodulus_report_page_first, static_cast<std::size_t>(&nodulus_report_page_last - &nodulus_report_page_first)};
}

}  // namespace nodulus::report
