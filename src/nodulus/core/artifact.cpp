#include "nodulus/core/artifact.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <functional>
#include <system_error>

#include "nodulus/core/atomic_file.h"

namespace nodulus {
namespace fs = std::filesystem;
namespace {

bool there(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

fs::path tidy(const fs::path& target) {
  if (target.empty()) throw Error(ErrorCode::usage, "expected a name for the output folder, found ''");
  return without_slash(target);
}

/// What a path looks like in a message: as the user wrote it.
std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// The schema that a file of ours names, such as a folder's manifest.json; "" where it has none.
std::string schema_of(const fs::path& file) {
  std::ifstream stream(file);
  const Json json = Json::parse(stream, nullptr, false);
  const Json schema = json.is_object() ? json.value("schema", Json::object()) : Json::object();
  const Json name = schema.is_object() ? schema.value("name", Json()) : Json();
  return name.is_string() ? name.get<std::string>() : "";
}

void check_replaceable(const fs::path& target, std::string_view kind) {
  std::error_code error;
  const bool folder = fs::is_directory(fs::symlink_status(target, error));
  if (folder && fs::is_empty(target, error)) return;
  const std::string schema = folder ? schema_of(target / "manifest.json") : "";
  if (schema == manifest_schema(kind)) return;
  const std::string found = schema.starts_with("nodulus.") ? "of another kind (" + schema.substr(8) + ")"
                                                           : "nothing that nodulus made (no manifest.json of ours)";
  throw Error(ErrorCode::exists, quoted(target) + " is there and is " + found + ": --force replaces only " +
                                     std::string(kind) + ", remove it or name another target");
}

/// Puts `fresh` in the place of the folder `old`: in one step where the file system can, else through a second name.
void swap_in(const fs::path& fresh, const fs::path& old) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, old.c_str(), RENAME_EXCHANGE) == 0) return;
  const fs::path aside = temporary_sibling(old);
  if (::rename(old.c_str(), aside.c_str()) != 0) throw io_error("replace", old);
  if (::rename(fresh.c_str(), old.c_str()) != 0) {
    const Error failure = io_error("replace", old);
    if (::rename(aside.c_str(), old.c_str()) != 0) {
      throw Error(ErrorCode::io, std::string(failure.what()) + "; what stood there is now at " + quoted(aside));
    }
    throw failure;
  }
  if (::rename(aside.c_str(), fresh.c_str()) != 0) throw io_error("rename", aside);
}

void check_there(const fs::path& target, const fs::path& path, bool force, const std::function<void()>& replaceable) {
  if (there(path)) {
    if (!force) throw Error(ErrorCode::exists, quoted(target) + " is there already; --force replaces it");
    replaceable();
  }
  fs::path parent = path.parent_path();
  while (!there(parent) && parent.has_relative_path()) parent = parent.parent_path();
  if (::access(parent.c_str(), W_OK | X_OK) != 0)
    throw Error(ErrorCode::io, "cannot create " + quoted(target) + ": " + io_error("write into", parent).what());
}

}  // namespace

void check_target(const fs::path& target, std::string_view kind, bool force) {
  const fs::path path = tidy(target);
  check_there(target, path, force, [&] { check_replaceable(path, kind); });
}

void check_file_target(const fs::path& target, std::string_view kind, bool force) {
  const fs::path path = tidy(target);
  check_there(target, path, force, [&] {
    if (schema_of(path) != manifest_schema(kind))
      throw Error(ErrorCode::exists, quoted(target) + " is there and no " + std::string(kind) +
                                         " of nodulus: --force replaces only what this command has made");
  });
}

void write_json_artifact(const fs::path& target, const Json& json) {
  const fs::path path = tidy(target);
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  AtomicFile file(path);
  file.write(json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  file.commit();
}

ArtifactWriter::ArtifactWriter(const fs::path& target, std::string_view kind, bool force)
    : target_(tidy(target)), kind_(kind), force_(force) {
  check_target(target, kind, force);
  std::error_code error;
  fs::create_directories(target_.parent_path(), error);
  if (error) throw Error(ErrorCode::io, "cannot create " + quoted(target_.parent_path()) + ": " + error.message());
  remove_stale_siblings(target_);
  temporary_ = temporary_sibling(target_);
  if (::mkdir(temporary_.c_str(), 0777) != 0) throw io_error("create", target_);
}

ArtifactWriter::~ArtifactWriter() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void ArtifactWriter::commit() {
  if (committed_) throw Error(ErrorCode::internal, quoted(target_) + ": committed twice");
  if (!there(temporary_ / "manifest.json")) {
    throw Error(ErrorCode::internal, quoted(target_) + ": an artifact without a manifest.json");
  }
  sync_tree(temporary_);
  if (there(target_)) {
    if (!force_) throw Error(ErrorCode::exists, quoted(target_) + " was made by somebody else meanwhile");
    check_replaceable(target_, kind_);
    swap_in(temporary_, target_);
    committed_ = true;
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);  // now the old one
  } else {
    // NOREPLACE so that two programs racing for one target cannot lose either's work.
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0 &&
        (errno == EEXIST || errno == ENOTEMPTY || ::rename(temporary_.c_str(), target_.c_str()) != 0)) {
      throw io_error("rename to", target_);
    }
    committed_ = true;
  }
  sync_path(target_.parent_path());
}

}  // namespace nodulus
