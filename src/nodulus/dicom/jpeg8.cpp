#include <csetjmp>
#include <cstdio>
#include <cstring>

extern "C" {
#include <gdcmjpeg/8/jpeglib.h>
// After jpeglib.h, which it needs.
#include <gdcmjpeg/8/jerror.h>
}

#include "nodulus/dicom/jpeg.h"
#include "nodulus/dicom/jpeg_decode.inc"

std::string nodulus::dicom::decode_jpeg8(const JpegFrame& frame, std::uint8_t* out) {
  return decode_or_say(frame, out);
}
