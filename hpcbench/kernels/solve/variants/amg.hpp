/* A V-cycle as a preconditioner: smoothed aggregation, a Gauss-Seidel sweep down and its mirror image up, Cholesky on the
 * coarsest level. */
#ifndef SOLVE_AMG_HPP
#define SOLVE_AMG_HPP
#include "aggregate.hpp"
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

constexpr double kThreshold = 0.08; /* of strong couplings on the finest level; halved on each coarser one (as Vanek et al.) */
constexpr int64_t kCoarsest = 100, kMostLevels = 20;
constexpr int64_t kSerialBelow = 2000; /* unknowns of a coarse level that one thread has for itself */

/* A dense symmetric matrix, factored. */
class Dense {
 public:
  explicit Dense(const Csr &a) : n_(a.nrows), l_(size_t(n_ * n_)) {
    for (int64_t i = 0; i < n_; ++i)
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) l_[size_t(i * n_ + a.indices[k])] = a.data[k];
    for (int64_t j = 0; j < n_; ++j)
      for (int64_t i = j; i < n_; ++i) {
        double sum = l_[size_t(i * n_ + j)];
        for (int64_t k = 0; k < j; ++k) sum -= l_[size_t(i * n_ + k)] * l_[size_t(j * n_ + k)];
        if (i > j) l_[size_t(i * n_ + j)] = sum * l_[size_t(j * n_ + j)];
        else l_[size_t(j * n_ + j)] = sum > 0 ? 1 / std::sqrt(sum) : 0; /* an empty or dependent unknown stays as it is */
      }
  }
  void solve(double *x) const {
    for (int64_t i = 0; i < n_; ++i) {
      for (int64_t k = 0; k < i; ++k) x[i] -= l_[size_t(i * n_ + k)] * x[k];
      x[i] *= l_[size_t(i * n_ + i)];
    }
    for (int64_t i = n_ - 1; i >= 0; --i) {
      x[i] *= l_[size_t(i * n_ + i)];
      for (int64_t k = 0; k < i; ++k) x[k] -= l_[size_t(i * n_ + k)] * x[i];
    }
  }

 private:
  int64_t n_;
  std::vector<double> l_;
};

/* One level: its matrix with a unit diagonal in halves, and the way to the next coarser one. */
class Level {
 public:
  static constexpr int kLanes = 8;
  using L = Lane<kLanes>;
  using Vector = L::Vector;

  Level(const Csr &a, Order order, const std::vector<double> &scale)
      : order_(std::move(order)),
        half_(a, order_, scaled(a, scale), scaled(a, scale)),
        r_(zeros()) {}

  const Order &order() const { return order_; }
  int64_t places() const { return order_.places; }
  memory::Array<double> zeros() const {
    auto made = memory::array<double>(order_.places + kLanes);
    std::fill(made.get(), made.get() + order_.places + kLanes, 0.0);
    return made;
  }

  /* q = A p, in scaled unknowns; this thread's part of p.q. */
  template <class Crew> double multiply(Crew &team, const double *p, double *q) {
    half_.below.sweep(team, [&](const Part &part) {
      half_.below.forward(part, p, [&](int64_t i) { return -L::load(p + i); }, [&](int64_t i, Vector v) { L::store(q + i, v); });
    });
    Vector dot = L::all(0);
    half_.above.sweep(team, [&](const Part &part) {
      half_.above.backward(part, p, [&](int64_t i) { return L::load(q + i); }, [&](int64_t i, Vector v) { L::store(q + i, -v), dot -= L::load(p + i) * v; });
    });
    return L::sum(dot);
  }

  /* A sweep from x = 0. */
  template <class Crew> void down(Crew &team, const double *b, double *x) {
    half_.below.sweep(team, [&](const Part &part) {
      half_.below.forward(part, x, [&](int64_t i) { return L::load(b + i); }, [&](int64_t i, Vector v) { L::store(x + i, v); });
    });
  }

  /* r = b - A x behind it. */
  template <class Crew> void rest(Crew &team, const double *x) {
    half_.above.sweep(team, [&](const Part &part) {
      half_.above.backward(part, x, [&](int64_t) { return L::all(0); }, [&](int64_t i, Vector v) { L::store(r_.get() + i, v); });
    });
  }

  /* The sweep in the other direction; b.x. */
  template <class Crew> double up(Crew &team, const double *b, double *x) {
    half_.below.sweep(team, [&](const Part &part) {
      half_.below.forward(part, x, [&](int64_t i) { return L::load(b + i); }, [&](int64_t i, Vector v) { L::store(r_.get() + i, v); });
    });
    Vector dot = L::all(0);
    half_.above.sweep(team, [&](const Part &part) {
      half_.above.backward(part, x, [&](int64_t i) { return L::load(r_.get() + i); }, [&](int64_t i, Vector v) { L::store(x + i, v), dot += v * L::load(b + i); });
    });
    return L::sum(dot);
  }

  double *r() { return r_.get(); }

 private:
  Order order_;
  Halves<kLanes> half_;
  memory::Array<double> r_;
};

/* Between a level and the next coarser one, in scaled unknowns of both. */
class Transfer {
 public:
  using L = Level::L;
  using Vector = L::Vector;

  Transfer(const Csr &p, const Csr &r, const Order &fine, const std::vector<double> &fine_scale, const Order &coarse,
           const std::vector<double> &coarse_scale)
      : up_(p, fine, coarse, Side::kAll,
            [&](int64_t i, int64_t k) { return -p.data[k] / fine_scale[size_t(i)] * coarse_scale[size_t(p.indices[k])]; }),
        down_(r, coarse, fine, Side::kAll,
              [&](int64_t i, int64_t k) { return -r.data[k] * coarse_scale[size_t(i)] / fine_scale[size_t(r.indices[k])]; }) {}

  template <class Crew> void restrict_to(Crew &team, const double *fine, double *coarse) const {
    down_.sweep(team, [&](const Part &part) {
      down_.forward(part, fine, [](int64_t) { return L::all(0); }, [&](int64_t i, Vector v) { L::store(coarse + i, v); });
    });
  }
  template <class Crew> void add_to(Crew &team, const double *coarse, double *fine) const {
    up_.sweep(team, [&](const Part &part) {
      up_.forward(part, coarse, [&](int64_t i) { return L::load(fine + i); }, [&](int64_t i, Vector v) { L::store(fine + i, v); });
    });
  }

 private:
  Chunks<Level::kLanes> up_, down_;
};

/* All levels, the finest first. */
class Hierarchy {
 public:
  static constexpr bool kCopies = false;

  Hierarchy(const Csr &a, std::vector<double> d, int64_t threads, double threshold = kThreshold) {
    std::vector<Held> held;
    std::vector<double> scale;
    Held p, r;
    for (Csr now = a;; now = held.back().view(), threshold /= 2) {
      std::vector<double> own(d);
      for (double &one : own) one = one > 0 ? 1 / std::sqrt(one) : 1;
      levels_.push_back(std::make_unique<Level>(now, by_level(now, Level::kLanes, now.nrows < kSerialBelow ? 1 : threads), own));
      if (levels_.size() == 1) finest_ = own;
      else {
        const Order &fine = levels_[levels_.size() - 2]->order();
        transfers_.push_back(std::make_unique<Transfer>(p.view(), r.view(), fine, scale, levels_.back()->order(), own));
        b_.push_back(levels_.back()->zeros()), x_.push_back(levels_.back()->zeros());
      }
      scale = own;
      if (now.nrows <= kCoarsest || int64_t(levels_.size()) == kMostLevels) break;
      const Strong strong{now, d, threshold};
      std::vector<int32_t> to;
      const int64_t count = aggregate(now, strong, &to);
      p = prolongation(now, strong, Filtered(now, strong), to, count);
      if (p.ncols == 0 || p.ncols > now.nrows * 4 / 5) break; /* nothing is strong */
      r = transposed(p.view());
      Held coarse = product(r.view(), product(now, p.view()).view());
      d = diagonal_of(coarse.view());
      held.push_back(std::move(coarse));
    }
    if (!held.empty() && held.back().nrows <= kCoarsest) dense_ = std::make_unique<Dense>(held.back().view()), last_scale_ = scale, last_.resize(scale.size());
  }

  Level &finest() { return *levels_[0]; }
  const Order &order() const { return levels_[0]->order(); }
  const std::vector<double> &scale() const { return finest_; }

  /* Also b.x. */
  template <class Crew> double apply(Crew &team, const double *b, double *x) { return cycle(team, 0, b, x); }

 private:
  template <class Crew> double cycle(Crew &team, size_t l, const double *b, double *x) {
    if (l + 1 == levels_.size() && dense_) {
      if (team.me == 0) directly(b, x);
      team.barrier();
      return 0;
    }
    Level &level = *levels_[l];
    team.barrier();
    level.down(team, b, x), level.rest(team, x);
    if (l + 1 < levels_.size()) {
      transfers_[l]->restrict_to(team, level.r(), b_[l].get());
      cycle(team, l + 1, b_[l].get(), x_[l].get());
      transfers_[l]->add_to(team, x_[l].get(), x);
    }
    const double dot = level.up(team, b, x);
    return l ? 0 : team.sum(dot);
  }

  void directly(const double *b, double *x) {
    const Order &order = levels_.back()->order();
    for (size_t i = 0; i < last_.size(); ++i) last_[i] = b[order.place[i]] / last_scale_[i];
    dense_->solve(last_.data());
    for (size_t i = 0; i < last_.size(); ++i) x[order.place[i]] = last_[i] / last_scale_[i];
  }

  std::vector<double> finest_, last_scale_, last_;
  std::vector<std::unique_ptr<Level>> levels_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  std::vector<memory::Array<double>> b_, x_; /* of the levels below the finest one */
  std::unique_ptr<Dense> dense_;
};

struct Amg : Method {
  Amg(const Csr &a, std::vector<double> d, int64_t threads)
      : Method(SOLVE_OK), threads_(threads), hierarchy_(a, std::move(d), threads), cg_(&hierarchy_.order(), hierarchy_.scale()) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return together(threads_, [&](auto team) { return cg_.run(team, hierarchy_.finest(), hierarchy_, out, r, progress); });
  }

 private:
  int64_t threads_;
  Hierarchy hierarchy_;
  Pcg<Level::kLanes> cg_;
};

inline void *amg_setup(const solve_in *in, int64_t threads) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    return std::make_unique<Amg>(matrix(in), std::move(d), threads);
  });
}

}  // namespace solve
#endif
