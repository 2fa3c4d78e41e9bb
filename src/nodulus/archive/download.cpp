#include "nodulus/archive/download.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "nodulus/archive/unpack.h"
#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::archive {
namespace {

namespace fs = std::filesystem;

/// What ends a transfer that brings something else.
struct NotAZip {
  std::string found;
};
struct TooLarge {};

/// Of bytes that should have been a zip: what a person would call them.
std::string kind_of(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && std::isspace(static_cast<unsigned char>(bytes[at])) != 0) ++at;
  std::string text(bytes.substr(at, 120));
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= ' ' || std::isspace(c); });
  for (char& c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  if (text.empty()) return "nothing";
  if (!plain) return "other bytes";
  if (text.front() == '<') return "a page or XML: " + text;
  if (text.front() == '{' || text.front() == '[') return "JSON: " + text;
  return "text: " + text;
}

/// Whether the bytes that are there belong to what the server has now: the name by which to ask it.
class Resumption {
 public:
  explicit Resumption(const fs::path& file) : file_(file), note_(file.string() + ".json") {
    std::error_code error;
    const auto size = fs::file_size(file_, error);
    if (error || size == 0) return;
    try {
      validator_ = read_json(note_).value("validator", "");
    } catch (const std::exception&) {  // no note, or half a note: the file begins anew
      validator_.clear();
    }
    if (!validator_.empty()) have_ = static_cast<std::int64_t>(size);
  }
  [[nodiscard]] std::int64_t have() const { return have_; }
  [[nodiscard]] std::vector<std::string> headers() const {
    if (have_ == 0) return {};
    return {fmt::format("Range: bytes={}-", have_), "If-Range: " + validator_};
  }
  /// True where the answer goes on where the file ends.
  [[nodiscard]] bool continues(const net::Answer& head) const {
    return have_ > 0 && head.status == 206 && head.header("content-range").starts_with(fmt::format("bytes {}-", have_));
  }
  /// Remembers by what the answer can be asked for again; forgets where it cannot.
  void note(const net::Answer& head) const {
    std::string validator = head.header("etag");
    if (validator.starts_with("W/")) validator.clear();  // a weak one is no promise of the same bytes
    if (validator.empty()) validator = head.header("last-modified");
    const bool ranges = head.status == 206 || head.header("accept-ranges") == "bytes";
    if (!ranges || validator.empty()) {
      forget();
      return;
    }
    AtomicFile file(note_);
    file.write(Json{{"validator", validator}}.dump());
    file.commit();
  }
  void forget() const {
    std::error_code ignored;
    fs::remove(note_, ignored);
  }

 private:
  fs::path file_;
  fs::path note_;
  std::string validator_;
  std::int64_t have_ = 0;
};

}  // namespace

std::optional<Fetched> download_zip(const std::string& url, const std::string& where, const Workplace& place,
                                    std::int64_t most_bytes, const Send& send) {
  const Resumption former(place.download);
  std::unique_ptr<ReceivingFile> file;
  std::string beginning;  // of the answer, until it is known for a zip
  bool continued = false;
  const auto on_head = [&](const net::Answer& head) {
    continued = former.continues(head);
    if (!continued) {
      if (head.status == 206) throw NotAZip{"a part that was not asked for"};
      former.note(head);
    }
    file = std::make_unique<ReceivingFile>(place.download, continued);
    place.on_bytes(continued ? former.have() : 0);
  };
  const auto sink = [&](std::span<const std::byte> bytes) {
    if (!continued && beginning.size() < 4) {
      beginning.append(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 200));
      const std::size_t known = std::min<std::size_t>(beginning.size(), 4);
      if (std::string_view("PK\3\4").substr(0, known) != std::string_view(beginning).substr(0, known) &&
          std::string_view("PK\5\6").substr(0, known) != std::string_view(beginning).substr(0, known))
        throw NotAZip{kind_of(beginning)};
    }
    if (file->bytes() + static_cast<std::int64_t>(bytes.size()) > most_bytes) throw TooLarge{};
    file->write(bytes);
    place.on_bytes(static_cast<std::int64_t>(bytes.size()));
  };
  const auto spoiled = [&](std::string reason, std::string detail, bool worth_retry) {
    file.reset();
    former.forget();
    return Fetched::failed(where, std::move(reason), std::move(detail), worth_retry);
  };
  try {
    net::Request request;
    request.url = url;
    request.headers = former.headers();
    const net::Answer answer = send(request, sink, on_head);
    if (answer.status == 416) {  // more is here than there
      former.forget();
      Fetched again = Fetched::failed(where, answer);
      again.worth_retry = true;
      return again;
    }
    if (!answer.good()) return Fetched::failed(where, answer);
    file->close();
    if (!continued && beginning.size() < 4) throw NotAZip{kind_of(beginning)};
    former.forget();
    return std::nullopt;
  } catch (const NotAZip& other) {
    Fetched failed = spoiled("not a zip", "expected a zip, found " + other.found, true);
    failed.server_failed = true;  // a page that says that it is being mended, for one
    return failed;
  } catch (const TooLarge&) {
    return spoiled("too large", fmt::format("expected at most {} bytes, found more", most_bytes), false);
  }
}

}  // namespace nodulus::archive
