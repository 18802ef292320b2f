/* Systems in CSR, and solvers in three phases: their gaps, and all of a choice in one call. */
#include "omega.h"

#include <math.h>
#include <stddef.h>

enum { BLOCK = 32, BLOCKS = 8 }; /* rows that are looked at */

/* Where y is the eigenvector, every row tells the same quotient: so a part of a large matrix is enough. */
double omega_gap(int64_t n, const int64_t *indptr, const int32_t *indices, const double *data, const double *y, double *off) {
  const int all = n <= 2 * BLOCK * BLOCKS;
  double ay = 0, dy = 0, aa = 0, place = 0;
  *off = INFINITY;
  for (int block = 0; block < (all ? 1 : BLOCKS); ++block) {
    place += 0.6180339887498949, place -= floor(place);
    const int64_t first = all ? 0 : (int64_t)(place * (double)(n - BLOCK)), last = all ? n : first + BLOCK;
    for (int64_t i = first; i < last; ++i) {
      double sum = 0, diagonal = 0;
      for (int64_t k = indptr[i]; k < indptr[i + 1]; ++k) {
        sum += data[k] * y[indices[k]];
        if (indices[k] == i) diagonal = data[k];
      }
      if (diagonal == 0) return 0;
      const double d = fabs(diagonal), sign = diagonal < 0 ? -1 : 1;
      ay += sign * y[i] * sum, dy += y[i] * d * y[i], aa += sum * sum / d;
    }
  }
  const double gap = ay / dy;
  *off = sqrt(fmax(0, aa / dy - gap * gap)) / fabs(gap);
  return gap;
}

int omega_attempt(omega_tuner *t, const omega_choice *c, const omega_solver *s) {
  *s->omega = c->omega, *s->limit = c->limit;
  void *handle = s->setup ? s->setup(s->in, s->params) : NULL;
  if (s->setup && !handle) return 1;
  const int status = s->run(handle, s->in, s->params, s->out);
  if (s->setup) s->release(handle);
  const int64_t done = (int64_t)*s->iterations;
  if (isfinite(*s->residual) && (!status || done)) omega_tell(t, c, done, *s->residual, !status); /* else no omega helps */
  return status;
}

int omega_choose(omega_tuner *t, int64_t n, const int64_t *indptr, const int32_t *indices, const double *data, const double *y, double good,
                 double *off, omega_choice *c) {
  const double gap = omega_gap(n, indptr, indices, data, y, off);
  if (!(*off <= good)) return -2; /* or it is no number */
  omega_ask(t, gap > 0 ? gap : 0, c);
  return 0;
}

int omega_first(omega_tuner *t, const omega_solver *s, int64_t n, const int64_t *indptr, const int32_t *indices, const double *data,
                const double *y, double good, double *off, omega_choice *c) {
  const int status = omega_choose(t, n, indptr, indices, data, y, good, off, c);
  return status ? status : omega_attempt(t, c, s);
}
