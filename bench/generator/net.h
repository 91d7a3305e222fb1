// One epoll for all connections, a timer that counts nanoseconds, and connecting to the server.
#ifndef NET_H
#define NET_H
#include <stdint.h>
#include <sys/epoll.h>

// To be called once, before the others.
void open_poll(void);
void poll_for(int fd, uint32_t events, uint32_t id, int is_new);
void poll_no_more(int fd);
// Waits for events, until a time at the latest, and returns their number.
int poll_until(int64_t until, struct epoll_event *events, int max);
// Begins to connect. `mss` and `receive_buffer` of 0 leave the defaults.
int dial(int port, int index, int mss, int receive_buffer);
#endif
