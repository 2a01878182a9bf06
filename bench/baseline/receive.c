/*
 * What the machine allows: one thread that receives Produce requests of version 11, checks the CRC-32C of their
 * batch, writes it to a file with its offset and answers. No log, no index, no rule: the floor that a broker of one
 * loop can be held against. Takes well-formed requests of one topic and one partition only, and anything else ends it.
 *
 *   cc -O2 -msse4.2 -o receive receive.c && ./receive PORT FILE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nmmintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, BUFFER_BYTES = 9 << 20, ANSWERS_BYTES = 1 << 16, FILE_BYTES_MAX = 1 << 30 };

struct connection {
  uint8_t *buffer;
  size_t filled;
};

static struct connection connections[CONNECTIONS_MAX];
static uint8_t answers[ANSWERS_BYTES];
static int file;
static int64_t file_end;
static int64_t next_offset;

static void fail(const char *what) {
  fprintf(stderr, "baseline: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint32_t be32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return be32toh(value);
}

static uint16_t be16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, 2);
  return be16toh(value);
}

static uint32_t varint(const uint8_t **at) {
  uint32_t value = 0;
  for (int shift = 0;; shift += 7) {
    uint8_t byte = *(*at)++;
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

static uint32_t crc32c(const uint8_t *at, size_t size) {
  uint64_t crc = 0xffffffff;
  for (; size >= 8; size -= 8, at += 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; size > 0; size--) crc = _mm_crc32_u8((uint32_t)crc, *at++);
  return ~(uint32_t)crc;
}

static void append(uint8_t *batch, size_t size) {
  if (be32(batch + 17) != crc32c(batch + 21, size - 21)) fail("wrong checksum");
  uint64_t base = htobe64((uint64_t)next_offset);
  memcpy(batch, &base, 8);
  next_offset += be32(batch + 23) + 1;
  if (file_end > FILE_BYTES_MAX) {
    if (ftruncate(file, 0) != 0) fail("ftruncate");
    file_end = 0;
  }
  for (size_t done = 0; done < size;) {
    ssize_t count = pwrite(file, batch + done, size - done, file_end + (off_t)done);
    if (count < 0) fail("pwrite");
    done += (size_t)count;
  }
  file_end += (int64_t)size;
}

/* Answers one request into `out`. Returns the bytes written. */
static size_t serve(uint8_t *frame, uint8_t *out) {
  if (be16(frame) != 0 || be16(frame + 2) != 11) fail("not Produce of version 11");
  const uint8_t *at = frame + 10 + be16(frame + 8);
  varint(&at); /* tags of the header */
  uint32_t transactional = varint(&at);
  at += transactional > 0 ? transactional - 1 : 0;
  at += 2 + 4; /* acks, timeout */
  varint(&at); /* one topic */
  uint32_t name_size = varint(&at) - 1;
  const uint8_t *name = at;
  at += name_size;
  varint(&at); /* one partition */
  const uint8_t *index = at;
  at += 4;
  uint32_t size = varint(&at) - 1;
  int64_t base = next_offset;
  append((uint8_t *)at, size);

  uint8_t *to = out + 4;
  memcpy(to, frame + 4, 4); /* correlation id */
  to += 4;
  *to++ = 0;
  *to++ = 2;
  *to++ = (uint8_t)(name_size + 1);
  memcpy(to, name, name_size);
  to += name_size;
  *to++ = 2;
  memcpy(to, index, 4);
  to += 4;
  memset(to, 0, 2); /* no error */
  to += 2;
  uint64_t offset = htobe64((uint64_t)base);
  memcpy(to, &offset, 8);
  to += 8;
  memset(to, 0xff, 8); /* append time */
  to += 8;
  memset(to, 0, 8); /* log start offset */
  to += 8;
  *to++ = 1; /* no record errors */
  *to++ = 0; /* no message */
  *to++ = 0;
  *to++ = 0;
  memset(to, 0, 4); /* throttle time */
  to += 4;
  *to++ = 0;
  uint32_t length = htobe32((uint32_t)(to - out - 4));
  memcpy(out, &length, 4);
  return (size_t)(to - out);
}

/* Returns 0 when the peer is gone. */
static int answer(int socket, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t count = write(socket, answers + done, size - done);
    if (count < 0 && errno != EAGAIN) return 0;
    if (count > 0) done += (size_t)count;
  }
  return 1;
}

/* Returns 0 when the peer is gone. */
static int receive(int socket) {
  struct connection *from = &connections[socket];
  ssize_t count = read(socket, from->buffer + from->filled, BUFFER_BYTES - from->filled);
  if (count < 0 && errno == EAGAIN) return 1;
  if (count <= 0) return 0;
  from->filled += (size_t)count;
  size_t at = 0;
  size_t answered = 0;
  while (from->filled - at >= 4) {
    size_t size = be32(from->buffer + at);
    if (size + 4 > BUFFER_BYTES) fail("frame too large");
    if (from->filled - at < size + 4) break;
    if (answered > ANSWERS_BYTES - 512) {
      if (!answer(socket, answered)) return 0;
      answered = 0;
    }
    answered += serve(from->buffer + at + 4, answers + answered);
    at += size + 4;
  }
  if (answered > 0 && !answer(socket, answered)) return 0;
  from->filled -= at;
  if (at > 0) memmove(from->buffer, from->buffer + at, from->filled);
  return 1;
}

int main(int count, char **words) {
  if (count != 3) {
    fprintf(stderr, "use: receive PORT FILE\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  file = open(words[2], O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file < 0) fail("open");
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(words[1])),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
  if (listen(listener, 128) != 0) fail("listen");
  int loop = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(loop, events, 64, -1);
    for (int i = 0; i < ready; i++) {
      int socket = events[i].data.fd;
      if (socket == listener) {
        socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (socket < 0 || socket >= CONNECTIONS_MAX) fail("accept");
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event added = {.events = EPOLLIN, .data = {.fd = socket}};
        epoll_ctl(loop, EPOLL_CTL_ADD, socket, &added);
        free(connections[socket].buffer);
        connections[socket] = (struct connection){.buffer = malloc(BUFFER_BYTES), .filled = 0};
      } else if (!receive(socket)) {
        close(socket);
      }
    }
  }
}
