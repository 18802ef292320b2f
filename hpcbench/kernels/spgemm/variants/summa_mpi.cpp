// /// hpcbench
// model = "mpi"
// summary = "2D sparse SUMMA: ranks in a grid, blocks of A broadcast along its rows and blocks of B along its columns"
// source = "Buluc and Gilbert, SIAM J. Sci. Comput. 34(4), 2012; van de Geijn and Watts, Concurrency 9(4), 1997"
// flags = ["-O3", "-march=native"]
// ///
/* The contract gives and takes rows, so blocks are made first and rows of C put together at the end, both among the ranks of
 * one row of the grid. A stage's blocks travel while the stage before is multiplied. What the stages leave is added up by one
 * more product, [I I ... I] times the partial results one below the other. The grid is as square as the number of ranks
 * allows; a prime number makes one column, where B goes round whole. */
#include "block.hpp"
#include "grid.hpp"
#include "rows.hpp"

namespace {

using block::Block;
using collective::agree;
using collective::alone;
using grid::Grid;
using grid::Mail;
using grid::Words;

/* This rank's blocks: of A one for every stage that it owns, then one of B. */
class Blocks {
 public:
  int make(const spgemm_in *in, const Grid &on) {
    Mail out, mail;
    const rows::Csr a = {in->a_nrows, in->a_ncols, in->a_indptr, in->a_indices, in->a_data};
    const rows::Csr b = {in->b_nrows, in->b_ncols, in->b_indptr, in->b_indices, in->b_data};
    int error = alone([&] {
      const std::vector<int64_t> a_nnz = block::count(a, on.inner), b_nnz = block::count(b, on.outer);
      std::vector<int64_t> lengths(size_t(on.ncols));
      for (int s = 0; s < on.nrows; ++s) lengths[size_t(on.owner(s))] += block::words(a.nrows, a_nnz[size_t(s)]);
      for (size_t j = 0; j < lengths.size(); ++j) lengths[j] += block::words(b.nrows, b_nnz[j]);
      if (!out.open(lengths)) return false;
      std::vector<int64_t *> a_at, b_at, next;
      for (const int at : out.at) next.push_back(out.memory.at + at);
      for (int s = 0; s < on.nrows; ++s) {
        a_at.push_back(next[size_t(on.owner(s))]);
        next[size_t(on.owner(s))] += block::words(a.nrows, a_nnz[size_t(s)]);
      }
      b_at.assign(next.begin(), next.end() - 1);
      block::split(a, on.inner, a_nnz, a_at.data());
      block::split(b, on.outer, b_nnz, b_at.data());
      return true;
    });
    if (!error) error = grid::deliver(on, out, &mail);
    if (!error) error = alone([&] { return stack(on, mail); });
    return error;
  }
  int64_t *at(size_t b) const { return memory_.at + at_[b]; }
  int length(size_t b) const { return int(at_[b + 1] - at_[b]); }
  size_t count() const { return at_.size() - 1; }

 private:
  bool stack(const Grid &on, const Mail &mail) {
    const size_t blocks = size_t((on.nrows - on.column + on.ncols - 1) / on.ncols) + 1;
    std::vector<std::vector<int64_t *>> parts(blocks);
    at_.assign(1, 0);
    for (int j = 0; j < on.ncols; ++j) {
      int64_t *next = mail.memory.at + mail.at[size_t(j)];
      for (size_t q = 0; q < blocks; next += block::words(next[0], next[1]), ++q) parts[q].push_back(next);
    }
    for (const auto &p : parts) at_.push_back(at_.back() + block::stacked_words(p));
    if (at_.back() > INT_MAX) return false;
    if (!memory_.reserve(at_.back())) throw std::bad_alloc();
    for (size_t q = 0; q < blocks; ++q) block::stack(parts[q], at(q));
    return true;
  }

  Words memory_;
  std::vector<int64_t> at_;
};

/* A stage's blocks of A and B, on their way: from who has them to its row, or its column, of the grid. */
struct Stage {
  Words memory[2];
  int64_t *at[2];
  MPI_Request moving[2];
  bool arrived() {
    int all;
    MPI_Testall(2, moving, &all, MPI_STATUSES_IGNORE);
    return all;
  }
};

/* The partial results one below the other; arrays that grow without being copied where the system can move pages. */
struct Partial {
  std::vector<int64_t> indptr{0};
  double *data = nullptr;
  int32_t *indices = nullptr;
  ~Partial() { free(data), free(indices); }
  bool grow(int64_t n) {
    void *d = realloc(data, size_t(n) * sizeof *data);
    if (d) data = static_cast<double *>(d);
    void *c = d ? realloc(indices, size_t(n) * sizeof *indices) : nullptr;
    if (c) indices = static_cast<int32_t *>(c);
    return c;
  }
};

/* Most entries that a product can have, and room for whole vectors behind them. */
int64_t most(const rows::Csr &a, const rows::Csr &b) {
  int64_t n = rows::kPad;
  for (int64_t i = 0; i < a.nrows; ++i) {
    int64_t flops = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) flops += b.indptr[a.indices[k] + 1] - b.indptr[a.indices[k]];
    n += std::min(flops, b.ncols);
  }
  return n;
}

/* Adds the product of one stage; while the next one's blocks travel, a few rows at a time. Throws when out of memory. */
void multiply(const rows::Csr &a, const rows::Csr &b, Stage *next, Partial *sum) {
  constexpr int64_t kStep = 256; /* entries of A between two looks at the messages */
  int64_t nnz = sum->indptr.back(), row = 0;
  const size_t above = sum->indptr.size();
  const int64_t capacity = nnz + most(a, b);
  sum->indptr.resize(above + size_t(a.nrows));
  if (!sum->grow(capacity)) throw std::bad_alloc();
  rows::Multiplier multiplier(b, true); /* what is added up must ascend */
  for (bool arrived = !next; row < a.nrows && nnz >= 0;) {
    int64_t to = arrived ? a.nrows : row + 1;
    while (to < a.nrows && a.indptr[to] < a.indptr[row] + kStep) ++to;
    nnz = multiplier.multiply(a, row, to, sum->indptr.data() + above, sum->indices, sum->data, capacity, nnz, true);
    if (!arrived) arrived = next->arrived();
  }
  if (nnz < 0) throw std::bad_alloc();
}

/* All stages. What a rank lacks memory for it leaves out, so that the others' broadcasts find it; an error code follows. */
int multiply(const spgemm_in *in, const Grid &on, const Blocks &blocks, Partial *sum) {
  const size_t stages = size_t(on.nrows), owned = size_t((on.nrows + on.ncols - 1) / on.ncols);
  std::vector<int> mine(owned), a_words(owned * size_t(on.ncols)), b_words(stages);
  for (size_t q = 0; q + 1 < blocks.count(); ++q) mine[q] = blocks.length(q);
  const int own = blocks.length(blocks.count() - 1);
  MPI_Allgather(mine.data(), int(owned), MPI_INT, a_words.data(), int(owned), MPI_INT, on.along_row);
  MPI_Allgather(&own, 1, MPI_INT, b_words.data(), 1, MPI_INT, on.along_column);
  const auto words = [&](size_t s) { return a_words[size_t(on.owner(int(s))) * owned + s / size_t(on.ncols)]; };
  Stage stage[2];
  if (const int error = alone([&] {
        for (size_t s = 0; s < stages; ++s)
          if (!stage[s % 2].memory[0].reserve(words(s)) || !stage[s % 2].memory[1].reserve(b_words[s])) throw std::bad_alloc();
        return true;
      }))
    return error;
  const auto start = [&](size_t s) {
    Stage &to = stage[s % 2];
    to.at[0] = on.owner(int(s)) == on.column ? blocks.at(s / size_t(on.ncols)) : to.memory[0].at;
    to.at[1] = int(s) == on.row ? blocks.at(blocks.count() - 1) : to.memory[1].at;
    MPI_Ibcast(to.at[0], words(s), MPI_INT64_T, on.owner(int(s)), on.along_row, &to.moving[0]);
    MPI_Ibcast(to.at[1], b_words[s], MPI_INT64_T, int(s), on.along_column, &to.moving[1]);
  };
  int error = SPGEMM_OK;
  start(0);
  for (size_t s = 0; s < stages; ++s) {
    Stage &now = stage[s % 2];
    MPI_Waitall(2, now.moving, MPI_STATUSES_IGNORE);
    if (s + 1 < stages) start(s + 1);
    Stage *const next = s + 1 < stages ? &stage[(s + 1) % 2] : nullptr;
    const rows::Csr a = block::view(now.at[0], on.inner[s + 1] - on.inner[s]), b = block::view(now.at[1], on.width());
    try {
      if (!error) multiply(a, b, next, sum);
    } catch (const std::bad_alloc &) {
      error = SPGEMM_NO_MEMORY;
    }
  }
  return agree(error);
}

/* Adds up the partial results of the rows of all ranks in this row of the grid. Throws when out of memory. */
bool add_up(const Grid &on, const Partial &sum, bool sorted, int64_t *ends, int32_t *cols, double *vals, int64_t capacity) {
  const int64_t stages = on.nrows, height = int64_t(sum.indptr.size() - 1) / stages;
  if (height * stages > INT_MAX) return false;
  std::vector<int64_t> indptr(size_t(height) + 1);
  std::vector<int32_t> columns(sum.indptr.size());
  const std::vector<double> ones(columns.size(), 1.0);
  for (int64_t i = 0; i < height; ++i) {
    indptr[size_t(i) + 1] = (i + 1) * stages;
    for (int64_t s = 0; s < stages; ++s) columns[size_t(i * stages + s)] = int32_t(s * height + i);
  }
  rows::Multiplier adder({height * stages, on.width(), sum.indptr.data(), sum.indices, sum.data}, sorted);
  const rows::Csr ones_below = {height, height * stages, indptr.data(), columns.data(), ones.data()};
  ends[0] = 0;
  if (adder.multiply(ones_below, ends + 1, cols, vals, capacity) < 0) throw std::bad_alloc();
  return true;
}

/* The same, as a block for each of these ranks. */
bool add_up(const Grid &on, const Partial &sum, bool sorted, Mail *mail) {
  const int64_t capacity = sum.indptr.back() + rows::kPad;
  std::vector<int64_t> ends(sum.indptr.size()), lengths;
  rows::Scratch<int32_t> cols;
  rows::Scratch<double> vals;
  if (!cols.reserve(capacity) || !vals.reserve(capacity)) throw std::bad_alloc();
  if (!add_up(on, sum, sorted, ends.data(), cols.at, vals.at, capacity)) return false;
  const int64_t *end = ends.data();
  for (const int64_t h : on.heights) lengths.push_back(block::words(h, end[h] - end[0])), end += h;
  if (!mail->open(lengths)) return false;
  end = ends.data();
  for (size_t j = 0; j < lengths.size(); end += on.heights[j++]) {
    const int64_t h = on.heights[j], from = end[0], n = end[h] - from;
    const Block to = block::begin(mail->memory.at + mail->at[j], h, n);
    for (int64_t i = 1; i <= h; ++i) to.indptr[i] = end[i] - from;
    std::copy(cols.at + from, cols.at + from + n, to.indices);
    std::copy(vals.at + from, vals.at + from + n, to.data);
  }
  return true;
}

/* Rows of C from the blocks of all ranks in this row of the grid, whose columns follow each other. */
void put_together(const spgemm_in *in, const Grid &on, const Mail &mail, spgemm_out *out) {
  int64_t n = 0;
  out->indptr[0] = 0;
  for (int64_t i = 0; i < in->a_nrows; ++i) {
    for (int j = 0; j < on.ncols; ++j) {
      const Block from(mail.memory.at + mail.at[size_t(j)]);
      const int32_t first = int32_t(on.outer[size_t(j)]);
      for (int64_t k = from.indptr[i]; k < from.indptr[i + 1]; ++k, ++n)
        out->indices[n] = from.indices[k] + first, out->data[n] = from.data[k];
    }
    out->indptr[i + 1] = n;
  }
}

}  // namespace

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) { return grid::plan(in); }

extern "C" void spgemm_free(void *handle) { delete static_cast<Grid *>(handle); }

extern "C" int spgemm_run(void *handle, const spgemm_in *in, const void *, spgemm_out *out) {
  if (!handle) return SPGEMM_NO_MEMORY; /* setup failed, on every rank */
  const Grid &on = *static_cast<const Grid *>(handle);
  Blocks blocks;
  Partial sum;
  Mail mail, home;
  int error = blocks.make(in, on);
  if (!error) error = multiply(in, on, blocks, &sum);
  if (!error && on.ncols == 1)
    return alone([&] { return add_up(on, sum, in->sorted, out->indptr, out->indices, out->data, out->capacity); });
  if (!error) error = alone([&] { return add_up(on, sum, in->sorted, &mail); });
  if (!error) error = grid::deliver(on, mail, &home);
  if (!error) put_together(in, on, home, out);
  return error;
}
