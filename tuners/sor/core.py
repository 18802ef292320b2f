"""The policy of ``omega.h`` in this process."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

from hpcbench import build
from hpcbench.variant import inline

FOLDER = Path(__file__).parent
SOURCES = "omega.c", "omega_solve.c"
FLAGS = ["-O3", "-march=native", "-std=gnu11", "-shared"]
OFFSETS, FIXED = 17, 27


class Arm(ctypes.Structure):
    """What is known of an arm."""

    _fields_ = [(name, ctypes.c_double) for name in ("cost", "expected", "squares", "spread")]


class Tuner(ctypes.Structure):
    """``omega_tuner``."""

    _fields_ = [
        ("tolerance", ctypes.c_double), ("most", ctypes.c_int64),
        *((name, ctypes.c_int64) for name in ("krylov", "systems", "spent", "alarm", "fallen")),
        *((name, ctypes.c_double) for name in ("gap", "usual", "typical", "unit", "recent")),
        ("used", ctypes.c_double * 2), ("lost", ctypes.c_double * 2),
        ("offset", Arm * OFFSETS), ("fixed", Arm * FIXED * 2),
    ]  # fmt: skip


class Choice(ctypes.Structure):
    """What to solve a system with: ``omega``, and after how many iterations, ``limit``, to tell and ask again."""

    __slots__ = ("matrix",)  # of the system, which ask and again keep here
    _fields_ = [
        ("omega", ctypes.c_double), ("limit", ctypes.c_int64), ("relative", ctypes.c_int64),
        ("arm", ctypes.c_int64), ("rate", ctypes.c_double), ("attempt", ctypes.c_int64), ("trial", ctypes.c_int64),
        ("before", ctypes.c_double), ("gap", ctypes.c_double), ("anew", ctypes.c_int64),
    ]  # fmt: skip

    def __repr__(self) -> str:
        return f"Choice(omega={self.omega:.4f}, limit={self.limit}, attempt={self.attempt})"


class Phases(ctypes.Structure):
    """``omega_solver``: where a solver's phases are, and what they read and write."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in (
            "setup",
            "run",
            "release",
            "inputs",
            "params",
            "outputs",
            "omega",
            "limit",
            "done",
            "residual",
        )
    ]


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """``omega.c`` and ``omega_solve.c``, compiled.

    Raises
    ------
    BuildError, NoCompiler
    """
    text = "".join(inline((FOLDER / name).read_text(), FOLDER) for name in SOURCES)
    made = build.compile_object(text.encode(), ".c", FLAGS, build.compiler("c"), "omega", libraries=["-lm"])
    code = ctypes.CDLL(str(made.path))
    address, count, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    returns = {"gap": number, **dict.fromkeys(("attempt", "choose", "first"), ctypes.c_int)}
    for name, types in {
        "begin": [address, number, count, ctypes.c_int], "ask": [address, number, address], "again": [address] * 3,
        "forget": [address, number, address],
        "tell": [address, address, count, number, ctypes.c_int], "gap": [count, *[address] * 5],
        "attempt": [address] * 3,
        "choose": [address, count, *[address] * 4, number, address, address],
        "first": [address, address, count, *[address] * 4, number, address, address],
    }.items():  # fmt: skip
        function = getattr(code, f"omega_{name}")
        function.argtypes, function.restype = types, returns.get(name)
    return code
