#pragma once

namespace nodulus::dicom {

/// Stops GDCM from writing warnings to stderr; what is wrong with a file is ours to say. Any thread, any time.
void quieten_gdcm();

}  // namespace nodulus::dicom
