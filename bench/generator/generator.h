// What the files of the load generator share. One thread, one epoll, state in plain arrays; main.c tells what a run is.
#ifndef GENERATOR_H
#define GENERATOR_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- options.c: what was asked for, as name=value; the comments there say what each means

typedef enum { KIND_SSE, KIND_WS, KIND_SOCKETIO } listener_kind;

typedef struct {
  int port, listeners, publishers, batch, pad, at_once, settle_ms, after_ms, stalled, receive_buffer, mss, same_bytes, nap_us;
  double rate, warm_s, seconds, grace_s;
  long expect, requests;
  listener_kind kind;
  const char *stream, *publish, *routes, *before, *item, *after, *headers, *pids;
} options;

extern options opt;
void read_options(int argc, char **argv);

// ---- clock

// Nanoseconds of a clock that never goes back.
int64_t now(void);
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ---- histogram.c: latencies in buckets of at most 1/64 of their value

typedef struct { uint64_t count, bucket[64 * 60]; int64_t largest; } histogram;
void note(histogram *h, int64_t ns);
double percentile_ms(const histogram *h, double share);

// ---- watched.c: what the server under test and the machine spend

void watch_pids(const char *list);
double server_cpu_s(void);
long server_rss_kb(void);
double own_cpu_s(void);
// Seconds of all processors together since boot: at work, and taken away by the host.
void machine_cpu_s(double *busy, double *stolen);

// ---- lanes.c: numbered sequences of messages, each sent on one connection, so that its order is known

enum { MARK = 13 };  // '@', 3 digits of the lane, 8 digits of the number, '@'; hexadecimal, fixed width, nothing to escape

typedef struct {
  int route;
  char *request;          // a stencil: only the numbers in it change
  size_t length, *at;     // where they stand
  uint32_t next, acked;   // numbers below `acked` were answered with 2xx
  int64_t *due;           // when each of the last `window` numbers was due
} lane;

typedef struct { const char *stream, *publish; } route;

extern route *routes;
extern int route_count, lane_count;
extern lane *lanes;
void make_routes(void);
void make_lanes(void);
// Fills the stencil with the next numbers, all due at once.
void stamp(lane *l, int64_t due);
// When the message was due; 0 when that is forgotten.
int64_t due_of(const lane *l, uint32_t number);

// ---- listeners.c

typedef struct {
  uint64_t messages, bytes, closed;     // of all listeners since counting began
  histogram latency;                    // of messages due in the window, by listeners that read
  int64_t last_at;
} tally;

extern tally counted;
extern int64_t window_from, window_to;  // due times that count
extern int open_listeners;

void open_more_listeners(void);
void on_listener(uint32_t id);
void begin_counting(void);
void stall_listeners(void);
void resume_stalled(void);
void close_listeners(void);
// Every listener (`stalled` ones only when asked) has what was acknowledged, or `opt.expect` messages.
int all_arrived(int with_stalled);

typedef struct {
  uint64_t exact, short_of, doubled, skipped, distinct;
  uint64_t reading_exact;  // of those that never stalled
} verdict;
verdict judge(void);

// ---- publishers.c

typedef struct { uint64_t requests, acked, refused, cut; histogram answer; int64_t late_max; } sending;
extern sending sent;
void open_publishers(void);
void on_publisher(uint32_t id, uint32_t events);
// Sends what is due by now; returns when the next is due, or INT64_MAX.
int64_t publish_due(int64_t until);
void start_schedule(int64_t at);
int publishers_waiting(void);
int publishers_ready(void);

// ---- main.c

enum { ID_TIMER = 0xffffffffu, ID_PUBLISHER = 0x80000000u };
void poll_for(int fd, uint32_t events, uint32_t id, int is_new);
void poll_no_more(int fd);
int dial(int index, int mss, int receive_buffer);
#endif
