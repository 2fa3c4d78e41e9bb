#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nodulus/core/reject.h"

namespace nodulus::lidc {

/// The nine characteristics of McNitt-Gray et al. 2007 ("The LIDC data collection process for nodule detection and
/// annotation", Acad. Radiol. 14), in the order of the XML.
inline constexpr std::array<std::string_view, 9> kCharacteristicNames = {
    "subtlety",   "internal_structure", "calcification", "sphericity", "margin",
    "lobulation", "spiculation",        "texture",       "malignancy"};

/// One reader's ratings, indexed as kCharacteristicNames; 1 to 5 (calcification 1 to 6, internal structure 1 to 4 in
/// the protocol, 5 is found in the collection), 0 where the reader gave none or a value outside that range.
using Characteristics = std::array<int, 9>;

/// The largest value of each: the protocol's, but internal structure up to 5, which is found in the collection.
inline constexpr Characteristics kCharacteristicMax = {5, 5, 6, 5, 5, 5, 5, 5, 5};

/// A pixel of a slice: column and row, from 0, as in the XML's xCoord and yCoord.
struct Pixel {
  int x = 0;
  int y = 0;
  friend bool operator==(const Pixel&, const Pixel&) = default;
  friend auto operator<=>(const Pixel&, const Pixel&) = default;
};

/// One region of interest on one slice. By LIDC's definition the edge map runs along the first pixels OUTSIDE the
/// nodule.
struct Outline {
  std::string sop_uid;
  double z_mm = 0;          ///< imageZposition: the z of ImagePositionPatient.
  bool inclusion = true;    ///< FALSE in the XML: a hole, taken out of the nodule.
  std::vector<Pixel> edge;  ///< In drawing order; a last point equal to the first is left out.
  friend bool operator==(const Outline&, const Outline&) = default;
};

/// What a reader meant by a mark (McNitt-Gray et al. 2007, section "lesion categories").
enum class MarkKind {
  nodule,        ///< Nodule >= 3 mm: characteristics given; outlined on every slice.
  small_nodule,  ///< Nodule < 3 mm: one point near its centre, no characteristics.
  non_nodule,    ///< Non-nodule >= 3 mm: one point.
};

/// "nodule", "small_nodule" or "non_nodule".
std::string_view name(MarkKind kind);

/// One mark of one reader: an unblindedReadNodule or nonNodule element.
struct Mark {
  std::string id;  ///< noduleID or nonNoduleID: unique within a session at most.
  MarkKind kind = MarkKind::nodule;
  std::optional<Characteristics> characteristics;
  std::vector<Outline> outlines;  ///< In the file's order, never empty. Points are outlines of one pixel.
  friend bool operator==(const Mark&, const Mark&) = default;
};

/// One reader's unblinded reading of the scan.
struct Session {
  std::string reader_id;  ///< servicingRadiologistID; "anon" in most files, so it tells no readers apart.
  /// Which group of readings the session belongs to, from 0. One reading of a scan is four sessions; the collection's
  /// file of eight holds two (docs/lidc.md). Marks are matched within a round only.
  int round = 0;
  int number = 1;  ///< Place in the file, from 1.
  std::vector<Mark> marks;
};

/// One LidcReadMessage: the readers' sessions over one CT series.
struct Reading {
  std::string where;  ///< The file it came from.
  std::string message_uid;
  std::string series_uid;
  std::string study_uid;
  std::string task;               ///< "Second unblinded read".
  std::string date_request;       ///< "2007-11-01 12:30:44"; empty where the header has none.
  std::string date_service;       ///< As date_request; a few files have none.
  std::vector<Session> sessions;  ///< Repeated sessions left out.
  std::vector<Reject> left_out;   ///< Sessions, marks and outlines that were not used, and why.
  [[nodiscard]] std::size_t mark_count() const;
};

/// Bounds on what is read, so that no file takes unbounded memory or time. The collection's largest file has 2 MB,
/// 100,000 tags, 8 sessions, 156 marks and a depth of 6.
struct ReadLimits {
  std::size_t file_bytes = 32u << 20;
  std::size_t tags = 3'000'000;  ///< Start and end tags together.
  int depth = 64;
  int sessions = 64;
  std::size_t marks = 4096;
  std::int64_t outline_pixels = 256LL << 20;  ///< Pixels of all rectangles that hold an outline.
  int coordinate_px = 4096;                   ///< Coordinates lie in [0, coordinate_px).
  double z_mm = 100'000;                      ///< |imageZposition| at most.
};

/// Reads an LIDC-IDRI XML file. What is wrong with the file is a Reject, with one of these reasons: "not readable",
/// "empty file", "file too large", "too many tags", "not XML", "damaged XML", "XML declares entities",
/// "XML nested too deeply", "other XML schema", "no series UID", "no reading session", "too many sessions",
/// "too many marks", "outlines too large". What is wrong with a part goes to Reading::left_out, and the rest stands:
/// "damaged coordinate", "coordinate out of range", "no image UID", "empty outline", "rating out of range",
/// "mark without outline", "repeated mark", "repeated session". Never throws for what the file holds.
std::variant<Reading, Reject> read_reading(const std::filesystem::path& path, const ReadLimits& limits = {});

/// The same from bytes in memory; `where` names them in messages.
std::variant<Reading, Reject> parse_reading(std::string_view xml, const std::string& where,
                                            const ReadLimits& limits = {});

/// Keeps one reading a series, the newest by date of service (of request where that is missing), then by the time stamp
/// in the message UID, then by the UID itself; the others go to `left_out` as "superseded reading" with the name of the
/// one that stands. The result is sorted by series UID and does not depend on the order of `readings`.
std::vector<Reading> newest_of_each_series(std::vector<Reading> readings, std::vector<Reject>& left_out);

}  // namespace nodulus::lidc
