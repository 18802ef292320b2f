/* What setup makes of a matrix, and how a run goes on until the residual of the system itself is small. */
#ifndef SOLVE_METHOD_HPP
#define SOLVE_METHOD_HPP
#include <climits>
#include <memory>
#include <new>
#include <type_traits>

#include "eisenstat.hpp"
#include "../../shared/order.hpp"

namespace solve {

using namespace sweeps;

/* r = b - A x; its square. Where x is zero nothing is read of A. */
inline double residual(const solve_in *in, const double *x, double *r) {
  std::copy(in->b, in->b + in->nrows, r);
  if (std::any_of(x, x + in->nrows, [](double one) { return one != 0; }))
    for (int64_t i = 0; i < in->nrows; ++i) {
      const int64_t k = in->indptr[i];
      r[i] -= sparse::dot(in->data + k, in->indices + k, in->indptr[i + 1] - k, x);
    }
  return squares(r, in->nrows);
}

/* One process that has all rows. */
struct Here {
  double sum(double part) { return part; }
  int worst(int status) { return status; }
  double residual(const solve_in *in, const double *x, double *r) { return solve::residual(in, x, r); }
};

inline Csr matrix(const solve_in *in) { return {in->nrows, in->order, in->indptr, in->indices, in->data}; }

class Method {
 public:
  explicit Method(int status) : status_(status) {}
  virtual ~Method() {}

  int run(const solve_in *in, solve_out *out) { return run(Here{}, in, out); }

  /* From x0 on, again from where it ended while rounding has parted its residual from the system's. */
  template <class World> int run(World world, const solve_in *in, solve_out *out) {
    const double b2 = world.sum(squares(in->b, in->nrows));
    if (b2 >= kLeast && b2 <= kMost) return run(world, in, out, b2);
    double size = 0;
    for (int64_t i = 0; i < in->nrows; ++i) size = std::fmax(size, std::fabs(in->b[i]));
    const int exponent = world.worst(std::ilogb(size));
    return exponent == FP_ILOGB0 || exponent == INT_MAX || std::isnan(b2) ? run(world, in, out, b2) : rescaled(world, in, out, exponent);
  }

  /* Add to out->x what makes the residual r small; why it stopped. */
  virtual int iterate(const solve_in *in, solve_out *out, double *r, Progress *progress, double norm) = 0;

  int status() const { return status_; }

 private:
  /* With b and x0 over 2^exponent, where the squares of b leave the range of numbers; from zero where x0 is no better. */
  template <class World> int rescaled(World world, const solve_in *in, solve_out *out, int exponent) {
    out->told[0] = 0;
    std::copy(in->x0, in->x0 + in->nrows, out->x);
    std::vector<double> b, x0, r;
    int failed = SOLVE_OK;
    try {
      b.assign(in->b, in->b + in->nrows), x0.assign(in->x0, in->x0 + in->nrows), r.resize(size_t(in->nrows));
    } catch (const std::bad_alloc &) {
      failed = SOLVE_NO_MEMORY;
    }
    if ((failed = world.worst(failed))) return failed;
    for (auto *v : {&b, &x0})
      for (double &value : *v) value = std::scalbn(value, -exponent);
    solve_in scaled = *in;
    scaled.b = b.data(), scaled.x0 = x0.data();
    const double b2 = world.sum(squares(b.data(), in->nrows));
    if (!(world.residual(&scaled, x0.data(), r.data()) <= b2)) std::fill(x0.begin(), x0.end(), 0.0);
    const int status = run(world, &scaled, out, b2);
    for (int64_t i = 0; i < in->nrows; ++i) out->x[i] = std::scalbn(out->x[i], exponent);
    return status;
  }

  template <class World> int run(World world, const solve_in *in, solve_out *out, double b2) {
    Progress progress(in, out, b2);
    std::copy(in->x0, in->x0 + in->nrows, out->x);
    if (!std::isfinite(b2)) return status_ ? status_ : int(SOLVE_BREAKDOWN);
    if (b2 == 0) std::fill(out->x, out->x + in->nrows, 0.0);
    if (status_ || b2 == 0) return status_;
    std::vector<double> r;
    int failed = SOLVE_OK;
    try {
      r.resize(size_t(in->nrows));
    } catch (const std::bad_alloc &) {
      failed = SOLVE_NO_MEMORY;
    }
    if ((failed = world.worst(failed))) return failed;
    double norm = std::sqrt(world.residual(in, out->x, r.data()));
    int status = progress.begin(norm);
    for (int again = 0; status == kGoOn; ++again) {
      status = iterate(in, out, r.data(), &progress, norm);
      const double before = norm;
      norm = std::sqrt(world.residual(in, out->x, r.data()));
      if (status != SOLVE_OK || norm <= progress.target()) continue;
      status = norm > before / 2 || again == kRestarts ? SOLVE_STAGNATED : kGoOn; /* its own residual was another one */
    }
    return status;
  }

  int status_;
};

/* A matrix that a method cannot begin with. */
struct Refused : Method {
  using Method::Method;
  int iterate(const solve_in *, solve_out *, double *, Progress *, double) override { return SOLVE_BREAKDOWN; }
};

template <class Make> void *made(Make make) {
  try {
    return make().release();
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

/* The diagonal of a matrix for methods that need a symmetric positive definite one; what is wrong with it. Whether
 * u.Av = v.Au for two vectors without a pattern, in one pass: who asks for each (j, i) waits ten times as long. */
template <class World> int diagonal(World world, const solve_in *in, std::vector<double> *found) {
  const auto u = [](int64_t i) { return double(uint32_t(i * 2654435761u) >> 16) / 32768 - 1; };
  const auto v = [](int64_t i) { return double(uint32_t(i * 2246822519u + 3266489917u) >> 16) / 32768 - 1; };
  const int64_t first = in->offsets[in->rank];
  int status = SOLVE_OK;
  double difference = 0, size = 0;
  found->assign(size_t(in->nrows), 0.0);
  for (int64_t i = 0; i < in->nrows; ++i) {
    double av = 0, au = 0, sum = 0;
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; ++k) {
      const int64_t j = in->indices[k];
      const double a = in->data[k];
      av += a * v(j), au += a * u(j), sum += std::fabs(a);
      if (j == first + i) (*found)[size_t(i)] = a;
    }
    const double d = (*found)[size_t(i)];
    if (d == 0) status = SOLVE_ZERO_DIAGONAL;
    else if (!(d > 0) && !status) status = SOLVE_INDEFINITE;
    difference += u(first + i) * av - v(first + i) * au, size += sum;
  }
  status = world.worst(status), difference = world.sum(difference), size = world.sum(size);
  if (status) return status;
  if (!std::isfinite(size)) return SOLVE_BREAKDOWN;
  return std::fabs(difference) > kUnequal * size ? SOLVE_INDEFINITE : SOLVE_OK;
}
inline int diagonal(const solve_in *in, std::vector<double> *found) { return diagonal(Here{}, in, found); }

/* Zeros where a row has no entry there. */
inline std::vector<double> diagonal_of(const Csr &a) {
  std::vector<double> d(size_t(a.nrows), 0.0);
  for (int64_t i = 0; i < a.nrows; ++i)
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      if (a.indices[k] == i) d[size_t(i)] = a.data[k];
  return d;
}

/* make(a, d): a Method for a matrix that may be without symmetry, but not with a zero on its diagonal `d`. */
template <class Make> void *by_diagonal(const solve_in *in, Make make) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    const int status = diagonal(in, &d);
    if (status == SOLVE_ZERO_DIAGONAL || status == SOLVE_BREAKDOWN) return std::make_unique<Refused>(status);
    return make(matrix(in), d);
  });
}

template <int LANES> struct Split : Method {
  Split(const Csr &a, Order order, const std::vector<double> &diagonal, const std::vector<double> &scale)
      : Method(SOLVE_OK), threads_(order.threads), cg_(a, std::move(order), diagonal, scale) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double norm) override {
    return together(threads_, [&](auto team) { return cg_.run(team, out, r, progress, norm); });
  }

 private:
  int64_t threads_;
  Eisenstat<LANES> cg_;
};

/* 1 / sqrt(v). */
inline std::vector<double> inverse_roots(std::vector<double> v) {
  for (double &one : v) one = 1 / std::sqrt(one);
  return v;
}

}  // namespace solve
#endif
