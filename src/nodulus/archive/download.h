#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "nodulus/archive/source.h"

namespace nodulus::archive {

/// Sends a request as its source sends all of them: with a login that is renewed, for one.
using Send = std::function<net::Answer(const net::Request&, const net::Sink&, const net::OnHead&)>;

/// Downloads a zip into place.download, and goes on where a former try was cut off if the server has ranges and tells
/// by an ETag or a time of change that it is the same (RFC 9110 13.1.5). Nothing: it is there whole. Otherwise why not:
/// as Fetched::failed() of an answer, "not a zip" with what came instead, or "too large".
std::optional<Fetched> download_zip(const std::string& url, const std::string& where, const Workplace& place,
                                    std::int64_t most_bytes, const Send& send);

}  // namespace nodulus::archive
