/* A rank's part of a level of a V-cycle, and the way to its part of the next one. Sweeps are Gauss-Seidel's within its rows, from
 * what others had before; rows that depend much on others' get a larger diagonal, with which such sweeps converge for every
 * symmetric positive definite matrix (Baker, Falgout, Kolev and Yang, SIAM J. Sci. Comput. 33(5), 2011). */
#ifndef SOLVE_PORTION_HPP
#define SOLVE_PORTION_HPP
#include "amg.hpp"
#include "blocks.hpp"

namespace solve {

constexpr double kOutweighed = 1.5; /* times the sum of a row's entries in others' columns, which a diagonal must be */

/* A rank's part of a level. */
class Portion {
 public:
  /* `d`: the diagonal of this rank's rows. Exchanges no messages yet. */
  Portion(Block *block, const std::vector<double> &d) : block_(block), scale_(d), far_(block->far_data), excess_(block->far_rows.size()), kept_(excess_) {
    for (size_t r = 0; r < excess_.size(); ++r) {
      double sum = 0;
      for (int64_t k = block->far_indptr[r]; k < block->far_indptr[r + 1]; ++k) sum += std::fabs(far_[size_t(k)]);
      const size_t row = size_t(block->far_rows[r]);
      if (d[row] < kOutweighed * sum) excess_[r] = sum / 2, scale_[row] += sum / 2;
    }
    for (double &one : scale_) one = one > 0 ? 1 / std::sqrt(one) : 1;
    level_ = std::make_unique<Level>(block->own(), by_level(block->own(), Level::kLanes, 1), scale_);
  }
  void meet() {
    Fetch scales(block_, [&](int32_t row) { return scale_[size_t(row)]; });
    scales.wait();
    for (size_t r = 0; r < excess_.size(); ++r) {
      const double own = scale_[size_t(block_->far_rows[r])];
      excess_[r] *= own * own;
      for (int64_t k = block_->far_indptr[r]; k < block_->far_indptr[r + 1]; ++k)
        far_[size_t(k)] *= own * block_->inbox[size_t(block_->far_indices[size_t(k)])];
    }
  }

  Level &level() { return *level_; }
  const Order &order() const { return level_->order(); }
  const std::vector<double> &scale() const { return scale_; }

  void down(const double *b, double *x) {
    Alone self;
    level_->down(self, b, x);
    Fetch fetch(block_, [&](int32_t row) { return x[order().place[size_t(row)]]; });
    level_->rest(self, x);
    fetch.wait();
    each_other(x, [&](size_t, int32_t at, double sum) { level_->r()[at] -= sum; });
  }

  /* This rank's part of b.x. */
  double up(double *b, double *x) {
    Alone self;
    Fetch fetch(block_, [&](int32_t row) { return x[order().place[size_t(row)]]; });
    fetch.wait();
    each_other(x, [&](size_t r, int32_t at, double sum) { kept_[r] = b[at], b[at] -= sum; });
    double dot = level_->up(self, b, x);
    for (size_t r = 0; r < kept_.size(); ++r) dot += (kept_[r] - b[place(r)]) * x[place(r)], b[place(r)] = kept_[r];
    return dot;
  }

  /* q = A p; this rank's part of p.q. */
  double multiply(const double *p, double *q) {
    Alone self;
    Fetch fetch(block_, [&](int32_t row) { return p[order().place[size_t(row)]]; });
    double dot = level_->multiply(self, p, q);
    fetch.wait();
    each_other(p, [&](size_t, int32_t at, double sum) { q[at] += sum, dot += p[at] * sum; });
    return dot;
  }

 private:
  int32_t place(size_t r) const { return order().place[size_t(block_->far_rows[r])]; }
  /* give(which, place, sum): what sweeps leave out of A x. */
  template <class Give> void each_other(const double *x, Give give) const {
    for (size_t f = 0; f < excess_.size(); ++f) give(f, place(f), block_->others(far_, f) - excess_[f] * x[place(f)]);
  }

  Block *block_;
  std::vector<double> scale_, far_, excess_, kept_; /* the last two of the rows that depend on others' */
  std::unique_ptr<Level> level_;
};

/* Between a rank's parts of two levels, in scaled unknowns of both. */
class Bridge {
 public:
  Bridge(Block p, const Portion &fine, const Order &coarse, const std::vector<double> &coarse_scale)
      : p_(std::move(p)), fine_(fine.order()), coarse_(coarse), own_(p_.own(), transposed(p_.own()).view(), fine_, fine.scale(), coarse_, coarse_scale) {
    for (size_t r = 0; r < p_.far_rows.size(); ++r)
      for (int64_t k = p_.far_indptr[r]; k < p_.far_indptr[r + 1]; ++k) p_.far_data[size_t(k)] /= fine.scale()[size_t(p_.far_rows[r])];
  }
  void meet(const std::vector<double> &coarse_scale) {
    Fetch scales(&p_, [&](int32_t row) { return coarse_scale[size_t(row)]; });
    scales.wait();
    for (size_t k = 0; k < p_.far_data.size(); ++k) p_.far_data[k] *= p_.inbox[size_t(p_.far_indices[k])];
  }

  void restrict_to(const double *r, double *b) {
    Alone self;
    std::fill(p_.inbox.begin(), p_.inbox.end(), 0.0);
    for (size_t f = 0; f < p_.far_rows.size(); ++f)
      for (int64_t k = p_.far_indptr[f]; k < p_.far_indptr[f + 1]; ++k)
        p_.inbox[size_t(p_.far_indices[size_t(k)])] += p_.far_data[size_t(k)] * r[fine_.place[size_t(p_.far_rows[f])]];
    halo::Return parts(&p_);
    own_.restrict_to(self, r, b);
    parts.wait();
    for (int k = 0; k < p_.sent_at.back(); ++k) b[coarse_.place[size_t(p_.sent_rows[size_t(k)])]] += p_.outbox[size_t(k)];
  }
  void add_to(const double *coarse, double *x) {
    Alone self;
    Fetch fetch(&p_, [&](int32_t row) { return coarse[coarse_.place[size_t(row)]]; });
    own_.add_to(self, coarse, x);
    fetch.wait();
    for (size_t f = 0; f < p_.far_rows.size(); ++f) x[fine_.place[size_t(p_.far_rows[f])]] += p_.others(p_.far_data, f);
  }

 private:
  Block p_;
  const Order &fine_, &coarse_;
  Transfer own_;
};

}  // namespace solve
#endif
