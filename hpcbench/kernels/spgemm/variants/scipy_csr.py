# /// hpcbench
# model = "serial"
# summary = "scipy.sparse, then sort_indices where sorted columns are asked"
# source = "SciPy, scipy/sparse/sparsetools/csr.h, csr_matmat"
# requires = ["scipy"]
# ///
"""SciPy's product: Gustavson with a linked list per row in two passes, columns in no order."""

from scipy.sparse import csr_array


def bind(inputs, params):
    def matrix(which):
        parts = (inputs[f"{which}_{part}"] for part in ("data", "indices", "indptr"))
        data, indices, indptr = parts
        if indptr[-1] < 2**31:
            indptr = indptr.astype("int32")  # both index arrays of one type, else SciPy widens the columns
        return csr_array((data, indices, indptr), shape=(inputs[f"{which}_nrows"], inputs[f"{which}_ncols"]))

    return matrix("a"), matrix("b"), inputs["sorted"]


def run(handle, inputs, params):
    a, b, in_order = inputs
    c = a @ b
    if in_order:
        c.sort_indices()
    return c.indptr, c.indices, c.data
