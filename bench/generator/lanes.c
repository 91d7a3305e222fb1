// Requests are templates: everything but the numbers is written once, so a request costs this program a few stores.
#include "lanes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base.h"
#include "options.h"

enum { MAX_LANES = 4096 };

route *routes;
lane *lanes;
int route_count, lane_count;
int64_t window_from = INT64_MAX, window_to = INT64_MAX;
static uint32_t remembered;  // how many due times are kept; a power of two

void make_routes(void) {
  if (!opt.routes) {
    routes = calloc(1, sizeof *routes);
    routes[0] = (route){opt.stream, opt.publish};
    route_count = 1;
    return;
  }
  FILE *f = fopen(opt.routes, "r");
  if (!f) fail("routes=%s cannot be read", opt.routes);
  char stream[1024], publish[1024];
  while (fscanf(f, "%1023s %1023s", stream, publish) == 2) {
    routes = realloc(routes, sizeof *routes * (size_t)(route_count + 1));
    routes[route_count++] = (route){strdup(stream), strdup(publish)};
  }
  fclose(f);
  if (!route_count) fail("routes=%s has no lines", opt.routes);
}

static void append(char **to, const char *text) {
  size_t n = strlen(text);
  memcpy(*to, text, n);
  *to += n;
}

// Appends one item of the body, and remembers where its number is.
static void append_item(char **to, const char *body, lane *l, int nth, int id) {
  for (const char *s = opt.item; *s; s++) {
    if (s[0] == '%' && s[1] == 't') {
      *to += sprintf(*to, "@%03x", id);
      l->at[nth] = (size_t)(*to - body);
      append(to, "00000000@");
      s++;
    } else if (s[0] == '%' && s[1] == 'p') {
      memset(*to, 'x', (size_t)opt.pad);
      *to += opt.pad;
      s++;
    } else {
      *(*to)++ = *s;
    }
  }
}

static void build_request(lane *l, int id) {
  size_t size = strlen(opt.before) + strlen(opt.after) + (size_t)opt.batch * (strlen(opt.item) + (size_t)opt.pad + 2 * MARK) + 64;
  char *body = malloc(size), *end = body;
  l->at = malloc(sizeof *l->at * (size_t)opt.batch);
  append(&end, opt.before);
  for (int i = 0; i < opt.batch; i++) {
    if (i) append(&end, ",");
    append_item(&end, body, l, i, id);
  }
  append(&end, opt.after);
  size_t length = (size_t)(end - body);
  l->request = malloc(length + 2048);
  int head = snprintf(l->request, 2048, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n",
    routes[l->route].publish, opt.port, opt.headers, length);
  if (head >= 2048) fail("the headers of a request are too long");
  memcpy(l->request + head, body, length);
  l->length = length + (size_t)head;
  for (int i = 0; i < opt.batch; i++) l->at[i] += (size_t)head;
  free(body);
}

void make_lanes(void) {
  // With fewer connections than routes, each connection serves several routes in turn.
  lane_count = opt.publishers > route_count ? opt.publishers : route_count;
  if (lane_count > MAX_LANES) fail("%d lanes are more than a mark can name", lane_count);
  remembered = lane_count > 256 ? 1024 : 65536;
  lanes = calloc((size_t)lane_count, sizeof *lanes);
  for (int i = 0; i < lane_count; i++) {
    lanes[i].route = i % route_count;
    if (opt.publishers == 0) continue;
    lanes[i].due = calloc(remembered, sizeof(int64_t));
    build_request(&lanes[i], i);
  }
}

void stamp(lane *l, int64_t due) {
  static const char digit[] = "0123456789abcdef";
  for (int i = 0; i < opt.batch; i++) {
    uint32_t number = l->next++;
    l->due[number & (remembered - 1)] = due;
    char *at = l->request + l->at[i];
    for (int d = 7; d >= 0; d--, number >>= 4) at[d] = digit[number & 15];
  }
}

int64_t due_of(const lane *l, uint32_t number) {
  return !l->due || number >= l->next || l->next - number > remembered ? 0 : l->due[number & (remembered - 1)];
}
