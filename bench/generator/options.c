#include "options.h"
#include <stdlib.h>
#include <string.h>
#include "base.h"

options opt = {
  .publishers = 1, .batch = 1, .pad = 100, .at_once = 64, .settle_ms = 300, .receive_buffer = 4096, .mss = 1460, .seconds = 3,
  .grace_s = 5, .expect = 0, .requests = 0, .stream = "/", .publish = "/publish", .before = "{\"message\":\"", .item = "%t%p",
  .after = "\"}", .headers = "", .pids = "",
};

typedef struct { const char *name; enum { INT, LONG, REAL, TEXT, KIND } type; void *to; } option;
static const option known[] = {
  {"port", INT, &opt.port},
  {"listen-port", INT, &opt.listen_port},          // where listeners connect; by default it is `port`, where publishers do
  {"listeners", INT, &opt.listeners},
  {"kind", KIND, &opt.kind},                       // sse, ws or socketio
  {"stream", TEXT, &opt.stream},                   // the path that listeners request
  {"headers", TEXT, &opt.headers},                 // of all requests, each with its CRLF
  {"at-once", INT, &opt.at_once},                  // how many listeners are being opened at a time
  {"settle-ms", INT, &opt.settle_ms},              // from the last opening to the reading of idle memory
  {"publishers", INT, &opt.publishers},            // connections, each with one request in flight; 0: none
  {"publish", TEXT, &opt.publish},                 // the path that they POST to
  {"routes", TEXT, &opt.routes},                   // a file of "stream publish" lines; listeners and publishers are spread over them
  {"before", TEXT, &opt.before},                   // the body is `before`, `batch` times `item` with commas, `after`
  {"item", TEXT, &opt.item},                       // %t is where the mark goes, %p the padding
  {"after", TEXT, &opt.after},
  {"batch", INT, &opt.batch},
  {"pad", INT, &opt.pad},
  {"rate", REAL, &opt.rate},                       // requests a second on a fixed schedule; 0: as fast as they are answered
  {"requests", LONG, &opt.requests},               // ends after that many; 0: after `seconds`
  {"warm-s", REAL, &opt.warm_s},                   // published before the measurement begins
  {"seconds", REAL, &opt.seconds},                 // of the measurement
  {"grace-s", REAL, &opt.grace_s},                 // what has not arrived is lost when nothing has arrived for that long
  {"expect", LONG, &opt.expect},                   // replay: nothing is published; ends when every listener has that many messages
  {"stalled", INT, &opt.stalled},                  // how many listeners stop reading during the measurement
  {"receive-buffer", INT, &opt.receive_buffer},    // of those, and their segment size: like a stalled client on a network;
  {"mss", INT, &opt.mss},                          //   by default the loopback device holds megabytes for it
  {"nap-us", INT, &opt.nap_us},                    // pause after every round of the loop, so that several messages are read at once
  {"same-bytes", INT, &opt.same_bytes},            // compressed streams: checks that all get the same bytes, and ignores marks
  {"after-ms", INT, &opt.after_ms},                // from closing all listeners to the last reading of memory
  {"pids", TEXT, &opt.pids},                       // of the server, separated by commas
};

static void set(const option *o, const char *value) {
  switch (o->type) {
    case INT: *(int *)o->to = atoi(value); break;
    case LONG: *(long *)o->to = atol(value); break;
    case REAL: *(double *)o->to = atof(value); break;
    case TEXT: *(const char **)o->to = value; break;
    case KIND:
      opt.kind = !strcmp(value, "ws") ? KIND_WS : !strcmp(value, "socketio") ? KIND_SOCKETIO : KIND_SSE;
      break;
  }
}

void read_options(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *equals = strchr(argv[i], '=');
    const option *found = NULL;
    for (size_t k = 0; equals && k < sizeof known / sizeof *known; k++)
      if (strlen(known[k].name) == (size_t)(equals - argv[i]) && !strncmp(argv[i], known[k].name, equals - argv[i])) found = &known[k];
    if (!found) fail("%s is not an option; they are in bench/generator/options.c", argv[i]);
    set(found, equals + 1);
  }
  if (opt.port < 1) fail("port=N is needed");
  if (!opt.listen_port) opt.listen_port = opt.port;
  if (opt.listeners < 0 || opt.publishers < 0 || opt.publishers > 4096) fail("listeners or publishers is out of range");
  if (opt.stalled > opt.listeners) fail("stalled=%d is more than listeners=%d", opt.stalled, opt.listeners);
  if (opt.batch < 1) fail("batch must be at least 1");
  if (opt.expect > 0) opt.publishers = 0;
}
