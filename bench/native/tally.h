/* What the load client counts: which events arrived when, and everything about them that is not as it was published. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Where a connection stands: the sequence number and the number of the last event that it got, and how many it got since expectation `epoch` began. */
struct place { uint32_t sequence, event, epoch, taken; };

/* What was counted since `expect`. */
static struct { uint32_t deliveries, markers; double first_us, last_us; } *events;
static uint32_t first_event, event_count;
static size_t body_bytes;
static uint32_t epoch;
static uint64_t delivered, deflated, lost, twice, bad, stray, markers, others, bytes_in;
static uint32_t closed, last_close_code;
static char *letters;

/* Where bodies are of words (sides/words.ts): all of the text, and where in it those of an event begin. */
static char *words;
static size_t words_bytes;
enum { STRIDE_BYTES = 8192, MAX_BODY_BYTES = 65536 };

/* 0 where they cannot be had. */
static int read_words(const char *file) {
  FILE *f = fopen(file, "r");
  if (!f) return 0;
  fseek(f, 0, SEEK_END);
  words_bytes = ftell(f);
  rewind(f);
  words = malloc(words_bytes);
  int is_read = words_bytes > MAX_BODY_BYTES && fread(words, 1, words_bytes, f) == words_bytes;
  fclose(f);
  return is_read;
}

static const char *body_of(uint32_t event) {
  return words ? words + (uint64_t)event * STRIDE_BYTES % (words_bytes - MAX_BODY_BYTES) : letters;
}

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static double cpu_us(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* Eight digits at `text`; -1 where there are none. */
static int64_t digits(const char *text, const char *end) {
  int64_t value = 0;
  if (end - text < 8) return -1;
  for (int i = 0; i < 8; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + text[i] - '0';
  }
  return value;
}

/* Counts the delivery of an event that this connection has now. */
static void count_delivery(struct place *c, uint32_t event) {
  if (c->epoch != epoch) { c->epoch = epoch; c->taken = 0; }
  c->taken++;
  c->event = event;
  if (event < first_event || event >= first_event + event_count) { stray++; return; }
  double at = now_us();
  uint32_t k = event - first_event;
  if (events[k].deliveries++ == 0) events[k].first_us = at;
  events[k].last_us = at;
  delivered++;
}

/* A deflated message, which is not inflated here: it counts as the connection's next event, so that one that is missing or too many shows. */
static void take_deflated(struct place *c) {
  deflated++;
  c->sequence++;
  count_delivery(c, first_event + (c->epoch == epoch ? c->taken : 0));
}

/* One event at its title; returns where to look for the next. */
static const char *take_event(struct place *c, const char *title, const char *end) {
  int64_t sequence = digits(title, end);
  const char *body = memmem(title, end - title, "\"body\":\"", 8);
  int64_t event = body ? digits(body += 8, end) : -1;
  if (sequence < 0 || event < 0) { bad++; return end; }
  const char *after = body + body_bytes;
  int is_whole = after < end && *after == '"' && !memcmp(body + 8, body_of(event), body_bytes - 8);
  if (!is_whole) bad++;
  if (sequence <= c->sequence) twice++;
  else {
    lost += sequence - c->sequence - 1;
    c->sequence = sequence;
  }
  count_delivery(c, event);
  return body;
}

/* A marker came: it belongs to the event before it. */
static void take_marker(const struct place *c) {
  markers++;
  if (events && c->event >= first_event && c->event < first_event + event_count) events[c->event - first_event].markers++;
}

static void expect(uint32_t first, uint32_t count, size_t bytes) {
  epoch++;
  first_event = first;
  event_count = count;
  body_bytes = bytes;
  free(events);
  events = calloc(count + 1, sizeof *events);
  letters = realloc(letters, bytes + 1);
  for (size_t i = 0; i + 8 < bytes; i++) letters[i] = 'a' + i % 26;
  delivered = deflated = markers = others = bytes_in = 0;
  printf("{\"cpuUs\":%.0f}\n", cpu_us());
}

static void report(uint32_t ready) {
  printf("{\"lost\":%lu,\"twice\":%lu,\"bad\":%lu,\"stray\":%lu,\"closed\":%u,\"closeCode\":%u,\"ready\":%u,\"delivered\":%lu,\"deflated\":%lu,"
         "\"markers\":%lu,\"others\":%lu,\"bytesIn\":%lu,\"cpuUs\":%.0f,\"events\":[", lost, twice, bad, stray, closed, last_close_code, ready, delivered,
         deflated, markers, others, bytes_in, cpu_us());
  for (uint32_t k = 0; k < event_count; k++)
    printf("%s[%u,%.3f,%.3f,%u]", k ? "," : "", events[k].deliveries, events[k].first_us, events[k].last_us, events[k].markers);
  printf("]}\n");
}
