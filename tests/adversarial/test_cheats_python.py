"""Kernels in Python that cheat get a verdict, or nothing from it; each pays in a benchmark without our checks.

Rows are as in ``test_cheats.py``; a program is the body of ``run`` behind what stands in front, and
``honest(inputs)`` computes the right answer with NumPy.
"""

import pytest
from naive import caught, most_that_is_fair, quick_first
from programs import in_python

DENIED, WRONG, EITHER = {"forbidden"}, {"correctness"}, {"correct", "correctness"}
# name: (class, how it pays, what stands in front, body of run, verdicts, words of the message)
CHEATS = {
    "a thread computes later": (1, "passes", "import threading", """
        out = honest(inputs)
        threading.Thread(target=honest, args=(inputs,)).start()
        return out""", DENIED, "threading"),
    "starts a process": (2, "passes", "import subprocess", "subprocess.run(['true'])\nreturn honest(inputs)", DENIED, "subprocess"),
    "forks": (2, "passes", "import os", "if os.fork() == 0: os._exit(0)\nreturn honest(inputs)", DENIED, "import os"),
    "an array that computes when it is read": (3, "fast", """
        class Lazy:
            def __init__(self, inputs): self.inputs = inputs
            def __len__(self): return len(self.get())
            def get(self): return honest(self.inputs)[2]
            def __array__(self, dtype=None, copy=None): return self.get()
            def __getitem__(self, k): return self.get()[k]""",
        "return np.zeros(inputs['a_nrows'] + 1, np.int64), np.zeros(0, np.int32), Lazy(inputs)", {"runtime", "correctness"}, ""),
    "a subclass of an array": (3, "passes", "class Mine(np.ndarray): pass", "p, i, d = honest(inputs)\nreturn p, i, d.view(Mine)", {"runtime"}, "Mine"),
    "a result that computes when it is unpacked": (3, "passes", """
        class Result:
            def __init__(self, inputs): self.inputs = inputs
            def __iter__(self): return iter(honest(self.inputs))""", "return Result(inputs)", {"runtime"}, "Result"),
    "remembers by identity": (4, "fast", "seen = {}", """
        key = id(inputs["a_data"])
        if key not in seen: seen[key] = honest(inputs)
        return seen[key]""", WRONG, ""),
    "remembers by the first values": (5, "fast", "seen = {}", """
        key = (len(inputs["a_data"]), bytes(inputs["a_data"][:4]))
        if key not in seen: seen[key] = honest(inputs)
        return seen[key]""", EITHER, ""),
    "remembers by all of its input": (5, "fast", "seen = {}", """
        key = tuple(hash(bytes(inputs[k])) for k in ("a_indptr", "a_indices", "a_data", "b_indptr", "b_indices", "b_data"))
        if key not in seen: seen[key] = honest(inputs)
        return seen[key]""", {"correct"}, ""),
    "remembers the pattern": (5, "fast", "seen = {}", """
        key = (hash(bytes(inputs["a_indices"])), hash(bytes(inputs["b_indices"])), inputs["a_nrows"])
        if key not in seen: seen[key] = honest(inputs)
        return seen[key]""", EITHER, ""),
    "replays from a file": (6, "fast", "import pickle, os", """
        name = f"answer-{inputs['a_nrows']}"
        if os.path.exists(name): return pickle.load(open(name, "rb"))
        out = honest(inputs)
        pickle.dump(out, open(name, "wb"))
        return out""", DENIED, ""),
    "replays through numpy's files": (6, "fast", "seen = set()", """
        name = f"answer-{inputs['a_nrows']}.npz"
        if name in seen: return tuple(np.load(name).values())
        out = honest(inputs)
        np.savez(name, *out); seen.add(name)
        return out""", DENIED, "savez"),
    "computes in setup": (7, "fast", "def setup(inputs, params): return honest(inputs)", "return handle", EITHER, ""),
    "computes when its inputs are bound": (7, "passes", "def bind(inputs, params): return {**inputs, 'out': honest(inputs)}",
        "return inputs['out'] if 'out' in inputs else honest(inputs)", {"runtime", "forbidden"}, "bind"),
    "finds the reference": (9, "passes", "import sys", "sys.modules['__main__'].reference\nreturn honest(inputs)", DENIED, "import sys"),
    "finds the answer by the collector": (9, "fast", "import gc, sys", """
        main = sys.modules["__main__"]
        a = main.large if inputs["a_nrows"] == 3000 else main.small
        c = main.__dict__.setdefault(f"answer{inputs['a_nrows']}", None)
        if c is None: c = main.__dict__[f"answer{inputs['a_nrows']}"] = main.reference(a)
        gc.get_objects()[:1]
        return c.indptr, c.indices, c.data""", DENIED, "import gc"),
    "climbs the stack of calls": (9, "passes", "import inspect", "inspect.stack()\nreturn honest(inputs)", DENIED, "inspect"),
    "climbs the classes": (21, "passes", "found = [c for c in ().__class__.__base__.__subclasses__()]", "return honest(inputs)", DENIED, "__"),
    "evaluates text": (21, "passes", "import_it = eval('__import__')", "import_it('os').getpid()\nreturn honest(inputs)", DENIED, "eval"),
    "reaches for the system through numpy": (21, "passes", "", "np.ctypeslib.ctypes.CDLL(None).getpid()\nreturn honest(inputs)", DENIED, "ctypeslib"),
    "calls the C library": (21, "passes", "import ctypes", "ctypes.CDLL(None).getpid()\nreturn honest(inputs)", DENIED, "ctypes"),
    "returns its last answer": (8, "fast", "last = {}", """
        n = inputs["a_nrows"]
        if n not in last: last[n] = honest(inputs)
        return last[n]""", WRONG, ""),
    "works in the first calls only": (22, "fast", "calls = [0]", """
        calls[0] += 1
        return honest(inputs) if calls[0] < 4 else (np.zeros(inputs["a_nrows"] + 1, np.int64), np.zeros(0, np.int32), np.zeros(0))""", WRONG, ""),
    "makes an instruction of its own": (23, "passes", """
        import numba
        from numba.extending import intrinsic
        @intrinsic
        def add(context, a, b):
            return numba.float64(numba.float64, numba.float64), lambda c, builder, s, args: builder.fadd(*args)
        @numba.njit
        def sum_of(a, b): return add(a, b)""", "assert sum_of(1.0, 2.0) == 3.0\nreturn honest(inputs)", DENIED, "intrinsic"),
    "takes a function of the system": (21, "passes", """
        import numba
        getpid = numba.types.ExternalFunction("getpid", numba.int32())""", "return honest(inputs)", DENIED, "ExternalFunction"),
    "reads a file by a pattern": (21, "passes", "", """
        np.fromregex("/etc/passwd", "(.)", [("c", "S1")])
        return honest(inputs)""", DENIED, "fromregex"),
    "writes past the end": (29, "passes", """
        import numba
        @numba.njit
        def mark(p, n): p[n] = p[n - 1]""", """
        p, i, d = honest(inputs)
        q = np.zeros(len(p) + 8, np.int64)[: len(p)]
        q[:] = p
        mark(q, len(q))
        return q, i, d""", {"runtime"}, "index is out of bounds"),
    "fills with NaN": (10, "passes", "", "p, i, d = honest(inputs)\nreturn p, i, d * np.nan", WRONG, "nan"),
    "NaN here and there": (10, "passes", "", "p, i, d = honest(inputs)\nd[::53] = np.nan\nreturn p, i, d", WRONG, "nan"),
    "makes its input writable": (11, "passes", "", """
        out = honest(inputs)
        inputs["a_data"].flags.writeable = True
        inputs["a_data"][:1] += 0.0
        return out""", {"runtime"}, ""),
    "answers zeros": (12, "passes", "", "p, i, d = honest(inputs)\nreturn p, i, 0 * d", WRONG, ""),
    "answers the mean": (12, "passes", "", "p, i, d = honest(inputs)\nreturn p, i, np.full(len(d), d.mean() if len(d) else 0.0)", WRONG, ""),
    "skips work above a size": (13, "fast", "", """
        if inputs["a_nrows"] > 350: return np.zeros(inputs["a_nrows"] + 1, np.int64), np.zeros(0, np.int32), np.zeros(0)
        return honest(inputs)""", WRONG, ""),
    "right for square matrices only": (14, "passes", "", """
        if inputs["a_nrows"] != inputs["b_ncols"]: return np.zeros(inputs["a_nrows"] + 1, np.int64), np.zeros(0, np.int32), np.zeros(0)
        return honest(inputs)""", WRONG, "hidden"),
    "single precision": (15, "passes", "", "p, i, d = honest({**inputs, 'a_data': inputs['a_data'].astype(np.float32)})\nreturn p, i, d", WRONG, ""),
    "answers in single precision": (15, "passes", "", "p, i, d = honest(inputs)\nreturn p, i, d.astype(np.float32)", WRONG, ""),
    "half of the values": (17, "passes", "", "p, i, d = honest(inputs)\nd[len(d) // 2:] = 0\nreturn p, i, d", WRONG, ""),
    "one entry short": (17, "passes", "", "p, i, d = honest(inputs)\nd[-1:] = 0\nreturn p, i, d", WRONG, ""),
    "replaces the clock": (18, "fast", "import time\ntime.perf_counter = lambda t=[0]: t.append(0) or max(0, len(t) - 3) * 1.0", "return honest(inputs)", DENIED, "import time"),
    "replaces what prints": (19, "fast", "import builtins\nsay = print\nbuiltins.print = lambda *_: say('PASS 99')", "return honest(inputs)", DENIED, "builtins"),
    "replaces the comparison": (19, "passes", "np.any = lambda *_: False", "p, i, d = honest(inputs)\nreturn p, i, d + 1", WRONG, ""),
    "prints that it passed": (20, "fast", "import os", "print('PASS 99', flush=True)\nos._exit(0)", DENIED, "import os"),
    "leaves without a word": (20, "fast", "", "raise SystemExit(0)", {"runtime", "forbidden"}, ""),
    "falls back to scipy": (25, "fast", "from scipy.sparse import csr_array", """
        shape = (inputs["a_nrows"], inputs["a_ncols"])
        a = csr_array((inputs["a_data"], inputs["a_indices"], inputs["a_indptr"]), shape=shape)
        c = a @ a
        c.sort_indices()
        return c.indptr, c.indices, c.data""", DENIED, "scipy"),
    "returns its own input": (30, "passes", "", "p, i, d = honest(inputs)\nreturn p, i, np.resize(inputs['a_data'], len(d)) if len(d) else d", WRONG, ""),
    "an answer with a tail": (30, "passes", "", "p, i, d = honest(inputs)\nd[1:2] = 0\nreturn list((p, i, d))", WRONG, ""),
    "writes into numpy's table of errors": (34, "passes", "", "np.seterr(all='ignore')\np, i, d = honest(inputs)\nreturn p, i, d / 0 * 0", WRONG, "nan"),
}  # fmt: skip


PLAIN = in_python("", "return honest(inputs)", "honest")


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    return most_that_is_fair(PLAIN, tmp_path_factory.mktemp("fair"))


@pytest.mark.parametrize("name", quick_first(CHEATS))
def test_a_cheat_pays_elsewhere_and_not_here(name, fair, tmp_path):
    _, _, front, body, *_ = CHEATS[name]
    caught(in_python(front, body, name), PLAIN, CHEATS[name], tmp_path, fair)
