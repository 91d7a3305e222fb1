// CPU time and memory of the server under test, of this program and of the machine.
#ifndef USAGE_H
#define USAGE_H

// The processes of the server, separated by commas.
void watch_pids(const char *list);
double server_cpu_s(void);
long server_rss_kb(void);
double own_cpu_s(void);
// Seconds of all processors since boot: busy, and taken by the host.
void machine_cpu_s(double *busy, double *stolen);
#endif
