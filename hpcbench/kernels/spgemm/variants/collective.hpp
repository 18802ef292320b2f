/* What steps of several ranks have in common. Before each exchange the ranks agree that all of them can go on, so that an
 * error on one returns on all instead of leaving the others in a collective call. */
#ifndef ROWS_COLLECTIVE_HPP
#define ROWS_COLLECTIVE_HPP
#include <mpi.h>

#include <new>
#include <numeric>
#include <vector>

#include "abi.h"

namespace collective {

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
  int error = SPGEMM_OK;
  try {
    if (!step()) error = SPGEMM_TOO_LARGE;
  } catch (const std::bad_alloc &) {
    error = SPGEMM_NO_MEMORY;
  }
  return agree(error);
}

}  // namespace collective
#endif
