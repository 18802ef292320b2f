// /// hpcbench
// model = "mpi"
// summary = "1D row blocks: fetch the rows of B that this rank's rows of A need, multiply locally"
// source = "Gustavson, ACM TOMS 4(3), 1978; row-wise 1D algorithm after Buluc and Gilbert, SIAM J. Sci. Comput. 34(4), 2012"
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
// ///
/* Rows of A whose columns all lie among this rank's rows of B are inner: they are multiplied where the data lie, as the
 * serial variant would. The other rows, the border, are multiplied with a copy of just those rows of B that they need,
 * fetched from whoever has them. Setup finds runs of inner and border rows and exchanges the pattern of what is fetched; a
 * run moves values only, and the inner rows before the first border row are multiplied meanwhile. Before each exchange
 * the ranks agree that all of them can go on, so that an error on one returns on all instead of leaving the others in a
 * collective call. */
#include <limits.h>
#include <mpi.h>

#include <new>
#include <numeric>
#include <vector>

#include "abi.h"
#include "rows.hpp"

namespace {

struct Plan {
  std::vector<int64_t> runs;         /* where runs of rows end: inner, border, inner, ... */
  rows::Scratch<int64_t, true> own;  /* row pointers of this rank's B under the rows' global numbers */
  rows::Scratch<int32_t> a_indices;  /* in border rows: columns of A as positions among the fetched rows */
  std::vector<int64_t> indptr;       /* the fetched rows, owner by owner */
  std::vector<int32_t> indices;
  std::vector<int32_t> kept_rows;    /* those of them that are this rank's own */
  std::vector<int32_t> sent_rows;    /* rows of this rank's B, grouped by the rank that fetches them */
  std::vector<int> sent, sent_at, fetched, fetched_at; /* entries per rank, nothing to itself, and where they begin */
  std::vector<double> outbox, data;
};

std::vector<int> starts(const std::vector<int> &counts) {
  std::vector<int> at(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), at.begin() + 1);
  return at;
}

/* The worst error code of all ranks. */
int agree(int error) {
  int worst = error;
  MPI_Allreduce(&error, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}

/* Runs of inner rows and border rows. */
void find_runs(const spgemm_in *in, Plan *plan) {
  const int64_t first = in->b_offsets[in->rank];
  const uint64_t here = uint64_t(in->b_nrows);
  const auto outside = [&](int64_t from, int64_t to) { /* some entry of rows [from, to) is, without a branch per entry */
    bool any = false;
    for (int64_t k = in->a_indptr[from]; k < in->a_indptr[to]; ++k) any |= uint64_t(in->a_indices[k] - first) >= here;
    return any;
  };
  bool border = false;
  constexpr int64_t kBlock = 64;
  for (int64_t block = 0; block < in->a_nrows; block += kBlock) {
    const int64_t end = std::min(in->a_nrows, block + kBlock);
    if (!border && !outside(block, end)) continue;
    for (int64_t i = block; i < end; ++i)
      if (outside(i, i + 1) != border) plan->runs.push_back(i), border = !border;
  }
  plan->runs.push_back(in->a_nrows);
}

/* Renumbers the columns of the border rows; lists the rows of B that they need as their owners count them, and how many
 * each owner has. */
std::vector<int32_t> wanted_rows(const spgemm_in *in, Plan *plan, std::vector<int> *counts) {
  rows::Scratch<int32_t, true> position;
  if (!position.reserve(in->a_ncols) || !plan->a_indices.reserve(in->a_indptr[in->a_nrows])) throw std::bad_alloc();
  int32_t low = INT32_MAX, high = -1;
  for (size_t r = 1; r < plan->runs.size(); r += 2)
    for (int64_t k = in->a_indptr[plan->runs[r - 1]]; k < in->a_indptr[plan->runs[r]]; ++k) {
      const int32_t c = in->a_indices[k];
      position.at[c] = 1, low = std::min(low, c), high = std::max(high, c);
    }
  std::vector<int32_t> wanted;
  for (int64_t r = 0; r < in->ranks; ++r)
    for (int64_t j = std::max(in->b_offsets[r], int64_t(low)); j < std::min(in->b_offsets[r + 1], int64_t(high) + 1); ++j)
      if (position.at[j]) {
        position.at[j] = int32_t(wanted.size());
        wanted.push_back(int32_t(j - in->b_offsets[r]));
        ++(*counts)[r];
      }
  for (size_t r = 1; r < plan->runs.size(); r += 2)
    for (int64_t k = in->a_indptr[plan->runs[r - 1]]; k < in->a_indptr[plan->runs[r]]; ++k)
      plan->a_indices.at[k] = position.at[in->a_indices[k]];
  return wanted;
}

/* Entries per rank from the lengths of the rows sent or fetched; false when an int cannot count them. */
bool entry_counts(const std::vector<int32_t> &lengths, const std::vector<int> &displs, std::vector<int> *counts) {
  int64_t total = 0;
  counts->resize(displs.size() - 1);
  for (size_t r = 0; r + 1 < displs.size(); ++r) {
    const int64_t n = std::accumulate(lengths.begin() + displs[r], lengths.begin() + displs[r + 1], int64_t(0));
    (*counts)[r] = int(n);
    total += n;
    if (total > INT_MAX) return false;
  }
  return true;
}

/* Moves what every rank has for every other. */
template <class T>
void exchange(const std::vector<T> &out, const std::vector<int> &n, const std::vector<int> &at, std::vector<T> &in,
              const std::vector<int> &in_n, const std::vector<int> &in_at, MPI_Datatype type) {
  MPI_Alltoallv(out.data(), n.data(), at.data(), type, in.data(), in_n.data(), in_at.data(), type, MPI_COMM_WORLD);
}

/* Runs one step that is this rank's alone; what went wrong on any rank. */
template <class Step> int alone(Step step) {
  int error = SPGEMM_OK;
  try {
    if (!step()) error = SPGEMM_TOO_LARGE;
  } catch (const std::bad_alloc &) {
    error = SPGEMM_NO_MEMORY;
  }
  return agree(error);
}

/* Rows of this rank's B, one after the other, behind `to`. */
template <class T> void copy_rows(const spgemm_in *in, const T *from, const std::vector<int32_t> &rows, T *to) {
  for (const int32_t row : rows)
    to = std::copy(from + in->b_indptr[row], from + in->b_indptr[row + 1], to);
}

int make(const spgemm_in *in, Plan *plan) {
  const size_t me = size_t(in->rank), ranks = size_t(in->ranks);
  const int64_t first = in->b_offsets[me];
  std::vector<int> wanted_n(ranks), sent_n(ranks), wanted_at, sent_at;
  std::vector<int32_t> wanted, lengths, sent_lengths, outbox;
  int error = alone([&] {
    find_runs(in, plan);
    wanted = wanted_rows(in, plan, &wanted_n);
    wanted_at = starts(wanted_n);
    plan->kept_rows.assign(wanted.begin() + wanted_at[me], wanted.begin() + wanted_at[me + 1]);
    if (first && !plan->own.reserve(first + in->b_nrows + 1)) throw std::bad_alloc();
    if (first) std::copy(in->b_indptr, in->b_indptr + in->b_nrows + 1, plan->own.at + first);
    return true;
  });
  if (error) return error;
  wanted_n[me] = 0; /* copied, not sent */
  MPI_Alltoall(wanted_n.data(), 1, MPI_INT, sent_n.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = alone([&] {
    sent_at = starts(sent_n);
    plan->sent_rows.resize(size_t(sent_at.back())), sent_lengths.resize(size_t(sent_at.back()));
    lengths.resize(wanted.size());
    return true;
  });
  if (error) return error;
  exchange(wanted, wanted_n, wanted_at, plan->sent_rows, sent_n, sent_at, MPI_INT32_T);
  const auto length = [&](int32_t row) { return int32_t(in->b_indptr[row + 1] - in->b_indptr[row]); };
  std::transform(plan->sent_rows.begin(), plan->sent_rows.end(), sent_lengths.begin(), length);
  std::transform(plan->kept_rows.begin(), plan->kept_rows.end(), lengths.begin() + wanted_at[me], length);
  exchange(sent_lengths, sent_n, sent_at, lengths, wanted_n, wanted_at, MPI_INT32_T);
  error = alone([&] {
    if (!entry_counts(sent_lengths, sent_at, &plan->sent) || !entry_counts(lengths, wanted_at, &plan->fetched)) return false;
    plan->sent_at = starts(plan->sent), plan->fetched_at = starts(plan->fetched);
    plan->fetched[me] = 0;
    plan->indptr.resize(lengths.size() + 1), plan->indices.resize(size_t(plan->fetched_at.back()));
    std::partial_sum(lengths.begin(), lengths.end(), plan->indptr.begin() + 1);
    outbox.resize(size_t(plan->sent_at.back()));
    plan->outbox.resize(outbox.size()), plan->data.resize(plan->indices.size());
    return true;
  });
  if (error) return error;
  copy_rows(in, in->b_indices, plan->sent_rows, outbox.data());
  copy_rows(in, in->b_indices, plan->kept_rows, plan->indices.data() + plan->fetched_at[me]);
  exchange(outbox, plan->sent, plan->sent_at, plan->indices, plan->fetched, plan->fetched_at, MPI_INT32_T);
  return SPGEMM_OK;
}

}  // namespace

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) {
  Plan *plan = new (std::nothrow) Plan;
  if (!agree(plan ? SPGEMM_OK : SPGEMM_NO_MEMORY) && !make(in, plan)) return plan;
  delete plan;
  return nullptr;
}

extern "C" int spgemm_run(void *handle, const spgemm_in *in, const void *, spgemm_out *out) {
  if (!handle) return SPGEMM_NO_MEMORY; /* setup failed, on every rank */
  Plan &plan = *static_cast<Plan *>(handle);
  const int64_t first = in->b_offsets[in->rank], fetched = int64_t(plan.indptr.size()) - 1;
  copy_rows(in, in->b_data, plan.sent_rows, plan.outbox.data());
  MPI_Request moving;
  MPI_Ialltoallv(plan.outbox.data(), plan.sent.data(), plan.sent_at.data(), MPI_DOUBLE, plan.data.data(), plan.fetched.data(),
                 plan.fetched_at.data(), MPI_DOUBLE, MPI_COMM_WORLD, &moving);
  copy_rows(in, in->b_data, plan.kept_rows, plan.data.data() + plan.fetched_at[in->rank]);

  const rows::Csr a[2] = {{in->a_nrows, first + in->b_nrows, in->a_indptr, in->a_indices, in->a_data},
                          {in->a_nrows, fetched, in->a_indptr, plan.a_indices.at, in->a_data}};
  const rows::Csr b[2] = {{first + in->b_nrows, in->b_ncols, first ? plan.own.at : in->b_indptr, in->b_indices, in->b_data},
                          {fetched, in->b_ncols, plan.indptr.data(), plan.indices.data(), plan.data.data()}};
  rows::Multiplier inner(b[0], in->sorted != 0), border(b[1], in->sorted != 0);
  out->indptr[0] = 0;
  int64_t row = 0, nnz = 0;
  for (size_t r = 0; r < plan.runs.size(); ++r) {
    if (r == 1) MPI_Wait(&moving, MPI_STATUS_IGNORE);
    rows::Multiplier &multiplier = r % 2 ? border : inner;
    if (nnz >= 0)
      nnz = multiplier.multiply(a[r % 2], row, plan.runs[r], out->indptr + 1, out->indices, out->data, out->capacity, nnz, true);
  }
  if (plan.runs.size() == 1) MPI_Wait(&moving, MPI_STATUS_IGNORE);
  return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}

extern "C" void spgemm_free(void *handle) { delete static_cast<Plan *>(handle); }
