/* Sizes of caches. */
#ifndef SHARED_CACHE_HPP
#define SHARED_CACHE_HPP
#include <stdint.h>
#include <unistd.h>

#include <algorithm>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cache {

/* Bytes of the cache of this level that one core sees. The C library tells all of a package's third level on AMD, ten times
 * what a core can use, so the processor is asked itself (AMD's leaf 0x8000001d, Intel's leaf 4). A guest of a hypervisor may be
 * told of all of its host's (two cores, 480 MB, of which they have about 100): no processor has more than kMost a core. */
inline int64_t bytes(int level) {
  constexpr int64_t kMost = int64_t(48) << 20; /* EPYC 7373X: 768 MB for 16 cores */
#if defined(__x86_64__)
  for (const unsigned leaf : {0x8000001du, 4u})
    for (unsigned i = 0, a, b, c, d; i < 8 && __get_cpuid_count(leaf, i, &a, &b, &c, &d) && (a & 31); ++i)
      if (int(a >> 5 & 7) == level && (a & 31) != 2) /* not of instructions */
        return std::min(int64_t((b >> 22) + 1) * int64_t((b >> 12 & 1023) + 1) * int64_t((b & 4095) + 1) * (int64_t(c) + 1),
                        int64_t((a >> 14 & 4095) + 1) * kMost);
#endif
  return sysconf(level == 3 ? _SC_LEVEL3_CACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
}

/* Of the last level, and of the one that a core has for itself. */
inline int64_t own() { return std::max(bytes(2), int64_t(1) << 18); }
inline int64_t last() { return std::max(bytes(3), own()); }

}  // namespace cache
#endif
