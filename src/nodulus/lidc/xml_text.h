#pragma once

#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace nodulus::lidc {

/// Whether an element has this name, whatever its namespace prefix.
bool is_named(const pugi::xml_node& node, std::string_view name);

/// The first child element of this name (any prefix); a null node where there is none.
pugi::xml_node child(const pugi::xml_node& node, std::string_view name);

/// clean_text of the first child of this name; empty where there is none.
std::string child_text(const pugi::xml_node& node, std::string_view name);

/// Text fit for one line of a message or a table: trimmed, valid UTF-8 (other bytes are taken as Latin-1), control
/// characters as spaces, cut after 256 characters.
std::string clean_text(std::string_view text);

/// Digits and dots, 1 to 64 characters (DICOM PS3.5 section 9.1).
bool is_uid(std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);

/// A finite decimal number and nothing else; none for "nan", "inf", text or numbers beyond a double.
std::optional<double> decimal(std::string_view text);

/// A decimal that is a whole number below 2^53, such as "312" or "312.0".
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace nodulus::lidc
