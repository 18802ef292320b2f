/* Threads take chunks of consecutive rows in ascending order and compute each into a private buffer that
 * stays in the cache. Where a chunk belongs is known once all chunks before it have been counted; from then
 * on its rows go straight there. A chunk that is done earlier waits in the buffer and the thread takes the
 * next one, so that nobody waits for a slow neighbour until the buffer is full. Against a symbolic pass
 * this costs one copy out of the cache of about half of the result on two threads, of most on many. What a
 * vector writes beyond the end of a chunk does no harm: the next chunk goes there after this one is counted. */
#ifndef ROWS_CHUNKS_HPP
#define ROWS_CHUNKS_HPP
#include <omp.h>

#include <atomic>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "abi.h"
#include "rows.hpp"
#include "../../shared/cache.hpp"
#include "stream.hpp"

#ifndef CHUNK /* entries of C per chunk, at most about: stencils give half of it, 800 kB, which L2 holds */
#define CHUNK 131072
#endif

namespace rows {

constexpr int kPieces = 8; /* of a chunk: between them it is seen whether its place is known by now */
constexpr int kLooks = 16; /* at messages, in every piece, while some are on their way */

struct Chunks {
  int64_t count = 0;
  std::vector<int64_t> first; /* count + 1 rows */
  std::vector<int> part;      /* which part each is multiplied from */
  std::unique_ptr<std::atomic<int64_t>[]> entries; /* -1 until the chunk is computed */
};

/* Entries of C in rows [from, to), at most about: in a sample of rows no more than flops, nor than the columns they span. */
inline double entries(const Part &p, int64_t from, int64_t to) {
  const int64_t stride = p.a.nrows / 128 + 1;
  double sum = 0;
  for (int64_t i = from; i < to; i += stride) {
    int64_t flops = 0;
    int32_t low = INT32_MAX, high = 0;
    for (int64_t k = p.a.indptr[i]; k < p.a.indptr[i + 1]; ++k) {
      const int64_t j = p.b.indptr[p.a.indices[k]], end = p.b.indptr[p.a.indices[k] + 1];
      if (j < end) flops += end - j, low = std::min(low, p.b.indices[j]), high = std::max(high, p.b.indices[end - 1]);
    }
    sum += double(std::min(flops, std::max(int64_t(high) - low + 1, int64_t(1))));
  }
  return sum * double(stride);
}

/* Chunks of about equal non-zeros plus rows of A, of one run of rows each; the runs end at `runs` and belong to the first
 * part and the last in turn. */
inline void split(const std::vector<Part> &parts, const std::vector<int64_t> &runs, int threads, Chunks *chunks) {
  const Csr &a = parts[0].a;
  const auto weight = [&](int64_t from, int64_t to) { return a.indptr[to] - a.indptr[from] + to - from; };
  const int64_t whole = std::max(weight(0, a.nrows), int64_t(1));
  chunks->first.push_back(0);
  for (size_t r = 0; r < runs.size(); ++r) {
    const int64_t from = r ? runs[r - 1] : 0, to = runs[r], heavy = weight(from, to);
    const int part = int(r % 2 ? parts.size() - 1 : 0);
    const int64_t wanted = std::max(int64_t(entries(parts[part], from, to) / CHUNK), heavy / (4 * CHUNK));
    const int64_t n = std::max(int64_t(1), std::min(to - from, std::max(wanted, int64_t(8) * threads * heavy / whole)));
    for (int64_t c = 1; c <= n && from < to; ++c) {
      const int64_t goal = a.indptr[from] + from + int64_t(double(heavy) * double(c) / double(n));
      int64_t lo = from, hi = to; /* the first row i with indptr[i] + i >= goal */
      while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (a.indptr[mid] + mid >= goal) hi = mid;
        else lo = mid + 1;
      }
      chunks->first.push_back(c == n ? to : lo), chunks->part.push_back(part);
    }
  }
  chunks->count = int64_t(chunks->part.size());
  chunks->entries.reset(new std::atomic<int64_t>[size_t(chunks->count)]);
  for (int64_t c = 0; c < chunks->count; ++c) chunks->entries[c].store(-1, std::memory_order_relaxed);
}

/* One thread's computed chunks that have no place yet, oldest first, in one buffer. */
template <class Idle> class Outbox {
 public:
  /* `idle` is called again and again by a thread that can only wait. */
  Outbox(const Chunks &chunks, spgemm_out *out, Idle idle) : chunks_(chunks), out_(out), idle_(idle) {}

  /* Makes room for a new chunk: its share of the buffer begins at used(). False when out of memory. */
  bool open() {
    if (pending_ == kPending) finish();
    if (!pending_) used_ = 0;
    /* one block for both arrays: fewer pages that the allocator gives back after each call */
    return memory_.reserve(kSize + kSize / 2);
  }
  int32_t *cols() { return reinterpret_cast<int32_t *>(memory_.at + kSize); }
  double *vals() { return memory_.at; }
  int64_t used() const { return used_; }
  int64_t room() const { return kSize - used_; }

  void add(int64_t chunk, int64_t entries) {
    queue_[pending_++] = {chunk, used_, entries};
    used_ += entries;
  }

  /* Where the chunk in work belongs, with its first `entries` moved there; -1 while that is not known and
   * `wait` does not say to wait for it. */
  int64_t reach(int64_t chunk, int64_t entries, bool wait) {
    for (place(); pending_ || !count(chunk); place()) {
      if (!wait) return -1;
      idle_();
    }
    move(used_, entries);
    return offset_;
  }

  /* Lets the rows of a chunk end where they do in the whole. */
  void shift(int64_t chunk) const {
    for (int64_t i = chunks_.first[chunk]; i < chunks_.first[chunk + 1]; ++i) out_->indptr[i + 1] += offset_;
  }

  /* Moves every chunk whose place is known. */
  void place() {
    int moved = 0;
    for (; moved < pending_; ++moved) {
      const Entry e = queue_[moved];
      if (!count(e.chunk)) break;
      move(e.from, e.entries);
      shift(e.chunk);
    }
    pending_ -= moved;
    for (int q = 0; q < pending_; ++q) queue_[q] = queue_[q + moved];
  }

  /* Waits until the last chunk is moved. */
  void finish() {
    for (place(); pending_; place()) idle_();
    stream_end();
  }

 private:
  /* Adds up the entries of the chunks before `chunk` into offset_; false when one is not counted yet. */
  bool count(int64_t chunk) {
    for (; counted_ < chunk; ++counted_) {
      const int64_t n = chunks_.entries[counted_].load(std::memory_order_acquire);
      if (n < 0) return false;
      offset_ += n;
    }
    return true;
  }

  void move(int64_t from, int64_t entries) {
    copy(out_->indices + offset_, cols() + from, size_t(entries) * sizeof(int32_t));
    copy(out_->data + offset_, vals() + from, size_t(entries) * sizeof(double));
  }

  /* Past the caches when the whole result, judged by the chunks counted so far, is larger than they are. */
  void copy(void *to, const void *from, size_t bytes) const {
    static const int64_t cached = cache::last();
    const double whole = double(offset_) / double(counted_ + 1) * double(chunks_.count);
    if (whole * (sizeof(int32_t) + sizeof(double)) > double(cached)) stream(to, from, bytes);
    else memcpy(to, from, bytes);
  }

  static constexpr int kPending = 8;
  static constexpr int64_t kSize = 2 * int64_t(CHUNK);
  struct Entry {
    int64_t chunk, from, entries;
  };
  const Chunks &chunks_;
  spgemm_out *out_;
  Idle idle_;
  Entry queue_[kPending];
  int pending_ = 0;
  int64_t used_ = 0;
  int64_t counted_ = 0, offset_ = 0; /* offset_: entries of chunks [0, counted_) */
  Scratch<double> memory_;
};

/* All rows, by all threads. `ready(part)` is asked between pieces and while waiting, by every thread, whether rows of a part
 * can be computed by now; where it sees to messages, it does so for all. False when out of memory. */
template <class Ready>
bool multiply(const std::vector<Part> &parts, const std::vector<int64_t> &runs, bool sorted, spgemm_out *out, Ready ready) {
  const int threads = omp_get_max_threads();
  Chunks chunks;
  try {
    split(parts, runs, threads, &chunks);
  } catch (const std::bad_alloc &) {
    return false;
  }
  std::atomic<int64_t> ticket{0};
  std::atomic<bool> failed{false};
  const int all = int(parts.size()) - 1;
  const auto idle = [&] { ready(all), std::this_thread::yield(); };
  out->indptr[0] = 0;
#pragma omp parallel num_threads(threads)
  {
    Multiplier inner(parts.front().b, sorted), outer(parts.back().b, sorted);
    Outbox<decltype(idle)> outbox(chunks, out, idle);
    for (int64_t c; (c = ticket.fetch_add(1, std::memory_order_relaxed)) < chunks.count;) {
      Multiplier &multiplier = chunks.part[c] ? outer : inner;
      while (!ready(chunks.part[c])) idle();
      const int64_t last = chunks.first[c + 1], piece = (last - chunks.first[c]) / kPieces + 1;
      int64_t row = chunks.first[c], got = outbox.open() ? 0 : -1, at = -1;
      for (bool full = false; row < last && got >= 0;) {
        if (at < 0) at = outbox.reach(c, got, full);
        const int64_t step = !ready(all) ? piece / kLooks + 1 : at < 0 ? piece : last - row;
        const int64_t to = std::min(last, row + step);
        const Csr &a = parts[chunks.part[c]].a;
        got = at < 0 ? multiplier.multiply(a, row, to, out->indptr + 1, outbox.cols() + outbox.used(),
                                           outbox.vals() + outbox.used(), outbox.room(), got, false)
                     : multiplier.multiply(a, row, to, out->indptr + 1, out->indices + at, out->data + at,
                                           out->capacity - at, got, true);
        full = row < to;
      }
      if (got < 0) failed = true, got = 0; /* counted all the same: others wait for this chunk */
      if (at >= 0) outbox.shift(c);
      else outbox.add(c, got);
      chunks.entries[c].store(got, std::memory_order_release);
      outbox.place();
    }
    outbox.finish();
    while (!ready(all)) idle(); /* not at the end of the region, where nobody would see to what others wait for */
  }
  return !failed;
}

}  // namespace rows
#endif
