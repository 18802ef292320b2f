/* Which window of an array is the vector of a call: the chain that hpcbench/stream.py documents. Included by worker.c. */
#ifndef HPCBENCH_WORKER_STREAM_H
#define HPCBENCH_WORKER_STREAM_H

enum { WINDOWS = 1 << 14, WINDOW_BYTES = 64 };

static uint64_t mixed(uint64_t state) {
  for (int round = 0; round < 64; round++) state = (state ^ state >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  return state;
}

static uint64_t sum(const uint64_t *word, int64_t words) {
  uint64_t total = 0;
  for (int64_t i = 0; i < words; i++) total += word[i];
  return total;
}

#endif
