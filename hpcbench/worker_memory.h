/* The memory of a native worker: what it maps, and how much it may take beyond that. Included by worker.c. */
#ifndef HPCBENCH_WORKER_MEMORY_H
#define HPCBENCH_WORKER_MEMORY_H

#ifdef __has_feature /* clang's; here as gcc says it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#elif __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define FENCE(address, size) __asan_poison_memory_region(address, size)
#else
#define FENCE(address, size) (void)(address)
#endif

#define RESERVED (INT64_C(64) << 30) /* bytes of addresses alone: their page tables are memory that no limit counts */

static long long held(const char *what) {
  long long kilobytes = 0;
  char line[256], format[32];
  snprintf(format, sizeof format, "%s: %%lld", what);
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, format, &kilobytes) == 1) break;
  if (status) fclose(status);
  return kilobytes * 1024;
}

/* Bound private memory to `limit` bytes above what the process holds now, and of one that nobody vouches for the
 * addresses; core files off. */
static void limit_memory(int64_t limit, int strict) {
  const rlim_t data = (rlim_t)(held("VmData") + limit), all = (rlim_t)(held("VmSize") + limit + RESERVED);
  setrlimit(RLIMIT_DATA, &(struct rlimit){data, data});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (strict) setrlimit(RLIMIT_AS, &(struct rlimit){all, all});
#endif
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  const int score = open("/proc/self/oom_score_adj", O_WRONLY);
  if (score >= 0) {
    if (write(score, "1000", 4) != 4) refuse("/proc/self/oom_score_adj cannot be written");
    close(score);
  }
}

static char *map(int fd, int64_t size, int protection, int flags) {
  char *address = mmap(NULL, size ? (size_t)size : 1, protection, MAP_SHARED | flags, fd, 0);
  if (address == MAP_FAILED) refuse(strerror(errno));
  return address;
}

#endif
