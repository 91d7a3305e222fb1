// Latencies, counted in buckets that grow with the value: 64 per doubling, so a percentile is exact to 1.6 %.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H
#include <stdint.h>

typedef struct { uint64_t count, bucket[64 * 60]; int64_t largest; } histogram;
void record(histogram *h, int64_t ns);
double percentile_ms(const histogram *h, double share);
#endif
