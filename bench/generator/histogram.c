#include "histogram.h"

enum { STEPS = 64, STEP_BITS = 6 };

static int bucket_of(int64_t ns) {
  if (ns < STEPS) return ns < 0 ? 0 : (int)ns;
  int shift = 63 - __builtin_clzll((uint64_t)ns) - STEP_BITS;
  return STEPS * (shift + 1) + (int)((ns >> shift) & (STEPS - 1));
}

// The middle of the bucket.
static int64_t value_of(int bucket) {
  if (bucket < STEPS) return bucket;
  int shift = bucket / STEPS - 1;
  return ((int64_t)(STEPS + bucket % STEPS) << shift) + ((1LL << shift) >> 1);
}

void record(histogram *h, int64_t ns) {
  h->bucket[bucket_of(ns)]++;
  h->count++;
  if (ns > h->largest) h->largest = ns;
}

double percentile_ms(const histogram *h, double share) {
  uint64_t below = 0, rank = (uint64_t)(share * (double)h->count);
  for (int b = 0; b < 64 * 60; b++) {
    below += h->bucket[b];
    if (below > rank) return (double)(value_of(b) < h->largest ? value_of(b) : h->largest) / 1e6;
  }
  return (double)h->largest / 1e6;
}
