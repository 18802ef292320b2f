/* What steps of several ranks have in common. Before each exchange the ranks agree that all of them can go on, so that an
 * error on one returns on all instead of leaving the others in a collective call. */
#ifndef SHARED_COLLECTIVE_HPP
#define SHARED_COLLECTIVE_HPP
#include <mpi.h>

#include <cstddef>

#include <new>
#include <numeric>
#include <vector>

namespace collective {

enum { kOk = 0, kNoMemory = 1, kTooLarge = 2 }; /* as every abi.h has them */

/* Where each rank's part begins, and behind the last one the end, from the counts. */
inline std::vector<int> starts(const std::vector<int> &counts) {
  std::vector<int> at(counts.size() + 1, 0);
  std::partial_sum(counts.begin(), counts.end(), at.begin() + 1);
  return at;
}

/* The worst error code of all ranks. */
inline int agree(int error) {
  int worst = error;
  MPI_Allreduce(&error, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return worst;
}

/* Runs one step that is this rank's alone; what went wrong on any rank. */
template <class Step> int alone(Step step) {
  int error = kOk;
  try {
    if (!step()) error = kTooLarge;
  } catch (const std::bad_alloc &) {
    error = kNoMemory;
  }
  return agree(error);
}

/* Moves what every rank has for every other. */
template <class T>
void exchange(const T *out, const std::vector<int> &n, const std::vector<int> &at, T *in, const std::vector<int> &in_n,
              const std::vector<int> &in_at, MPI_Datatype type) {
  MPI_Alltoallv(out, n.data(), at.data(), type, in, in_n.data(), in_at.data(), type, MPI_COMM_WORLD);
}

/* What all ranks make together, or NULL on all of them when one of them fails. */
template <class Plan, class Make> Plan *together(Make make) {
  Plan *made = new (std::nothrow) Plan;
  if (!agree(made ? kOk : kNoMemory) && !make(made)) return made;
  delete made;
  return nullptr;
}

}  // namespace collective
#endif
