/* Young's formula (Trans. Amer. Math. Soc. 76, 1954), and two bandits on what it misses: one over offsets to it, one
 * over fixed omegas. Costs are iterations over those that the formula's rate would take, so that easy and hard systems
 * can be compared; an arm's ratio is the sum of its costs over the sum of those. Of each line of arms the best and its
 * two neighbours are played (OSUB: Combes and Proutiere, ICML 2014), by the least of ratio - s sqrt(log t / n). */
#include "omega.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double OFFSETS[OMEGA_OFFSETS] = {-1.6, -1.2, -0.9, -0.65, -0.45, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9, 1.2, 1.6};
static const double FIXED[OMEGA_FIXED] = {0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 1.97};
static const int COARSE[3] = {14, 20, 24}; /* 1.4, 1.7, 1.9 */
enum { YOUNG = 8, PLAIN = 6, FAR = 4, LEAST = 48, TRIES = 6 };

static const double FADE = 0.999;                    /* of all that is known, per system */
static const double STALE = 0.98, MISSED = 1.1;      /* what stays of other arms than the best, per system; from which ratio of the best on */
static const double LOW = 0.05, HIGH = 1.998;        /* of omega */
static const double FASTEST = 9;                     /* most that an iteration is expected to take of a residual's logarithm */
static const double SPREAD = 0.08;                   /* least spread of a ratio, in terms of the best, whatever the few so far say */
static const double SAFE = 4, TRIAL = 2;             /* times what the best would take: where it, and any other, is given up at first */
static const double DEAD = 3, UNSOLVED = 2;          /* times what the best would, and what it took: the cost of what did not solve */
static const double HARD = 2;                        /* times what a typical system takes: none to try something on */
static const double LOSS = 0.02, FREE = 6;           /* share of all iterations, and typical systems, that trials may lose */
static const double RECENT = 0.1, CHANGED = 1.5, KEPT = 0.02; /* share of the newest; times what the best arm did; what stays then */
static const double OUTLIER = 2;                     /* times what the best arm did: more than that one system does not say */
static const double TYPICAL = 5, MEMORY = 0.02;      /* one system counts for so many typical ones at most; the newest's share of their mean */
static const double ALIKE = 0.24;                    /* distance of omegas, as offsets, where one does what the other did */
static const double USUAL = 0.1;                     /* the newest's share of the mean of log gap */

static double young(double gap, double offset) {
  gap = fmin(fmax(gap, 1e-12), 1);
  return 2 / (1 + sqrt(gap * (2 - gap)) * exp(offset));
}

/* What an offset to Young's formula is added to. */
static double offset_of(double omega) { return log((2 - omega) / omega); }

/* What an iteration of conjugate gradients leaves of the residual; the condition is about 1 / share (Axelsson, BIT 12, 1972). */
static double chebyshev(double share) { return (1 - sqrt(share)) / (1 + sqrt(share)); }

/* Iterations k that bring k lambda^k down to e^-digits, lambda = e^-rate: at the best omega the iteration has a Jordan block.
 * For conjugate gradients 2 lambda^k. */
static double iterations_for(const omega_tuner *t, double digits, double rate) {
  return 1 + (digits + (t->krylov ? log(2) : log1p(digits / rate))) / rate;
}

static double omega_of(const omega_tuner *t, int64_t relative, int64_t arm) {
  return fmin(fmax(relative ? young(t->gap, OFFSETS[arm]) : FIXED[arm], LOW), HIGH);
}

/* Systems whose rho is not known have a line of their own: their costs are not measured by what rho lets expect. */
static const omega_arm *fixed_line(const omega_tuner *t) { return t->fixed[t->gap > 0]; }

static double ratio(const omega_arm *a) { return a->expected > 0 ? a->cost / a->expected : INFINITY; }

static int best_of(const omega_arm *line, int count, int start) {
  int best = start;
  for (int k = 0; k < count; ++k)
    if (ratio(line + k) < ratio(line + best)) best = k;
  return best;
}

/* Where the lines of fixed omegas begin: Young's omega for the usual gap. */
static int start_of(const omega_tuner *t) {
  int start = PLAIN;
  const double omega = t->usual < 0 ? young(exp(t->usual), 0) : 1;
  for (int k = 0; k < OMEGA_FIXED; ++k)
    if (fabs(FIXED[k] - omega) < fabs(FIXED[start] - omega)) start = k;
  return start;
}

static double least(const omega_tuner *t, const omega_arm *line, int count, int start, int *arm) {
  const int best = best_of(line, count, start);
  double within = 0, all = 0, found = INFINITY;
  for (int k = 0; k < count; ++k)
    if (line[k].expected > 0) within += line[k].spread - line[k].cost * line[k].cost / line[k].expected, all += line[k].expected;
  const double spread = all > 0 ? fmax(sqrt(fmax(0, within / all)), SPREAD * ratio(line + best)) : 0;
  int near[6] = {best, best - 1, best + 1, abs(start - best) > FAR ? start : -1, -1, -1}; /* that may have moved since */
  if (count == OMEGA_FIXED && !(t->gap > 0)) /* nobody knows where to begin: here and there */
    for (int i = 0; i < 3; ++i)
      if (!(line[COARSE[i]].expected > 0)) near[3 + i] = COARSE[i];
  for (int i = 0; i < 6; ++i) {
    const int k = near[i];
    if (k < 0 || k >= count) continue;
    const omega_arm *a = line + k;
    double bound = -INFINITY;
    if (a->expected > 0) { /* its sums amount to expected^2 / squares systems, and every count is one of two integers */
      const double ratios = spread * spread * a->squares / (a->expected * a->expected), counts = 0.25 / a->squares;
      bound = ratio(a) - sqrt(log((double)t->systems + 1) * t->unit * (ratios + counts));
    }
    if (bound < found) found = bound, *arm = k;
  }
  return found;
}

/* Whether an omega is like one that has failed; or the very same, if that was a trial. */
static int alike(double omega, const omega_choice *failed) {
  const double distance = failed->trial ? 1e-9 : ALIKE;
  for (int k = 0; k < 2; ++k) {
    const double other = k ? failed->before : failed->omega;
    if (other > 0 && fabs(offset_of(omega) - offset_of(other)) <= distance) return 1;
  }
  return 0;
}

/* The best of all arms that were played; 0 where there is none. Where one has failed the best of those unlike it and the one
 * before it, and few systems say little. */
static int known(const omega_tuner *t, const omega_choice *failed, omega_choice *found) {
  double best = INFINITY;
  for (int relative = t->gap > 0; relative >= 0; --relative) {
    const omega_arm *line = relative ? t->offset : fixed_line(t);
    for (int k = 0; k < (relative ? OMEGA_OFFSETS : OMEGA_FIXED); ++k) {
      if (!(line[k].expected > 0) || (failed && alike(omega_of(t, relative, k), failed))) continue;
      const double doubt = failed ? t->unit * line[k].squares / (line[k].expected * line[k].expected) : 0;
      const double value = ratio(line + k) * (1 + doubt);
      if (value < best) best = value, found->relative = relative, found->arm = k;
    }
  }
  return best < INFINITY;
}

/* The ratio of the best arm there is; 2 where there is none. */
static double worth(const omega_tuner *t) {
  omega_choice best;
  if (!known(t, NULL, &best)) return 2;
  return fmin(fmax(ratio((best.relative ? t->offset : fixed_line(t)) + best.arm), 1), 1e4);
}

/* Omega and limit of the arm that is chosen. */
static void complete(const omega_tuner *t, omega_choice *c) {
  omega_choice best;
  const int safe = !known(t, NULL, &best) || (best.relative == c->relative && best.arm == c->arm);
  const double allowed = (safe || t->krylov ? SAFE : TRIAL) * exp2((double)c->attempt) * worth(t) * iterations_for(t, -log(t->tolerance), c->rate);
  c->omega = omega_of(t, c->relative, c->arm), c->trial = !safe;
  c->limit = c->attempt >= TRIES || allowed > (double)t->most ? t->most : (int64_t)fmax(LEAST, allowed);
  if (c->limit > t->most) c->limit = t->most;
}

void omega_begin(omega_tuner *t, double tolerance, int64_t most, int krylov) {
  memset(t, 0, sizeof *t);
  t->tolerance = tolerance, t->most = most, t->krylov = krylov, t->unit = 1;
}

void omega_forget(omega_tuner *t, double gap, omega_choice *last) {
  memset(t->offset, 0, sizeof t->offset), memset(t->fixed[1], 0, sizeof t->fixed[1]);
  t->usual = t->recent = t->typical = 0, t->alarm = 0;
  t->lost[1] = fmin(t->lost[1], LOSS * t->used[1]);
  last->gap = gap, last->anew = 1;
}

static void fade(omega_tuner *t) {
  t->unit /= FADE;
  if (t->unit < 1e100) return;
  double *first = &t->offset[0].cost;
  for (int k = 0; k < 4 * (OMEGA_OFFSETS + 2 * OMEGA_FIXED); ++k) first[k] /= t->unit;
  t->unit = 1;
}

/* What other arms than the best did is soon forgotten where the formula misses: it may hold no longer. */
static void doubt(omega_tuner *t) {
  omega_choice best;
  if (!known(t, NULL, &best) || worth(t) < MISSED) return;
  for (int relative = t->gap > 0; relative >= 0; --relative) {
    omega_arm *line = relative ? t->offset : t->fixed[t->gap > 0];
    for (int k = 0; k < (relative ? OMEGA_OFFSETS : OMEGA_FIXED); ++k) {
      omega_arm *a = line + k;
      if (relative == best.relative && k == best.arm) continue;
      a->cost *= STALE, a->expected *= STALE, a->squares *= STALE, a->spread *= STALE;
    }
  }
}

void omega_ask(omega_tuner *t, double gap, omega_choice *c) {
  t->gap = gap;
  const double omega = gap > 0 ? young(gap, 0) : 1;
  memset(c, 0, sizeof *c);
  c->gap = gap;
  c->rate = gap > 0 ? fmin(-log(fmax(t->krylov ? chebyshev(2 - omega) : omega - 1, 1e-99)), FASTEST) : 1;
  if (gap > 0) t->usual += (t->usual < 0 ? USUAL : 1) * (log(fmin(gap, 0.99)) - t->usual);
  t->systems++;
  fade(t);
  const double expected = iterations_for(t, -log(t->tolerance), c->rate);
  if (t->lost[gap > 0] <= LOSS * t->used[gap > 0]) doubt(t);
  const int known_gap = gap > 0, spent = t->lost[known_gap] > LOSS * t->used[known_gap] + FREE * t->typical;
  const int hard = known_gap && expected > HARD * t->typical;
  int fixed = PLAIN, offset = YOUNG;
  const int alarm = t->alarm && !(fixed_line(t)[PLAIN].expected > 0);
  t->alarm = 0;
  if (alarm) {
    c->arm = PLAIN;
  } else if (!((hard || spent) && t->typical > 0 && known(t, NULL, c))) {
    const double bound = least(t, fixed_line(t), OMEGA_FIXED, start_of(t), &fixed);
    c->relative = known_gap && least(t, t->offset, OMEGA_OFFSETS, YOUNG, &offset) <= bound;
    c->arm = c->relative ? offset : fixed;
  }
  complete(t, c);
}

void omega_again(omega_tuner *t, const omega_choice *last, omega_choice *c) {
  omega_choice next = {.arm = PLAIN, .gap = last->gap, .rate = last->rate};
  t->gap = last->gap;
  if (last->anew) omega_ask(t, last->gap, &next);
  else if (last->attempt < 2) known(t, last, &next);
  else if (t->fallen && !last->relative && last->arm <= PLAIN) next.arm = last->arm > 2 ? last->arm - 2 : 0; /* nothing diverges for ever */
  next.attempt = last->attempt + 1, next.before = last->omega;
  complete(t, &next);
  next.trial = last->trial && !last->anew; /* whose fault it is */
  *c = next;
}

/* Where the best arm takes much longer than it used to, little of what is known still holds. */
static void notice(omega_tuner *t, double now) {
  t->recent += (t->recent > 0 ? RECENT : 1) * (fmin(now, OUTLIER * worth(t)) - t->recent);
  if (t->recent < CHANGED * worth(t)) return;
  double *first = &t->offset[0].cost;
  for (int k = 0; k < 4 * (OMEGA_OFFSETS + 2 * OMEGA_FIXED); ++k) first[k] *= KEPT;
  for (int k = 0; k < 2; ++k) t->lost[k] = fmin(t->lost[k], LOSS * t->used[k]);
  t->recent = 0;
}

void omega_tell(omega_tuner *t, const omega_choice *c, int64_t iterations, double residual, int solved) {
  t->gap = c->gap;
  t->spent += iterations, t->used[t->gap > 0] += (double)iterations, t->fallen = !solved && iterations < c->limit;
  const double digits = residual > t->tolerance ? log(residual / t->tolerance) : 0;
  if (digits > 0.5 && isfinite(digits) && iterations > 0) {
    const double whole = iterations_for(t, digits, c->rate), best = worth(t) * whole;
    const double weight = t->typical > 0 ? fmin(1, TYPICAL * t->typical / whole) : 1;
    const double cost = weight * (solved ? (double)iterations : fmax(UNSOLVED * (double)iterations, DEAD * best));
    const double expected = weight * whole;
    if (c->trial) t->lost[t->gap > 0] += fmax(0, (double)iterations - best);
    else if (t->gap > 0 && c->attempt == 0) notice(t, cost / expected);
    omega_arm *a = (c->relative ? t->offset : t->fixed[t->gap > 0]) + c->arm;
    a->cost += t->unit * cost, a->expected += t->unit * expected;
    a->squares += t->unit * expected * expected, a->spread += t->unit * cost * cost / expected;
  }
  if (solved && digits > 0.5 && iterations > 0) t->typical += (t->typical > 0 ? MEMORY : 1) * ((double)iterations - t->typical);
  if (!solved && c->attempt == 0 && !(fixed_line(t)[PLAIN].expected > 0)) t->alarm = 1;
}
