#pragma once

#include <string_view>

namespace nodulus::report {

/// web/dist/report.html, which the program carries.
std::string_view page_template();

}  // namespace nodulus::report
