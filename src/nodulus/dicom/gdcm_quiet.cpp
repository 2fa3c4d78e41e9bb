#include "nodulus/dicom/gdcm_quiet.h"

#include <gdcmTrace.h>

#include <mutex>

namespace nodulus::dicom {

void quieten_gdcm() {
  static std::once_flag once;
  std::call_once(once, [] {
    gdcm::Trace::DebugOff();
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
  });
}

}  // namespace nodulus::dicom
