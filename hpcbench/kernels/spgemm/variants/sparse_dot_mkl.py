# /// hpcbench
# model = "openmp"
# summary = "the package sparse_dot_mkl: oneMKL with SciPy matrices in and out"
# source = "Inferelator project, sparse_dot_mkl"
# requires = ["sparse_dot_mkl", "mkl"]
# ///
"""What a user of SciPy gets from MKL in one call: handles made, product, result copied into a SciPy matrix."""

import os
from importlib.metadata import files

import numpy as np
from scipy.sparse import csr_matrix

LIBRARY = next(file for file in files("mkl") if "libmkl_rt.so" in str(file))
os.environ["MKL_RT"] = str(LIBRARY.locate().resolve())  # it looks in the system's folders only

from sparse_dot_mkl import dot_product_mkl  # noqa: E402


def bind(inputs, params):
    def matrix(which):
        data, indices, indptr = (inputs[f"{which}_{part}"] for part in ("data", "indices", "indptr"))
        if len(indices) >= 2**31:
            raise OverflowError("more non-zeros than 32-bit row pointers can count")
        shape = inputs[f"{which}_nrows"], inputs[f"{which}_ncols"]
        return csr_matrix((data, indices, indptr.astype(np.int32)), shape=shape)

    return matrix("a"), matrix("b"), bool(inputs["sorted"])


def run(handle, inputs, params):
    a, b, in_order = inputs
    c = dot_product_mkl(a, b, reorder_output=in_order)
    return c.indptr, c.indices, c.data
