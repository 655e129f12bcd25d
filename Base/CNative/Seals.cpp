// Signatures of evidence packages and RFC 3161 timestamps, by OpenSSL's own functions.
#include "include/CNative.h"
#include <cstdlib>
#include <cstring>
#include <memory>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace {
template <auto free> struct Free {
  template <class T> void operator()(T *p) const { free(p); }
};
template <class T, auto free> using Own = std::unique_ptr<T, Free<free>>;
using Key = Own<EVP_PKEY, EVP_PKEY_free>;
using Context = Own<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Own<BIGNUM, BN_free>;
using Signature = Own<ECDSA_SIG, ECDSA_SIG_free>;
using Group = Own<EC_GROUP, EC_GROUP_free>;
using Certificate = Own<X509, X509_free>;
using Token = Own<PKCS7, PKCS7_free>;
using Store = Own<X509_STORE, X509_STORE_free>;
using Stream = Own<BIO, BIO_free_all>;

const int size = 48;

Key p384(const uint8_t *scalar) {
  Group group(EC_GROUP_new_by_curve_name(NID_secp384r1));
  Number number(BN_bin2bn(scalar, size, nullptr));
  if (!group || !number || BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return {};
  Own<EC_POINT, EC_POINT_free> point(EC_POINT_new(group.get()));
  if (!point || EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1) return {};
  uint8_t open[2 * size + 1];
  if (EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, open, sizeof open, nullptr) != sizeof open) return {};
  Own<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  if (!build || OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, open, sizeof open) != 1)
    return {};
  Own<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(build.get()));
  Own<EVP_PKEY_CTX, EVP_PKEY_CTX_free> making(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY *made = nullptr;
  if (!params || !making || EVP_PKEY_fromdata_init(making.get()) != 1 || EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_KEYPAIR, params.get()) != 1) return {};
  return Key(made);
}

int give(uint8_t *bytes, int count, uint8_t **out, size_t *length) {
  if (count <= 0 || !bytes) return 0;
  *out = static_cast<uint8_t *>(malloc(count));
  memcpy(*out, bytes, count);
  *length = count;
  OPENSSL_free(bytes);
  return 1;
}

void copy(char *to, size_t room, const char *from) {
  strncpy(to, from, room - 1);
  to[room - 1] = 0;
}

// Whether a certificate leads to a root that is trusted, theirs or the machine's, as of a time.
int leads(X509 *certificate, STACK_OF(X509) *chain, const char *roots, int64_t seconds, int purpose) {
  Store store(X509_STORE_new());
  if (roots && *roots) {
    Stream in(BIO_new_mem_buf(roots, -1));
    while (X509 *one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
      X509_STORE_add_cert(store.get(), one);
      X509_free(one);
    }
  } else {
    X509_STORE_set_default_paths(store.get());
  }
  Own<X509_STORE_CTX, X509_STORE_CTX_free> checking(X509_STORE_CTX_new());
  int holds = 0;
  if (X509_STORE_CTX_init(checking.get(), store.get(), certificate, chain) == 1) {
    if (purpose >= 0) X509_STORE_CTX_set_purpose(checking.get(), purpose);
    X509_STORE_CTX_set_time(checking.get(), 0, static_cast<time_t>(seconds));
    holds = X509_verify_cert(checking.get()) == 1;
  }
  ERR_clear_error();
  return holds;
}
}  // namespace

extern "C" int sinan_p384_public(const uint8_t *scalar, uint8_t **out, size_t *length) {
  auto key = p384(scalar);
  if (!key) return 0;
  uint8_t *der = nullptr;
  int n = i2d_PUBKEY(key.get(), &der);
  return give(der, n, out, length);
}

extern "C" int sinan_p384_sign(const uint8_t *scalar, const uint8_t *message, size_t count, uint8_t *signature) {
  auto key = p384(scalar);
  Context context(EVP_MD_CTX_new());
  uint8_t der[160];
  size_t length = sizeof der;
  if (!key || !context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), der, &length, message, count) != 1)
    return 0;
  const uint8_t *at = der;
  Signature pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(length)));
  if (!pair) return 0;
  return BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), signature, size) == size && BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), signature + size, size) == size;
}

extern "C" int sinan_ecdsa_verify(const uint8_t *spki, size_t spkiLength, const uint8_t *message, size_t count, const uint8_t *signature, size_t length) {
  const uint8_t *at = spki;
  Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spkiLength)));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC) return 0;
  uint8_t *der = nullptr;
  int n = 0;
  size_t half = (EVP_PKEY_get_bits(key.get()) + 7) / 8;
  if (length == 2 * half) {
    // As browsers write it: the two numbers one after another.
    Signature pair(ECDSA_SIG_new());
    BIGNUM *r = BN_bin2bn(signature, static_cast<int>(half), nullptr), *s = BN_bin2bn(signature + half, static_cast<int>(half), nullptr);
    if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) return 0;
    n = i2d_ECDSA_SIG(pair.get(), &der);
  } else {
    der = static_cast<uint8_t *>(OPENSSL_malloc(length));
    memcpy(der, signature, length);
    n = static_cast<int>(length);
  }
  Context context(EVP_MD_CTX_new());
  int holds = n > 0 && context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
              EVP_DigestVerify(context.get(), der, static_cast<size_t>(n), message, count) == 1;
  OPENSSL_free(der);
  ERR_clear_error();
  return holds;
}

extern "C" int sinan_certificate(const char *pem, size_t count, int64_t seconds, const char *roots, uint8_t **spki, size_t *length, char *subject, size_t room, int *trusted) {
  Stream in(BIO_new_mem_buf(pem, static_cast<int>(count)));
  Certificate certificate(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return ERR_clear_error(), 0;
  STACK_OF(X509) *chain = sk_X509_new_null();
  while (X509 *one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) sk_X509_push(chain, one);
  ERR_clear_error();
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, subject, static_cast<int>(room));
  *trusted = leads(certificate.get(), chain, roots, seconds, -1);
  sk_X509_pop_free(chain, X509_free);
  uint8_t *der = nullptr;
  int n = i2d_PUBKEY(X509_get0_pubkey(certificate.get()), &der);
  return give(der, n, spki, length);
}

extern "C" int sinan_stamp_request(const uint8_t *digest, const uint8_t *nonce, size_t nonceLength, uint8_t **out, size_t *length) {
  Own<TS_REQ, TS_REQ_free> request(TS_REQ_new());
  Own<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free> imprint(TS_MSG_IMPRINT_new());
  Own<X509_ALGOR, X509_ALGOR_free> algorithm(X509_ALGOR_new());
  Number number(BN_bin2bn(nonce, static_cast<int>(nonceLength), nullptr));
  Own<ASN1_INTEGER, ASN1_INTEGER_free> integer(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  if (!request || !imprint || !algorithm || !integer) return 0;
  X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nullptr);
  uint8_t *der = nullptr;
  if (TS_REQ_set_version(request.get(), 1) != 1 || TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) != 1 ||
      TS_MSG_IMPRINT_set_msg(imprint.get(), const_cast<uint8_t *>(digest), 32) != 1 || TS_REQ_set_msg_imprint(request.get(), imprint.get()) != 1 ||
      TS_REQ_set_nonce(request.get(), integer.get()) != 1 || TS_REQ_set_cert_req(request.get(), 1) != 1)
    return 0;
  int n = i2d_TS_REQ(request.get(), &der);
  return give(der, n, out, length);
}

extern "C" int sinan_stamp_token(const uint8_t *reply, size_t count, uint8_t **out, size_t *length, char *why, size_t room) {
  const uint8_t *at = reply;
  Own<TS_RESP, TS_RESP_free> response(d2i_TS_RESP(nullptr, &at, static_cast<long>(count)));
  ERR_clear_error();
  if (!response) return copy(why, room, "the answer is not a timestamp response"), 0;
  long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response.get())));
  PKCS7 *token = TS_RESP_get_token(response.get());
  if ((status != 0 && status != 1) || !token) return copy(why, room, "the authority refused"), 0;
  uint8_t *der = nullptr;
  int n = i2d_PKCS7(token, &der);
  return give(der, n, out, length);
}

extern "C" int sinan_stamp_verify(
    const uint8_t *bytes, size_t count, const uint8_t *digest, const uint8_t *nonce, size_t nonceLength, const char *certificates, const char *roots, struct sinan_stamp *stamp) {
  memset(stamp, 0, sizeof *stamp);
  const uint8_t *at = bytes;
  Token token(d2i_PKCS7(nullptr, &at, static_cast<long>(count)));
  ERR_clear_error();
  if (!token || at != bytes + count) return copy(stamp->why, sizeof stamp->why, "not a timestamp token"), 0;
  Own<TS_TST_INFO, TS_TST_INFO_free> info(PKCS7_type_is_signed(token.get()) ? PKCS7_to_TS_TST_INFO(token.get()) : nullptr);
  if (!info) return copy(stamp->why, sizeof stamp->why, "not a timestamp token"), 0;
  // Certificates that came beside the token.
  STACK_OF(X509) *beside = sk_X509_new_null();
  if (certificates && *certificates) {
    Stream in(BIO_new_mem_buf(certificates, -1));
    while (X509 *one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) sk_X509_push(beside, one);
    ERR_clear_error();
  }
  // The signature over the content, by a certificate that may sign times.
  Stream content(BIO_new(BIO_s_mem()));
  int holds = PKCS7_verify(token.get(), beside, nullptr, nullptr, content.get(), PKCS7_NOVERIFY) == 1;
  if (!holds) copy(stamp->why, sizeof stamp->why, "its signature does not hold");
  STACK_OF(X509) *signers = holds ? PKCS7_get0_signers(token.get(), beside, 0) : nullptr;
  X509 *signer = signers && sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : nullptr;
  if (holds && (!signer || !(X509_get_extension_flags(signer) & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(signer) & XKU_TIMESTAMP))) {
    holds = 0;
    copy(stamp->why, sizeof stamp->why, "who signed may not sign times");
  }
  TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info.get());
  const ASN1_OCTET_STRING *message = TS_MSG_IMPRINT_get_msg(imprint);
  const ASN1_OBJECT *algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, TS_MSG_IMPRINT_get_algo(imprint));
  if (holds && (OBJ_obj2nid(algorithm) != NID_sha256 || ASN1_STRING_length(message) != 32 || memcmp(ASN1_STRING_get0_data(message), digest, 32) != 0)) {
    holds = 0;
    copy(stamp->why, sizeof stamp->why, "it stamps something else");
  }
  if (holds && nonceLength > 0) {
    Number number(BN_bin2bn(nonce, static_cast<int>(nonceLength), nullptr));
    Own<ASN1_INTEGER, ASN1_INTEGER_free> mine(BN_to_ASN1_INTEGER(number.get(), nullptr));
    const ASN1_INTEGER *theirs = TS_TST_INFO_get_nonce(info.get());
    if (!theirs || ASN1_INTEGER_cmp(theirs, mine.get()) != 0) {
      holds = 0;
      copy(stamp->why, sizeof stamp->why, "it answers another request");
    }
  }
  struct tm when;
  if (ASN1_TIME_to_tm(reinterpret_cast<const ASN1_TIME *>(TS_TST_INFO_get_time(info.get())), &when) == 1) stamp->seconds = timegm(&when);
  if (signer) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(signer), NID_commonName, stamp->authority, sizeof stamp->authority);
    if (!stamp->authority[0]) X509_NAME_oneline(X509_get_subject_name(signer), stamp->authority, sizeof stamp->authority);
    STACK_OF(X509) *chain = sk_X509_new_null();
    for (int i = 0; i < sk_X509_num(beside); i++) sk_X509_push(chain, sk_X509_value(beside, i));
    STACK_OF(X509) *inside = token->d.sign->cert;
    for (int i = 0; inside && i < sk_X509_num(inside); i++) sk_X509_push(chain, sk_X509_value(inside, i));
    stamp->trusted = leads(signer, chain, roots, stamp->seconds, X509_PURPOSE_TIMESTAMP_SIGN);
    sk_X509_free(chain);
  }
  if (signers) sk_X509_free(signers);
  sk_X509_pop_free(beside, X509_free);
  ERR_clear_error();
  return holds;
}
