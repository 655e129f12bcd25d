#include "CNative.h"
#include <unicode/translit.h>
#include <unicode/unistr.h>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

extern "C" int sinan_pinyin_initials(uint8_t *out, size_t count) {
  UErrorCode status = U_ZERO_ERROR;
  icu::Transliterator *t =
      icu::Transliterator::createInstance("Han-Latin; Latin-ASCII; Lower", UTRANS_FORWARD, status);
  if (U_FAILURE(status) || !t) return 1;
  for (size_t start = 0; start < count; start += 512) {
    // One character a line, so that each reading stands on a line of its own.
    icu::UnicodeString text;
    for (size_t i = start; i < start + 512 && i < count; i++) {
      text.append(static_cast<char16_t>(0x4E00 + i));
      text.append(u'\n');
    }
    t->transliterate(text);
    size_t index = start;
    bool fresh = true;
    for (int32_t k = 0; k < text.length() && index < count; k++) {
      char16_t unit = text.charAt(k);
      if (unit == u'\n') {
        index++;
        fresh = true;
      } else if (fresh && unit >= u'a' && unit <= u'z') {
        out[index] = static_cast<uint8_t>(unit);
        fresh = false;
      } else if (unit != u' ') {
        fresh = false;
      }
    }
  }
  delete t;
  return 0;
}

extern "C" size_t sinan_romanized(const char *text, size_t count, char *out, size_t capacity) {
  static std::mutex lock;
  static std::unique_ptr<icu::Transliterator> reader;
  std::lock_guard<std::mutex> hold(lock);
  if (!reader) {
    UErrorCode status = U_ZERO_ERROR;
    reader.reset(icu::Transliterator::createInstance("Han-Latin; Latin-ASCII; Lower", UTRANS_FORWARD, status));
    if (U_FAILURE(status)) reader.reset();
  }
  if (!reader) return 0;
  icu::UnicodeString units = icu::UnicodeString::fromUTF8(icu::StringPiece(text, static_cast<int32_t>(count)));
  reader->transliterate(units);
  std::string bytes;
  units.toUTF8String(bytes);
  if (bytes.size() > capacity) return 0;
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

extern "C" int sinan_simplified(uint16_t *table, size_t first, size_t last) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::Transliterator> t(icu::Transliterator::createInstance("Traditional-Simplified", UTRANS_FORWARD, status));
  if (U_FAILURE(status) || !t) return 1;
  // One character a line: what becomes of each stands alone, and phrases have no say.
  icu::UnicodeString text;
  for (size_t c = first; c <= last; c++) {
    text.append(static_cast<char16_t>(c));
    text.append(u'\n');
  }
  t->transliterate(text);
  size_t c = first;
  int32_t begun = 0;
  for (int32_t k = 0; k < text.length() && c <= last; k++) {
    if (text.charAt(k) != u'\n') continue;
    if (k - begun == 1) table[c] = text.charAt(begun);
    begun = k + 1;
    c++;
  }
  return 0;
}
