/* Rows whose entries lie all over x, as blocks: what a block reads of x and writes of y stays in a core's own cache, and what the
 * next one reads of x is fetched meanwhile. An entry takes as many bytes as in CSR: its place in the block and its value. Those of
 * a row are added up from left to right. After cache blocking (Nishtala et al., Applicable Algebra 18, 2007) and compressed sparse
 * blocks (Buluc et al., SPAA 2009). */
#ifndef SPMV_BLOCKS_HPP
#define SPMV_BLOCKS_HPP
#include <vector>

#include "csr.hpp"
#include "../../shared/cache.hpp"
#include "../../shared/memory.hpp"

namespace spmv {

class Blocks {
 public:
  Blocks();

  /* Rows of a band: half of a core's own cache is for its y, an eighth for x of a block. */
  int64_t height() const { return int64_t(4) << bits_; }

  /* Whether blocks are faster for the rows [from, to) than one row after the other is: of as many lines of x as half of a core's
   * own cache holds, many are needed again too late, and do not follow each other. */
  bool pay(const spmv_in *in, int64_t from, int64_t to) const;

  /* The rows [from, to), at most height() of them, as the next band. */
  void band(int64_t from, int64_t to) { bands_.push_back({from, to, 0}); }

  /* All bands; throws std::bad_alloc. */
  void fill(const spmv_in *in);

  /* The rows of a band; `add` adds them to what y holds. */
  void multiply(size_t band, const double *x, double *y) const {
    std::fill(y + bands_[band].from, y + bands_[band].to, 0.0);
    add(band, x, y);
  }
  void add(size_t band, const double *x, double *y) const;

 private:
  static constexpr int kLine = 3; /* 2^3 numbers are a cache line */
  static constexpr double kMissed = 0.25; /* share of entries from which on it pays; about even at 0.2 */
  struct Band {
    int64_t from, to;
    size_t blocks; /* where they end */
  };
  struct Block {
    int64_t column, end; /* its first one; where its entries end */
  };
  void fill(const spmv_in *in, Band *band);
  template <int kFetched> void add(int64_t from, int64_t to, const double *x, const double *next, double *y) const;

  int bits_; /* of a column's place in a block; a row's are above */
  std::vector<Band> bands_;
  std::vector<Block> blocks_;
  memory::Array<uint32_t> places_;
  memory::Array<double> values_;
};

inline Blocks::Blocks() : bits_(8) {
  while (bits_ < 15 && int64_t(128) << bits_ <= cache::own()) ++bits_;
}

inline bool Blocks::pay(const spmv_in *in, int64_t from, int64_t to) const {
  const int32_t lines = int32_t(cache::own() / 128);
  if (in->ncols >> kLine < lines) return false;
  std::vector<int32_t> held(size_t(lines), -1);
  int64_t missed = 0;
  for (int64_t k = in->indptr[from]; k < in->indptr[to]; ++k) {
    const int32_t line = in->indices[k] >> kLine;
    missed += held[size_t(line % lines)] != line && (line == 0 || held[size_t((line - 1) % lines)] != line - 1);
    held[size_t(line % lines)] = line;
  }
  return double(missed) > kMissed * double(in->indptr[to] - in->indptr[from]);
}

inline void Blocks::fill(const spmv_in *in) {
  int64_t total = 0;
  for (const Band &band : bands_) total += in->indptr[band.to] - in->indptr[band.from];
  places_ = memory::array<uint32_t>(total), values_ = memory::array<double>(total);
  for (Band &band : bands_) fill(in, &band);
}

inline void Blocks::fill(const spmv_in *in, Band *band) {
  std::vector<int64_t> at; /* of each block, how many entries it has, then where the next one goes */
  for (int64_t k = in->indptr[band->from]; k < in->indptr[band->to]; ++k) {
    const size_t block = size_t(in->indices[k] >> bits_);
    if (block >= at.size()) at.resize(block + 1);
    ++at[block];
  }
  int64_t end = blocks_.empty() ? 0 : blocks_.back().end;
  for (size_t b = 0; b < at.size(); ++b) {
    const int64_t entries = at[b];
    at[b] = end, end += entries;
    if (entries) blocks_.push_back({int64_t(b) << bits_, end});
  }
  band->blocks = blocks_.size();
  const uint32_t mask = (1u << bits_) - 1;
  for (int64_t i = band->from; i < band->to; ++i)
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; ++k) {
      const int64_t to = at[size_t(in->indices[k] >> bits_)]++;
      places_[to] = uint32_t(i - band->from) << bits_ | (uint32_t(in->indices[k]) & mask);
      values_[to] = in->data[k];
    }
}

inline void Blocks::add(size_t band, const double *x, double *y) const {
  const int64_t lines = int64_t(1) << (bits_ - kLine);
  y += bands_[band].from;
  for (size_t b = band ? bands_[band - 1].blocks : 0; b < bands_[band].blocks; ++b) {
    const int64_t from = b ? blocks_[b - 1].end : 0, to = blocks_[b].end;
    const double *of = x + blocks_[b].column, *next = x + blocks_[(b + 1) % blocks_.size()].column;
    if (to - from >= lines) add<1>(from, to, of, next, y);
    else if (2 * (to - from) >= lines) add<2>(from, to, of, next, y);
    else add<0>(from, to, of, next, y);
  }
}

/* A block; for each entry so many lines of what follows are fetched, in order, until there are no more. */
template <int kFetched>
inline void Blocks::add(int64_t from, int64_t to, const double *x, const double *next, double *y) const {
  const int bits = bits_;
  const uint32_t mask = (1u << bits) - 1, *places = places_.get();
  const double *values = values_.get();
  const int64_t fetched = std::min(to, from + (kFetched ? (int64_t(1) << (bits - kLine)) / kFetched : 0));
  const auto one = [=](int64_t k) { y[places[k] >> bits] += values[k] * x[places[k] & mask]; };
  int64_t k = from;
  for (; k < fetched; ++k) {
    for (int l = 0; l < kFetched; ++l, next += 1 << kLine) __builtin_prefetch(next, 0, 2);
    one(k);
  }
  for (; k < to; ++k) one(k);
}

}  // namespace spmv
#endif
