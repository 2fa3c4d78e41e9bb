#pragma once

#include <string>
#include <vector>

/// Parts of a page in Markdown.
namespace nodulus::study {

/// A figure of four digits, or a dash.
std::string figure(double value);
/// Text of the data set's own within a table: what would end the cell or begin something else is escaped.
std::string cell(const std::string& text);
std::string row_of(const std::vector<std::string>& cells);
/// A table's head; all columns but the first to the right.
std::string head_of(const std::vector<std::string>& titles);

}  // namespace nodulus::study
