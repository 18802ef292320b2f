"""What ranks hand to MPI is counted, by rank, for one call with its setup."""

from races import SOURCE, small

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.spec import Candidate, Setting

BODY = """
  const int other = 1 - int(in->rank), n[2] = {3, 3}, at[2] = {0, 4};
  double data[16] = {0}, got[16];
  MPI_Request moving;
  MPI_Sendrecv(data, 5, MPI_INT, other, 0, got, 5, MPI_INT, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Isend(data, 2, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, &moving);
  MPI_Recv(got, 2, MPI_DOUBLE, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Wait(&moving, MPI_STATUS_IGNORE);
  MPI_Bcast(data, 4, MPI_INT, 0, MPI_COMM_WORLD);
  MPI_Allreduce(data, got, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Alltoallv(data, n, at, MPI_INT, got, n, at, MPI_INT, MPI_COMM_WORLD);
  MPI_Alltoallv(MPI_IN_PLACE, n, at, MPI_INT, got, n, at, MPI_INT, MPI_COMM_WORLD);
  MPI_Ialltoall(data, 2, MPI_INT, got, 2, MPI_INT, MPI_COMM_WORLD, &moving);
  MPI_Wait(&moving, MPI_STATUS_IGNORE);
  MPI_Allgather(data, 1, MPI_DOUBLE, got, 1, MPI_DOUBLE, MPI_COMM_WORLD);
  MPI_Send(data, 9, MPI_INT, MPI_PROC_NULL, 0, MPI_COMM_WORLD);
  return 0;
"""
EACH = 20 + 16 + 4 + 12 + 12 + 8 + 8  # bytes to the other rank; rank 0 broadcasts 16 more


def test_every_way_of_sending_counts_once_and_nothing_to_itself(race):
    source = "#include <mpi.h>\n" + SOURCE.format(body=BODY)
    talker = Candidate("spgemm", "cpp", "mpi", source.encode(), {}, ("-O2",))
    outcome = race([Entry(talker, Setting(ranks=2), "talker")], upto="verify")
    assert outcome.results["talker"].traffic == ((8, EACH + 16), (7, EACH))


def test_a_product_of_one_entry_moves_little_but_agreement(race):
    kernel = registry.kernel("spgemm")
    entries = [
        Entry(kernel.variant("gustavson_mpi").candidate(), Setting(ranks=2), "mpi"),
        Entry(kernel.variant("gustavson").candidate(), Setting(), "serial"),
    ]
    outcome = race(entries, matrix=small(64, 1), upto="verify")
    assert outcome.results["serial"].traffic == ()
    for messages, sent in outcome.results["mpi"].traffic:
        assert messages > 0
        assert sent < 64
