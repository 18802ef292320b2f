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
/* Setup turns the pattern of A into a plan: which rows of B come from which rank, and A's columns
 * renumbered to positions among the fetched rows. A run moves lengths, then columns and values, of
 * exactly those rows. Before each exchange the ranks agree that all of them can go on, so that an error on
 * one returns on all instead of leaving the others in a collective call. */
#include <limits.h>
#include <mpi.h>

#include <new>
#include <numeric>
#include <vector>

#include "abi.h"
#include "rows.hpp"

namespace {

struct Plan {
  std::vector<int32_t> a_indices;           /* columns of A as positions among the fetched rows */
  std::vector<int32_t> send_rows;           /* rows of this rank's B, grouped by the rank that wants them */
  std::vector<int> send_counts, recv_counts; /* rows per rank */
  std::vector<int> send_displs, recv_displs; /* ranks + 1 */
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

/* What this rank needs, by itself: renumbers A's columns and lists the wanted rows, owner by owner. */
std::vector<int32_t> wanted_rows(const spgemm_in *in, Plan *plan) {
  const int64_t nnz = in->a_indptr[in->a_nrows];
  std::vector<int32_t> position(in->a_ncols, 0), wanted;
  for (int64_t k = 0; k < nnz; ++k) position[in->a_indices[k]] = 1;
  int32_t next = 0;
  for (int64_t r = 0; r < in->ranks; ++r)
    for (int64_t j = in->b_offsets[r]; j < in->b_offsets[r + 1]; ++j)
      if (position[j]) {
        wanted.push_back(int32_t(j - in->b_offsets[r]));
        position[j] = next++;
        ++plan->recv_counts[r];
      }
  plan->a_indices.resize(nnz);
  for (int64_t k = 0; k < nnz; ++k) plan->a_indices[k] = position[in->a_indices[k]];
  return wanted;
}

/* Entries per rank from the lengths of the rows sent or received; false when an int cannot count them. */
bool entry_counts(const std::vector<int32_t> &lengths, const std::vector<int> &displs, std::vector<int> *counts) {
  int64_t total = 0;
  for (size_t r = 0; r + 1 < displs.size(); ++r) {
    int64_t n = 0;
    for (int k = displs[r]; k < displs[r + 1]; ++k) n += lengths[k];
    (*counts)[r] = int(n);
    total += n;
    if (total > INT_MAX) return false;
  }
  return true;
}

/* The fetched rows of B as CSR. */
struct Fetched {
  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;
  std::vector<double> data;
};

int fetch(const Plan &plan, const spgemm_in *in, Fetched *got) {
  std::vector<int32_t> send_lengths, recv_lengths, send_indices;
  std::vector<int> send_n, recv_n, send_at, recv_at;
  std::vector<double> send_data;
  int error = SPGEMM_OK;
  try {
    send_lengths.resize(plan.send_rows.size()), recv_lengths.resize(plan.recv_displs.back());
    got->indptr.resize(recv_lengths.size() + 1);
    send_n.resize(in->ranks), recv_n.resize(in->ranks);
  } catch (const std::bad_alloc &) {
    error = SPGEMM_NO_MEMORY;
  }
  if ((error = agree(error))) return error;
  for (size_t k = 0; k < send_lengths.size(); ++k)
    send_lengths[k] = int32_t(in->b_indptr[plan.send_rows[k] + 1] - in->b_indptr[plan.send_rows[k]]);
  MPI_Alltoallv(send_lengths.data(), plan.send_counts.data(), plan.send_displs.data(), MPI_INT32_T,
                recv_lengths.data(), plan.recv_counts.data(), plan.recv_displs.data(), MPI_INT32_T, MPI_COMM_WORLD);

  try {
    if (!entry_counts(send_lengths, plan.send_displs, &send_n) || !entry_counts(recv_lengths, plan.recv_displs, &recv_n))
      error = SPGEMM_TOO_LARGE;
    else {
      send_at = starts(send_n), recv_at = starts(recv_n);
      send_indices.resize(send_at.back()), send_data.resize(send_at.back());
      got->indices.resize(recv_at.back()), got->data.resize(recv_at.back());
    }
  } catch (const std::bad_alloc &) {
    error = SPGEMM_NO_MEMORY;
  }
  if ((error = agree(error))) return error;
  int64_t to = 0;
  for (const int32_t row : plan.send_rows)
    for (int64_t j = in->b_indptr[row]; j < in->b_indptr[row + 1]; ++j, ++to)
      send_indices[to] = in->b_indices[j], send_data[to] = in->b_data[j];
  MPI_Alltoallv(send_indices.data(), send_n.data(), send_at.data(), MPI_INT32_T, got->indices.data(), recv_n.data(),
                recv_at.data(), MPI_INT32_T, MPI_COMM_WORLD);
  MPI_Alltoallv(send_data.data(), send_n.data(), send_at.data(), MPI_DOUBLE, got->data.data(), recv_n.data(),
                recv_at.data(), MPI_DOUBLE, MPI_COMM_WORLD);
  got->indptr[0] = 0;
  for (size_t k = 0; k < recv_lengths.size(); ++k) got->indptr[k + 1] = got->indptr[k] + recv_lengths[k];
  return SPGEMM_OK;
}

}  // namespace

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) {
  Plan *plan = new (std::nothrow) Plan;
  std::vector<int32_t> wanted;
  int error = SPGEMM_OK;
  try {
    if (!plan) throw std::bad_alloc();
    plan->send_counts.resize(in->ranks), plan->recv_counts.resize(in->ranks);
    wanted = wanted_rows(in, plan);
    plan->recv_displs = starts(plan->recv_counts);
  } catch (const std::bad_alloc &) {
    error = SPGEMM_NO_MEMORY;
  }
  if (!(error = agree(error))) {
    MPI_Alltoall(plan->recv_counts.data(), 1, MPI_INT, plan->send_counts.data(), 1, MPI_INT, MPI_COMM_WORLD);
    try {
      plan->send_displs = starts(plan->send_counts);
      plan->send_rows.resize(plan->send_displs.back());
    } catch (const std::bad_alloc &) {
      error = SPGEMM_NO_MEMORY;
    }
    error = agree(error);
  }
  if (error) {
    delete plan;
    return nullptr;
  }
  MPI_Alltoallv(wanted.data(), plan->recv_counts.data(), plan->recv_displs.data(), MPI_INT32_T,
                plan->send_rows.data(), plan->send_counts.data(), plan->send_displs.data(), MPI_INT32_T, MPI_COMM_WORLD);
  return plan;
}

extern "C" int spgemm_run(void *handle, const spgemm_in *in, const void *, spgemm_out *out) {
  if (!handle) return SPGEMM_NO_MEMORY; /* setup failed, on every rank */
  const Plan &plan = *static_cast<Plan *>(handle);
  Fetched fetched;
  if (const int error = fetch(plan, in, &fetched)) return error;
  const int64_t nrows = int64_t(fetched.indptr.size()) - 1;
  const rows::Csr a = {in->a_nrows, nrows, in->a_indptr, plan.a_indices.data(), in->a_data};
  const rows::Csr b = {nrows, in->b_ncols, fetched.indptr.data(), fetched.indices.data(), fetched.data.data()};
  rows::Multiplier multiplier(b, in->sorted != 0);
  out->indptr[0] = 0;
  const int64_t nnz = multiplier.multiply(a, out->indptr + 1, out->indices, out->data, out->capacity);
  return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}

extern "C" void spgemm_free(void *handle) { delete static_cast<Plan *>(handle); }
