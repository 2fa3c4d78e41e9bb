#include <csetjmp>
#include <cstdio>
#include <cstring>

extern "C" {
#include <gdcmjpeg/16/jpeglib.h>
// After jpeglib.h, which it needs.
#include <gdcmjpeg/16/jerror.h>
}

#include "nodulus/dicom/jpeg.h"
#include "nodulus/dicom/jpeg_decode.inc"

std::string nodulus::dicom::decode_jpeg16(const JpegFrame& frame, std::uint16_t* out) {
  return decode_or_say(frame, out);
}
