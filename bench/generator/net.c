#include "net.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base.h"

enum { TIMER_ID = 0xffffffffu };

static int epoll, timer;
static int64_t armed;

void open_poll(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  poll_for(timer, EPOLLIN, TIMER_ID, 1);
}

void poll_for(int fd, uint32_t events, uint32_t id, int is_new) {
  struct epoll_event e = {.events = events, .data.u32 = id};
  if (epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e)) fail("epoll_ctl: %s", strerror(errno));
}

void poll_no_more(int fd) { epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

int poll_until(int64_t until, struct epoll_event *events, int max) {
  // epoll counts milliseconds, which is too coarse for a schedule.
  struct itimerspec when = {.it_value = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000}};
  if (until != armed) timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
  armed = until;
  int n = epoll_wait(epoll, events, max, 1000);
  for (int i = 0; i < n; i++) {
    if (events[i].data.u32 != TIMER_ID) continue;
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) > 0) armed = 0;
    // Order among connections must stay.
    memmove(&events[i], &events[i + 1], sizeof *events * (size_t)(n - i - 1));
    return n - 1;
  }
  return n;
}

int dial(int port, int index, int mss, int receive_buffer) {
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s", strerror(errno));
  // A separate source address for every 10,000 connections: the ports of one address would run out.
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)index / 10000)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001u), .sin_port = htons((uint16_t)port)};
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (mss) setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
  if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (bind(fd, (struct sockaddr *)&from, sizeof from)) fail("bind: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) fail("connect: %s", strerror(errno));
  return fd;
}
