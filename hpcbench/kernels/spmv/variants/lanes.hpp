/* Rows of about the same length side by side, one per lane of a vector, in chunks of eight: no loop ends where nobody
 * expected it. After SELL-C-sigma, but a chunk holds any eight rows of its window, columns are counted from the chunk's
 * first one in 16 bits where they can be, and chunks follow each other without an address of their own. */
#ifndef SPMV_LANES_HPP
#define SPMV_LANES_HPP
#include <cstring>
#include <memory>
#include <vector>

#include "csr.hpp"
#include "../../shared/memory.hpp"
#include "tiles.hpp"

namespace spmv {

constexpr int64_t kWindow = 4096; /* rows that are sorted by length together */

class Lanes {
 public:
  /* What is read next. */
  struct Cursor {
    size_t chunk;
    const double *values;
    const char *columns;
    const uint16_t *rows, *lengths;
  };

  size_t chunks() const { return chunks_.size(); }
  Cursor begin() const { return {0, values_.get(), columns_.get(), rows_.data(), lengths_.data()}; }

  /* Chunks of `rows`, at most kWindow from row `low` on; those that fit in none are put into `left`. */
  void add(const spmv_in *in, int64_t low, std::vector<int64_t> *rows, std::vector<int64_t> *left) {
    const auto length = [&](int64_t i) { return in->indptr[i + 1] - in->indptr[i]; };
    std::stable_sort(rows->begin(), rows->end(), [&](int64_t i, int64_t j) { return length(i) > length(j); });
    for (size_t r = 0; r < rows->size();) {
      const int64_t *row = rows->data() + r, most = length(row[0]);
      const size_t n = std::min(rows->size() - r, size_t(kLanes));
      int64_t taken = 0;
      for (size_t l = 0; l < n; ++l) taken += length(row[l]);
      if (most > kMost || kPadded * most > double(taken) + kRowEnd * double(n)) { /* cheaper row by row */
        left->push_back(row[0]), ++r;
        continue;
      }
      append(in, low, row, int64_t(n), most, taken == most * kLanes), r += n;
    }
  }

  void fill(const spmv_in *in, const std::vector<int64_t> &lows) {
    values_ = memory::array<double>(vectors_ * kLanes), columns_ = memory::array<char>(bytes_ + 64);
    double *v = values_.get();
    char *j = columns_.get();
    const uint16_t *rows = rows_.data();
    for (size_t c = 0; c < chunks_.size(); ++c, rows += kLanes) {
      const Chunk &chunk = chunks_[c];
      for (int64_t l = 0; l < kLanes; ++l) {
        const int64_t row = lows[c] + rows[l], from = in->indptr[row], n = l < chunk.rows ? in->indptr[row + 1] - from : 0;
        for (int64_t k = 0; k < chunk.steps; ++k) {
          const int32_t column = k < n ? in->indices[from + k] - chunk.base : 0;
          v[k * kLanes + l] = k < n ? in->data[from + k] : 0.0;
          if (chunk.narrow) reinterpret_cast<uint16_t *>(j)[k * kLanes + l] = uint16_t(column);
          else reinterpret_cast<int32_t *>(j)[k * kLanes + l] = column;
        }
      }
      v += chunk.steps * kLanes, j += chunk.steps * kLanes * width(chunk);
    }
  }

  /* The chunks up to `to`, of the window from row `low` on. */
  void multiply(Cursor *at, size_t to, int64_t low, const double *x, double *y) const {
    for (; at->chunk < to; ++at->chunk) {
      const Chunk &chunk = chunks_[at->chunk];
      chunk.narrow ? step_through<uint16_t>(chunk, at, x, y + low) : step_through<int32_t>(chunk, at, x, y + low);
    }
  }

 private:
  struct Chunk {
    int32_t base; /* first column */
    uint16_t steps;
    uint8_t rows;
    bool narrow : 1, even : 1, adjacent : 1; /* columns in 16 bits; all rows of one length; rows one after the other */
  };
  static constexpr int64_t kMost = 65535;
  /* What eight entries side by side, and the end of a row in CSR, cost, in entries in CSR. */
  static constexpr double kPadded = 6.8, kRowEnd = 12.0;

  static int64_t width(const Chunk &chunk) { return chunk.narrow ? 2 : 4; }

  void append(const spmv_in *in, int64_t low, const int64_t *row, int64_t n, int64_t most, bool even) {
    int32_t first = INT32_MAX, last = 0;
    bool adjacent = n == kLanes;
    for (int64_t l = 0; l < n; ++l) {
      const int64_t from = in->indptr[row[l]], to = in->indptr[row[l] + 1];
      if (from < to) first = std::min(first, in->indices[from]), last = std::max(last, in->indices[to - 1]);
      adjacent &= row[l] == row[0] + l;
    }
    first = std::min(first, last);
    chunks_.push_back({first, uint16_t(most), uint8_t(n), last - first <= UINT16_MAX, even, adjacent});
    vectors_ += most, bytes_ += most * kLanes * width(chunks_.back());
    for (int64_t l = 0; l < kLanes; ++l) {
      rows_.push_back(uint16_t(l < n ? row[l] - low : 0));
      if (!even) lengths_.push_back(uint16_t(l < n ? in->indptr[row[l] + 1] - in->indptr[row[l]] : 0));
    }
  }

  template <class Column> static void step_through(const Chunk &chunk, Cursor *at, const double *x, double *y) {
    const double *v = at->values, *from = x + chunk.base;
    const Column *j = reinterpret_cast<const Column *>(at->columns);
    alignas(64) double sum[kLanes] = {};
#ifdef SPARSE_AVX512
    __m512d total = _mm512_setzero_pd();
    if (chunk.even) {
      for (int64_t k = 0; k < chunk.steps; ++k)
        total = _mm512_fmadd_pd(_mm512_load_pd(v + k * kLanes), gather(from, j + k * kLanes), total);
    } else { /* an entry that is none must not meet x, which may be infinite */
      const __m128i lengths = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at->lengths));
      for (int64_t k = 0; k < chunk.steps; ++k)
        total = _mm512_mask3_fmadd_pd(_mm512_load_pd(v + k * kLanes), gather(from, j + k * kLanes), total,
                                      _mm_cmpgt_epu16_mask(lengths, _mm_set1_epi16(int16_t(k))));
    }
    if (chunk.adjacent) _mm512_storeu_pd(y + at->rows[0], total);
    else _mm512_store_pd(sum, total);
#else
    for (int64_t k = 0; k < chunk.steps; ++k)
      for (int64_t l = 0; l < kLanes; ++l)
        if (chunk.even || k < at->lengths[l]) sum[l] += v[k * kLanes + l] * from[j[k * kLanes + l]];
    if (chunk.adjacent) memcpy(y + at->rows[0], sum, sizeof sum);
#endif
    if (!chunk.adjacent)
      for (int64_t l = 0; l < chunk.rows; ++l) y[at->rows[l]] = sum[l];
    at->values += chunk.steps * kLanes, at->columns += chunk.steps * kLanes * int64_t(sizeof(Column));
    at->rows += kLanes, at->lengths += chunk.even ? 0 : kLanes;
  }

  int64_t vectors_ = 0, bytes_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<uint16_t> rows_, lengths_; /* counted from the window's first row; of chunks that are not even */
  memory::Array<double> values_;
  memory::Array<char> columns_;
};

}  // namespace spmv
#endif
