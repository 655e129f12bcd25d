#include "CNative.h"
#include <unicode/translit.h>
#include <unicode/unistr.h>

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
