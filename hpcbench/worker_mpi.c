/* Start of a rank: initialises MPI for the variant, tells what the ranks believe of each other, and counts what a rank
 * hands over for others: MPI's profiling interface lets a library that is loaded before MPI's own define MPI_Send and
 * call PMPI_Send. What counts is what the call says, not what the library makes of it: MPI_Bcast is one message to every
 * other rank, MPI_Allreduce one to be reduced. Persistent requests and collectives among neighbours are not counted. */
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>

static int64_t messages, bytes;

int hpcbench_mpi_start(int *rank, int *size) {
  int provided, error = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  if (!error) error = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (!error) error = MPI_Comm_size(MPI_COMM_WORLD, size);
  int *given = calloc(2 * (size_t)*size, sizeof *given); /* who meets later finds what it needs behind no wall */
  if (!error) error = given ? PMPI_Alltoall(given, 1, MPI_INT, given + *size, 1, MPI_INT, MPI_COMM_WORLD) : 1;
  free(given);
  return error;
}

/* Messages and bytes handed over for other ranks since the start. */
void hpcbench_mpi_traffic(int64_t *sent) { sent[0] = messages, sent[1] = bytes; }

static void count(int64_t receivers, int64_t n, MPI_Datatype type) {
  int size = 0;
  if (!receivers || PMPI_Type_size(type, &size)) return;
  messages += receivers, bytes += receivers * n * size;
}

static int is_other(int rank, MPI_Comm comm) {
  int me = rank;
  return rank != MPI_PROC_NULL && !PMPI_Comm_rank(comm, &me) && rank != me;
}

static int others(MPI_Comm comm) {
  int size = 1;
  PMPI_Comm_size(comm, &size);
  return size - 1;
}

static void count_each(const int *n, MPI_Datatype type, MPI_Comm comm) {
  for (int rank = 0, last = others(comm); rank <= last; ++rank)
    if (n[rank] && is_other(rank, comm)) count(1, n[rank], type);
}

/* FUNCTION(name, what counts, (parameters), (arguments)); the last two may come from one macro */
#define LIST(...) __VA_ARGS__
#define DEFINE(name, counted, parameters, arguments) \
  int MPI_##name(LIST parameters) { counted; return PMPI_##name(LIST arguments); }
#define DEFINE_STARTED(name, counted, parameters, arguments) \
  DEFINE(name, counted, (LIST parameters, MPI_Request *request), (LIST arguments, request))
#define FUNCTION(...) DEFINE(__VA_ARGS__)
#define STARTED(...) DEFINE_STARTED(__VA_ARGS__)
#define SENT count(is_other(to, comm), n, type)
#define SEND (const void *data, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm), (data, n, type, to, tag, comm)

FUNCTION(Send, SENT, SEND)
FUNCTION(Ssend, SENT, SEND)
FUNCTION(Bsend, SENT, SEND)
FUNCTION(Rsend, SENT, SEND)
STARTED(Isend, SENT, SEND)
STARTED(Issend, SENT, SEND)
STARTED(Ibsend, SENT, SEND)
STARTED(Irsend, SENT, SEND)
FUNCTION(Sendrecv, SENT,
         (const void *data, int n, MPI_Datatype type, int to, int tag, void *in, int in_n, MPI_Datatype in_type, int from,
          int in_tag, MPI_Comm comm, MPI_Status *status),
         (data, n, type, to, tag, in, in_n, in_type, from, in_tag, comm, status))

#define COLLECTIVE(name, started, ...) FUNCTION(name, __VA_ARGS__) STARTED(started, __VA_ARGS__)
COLLECTIVE(Bcast, Ibcast, if (!is_other(root, comm)) count(others(comm), n, type),
           (void *data, int n, MPI_Datatype type, int root, MPI_Comm comm), (data, n, type, root, comm))
COLLECTIVE(Reduce, Ireduce, count(is_other(root, comm), n, type),
           (const void *data, void *in, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm),
           (data, in, n, type, op, root, comm))
COLLECTIVE(Allreduce, Iallreduce, count(others(comm) > 0, n, type),
           (const void *data, void *in, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm), (data, in, n, type, op, comm))

#define EVEN (const void *data, int n, MPI_Datatype type, void *in, int in_n, MPI_Datatype in_type, MPI_Comm comm), \
             (data, n, type, in, in_n, in_type, comm)
#define IN_PLACE_OR(out, in) (data == MPI_IN_PLACE ? (in) : (out))
COLLECTIVE(Allgather, Iallgather, count(others(comm), IN_PLACE_OR(n, in_n), IN_PLACE_OR(type, in_type)), EVEN)
COLLECTIVE(Alltoall, Ialltoall, count(others(comm), IN_PLACE_OR(n, in_n), IN_PLACE_OR(type, in_type)), EVEN)
COLLECTIVE(Allgatherv, Iallgatherv, int me = 0; PMPI_Comm_rank(comm, &me);
           count(others(comm), IN_PLACE_OR(n, in_n[me]), IN_PLACE_OR(type, in_type)),
           (const void *data, int n, MPI_Datatype type, void *in, const int *in_n, const int *in_at, MPI_Datatype in_type,
            MPI_Comm comm),
           (data, n, type, in, in_n, in_at, in_type, comm))
COLLECTIVE(Alltoallv, Ialltoallv, count_each(IN_PLACE_OR(n, in_n), IN_PLACE_OR(type, in_type), comm),
           (const void *data, const int *n, const int *at, MPI_Datatype type, void *in, const int *in_n, const int *in_at,
            MPI_Datatype in_type, MPI_Comm comm),
           (data, n, at, type, in, in_n, in_at, in_type, comm))

#define ONE_SIDED (const void *data, int n, MPI_Datatype type, int to, MPI_Aint at, int to_n, MPI_Datatype to_type, MPI_Win win), \
                  (data, n, type, to, at, to_n, to_type, win)
FUNCTION(Put, count(to != MPI_PROC_NULL, n, type), ONE_SIDED)
