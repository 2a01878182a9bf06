/*
 * Reading what is in the page cache, and never waiting for a device, for Node.js on Linux with an x86-64 processor.
 *
 * `readCached(file, target, targetStart, length, position)` gives the number of bytes read: fewer than asked where the
 * next one would have to come from the device, or the file ends.
 * `sendCached(socket, file, position, length)` gives the number of bytes that the system took for the socket, straight
 * from the page cache: 0 where it has no room or a device would have to be waited for.
 * Both give a negative number, the error of the system, when they fail; `file` and `socket` are descriptors.
 *
 * Built by scripts/build-native.ts; who cannot build it guesses instead: see src/adapters/native-page-cache.ts.
 */
#define NAPI_VERSION 8
#define _GNU_SOURCE
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

enum { PAGE_BYTES = 4096, PROBE_BYTES = 32 * 1024 };

/* As linux/mman.h has them since Linux 6.5; older headers do not. */
struct range {
  uint64_t from;
  uint64_t size;
};
struct pages {
  uint64_t cached;
  uint64_t dirty;
  uint64_t being_written;
  uint64_t evicted;
  uint64_t evicted_lately;
};

static ssize_t read_cached(int file, void *target, size_t length, off_t position) {
  struct iovec vector = {target, length};
  ssize_t count = preadv2(file, &vector, 1, position, RWF_NOWAIT);
  if (count >= 0) return count;
  return errno == EAGAIN ? 0 : -errno;
}

/* A page may be known to the cache while the device still brings it: one in each PROBE_BYTES is asked for. */
static bool is_cached(int file, off_t position, size_t length) {
  off_t first = position / PAGE_BYTES;
  off_t last = (position + (off_t)length - 1) / PAGE_BYTES;
  struct range range = {(uint64_t)position, length};
  struct pages pages = {0};
  if (syscall(SYS_cachestat, file, &range, &pages, 0) != 0) return false;
  if (pages.cached < (uint64_t)(last - first + 1)) return false;
  char byte;
  for (off_t at = position; at < position + (off_t)length; at += PROBE_BYTES) {
    if (read_cached(file, &byte, 1, at) != 1) return false;
  }
  return read_cached(file, &byte, 1, position + (off_t)length - 1) == 1;
}

static bool whole_numbers(napi_env env, const napi_value *arguments, int64_t *numbers, const int *places, int count) {
  for (int i = 0; i < count; i++) {
    if (napi_get_value_int64(env, arguments[places[i]], &numbers[i]) != napi_ok || numbers[i] < 0) return false;
  }
  return true;
}

static napi_value number(napi_env env, int64_t value) {
  napi_value result;
  return napi_create_int64(env, value, &result) == napi_ok ? result : NULL;
}

static napi_value read_cached_of(napi_env env, napi_callback_info info) {
  enum { FILE_AT, START, LENGTH, POSITION };
  static const int places[] = {0, 2, 3, 4};
  napi_value arguments[5];
  size_t count = 5;
  napi_typedarray_type type;
  void *bytes;
  size_t size;
  int64_t given[4];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5 ||
      napi_get_typedarray_info(env, arguments[1], &type, &size, &bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || !whole_numbers(env, arguments, given, places, 4)) {
    napi_throw_type_error(env, NULL, "use: readCached(file, target: Uint8Array, targetStart, length, position)");
    return NULL;
  }
  if ((uint64_t)given[START] > size || (uint64_t)given[LENGTH] > size - (uint64_t)given[START]) {
    napi_throw_range_error(env, NULL, "readCached: targetStart + length <= target.length does not hold");
    return NULL;
  }
  return number(env, read_cached((int)given[FILE_AT], (uint8_t *)bytes + given[START], (size_t)given[LENGTH],
                                 (off_t)given[POSITION]));
}

static napi_value send_cached_of(napi_env env, napi_callback_info info) {
  enum { SOCKET, FILE_AT, POSITION, LENGTH };
  static const int places[] = {0, 1, 2, 3};
  napi_value arguments[4];
  size_t count = 4;
  int64_t given[4];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 4 ||
      !whole_numbers(env, arguments, given, places, 4)) {
    napi_throw_type_error(env, NULL, "use: sendCached(socket, file, position, length)");
    return NULL;
  }
  if (given[LENGTH] == 0 || !is_cached((int)given[FILE_AT], (off_t)given[POSITION], (size_t)given[LENGTH])) {
    return number(env, 0);
  }
  off_t position = (off_t)given[POSITION];
  ssize_t sent = sendfile((int)given[SOCKET], (int)given[FILE_AT], &position, (size_t)given[LENGTH]);
  return number(env, sent >= 0 ? sent : errno == EAGAIN ? 0 : -errno);
}

static bool offer(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

NAPI_MODULE_INIT() {
  return offer(env, exports, "readCached", read_cached_of) && offer(env, exports, "sendCached", send_cached_of)
             ? exports
             : NULL;
}
