/* Steps of an implicit heat equation on a plane whose rows are shared out to ranks; every step is a system, solved by
 * over-relaxation, red points before black ones. Rank 0 decides omega, all are told, and it learns what came of it.
 *
 *   mpicc example_mpi.c omega.c -lm -o example && mpirun -n 2 ./example */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "omega.h"

enum { SIDE = 64, STEPS = 60, MOST = 100000 };
static const double TOLERANCE = 1e-8;
static int rank, ranks, rows;

static double all(double part) {
  double sum = 0;
  MPI_Allreduce(&part, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

/* The rows above and below ours, which other ranks have; u has a rim of zeros. */
static void exchange(double *u) {
  const int w = SIDE + 2, above = rank ? rank - 1 : MPI_PROC_NULL, below = rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL;
  MPI_Sendrecv(u + w, w, MPI_DOUBLE, above, 0, u + (rows + 1) * w, w, MPI_DOUBLE, below, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(u + rows * w, w, MPI_DOUBLE, below, 1, u, w, MPI_DOUBLE, above, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* ||b - (I + s L) u||, L the five-point Laplacian. */
static double residual(const double *u, const double *b, double s) {
  const int w = SIDE + 2;
  double sum = 0;
  for (int i = 1; i <= rows; ++i)
    for (int j = 1; j <= SIDE; ++j) {
      const double *p = u + i * w + j, r = b[i * w + j] - (1 + 4 * s) * *p + s * (p[-1] + p[1] + p[-w] + p[w]);
      sum += r * r;
    }
  return sqrt(all(sum));
}

/* Sweeps until the residual is small, or `limit`; how many. */
static int64_t relax(double *u, const double *b, double s, double omega, int64_t limit, int first, double size, int *solved) {
  const int w = SIDE + 2;
  int64_t done = 0;
  for (*solved = 0; done < limit && !*solved; ++done) {
    for (int colour = 0; colour < 2; ++colour) {
      for (int i = 1; i <= rows; ++i)
        for (int j = 1 + (first + i + colour) % 2; j <= SIDE; j += 2) {
          double *p = u + i * w + j;
          *p += omega * ((b[i * w + j] + s * (p[-1] + p[1] + p[-w] + p[w])) / (1 + 4 * s) - *p);
        }
      exchange(u);
    }
    *solved = residual(u, b, s) <= TOLERANCE * size;
  }
  return done;
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const int first = SIDE * rank / ranks, w = SIDE + 2;
  rows = SIDE * (rank + 1) / ranks - first;
  const size_t bytes = sizeof(double) * (size_t)(rows + 2) * w;
  double *u = calloc(1, bytes), *b = calloc(1, bytes);
  if (!u || !b) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int i = 1; i <= rows; ++i)
    for (int j = 1; j <= SIDE; ++j) u[i * w + j] = sin(0.1 * (first + i) * j);
  omega_choice choice = {0};
  omega_tuner tuner; /* rank 0's is the one that counts */
  omega_begin(&tuner, TOLERANCE, MOST, 0);
  int64_t total = 0;
  for (int step = 0; step < STEPS; ++step) {
    const double s = 2 + 100 * pow(sin(0.1 * step), 2), mode = 1 - cos(M_PI / (SIDE + 1));
    memcpy(b, u, bytes);
    double squares = 0;
    for (int i = 1; i <= rows; ++i)
      for (int j = 1; j <= SIDE; ++j) squares += b[i * w + j] * b[i * w + j];
    const double norm = sqrt(all(squares));
    exchange(u);
    int solved = 0;
    for (int begun = 0; !solved && (!begun || choice.limit < MOST); begun = 1) {
      if (rank == 0) {
        const omega_choice last = choice;
        if (begun) omega_again(&tuner, &last, &choice);
        else omega_ask(&tuner, (1 + 4 * s * mode) / (1 + 4 * s), &choice); /* 1 - rho of Jacobi's iteration */
      }
      MPI_Bcast(&choice, sizeof choice, MPI_BYTE, 0, MPI_COMM_WORLD);
      const double before = residual(u, b, s) / norm;
      const int64_t done = relax(u, b, s, choice.omega, choice.limit, first, norm, &solved);
      if (rank == 0) omega_tell(&tuner, &choice, done, before, solved);
      total += done;
    }
    if (!solved) {
      if (rank == 0) fprintf(stderr, "step %d is not solved\n", step);
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
  }
  if (rank == 0) printf("%d systems on %d ranks: %lld sweeps\n", STEPS, ranks, (long long)total);
  free(u), free(b);
  MPI_Finalize();
  return 0;
}
