#include "nodulus/lidc/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <system_error>
#include <tuple>

#include "nodulus/lidc/xml_text.h"

namespace nodulus::lidc {
namespace {

/// Reads one message. Faults of the whole file end it through Fault; faults of a part are listed and passed over.
struct Fault {
  std::string reason, detail;
};

class MessageReader {
 public:
  MessageReader(const std::string& where, const ReadLimits& limits) : limits_(limits) { reading_.where = where; }

  Reading read(const pugi::xml_node& message) {
    read_header(message);
    for (const pugi::xml_node& node : message.children()) {
      if (is_named(node, "readingSession")) read_session(node);
    }
    if (session_count_ == 0) throw Fault{"no reading session", "expected at least one readingSession element"};
    return std::move(reading_);
  }

 private:
  void leave_out(const std::string& part, const std::string& reason, const std::string& detail) {
    reading_.left_out.push_back({reading_.where + part, reason, detail});
  }

  void read_header(const pugi::xml_node& message) {
    const pugi::xml_node header = child(message, "ResponseHeader");
    reading_.message_uid = clean_text(message.attribute("uid").value());
    reading_.series_uid = child_text(header, "SeriesInstanceUid");
    reading_.study_uid = child_text(header, "StudyInstanceUID");
    reading_.task = child_text(header, "TaskDescription");
    reading_.date_request = join_date(child_text(header, "DateRequest"), child_text(header, "TimeRequest"));
    reading_.date_service = join_date(child_text(header, "DateService"), child_text(header, "TimeService"));
    if (!is_uid(reading_.series_uid)) {
      throw Fault{"no series UID", fmt::format("expected a DICOM UID in ResponseHeader/SeriesInstanceUid, found \"{}\"",
                                               reading_.series_uid)};
    }
  }

  static std::string join_date(const std::string& date, const std::string& time) {
    return date.empty() || time.empty() ? date : date + " " + time;
  }

  void read_session(const pugi::xml_node& node) {
    if (++session_count_ > limits_.sessions) {
      throw Fault{"too many sessions", fmt::format("at most {} are read", limits_.sessions)};
    }
    part_ = fmt::format(", session {}", session_count_);
    Session session;
    session.reader_id = child_text(node, "servicingRadiologistID");
    session.number = session_count_;
    for (const pugi::xml_node& element : node.children()) {
      std::optional<Mark> mark;
      if (is_named(element, "unblindedReadNodule")) mark = read_nodule(element);
      if (is_named(element, "nonNodule")) mark = read_non_nodule(element);
      if (mark) add_mark(session, std::move(*mark));
    }
    reading_.sessions.push_back(std::move(session));
  }

  void add_mark(Session& session, Mark mark) {
    if (++mark_count_ > limits_.marks) throw Fault{"too many marks", fmt::format("at most {} are read", limits_.marks)};
    const std::string part = fmt::format("{}, mark \"{}\"", part_, mark.id);
    if (mark.outlines.empty()) return leave_out(part, "mark without outline", "no outline of this mark could be used");
    for (const Mark& earlier : session.marks) {
      if (earlier.kind == mark.kind && earlier.outlines == mark.outlines) {
        return leave_out(part, "repeated mark", fmt::format("the same as mark \"{}\" of the session", earlier.id));
      }
    }
    session.marks.push_back(std::move(mark));
  }

  Mark read_nodule(const pugi::xml_node& node) {
    Mark mark;
    mark.id = child_text(node, "noduleID");
    const std::string part = fmt::format("{}, mark \"{}\"", part_, mark.id);
    mark.characteristics = read_characteristics(child(node, "characteristics"), part);
    bool outlined = false;
    for (const pugi::xml_node& roi : node.children()) {
      if (!is_named(roi, "roi")) continue;
      if (auto outline = read_outline(roi, "edgeMap", part)) {
        outlined = outlined || outline->edge.size() > 1;
        mark.outlines.push_back(std::move(*outline));
      }
    }
    // Holes alone hold nothing.
    if (std::none_of(mark.outlines.begin(), mark.outlines.end(), [](const Outline& o) { return o.inclusion; })) {
      mark.outlines.clear();
    }
    // The protocol gives a nodule < 3 mm one point and no ratings; either an outline or a rating claims >= 3 mm.
    mark.kind = outlined || mark.characteristics ? MarkKind::nodule : MarkKind::small_nodule;
    return mark;
  }

  Mark read_non_nodule(const pugi::xml_node& node) {
    Mark mark;
    mark.id = child_text(node, "nonNoduleID");
    mark.kind = MarkKind::non_nodule;
    if (auto outline = read_outline(node, "locus", fmt::format("{}, non-nodule \"{}\"", part_, mark.id))) {
      mark.outlines.push_back(std::move(*outline));
    }
    return mark;
  }

  std::optional<Characteristics> read_characteristics(const pugi::xml_node& node, const std::string& part) {
    static constexpr std::array<const char*, 9> kElements = {
        "subtlety",   "internalStructure", "calcification", "sphericity", "margin",
        "lobulation", "spiculation",       "texture",       "malignancy"};
    Characteristics values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string text = child_text(node, kElements[i]);
      if (text.empty()) continue;
      const auto value = whole_number(text);
      if (value && *value >= 0 && *value <= kCharacteristicMax[i]) {
        values[i] = static_cast<int>(*value);
      } else {
        leave_out(part, "rating out of range",
                  fmt::format("{}: expected 1 to {}, found \"{}\"", kElements[i], kCharacteristicMax[i], text));
      }
    }
    if (values == Characteristics{}) return std::nullopt;
    return values;
  }

  std::optional<Outline> read_outline(const pugi::xml_node& node, const char* point_name, const std::string& part) {
    Outline outline;
    outline.sop_uid = child_text(node, "imageSOP_UID");
    if (!is_uid(outline.sop_uid)) {
      leave_out(part, "no image UID",
                fmt::format("expected a DICOM UID in imageSOP_UID, found \"{}\"", outline.sop_uid));
      return std::nullopt;
    }
    const std::string z_text = child_text(node, "imageZposition");
    const auto z = decimal(z_text);
    if (!z || std::abs(*z) > limits_.z_mm) {
      leave_out(part, z ? "coordinate out of range" : "damaged coordinate",
                fmt::format("imageZposition: expected mm, found \"{}\"", z_text));
      return std::nullopt;
    }
    outline.z_mm = *z;
    outline.inclusion = !equal_ignoring_case(child_text(node, "inclusion"), "false");
    for (const pugi::xml_node& point : node.children()) {
      if (!is_named(point, point_name)) continue;
      if (!read_point(point, outline.edge, part)) return std::nullopt;
    }
    if (outline.edge.empty()) {
      leave_out(part, "empty outline", fmt::format("expected {} elements", point_name));
      return std::nullopt;
    }
    if (outline.edge.size() > 1 && outline.edge.front() == outline.edge.back()) outline.edge.pop_back();
    spend_pixels(outline.edge);
    return outline;
  }

  bool read_point(const pugi::xml_node& node, std::vector<Pixel>& edge, const std::string& part) {
    const std::string x_text = child_text(node, "xCoord"), y_text = child_text(node, "yCoord");
    const auto x = whole_number(x_text), y = whole_number(y_text);
    if (!x || !y) {
      leave_out(
          part, "damaged coordinate",
          fmt::format("expected whole numbers, found x \"{}\", y \"{}\"; the outline is left out", x_text, y_text));
      return false;
    }
    if (*x < 0 || *y < 0 || *x >= limits_.coordinate_px || *y >= limits_.coordinate_px) {
      leave_out(part, "coordinate out of range",
                fmt::format("expected 0 to {}, found x {}, y {}; the outline is left out", limits_.coordinate_px - 1,
                            *x, *y));
      return false;
    }
    edge.push_back({static_cast<int>(*x), static_cast<int>(*y)});
    return true;
  }

  void spend_pixels(const std::vector<Pixel>& edge) {
    const auto [left, right] = std::minmax_element(edge.begin(), edge.end());
    const auto by_y = [](const Pixel& a, const Pixel& b) { return a.y < b.y; };
    const auto [top, bottom] = std::minmax_element(edge.begin(), edge.end(), by_y);
    outline_pixels_ += std::int64_t{right->x - left->x + 1} * (bottom->y - top->y + 1);
    if (outline_pixels_ > limits_.outline_pixels) {
      throw Fault{"outlines too large", fmt::format("at most {} pixels in all outlines", limits_.outline_pixels)};
    }
  }

  const ReadLimits& limits_;
  Reading reading_;
  std::string part_;
  int session_count_ = 0;
  std::size_t mark_count_ = 0;
  std::int64_t outline_pixels_ = 0;
};

/// A session that says again what an earlier one said: drawn outlines are never equal by chance, points may be.
bool repeats(const Session& later, const Session& earlier, bool same_place_in_round) {
  if (later.marks != earlier.marks) return false;
  if (same_place_in_round) return true;
  return std::any_of(later.marks.begin(), later.marks.end(), [](const Mark& mark) {
    return std::any_of(mark.outlines.begin(), mark.outlines.end(), [](const Outline& o) { return o.edge.size() >= 8; });
  });
}

constexpr int kReadersOfARound = 4;

void drop_repeated_sessions(Reading& reading) {
  std::vector<Session> kept;
  for (Session& session : reading.sessions) {
    const Session* twin = nullptr;
    for (const Session& earlier : kept) {
      const int apart = session.number - earlier.number;
      if (repeats(session, earlier, apart % kReadersOfARound == 0)) twin = &earlier;
    }
    if (twin == nullptr) {
      kept.push_back(std::move(session));
    } else {
      reading.left_out.push_back({fmt::format("{}, session {}", reading.where, session.number), "repeated session",
                                  fmt::format("the same marks as session {}", twin->number)});
    }
  }
  reading.sessions = std::move(kept);
  const bool rounds = reading.sessions.size() > kReadersOfARound;
  for (Session& session : reading.sessions) session.round = rounds ? (session.number - 1) / kReadersOfARound : 0;
}

std::optional<Fault> check_tree(const pugi::xml_document& document, const ReadLimits& limits) {
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype &&
        std::string_view(node.value()).find("<!ENTITY") != std::string_view::npos) {
      return Fault{"XML declares entities", "LIDC-IDRI files declare none; entities are not expanded"};
    }
  }
  int depth = 0;
  for (pugi::xml_node node = document.first_child(); node;) {
    if (node.first_child()) {
      if (++depth > limits.depth) {
        return Fault{"XML nested too deeply", fmt::format("at most {} levels are read", limits.depth)};
      }
      node = node.first_child();
      continue;
    }
    while (node && !node.next_sibling()) node = node.parent(), --depth;
    if (node) node = node.next_sibling();
  }
  return std::nullopt;
}

std::string document_root_name(const pugi::xml_document& document) {
  return clean_text(document.document_element().name());
}

std::int64_t time_stamp(const std::string& message_uid) {
  // The de-identified message UIDs end in milliseconds since 1970 and a counter: ...6001.1307390748033.0
  const std::size_t end = message_uid.rfind('.');
  if (end == std::string::npos || end == 0) return 0;
  const std::size_t begin = message_uid.rfind('.', end - 1);
  if (begin == std::string::npos) return 0;
  std::int64_t stamp = 0;
  const auto result = std::from_chars(message_uid.data() + begin + 1, message_uid.data() + end, stamp);
  return result.ec == std::errc{} ? stamp : 0;
}

}  // namespace

std::string_view name(MarkKind kind) {
  switch (kind) {
    case MarkKind::nodule: return "nodule";
    case MarkKind::small_nodule: return "small_nodule";
    case MarkKind::non_nodule: return "non_nodule";
  }
  return "nodule";
}

std::size_t Reading::mark_count() const {
  std::size_t count = 0;
  for (const Session& session : sessions) count += session.marks.size();
  return count;
}

std::variant<Reading, Reject> parse_reading(std::string_view xml, const std::string& where, const ReadLimits& limits) {
  const auto reject = [&where](const std::string& reason, const std::string& detail) {
    return Reject{where, reason, detail};
  };
  if (xml.empty()) return reject("empty file", "expected an LidcReadMessage in XML, found no bytes");
  if (xml.size() > limits.file_bytes) {
    return reject("file too large", fmt::format("{} bytes; at most {} are read", xml.size(), limits.file_bytes));
  }
  // UTF-16 and UTF-32 hold two or four bytes a character and the same '<' byte once.
  if (static_cast<std::size_t>(std::count(xml.begin(), xml.end(), '<')) > limits.tags) {
    return reject("too many tags", fmt::format("at most {} are read", limits.tags));
  }
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype);
  const std::string root = document_root_name(document);
  if (!result) {
    const std::string what = fmt::format("{} at byte {}", result.description(), result.offset);
    return reject(root.empty() ? "not XML" : "damaged XML", what);
  }
  if (root.empty()) return reject("not XML", "expected an LidcReadMessage element, found none");
  if (const auto fault = check_tree(document, limits)) return reject(fault->reason, fault->detail);
  if (!is_named(document.document_element(), "LidcReadMessage")) {
    return reject("other XML schema", fmt::format("expected LidcReadMessage, found {}{}", root,
                                                  root == "IdriReadMessage" ? " (readings of chest X-rays)" : ""));
  }
  try {
    Reading reading = MessageReader(where, limits).read(document.document_element());
    drop_repeated_sessions(reading);
    return reading;
  } catch (const Fault& fault) {
    return reject(fault.reason, fault.detail);
  }
}

std::variant<Reading, Reject> read_reading(const std::filesystem::path& path, const ReadLimits& limits) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return Reject{path.string(), "not readable", error.message()};
  if (size > limits.file_bytes) {
    return Reject{path.string(), "file too large",
                  fmt::format("{} bytes; at most {} are read", size, limits.file_bytes)};
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return Reject{path.string(), "not readable", fmt::format("expected {} bytes, read {}", size, file.gcount())};
  }
  return parse_reading(bytes, path.string(), limits);
}

std::vector<Reading> newest_of_each_series(std::vector<Reading> readings, std::vector<Reject>& left_out) {
  const auto age = [](const Reading& reading) {
    const std::string& date = reading.date_service.empty() ? reading.date_request : reading.date_service;
    return std::make_tuple(std::cref(date), time_stamp(reading.message_uid), std::cref(reading.message_uid),
                           std::cref(reading.where));
  };
  std::sort(readings.begin(), readings.end(), [&age](const Reading& a, const Reading& b) {
    return a.series_uid != b.series_uid ? a.series_uid < b.series_uid : age(b) < age(a);
  });
  std::vector<Reading> kept;
  for (Reading& reading : readings) {
    if (kept.empty() || kept.back().series_uid != reading.series_uid) {
      kept.push_back(std::move(reading));
      continue;
    }
    left_out.push_back({reading.where, "superseded reading",
                        fmt::format("{} is the newer reading of series {}", kept.back().where, reading.series_uid)});
  }
  return kept;
}

}  // namespace nodulus::lidc
