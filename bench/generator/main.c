// The load generator: opens listeners, publishes, checks that every listener gets every acknowledged message exactly once and
// in order, and prints one line of JSON. bench/generator.ts builds and runs it.
//
//   open all    settle    warm       measure        drain                    (stalled read again, drain)   close
//   |-----------|---------|----------|==============|-----------------------|--------------------------|
//   memory      memory               CPU, latency   until all have all                                  memory
//
// One thread, and per delivery only a search for a mark and two look-ups, so that the server is what is measured:
// `npm run bench -- --check` shows how much this program can take.
//
//   main  ->  listeners, publishers  ->  lanes, net, histogram  ->  options, base
//         ->  usage
//
// The files depend on each other in this direction only.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base.h"
#include "lanes.h"
#include "listeners.h"
#include "net.h"
#include "options.h"
#include "publishers.h"
#include "usage.h"

static long rss_largest;
static int64_t rss_next;

static void sample_memory(int64_t at) {
  if (at < rss_next) return;
  rss_next = at + 100000000;
  long rss = server_rss_kb();
  if (rss > rss_largest) rss_largest = rss;
}

// One round of the loop, which waits until a time at the latest.
static void round_until(int64_t until) {
  static struct epoll_event events[512];
  int n = poll_until(until, events, 512);
  for (int i = 0; i < n; i++) {
    uint32_t id = events[i].data.u32;
    if (id & PUBLISHER_ID) on_publisher(id, events[i].events);
    else on_listener(id);
  }
  if (opt.nap_us) usleep((useconds_t)opt.nap_us);
}

static void run_for(int64_t ms) {
  for (int64_t until = now() + ms * 1000000; now() < until;) round_until(until);
}

static void open_all(void) {
  int was = -1;
  int64_t since = now();
  while (open_listeners < opt.listeners) {
    open_more_listeners();
    round_until(now() + 20000000);
    if (open_listeners != was) was = open_listeners, since = now();
    if (now() - since > 20000000000LL) fail("only %d of %d listeners could be opened", open_listeners, opt.listeners);
  }
}

// Runs until everything that was acknowledged has arrived, or nothing has arrived for `grace_s`.
static void drain(int with_stalled) {
  int64_t since = now();
  uint64_t was = 0;
  while (now() - since < (int64_t)(opt.grace_s * 1e9)) {
    uint64_t is = counted.messages + counted.bytes + sent.acked;
    if (is != was) was = is, since = now();
    if (!publishers_waiting() && (opt.same_bytes ? now() - since > 300000000 : all_arrived(with_stalled))) return;
    round_until(now() + 5000000);
    sample_memory(now());
  }
}

typedef struct { double server, own, busy, stolen; uint64_t messages, bytes, acked; int64_t at; } reading;

static reading read_all(void) {
  reading r = {.server = server_cpu_s(), .own = own_cpu_s(), .messages = counted.messages, .bytes = counted.bytes, .acked = sent.acked, .at = now()};
  machine_cpu_s(&r.busy, &r.stolen);
  return r;
}

static void field(const char *name, double value) {
  static int more;
  printf("%s\"%s\":%.6g", more++ ? "," : "{", name, value);
}

// What the run measured besides the counters.
typedef struct {
  reading from, to;
  delivery_check deliveries;
  int64_t began;
  double opening_s, caught_up_s;
  uint64_t reading_had;
  long rss_before, rss_idle, rss_loaded, rss_drained;
} results;

static void print_report(const results *r) {
  double span = (double)(r->to.at - r->from.at) / 1e9;
  field("listeners", opt.listeners);
  field("exact", (double)r->deliveries.exact);
  field("readingExact", (double)r->deliveries.reading_exact);
  field("lost", (double)(r->deliveries.missing > r->deliveries.skipped ? r->deliveries.missing : r->deliveries.skipped));
  field("doubled", (double)r->deliveries.doubled);
  field("closed", (double)counted.closed);
  field("distinct", (double)r->deliveries.distinct);
  field("requests", (double)sent.requests);
  field("acked", (double)sent.acked);
  field("refused", (double)sent.refused);
  field("cut", (double)sent.cut);
  field("spanS", span);
  field("ackedPerS", span > 0 ? (double)(r->to.acked - r->from.acked) / span : 0);
  field("deliveries", (double)(r->to.messages - r->from.messages));
  field("deliveriesPerS", span > 0 ? (double)(r->to.messages - r->from.messages) / span : 0);
  field("bytes", (double)(r->to.bytes - r->from.bytes));
  field("serverCpuS", r->to.server - r->from.server);
  field("ownCpuS", r->to.own - r->from.own);
  field("otherCpuS", r->to.busy - r->from.busy - (r->to.server - r->from.server) - (r->to.own - r->from.own));
  field("stolenS", r->to.stolen - r->from.stolen);
  field("samples", (double)counted.latency.count);
  field("p50Ms", percentile_ms(&counted.latency, .5));
  field("p99Ms", percentile_ms(&counted.latency, .99));
  field("maxMs", (double)counted.latency.largest / 1e6);
  field("answerP50Ms", percentile_ms(&sent.answer, .5));
  field("answerP99Ms", percentile_ms(&sent.answer, .99));
  field("lateMaxMs", (double)sent.late_max / 1e6);
  field("openingS", r->opening_s);
  field("replayS", (double)(counted.last_at - r->began) / 1e9);
  field("caughtUpS", opt.stalled ? r->caught_up_s : 0);
  field("readingHad", (double)r->reading_had);
  field("rssBeforeKb", (double)r->rss_before);
  field("rssIdleKb", (double)r->rss_idle);
  field("rssLargestKb", (double)rss_largest);
  field("rssLoadedKb", (double)r->rss_loaded);
  field("rssDrainedKb", (double)r->rss_drained);
  field("rssAfterKb", (double)server_rss_kb());
  puts("}");
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  watch_pids(opt.pids);
  make_routes();
  make_lanes();
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  open_poll();

  long rss_before = server_rss_kb();
  int64_t began = now();
  window_to = 0;
  open_all();
  double opening_s = (double)(now() - began) / 1e9;
  if (!opt.expect) run_for(opt.settle_ms);
  long rss_idle = server_rss_kb();
  stall_listeners();
  if (!opt.expect) begin_counting();

  open_publishers();
  for (int64_t until = now() + 5000000000LL; publishers_ready() < opt.publishers && now() < until;) round_until(now() + 5000000);
  rss_largest = rss_idle;
  int64_t start = now();
  window_from = start + (int64_t)(opt.warm_s * 1e9);
  window_to = window_from + (int64_t)(opt.seconds * 1e9);
  start_schedule(start);
  reading from = {0}, to;
  for (int64_t at = start; at < window_to; at = now()) {
    if (!from.at && at >= window_from) from = read_all();
    if (opt.requests > 0 && sent.acked >= (uint64_t)opt.requests) break;
    if (opt.expect && all_arrived(1)) break;
    int64_t next = opt.publishers ? publish_due(window_to) : INT64_MAX, edge = from.at ? window_to : window_from;
    int64_t soon = at + 50000000;
    round_until(next < edge ? (next < soon ? next : soon) : (edge < soon ? edge : soon));
    sample_memory(at);
  }
  to = read_all();
  if (!from.at) from = (reading){.at = start, .server = to.server, .own = to.own};
  long rss_loaded = server_rss_kb();
  drain(0);
  uint64_t reading_had = counted.messages;
  int64_t resumed = now();
  if (opt.stalled) {
    resume_stalled();
    drain(1);
  }
  double caught_up_s = (double)(now() - resumed) / 1e9;
  delivery_check v = check_deliveries();
  long rss_drained = server_rss_kb();
  close_listeners();
  run_for(opt.after_ms);

  print_report(&(results){
    .from = from, .to = to, .deliveries = v, .began = began,
    .opening_s = opening_s, .caught_up_s = caught_up_s, .reading_had = reading_had,
    .rss_before = rss_before, .rss_idle = rss_idle, .rss_loaded = rss_loaded, .rss_drained = rss_drained,
  });
  return 0;
}
