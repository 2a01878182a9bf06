/*
 * librdkafka as a load generator: produces records as fast as they are taken and waits for the last to be
 * acknowledged, or consumes them from the beginning of partition 0. Prints what it found as JSON.
 *
 *   cc -O2 -o load load.c -lrdkafka
 *   ./load produce|consume BOOTSTRAP TOPIC RECORDS RECORD_BYTES BATCH_BYTES LINGER_MS
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 1000, SILENCE_MS_MAX = 30000, MESSAGES_AT_ONCE = 10000, ERROR_BYTES = 512 };

static long acknowledged;
/* Microseconds from the hand-over of each message to its acknowledgement. */
static int64_t *latencies;
static char failure[ERROR_BYTES];

static void die(const char *what, const char *why) {
  fprintf(stderr, "librdkafka load: %s: %s\n", what, why);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) snprintf(failure, sizeof failure, "%s", rd_kafka_err2str(message->err));
  latencies[acknowledged++] = rd_kafka_message_latency(message);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[ERROR_BYTES];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) die(name, error);
}

static rd_kafka_t *client_of(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char error[ERROR_BYTES];
  rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
  if (client == NULL) die("the client could not be made", error);
  return client;
}

static int by_size(const void *one, const void *other) {
  int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
  return (a > b) - (a < b);
}

static void produce(rd_kafka_conf_t *conf, char **words, long records, size_t record_bytes) {
  set(conf, "batch.size", words[6]);
  set(conf, "linger.ms", words[7]);
  set(conf, "acks", "1");
  set(conf, "queue.buffering.max.kbytes", "65536");
  set(conf, "queue.buffering.max.messages", "1000000");
  set(conf, "batch.num.messages", "100000");
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t *client = client_of(RD_KAFKA_PRODUCER, conf);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, words[3], NULL);
  if (topic == NULL) die("the topic", rd_kafka_err2str(rd_kafka_last_error()));
  /* Bytes that no compression would shrink. */
  char *value = malloc(record_bytes);
  uint32_t seed = 1;
  for (size_t at = 0; at < record_bytes; at++) value[at] = (char)((seed = seed * 1103515245 + 12345) >> 16);
  latencies = calloc((size_t)records, sizeof *latencies);
  if (value == NULL || latencies == NULL) die("memory", "none left");

  double began = now();
  for (long sent = 0; sent < records && failure[0] == 0;) {
    if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, record_bytes, NULL, 0, NULL) == 0) {
      sent++;
      if ((sent & 0xff) == 0) rd_kafka_poll(client, 0);
    } else if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(client, 1);
    } else {
      die("produce", rd_kafka_err2str(rd_kafka_last_error()));
    }
  }
  rd_kafka_flush(client, SILENCE_MS_MAX);
  double seconds = now() - began;
  if (failure[0] != 0) die("a message was not delivered", failure);
  if (acknowledged != records) die("messages without an acknowledgement", "some");
  qsort(latencies, (size_t)records, sizeof *latencies, by_size);
  printf("{\"records\":%ld,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f}\n", records, seconds,
         (double)latencies[records / 2] / 1e3, (double)latencies[records * 99 / 100] / 1e3);
}

static void consume(rd_kafka_conf_t *conf, char **words, long records, size_t record_bytes) {
  set(conf, "fetch.wait.max.ms", "100");
  set(conf, "queued.min.messages", "1000000");
  rd_kafka_t *client = client_of(RD_KAFKA_CONSUMER, conf);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, words[3], NULL);
  if (topic == NULL || rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING) != 0)
    die("the topic", rd_kafka_err2str(rd_kafka_last_error()));
  rd_kafka_message_t **messages = malloc(MESSAGES_AT_ONCE * sizeof *messages);
  if (messages == NULL) die("memory", "none left");
  long seen = 0;
  double began = 0, heard = now();
  while (seen < records) {
    ssize_t count = rd_kafka_consume_batch(topic, 0, POLL_MS, messages, MESSAGES_AT_ONCE);
    if (count < 0) die("consume", rd_kafka_err2str(rd_kafka_last_error()));
    for (ssize_t i = 0; i < count; i++) {
      const rd_kafka_message_t *message = messages[i];
      if (message->err) die("consume", rd_kafka_err2str(message->err));
      if (message->offset != seen || message->len != record_bytes) die("consume", "not the message that was due");
      seen++;
      rd_kafka_message_destroy(messages[i]);
    }
    if (count > 0) {
      heard = now();
      /* As Kafka's own tool: what it takes to connect does not count. */
      if (began == 0) began = heard;
    } else if (now() - heard > SILENCE_MS_MAX / 1e3) {
      die("consume", "nothing came");
    }
  }
  printf("{\"records\":%ld,\"seconds\":%.6f,\"p50\":0,\"p99\":0}\n", seen, heard - began);
}

int main(int count, char **words) {
  if (count != 8) {
    fprintf(stderr, "use: load produce|consume BOOTSTRAP TOPIC RECORDS RECORD_BYTES BATCH_BYTES LINGER_MS\n");
    return 2;
  }
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", words[2]);
  long records = atol(words[4]);
  size_t record_bytes = (size_t)atol(words[5]);
  if (strcmp(words[1], "produce") == 0) produce(conf, words, records, record_bytes);
  else consume(conf, words, records, record_bytes);
  fflush(stdout);
  /* Leaving in order would wait for the broker's threads; nothing is under way any more. */
  _Exit(0);
}
