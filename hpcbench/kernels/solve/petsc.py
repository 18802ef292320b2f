"""PETSc's Krylov methods, for the variants that set them up."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from hpcbench.kernels.shared.petsc import ALONE, INT32_MAX, PETSC, POINTER, Matrix, check, vector

UNPRECONDITIONED = 2  # KSP_NORM_UNPRECONDITIONED
DIVERGED = 1e8
HISTORY = 1024
REASONS = {
    -2: "it came upon a null pivot", -3: "it stopped after as many iterations as are allowed", -4: "it diverged",
    -5: "it broke down", -8: "its preconditioner is not positive definite", -9: "it computed what is not a number",
    -10: "the matrix is not positive definite", -11: "the setup of its preconditioner failed",
}  # fmt: skip


class Solver:
    """A Krylov method with its preconditioner set up for the matrix of ``inputs``.

    Parameters
    ----------
    inputs : the fields of ``abi.h``.
    options : as on a command line of PETSc, of a preconditioner for conjugate gradients.
    """

    def __init__(self, inputs: dict[str, Any], **options: Any) -> None:
        for name, value in {"ksp_type": "cg", **options}.items():
            PETSC.PetscOptionsSetValue(None, f"-{name}".encode(), str(value).encode())
        n = inputs["nrows"]
        self._a = Matrix((n, n), inputs["indptr"], inputs["indices"], inputs["data"])
        self._values, self._history = np.zeros(n), np.zeros(HISTORY)
        self._x, self._ksp = vector(self._values), POINTER()
        check(PETSC.KSPCreate(ALONE, ctypes.byref(self._ksp)), "KSPCreate")
        check(PETSC.KSPSetOperators(self._ksp, self._a.handle, self._a.handle), "KSPSetOperators")
        check(PETSC.KSPSetFromOptions(self._ksp), "KSPSetFromOptions")
        check(PETSC.KSPSetNormType(self._ksp, UNPRECONDITIONED), "KSPSetNormType")
        check(PETSC.KSPSetInitialGuessNonzero(self._ksp, 1), "KSPSetInitialGuessNonzero")
        PETSC.KSPSetResidualHistory(self._ksp, POINTER(self._history.ctypes.data), HISTORY, 1)
        check(PETSC.KSPSetUp(self._ksp), "KSPSetUp")

    def run(self, inputs: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``(x, told, history)`` of one solution.

        Raises
        ------
        RuntimeError
            When it stops above the tolerance.
        """
        self._values[:] = inputs["x0"]
        tolerance, limit = ctypes.c_double(inputs["tolerance"]), min(int(inputs["limit"]), INT32_MAX)
        PETSC.KSPSetTolerances(self._ksp, tolerance, ctypes.c_double(0), ctypes.c_double(DIVERGED), limit)
        b = vector(inputs["b"])
        check(PETSC.KSPSolve(self._ksp, b, self._x), "KSPSolve")
        PETSC.VecDestroy(ctypes.byref(b))
        reason, count = ctypes.c_int(), ctypes.c_int()
        PETSC.KSPGetConvergedReason(self._ksp, ctypes.byref(reason))
        PETSC.KSPGetIterationNumber(self._ksp, ctypes.byref(count))
        if reason.value < 0:
            raise RuntimeError(REASONS.get(reason.value, f"PETSc's reason {reason.value}"))
        norm = np.linalg.norm(inputs["b"])
        return self._values, np.array([float(count.value)]), self._history / (norm or 1.0)

    def __del__(self) -> None:
        PETSC.KSPDestroy(ctypes.byref(self._ksp))
        PETSC.VecDestroy(ctypes.byref(self._x))
        PETSC.MatDestroy(ctypes.byref(self._a.handle))
