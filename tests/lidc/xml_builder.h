#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nodulus/lidc/reading.h"

namespace nodulus::lidc::test {

using Points = std::vector<std::pair<int, int>>;

inline std::string element(const std::string& name, const std::string& text) {
  return "<" + name + ">" + text + "</" + name + ">\n";
}

/// A SOP Instance UID for the slice at z.
inline std::string uid_at(double z_mm) { return "1.2.3." + std::to_string(10000 + static_cast<int>(z_mm * 100)); }

inline std::string roi(double z_mm, const Points& points, bool inclusion = true) {
  std::string xml = element("imageZposition", std::to_string(z_mm) + " ") + element("imageSOP_UID", uid_at(z_mm)) +
                    element("inclusion", inclusion ? "TRUE" : "FALSE");
  for (const auto& [x, y] : points) {
    xml += element("edgeMap", element("xCoord", std::to_string(x)) + element("yCoord", std::to_string(y)));
  }
  return element("roi", xml);
}

inline std::string ratings(const std::vector<int>& values = {5, 1, 6, 4, 3, 2, 1, 5, 4}) {
  const char* names[] = {"subtlety",   "internalStructure", "calcification", "sphericity", "margin",
                         "lobulation", "spiculation",       "texture",       "malignancy"};
  std::string xml;
  for (std::size_t i = 0; i < values.size(); ++i) xml += element(names[i], std::to_string(values[i]));
  return element("characteristics", xml);
}

inline std::string nodule(const std::string& id, const std::string& content) {
  return element("unblindedReadNodule", element("noduleID", id) + content);
}

inline std::string small_nodule(const std::string& id, double z_mm, int x, int y) {
  return nodule(id, roi(z_mm, {{x, y}}));
}

inline std::string non_nodule(const std::string& id, double z_mm, int x, int y) {
  return element("nonNodule",
                 element("nonNoduleID", id) + element("imageZposition", std::to_string(z_mm)) +
                     element("imageSOP_UID", uid_at(z_mm)) +
                     element("locus", element("xCoord", std::to_string(x)) + element("yCoord", std::to_string(y))));
}

inline std::string session(const std::string& marks, const std::string& reader = "anon") {
  return element("readingSession",
                 element("annotationVersion", "3.12") + element("servicingRadiologistID", reader) + marks);
}

inline std::string header(const std::string& series_uid = "1.2.840.1", const std::string& date_service = "2008-08-18") {
  return element("ResponseHeader", element("TaskDescription", "Second unblinded read") +
                                       element("DateRequest", "2007-11-01") + element("TimeRequest", "12:30:44") +
                                       element("SeriesInstanceUid", series_uid) +
                                       (date_service.empty() ? "" : element("DateService", date_service)) +
                                       element("TimeService", "02:05:51") + element("StudyInstanceUID", "1.2.840.9"));
}

inline std::string message(const std::string& sessions, const std::string& head = header(),
                           const std::string& uid = "1.3.6.1.1307390687803.0") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LidcReadMessage uid=\"" + uid +
         "\" xmlns=\"http://www.nih.gov\">\n" + head + sessions + "</LidcReadMessage>\n";
}

/// The outline of a rectangle of pixels that are inside: it runs one pixel further out, and closes.
inline Points around(int x0, int y0, int x1, int y1) {
  Points points;
  for (int x = x0 - 1; x <= x1; ++x) points.emplace_back(x, y0 - 1);
  for (int y = y0 - 1; y <= y1; ++y) points.emplace_back(x1 + 1, y);
  for (int x = x1 + 1; x >= x0; --x) points.emplace_back(x, y1 + 1);
  for (int y = y1 + 1; y >= y0 - 1; --y) points.emplace_back(x0 - 1, y);
  return points;
}

/// The reading, or an empty one and a test failure that names the reject.
Reading reading_of(const std::string& xml);

/// The reject, or an empty one and a test failure.
Reject reject_of(const std::string& xml, const ReadLimits& limits = {});

}  // namespace nodulus::lidc::test
