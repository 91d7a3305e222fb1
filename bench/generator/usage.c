#include "usage.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PIDS = 32 };
static int pids[MAX_PIDS], pid_count;

void watch_pids(const char *list) {
  for (char *end; *list && pid_count < MAX_PIDS; list = *end ? end + 1 : end) pids[pid_count++] = (int)strtol(list, &end, 10);
}

static double seconds_of(clockid_t clock) {
  struct timespec t;
  return clock_gettime(clock, &t) ? 0 : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The clock of a process counts nanoseconds, where /proc/PID/stat counts hundredths of a second.
double server_cpu_s(void) {
  double sum = 0;
  for (int i = 0; i < pid_count; i++) {
    clockid_t clock;
    if (!clock_getcpuclockid(pids[i], &clock)) sum += seconds_of(clock);
  }
  return sum;
}

double own_cpu_s(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

long server_rss_kb(void) {
  long sum = 0;
  for (int i = 0; i < pid_count; i++) {
    char path[64];
    long total = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pids[i]);
    FILE *f = fopen(path, "r");
    if (!f) continue;
    if (fscanf(f, "%ld %ld", &total, &resident) == 2) sum += resident * (sysconf(_SC_PAGESIZE) / 1024);
    fclose(f);
  }
  return sum;
}

void machine_cpu_s(double *busy, double *stolen) {
  unsigned long long user = 0, nice = 0, system = 0, idle, wait, irq = 0, softirq = 0, steal = 0;
  double per_second = (double)sysconf(_SC_CLK_TCK);
  FILE *f = fopen("/proc/stat", "r");
  if (f) {
    if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait, &irq, &softirq, &steal) != 8) steal = 0;
    fclose(f);
  }
  *busy = (double)(user + nice + system + irq + softirq) / per_second;
  *stolen = (double)steal / per_second;
}
