#include "nodulus/dicom/identity.h"

#include "nodulus/core/error.h"
#include "nodulus/dicom/attributes.h"
#include "nodulus/dicom/layout.h"

namespace nodulus::dicom {

std::variant<Identity, Reject> read_identity(const std::string& path) {
  auto found = find_layout(path);
  if (auto* const reject = std::get_if<Reject>(&found)) return std::move(*reject);
  const Layout& layout = std::get<Layout>(found);
  if (!layout.pixels_cut.empty()) return Reject{path, "truncated", layout.pixels_cut};
  try {
    const Attributes attributes = Attributes::read(layout);
    Identity identity{attributes.text(0x00080016), attributes.text(0x00080018), attributes.text(0x0020000e),
                      attributes.text(0x0020000d), attributes.text(0x00100020), attributes.text(0x00080060)};
    if (identity.sop_uid.empty() || identity.sop_class_uid.empty())
      return Reject{path, "no UID", "expected SOPClassUID (0008,0016) and SOPInstanceUID (0008,0018)"};
    return identity;
  } catch (const Error& error) {
    return Reject{path, "damaged header", error.what()};
  }
}

}  // namespace nodulus::dicom
