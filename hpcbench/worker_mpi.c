/* Start of a rank: initialises MPI for the variant and tells what the ranks believe of each other. */
#include <mpi.h>

int hpcbench_mpi_start(int *rank, int *size) {
  int provided, error = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  if (!error) error = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (!error) error = MPI_Comm_size(MPI_COMM_WORLD, size);
  return error;
}
