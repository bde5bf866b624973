/*
 * The other end of the benchmark: many WebSocket clients in one thread, on epoll. It opens them, subscribes, answers pings, and checks every
 * delivery: that its sequence number is one above the last on that connection, that it names the connection's own operation, that its body is what
 * was published. It does no more than that, so that it is not what is measured; what it uses itself, it reports.
 *
 *   load-client PORT PATH SUBPROTOCOL INIT SUBSCRIBE READY TOKENS [EXTENSIONS [WORDS]]
 *
 * INIT is sent after the handshake, SUBSCRIBE (may be empty) after connection_ack; a connection is ready when a message has READY in it. In both
 * %TOKEN% stands for the connection's line of the file TOKENS, %ID% for its operation id, %GROUP% for its number divided by the size of groups.
 * EXTENSIONS is offered in the handshake; the file WORDS has the text that bodies are of, else they are of letters.
 *
 * Commands are lines of words on stdin; each is answered by one line of JSON on stdout:
 *   open COUNT WINDOW SEQUENCE GROUP   opens COUNT more, WINDOW at a time; SEQUENCE is the number that each has already had
 *   expect FIRST EVENTS BYTES          from here on events FIRST, FIRST + 1, ... are counted; a body has BYTES bytes
 *   await DELIVERIES MS                answers when so many have come since `expect`, or after MS milliseconds
 *   report                             what has come, event by event; times are CLOCK_MONOTONIC in microseconds
 *   sample                             the last event's message of the first connection
 *   churn CYCLES WINDOW                connects, subscribes and leaves, CYCLES times
 *   close                              leaves with all
 *
 * An event is recognised by `"title":"` with eight digits, the sequence number, and `"body":"` with eight digits, the number of the event, and
 * then letters or words. What comes deflated is not inflated: it is taken for what comes next in the protocol, after connection_ack and the first
 * payload for the next event; others have to look into it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tally.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { MAX_CONNECTIONS = 16384, BUFFER = 1 << 20, ID_BYTES = 36, ADDRESSES = 250 };
enum state { CONNECTING, SHAKING, GREETING, SUBSCRIBING, READY, LEAVING, GONE };

struct connection {
  int fd;
  enum state state;
  int is_deflating; /* permessage-deflate was agreed on */
  uint32_t number;
  struct place place;
  struct sockaddr_in local;
  char id[ID_BYTES + 1];
  uint8_t *rest; /* the beginning of a frame whose end has not come */
  size_t rest_bytes;
};

static struct { int port; const char *path, *subprotocol, *init, *subscribe, *ready, *extensions; } peer;
static struct connection connections[MAX_CONNECTIONS];
static char **tokens;
static size_t token_count;
static uint32_t started, ready, opening, target, window, group = 1, initial_sequence;
static uint32_t cycles_left, cycles_done;
static int epoll, is_opening, is_churning;
static double opened_at;

static uint64_t awaited;
static double deadline_us;
static char *sample;
static uint8_t buffer[BUFFER];

static void fail(const char *what) {
  printf("{\"error\":\"%s: %s\"}\n", what, strerror(errno));
  exit(1);
}

/* A client's frame under a mask of zeros. */
static void send_frame(struct connection *c, int opcode, const char *data, size_t length) {
  static uint8_t frame[70000];
  size_t head = 2;
  frame[0] = 0x80 | opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else { frame[1] = 0x80 | 126; frame[2] = length >> 8; frame[3] = length; head = 4; }
  memset(frame + head, 0, 4);
  memcpy(frame + head + 4, data, length);
  if (write(c->fd, frame, head + 4 + length) != (ssize_t)(head + 4 + length)) bad++;
}

static void send_text(struct connection *c, const char *text, size_t length) { send_frame(c, 1, text, length); }

/* A message of the peer's protocol with this connection's token, operation id and group in it. */
static void send_template(struct connection *c, const char *template) {
  static char text[65536];
  char number[16];
  size_t n = 0;
  sprintf(number, "%u", c->number / group);
  const struct { const char *name, *value; } holes[] = {
      {"%TOKEN%", token_count ? tokens[c->number % token_count] : ""}, {"%ID%", c->id}, {"%GROUP%", number}};
  while (*template && n < sizeof text - 4096) {
    size_t hole = 0;
    while (hole < 3 && strncmp(template, holes[hole].name, strlen(holes[hole].name))) hole++;
    if (hole == 3) { text[n++] = *template++; continue; }
    template += strlen(holes[hole].name);
    n += sprintf(text + n, "%s", holes[hole].value);
  }
  send_text(c, text, n);
}

static void start_one(void) {
  struct connection *c = &connections[started % MAX_CONNECTIONS];
  memset(c, 0, sizeof *c);
  c->number = started++;
  c->place.sequence = initial_sequence;
  sprintf(c->id, "%08x-bbbb-4bbb-8bbb-%012x", c->number * 2654435761u, c->number);
  opening++;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + c->number % ADDRESSES)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer.port), .sin_addr.s_addr = htonl(0x7f000001)};
  if (bind(c->fd, (void *)&from, sizeof from)) fail("bind");
  if (connect(c->fd, (void *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
  struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e)) fail("epoll_ctl");
}

static void start_some(void) {
  while (is_churning && cycles_left && opening < window) { cycles_left--; start_one(); }
  while (!is_churning && started < target && opening < window) start_one();
}

static void end_one(struct connection *c) {
  if (c->state < READY) opening--;
  if (c->state == READY) ready--;
  if (is_churning && c->state >= READY) { cycles_done++; opening--; }
  c->state = GONE;
  close(c->fd);
  free(c->rest);
  c->rest = NULL;
}

static void became_ready(struct connection *c) {
  c->state = READY;
  ready++;
  if (!is_churning) { opening--; start_some(); return; }
  static const char normal[] = {0x03, (char)0xe8};
  ready--;
  c->state = LEAVING;
  send_frame(c, 8, normal, 2);
}

static void take_ping(struct connection *c, const char *text, const char *end) {
  static char pong[1024];
  const char *payload = memmem(text, end - text, "\"payload\":", 10);
  int n = payload && end - payload < 900 ? sprintf(pong, "{\"type\":\"pong\",%.*s", (int)(end - payload), payload)
                                         : sprintf(pong, "{\"type\":\"pong\"}");
  send_text(c, pong, n);
  take_marker(&c->place);
}

static int has(const char *text, const char *end, const char *what) { return memmem(text, end - text, what, strlen(what)) != NULL; }

static void take_message(struct connection *c, const char *text, size_t length) {
  const char *end = text + length;
  const char *title = memmem(text, length, "\"title\":\"", 9);
  if (title) {
    if (*peer.subscribe && !has(text, end, c->id)) bad++;
    if (c == connections) { free(sample); sample = strndup(text, length); }
    while (title) {
      const char *from = take_event(&c->place, title + 9, end);
      title = memmem(from, end - from, "\"title\":\"", 9);
    }
    return;
  }
  if (length <= 3 && text[0] == '{') { send_text(c, "{}", 2); markers++; return; } /* Centrifugo's ping */
  if (has(text, end, "\"type\":\"ping\"")) { take_ping(c, text, end); return; }
  if (has(text, end, "\"errors\":[") || has(text, end, "\"error\":") || has(text, end, "\"type\":\"error\"") || has(text, end, "\"gap\":{")) bad++;
  if (c->state == GREETING && has(text, end, "connection_ack")) {
    c->state = SUBSCRIBING;
    send_template(c, peer.subscribe);
  } else if (c->state < READY && has(text, end, peer.ready)) became_ready(c);
  else others++;
}

/* One message; of Centrifugo one or several, a line each. */
static void take_text(struct connection *c, const char *text, size_t length) {
  const char *end = text + length, *line;
  for (; !*peer.subscribe && (line = memchr(text, '\n', end - text)); text = line + 1) take_message(c, text, line - text);
  if (text < end) take_message(c, text, end - text);
}

/*
 * A message that is not inflated. What it is follows from its place: ws deflates every message where it keeps its window, connection_ack too. What is
 * stored in it as it is, is its beginning, with the operation's id.
 */
static void take_deflated_message(struct connection *c, const char *data, size_t length) {
  if (c->state == GREETING) {
    c->state = SUBSCRIBING;
    send_template(c, peer.subscribe);
    return;
  }
  int is_stored = length > 5 && data[0] == 0;
  if (is_stored && !has(data, data + length, c->id)) bad++;
  if (c->state == SUBSCRIBING) became_ready(c);
  else take_deflated(&c->place);
}

static void take_frame(struct connection *c, int opcode, const char *data, size_t length) {
  if (opcode == 1) take_text(c, data, length);
  else if (opcode == 9) { send_frame(c, 10, data, length); others++; }
  else if (opcode == 8) {
    if (c->state == LEAVING) return;
    closed++;
    last_close_code = length >= 2 ? (uint8_t)data[0] << 8 | (uint8_t)data[1] : 1005;
  } else if (opcode != 10) bad++;
}

/* Takes the whole frames in `data`; returns how many bytes they are. */
static size_t take_frames(struct connection *c, const uint8_t *data, size_t length) {
  size_t at = 0;
  while (length - at >= 2) {
    const uint8_t *head = data + at;
    size_t head_bytes = head[1] == 127 ? 10 : head[1] == 126 ? 4 : 2;
    if (length - at < head_bytes) break;
    size_t payload = head[1];
    if (head_bytes == 4) payload = head[2] << 8 | head[3];
    if (head_bytes == 10) payload = (size_t)head[6] << 24 | head[7] << 16 | head[8] << 8 | head[9];
    if (length - at < head_bytes + payload) break;
    const char *text = (const char *)head + head_bytes;
    if (c->is_deflating && head[0] == 0xc1) take_deflated_message(c, text, payload);
    else {
      if ((head[0] & 0xf0) != 0x80) bad++; /* no fragments, no compression that was not agreed on, no mask */
      take_frame(c, head[0] & 15, text, payload);
    }
    at += head_bytes + payload;
  }
  return at;
}

static void take_handshake(struct connection *c, const char *data) {
  if (strncmp(data, "HTTP/1.1 101", 12)) {
    printf("{\"error\":\"the handshake was answered by %.12s\"}\n", data);
    exit(1);
  }
  c->is_deflating = strstr(data, "permessage-deflate") != NULL;
  c->state = *peer.subscribe ? GREETING : SUBSCRIBING;
  send_template(c, peer.init);
}

static void readable(struct connection *c) {
  if (c->rest_bytes) memcpy(buffer, c->rest, c->rest_bytes);
  ssize_t n = read(c->fd, buffer + c->rest_bytes, BUFFER - 1 - c->rest_bytes);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    if (c->state != LEAVING) closed++;
    end_one(c);
    start_some();
    return;
  }
  bytes_in += n;
  size_t length = c->rest_bytes + n, taken = 0;
  if (c->state == SHAKING) {
    buffer[length] = 0;
    char *end = strstr((char *)buffer, "\r\n\r\n");
    if (end) { *end = 0; taken = end + 4 - (char *)buffer; take_handshake(c, (char *)buffer); }
  }
  if (c->state > SHAKING) taken += take_frames(c, buffer + taken, length - taken);
  c->rest_bytes = length - taken;
  free(c->rest);
  c->rest = c->rest_bytes ? memcpy(malloc(c->rest_bytes), buffer + taken, c->rest_bytes) : NULL;
}

static void connected(struct connection *c) {
  static char request[1024];
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) { errno = error; fail("connect"); }
  size = sizeof c->local;
  getsockname(c->fd, (void *)&c->local, &size);
  int n = sprintf(request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", peer.path, peer.port);
  if (*peer.subprotocol) n += sprintf(request + n, "Sec-WebSocket-Protocol: %s\r\n", peer.subprotocol);
  if (*peer.extensions) n += sprintf(request + n, "Sec-WebSocket-Extensions: %s\r\n", peer.extensions);
  n += sprintf(request + n, "\r\n");
  if (write(c->fd, request, n) != n) fail("write");
  c->state = SHAKING;
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void opened(void) {
  is_opening = 0;
  printf("{\"ready\":%u,\"closed\":%u,\"ms\":%.1f,\"cpuUs\":%.0f,\"ports\":[", ready, closed, (now_us() - opened_at) / 1e3, cpu_us());
  for (uint32_t i = 0; i < started; i++)
    printf("%s[%u,%u]", i ? "," : "", ntohl(connections[i].local.sin_addr.s_addr) & 255, ntohs(connections[i].local.sin_port));
  printf("]}\n");
}

static void print_sample(void) {
  printf("{\"frame\":\"");
  for (const char *p = sample ? sample : ""; *p; p++) printf(*p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
  printf("\"}\n");
}

static void command(const char *line) {
  unsigned long a = 0, b = 0, c = 0, d = 0;
  char verb[16];
  if (sscanf(line, "%15s %lu %lu %lu %lu", verb, &a, &b, &c, &d) < 1) return;
  if (!strcmp(verb, "open")) {
    opened_at = now_us();
    target = started + a; window = b; initial_sequence = c; group = d ? d : 1;
    if (target > MAX_CONNECTIONS) { printf("{\"error\":\"more than %d connections\"}\n", MAX_CONNECTIONS); exit(1); }
    is_opening = 1;
    start_some();
  } else if (!strcmp(verb, "churn")) {
    opened_at = now_us();
    cycles_left = a; window = b; cycles_done = 0; is_churning = 1;
    start_some();
  } else if (!strcmp(verb, "expect")) expect(a, b, c);
  else if (!strcmp(verb, "await")) { awaited = a; deadline_us = now_us() + b * 1e3; }
  else if (!strcmp(verb, "report")) report(ready);
  else if (!strcmp(verb, "sample")) print_sample();
  else if (!strcmp(verb, "close")) {
    for (uint32_t i = 0; i < started; i++) if (connections[i].state != GONE) end_one(&connections[i]);
    started = target = ready = 0;
    printf("{\"ready\":0}\n");
  }
}

static void settle(void) {
  if (is_opening && ready + closed >= target) opened();
  if (is_churning && !cycles_left && !opening) {
    is_churning = 0;
    printf("{\"cycles\":%u,\"closed\":%u,\"ms\":%.1f,\"cpuUs\":%.0f}\n", cycles_done, closed, (now_us() - opened_at) / 1e3, cpu_us());
  }
  if (deadline_us && (delivered >= awaited || now_us() >= deadline_us)) {
    deadline_us = 0;
    printf("{\"delivered\":%lu}\n", delivered);
  }
  fflush(stdout);
}

static void read_tokens(const char *file) {
  FILE *f = fopen(file, "r");
  if (!f) return;
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, f) > 0) {
    line[strcspn(line, "\n")] = 0;
    tokens = realloc(tokens, (token_count + 1) * sizeof *tokens);
    tokens[token_count++] = strdup(line);
  }
  fclose(f);
}

static void read_commands(void) {
  static char text[4096];
  static size_t length;
  ssize_t n = read(0, text + length, sizeof text - 1 - length);
  if (n <= 0) exit(0);
  length += n;
  text[length] = 0;
  for (char *end; (end = strchr(text, '\n'));) {
    *end = 0;
    command(text);
    length -= end + 1 - text;
    memmove(text, end + 1, length + 1);
  }
}

int main(int count, char **arguments) {
  if (count < 8) { fprintf(stderr, "usage: load-client PORT PATH SUBPROTOCOL INIT SUBSCRIBE READY TOKENS [EXTENSIONS [WORDS]]\n"); return 2; }
  peer.port = atoi(arguments[1]);
  peer.path = arguments[2]; peer.subprotocol = arguments[3]; peer.init = arguments[4];
  peer.subscribe = arguments[5]; peer.ready = arguments[6];
  read_tokens(arguments[7]);
  peer.extensions = count > 8 ? arguments[8] : "";
  if (count > 9 && !read_words(arguments[9])) fail(arguments[9]);
  epoll = epoll_create1(0);
  struct epoll_event found[512], input = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
  for (;;) {
    int timeout = deadline_us ? (int)((deadline_us - now_us()) / 1e3) + 1 : -1;
    int n = epoll_wait(epoll, found, 512, timeout < -1 ? 0 : timeout);
    for (int i = 0; i < n; i++) {
      struct connection *c = found[i].data.ptr;
      if (!c) read_commands();
      else if (c->state == GONE) continue;
      else if (c->state == CONNECTING) connected(c);
      else readable(c);
    }
    settle();
  }
}
