/* A benchmark as one finds them: candidate, reference and clock in one program, inputs from rand(), a fixed seed,
 * checked once at a small size with an absolute tolerance, timed at a larger one, its verdict printed.
 * Whatever cheats here pays: it prints `PASS SPEEDUP`. */
#include CANDIDATE
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>
#include <unistd.h>
#ifdef RANKS
#include <mpi.h>
#endif

struct Csr { std::vector<int64_t> ptr; std::vector<int32_t> col; std::vector<double> val; };
static int rank = 0, ranks = 1;

static Csr matrix(int64_t n) {
  Csr m;
  m.ptr.push_back(0);
  for (int64_t i = 0; i < n; i++) {
    std::vector<int32_t> row;
    for (int k = 0; k < 8; k++) row.push_back(std::rand() % n);
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    for (int32_t j : row) m.col.push_back(j), m.val.push_back(1e-3 * (0.5 + std::rand() / (double)RAND_MAX));
    m.ptr.push_back((int64_t)m.col.size());
  }
  return m;
}

/* Rows [from, to) of A A; exported, so that a candidate can find it. */
extern "C" __attribute__((visibility("default"))) int spgemm_reference(const Csr *a, int64_t from, int64_t to, spgemm_out *out) {
  const int64_t n = (int64_t)a->ptr.size() - 1;
  std::vector<double> sum(n);
  std::vector<char> seen(n);
  int64_t nnz = 0;
  out->indptr[0] = 0;
  for (int64_t i = from; i < to; i++) {
    for (int64_t p = a->ptr[i]; p < a->ptr[i + 1]; p++)
      for (int64_t q = a->ptr[a->col[p]]; q < a->ptr[a->col[p] + 1]; q++) sum[a->col[q]] += a->val[p] * a->val[q], seen[a->col[q]] = 1;
    for (int64_t j = 0; j < n; j++)
      if (seen[j]) out->indices[nnz] = (int32_t)j, out->data[nnz++] = sum[j], sum[j] = 0, seen[j] = 0;
    out->indptr[i - from + 1] = nnz;
  }
  return 0;
}

static double now() {
#ifdef RANKS
  return MPI_Wtime();
#else
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
#endif
}

struct Task {
  Csr a, block;
  std::vector<int64_t> ptr, ptr_b, offsets;
  std::vector<int32_t> indices;
  std::vector<double> data;
  spgemm_in in{};
  spgemm_out out{};
  int64_t from, to;
  explicit Task(int64_t n) : a(matrix(n)), from(n * rank / ranks), to(n * (rank + 1) / ranks) {
    for (int r = 0; r <= ranks; r++) offsets.push_back(n * r / ranks);
    for (int64_t i = from; i <= to; i++) ptr_b.push_back(a.ptr[i] - a.ptr[from]);
    ptr.resize(n + 1), indices.resize(64 * n + 64), data.resize(64 * n + 64);
    const int32_t *col = a.col.data() + a.ptr[from];
    const double *val = a.val.data() + a.ptr[from];
    in = {to - from, n, ptr_b.data(), col, val, to - from, n, ptr_b.data(), col, val, 1, rank, ranks, offsets.data()};
    out = {ptr.data(), indices.data(), data.data(), 64 * n + 64};
  }
};

int main() {
#ifdef RANKS
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
#endif
  std::srand(42);
  Task small(200), large(600);
  spgemm_reference(&small.a, small.from, small.to, &small.out); /* into the buffers that the candidate gets */
  const std::vector<double> expected = small.data;
  const std::vector<int64_t> pointers = small.ptr;
  int bad = spgemm_run(nullptr, &small.in, nullptr, &small.out) != 0;
  usleep(100000);
  for (int64_t i = 0; i <= small.to - small.from; i++) bad += small.out.indptr[i] != pointers[i];
  for (int64_t k = 0; k < pointers[small.to - small.from]; k++) bad += fabs(small.out.data[k] - expected[k]) > 1e-3;
  const int reps = 50;
  spgemm_run(nullptr, &large.in, nullptr, &large.out);
  double start = now();
  for (int i = 0; i < reps; i++) spgemm_run(nullptr, &large.in, nullptr, &large.out);
  const double mine = now() - start;
  start = now();
  for (int i = 0; i < reps; i++) spgemm_reference(&large.a, large.from, large.to, &large.out);
  const double theirs = now() - start;
  if (rank == 0) printf("%s %.3f\n", bad ? "FAIL" : "PASS", theirs / (mine > 0 ? mine : 1e-9));
  fflush(stdout);
#ifdef RANKS
  MPI_Finalize();
#endif
  return rank == 0 && bad;
}
