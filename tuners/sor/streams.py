"""Sequences of related linear systems, as a simulation solves them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator as Random
from scipy.sparse import block_array, csr_array, diags_array, eye_array, kron, random_array

from hpcbench.inputs import equations


@dataclass(frozen=True)
class System:
    """a x = b from x0: a (n, n) in CSR, sorted, float64; ``context``: what a user knows of it, its shift."""

    a: csr_array
    b: np.ndarray
    x0: np.ndarray
    context: float


Stream = Generator[System, np.ndarray, None]  # takes the solution of the last system by `send`


@dataclass(frozen=True)
class Kind:
    """How a stream is made; for policies the least and greatest context, and a great count of iterations.

    ``systems``: how many there are, of a stream that ends.
    """

    make: Callable[[Random], Stream]
    bounds: tuple[float, float]
    scale: float
    summary: str
    systems: int | None = None


class Family:
    """scale * (K + shift * M), M diagonal, at the cost of one pass over K's entries."""

    def __init__(self, k: csr_array, m: np.ndarray | float = 1.0):
        self.k, n = k, k.shape[0]
        self.diagonal = np.flatnonzero(k.indices == np.repeat(np.arange(n), np.diff(k.indptr)))
        if len(self.diagonal) < n:
            raise ValueError("a matrix whose diagonal has zeros cannot be shifted")
        self.m = np.broadcast_to(m, n)

    def at(self, shift: float, scale: float = 1.0) -> csr_array:
        """The matrix of a shift and a scale; its indices are K's own."""
        data = self.k.data * scale
        data[self.diagonal] += scale * shift * self.m
        a = csr_array((data, self.k.indices, self.k.indptr), shape=self.k.shape)
        a.has_canonical_format = True
        return a


def shifted(rng: Random, one: float, other: float, side: int = 10) -> Stream:
    """2D Laplacian + c I, c = -0.15 + 0.6 Beta(one, other), b normal (Khodak et al., ICLR 2024, section 4)."""
    family = Family(equations.poisson(side, 2))
    while True:
        c = -0.15 + 0.6 * rng.beta(one, other)
        yield System(family.at(c), rng.standard_normal(side * side), np.zeros(side * side), c)


def heat(rng: Random, side: int = 100, steps: int = 5000) -> Stream:
    """Crank-Nicolson steps of u' = k(t) laplace(u) + f on the unit square, five time units in ``steps`` steps.

    k(t) = max(0.1 sin 2 pi t, -10 sin 2 pi t), from the last solution (Khodak et al., ICLR 2024, section 4); f is a
    source that circles, u starts with a bump.
    """
    laplace = equations.poisson(side, 2)
    family = Family(laplace)
    h, dt = 1 / (side + 1), 5 / steps
    y, x = np.meshgrid(*[np.arange(1, side + 1) * h] * 2, indexing="ij")

    def bump(cx: float, cy: float, width: float) -> np.ndarray:
        found: np.ndarray = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / width**2).ravel()
        return found

    def strength(t: float) -> float:
        return float(dt / (2 * h * h) * max(0.1 * np.sin(2 * np.pi * t), -10 * np.sin(2 * np.pi * t)))

    u = bump(rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), 0.1)
    phase = rng.uniform(0, 2 * np.pi)
    step = 0
    while True:
        t = step * dt
        old, new = strength(t), max(strength(t + dt), 1e-12)
        angle = 2 * np.pi * t + phase
        source = dt * bump(0.5 + 0.25 * np.cos(angle), 0.5 + 0.25 * np.sin(angle), 0.05)
        b = u - old * (laplace @ u) + source
        u = yield System(family.at(1 / new, new), b, u, new)
        step += 1


def abrupt(rng: Random, side: int = 10, every: int = 250) -> Stream:
    """Another equation, mesh direction and shift every 250 systems: Poisson, anisotropic, nine points, jumps."""
    makers: list[Callable[[], csr_array]] = [
        lambda: equations.poisson(side, 2), lambda: equations.poisson(side, 2, 0.01),
        lambda: nine_points(side), lambda: equations.jumps(side, 5, rng),
    ]  # fmt: skip
    while True:
        k = makers[rng.integers(len(makers))]()
        family, low = Family(k, k.diagonal()), 10 ** rng.uniform(-3, 0)
        for _ in range(every):
            c = low * rng.uniform(0.5, 1.5)
            yield System(family.at(c), rng.standard_normal(side * side), np.zeros(side * side), c)


def heavy_tailed(rng: Random, side: int = 10) -> Stream:
    """2D Laplacian - (lambda_min - g) I, g small with a heavy tail, index 0.8: few systems cost the most."""
    family = Family(equations.poisson(side, 2))
    least = 8 * np.sin(np.pi / (2 * side + 2)) ** 2
    while True:
        gap = max(1e-4, 0.5 * rng.uniform() ** (1 / 0.8))
        yield System(
            family.at(gap - least), rng.standard_normal(side * side), np.zeros(side * side), gap - least
        )


def flows(rng: Random, side: int = 16) -> Stream:
    """Convection and diffusion, not symmetric, the flow's strength drawn anew: Jacobi's spectrum is complex."""
    while True:
        peclet = 10 ** rng.uniform(-1, 1.5)
        a = equations.convection(side, peclet)
        a.has_canonical_format = True
        yield System(a, rng.standard_normal(side * side), np.zeros(side * side), peclet)


def unrelated(rng: Random, n: int = 100) -> Stream:
    """The Laplacian of another random graph every time, three edges a node, plus a shift over two decades."""
    while True:
        shift = 10 ** rng.uniform(-2, 0)
        a = csr_array(equations.graph(random_array((n, n), density=3 / n, rng=rng, format="csr"), shift))
        a.has_canonical_format = True
        yield System(a, rng.standard_normal(n), np.zeros(n), shift)


def coupled(rng: Random, side: int = 9) -> Stream:
    """Two fields, each a Laplacian plus a shift, coupled with a strength drawn anew.

    Sums and differences of the fields are eigenvectors whatever the strength, so that an inverse iteration may find
    the wrong ones; not consistently ordered.
    """
    k, n = equations.poisson(side, 2), 2 * side * side
    while True:
        strength, shift = rng.uniform(0, 0.98), 10 ** rng.uniform(-1.5, 0.5)
        a = csr_array(kron([[1.0, strength], [strength, 1.0]], k + shift * eye_array(n // 2)))
        a.sum_duplicates()  # and sort
        yield System(a, rng.standard_normal(n), np.zeros(n), shift)


def cyclic(rng: Random, n: int = 40) -> Stream:
    """Three groups of unknowns, each given by the one before: Jacobi's eigenvalues are cube roots.

    Where they are those of negative numbers, the best omega is below 1 and rho is often not known.
    """
    while True:
        r, sign = rng.uniform(0.3, 0.97), rng.choice([-1.0, 1.0])
        mixed = random_array((n, n), density=3 / n, rng=rng, format="csr")
        near = r * (eye_array(n) + 0.3 / mixed.sum(1).max() * mixed)
        one = eye_array(n)
        a = csr_array(block_array([[one, None, -sign * r * one], [-near, one, None], [None, -r * one, one]]))
        a.sum_duplicates()  # and sort
        yield System(a, rng.standard_normal(3 * n), np.zeros(3 * n), r)


def rotated(rng: Random, side: int = 12) -> Stream:
    """Anisotropic diffusion whose direction and strength wander: easy phases, and hard ones."""
    i, line = eye_array(side), equations.poisson(side, 1)
    slope, angle = diags_array([-0.5, 0.5], offsets=[-1, 1], shape=(side, side)), 0.0
    while True:
        angle += 0.05 * rng.standard_normal()
        weak, c, s = 10 ** (np.sin(angle) - 1), np.cos(angle), np.sin(angle)
        a = (c * c + weak * s * s) * kron(i, line) + (s * s + weak * c * c) * kron(line, i)
        a = csr_array(a - 2 * (1 - weak) * c * s * kron(slope, slope) + 0.01 * eye_array(side * side))
        a.sum_duplicates()  # and sort
        yield System(a, rng.standard_normal(side * side), np.zeros(side * side), angle)


def loose(rng: Random, n: int = 100) -> Stream:
    """Other random entries of both signs every time, a diagonal of 0.5 to 1.3 of their sums: SOR may diverge."""
    while True:
        others = random_array((n, n), density=6 / n, rng=rng, format="csr", data_sampler=rng.standard_normal)
        share = rng.uniform(0.5, 1.3)
        a = csr_array(others + diags_array(share * abs(others).sum(1) + 1e-3))
        a.sum_duplicates()  # and sort
        yield System(a, rng.standard_normal(n), np.zeros(n), share)


def nine_points(side: int) -> csr_array:
    """The nine-point Laplacian: not consistently ordered."""
    line = diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(side, side))
    return csr_array(9.0 * eye_array(side * side) - kron(line, line))


def misleading(rng: Random, side: int = 10) -> Stream:
    """Squares of shifted Laplacians, rows scaled at random: rho(Jacobi) > 1, and Young's formula means nothing."""
    family = Family(equations.poisson(side, 2))
    n = side * side
    while True:
        c = 10 ** rng.uniform(-1.5, 0.5)
        root = family.at(c)
        rows = diags_array(10 ** rng.uniform(-1, 1, n))
        a = csr_array(rows @ (root @ root))
        a.sum_duplicates()  # and sort
        yield System(a, rng.standard_normal(n), np.zeros(n), c)


STREAMS = {
    "high": Kind(lambda g: shifted(g, 0.5, 1.5), (-0.15, 0.45), 1000.0, "2D Laplacian on 10^2, shifts vary much"),
    "low": Kind(lambda g: shifted(g, 2.0, 6.0), (-0.15, 0.45), 1000.0, "2D Laplacian on 10^2, shifts vary little"),
    "heat": Kind(heat, (0.0, 52.0), 1000.0, "Crank-Nicolson steps of the heat equation on 100^2, warm starts"),
    "heat200": Kind(lambda g: heat(g, 200), (0.0, 210.0), 1000.0, "the same on 200^2"),
    "abrupt": Kind(abrupt, (0.0, 1.5), 1000.0, "another equation every 250 systems"),
    "heavy_tailed": Kind(heavy_tailed, (-0.17, 1.0), 1000.0, "few systems cost the most"),
    "flows": Kind(flows, (0.0, 32.0), 1000.0, "convection and diffusion: not symmetric"),
    "misleading": Kind(misleading, (0.0, 3.2), 1000.0, "rho(Jacobi) > 1, rows scaled at random"),
    "unrelated": Kind(unrelated, (0.0, 1.0), 1000.0, "another random graph every time"),
    "coupled": Kind(coupled, (0.0, 3.2), 1000.0, "two fields: an eigenvector may be the wrong one"),
    "cyclic": Kind(cyclic, (0.0, 1.0), 1000.0, "three groups in a ring: Jacobi's eigenvalues are cube roots"),
    "rotated": Kind(rotated, (-7.0, 7.0), 1000.0, "anisotropy whose direction and strength wander"),
    "loose": Kind(loose, (0.5, 1.3), 1000.0, "random entries of both signs, SOR may diverge"),
}  # fmt: skip
