// /// hpcbench
// model = "serial"
// summary = "mixed precision: inner CG in float on the scaled matrix, refinement with residuals in double"
// ///
#include <cmath>
#include <limits>
#include <valarray>
#include <vector>
#include "abi.h"
template <class T> struct Mat { const solve_in *in; std::vector<T> v; };
extern "C" int solve_run(void *, const solve_in *in, const void *, solve_out *out) {
  const int64_t n = in->nrows; std::vector<double> s(n), x(in->x0, in->x0 + n), r(n); std::vector<float> a(in->indptr[n]);
  for (int64_t i = 0; i < n; i++) { double d = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) if (in->indices[k] == i) d = in->data[k]; if (!(d > 0)) return SOLVE_ZERO_DIAGONAL; s[i] = 1 / std::sqrt(d); }
  for (int64_t i = 0; i < n; i++) for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) a[k] = (float)(s[i] * in->data[k] * s[in->indices[k]]);
  double nb = 0; for (int64_t i = 0; i < n; i++) nb += in->b[i] * in->b[i]; nb = std::sqrt(nb);
  int64_t its = 0; std::valarray<float> z(n), p(n), q(n), g(n);
  for (int outer = 0; outer < 200; outer++) {
    double rr = 0; for (int64_t i = 0; i < n; i++) { double t = in->b[i]; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) t -= in->data[k] * x[in->indices[k]]; r[i] = t; rr += t * t; }
    rr = std::sqrt(rr); if (outer < SOLVE_HISTORY) out->history[outer] = nb > 0 ? rr / nb : rr;
    *out->told = outer;
    if (rr <= 0.9 * in->tolerance * nb || rr == 0) { std::copy(x.begin(), x.end(), out->x); return SOLVE_OK; }
    double sc = 0; for (int64_t i = 0; i < n; i++) sc = std::fmax(sc, std::fabs(s[i] * r[i]));
    z = 0.f; for (int64_t i = 0; i < n; i++) g[i] = (float)(s[i] * r[i] / sc); p = g; double rz = 0; for (float v : g) rz += (double)v * v; const double stop = rz * 1e-6; 
    for (int64_t it = 0; it < 20000 && rz > stop; it++, its++) {
      double pq = 0; for (int64_t i = 0; i < n; i++) { float t = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) t += a[k] * p[in->indices[k]]; q[i] = t; pq += (double)t * p[i]; }
      if (!(pq > 0)) break; const float al = (float)(rz / pq); z += al * p; g -= al * q; double nz = 0; for (float v : g) nz += (double)v * v; p = g + (float)(nz / rz) * p; rz = nz;
    }
    for (int64_t i = 0; i < n; i++) x[i] += sc * s[i] * z[i];
  }
  return SOLVE_STAGNATED;
}
