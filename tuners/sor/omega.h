/* Omega for one linear system after the other, chosen while they are solved: the policy alone, in C. For every system
 * ask for a choice, solve with it, tell what came of it; where it did not solve the system, ask again. Plain memory:
 * a tuner can be copied, stored and sent, and two tuners that were told the same choose the same. Link omega.c and -lm;
 * omega_solve.c for omega_gap and what follows it. */
#ifndef HPCBENCH_OMEGA_H
#define HPCBENCH_OMEGA_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OMEGA_OFFSETS = 17, OMEGA_FIXED = 27 };

/* What is known of an arm, all fading with time: its costs, what they were expected to be, the squares of that, and
 * cost^2 / expectation. */
typedef struct omega_arm {
  double cost, expected, squares, spread;
} omega_arm;

typedef struct omega_tuner {
  double tolerance; /* of the residual's norm over that of b */
  int64_t most;     /* iterations of a solve at most */
  int64_t krylov, systems, spent, alarm, fallen;
  double gap, usual, typical, unit, recent;
  double used[2], lost[2]; /* iterations, and those that trials cost: of systems whose gap is not known, and of the others */
  omega_arm offset[OMEGA_OFFSETS], fixed[2][OMEGA_FIXED]; /* of systems whose gap is not known, and of the others */
} omega_tuner;

typedef struct omega_choice {
  double omega;
  int64_t limit;    /* iterations after which to tell, and ask again */
  int64_t relative; /* whether the arm is an offset to Young's formula, or a fixed omega */
  int64_t arm;
  double rate;      /* of what Young's omega should take of a residual's logarithm in an iteration */
  int64_t attempt;  /* how often this system was begun before */
  int64_t trial;    /* whether something else than the best known arm is tried */
  double before;    /* omega of the attempt before, 0 where there is none */
  double gap;       /* of the system */
  int64_t anew;     /* whether that was another one when this was chosen */
} omega_choice;

/* `krylov`: whether omega is that of a preconditioner for conjugate gradients. */
void omega_begin(omega_tuner *tuner, double tolerance, int64_t most, int krylov);

/* Forget what gaps let expect, and what came of it: they were wrong. `last`, which did not solve its system, learns
 * that the system's gap is another one; omega_again then chooses by that. */
void omega_forget(omega_tuner *tuner, double gap, omega_choice *last);

/* The choice for the next system; `gap` is 1 - rho(I - D^-1 A), or 0 where it is not known. */
void omega_ask(omega_tuner *tuner, double gap, omega_choice *choice);

/* Another choice for the same system, which `last` did not solve within its limit. */
void omega_again(omega_tuner *tuner, const omega_choice *last, omega_choice *choice);

/* What came of a choice: iterations done, the norm of the first residual over that of b, whether the system is solved. */
void omega_tell(omega_tuner *tuner, const omega_choice *choice, int64_t iterations, double residual, int solved);

/* y.Ay / y.Dy of a matrix in CSR, D its diagonal: 1 - rho where y is the eigenvector of D^-1 A with the least
 * eigenvalue; *off is how far it is from one, ||Ay - gap Dy|| / |gap| ||Dy|| in the norm of 1/|D|, of about 250 rows.
 * 0, and *off infinite, where the diagonal has a zero there. */
double omega_gap(int64_t n, const int64_t *indptr, const int32_t *indices, const double *data, const double *y, double *off);

/* A solver in three phases, and where it is told and tells. */
typedef struct omega_solver {
  void *(*setup)(const void *in, const void *params); /* a handle, NULL when out of memory; may be NULL itself */
  int (*run)(void *handle, const void *in, const void *params, void *out); /* 0 when it is solved */
  void (*release)(void *handle); /* NULL where setup is */
  const void *in, *params;
  void *out;
  double *omega;
  int64_t *limit;
  const double *iterations, *residual; /* done, and the norm of the first residual over that of b */
} omega_solver;

/* Solve with a choice, and tell what came of it; what `run` returned, 1 when out of memory. */
int omega_attempt(omega_tuner *tuner, const omega_choice *choice, const omega_solver *solver);

/* The choice for a system whose matrix is in CSR: its gap by y, as omega_gap tells it. -2, and nothing else
 * done, where *off is above `good`; else 0. */
int omega_choose(omega_tuner *tuner, int64_t n, const int64_t *indptr, const int32_t *indices, const double *data, const double *y,
                 double good, double *off, omega_choice *choice);

/* omega_choose and omega_attempt at once. */
int omega_first(omega_tuner *tuner, const omega_solver *solver, int64_t n, const int64_t *indptr, const int32_t *indices,
                const double *data, const double *y, double good, double *off, omega_choice *choice);

#ifdef __cplusplus
}
#endif
#endif
