#include "nodulus/net/multipart.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <memory>

#include "nodulus/core/error.h"
#include "nodulus/core/files.h"

namespace nodulus::net {
namespace {

constexpr std::size_t most_header_bytes = 64 << 10;

std::string lower_text(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

}  // namespace

std::string parameter(std::string_view header, std::string_view name) {
  const std::string wanted = lower_text(name);
  std::size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    const std::size_t equals = header.find('=', ++at);
    if (equals == std::string_view::npos) return "";
    const std::string found = lower_text(trim(header.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value += header[at];
      }
      at = header.find(';', at);
    } else {
      const std::size_t end = std::min(header.find(';', at), header.size());
      value = std::string(trim(header.substr(at, end - at)));
      at = end;
    }
    if (found == wanted) return value;
  }
  return "";
}

MultipartReader::MultipartReader(std::string boundary, Parts parts)
    : delimiter_("\r\n--" + std::move(boundary)), parts_(std::move(parts)), pending_("\r\n") {
  // The line break before the first boundary is the body's beginning itself.
  if (delimiter_.size() == 4)
    throw Error(ErrorCode::bad_input, "expected multipart/related with a boundary, found none");
}

void MultipartReader::feed(std::span<const std::byte> bytes) {
  if (state_ == State::done) return;  // an epilogue
  pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (step()) {
  }
}

bool MultipartReader::step() {
  switch (state_) {
    case State::preamble: {
      const std::size_t at = pending_.find(delimiter_);
      if (at == std::string::npos) {
        if (pending_.size() > most_header_bytes)
          throw Error(ErrorCode::bad_input, "expected a multipart body, found no boundary in its first 64 KiB");
        return false;
      }
      pending_.erase(0, at + delimiter_.size());
      state_ = State::after_boundary;
      return true;
    }
    case State::after_boundary: {
      if (pending_.starts_with("--")) {
        state_ = State::done;
        return false;
      }
      const std::size_t end = pending_.find("\r\n");
      if (end == std::string::npos) {
        if (pending_.size() > most_header_bytes) throw Error(ErrorCode::bad_input, "a boundary without a line's end");
        return false;
      }
      pending_.erase(0, end);  // the line break stays: a part may have no headers
      state_ = State::headers;
      return true;
    }
    case State::headers: {
      const std::size_t end = pending_.find("\r\n\r\n");
      if (end == std::string::npos) {
        if (pending_.size() > most_header_bytes) throw Error(ErrorCode::bad_input, "headers of a part without an end");
        return false;
      }
      Headers headers;
      for (std::size_t at = 2; at < end;) {
        const std::size_t line_end = std::min(pending_.find("\r\n", at), end);
        const std::string_view line(pending_.data() + at, line_end - at);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos)
          headers[lower_text(trim(line.substr(0, colon)))] = std::string(trim(line.substr(colon + 1)));
        at = line_end + 2;
      }
      // An empty part has its boundary right behind its headers: their last line break is the boundary's own.
      pending_.erase(0, end + 2);
      if (!pending_.starts_with(delimiter_)) pending_.erase(0, 2);
      state_ = State::body;
      parts_.begin(headers);
      return true;
    }
    case State::body: return read_body();
    case State::done: return false;
  }
  return false;
}

bool MultipartReader::read_body() {
  const std::size_t at = pending_.find(delimiter_);
  const std::size_t ready =
      at != std::string::npos ? at : pending_.size() - std::min(pending_.size(), delimiter_.size() - 1);
  if (ready > 0) parts_.bytes(std::as_bytes(std::span(pending_.data(), ready)));
  if (at == std::string::npos) {
    pending_.erase(0, ready);
    return false;
  }
  pending_.erase(0, at + delimiter_.size());
  state_ = State::after_boundary;
  parts_.end();
  return true;
}

Body multipart_of_files(const std::vector<std::filesystem::path>& files, const std::string& boundary,
                        const std::string& content_type) {
  struct State {
    std::vector<std::filesystem::path> files;
    std::string head;
    std::string tail;
    std::size_t number = 0;  // of the file that is being sent
    std::string text;        // that is to be sent before the file's bytes
    std::ifstream stream;
    bool ended = false;
  };
  auto state = std::make_shared<State>();
  state->files = files;
  state->head = "--" + boundary + "\r\nContent-Type: " + content_type + "\r\n\r\n";
  state->tail = "--" + boundary + "--\r\n";
  Body body;
  for (const std::filesystem::path& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error) throw Error(ErrorCode::io, "cannot read '" + file.string() + "': " + error.message());
    body.bytes += static_cast<std::int64_t>(state->head.size() + size + 2);
  }
  body.bytes += static_cast<std::int64_t>(state->tail.size());
  body.rewind = [state] {
    state->number = 0;
    state->text.clear();
    state->stream.close();
    state->ended = false;
  };
  body.read = [state](std::span<char> room) -> std::size_t {
    State& s = *state;
    while (true) {
      if (!s.text.empty()) {
        const std::size_t count = s.text.copy(room.data(), room.size());
        s.text.erase(0, count);
        return count;
      }
      if (s.stream.is_open()) {
        s.stream.read(room.data(), static_cast<std::streamsize>(room.size()));
        if (s.stream.bad()) throw io_error("read", s.files[s.number]);
        if (s.stream.gcount() > 0) return static_cast<std::size_t>(s.stream.gcount());
        s.stream.close();
        s.stream.clear();
        ++s.number;
        s.text = "\r\n";
      } else if (s.number < s.files.size()) {
        s.stream.open(s.files[s.number], std::ios::binary);
        if (!s.stream) throw io_error("open", s.files[s.number]);
        s.text = s.head;
      } else if (!s.ended) {
        s.ended = true;
        s.text = s.tail;
      } else {
        return 0;
      }
    }
  };
  return body;
}

}  // namespace nodulus::net
