/* Entries of a vector that lies in parts on all ranks: who needs which, and messages between those and who has them. */
#ifndef SHARED_HALO_HPP
#define SHARED_HALO_HPP
#include <limits.h>

#include <algorithm>

#include "collective.hpp"
#include "columns.hpp"
#include "memory.hpp"

namespace halo {

struct Halo {
  int own; /* entries that this rank has */
  std::vector<int32_t> sent_rows; /* what others fetch, as counted here, rank by rank */
  std::vector<int> sent, sent_at, fetched, fetched_at; /* per rank, and where they begin */
  memory::Vector<double> outbox, inbox;                /* one longer than what is in them */
};

/* Who sends what to whom; each of `columns`, which others own, becomes its number among all that are fetched. Rank r owns the
 * columns owners[r] up to owners[r+1]. Where most of them are wanted, all are fetched, so that nobody has to pick them out. */
inline int meet(std::vector<int32_t> *columns, const int64_t *owners, size_t ranks, Halo *halo) {
  std::vector<int32_t> wanted;
  int error = collective::alone([&] {
    halo->fetched.resize(ranks), halo->sent.resize(ranks);
    columns::Set outside(owners[ranks]);
    for (const int32_t c : *columns) outside.add(c);
    outside.count();
    for (size_t r = 0; r < ranks; ++r) {
      const int64_t some = outside.number(owners[r + 1]) - outside.number(owners[r]);
      for (int64_t c = owners[r]; 4 * some > 3 * (owners[r + 1] - owners[r]) && c < owners[r + 1]; ++c) outside.add(int32_t(c));
    }
    outside.count();
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    halo->own = int(owners[rank + 1] - owners[rank]);
    for (int32_t &c : *columns) c = outside.number(c);
    wanted = columns::by_owner(outside, owners, &halo->fetched);
    halo->fetched_at = collective::starts(halo->fetched), halo->inbox.resize(wanted.size() + 1);
    return true;
  });
  if (error) return error;
  MPI_Alltoall(halo->fetched.data(), 1, MPI_INT, halo->sent.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = collective::alone([&] {
    if (std::accumulate(halo->sent.begin(), halo->sent.end(), int64_t(0)) > INT_MAX) return false;
    halo->sent_at = collective::starts(halo->sent);
    halo->sent_rows.resize(size_t(halo->sent_at.back()) + 1), halo->outbox.resize(halo->sent_rows.size());
    return true;
  });
  if (error) return error;
  collective::exchange(wanted.data(), halo->fetched, halo->fetched_at, halo->sent_rows.data(), halo->sent, halo->sent_at, MPI_INT32_T);
  return collective::kOk;
}

/* On their way between ranks: one message from and to each that there is something for. */
class Messages {
 public:
  void look() {
    int done;
    MPI_Testall(int(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
  }
  void wait() { MPI_Waitall(int(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE); }

 protected:
  /* `width` numbers for each that is counted. */
  void receive(double *to, const std::vector<int> &counts, const std::vector<int> &at, int width = 1) {
    for (size_t r = 0; r < counts.size(); ++r)
      if (counts[r]) MPI_Irecv(to + int64_t(at[r]) * width, counts[r] * width, MPI_DOUBLE, int(r), 0, MPI_COMM_WORLD, request());
  }
  void send(const double *from, const std::vector<int> &counts, const std::vector<int> &at, int width = 1) {
    for (size_t r = 0; r < counts.size(); ++r)
      if (counts[r]) send(from + int64_t(at[r]) * width, counts[r] * width, r);
  }
  void send(const double *from, int n, size_t rank) {
    MPI_Isend(from, n, MPI_DOUBLE, int(rank), 0, MPI_COMM_WORLD, request());
  }

 private:
  MPI_Request *request() { return requests_.push_back(MPI_REQUEST_NULL), &requests_.back(); }
  std::vector<MPI_Request> requests_;
};

/* Other ranks' entries of a vector, which `at` gives for this rank's, into the inbox. */
struct Fetch : Messages {
  template <class At> Fetch(Halo *halo, At at) {
    receive(halo->inbox.data(), halo->fetched, halo->fetched_at);
    for (int k = 0; k < halo->sent_at.back(); ++k) halo->outbox[size_t(k)] = at(halo->sent_rows[size_t(k)]);
    send(halo->outbox.data(), halo->sent, halo->sent_at);
  }
};

/* Other ranks' rows of a matrix of `width` columns, of which `x` are this rank's; in- and outbox are as wide. Who wants all of
 * them gets them from where they are: `x` must not change meanwhile. */
struct FetchRows : Messages {
  FetchRows(Halo *halo, const double *x, int64_t width) {
    receive(halo->inbox.data(), halo->fetched, halo->fetched_at, int(width));
    for (size_t r = 0; r < halo->sent.size(); ++r) {
      const int n = halo->sent[r], *rows = halo->sent_rows.data() + halo->sent_at[r];
      double *box = halo->outbox.data() + halo->sent_at[r] * width;
      for (int k = 0; n < halo->own && k < n; ++k)
        if (width == 1) box[k] = x[rows[k]];
        else std::copy_n(x + rows[k] * width, width, box + k * width);
      if (n) send(n < halo->own ? box : x, n * int(width), r);
    }
  }
};

/* The other way round: what is in the inbox, into the outboxes of those from whom it is fetched. */
struct Return : Messages {
  explicit Return(Halo *halo) {
    receive(halo->outbox.data(), halo->sent, halo->sent_at), send(halo->inbox.data(), halo->fetched, halo->fetched_at);
  }
};

}  // namespace halo
#endif
