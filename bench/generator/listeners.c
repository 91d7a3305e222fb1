// HTTP bodies are searched as they arrive, with their chunk framing, which holds no '@'. A mark that a chunk boundary splits
// would count as lost, which errs on the safe side. WebSocket frames are parsed, because pings need answers.
#include "listeners.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base.h"
#include "lanes.h"
#include "net.h"
#include "options.h"

enum { HEAD_SIZE = 8192, READ = 256 * 1024, CONTROL = 125 };
typedef enum { DIALLING, IN_HEAD, JOINING, OPEN, GONE } phase;

typedef struct {
  int fd, route;
  uint8_t phase, stalled, kept, in_frame, header_length, opcode, control_length;
  char tail[MARK];                   // the end of the last bytes, if a mark may begin there
  unsigned char header[14], control[CONTROL];
  uint64_t frame_left;
  char *head;
  int head_length;
  uint32_t *next;                    // the number that must come next, for each lane of its route
  uint64_t messages, bytes, hash, doubled, skipped;
} listener;

tally counted;
int open_listeners;

static listener *all;
static int dialled, counting;
static char buffer[MARK + READ];

// ---- marks

static uint32_t hexadecimal(const char *s, int digits) {
  uint32_t value = 0;
  for (int i = 0; i < digits; i++) value = value << 4 | ((uint32_t)(s[i] & 15) + 9 * ((uint32_t)s[i] >> 6));
  return value;
}

static void receive(listener *l, uint32_t id, uint32_t number, int64_t at) {
  if (id >= (uint32_t)lane_count || lanes[id].route != l->route) fail("a listener received lane %u of another route", id);
  uint32_t *next = &l->next[id / (uint32_t)route_count];
  if (number == *next) ++*next;
  else if (number < *next) l->doubled++;
  else l->skipped += number - *next, *next = number + 1;
  l->messages++;
  counted.messages++;
  counted.last_at = at;
  int64_t due = due_of(&lanes[id], number);
  if (due >= window_from && due < window_to && !l->stalled) record(&counted.latency, at - due);
}

// There must be MARK writable bytes before `bytes`.
static void find_marks(listener *l, char *bytes, size_t length, int64_t at) {
  char *end = bytes + length, *p = bytes - l->kept;
  memcpy(p, l->tail, l->kept);
  l->kept = 0;
  while (p < end && (p = memchr(p, '@', (size_t)(end - p)))) {
    if (end - p < MARK) {
      l->kept = (uint8_t)(end - p);
      memcpy(l->tail, p, l->kept);
      return;
    }
    if (p[MARK - 1] != '@') {
      p++;
      continue;
    }
    receive(l, hexadecimal(p + 1, 3), hexadecimal(p + 4, 8), at);
    p += MARK;
  }
}

// Does not depend on how reads split the bytes.
static void add_to_hash(listener *l, const char *bytes, size_t length) {
  uint64_t h = l->hash;
  for (size_t i = 0; i < length; i++) h = (h + (unsigned char)bytes[i]) * 0x9e3779b97f4a7c15ULL;
  l->hash = h;
}

// ---- WebSocket

static void send_text(listener *l, int opcode, const void *text, size_t length) {
  unsigned char frame[16 + CONTROL] = {0x80 | (unsigned char)opcode, 0x80 | (unsigned char)length};
  memcpy(frame + 6, text, length);  // a mask of zeros leaves the text as it is
  if (send(l->fd, frame, 6 + length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) fail("a listener cannot answer: %s", strerror(errno));
}

static void joined(listener *l) {
  l->phase = OPEN;
  open_listeners++;
}

// Answers pings of WebSocket, and short messages of Engine.IO and Socket.IO.
static void short_frame(listener *l) {
  const unsigned char *text = l->control;
  if (l->opcode == 9) send_text(l, 10, text, l->control_length);
  if (opt.kind != KIND_SOCKETIO || l->opcode != 1 || !l->control_length) return;
  if (text[0] == '2') send_text(l, 1, "3", 1);
  else if (l->phase == JOINING && text[0] == '0') send_text(l, 1, "40", 2);
  else if (l->phase == JOINING && l->control_length > 1 && !memcmp(text, "40", 2)) joined(l);
}

static void read_frames(listener *l, char *p, size_t length, int64_t at) {
  char *end = p + length;
  while (p < end) {
    if (l->in_frame) {
      size_t part = (size_t)(end - p) < l->frame_left ? (size_t)(end - p) : l->frame_left;
      if (l->control_length + part <= CONTROL) {
        memcpy(l->control + l->control_length, p, part);
        l->control_length += (uint8_t)part;
      } else l->control_length = CONTROL + 1;
      // The bytes before a payload are a header that has been read, so the kept tail may overwrite them.
      if (l->opcode < 8) find_marks(l, p, part, at);
      p += part;
      l->frame_left -= part;
    } else {
      l->header[l->header_length++] = (unsigned char)*p++;
      int size = l->header[1] & 127, wanted = l->header_length < 2 ? 2 : size < 126 ? 2 : size == 126 ? 4 : 10;
      if (l->header_length < wanted) continue;
      l->frame_left = wanted == 2 ? (uint64_t)size : 0;
      for (int i = 2; i < wanted; i++) l->frame_left = l->frame_left << 8 | l->header[i];
      l->opcode = l->header[0] & 15;
      l->header_length = l->control_length = l->kept = 0;
      l->in_frame = 1;
    }
    if (l->in_frame && !l->frame_left) {
      l->in_frame = 0;
      if (l->control_length <= CONTROL) short_frame(l);
    }
  }
}

static void consume(listener *l, char *bytes, size_t length) {
  int64_t at = now();
  if (counting) counted.bytes += length, l->bytes += length;
  if (opt.kind != KIND_SSE) read_frames(l, bytes, length, at);
  else if (opt.same_bytes) counting ? add_to_hash(l, bytes, length) : (void)0;
  else find_marks(l, bytes, length, at);
}

// ---- connections

void open_more_listeners(void) {
  if (!all) {
    all = calloc((size_t)opt.listeners + 1, sizeof *all);
    counting = opt.expect > 0;
  }
  int lanes_each = lane_count / route_count + 1;
  for (; dialled < opt.listeners && dialled - open_listeners < opt.at_once; dialled++) {
    listener *l = &all[dialled];
    // Stalled ones are spread evenly among the others.
    l->stalled = (int64_t)(dialled + 1) * opt.stalled / opt.listeners != (int64_t)dialled * opt.stalled / opt.listeners;
    l->route = dialled % route_count;
    l->next = calloc((size_t)lanes_each, sizeof *l->next);
    l->fd = dial(opt.listen_port, dialled, l->stalled ? opt.mss : 0, l->stalled ? opt.receive_buffer : 0);
    poll_for(l->fd, EPOLLOUT, (uint32_t)dialled, 1);
  }
}

static void send_request(listener *l, uint32_t id) {
  char request[4096];
  int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n", routes[l->route].stream, opt.listen_port,
    opt.kind == KIND_SSE ? "Accept: text/event-stream\r\n"
      : "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Ym9hcmRjYXN0LWJlbmNoIQ==\r\n",
    opt.headers);
  if (send(l->fd, request, (size_t)n, MSG_NOSIGNAL) != n) fail("listener %u cannot connect: %s", id, strerror(errno));
  l->phase = IN_HEAD;
  l->head = malloc(MARK + HEAD_SIZE + 1);
  poll_for(l->fd, EPOLLIN, id, 0);
}

static void read_head(listener *l, uint32_t id) {
  char *text = l->head + MARK;
  ssize_t r = recv(l->fd, text + l->head_length, (size_t)(HEAD_SIZE - l->head_length), MSG_DONTWAIT);
  if (r < 0 && errno == EAGAIN) return;
  if (r <= 0) fail("listener %u was closed before it got an answer", id);
  l->head_length += (int)r;
  text[l->head_length] = 0;
  char *end = strstr(text, "\r\n\r\n");
  if (!end && l->head_length < HEAD_SIZE) return;
  if (!end || strncmp(text + 8, opt.kind == KIND_SSE ? " 200" : " 101", 4)) fail("listener %u was refused:\n%.600s", id, text);
  end += 4;
  if (opt.kind == KIND_SOCKETIO) l->phase = JOINING;
  else joined(l);
  if (end < text + l->head_length) consume(l, end, (size_t)(text + l->head_length - end));
  free(l->head);
  l->head = NULL;
}

void on_listener(uint32_t id) {
  listener *l = &all[id];
  if (l->phase == DIALLING) {
    send_request(l, id);
    return;
  }
  if (l->phase == IN_HEAD) {
    read_head(l, id);
    return;
  }
  ssize_t r = recv(l->fd, buffer + MARK, READ, MSG_DONTWAIT);
  if (r > 0) {
    consume(l, buffer + MARK, (size_t)r);
    return;
  }
  if (r < 0 && errno == EAGAIN) return;
  if (l->phase == JOINING) fail("listener %u was closed while it joined", id);
  close(l->fd);
  l->phase = GONE;
  counted.closed++;
}

void begin_counting(void) {
  counting = 1;
  memset(&counted, 0, sizeof counted);
  for (int i = 0; i < opt.listeners; i++) all[i].messages = all[i].bytes = all[i].hash = all[i].doubled = all[i].skipped = 0;
}

void stall_listeners(void) {
  for (int i = 0; i < opt.listeners; i++) if (all[i].stalled) poll_no_more(all[i].fd);
}

void resume_stalled(void) {
  int ample = 1 << 20;
  for (int i = 0; i < opt.listeners; i++) {
    if (!all[i].stalled || all[i].phase == GONE) continue;
    setsockopt(all[i].fd, SOL_SOCKET, SO_RCVBUF, &ample, sizeof ample);
    poll_for(all[i].fd, EPOLLIN, (uint32_t)i, 1);
  }
}

void close_listeners(void) {
  for (int i = 0; i < opt.listeners; i++) if (all[i].phase != GONE) close(all[i].fd);
}

// ---- checks

static uint64_t acknowledged(int route) {
  uint64_t sum = 0;
  for (int i = route; i < lane_count; i += route_count) sum += lanes[i].acked;
  return sum;
}

static uint64_t expected_by(const listener *l) { return opt.expect > 0 ? (uint64_t)opt.expect : acknowledged(l->route); }

int all_arrived(int with_stalled) {
  // Backwards: those that are served last receive it last.
  for (int i = opt.listeners - 1; i >= 0; i--) {
    const listener *l = &all[i];
    if (l->phase == GONE || (l->stalled && !with_stalled)) continue;
    if (l->messages < expected_by(l)) return 0;
  }
  return 1;
}

delivery_check check_deliveries(void) {
  delivery_check v = {0};
  for (int i = 0; i < opt.listeners; i++) {
    const listener *l = &all[i];
    uint64_t wanted = expected_by(l);
    int exact = l->messages == wanted && !l->doubled && !l->skipped;
    v.exact += (uint64_t)exact;
    v.reading_exact += (uint64_t)(exact && !l->stalled);
    v.missing += l->messages < wanted ? wanted - l->messages : 0;
    v.doubled += l->doubled;
    v.skipped += l->skipped;
    int seen = !opt.same_bytes;
    for (int k = 0; k < i && k < 8 && !seen; k++) seen = all[k].hash == l->hash && all[k].bytes == l->bytes;
    v.distinct += (uint64_t)!seen;
  }
  return v;
}
