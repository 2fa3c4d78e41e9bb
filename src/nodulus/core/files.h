#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "nodulus/core/error.h"

namespace nodulus {

/// Creates or replaces a file in place, for files within an ArtifactWriter's folder (elsewhere: AtomicFile). Error{io}
/// naming it.
void write_text(const std::filesystem::path& file, std::string_view text);

/// Creates one folder. Error{io} naming it.
void make_folder(const std::filesystem::path& folder);

/// Removes a file or a folder and all in it, if it is there. Error{io} naming it.
void remove_tree(const std::filesystem::path& path);
/// Renames within a file system; a file that is there is replaced. Error{io} naming both.
void move_path(const std::filesystem::path& from, const std::filesystem::path& to);
/// Of a file. Error{io} naming it.
std::int64_t file_bytes(const std::filesystem::path& file);

/// The absolute path without "." parts and a trailing slash, so that it has a name and a parent.
std::filesystem::path without_slash(const std::filesystem::path& path);

/// Error{io}: "cannot <action> '<path>': <what errno says>". Call it before errno can change.
Error io_error(std::string_view action, const std::filesystem::path& path);

/// fsync of a file or a folder. Error{io} naming it; file systems that cannot are passed over.
void sync_path(const std::filesystem::path& path);
/// sync_path() of every file and folder under `folder` and of itself.
void sync_tree(const std::filesystem::path& folder);

/// A temporary sibling of `target` that does not exist yet, named after it, this machine, this process and a count.
std::filesystem::path temporary_sibling(const std::filesystem::path& target);
/// Removes the temporary siblings of `target` that processes of this machine left behind when they were killed.
void remove_stale_siblings(const std::filesystem::path& target);

}  // namespace nodulus
