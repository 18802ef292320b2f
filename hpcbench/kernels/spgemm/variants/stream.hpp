/* Copies past the caches: lines that are only written go out without being read first, which for results
 * beyond the last-level cache saves a third of the traffic. Results within it are better off there. */
#ifndef ROWS_STREAM_HPP
#define ROWS_STREAM_HPP
#include "csr.hpp"

namespace rows {

/* As memcpy; where it may matter to other threads, stream_end() comes before they are told. */
inline void stream(void *to, const void *from, size_t bytes) {
#ifdef ROWS_AVX512
  char *t = static_cast<char *>(to);
  const char *f = static_cast<const char *>(from);
  const size_t head = std::min(bytes, size_t(-reinterpret_cast<uintptr_t>(t) & 63));
  memcpy(t, f, head), t += head, f += head, bytes -= head;
  for (; bytes >= 64; t += 64, f += 64, bytes -= 64)
    _mm512_stream_si512(reinterpret_cast<__m512i *>(t), _mm512_loadu_si512(f));
  memcpy(t, f, bytes);
#else
  memcpy(to, from, bytes);
#endif
}

inline void stream_end() {
#ifdef ROWS_AVX512
  _mm_sfence();
#endif
}

}  // namespace rows
#endif
