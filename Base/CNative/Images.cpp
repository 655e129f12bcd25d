#include "CNative.h"
#include <cstdlib>
#include <cstring>
#include <exiv2/exiv2.hpp>

// Exiv2 throws; Swift must never see that. A failure is a number.
extern "C" int sinan_strip_image(const uint8_t *bytes, size_t count, uint8_t **out, size_t *out_count) {
  try {
    auto image = Exiv2::ImageFactory::open(bytes, static_cast<long>(count));
    image->readMetadata();
    Exiv2::ExifData kept;
    auto found = image->exifData().findKey(Exiv2::ExifKey("Exif.Image.Orientation"));
    if (found != image->exifData().end()) kept["Exif.Image.Orientation"] = static_cast<uint16_t>(found->toLong());
    image->clearMetadata();
    if (!kept.empty()) image->setExifData(kept);
    image->writeMetadata();
    Exiv2::BasicIo &io = image->io();
    if (io.open() != 0) return 2;
    size_t size = static_cast<size_t>(io.size());
    auto *copy = static_cast<uint8_t *>(std::malloc(size ? size : 1));
    if (!copy) return 3;
    long got = io.read(copy, static_cast<long>(size));
    io.close();
    if (got != static_cast<long>(size)) { std::free(copy); return 4; }
    *out = copy;
    *out_count = size;
    return 0;
  } catch (...) {
    return 1;
  }
}

extern "C" int sinan_image_has_position(const uint8_t *bytes, size_t count) {
  try {
    auto image = Exiv2::ImageFactory::open(bytes, static_cast<long>(count));
    image->readMetadata();
    for (auto const &datum : image->exifData())
      if (datum.groupName() == "GPSInfo") return 1;
    for (auto const &datum : image->xmpData())
      if (datum.key().find("GPS") != std::string::npos) return 1;
    return 0;
  } catch (...) {
    return -1;
  }
}
