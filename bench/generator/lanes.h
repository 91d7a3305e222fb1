// Lanes: numbered sequences of messages. Each lane is sent on one connection, one request at a time, so its order is known
// whatever other lanes do, and a listener of its route must see 0, 1, 2, ... of it.
#ifndef LANES_H
#define LANES_H
#include <stddef.h>
#include <stdint.h>

enum { MARK = 13 };  // '@', 3 digits of the lane, 8 digits of the number, '@'; hexadecimal, fixed width, nothing to escape

typedef struct {
  int route;
  char *request;          // a template: only the numbers in it change
  size_t length, *at;     // where the numbers are
  uint32_t next, acked;   // numbers below `acked` were answered with 2xx
  int64_t *due;           // when each of the last `remembered` numbers was due
} lane;

typedef struct { const char *stream, *publish; } route;

extern route *routes;
extern int route_count, lane_count;
extern lane *lanes;
extern int64_t window_from, window_to;  // only messages that are due in this time are measured

void make_routes(void);
void make_lanes(void);
// Writes the next numbers into the request, all due at once.
void stamp(lane *l, int64_t due);
// When the message was due; 0 when that is no longer remembered.
int64_t due_of(const lane *l, uint32_t number);
#endif
