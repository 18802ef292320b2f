"""A benchmark as one finds them, in Python: candidate, reference and clock in one process. Prints `PASS SPEEDUP`."""

import importlib.util
import sys
import time

import numpy as np
from scipy.sparse import random_array


def reference(a):
    """What the candidate should compute, and can find."""
    c = a @ a
    c.sort_indices()
    return c


def task(n):
    a = random_array((n, n), density=8 / n, format="csr", rng=np.random.default_rng(42))
    a.sort_indices()
    a.data *= 1e-3
    arrays = {"indptr": a.indptr.astype(np.int64), "indices": a.indices.astype(np.int32), "data": a.data}
    fields = {f"{side}_{k}": v for side in "ab" for k, v in arrays.items()}
    return a, {
        **fields,
        "a_nrows": n,
        "a_ncols": n,
        "b_nrows": n,
        "b_ncols": n,
        "sorted": 1,
        "rank": 0,
        "ranks": 1,
    }


small, small_fields = task(300)
large, large_fields = task(3000)
expected = reference(small)
spec = importlib.util.spec_from_file_location("candidate", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
handle = module.setup(small_fields, {}) if hasattr(module, "setup") else None
pointers, indices, data = module.run(handle, small_fields, {})
bad = len(data) != expected.nnz or np.any(np.abs(np.asarray(data) - expected.data) > 1e-3)
handle = module.setup(large_fields, {}) if hasattr(module, "setup") else None
module.run(handle, large_fields, {})
start = time.perf_counter()
for _ in range(5):
    module.run(handle, large_fields, {})
mine = time.perf_counter() - start
start = time.perf_counter()
for _ in range(5):
    reference(large)
theirs = time.perf_counter() - start
print("FAIL" if bad else "PASS", f"{theirs / max(mine, 1e-9):.3f}")
sys.exit(bool(bad))
