#include "CNative.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <vector>

// What libcurl needs C for: its options are variadic, its callbacks C functions.

namespace {
struct Walk {
  const char *const *allowed;
  bool refused = false;
};
struct Body {
  std::vector<uint8_t> bytes;
  size_t limit;
  bool over = false;
};
struct Source {
  const uint8_t *bytes;
  size_t size, at = 0;
};

bool within(uint32_t ip, uint32_t net, int bits) { return (ip >> (32 - bits)) == (net >> (32 - bits)); }

bool isPublic4(uint32_t ip) {
  static const struct { uint32_t net; int bits; } closed[] = {
      {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24},
      {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3}};
  for (const auto &c : closed)
    if (within(ip, c.net, c.bits)) return false;
  return true;
}

bool isPublic(const sockaddr *address) {
  if (address->sa_family == AF_INET) return isPublic4(ntohl(reinterpret_cast<const sockaddr_in *>(address)->sin_addr.s_addr));
  if (address->sa_family != AF_INET6) return false;
  const uint8_t *b = reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr.s6_addr;
  auto tail = [&](int at) { return uint32_t(b[at]) << 24 | uint32_t(b[at + 1]) << 16 | uint32_t(b[at + 2]) << 8 | b[at + 3]; };
  // Only what is handed out for the open net; what wraps an IPv4 address (6to4, NAT64) counts as that address.
  static const uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0};
  if (memcmp(b, nat64, 12) == 0) return isPublic4(tail(12));
  if (b[0] == 0x20 && b[1] == 0x02) return isPublic4(tail(2));
  if ((b[0] & 0xE0) != 0x20) return false;
  if (b[0] == 0x20 && b[1] == 0x01 && (b[2] < 2 || (b[2] == 0x0D && b[3] == 0xB8))) return false;
  return true;
}

curl_socket_t opened(void *user, curlsocktype, curl_sockaddr *address) {
  auto *walk = static_cast<Walk *>(user);
  char text[INET6_ADDRSTRLEN] = "", name[INET6_ADDRSTRLEN + 10];
  const sockaddr *a = &address->addr;
  if (a->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(a)->sin_addr, text, sizeof text);
    snprintf(name, sizeof name, "%s:%d", text, ntohs(reinterpret_cast<const sockaddr_in *>(a)->sin_port));
  } else {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6 *>(a)->sin6_addr, text, sizeof text);
    snprintf(name, sizeof name, "[%s]:%d", text, ntohs(reinterpret_cast<const sockaddr_in6 *>(a)->sin6_port));
  }
  bool good = isPublic(a);
  for (auto p = walk->allowed; !good && p && *p; p++) good = strcmp(*p, name) == 0;
  if (!good) {
    walk->refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t taken(char *bytes, size_t size, size_t count, void *user) {
  auto *body = static_cast<Body *>(user);
  if (body->bytes.size() + size * count > body->limit) {
    body->over = true;
    return 0;
  }
  body->bytes.insert(body->bytes.end(), bytes, bytes + size * count);
  return size * count;
}

size_t given(char *bytes, size_t size, size_t count, void *user) {
  auto *source = static_cast<Source *>(user);
  size_t n = std::min(size * count, source->size - source->at);
  memcpy(bytes, source->bytes + source->at, n);
  source->at += n;
  return n;
}

CURL *begin(Walk *walk, char *error, long timeout) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURL *c = curl_easy_init();
  if (!c) return nullptr;
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  // With a proxy of the environment the callback would see the proxy, not where we go.
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, opened);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, walk);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
  return c;
}

int end(CURL *c, CURLcode code, const Walk &walk, const Body &body, sinan_answer *out) {
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
  curl_easy_cleanup(c);
  if (code == CURLE_OK) {
    out->size = body.bytes.size();
    out->body = static_cast<uint8_t *>(malloc(out->size + 1));
    if (out->size) memcpy(out->body, body.bytes.data(), out->size);
    return 0;
  }
  if (!out->error[0]) snprintf(out->error, sizeof out->error, "%s", curl_easy_strerror(code));
  return walk.refused ? 2 : body.over ? 3 : 1;
}
} // namespace

extern "C" int sinan_request(
    const char *method, const char *url, const char *const *headers, const uint8_t *body, size_t size, long timeout, size_t limit, const char *const *allowed,
    sinan_answer *out) {
  Walk walk{allowed};
  Body answer{{}, limit};
  CURL *c = begin(&walk, out->error, timeout);
  if (!c) return 1;
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
  if (body) {
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, reinterpret_cast<const char *>(body));
  }
  curl_slist *list = nullptr;
  for (auto h = headers; h && *h; h++) list = curl_slist_append(list, *h);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, taken);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
  CURLcode code = curl_easy_perform(c);
  int result = end(c, code, walk, answer, out);
  curl_slist_free_all(list);
  return result;
}

extern "C" int sinan_mail(
    const char *url, const char *user, const char *password, int secure, const char *from, const char *const *to, const uint8_t *message, size_t size, long timeout,
    const char *const *allowed, sinan_answer *out) {
  Walk walk{allowed};
  Body answer{{}, 65536};
  Source source{message, size};
  CURL *c = begin(&walk, out->error, timeout);
  if (!c) return 1;
  curl_easy_setopt(c, CURLOPT_URL, url);
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  if (user && *user) {
    curl_easy_setopt(c, CURLOPT_USERNAME, user);
    curl_easy_setopt(c, CURLOPT_PASSWORD, password);
  }
  curl_easy_setopt(c, CURLOPT_USE_SSL, secure ? CURLUSESSL_ALL : CURLUSESSL_TRY);
  curl_easy_setopt(c, CURLOPT_MAIL_FROM, from);
  curl_slist *list = nullptr;
  for (auto t = to; t && *t; t++) list = curl_slist_append(list, *t);
  curl_easy_setopt(c, CURLOPT_MAIL_RCPT, list);
  curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(c, CURLOPT_READFUNCTION, given);
  curl_easy_setopt(c, CURLOPT_READDATA, &source);
  curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, taken);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
  CURLcode code = curl_easy_perform(c);
  int result = end(c, code, walk, answer, out);
  curl_slist_free_all(list);
  return result;
}

extern "C" int sinan_is_public(const char *address) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) return isPublic(reinterpret_cast<sockaddr *>(&v4));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) return isPublic(reinterpret_cast<sockaddr *>(&v6));
  return 0;
}
