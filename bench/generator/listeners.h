// Listeners open a stream, find the marks in it, and count what is missing, doubled or out of order.
#ifndef LISTENERS_H
#define LISTENERS_H
#include <stdint.h>
#include "histogram.h"

typedef struct {
  uint64_t messages, bytes, closed;     // of all listeners since counting began
  histogram latency;                    // of messages due in the window, by listeners that read
  int64_t last_at;
} tally;

extern tally counted;
extern int open_listeners;

void open_more_listeners(void);
void on_listener(uint32_t id);
void begin_counting(void);
void stall_listeners(void);
void resume_stalled(void);
void close_listeners(void);
// Every listener (stalled ones only when asked) has what was acknowledged, or `opt.expect` messages.
int all_arrived(int with_stalled);

typedef struct {
  uint64_t exact, missing, doubled, skipped, distinct;
  uint64_t reading_exact;  // of those that never stalled
} delivery_check;
delivery_check check_deliveries(void);
#endif
