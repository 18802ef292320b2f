/* Start of a rank: initialises MPI for the variant and tells what the ranks believe of each other. */
#include <mpi.h>
#include <stdlib.h>

int hpcbench_mpi_start(int *rank, int *size) {
  int provided, error = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  if (!error) error = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (!error) error = MPI_Comm_size(MPI_COMM_WORLD, size);
  int *given = calloc(2 * (size_t)*size, sizeof *given); /* who meets later finds what it needs behind no wall */
  if (!error) error = given ? MPI_Alltoall(given, 1, MPI_INT, given + *size, 1, MPI_INT, MPI_COMM_WORLD) : 1;
  free(given);
  return error;
}
