# /// hpcbench
# model = "serial"
# summary = "scipy.sparse, CSR with 32-bit row pointers"
# source = "SciPy, scipy/sparse/sparsetools/csr.h, csr_matvecs"
# requires = ["scipy"]
# ///
"""SciPy's product: a loop over rows and their entries, a new Y in every call."""

from scipy.sparse import csr_array

MATRICES = {}  # by where they lie: all inputs of a race share theirs


def bind(inputs, params):
    indptr = inputs["indptr"]
    at = indptr.ctypes.data
    if at not in MATRICES:
        if indptr[-1] < 2**31:
            indptr = indptr.astype("int32")  # both index arrays of one type, else SciPy widens the columns
        parts = inputs["data"], inputs["indices"], indptr
        MATRICES[at] = csr_array(parts, shape=(inputs["nrows"], inputs["ncols"]))
    return MATRICES[at], inputs["x"].reshape(inputs["ncols"], inputs["k"])


def run(handle, inputs, params):
    a, x = inputs
    return ((a @ x).reshape(-1),)
