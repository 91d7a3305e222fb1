// The command line: name=value, in any order. options.c explains each.
#ifndef OPTIONS_H
#define OPTIONS_H

typedef enum { KIND_SSE, KIND_WS, KIND_SOCKETIO } listener_kind;

typedef struct {
  int port, listen_port, listeners, publishers, batch, pad, at_once, settle_ms, after_ms, stalled, receive_buffer, mss, same_bytes, nap_us;
  double rate, warm_s, seconds, grace_s;
  long expect, requests;
  listener_kind kind;
  const char *stream, *publish, *routes, *before, *item, *after, *headers, *pids;
} options;

extern options opt;
void read_options(int argc, char **argv);
#endif
