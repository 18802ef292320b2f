/* A coarser matrix over ranks: aggregates of each rank's own unknowns, smoothed across ranks, and P^T A P. */
#ifndef SOLVE_GALERKIN_HPP
#define SOLVE_GALERKIN_HPP
#include "aggregate.hpp"
#include "ranks.hpp"

namespace solve {

/* An entry for another rank, which knows which of its rows is meant. */
struct Entry {
  int32_t row, column;
  double value;
};
using Entries = std::vector<std::vector<Entry>>; /* rank by rank */

/* What ranks have for each other; fills `in`. */
inline int exchanged(const Entries &out, Entries *in) {
  std::vector<int> n(out.size()), at, in_n(out.size()), in_at;
  std::vector<Entry> sent, came;
  int error = collective::alone([&] {
    for (size_t r = 0; r < out.size(); ++r) n[r] = int(out[r].size()), sent.insert(sent.end(), out[r].begin(), out[r].end());
    at = collective::starts(n);
    return sent.size() <= size_t(INT_MAX);
  });
  if (error) return error;
  MPI_Alltoall(n.data(), 1, MPI_INT, in_n.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = collective::alone([&] {
    if (std::accumulate(in_n.begin(), in_n.end(), int64_t(0)) > INT_MAX) return false;
    in_at = collective::starts(in_n), came.resize(size_t(in_at.back()));
    return true;
  });
  if (error) return error;
  MPI_Datatype kind;
  MPI_Type_contiguous(sizeof(Entry), MPI_BYTE, &kind), MPI_Type_commit(&kind);
  collective::exchange(sent.data(), n, at, came.data(), in_n, in_at, kind);
  MPI_Type_free(&kind);
  return collective::alone([&] {
    in->clear();
    for (size_t r = 0; r < out.size(); ++r) in->emplace_back(came.begin() + in_at[r], came.begin() + in_at[r + 1]);
    return true;
  });
}

/* `a` with entries added, which are of its rows. */
inline Held added(const Held &a, std::vector<Entry> more) {
  std::sort(more.begin(), more.end(), [](const Entry &x, const Entry &y) { return x.row != y.row ? x.row < y.row : x.column < y.column; });
  Held c{a.nrows, a.ncols, std::vector<int64_t>(size_t(a.nrows) + 1), {}, {}};
  c.indices.reserve(a.indices.size() + more.size()), c.data.reserve(a.indices.size() + more.size());
  auto next = more.begin();
  for (int64_t i = 0; i < a.nrows; ++i) {
    int64_t k = a.indptr[size_t(i)];
    const int64_t end = a.indptr[size_t(i) + 1];
    const size_t first = c.indices.size();
    const auto put = [&](int32_t column, double value) {
      if (c.indices.size() > first && c.indices.back() == column) c.data.back() += value;
      else c.indices.push_back(column), c.data.push_back(value);
    };
    for (; next != more.end() && next->row == i; ++next) {
      for (; k < end && a.indices[size_t(k)] <= next->column; ++k) put(a.indices[size_t(k)], a.data[size_t(k)]);
      put(next->column, next->value);
    }
    for (; k < end; ++k) put(a.indices[size_t(k)], a.data[size_t(k)]);
    c.indptr[size_t(i) + 1] = int64_t(c.indices.size());
  }
  return c;
}

/* This rank's rows of a coarser matrix, those of the prolongation from it in a block, and who owns which of its unknowns. */
struct Coarser {
  std::vector<int64_t> owners;
  Held a;
  Block p;
  int64_t unknowns() const { return owners.back(); }
};

/* To which aggregate of all ranks together this rank's unknowns belong, then those that are fetched. */
inline int aggregated(Block *block, const Strong &own, const Strong &all, int64_t rank, std::vector<int64_t> *owners, std::vector<int32_t> *to) {
  int64_t count = 0;
  std::vector<double> numbers;
  int error = collective::alone([&] {
    count = aggregate(block->own(), own, to);
    for (const int32_t i : block->far_rows) { /* who is alone here is not alone */
      bool coupled = false;
      for (int64_t k = all.a.indptr[i]; k < all.a.indptr[i + 1]; ++k) coupled |= all.a.indices[k] >= block->rows && all(i, k);
      if ((*to)[size_t(i)] < 0 && coupled) (*to)[size_t(i)] = int32_t(count++);
    }
    return true;
  });
  if (error) return error;
  MPI_Allgather(&count, 1, MPI_INT64_T, owners->data() + 1, 1, MPI_INT64_T, MPI_COMM_WORLD);
  std::partial_sum(owners->begin(), owners->end(), owners->begin());
  error = collective::alone([&] {
    for (int32_t &one : *to) one = one < 0 ? -1 : int32_t(one + (*owners)[size_t(rank)]);
    numbers.assign(to->begin(), to->end());
    return true;
  });
  if (error) return error;
  Fetch theirs(block, [&](int32_t row) { return numbers[size_t(row)]; });
  theirs.wait();
  return collective::alone([&] { return to->insert(to->end(), block->inbox.begin(), block->inbox.end() - 1), true; });
}

/* The coarser matrix of that whose rows `block` has, with the diagonal `d`; no unknowns where nothing is strong. */
inline int coarsen(Block *block, const std::vector<double> &d, double threshold, int64_t rank, Coarser *made) {
  const size_t ranks = block->sent.size();
  std::unique_ptr<Rows> rows;
  std::vector<double> diagonals;
  std::vector<int32_t> to;
  std::unique_ptr<Filtered> filtered;
  Held p;
  Entries out, in;
  int error = collective::alone([&] {
    rows = std::make_unique<Rows>(*block, 0), made->owners.assign(ranks + 1, 0);
    diagonals = d, diagonals.resize(size_t(block->rows + block->fetched_at.back())), out.resize(ranks);
    return true;
  });
  if (error) return error;
  Fetch theirs(block, [&](int32_t row) { return d[size_t(row)]; });
  theirs.wait(), std::copy(block->inbox.begin(), block->inbox.end() - 1, diagonals.begin() + block->rows);
  const Csr a = rows->view();
  const Csr own = block->own();
  const Strong strong{a, diagonals, threshold};
  if ((error = aggregated(block, Strong{own, d, threshold}, strong, rank, &made->owners, &to))) return error;
  if (made->unknowns() == 0) return collective::kOk;
  if ((error = collective::alone([&] { return filtered = std::make_unique<Filtered>(a, strong), true; }))) return error;
  MPI_Allreduce(MPI_IN_PLACE, &filtered->radius, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  error = collective::alone([&] {
    p = prolongation(a, strong, *filtered, to, made->unknowns());
    for (size_t r = 0; r < ranks; ++r) /* whose rows of A meet which rows of P */
      for (int k = block->sent_at[r]; k < block->sent_at[r + 1]; ++k) {
        const size_t row = size_t(block->sent_rows[size_t(k)]);
        for (int64_t n = p.indptr[row]; n < p.indptr[row + 1]; ++n)
          out[r].push_back({int32_t(k - block->sent_at[r]), p.indices[size_t(n)], p.data[size_t(n)]});
      }
    return true;
  });
  if (error || (error = exchanged(out, &in)) || (error = meet({p.view(), made->owners.data(), rank, int64_t(ranks)}, &made->p))) return error;
  error = collective::alone([&] {
    for (size_t r = 0; r < ranks; ++r) {
      for (const Entry &e : in[r]) p.indices.push_back(e.column), p.data.push_back(e.value);
      auto next = in[r].begin();
      for (int32_t row = 0; row < block->fetched[r]; ++row) {
        for (p.indptr.push_back(p.indptr.back()); next != in[r].end() && next->row == row; ++next) ++p.indptr.back();
      }
    }
    p.nrows += block->fetched_at.back();
    const Held ap = product(a, p.view());
    made->a = product(transposed(made->p.own()).view(), ap.view());
    const Csr far{int64_t(made->p.far_rows.size()), made->p.fetched_at.back(), made->p.far_indptr.data(), made->p.far_indices.data(), made->p.far_data.data()};
    Held r = transposed(far);
    for (int32_t &column : r.indices) column = made->p.far_rows[size_t(column)];
    r.ncols = block->rows;
    const Held others = product(r.view(), ap.view());
    for (size_t o = 0; o < ranks; ++o) {
      out[o].clear();
      for (int32_t row = 0; row < made->p.fetched[o]; ++row) {
        const size_t at = size_t(made->p.fetched_at[o] + row);
        for (int64_t k = others.indptr[at]; k < others.indptr[at + 1]; ++k) out[o].push_back({row, others.indices[size_t(k)], others.data[size_t(k)]});
      }
    }
    return true;
  });
  if (error || (error = exchanged(out, &in))) return error;
  return collective::alone([&] {
    std::vector<Entry> more;
    for (size_t r = 0; r < ranks; ++r)
      for (Entry e : in[r]) e.row = made->p.sent_rows[size_t(made->p.sent_at[r] + e.row)], more.push_back(e);
    made->a = added(made->a, std::move(more));
    return true;
  });
}

}  // namespace solve
#endif
