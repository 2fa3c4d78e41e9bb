#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace nodulus::test {

/// A series that the stand-in serves.
struct StandInSeries {
  std::string collection = "LIDC-IDRI";
  std::string patient;
  std::string study_uid;
  std::string series_uid;
  std::string modality = "CT";
  std::map<std::string, std::string> files;  ///< File name -> bytes.
  std::string annotation{};                  ///< An XML file, given where includeAnnotation asks for it.
  std::map<std::string, std::string> sops;   ///< File name -> SOPInstanceUID.
  /// Where it is set, the files are made anew for each request, so that a server of many GB stays small,
  std::function<StandInSeries()> make{};
  std::size_t count = 0;  ///< and there are so many of them.
};

/// A series of `count` small CT objects that DICOM readers take; its UIDs are below `root`.
StandInSeries made_series(const std::string& patient, const std::string& root, int count,
                          std::size_t pixel_bytes = 512);

struct StandInOptions {
  bool ranges = false;  ///< getImage has a length, an ETag and ranges; TCIA's has none.
  std::string token{};  ///< Wanted of NBIA and DICOMweb, where not empty.
  std::string user{};   ///< With `password`: POST /nbia-api/oauth/token gives tokens,
  std::string password{};
  int token_uses = 1 << 30;   ///< each good for so many requests.
  std::string certificate{};  ///< PEM files: serves over TLS.
  std::string key{};
  std::string annotations{};  ///< Bytes of /annotations.zip.
  bool knows_offset = true;   ///< QIDO-RS heeds `offset`.
  int page = 0;               ///< Rows that QIDO-RS gives at most, whatever `limit` says; 0: as many as are asked for.
  bool bare_series = false;   ///< QIDO-RS tells no patient with a series.
  bool without_sums = false;  ///< No getImageWithMD5Hash.
  bool old = false;           ///< No getDCMImage.
  bool without_stow = false;
};

/// A server on loopback that speaks NBIA's REST API under /nbia-api/services/v1 and DICOMweb under /dicom-web, and
/// misbehaves on request. It stops with the object.
class StandIn {
 public:
  StandIn(std::vector<StandInSeries> series, const StandInOptions& options = {});
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string origin() const;
  [[nodiscard]] std::string nbia() const { return origin() + "/nbia-api/services/v1"; }
  [[nodiscard]] std::string dicomweb() const { return origin() + "/dicom-web"; }

  /// The next `times` requests whose target has `text` in it end in `kind`:
  /// any request: "500", "503" (Retry-After: 1), "429" (Retry-After: 1), "429-date", "429-long" (Retry-After: 86400),
  /// "401", "403", "404", "cut" (connection closed half way), "stall" (half, then nothing), "html", "json", "empty",
  /// "garbage", "no-data" (500, NBIA's word for an empty list) (broken JSON), "redirect:ORIGIN"; zips: "wrong-md5",
  /// "truncated-zip", "path-escape", "bomb", "wrong-series", "missing-file", "no-sums", "changed" (another ETag from
  /// now on); STOW-RS: "refuse:REASON" (every object, FailureReason in hexadecimal), "refuse-one:REASON", "silent" (an
  /// object is not answered for).
  void fault(const std::string& kind, const std::string& text, int times = 1);
  /// Requests so far whose target has `text` in it.
  [[nodiscard]] int requests(const std::string& text) const;
  /// Range headers so far.
  [[nodiscard]] std::vector<std::string> ranges() const;
  /// Authorization headers so far, "" for a request without.
  [[nodiscard]] std::vector<std::string> authorizations() const;
  /// SOPInstanceUID -> bytes of what STOW-RS stored.
  [[nodiscard]] std::map<std::string, std::string> stored() const;
  [[nodiscard]] std::int64_t bytes_sent() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace nodulus::test
