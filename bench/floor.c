// The floor: what delivery costs when a program does nothing else. One thread, one epoll. The body of POST /publish becomes
// one SSE event, and every listener gets it with one send(). It stores nothing and checks nothing.
//
//   GET /sse      Server-Sent Events        GET /ws    WebSocket, for the one key that our generator sends
//
// It drops nothing: what a socket does not accept waits in memory, without a limit.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FDS = 1 << 17, REQUEST = 1 << 18, HEAD = 64 };
typedef enum { REQUESTING, SSE, WS } kind;

typedef struct {
  kind kind;
  int place;                       // among the listeners of its kind
  char *request;
  size_t length;
  char *waiting;                   // what its socket has not accepted
  size_t waits, room;
} client;

static client *clients[MAX_FDS];
static int *listening[3], count[3], epoll;
static uint64_t number;

static const char STREAM[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char UPGRADED[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wMctGiX2GivvGFcb91rvvzwbIHQ=\r\n\r\n";
static const char DONE[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void watch(int fd, uint32_t events, int op) {
  struct epoll_event e = {.events = events, .data.fd = fd};
  epoll_ctl(epoll, op, fd, &e);
}

static void drop(int fd) {
  client *c = clients[fd];
  if (c->kind != REQUESTING) {
    int last = listening[c->kind][--count[c->kind]];
    listening[c->kind][c->place] = last;
    clients[last]->place = c->place;
  }
  free(c->request);
  free(c->waiting);
  free(c);
  clients[fd] = NULL;
  close(fd);
}

static void keep(int fd, const char *bytes, size_t length) {
  client *c = clients[fd];
  if (c->waits + length > c->room) c->waiting = realloc(c->waiting, c->room = 2 * (c->waits + length));
  memcpy(c->waiting + c->waits, bytes, length);
  if (!c->waits) watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  c->waits += length;
}

static void deliver(int fd, const char *bytes, size_t length) {
  if (clients[fd]->waits) {
    keep(fd, bytes, length);
    return;
  }
  ssize_t n = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) return;  // its end is read in a moment
  if (n < (ssize_t)length) keep(fd, bytes + (n > 0 ? n : 0), length - (size_t)(n > 0 ? n : 0));
}

static void drained(int fd) {
  client *c = clients[fd];
  ssize_t n = send(fd, c->waiting, c->waits, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n <= 0) return;
  c->waits -= (size_t)n;
  memmove(c->waiting, c->waiting + n, c->waits);
  if (!c->waits) watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void deliver_all(kind k, const char *bytes, size_t length) {
  for (int i = 0; i < count[k]; i++) deliver(listening[k][i], bytes, length);
}

static void publish(const char *body, size_t length) {
  static char text[REQUEST + 2 * HEAD], frame[REQUEST + 4 * HEAD];
  number++;
  if (count[SSE]) {
    size_t size = (size_t)sprintf(text, "event: message\ndata: ");
    memcpy(text + size, body, length);
    size += length;
    size += (size_t)sprintf(text + size, "\nid: %lu\n\n", (unsigned long)number);
    int head = sprintf(frame, "%zx\r\n", size);
    memcpy(frame + head, text, size);
    memcpy(frame + head + size, "\r\n", 2);
    deliver_all(SSE, frame, (size_t)head + size + 2);
  }
  if (count[WS]) {
    size_t head = length < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    frame[1] = (char)(length < 126 ? length : 126);
    if (length >= 126) frame[2] = (char)(length >> 8), frame[3] = (char)length;
    memcpy(frame + head, body, length);
    deliver_all(WS, frame, head + length);
  }
}

static void become(int fd, kind k, const char *answer, size_t length) {
  client *c = clients[fd];
  c->kind = k;
  c->place = count[k];
  listening[k][count[k]++] = fd;
  free(c->request);
  c->request = NULL;
  deliver(fd, answer, length);
}

// Takes one whole request off the front; 0 when there is none.
static int take_request(int fd) {
  client *c = clients[fd];
  c->request[c->length] = 0;
  char *end = strstr(c->request, "\r\n\r\n");
  if (!end) return 0;
  end += 4;
  if (!strncmp(c->request, "GET /sse", 8)) return become(fd, SSE, STREAM, sizeof STREAM - 1), 0;
  if (!strncmp(c->request, "GET /ws", 7)) return become(fd, WS, UPGRADED, sizeof UPGRADED - 1), 0;
  char *says = strcasestr(c->request, "\r\ncontent-length:");
  size_t body = says && says < end ? (size_t)atol(says + 17) : 0, whole = (size_t)(end - c->request) + body;
  if (c->length < whole) return 0;
  publish(end, body);
  send(fd, DONE, sizeof DONE - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  memmove(c->request, c->request + whole, c->length - whole);
  c->length -= whole;
  return 1;
}

static void readable(int fd) {
  static char ignored[65536];
  client *c = clients[fd];
  if (c->kind != REQUESTING) {
    if (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) == 0) drop(fd);
    return;
  }
  if (!c->request) c->request = malloc(REQUEST + 1);
  ssize_t n = recv(fd, c->request + c->length, REQUEST - c->length, MSG_DONTWAIT);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) drop(fd);
    return;
  }
  c->length += (size_t)n;
  while (clients[fd]->kind == REQUESTING && clients[fd]->length && take_request(fd)) {}
}

static void accept_all(int server) {
  int fd, yes = 1;
  while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    clients[fd] = calloc(1, sizeof(client));
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

int main(void) {
  static struct epoll_event events[512];
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  struct rlimit files;
  int yes = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  signal(SIGPIPE, SIG_IGN);
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int k = SSE; k <= WS; k++) listening[k] = malloc(MAX_FDS * sizeof(int));
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 4096) || getsockname(server, (struct sockaddr *)&at, &size)) {
    perror("floor");
    return 1;
  }
  epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(server, EPOLLIN, EPOLL_CTL_ADD);
  printf("listening on http://127.0.0.1:%d\n", ntohs(at.sin_port));
  fflush(stdout);
  for (;;) {
    int n = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == server) accept_all(server);
      else {
        if (clients[fd] && events[i].events & EPOLLOUT) drained(fd);
        if (clients[fd] && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(fd);
      }
    }
  }
}
