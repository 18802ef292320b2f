import gzip

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpcbench.inputs.canonical import canonical
from hpcbench.inputs.errors import InputError
from hpcbench.inputs.read import read_matrix
from hpcbench.spec import HpcbenchError

REAL = "%%MatrixMarket matrix coordinate real general\n"


def text(content):
    return lambda path: path.write_bytes(content.encode())


def mat(**variables):
    return lambda path: scipy.io.savemat(path, variables)


def zipped(content, keep=None):
    return lambda path: path.write_bytes(gzip.compress(content.encode())[:keep])


def field(name):
    return REAL.replace("real", name)


def symmetry(name):
    return REAL.replace("general", name)


TWICE = symmetry("symmetric") + "2 2 2\n1 2 1.0\n2 1 1.0\n"
HDF5 = b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n"

# (file name, what makes it, a part of the message)
BAD = [
    ("missing.mtx", lambda path: None, "no such file"),
    ("folder.mtx", lambda path: path.mkdir(), "is a directory"),
    ("empty.mtx", text(""), "the file is empty"),
    ("blank.edges", text("\n  \n"), "the file is empty"),
    ("a.npz", text("1 2\n"), "unknown suffix '.npz', expected .mtx .mat .edges"),
    ("plain", text("1 2\n"), "unknown suffix ''"),
    ("a.tar.gz", zipped("1 2\n"), "unpack it (tar xf)"),
    ("cut.mtx.gz", zipped(REAL + "2 2 1\n1 1 1.0\n", keep=-12), "gzip stream is truncated"),
    (
        "no_banner.mtx",
        text("2 2 1\n1 1 1.0\n"),
        "line 1 is '2 2 1', expected a banner such as `%%MatrixMarket",
    ),
    ("short_banner.mtx", text("%%MatrixMarket matrix coordinate real\n2 2 0\n"), "expected a banner"),
    ("word.mtx", text(field("reel") + "2 2 0\n"), "line 1 says 'reel', expected one of real"),
    (
        "layout.mtx",
        text(REAL.replace("coordinate", "csr") + "2 2 0\n"),
        "'csr', expected one of coordinate, array",
    ),
    (
        "complex.mtx",
        text(field("complex") + "2 2 1\n1 1 1 1\n"),
        "complex general matrix, but the kernels are real",
    ),
    ("hermitian.mtx", text(symmetry("hermitian") + "2 2 1\n1 1 1\n"), "real hermitian matrix"),
    (
        "pattern_array.mtx",
        text(field("pattern").replace("coordinate", "array") + "1 1\n1\n"),
        "has no meaning",
    ),
    ("no_size.mtx", text(REAL + "% only comments\n"), "ends before its size line"),
    (
        "size.mtx",
        text(REAL + "%\n2 2\n1 1 1.0\n"),
        "line 3 is '2 2', expected the size line: rows cols entries",
    ),
    ("zero.mtx", text(REAL + "0 2 0\n"), "the matrix is 0 x 2"),
    ("wide.mtx", text(REAL + "2 3000000000 1\n1 1 1.0\n"), "line 2 declares '2 3000000000 1', beyond int32"),
    (
        "short.mtx",
        text(REAL + "3 3 3\n1 1 1.0\n2 2 2.0\n"),
        "ends after 2 of the 3 entries that line 2 declares",
    ),
    ("long.mtx", text(REAL + "3 3 1\n1 1 1.0\n2 2 2.0\n"), "holds 2 entries, but line 2 declares 1"),
    (
        "two.mtx",
        text(REAL + "3 3 1\n1 1\n"),
        "line 3 has 2 fields, expected 3 (row col value); is it a pattern",
    ),
    ("four.mtx", text(REAL + "3 3 1\n\n1 1 1.0 2.0\n"), "line 4 has 4 fields, expected 3 (row col value)"),
    (
        "values.mtx",
        text(field("pattern") + "3 3 1\n1 1 1.0\n"),
        "line 3 has 3 fields, expected 2 (row col); has it",
    ),
    ("comment.mtx", text(REAL + "3 3 1\n% late\n1 1 1.0\n"), "line 3 is a comment among the entries"),
    ("nan.mtx", text(REAL + "3 3 2\n1 1 1.0\n2 2 NaN\n"), "line 4: value 'NaN' is not a finite float64"),
    ("inf.mtx", text(REAL + "3 3 1\n1 1 -inf\n"), "line 3: value '-inf' is not a finite float64"),
    (
        "huge.mtx",
        text(REAL + "3 3 2\n1 1 1.0\n\n1 2 1e999\n"),
        "line 5: value '1e999' is not a finite float64",
    ),
    ("sum.mtx", text(REAL + "3 3 2\n3 1 1e308\n3 1 1e308\n"), "entry (3, 1), counted from 1, is inf"),
    ("word_value.mtx", text(REAL + "3 3 1\n1 1 abc\n"), "line 3: value 'abc' is not a number"),
    ("tail.mtx", text(REAL + "3 3 1\n1 1 1.5abc\n"), "line 3: value '1.5abc' is not a number"),
    (
        "half.mtx",
        text(field("integer") + "3 3 1\n1 1 1.5\n"),
        "line 3: value '1.5' is not an integer; declare `real`",
    ),
    ("float_index.mtx", text(REAL + "3 3 1\n1.0 1 1.0\n"), "line 3: row '1.0' is not a whole number"),
    ("negative.mtx", text(REAL + "3 3 1\n-1 1 1.0\n"), "line 3: row '-1' is negative"),
    ("row.mtx", text(REAL + "3 3 2\n1 1 1.0\n4 1 1.0\n"), "line 4: row 4 is outside 1..3 (line 2)"),
    ("column.mtx", text(REAL + "3 3 1\n1 3000000000 1.0\n"), "line 3: column 3000000000 is outside 1..3"),
    ("overflow.mtx", text(REAL + "3 3 1\n1 99999999999999999999 1.0\n"), "beyond int32 column indices"),
    (
        "zero_based.mtx",
        text(REAL + "3 3 1\n0 1 1.0\n"),
        "line 3: row 0 is outside 1..3 (line 2); indices count from 1",
    ),
    ("twice.mtx", text(TWICE), "but both (2, 1) and (1, 2) are stored; declare `general`"),
    (
        "oblong.mtx",
        text(symmetry("symmetric") + "2 3 0\n"),
        "line 2 declares 2 x 3, but line 1 says `symmetric`",
    ),
    ("skew.mtx", text(symmetry("skew-symmetric") + "2 2 1\n2 2 1.0\n"), "(2, 2) on the diagonal is not zero"),
    (
        "dense.mtx",
        text(REAL.replace("coordinate", "array") + "2 2\n1\n2\n3\n"),
        "ends after 3 of the 4 entries",
    ),
    ("dense_nan.mtx", text(REAL.replace("coordinate", "array") + "1 2\n1\nnan\n"), "line 4: value 'nan'"),
    ("dense_inf.mtx", text(REAL.replace("coordinate", "array") + "1 2\n1\n1e999\n"), "line 4: value '1e999'"),
    ("comments.edges", text("# nothing\n% here\n"), "holds no edge"),
    ("one.edges", text("1\n"), "line 1 has 1 field, expected 2 or 3"),
    ("five.el", text("# a\n1 2 3 4 5\n"), "line 2 has 5 fields, expected 2 or 3 (u v [weight])"),
    ("ragged.txt", text("1 2\n2 3 4\n"), "line 2 has 3 fields, expected 2 as in the first edge"),
    ("hole.csv", text("1,2,1\n1,,2\n"), "line 2: id '' is not a whole number"),
    (
        "heading.csv",
        text("source,target\n1,2\n"),
        "line 1 starts with 'source', not a whole number; is it a heading?",
    ),
    ("negative.edges", text("0 1\n0 -1\n"), "line 2: id '-1' is negative"),
    ("word.tsv", text("0\t1\n0\tx\n"), "line 2: id 'x' is not a whole number"),
    ("weight.edges", text("0 1 1.0\n# c\n1 0 heavy\n"), "line 3: value 'heavy' is not a number"),
    ("nan.edges", text("0 1 1.0\n1 0 nan\n"), "line 2: value 'nan' is not a finite float64"),
    ("huge.edges", text("0 1 1.0\n1 0 1e999\n"), "line 2: value '1e999' is not a finite float64"),
    ("id.edges", text("0 1\n3000000000 1\n"), "line 2: id 3000000000 is beyond int32 column indices"),
    ("long_id.edges", text("0 1\n99999999999999999999 1\n"), "beyond int32 column indices"),
    ("stray.edges", text("0 1\n1 2000000000\n"), "the largest id is 2000000000, but there are only 2 edges"),
    ("binary.edges", lambda path: path.write_bytes(b"1 2\n\x00\xff\n1\n"), "line 2 has 1 field, expected 2"),
    ("v73.mat", lambda path: path.write_bytes(HDF5), "MATLAB 7.3 (HDF5) is not read; in MATLAB"),
    ("text.mat", text("1 2 3\n"), "not a complete MATLAB file"),
    ("complex.mat", mat(A=sp.csc_array(np.array([[1j, 2], [0, 1]]))), "complex values"),
    ("nan.mat", mat(A=sp.csc_array(np.array([[1, 2], [0, np.nan]]))), "entry (2, 2), counted from 1, is nan"),
    ("inf.mat", mat(A=np.array([[1, np.inf], [0, 1.0]])), "entry (1, 2), counted from 1, is inf"),
    ("none.mat", mat(words="text"), "expected one matrix, found none"),
    ("several.mat", mat(K=np.eye(2), M=np.eye(2)), "found K, M; save the one you mean under the name A"),
    ("words.mat", mat(Problem={"A": "text"}), "expected one matrix, found none"),
]


@pytest.mark.parametrize(("name", "make_file", "fragment"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path, name, make_file, fragment):
    path = tmp_path / name
    make_file(path)
    with pytest.raises(InputError) as caught:
        read_matrix(path)
    message = str(caught.value)
    assert isinstance(caught.value, HpcbenchError)
    assert caught.value.exit_code == 2
    assert message.startswith(f"{path}: ")
    assert fragment in message
    assert len(message.splitlines()) == 1
    assert message.isprintable()


def test_a_truncated_mat_file_is_refused(tmp_path):
    path = tmp_path / "cut.mat"
    scipy.io.savemat(path, {"A": sp.random_array((50, 50), density=0.2)}, do_compression=True)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a complete MATLAB file"):
        read_matrix(path)


def test_every_cut_of_a_small_file_is_refused_or_read_completely(tmp_path):
    whole = REAL + "3 3 3\n1 1 1.25\n2 2 2.5\n3 1 7.5\n"
    path = tmp_path / "cut.mtx"
    refused = 0
    for keep in range(len(whole)):
        path.write_text(whole[:keep])
        try:
            assert read_matrix(path).nnz == 3
        except InputError:
            refused += 1
    assert refused >= len(whole) - 4  # only the last number's own digits can go unnoticed


def check(matrix, expected):
    assert isinstance(matrix, sp.csr_array)
    assert matrix.data.dtype == np.float64
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.has_canonical_format
    assert np.array_equal(matrix.toarray(), np.array(expected, dtype=float))


ARRAY = "%%MatrixMarket matrix array real "
GOOD = [
    ("a.mtx", text(REAL + "2 3 2\n1 3 1.5\n2 1 -2\n"), [[0, 0, 1.5], [-2, 0, 0]]),
    ("dos.mtx", text((REAL + "%\n\n2 2 1\n\n 1\t1  +1.5D+1 \n").replace("\n", "\r\n")), [[15, 0], [0, 0]]),
    ("no_newline.mtx", text(REAL.upper() + "2 2 1\n2 2 .5"), [[0, 0], [0, 0.5]]),
    ("duplicates.mtx", text(REAL + "2 2 3\n2 2 1\n1 1 5\n2 2 2\n"), [[5, 0], [0, 3]]),
    ("pattern.mtx", text(field("pattern") + "2 2 2\n1 2\n2 2\n"), [[0, 1], [0, 1]]),
    ("integer.mtx", text(field("integer") + "2 2 1\n1 2 -7\n"), [[0, -7], [0, 0]]),
    ("none.mtx", text(REAL + "2 2 0\n"), [[0, 0], [0, 0]]),
    ("lower.mtx", text(symmetry("symmetric") + "2 2 2\n1 1 3\n2 1 4\n"), [[3, 4], [4, 0]]),
    ("upper.mtx", text(symmetry("symmetric") + "2 2 2\n1 1 3\n1 2 4\n"), [[3, 4], [4, 0]]),
    ("skew.mtx", text(symmetry("skew-symmetric") + "2 2 1\n2 1 4\n"), [[0, -4], [4, 0]]),
    ("dense.mtx", text(ARRAY + "general\n2 3\n1\n2\n3\n0\n5\n6\n"), [[1, 3, 5], [2, 0, 6]]),
    ("dense_lower.mtx", text(ARRAY + "symmetric\n2 2\n1\n2\n3\n"), [[1, 2], [2, 3]]),
    ("dense_skew.mtx", text(ARRAY + "skew-symmetric\n3 3\n1\n2\n3\n"), [[0, -1, -2], [1, 0, -3], [2, 3, 0]]),
    ("packed.mtx.gz", zipped(REAL + "1 1 1\n1 1 9\n"), [[9]]),
    ("not_packed.mtx.gz", text(REAL + "1 1 1\n1 1 9\n"), [[9]]),
    ("banner_decides.txt", text(REAL + "1 2 1\n1 2 9\n"), [[0, 9]]),
    ("zero_based.edges", text("# c\n0 1\n1 2\n"), [[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
    ("one_based.el", text("% c\n1 2\n2 3\n"), [[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
    ("from_two.txt", text("2 3\n"), [[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
    ("weights.tsv", text("0\t1\t2.5\r\n\r\n1\t0\t-1e1\r\n"), [[0, 2.5], [-10, 0]]),
    ("commas.csv", text("\ufeff0,1,2\n1 , 1, 3\n0,1,4"), [[0, 6], [0, 3]]),
    ("packed.edges.gz", zipped("1 1\n"), [[1]]),
    ("sparse.mat", mat(A=sp.csc_array([[0.0, 2], [3, 0]]), b=np.ones(2)), [[0, 2], [3, 0]]),
    ("struct.mat", mat(Problem={"A": sp.csc_array([[0.0, 2]]), "name": "x", "b": np.eye(3)}), [[0, 2]]),
    ("only_dense.mat", mat(K=np.array([[0, 2], [3, 0]])), [[0, 2], [3, 0]]),
    ("two.mat", mat(A=sp.csc_array([[0.0, 2]]), M=sp.csc_array([[1.0]])), [[0, 2]]),
    ("logical.mat", mat(G=sp.csc_array([[False, True]])), [[0, 1]]),
]


@pytest.mark.parametrize(("name", "make_file", "expected"), GOOD, ids=[row[0] for row in GOOD])
def test_a_good_file_is_read_in_canonical_form(tmp_path, name, make_file, expected):
    path = tmp_path / name
    make_file(path)
    check(read_matrix(str(path)), expected)


def test_explicit_zeros_are_part_of_the_pattern(tmp_path):
    path = tmp_path / "zeros.mtx"
    path.write_text(REAL + "2 2 2\n1 1 0.0\n1 2 1.0\n")
    assert read_matrix(path).nnz == 2


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_canonical_sorts_and_sums_a_copy_without_overflow(dtype):
    data, indices, indptr = np.array([1, 2, 127], dtype), np.array([2, 0, 2]), np.array([0, 3])
    messy = sp.csr_array((data, indices, indptr), shape=(1, 3))
    check(canonical("messy", messy), [[2, 0, 128]])
    assert messy.indices.tolist() == [2, 0, 2]


def test_a_name_with_a_line_break_still_gives_one_line(tmp_path):
    with pytest.raises(InputError) as caught:
        read_matrix(tmp_path / "a\nb.mtx")
    assert len(str(caught.value).splitlines()) == 1


values = st.floats(allow_nan=False, allow_infinity=False) | st.just(0.0)


@settings(max_examples=40, deadline=None)
@given(
    dense=arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=values),
    packed=st.booleans(),
)
def test_what_scipy_writes_is_read_back_exactly(tmp_path_factory, dense, packed):
    path = tmp_path_factory.getbasetemp() / ("round_trip.mtx.gz" if packed else "round_trip.mtx")
    with (gzip.open if packed else open)(path, "wb") as file:
        scipy.io.mmwrite(file, sp.coo_array(dense), precision=17)
    check(read_matrix(path), dense)


@settings(max_examples=25, deadline=None)
@given(
    dense=arrays(np.int64, (4, 4), elements=st.integers(-9, 9)),
    kind=st.sampled_from(["symmetric", "skew-symmetric"]),
    layout=st.sampled_from([sp.coo_array, np.asarray]),
)
def test_symmetric_files_that_scipy_writes_are_unfolded(tmp_path_factory, dense, kind, layout):
    whole = dense + dense.T if kind == "symmetric" else dense - dense.T
    path = tmp_path_factory.getbasetemp() / "symmetric.mtx"
    with path.open("wb") as file:
        scipy.io.mmwrite(file, layout(whole), symmetry=kind)
    check(read_matrix(path), whole)


@settings(max_examples=150, deadline=None)
@example(token=",0", suffix=".edges")
@example(token=" , 0", suffix=".edges")
@example(token=",,0", suffix=".edges")
@example(token=",0", suffix=".mtx")
@given(token=st.text(alphabet="01 2.eE+-naif,#%\t", max_size=6), suffix=st.sampled_from([".mtx", ".edges"]))
def test_whatever_a_line_ends_in_nothing_but_its_finite_number_gets_through(tmp_path_factory, token, suffix):
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_text((REAL + "3 3 1\n" if suffix == ".mtx" else "") + f"1 2 {token}\n")
    try:
        found = read_matrix(path).data.tolist()
    except InputError:
        found = []
    if suffix == ".edges" and not token.strip():
        assert found == [1.0]
    else:  # in an edge list a comma may stand between blanks that separate, as in `1 , 1`
        assert found == finite(token.strip().removeprefix(",") if suffix == ".edges" else token)


def finite(token):
    try:
        return [float(token)] if np.isfinite(float(token)) else []
    except ValueError:
        return []
