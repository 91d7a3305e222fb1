// A lane is a numbered sequence of messages that goes to one route over one connection, one request at a time. So its
// order is known, whatever other lanes do, and a listener of the route must see 0, 1, 2, ... of each.
//
// Requests are stencils: everything but the numbers is written once, and a request costs this program a few stores.
#include "generator.h"

enum { MAX_LANES = 4096 };

route *routes;
lane *lanes;
int route_count, lane_count;
static uint32_t window;  // how many due times are kept; a power of two

void make_routes(void) {
  if (!opt.routes) {
    routes = calloc(1, sizeof *routes);
    routes[0] = (route){opt.stream, opt.publish};
    route_count = 1;
    return;
  }
  FILE *f = fopen(opt.routes, "r");
  if (!f) give_up("routes=%s cannot be read", opt.routes);
  char stream[1024], publish[1024];
  while (fscanf(f, "%1023s %1023s", stream, publish) == 2) {
    routes = realloc(routes, sizeof *routes * (size_t)(route_count + 1));
    routes[route_count++] = (route){strdup(stream), strdup(publish)};
  }
  fclose(f);
  if (!route_count) give_up("routes=%s has no lines", opt.routes);
}

static void put(char **to, const char *text) {
  size_t n = strlen(text);
  memcpy(*to, text, n);
  *to += n;
}

// One item of the body; notes where its number stands.
static void put_item(char **to, const char *body, lane *l, int nth, int id) {
  for (const char *s = opt.item; *s; s++) {
    if (s[0] == '%' && s[1] == 't') {
      *to += sprintf(*to, "@%03x", id);
      l->at[nth] = (size_t)(*to - body);
      put(to, "00000000@");
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

static void draw(lane *l, int id) {
  size_t room = strlen(opt.before) + strlen(opt.after) + (size_t)opt.batch * (strlen(opt.item) + (size_t)opt.pad + 2 * MARK) + 64;
  char *body = malloc(room), *end = body;
  l->at = malloc(sizeof *l->at * (size_t)opt.batch);
  put(&end, opt.before);
  for (int i = 0; i < opt.batch; i++) {
    if (i) put(&end, ",");
    put_item(&end, body, l, i, id);
  }
  put(&end, opt.after);
  size_t length = (size_t)(end - body);
  l->request = malloc(length + 2048);
  int head = snprintf(l->request, 2048, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
    routes[l->route].publish, opt.port, length);
  memcpy(l->request + head, body, length);
  l->length = length + (size_t)head;
  for (int i = 0; i < opt.batch; i++) l->at[i] += (size_t)head;
  free(body);
}

void make_lanes(void) {
  // With fewer connections than routes each connection serves several, in turn.
  lane_count = opt.publishers > route_count ? opt.publishers : route_count;
  if (lane_count > MAX_LANES) give_up("%d lanes are more than a mark can name", lane_count);
  window = lane_count > 256 ? 1024 : 65536;
  lanes = calloc((size_t)lane_count, sizeof *lanes);
  for (int i = 0; i < lane_count; i++) {
    lanes[i].route = i % route_count;
    if (opt.publishers == 0) continue;
    lanes[i].due = calloc(window, sizeof(int64_t));
    draw(&lanes[i], i);
  }
}

void stamp(lane *l, int64_t due) {
  static const char digit[] = "0123456789abcdef";
  for (int i = 0; i < opt.batch; i++) {
    uint32_t number = l->next++;
    l->due[number & (window - 1)] = due;
    char *at = l->request + l->at[i];
    for (int d = 7; d >= 0; d--, number >>= 4) at[d] = digit[number & 15];
  }
}

int64_t due_of(const lane *l, uint32_t number) {
  return !l->due || number >= l->next || l->next - number > window ? 0 : l->due[number & (window - 1)];
}
