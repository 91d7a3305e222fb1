// Publishers: keep-alive connections that POST, each with one request in flight.
#ifndef PUBLISHERS_H
#define PUBLISHERS_H
#include <stdint.h>
#include "histogram.h"

enum { PUBLISHER_ID = 0x80000000u };  // this bit is set in the epoll ids of publishers, and only there

typedef struct { uint64_t requests, acked, refused, cut; histogram answer; int64_t late_max; } sending;

extern sending sent;
void open_publishers(void);
void on_publisher(uint32_t id, uint32_t events);
// Sends what is due by now; returns when the next request is due, or INT64_MAX.
int64_t publish_due(int64_t until);
void start_schedule(int64_t at);
int publishers_waiting(void);
int publishers_ready(void);
#endif
