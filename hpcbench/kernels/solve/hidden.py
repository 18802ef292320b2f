"""Inputs that the judge draws and no candidate has seen: odd sizes and structures, fresh in every judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import block_diag, csr_array, diags_array, eye_array

from hpcbench.inputs import equations, generate
from hpcbench.inputs.odd import Rng, odd, scattered
from hpcbench.kernels.solve.system import System, system


def _dominant(n: int, nnz: int, g: Rng) -> csr_array:
    """Symmetric, entries of either sign anywhere, the diagonal a little more than their sum."""
    a = scattered(n, n, nnz, g)
    a = csr_array(a + a.T)
    a.setdiag(0)
    a.eliminate_zeros()
    found = csr_array(a + diags_array(np.abs(a).sum(axis=1) * 1.05 + 1e-3))
    found.sort_indices()
    return found


def _far(n: int, g: Rng) -> csr_array:
    """Pairs of unknowns half of the order apart: ranks exchange most of what they hold, in long messages."""
    half = n // 2
    upper = csr_array((g.uniform(-1, 1, half), (np.arange(half), np.arange(half) + half)), shape=(n, n))
    return csr_array(upper + upper.T + diags_array(g.uniform(1.2, 2, n)))


def _chain(n: int, g: Rng) -> csr_array:
    """Each unknown with the next one, all of them strongly: no two can be computed side by side in their order."""
    edges = csr_array((np.ones(n - 1), (np.arange(n - 1), np.arange(1, n))), shape=(n, n))
    return equations.graph(edges, float(g.uniform(0.01, 0.1)))


def _scaled(a: csr_array, g: Rng) -> csr_array:
    """Unknowns in units that differ by six orders of magnitude."""
    d = diags_array(10.0 ** g.uniform(-3, 3, a.shape[0]))
    return csr_array(d @ a @ d)


def _shifted(g: Rng) -> csr_array:
    """A stencil of more than 50,000 rows, its diagonal up to a quarter larger."""
    a = equations.poisson(odd(g, 226, 250), 2)
    return csr_array(a + diags_array(g.uniform(0.5, 1, a.shape[0])))


DRAWS: dict[str, Callable[[Rng], csr_array]] = {
    "no rows": lambda g: csr_array((0, 0)),
    "one by one": lambda g: csr_array(np.array([[g.uniform(1, 2)]])),
    "diagonal": lambda g: csr_array(diags_array(g.uniform(1, 1000, odd(g, 50, 90)))),
    "prime order": lambda g: _dominant(1009, 4000, g),
    "dense": lambda g: _dominant(odd(g, 40, 70), 9000, g),
    "chain": lambda g: _chain(odd(g, 300, 500), g),
    "one for all": lambda g: equations.graph(_star(odd(g, 200, 400)), 0.5),
    "stencil": lambda g: equations.poisson(odd(g, 20, 40), 2, float(g.uniform(0.05, 1))),
    "cube": lambda g: equations.poisson(odd(g, 7, 11), 3),
    # Jacobi may want a million sweeps where they are of six decades
    "jumps": lambda g: equations.jumps(odd(g, 11, 15), 4, g, decades=4),
    "elasticity": lambda g: equations.elasticity(odd(g, 9, 15)),
    "road": lambda g: equations.road(odd(g, 30, 40), g),
    "power law": lambda g: equations.graph(generate.rmat(8, 8, g), float(g.uniform(0.005, 0.05))),
    "scaled": lambda g: _scaled(equations.poisson(odd(g, 10, 16), 2), g),
    "parts": lambda g: csr_array(block_diag([equations.poisson(k, 2) for k in (3, 8, 1)] + [eye_array(5)])),
    "far": lambda g: _far(odd(g, 60_000, 70_000), g),
    "larger": _shifted,  # soon solved: ranks that share a processor wait long for each other in every iteration
}


def _star(n: int) -> csr_array:
    """One vertex with an edge to each other."""
    return csr_array((np.ones(n - 1), (np.zeros(n - 1, int), np.arange(1, n))), shape=(n, n))


def hidden(contract: str, rng: np.random.Generator) -> dict[str, System]:
    """One input of every kind, by name, drawn anew at every call; some with a guess, one where b is zero."""
    found = {name: system(draw(rng), rng, contract) for name, draw in DRAWS.items()}
    for name in ("stencil", "dense"):
        one = found[name]
        found[f"{name}, from a guess"] = replace(one, x0=one.x + rng.normal(0, 0.1, len(one.x)))
    one = found["cube"]
    found["b is zero"] = replace(one, b=np.zeros_like(one.b), x=np.zeros_like(one.x), x0=one.x)
    found["solved already"] = replace(found["road"], x0=found["road"].x)
    return found
