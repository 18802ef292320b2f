/* A rank's block of the rows of a matrix, and messages between those who need entries of a vector and those who have them. */
#ifndef SOLVE_BLOCKS_HPP
#define SOLVE_BLOCKS_HPP
#include <limits.h>

#include "../../shared/collective.hpp"
#include "../../shared/columns.hpp"
#include "method.hpp"

namespace solve {

/* A rank's rows of a matrix with columns counted over all ranks: rank r owns the columns owners[r] up to owners[r+1]. */
struct Mine {
  Csr a;
  const int64_t *owners;
  int64_t rank, ranks;
};
inline Mine own_rows(const solve_in *in) { return {matrix(in), in->offsets, in->rank, in->ranks}; }

/* A block of rows in two: entries in this rank's own columns, counted from the first of them, and all others, in columns of what
 * is fetched. */
struct Block {
  int64_t rows = 0, columns = 0;
  std::vector<int64_t> indptr = {0}, far_indptr = {0};
  std::vector<int32_t> indices, far_indices, far_rows; /* rows with entries of both kinds */
  std::vector<double> data, far_data;
  std::vector<int32_t> sent_rows; /* what others fetch, rank by rank */
  std::vector<int> sent, sent_at, fetched, fetched_at;
  std::vector<double> outbox, inbox;

  Csr own() const { return {rows, columns, indptr.data(), indices.data(), data.data()}; }
};

inline void split(const Mine &mine, Block *block) {
  const Csr &a = mine.a;
  const int64_t first = mine.owners[mine.rank];
  block->rows = a.nrows, block->columns = mine.owners[mine.rank + 1] - first;
  block->indptr.reserve(size_t(a.nrows) + 1), block->indices.reserve(size_t(a.indptr[a.nrows])), block->data.reserve(size_t(a.indptr[a.nrows]));
  for (int64_t i = 0; i < a.nrows; ++i) {
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int64_t column = a.indices[k] - first;
      const bool own = column >= 0 && column < block->columns;
      (own ? block->indices : block->far_indices).push_back(own ? int32_t(column) : a.indices[k]);
      (own ? block->data : block->far_data).push_back(a.data[k]);
    }
    block->indptr.push_back(int64_t(block->indices.size()));
    if (int64_t(block->far_indices.size()) == block->far_indptr.back()) continue;
    block->far_rows.push_back(int32_t(i)), block->far_indptr.push_back(int64_t(block->far_indices.size()));
  }
}

/* The block of this rank, and who sends what to whom. */
inline int meet(const Mine &mine, Block *block) {
  const size_t ranks = size_t(mine.ranks);
  std::vector<int32_t> wanted;
  int error = collective::alone([&] {
    block->fetched.resize(ranks), block->sent.resize(ranks);
    split(mine, block);
    columns::Set outside(mine.a.ncols);
    for (const int32_t c : block->far_indices) outside.add(c);
    outside.count();
    for (int32_t &c : block->far_indices) c = outside.number(c);
    wanted = columns::by_owner(outside, mine.owners, &block->fetched);
    block->fetched_at = collective::starts(block->fetched), block->inbox.resize(wanted.size() + 1);
    return true;
  });
  if (error) return error;
  MPI_Alltoall(block->fetched.data(), 1, MPI_INT, block->sent.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = collective::alone([&] {
    if (std::accumulate(block->sent.begin(), block->sent.end(), int64_t(0)) > INT_MAX) return false;
    block->sent_at = collective::starts(block->sent);
    block->sent_rows.resize(size_t(block->sent_at.back()) + 1), block->outbox.resize(block->sent_rows.size());
    return true;
  });
  if (error) return error;
  collective::exchange(wanted.data(), block->fetched, block->fetched_at, block->sent_rows.data(), block->sent, block->sent_at, MPI_INT32_T);
  return collective::kOk;
}

/* The rows of a block with all their entries: own columns, then others' as they are fetched. */
struct Rows {
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<double> data;
  std::vector<char> between; /* rows with an entry in a lower rank's columns */

  Rows(const Block &block, int64_t lower) : between(size_t(block.rows)) {
    size_t next = 0;
    indptr.reserve(size_t(block.rows) + 1), indices.reserve(block.indices.size() + block.far_indices.size()), data.reserve(indices.capacity());
    for (int64_t i = 0; i < block.rows; ++i) {
      for (int64_t k = block.indptr[size_t(i)]; k < block.indptr[size_t(i) + 1]; ++k)
        indices.push_back(block.indices[size_t(k)]), data.push_back(block.data[size_t(k)]);
      if (next < block.far_rows.size() && block.far_rows[next] == i) {
        for (int64_t k = block.far_indptr[next]; k < block.far_indptr[next + 1]; ++k) {
          between[size_t(i)] |= block.far_indices[size_t(k)] < lower;
          indices.push_back(int32_t(block.rows) + block.far_indices[size_t(k)]), data.push_back(block.far_data[size_t(k)]);
        }
        ++next;
      }
      indptr.push_back(int64_t(indices.size()));
    }
  }
  Csr view() const { return {int64_t(between.size()), int64_t(between.size()), indptr.data(), indices.data(), data.data()}; }
};

/* Numbers on their way between ranks. */
class Messages {
 public:
  void wait() { MPI_Waitall(int(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE); }

 protected:
  void receive(double *to, const std::vector<int> &counts, const std::vector<int> &at) {
    for (size_t r = 0; r < counts.size(); ++r)
      if (counts[r]) MPI_Irecv(to + at[r], counts[r], MPI_DOUBLE, int(r), 0, MPI_COMM_WORLD, request());
  }
  void send(const double *from, const std::vector<int> &counts, const std::vector<int> &at) {
    for (size_t r = 0; r < counts.size(); ++r)
      if (counts[r]) MPI_Isend(from + at[r], counts[r], MPI_DOUBLE, int(r), 0, MPI_COMM_WORLD, request());
  }

 private:
  MPI_Request *request() { return requests_.push_back(MPI_REQUEST_NULL), &requests_.back(); }
  std::vector<MPI_Request> requests_;
};

/* Other ranks' entries of a vector, which `at` gives for this rank's, on their way into the inbox. */
struct Fetch : Messages {
  template <class At> Fetch(Block *block, At at) {
    receive(block->inbox.data(), block->fetched, block->fetched_at);
    for (int k = 0; k < block->sent_at.back(); ++k) block->outbox[size_t(k)] = at(block->sent_rows[size_t(k)]);
    send(block->outbox.data(), block->sent, block->sent_at);
  }
};

/* The other way round: what is in the inbox, on its way into the outboxes of those from whom it is fetched. */
struct Return : Messages {
  explicit Return(Block *block) {
    receive(block->outbox.data(), block->sent, block->sent_at), send(block->inbox.data(), block->fetched, block->fetched_at);
  }
};

}  // namespace solve
#endif
