/*
 * What answers of 1 MB out of the page cache cost the kernel, without any broker: one process asks with a byte, another
 * answers with the next megabyte of a file, over the loopback interface, each on a core of its own. Four ways: sendfile,
 * and read and send in pieces of 256 KB; with the send buffer that the kernel chooses, and with Apache Kafka's 100 KB.
 * Prints the sender's processor seconds for 10^9 bytes, and MB/s.
 *
 *   cc -O2 -o send send.c && ./send FILE [seconds]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 1 << 20, PIECE_BYTES = 256 << 10, ANSWERS = 128, KAFKA_SEND_BUFFER = 100 << 10 };

struct way {
  const char *name;
  int uses_sendfile;
  int send_buffer;
};

static const struct way WAYS[] = {{"sendfile", 1, 0},
                                  {"read and send", 0, 0},
                                  {"sendfile, send buffer of 100 KB", 1, KAFKA_SEND_BUFFER},
                                  {"read and send, send buffer of 100 KB", 0, KAFKA_SEND_BUFFER}};

static char buffer[ANSWER_BYTES];

static void fail(const char *what) {
  fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pin(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

static void read_answers(uint16_t port) {
  pin(1);
  int socket_to = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (connect(socket_to, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  for (;;) {
    if (write(socket_to, "?", 1) != 1) exit(0);
    for (size_t got = 0; got < ANSWER_BYTES;) {
      ssize_t count = read(socket_to, buffer, sizeof buffer);
      if (count <= 0) exit(0);
      got += (size_t)count;
    }
  }
}

static void answer_by_sendfile(int file, int to, off_t at) {
  for (off_t end = at + ANSWER_BYTES; at < end;) {
    if (sendfile(to, file, &at, (size_t)(end - at)) <= 0) fail("sendfile");
  }
}

static void answer_by_copying(int file, int to, off_t at) {
  for (off_t end = at + ANSWER_BYTES; at < end; at += PIECE_BYTES) {
    if (pread(file, buffer, PIECE_BYTES, at) != PIECE_BYTES) fail("pread");
    for (size_t done = 0; done < PIECE_BYTES;) {
      ssize_t count = write(to, buffer + done, PIECE_BYTES - done);
      if (count <= 0) fail("write");
      done += (size_t)count;
    }
  }
}

static void measure(const struct way *way, int file, double seconds) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  if (way->send_buffer > 0) setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &way->send_buffer, sizeof way->send_buffer);
  if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  pid_t reader = fork();
  if (reader == 0) read_answers(address.sin_port);
  int to = accept(listener, NULL, NULL);
  if (to < 0) fail("accept");
  int yes = 1;
  setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  double began = seconds_of(CLOCK_MONOTONIC);
  double used = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  long answers = 0;
  while (seconds_of(CLOCK_MONOTONIC) < began + seconds) {
    char question;
    if (read(to, &question, 1) != 1) fail("read");
    off_t at = (off_t)(answers % ANSWERS) * ANSWER_BYTES;
    if (way->uses_sendfile) answer_by_sendfile(file, to, at);
    else answer_by_copying(file, to, at);
    answers++;
  }
  double bytes = (double)answers * ANSWER_BYTES;
  used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - used;
  began = seconds_of(CLOCK_MONOTONIC) - began;
  printf("%-40s %6.3f s/GB %8.0f MB/s\n", way->name, used / (bytes / 1e9), bytes / began / 1e6);
  close(to);
  close(listener);
  waitpid(reader, NULL, 0);
}

int main(int count, char **words) {
  if (count < 2) {
    fprintf(stderr, "use: send FILE [seconds]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IONBF, 0);
  pin(0);
  int file = open(words[1], O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file < 0) fail("open");
  memset(buffer, 'x', sizeof buffer);
  for (int i = 0; i < ANSWERS; i++) {
    if (write(file, buffer, sizeof buffer) != sizeof buffer) fail("write");
  }
  double seconds = count > 2 ? atof(words[2]) : 2;
  for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) measure(&WAYS[i], file, seconds);
  unlink(words[1]);
  return 0;
}
