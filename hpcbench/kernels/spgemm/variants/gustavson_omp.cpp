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
 * stays in the cache. Where a chunk belongs is known once all chunks before it have been counted; until
 * then it waits in its buffer and the thread takes the next one, so that nobody waits for a slow
 * neighbour until the buffer is full. Against a symbolic pass this costs one copy out of the cache. */
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

struct Chunks {
  int64_t count;
  std::unique_ptr<int64_t[]> first;                /* count + 1 rows */
  std::unique_ptr<std::atomic<int64_t>[]> entries; /* -1 until the chunk is computed */
};

/* Entries of C, at most about: in a sample of rows no more than flops, nor than the columns they span. */
double entries(const rows::Csr &a, const rows::Csr &b) {
  const int64_t stride = a.nrows / 512 + 1;
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

  /* Room for `entries` more; waits for earlier chunks when the buffer is full. */
  bool reserve(int64_t entries) {
    if (used_ + entries <= size_ && pending_ < kPending) return true;
    finish();
    if (entries <= size_) return true;
    /* one block for both arrays: fewer pages that the allocator gives back after each call */
    size_ = std::max(entries, 2 * int64_t(CHUNK));
    if (!memory_.reserve(size_ + (size_ + 1) / 2)) size_ = 0;
    return size_ > 0;
  }
  int32_t *cols() { return reinterpret_cast<int32_t *>(memory_.at + size_); }
  double *vals() { return memory_.at; }
  int64_t used() const { return used_; }
  int64_t room() const { return size_ - used_; }

  void add(int64_t chunk, int64_t entries) {
    queue_[pending_++] = {chunk, used_, entries};
    used_ += entries;
  }

  /* Moves every chunk whose place is known. */
  void place() {
    int moved = 0;
    for (; moved < pending_; ++moved) {
      const Entry e = queue_[moved];
      for (; counted_ < e.chunk; ++counted_) {
        const int64_t n = chunks_.entries[counted_].load(std::memory_order_acquire);
        if (n < 0) break;
        offset_ += n;
      }
      if (counted_ < e.chunk) break;
      copy(out_->indices + offset_, cols() + e.from, size_t(e.entries) * sizeof(int32_t));
      copy(out_->data + offset_, vals() + e.from, size_t(e.entries) * sizeof(double));
      for (int64_t i = chunks_.first[e.chunk]; i < chunks_.first[e.chunk + 1]; ++i) out_->indptr[i + 1] += offset_;
    }
    pending_ -= moved;
    for (int q = 0; q < pending_; ++q) queue_[q] = queue_[q + moved];
    if (!pending_) used_ = 0;
  }

  /* Waits until the last chunk is moved. */
  void finish() {
    for (place(); pending_; place()) std::this_thread::yield();
    rows::stream_end();
  }

 private:
  /* Past the caches when the whole result, judged by the chunks counted so far, is larger than they are. */
  void copy(void *to, const void *from, size_t bytes) const {
    const double whole = double(offset_) / double(counted_ + 1) * double(chunks_.count);
    if (whole * (sizeof(int32_t) + sizeof(double)) > double(rows::last_level_cache())) rows::stream(to, from, bytes);
    else memcpy(to, from, bytes);
  }

  static constexpr int kPending = 8;
  struct Entry {
    int64_t chunk, from, entries;
  };
  const Chunks &chunks_;
  spgemm_out *out_;
  Entry queue_[kPending];
  int pending_ = 0;
  int64_t used_ = 0, size_ = 0;
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
    const int64_t nnz = multiplier.multiply(a, 0, a.nrows, out->indptr + 1, out->indices, out->data, out->capacity);
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
      const int64_t first = chunks.first[c], last = chunks.first[c + 1];
      int64_t got = -1;
      if (outbox.reserve(multiplier.bound(a, first, last) + rows::kPad))
        got = multiplier.multiply(a, first, last, out->indptr + 1, outbox.cols() + outbox.used(),
                                  outbox.vals() + outbox.used(), outbox.room());
      if (got < 0) failed = true, got = 0; /* counted all the same: others wait for this chunk */
      outbox.add(c, got);
      chunks.entries[c].store(got, std::memory_order_release);
      outbox.place();
    }
    outbox.finish();
  }
  return failed ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}
