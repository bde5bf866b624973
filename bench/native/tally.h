/* What the load client counts: which events arrived when, and everything about them that is not as it was published. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Where a connection stands: the sequence number and the number of the last event that it got. */
struct place { uint32_t sequence, event; };

/* What was counted since `expect`. */
static struct { uint32_t deliveries, markers; double first_us, last_us; } *events;
static uint32_t first_event, event_count;
static size_t body_bytes;
static uint64_t delivered, lost, twice, bad, stray, markers, others, bytes_in;
static uint32_t closed, last_close_code;
static char *letters;

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

/* One event at its title; returns where to look for the next. */
static const char *take_event(struct place *c, const char *title, const char *end) {
  int64_t sequence = digits(title, end);
  const char *body = memmem(title, end - title, "\"body\":\"", 8);
  int64_t event = body ? digits(body += 8, end) : -1;
  if (sequence < 0 || event < 0) { bad++; return end; }
  const char *after = body + body_bytes;
  int is_whole = after < end && *after == '"' && !memcmp(body + 8, letters, body_bytes - 8);
  if (!is_whole) bad++;
  if (sequence <= c->sequence) twice++;
  else {
    lost += sequence - c->sequence - 1;
    c->sequence = sequence;
  }
  c->event = event;
  if (event < first_event || event >= first_event + event_count) { stray++; return body; }
  double at = now_us();
  uint32_t k = event - first_event;
  if (events[k].deliveries++ == 0) events[k].first_us = at;
  events[k].last_us = at;
  delivered++;
  return body;
}

/* A marker came: it belongs to the event before it. */
static void take_marker(const struct place *c) {
  markers++;
  if (events && c->event >= first_event && c->event < first_event + event_count) events[c->event - first_event].markers++;
}

static void expect(uint32_t first, uint32_t count, size_t bytes) {
  first_event = first;
  event_count = count;
  body_bytes = bytes;
  free(events);
  events = calloc(count + 1, sizeof *events);
  letters = realloc(letters, bytes + 1);
  for (size_t i = 0; i + 8 < bytes; i++) letters[i] = 'a' + i % 26;
  delivered = markers = others = bytes_in = 0;
  printf("{\"cpuUs\":%.0f}\n", cpu_us());
}

static void report(uint32_t ready) {
  printf("{\"lost\":%lu,\"twice\":%lu,\"bad\":%lu,\"stray\":%lu,\"closed\":%u,\"closeCode\":%u,\"ready\":%u,\"delivered\":%lu,\"markers\":%lu,"
         "\"others\":%lu,\"bytesIn\":%lu,\"cpuUs\":%.0f,\"events\":[", lost, twice, bad, stray, closed, last_close_code, ready, delivered,
         markers, others, bytes_in, cpu_us());
  for (uint32_t k = 0; k < event_count; k++)
    printf("%s[%u,%.3f,%.3f,%u]", k ? "," : "", events[k].deliveries, events[k].first_us, events[k].last_us, events[k].markers);
  printf("]}\n");
}
