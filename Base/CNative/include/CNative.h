#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
/// Removes all metadata but the orientation from an image held in memory.
/// Returns 0 and a malloc'd copy in *out, or non-zero when the bytes are not an image that Exiv2 can rewrite.
int sinan_strip_image(const uint8_t *bytes, size_t count, uint8_t **out, size_t *out_count);
/// 1 when the image carries a GPS position, 0 when it does not, -1 when it cannot be read.
int sinan_image_has_position(const uint8_t *bytes, size_t count);
/// Fills one byte for each of U+4E00...U+9FFF with the initial of its Mandarin reading, 0 where ICU has none.
/// Returns 0 when it could. (ICU's own headers cannot be imported beside Foundation's, so they stay in here.)
int sinan_pinyin_initials(uint8_t *out, size_t count);
/// Writes the reading of a UTF-8 text in plain Latin letters, syllables apart. Returns how many bytes it took, 0 when it cannot.
size_t sinan_romanized(const char *text, size_t count, char *out, size_t capacity);
/// Writes the simplified form of each BMP character from `first` through `last` into `table`, where it has one of one unit.
/// Returns 0 when it could.
int sinan_simplified(uint16_t *table, size_t first, size_t last);
/// What came of going out: the peer's status, the bytes it sent (malloc'd, to be freed), or why nothing came.
typedef struct {
  long status;
  uint8_t *body;
  size_t size;
  char error[256];
} sinan_answer;
/// One HTTP request; redirects are not followed. `headers` and `allowed` end with NULL; `allowed` names addresses as `10.0.0.5:25`.
/// Returns 0, 1 (failed), 2 (the address is not public and not allowed), 3 (the answer is larger than `limit`). Blocks.
int sinan_request(const char *method, const char *url, const char *const *headers, const uint8_t *body, size_t size, long timeout, size_t limit, const char *const *allowed,
                  sinan_answer *out);
/// Hands one message to an SMTP server; `secure` demands TLS. Returns as above. Blocks.
int sinan_mail(const char *url, const char *user, const char *password, int secure, const char *from, const char *const *to, const uint8_t *message, size_t size, long timeout,
               const char *const *allowed, sinan_answer *out);
/// 1 where an address is one of the open net.
int sinan_is_public(const char *address);
/// The public half of a P-384 key given as its 48 bytes, as SubjectPublicKeyInfo (malloc'd). 1 when it could.
int sinan_p384_public(const uint8_t *scalar, uint8_t **out, size_t *length);
/// Signs a message with SHA-256; 96 bytes, the two numbers one after another. 1 when it could.
int sinan_p384_sign(const uint8_t *scalar, const uint8_t *message, size_t count, uint8_t *signature);
/// 1 when an ECDSA signature with SHA-256 holds, written as DER or as two numbers.
int sinan_ecdsa_verify(const uint8_t *spki, size_t spki_length, const uint8_t *message, size_t count, const uint8_t *signature, size_t length);
/// The key and the subject of a PEM certificate, with its chain behind it. 1 when it is one. `trusted`: whether it led to a root at that time.
int sinan_certificate(const char *pem, size_t count, int64_t seconds, const char *roots, uint8_t **spki, size_t *length, char *subject, size_t room, int *trusted);
/// What a timestamp token says (RFC 3161).
struct sinan_stamp {
  int64_t seconds;
  int trusted;
  char authority[256];
  char why[128];
};
/// A request for a timestamp of a SHA-256 digest (malloc'd). 1 when it could.
int sinan_stamp_request(const uint8_t *digest, const uint8_t *nonce, size_t nonce_length, uint8_t **out, size_t *length);
/// The token in an authority's answer (malloc'd), or why there is none. 1 when there is.
int sinan_stamp_token(const uint8_t *reply, size_t count, uint8_t **out, size_t *length, char *why, size_t room);
/// 1 when a token's signature holds, by a certificate for timestamps, over that digest (and that nonce, if one is given).
/// `certificates`: PEM beside the token; `roots`: PEM that is trusted, the machine's if NULL. `trusted` says whether it leads there.
int sinan_stamp_verify(const uint8_t *token, size_t count, const uint8_t *digest, const uint8_t *nonce, size_t nonce_length, const char *certificates, const char *roots,
                       struct sinan_stamp *stamp);
#ifdef __cplusplus
}
#endif
