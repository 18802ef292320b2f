/* One block of rows per rank. Rows of A whose columns all lie among this rank's rows of B are inner: they are multiplied
 * where the data lie, as the serial variant would. The other rows, the border, are multiplied with a copy of just those rows
 * of B that they need, fetched from whoever has them. A plan finds runs of inner and border rows and exchanges the pattern of
 * what is fetched; a run moves values only. */
#ifndef ROWS_BORDER_HPP
#define ROWS_BORDER_HPP
#include <limits.h>

#include "../../shared/collective.hpp"
#include "../../shared/columns.hpp"
#include "abi.h"
#include "csr.hpp"

namespace border {

using collective::alone;
using collective::exchange;
using collective::starts;

/* Entries of this rank's B: those of rows that lie next to each other are one slice, an empty row is none. */
struct Slice {
  int64_t from, to;
};
using Slices = std::vector<Slice>;

struct Plan {
  std::vector<int64_t> runs;        /* where runs of rows end: inner, border, inner, ... */
  rows::Scratch<int32_t> a_indices; /* in border rows: columns of A as positions among the fetched rows */
  std::vector<int64_t> indptr;      /* the fetched rows, owner by owner */
  rows::Scratch<int32_t> indices;
  Slices kept, sent_away;           /* of them: this rank's own; and of this rank's B, rank by rank: what others fetch */
  std::vector<int> sent, sent_at, fetched, fetched_at; /* entries per rank, nothing to itself, and where they begin */
  rows::Scratch<double> outbox, data;
};

/* Runs of inner rows and border rows, in blocks. A few inner rows between border rows count as these: a copy of the rows
 * of B that they need costs less than to change over. */
inline void find_runs(const spgemm_in *in, Plan *plan) {
  constexpr int64_t kBlock = 64, kShort = 8 * kBlock;
  const int64_t first = in->b_offsets[in->rank], behind = first + in->b_nrows, rows = in->a_nrows;
  int64_t border_end = -kShort;
  for (int64_t i = 0; i < rows; i += kBlock) {
    const int64_t end = std::min(rows, i + kBlock);
    __builtin_prefetch(in->a_indptr + std::min(rows, i + 16 * kBlock)); /* else a miss per block of few entries */
    const int64_t block = in->a_indptr[i], block_end = in->a_indptr[end];
    bool outside = false; /* some entry is */
    if (block_end - block < 2 * (end - i)) { /* fewer entries than firsts and lasts, and no more of the row pointers to read */
      for (int64_t k = block; k < block_end; ++k) outside |= (in->a_indices[k] < first) | (in->a_indices[k] >= behind);
    } else { /* the first or the last of its row, since columns ascend */
      for (int64_t r = i; r < end; ++r) {
        const int64_t from = in->a_indptr[r], to = in->a_indptr[r + 1];
        if (from < to) outside |= (in->a_indices[from] < first) | (in->a_indices[to - 1] >= behind);
      }
    }
    if (!outside) continue;
    if (plan->runs.empty()) {
      plan->runs.push_back(i < kShort ? 0 : i);
    } else if (i - border_end >= kShort) {
      plan->runs.push_back(border_end), plan->runs.push_back(i);
    }
    border_end = end;
  }
  if (!plan->runs.empty() && rows - border_end >= kShort) plan->runs.push_back(border_end);
  plan->runs.push_back(rows);
}

/* Renumbers the columns of the border rows; lists the rows of B that they need as their owners count them, and how many
 * each owner has. */
inline std::vector<int32_t> wanted_rows(const spgemm_in *in, Plan *plan, std::vector<int> *counts) {
  const std::vector<int64_t> &runs = plan->runs;
  if (runs.size() == 1) return {};
  columns::Set columns(in->a_ncols);
  if (!plan->a_indices.reserve(in->a_indptr[in->a_nrows])) throw std::bad_alloc();
  for (size_t r = 1; r < runs.size(); r += 2)
    for (int64_t k = in->a_indptr[runs[r - 1]]; k < in->a_indptr[runs[r]]; ++k) columns.add(in->a_indices[k]);
  columns.count();
  for (size_t r = 1; r < runs.size(); r += 2)
    for (int64_t k = in->a_indptr[runs[r - 1]]; k < in->a_indptr[runs[r]]; ++k)
      plan->a_indices.at[k] = columns.number(in->a_indices[k]);
  return columns::by_owner(columns, in->b_offsets, counts);
}

/* The slices of n rows of this rank's B, and the length of each row. The only look at their row pointers: where B has many
 * rows, each look is a line of them. */
inline Slices slices(const spgemm_in *in, const int32_t *rows, size_t n, int32_t *lengths) {
  Slices found;
  for (size_t k = 0; k < n; ++k) {
    const int64_t from = in->b_indptr[rows[k]], to = in->b_indptr[rows[k] + 1];
    lengths[k] = int32_t(to - from);
    if (from == to) continue;
    if (!found.empty() && found.back().to == from) {
      found.back().to = to;
    } else {
      found.push_back({from, to});
    }
  }
  return found;
}

/* Entries per rank from the lengths of the rows sent or fetched; false when an int cannot count them. */
inline bool entry_counts(const std::vector<int32_t> &lengths, const std::vector<int> &displs, std::vector<int> *counts) {
  int64_t total = 0;
  counts->resize(displs.size() - 1);
  for (size_t r = 0; r + 1 < displs.size(); ++r) {
    const int64_t n = std::accumulate(lengths.begin() + displs[r], lengths.begin() + displs[r + 1], int64_t(0));
    (*counts)[r] = int(n);
    total += n;
    if (total > INT_MAX) return false;
  }
  return true;
}

/* The entries of slices, one after the other, behind `to`. */
template <class T> void copy(const Slices &slices, const T *from, T *to) {
  for (const Slice &slice : slices)
    for (int64_t k = slice.from; k < slice.to; ++k) *to++ = from[k];
}

inline int make(const spgemm_in *in, Plan *plan) {
  const size_t me = size_t(in->rank), ranks = size_t(in->ranks);
  std::vector<int> wanted_n(ranks), sent_n(ranks), wanted_at, sent_at;
  std::vector<int32_t> wanted, asked, lengths, asked_lengths;
  int error = alone([&] {
    find_runs(in, plan);
    wanted = wanted_rows(in, plan, &wanted_n);
    wanted_at = starts(wanted_n);
    lengths.resize(wanted.size());
    plan->kept = slices(in, wanted.data() + wanted_at[me], size_t(wanted_n[me]), lengths.data() + wanted_at[me]);
    return true;
  });
  if (error) return error;
  wanted_n[me] = 0; /* copied, not sent */
  MPI_Alltoall(wanted_n.data(), 1, MPI_INT, sent_n.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = alone([&] {
    sent_at = starts(sent_n);
    asked.resize(size_t(sent_at.back())), asked_lengths.resize(asked.size());
    return true;
  });
  if (error) return error;
  exchange(wanted.data(), wanted_n, wanted_at, asked.data(), sent_n, sent_at, MPI_INT32_T);
  error = alone([&] {
    plan->sent_away = slices(in, asked.data(), asked.size(), asked_lengths.data());
    return true;
  });
  if (error) return error;
  exchange(asked_lengths.data(), sent_n, sent_at, lengths.data(), wanted_n, wanted_at, MPI_INT32_T);
  error = alone([&] {
    if (!entry_counts(asked_lengths, sent_at, &plan->sent) || !entry_counts(lengths, wanted_at, &plan->fetched)) return false;
    plan->sent_at = starts(plan->sent), plan->fetched_at = starts(plan->fetched);
    plan->fetched[me] = 0;
    const int64_t out_n = plan->sent_at.back(), in_n = plan->fetched_at.back();
    plan->indptr.resize(lengths.size() + 1);
    std::partial_sum(lengths.begin(), lengths.end(), plan->indptr.begin() + 1);
    if (!plan->outbox.reserve(out_n) || !plan->indices.reserve(in_n) || !plan->data.reserve(in_n))
      throw std::bad_alloc();
    return true;
  });
  if (error) return error;
  auto *outbox = reinterpret_cast<int32_t *>(plan->outbox.at); /* of values later */
  copy(plan->sent_away, in->b_indices, outbox);
  copy(plan->kept, in->b_indices, plan->indices.at + plan->fetched_at[me]);
  exchange(outbox, plan->sent, plan->sent_at, plan->indices.at, plan->fetched, plan->fetched_at, MPI_INT32_T);
  return SPGEMM_OK;
}

inline Plan *plan(const spgemm_in *in) {
  return collective::together<Plan>([in](Plan *made) { return make(in, made); });
}

/* The values of the fetched rows, on their way. One thread of a rank sees to the messages: no MPI moves a large one while
 * its sender computes, so that whoever waits for values waits until the sender looks at its messages. */
class Values {
 public:
  Values(const spgemm_in *in, Plan *plan) {
    copy(plan->sent_away, in->b_data, plan->outbox.at);
    MPI_Ialltoallv(plan->outbox.at, plan->sent.data(), plan->sent_at.data(), MPI_DOUBLE, plan->data.at, plan->fetched.data(),
                   plan->fetched_at.data(), MPI_DOUBLE, MPI_COMM_WORLD, &moving_);
    copy(plan->kept, in->b_data, plan->data.at + plan->fetched_at[size_t(in->rank)]);
  }
  ~Values() { wait(); }
  bool arrived() {
    if (!arrived_) MPI_Test(&moving_, &arrived_, MPI_STATUS_IGNORE);
    return arrived_;
  }
  void wait() {
    if (!arrived_) MPI_Wait(&moving_, MPI_STATUS_IGNORE);
    arrived_ = 1;
  }

 private:
  MPI_Request moving_;
  int arrived_ = 0;
};

/* What inner rows, and what border rows, are multiplied from. */
struct Parts {
  rows::Part of[2];
  Parts(const spgemm_in *in, const Plan &plan)
      : of{{{in->a_nrows, first(in) + in->b_nrows, in->a_indptr, in->a_indices, in->a_data},
            {first(in) + in->b_nrows, in->b_ncols, in->b_indptr - first(in), in->b_indices, in->b_data, first(in)}},
           {{in->a_nrows, fetched(plan), in->a_indptr, plan.a_indices.at, in->a_data},
            {fetched(plan), in->b_ncols, plan.indptr.data(), plan.indices.at, plan.data.at}}} {}

 private:
  static int64_t first(const spgemm_in *in) { return in->b_offsets[in->rank]; }
  static int64_t fetched(const Plan &plan) { return int64_t(plan.indptr.size()) - 1; }
};

}  // namespace border
#endif
