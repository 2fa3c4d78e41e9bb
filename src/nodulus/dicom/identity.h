#pragma once

#include <string>
#include <variant>

#include "nodulus/core/reject.h"

namespace nodulus::dicom {

/// Whose object a file is, of any kind, with pixels or without.
struct Identity {
  std::string sop_class_uid;
  std::string sop_uid;
  std::string series_uid;
  std::string study_uid;
  std::string patient_id;
  std::string modality;
};

/// Reads it from a file's header. Rejects as find_layout(), "damaged header", "truncated" where the pixels run past the
/// end of the file, and "no UID" for an object without SOPInstanceUID or SOPClassUID.
std::variant<Identity, Reject> read_identity(const std::string& path);

}  // namespace nodulus::dicom
