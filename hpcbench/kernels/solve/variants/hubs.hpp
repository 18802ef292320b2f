/* Systems with hubs, rows much longer than most, as graphs with a power law have them: solved with the shortest rows first. Hubs
 * come last, where no other row's elimination has to go through them, and neighbours in the order are alike. */
#ifndef SOLVE_HUBS_HPP
#define SOLVE_HUBS_HPP
#include "method.hpp"

namespace solve {

constexpr int64_t kHub = 4, kMany = 1000; /* times the mean's length; one row of so many */

inline bool hubs(const Csr &a) {
  int64_t found = 0;
  for (int64_t i = 0; i < a.nrows; ++i) found += (a.indptr[i + 1] - a.indptr[i]) * a.nrows > kHub * a.indptr[a.nrows];
  return found * kMany > a.nrows;
}

/* A symmetric matrix, its rows by length. */
struct ByLength {
  explicit ByLength(const Csr &a)
      : rows(size_t(a.nrows)), indptr(size_t(a.nrows) + 2), indices(size_t(a.indptr[a.nrows])), data(indices.size()) {
    const size_t n = rows.size();
    const auto length = [&](size_t i) { return size_t(a.indptr[i + 1] - a.indptr[i]); };
    std::vector<int32_t> next(n + 2), place(n);
    for (size_t i = 0; i < n; ++i) ++next[length(i) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (size_t i = 0; i < n; ++i) place[i] = next[length(i)]++, rows[size_t(place[i])] = int32_t(i);
    /* Column by column, so that those of a row ascend; indptr[p + 1] is where the next entry of row p goes. */
    for (size_t k = 0; k < indices.size(); ++k) ++indptr[size_t(place[size_t(a.indices[k])]) + 2];
    std::partial_sum(indptr.begin(), indptr.end(), indptr.begin());
    for (size_t q = 0; q < n; ++q)
      for (int64_t k = a.indptr[rows[q]]; k < a.indptr[rows[q] + 1]; ++k) {
        const size_t to = size_t(indptr[size_t(place[size_t(a.indices[k])]) + 1]++);
        indices[to] = int32_t(q), data[to] = a.data[k];
      }
  }
  Csr view() const { return {int64_t(rows.size()), int64_t(rows.size()), indptr.data(), indices.data(), data.data()}; }

  std::vector<int32_t> rows;
  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;
  std::vector<double> data;
};

/* A method for a system whose rows are in another order. */
class Reordered : public Method {
 public:
  Reordered(std::unique_ptr<ByLength> sorted, std::unique_ptr<Method> method)
      : Method(method->status()), sorted_(std::move(sorted)), method_(std::move(method)), r_(sorted_->rows.size()), x_(r_.size()) {}

  int iterate(const solve_in *in, solve_out *out, double *r, Progress *progress, double norm) override {
    const auto &rows = sorted_->rows;
    for (size_t p = 0; p < rows.size(); ++p) r_[p] = r[rows[p]], x_[p] = 0;
    solve_in system = *in;
    system.indptr = sorted_->indptr.data(), system.indices = sorted_->indices.data(), system.data = sorted_->data.data();
    solve_out own = *out;
    own.x = x_.data();
    const int status = method_->iterate(&system, &own, r_.data(), progress, norm);
    for (size_t p = 0; p < rows.size(); ++p) out->x[rows[p]] += x_[p];
    return status;
  }

 private:
  std::unique_ptr<ByLength> sorted_;
  std::unique_ptr<Method> method_;
  std::vector<double> r_, x_;
};

/* make(a, d) for a symmetric matrix with this diagonal, by length where there are hubs. */
template <class Make> std::unique_ptr<Method> with_hubs_last(const Csr &a, const std::vector<double> &diagonal, Make make) {
  if (!hubs(a)) return make(a, diagonal);
  auto sorted = std::make_unique<ByLength>(a);
  std::vector<double> d;
  for (const int32_t row : sorted->rows) d.push_back(diagonal[size_t(row)]);
  auto method = make(sorted->view(), d);
  return std::make_unique<Reordered>(std::move(sorted), std::move(method));
}

}  // namespace solve
#endif
