// /// hpcbench
// model = "openmp"
// summary = "Gustavson on chunks of rows in tickets, output placed in order without a symbolic pass"
// source = "Gustavson, ACM TOMS 4(3), 1978; accumulator choice after Nagasaka et al., Parallel Computing 90, 2019"
// flags = ["-O3", "-march=native"]
// [params.ACCUMULATOR]
// when = "build"
// default = "auto"
// values = ["auto", "dense", "hash", "merge"]
// [params.MERGE_MAX]
// when = "build"
// default = 64
// values = [32, 64, 128, 256]
// [params.SWEEP_MAX]
// when = "build"
// default = 4
// values = [2, 4, 8, 16]
// [params.REPLAY]
// when = "build"
// default = 1
// values = [0, 1]
// [params.CHUNK]
// when = "build"
// default = 131072
// values = [8192, 32768, 131072, 524288]
// ///
/* Threads take chunks of consecutive rows in ascending order and compute each into a private buffer that
 * stays in the cache. Where a chunk belongs is known once all chunks before it have been counted; from then
 * on its rows go straight there. A chunk that is done earlier waits in the buffer and the thread takes the
 * next one, so that nobody waits for a slow neighbour until the buffer is full. Against a symbolic pass
 * this costs one copy out of the cache of about half of the result on two threads, of most on many. What a
 * vector writes beyond the end of a chunk does no harm: the next chunk goes there after this one is counted. */
#include <omp.h>

#include <atomic>
#include <memory>
#include <new>
#include <thread>

#include "abi.h"
#include "rows.hpp"
#include "stream.hpp"

#ifndef CHUNK /* entries of C per chunk, at most about: stencils give half of it, 800 kB, which L2 holds */
#define CHUNK 131072
#endif

namespace {

constexpr int kPieces = 8; /* of a chunk: between them it is seen whether its place is known by now */

struct Chunks {
  int64_t count;
  std::unique_ptr<int64_t[]> first;                /* count + 1 rows */
  std::unique_ptr<std::atomic<int64_t>[]> entries; /* -1 until the chunk is computed */
};

/* Entries of C, at most about: in a sample of rows no more than flops, nor than the columns they span. */
double entries(const rows::Csr &a, const rows::Csr &b) {
  const int64_t stride = a.nrows / 128 + 1;
  double sum = 0;
  for (int64_t i = 0; i < a.nrows; i += stride) {
    int64_t flops = 0;
    int32_t low = INT32_MAX, high = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int64_t from = b.indptr[a.indices[k]], to = b.indptr[a.indices[k] + 1];
      if (from < to) flops += to - from, low = std::min(low, b.indices[from]), high = std::max(high, b.indices[to - 1]);
    }
    sum += double(std::min(flops, std::max(int64_t(high) - low + 1, int64_t(1))));
  }
  return sum * double(stride);
}

/* Chunks of about equal non-zeros plus rows of A. */
bool split(const rows::Csr &a, const rows::Csr &b, int threads, Chunks *chunks) {
  const int64_t weight = a.indptr[a.nrows] + a.nrows;
  const int64_t wanted = std::max(int64_t(entries(a, b) / CHUNK), weight / (4 * CHUNK));
  const int64_t n = chunks->count = std::max(int64_t(1), std::min({a.nrows, std::max(wanted, int64_t(8) * threads)}));
  chunks->first.reset(new (std::nothrow) int64_t[n + 1]);
  chunks->entries.reset(new (std::nothrow) std::atomic<int64_t>[n]);
  if (!chunks->first || !chunks->entries) return false;
  for (int64_t c = 0; c <= n; ++c) {
    const int64_t goal = int64_t(double(weight) * double(c) / double(n));
    int64_t lo = 0, hi = a.nrows; /* the first row i with indptr[i] + i >= goal */
    while (lo < hi) {
      const int64_t mid = (lo + hi) / 2;
      if (a.indptr[mid] + mid >= goal) hi = mid;
      else lo = mid + 1;
    }
    chunks->first[c] = c == n ? a.nrows : lo;
  }
  for (int64_t c = 0; c < n; ++c) chunks->entries[c].store(-1, std::memory_order_relaxed);
  return true;
}

/* One thread's computed chunks that have no place yet, oldest first, in one buffer. */
class Outbox {
 public:
  Outbox(const Chunks &chunks, spgemm_out *out) : chunks_(chunks), out_(out) {}

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
      std::this_thread::yield();
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
    for (place(); pending_; place()) std::this_thread::yield();
    rows::stream_end();
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
    const double whole = double(offset_) / double(counted_ + 1) * double(chunks_.count);
    if (whole * (sizeof(int32_t) + sizeof(double)) > double(rows::last_level_cache())) rows::stream(to, from, bytes);
    else memcpy(to, from, bytes);
  }

  static constexpr int kPending = 8;
  static constexpr int64_t kSize = 2 * int64_t(CHUNK);
  struct Entry {
    int64_t chunk, from, entries;
  };
  const Chunks &chunks_;
  spgemm_out *out_;
  Entry queue_[kPending];
  int pending_ = 0;
  int64_t used_ = 0;
  int64_t counted_ = 0, offset_ = 0; /* offset_: entries of chunks [0, counted_) */
  rows::Scratch<double> memory_;
};

}  // namespace

extern "C" int spgemm_run(void *, const spgemm_in *in, const void *, spgemm_out *out) {
  const rows::Csr a = {in->a_nrows, in->a_ncols, in->a_indptr, in->a_indices, in->a_data};
  const rows::Csr b = {in->b_nrows, in->b_ncols, in->b_indptr, in->b_indices, in->b_data};
  const int threads = omp_get_max_threads();
  out->indptr[0] = 0;
  if (threads == 1) {
    rows::Multiplier multiplier(b, in->sorted != 0);
    const int64_t nnz = multiplier.multiply(a, out->indptr + 1, out->indices, out->data, out->capacity);
    return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
  }
  Chunks chunks;
  if (!split(a, b, threads, &chunks)) return SPGEMM_NO_MEMORY;
  std::atomic<int64_t> ticket{0};
  std::atomic<bool> failed{false};
#pragma omp parallel num_threads(threads)
  {
    rows::Multiplier multiplier(b, in->sorted != 0);
    Outbox outbox(chunks, out);
    for (int64_t c; (c = ticket.fetch_add(1, std::memory_order_relaxed)) < chunks.count;) {
      const int64_t last = chunks.first[c + 1], piece = (last - chunks.first[c]) / kPieces + 1;
      int64_t row = chunks.first[c], got = outbox.open() ? 0 : -1, at = -1;
      for (bool full = false; row < last && got >= 0;) {
        if (at < 0) at = outbox.reach(c, got, full);
        const int64_t to = at < 0 ? std::min(last, row + piece) : last;
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
  }
  return failed ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}
