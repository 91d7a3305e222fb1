// On a schedule (`rate`), a request that finds no free connection waits, and its latency counts from when it was due. Without a
// schedule, the next request follows the answer.
#include "publishers.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base.h"
#include "lanes.h"
#include "net.h"
#include "options.h"

enum { ANSWER = 16384 };

typedef struct {
  int fd, lane, busy, ready;
  size_t written;
  int64_t due;
  char answer[ANSWER + 1];
  int length;
} publisher;

sending sent;
static publisher *all;
static int next_publisher;
static int64_t started, scheduled;  // when the schedule began, and how many requests of it were sent

static void open_publisher(int i) {
  all[i].fd = dial(opt.port, 0, 0, 0);
  all[i].ready = all[i].length = 0;
  all[i].written = 0;
  poll_for(all[i].fd, EPOLLOUT, PUBLISHER_ID | (uint32_t)i, 1);
}

void open_publishers(void) {
  all = calloc((size_t)opt.publishers + 1, sizeof *all);
  for (int i = 0; i < opt.publishers; i++) {
    all[i].lane = i;
    open_publisher(i);
  }
}

int publishers_ready(void) {
  int n = 0;
  for (int i = 0; i < opt.publishers; i++) n += all[i].ready;
  return n;
}

int publishers_waiting(void) {
  int n = 0;
  for (int i = 0; i < opt.publishers; i++) n += all[i].busy;
  return n;
}

// A server may close an idle connection. A request in flight on it may have been carried out, so it is not repeated.
static void reopen(int i) {
  if (all[i].busy) sent.cut++;
  all[i].busy = 0;
  close(all[i].fd);
  open_publisher(i);
}

static void push(int i) {
  publisher *p = &all[i];
  lane *l = &lanes[p->lane];
  ssize_t n = send(p->fd, l->request + p->written, l->length - p->written, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    reopen(i);
    return;
  }
  if (n > 0) p->written += (size_t)n;
  if (p->written < l->length) poll_for(p->fd, EPOLLIN | EPOLLOUT, PUBLISHER_ID | (uint32_t)i, 0);
}

static void post(int i, int64_t due) {
  publisher *p = &all[i];
  stamp(&lanes[p->lane], due);
  p->due = due;
  p->busy = 1;
  p->written = 0;
  p->length = 0;
  sent.requests++;
  push(i);
}

// The length of the body from the head; -1: it is chunked.
static long body_length(char *head) {
  char *length = strcasestr(head, "\r\ncontent-length:");
  if (length) return atol(length + 17);
  return strcasestr(head, "\r\ntransfer-encoding:") ? -1 : 0;
}

// Whether the answer is complete.
static int complete(publisher *p) {
  p->answer[p->length] = 0;
  char *end = strstr(p->answer, "\r\n\r\n");
  if (!end) return 0;
  *end = 0;
  long want = body_length(p->answer);
  *end = '\r';
  long have = p->answer + p->length - (end + 4);
  if (want >= 0) return have >= want;
  return have >= 5 && !memcmp(p->answer + p->length - 5, "0\r\n\r\n", 5);
}

static void answered(publisher *p) {
  lane *l = &lanes[p->lane];
  int status = atoi(p->answer + 9);
  p->busy = 0;
  p->length = 0;
  if (status >= 200 && status < 300) {
    l->acked = l->next;
    sent.acked++;
    if (p->due >= window_from && p->due < window_to) record(&sent.answer, now() - p->due);
  } else {
    l->next -= (uint32_t)opt.batch;  // not published, so the same numbers come next
    if (!sent.refused++) fprintf(stderr, "a publisher was refused:\n%.600s\n", p->answer);
  }
  p->lane += opt.publishers;
  if (p->lane >= lane_count) p->lane = (int)(p - all);
}

void on_publisher(uint32_t id, uint32_t events) {
  int i = (int)(id & ~PUBLISHER_ID);
  publisher *p = &all[i];
  if (!p->ready) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) fail("a publisher cannot connect: %s", strerror(error));
    p->ready = 1;
    poll_for(p->fd, EPOLLIN, id, 0);
    return;
  }
  if (events & EPOLLOUT && p->busy) {
    push(i);
    if (p->written == lanes[p->lane].length) poll_for(p->fd, EPOLLIN, id, 0);
  }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t n = recv(p->fd, p->answer + p->length, (size_t)(ANSWER - p->length), MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    reopen(i);
    return;
  }
  p->length += (int)n;
  if (complete(p)) answered(p);
  else if (p->length == ANSWER) fail("an answer is longer than %d bytes", ANSWER);
}

void start_schedule(int64_t at) {
  started = at;
  scheduled = 0;
}

static int has_enough(void) { return opt.requests > 0 && sent.acked + (uint64_t)publishers_waiting() >= (uint64_t)opt.requests; }

int64_t publish_due(int64_t until) {
  for (int tried = 0; tried < opt.publishers; tried++) {
    int i = next_publisher;
    if (opt.rate > 0) {
      int64_t due = started + (int64_t)((double)scheduled * 1e9 / opt.rate), at = now();
      if (due >= until) return INT64_MAX;
      if (due > at) return due;
      if (!all[i].busy && all[i].ready && !has_enough()) {
        if (due >= window_from && at - due > sent.late_max) sent.late_max = at - due;
        post(i, due);
        scheduled++;
        tried = -1;
      }
    } else if (!all[i].busy && all[i].ready && !has_enough()) post(i, now());
    next_publisher = (i + 1) % opt.publishers;
  }
  return INT64_MAX;
}
