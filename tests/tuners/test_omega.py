"""The omega tuner: its spectrum against dense arithmetic, its choices against every fixed omega, its library from C."""

import ctypes
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array, eye_array, kron

from hpcbench import build, launch
from hpcbench.inputs import equations
from hpcbench.spec import HpcbenchError
from tuners.sor import OmegaTuner, Solver, streams
from tuners.sor.contest import contest
from tuners.sor.core import FOLDER, Choice, Tuner, library
from tuners.sor.spectrum import Spectrum

ROOT = Path(__file__).parents[2]


def rho(a):
    """Of Jacobi's iteration, dense."""
    dense = a.toarray()
    return max(abs(np.linalg.eigvals(np.eye(len(dense)) - dense / np.diag(dense)[:, None])))


def coupled(strength, shift):
    """Two fields; sums and differences of them are eigenvectors whatever the strength."""
    half = equations.poisson(9, 2) + shift * eye_array(81)
    return csr_array(kron([[1.0, strength], [strength, 1.0]], half))


def gap(tuner, a, spent):
    """1 - rho, as a tuner takes it to be after so many iterations."""
    tuner._tuner.spent = spent
    tuner.ask(a)
    return tuner._tuner.gap


def totals(found):
    """Of each contender over the best fixed omega and over the best one for each system."""
    fixed, each = found.grid.sum(0).min(), found.grid.min(1).sum()
    return {name: (costs.sum() / fixed, costs.sum() / each) for name, costs in found.costs.items()}


@pytest.mark.parametrize(
    "matrix",
    [
        equations.poisson(12, 2),
        equations.poisson(12, 2, 0.05),
        equations.jumps(12, 4, np.random.default_rng(0)),
    ],
)
def test_the_gap_is_jacobis(matrix):
    tuner, family = OmegaTuner(), streams.Family(matrix, matrix.diagonal())
    for shift, scale in ((0.05, 1.0), (0.5, 0.01), (0.2, 100.0), (0.01, 3.0)):
        a = family.at(shift, scale)
        assert gap(tuner, a, 10**6) == pytest.approx(1 - rho(a), rel=0.03)


def test_another_matrix_is_noticed():
    tuner = OmegaTuner()
    gap(tuner, equations.poisson(12, 2), 10**6)
    other = equations.jumps(12, 3, np.random.default_rng(1))
    found = [gap(tuner, other, 10**6) for _ in range(10)]
    assert found[-1] == pytest.approx(1 - rho(other), rel=0.1)
    assert all(one == 0 or one == pytest.approx(found[-1], rel=0.3) for one in found)


def test_scaled_rows_and_columns_change_how_y_must_be_but_not_how_far_it_is():
    """D A D is similar to A for Jacobi's iteration, and a vector of few large entries is no eigenvector of it."""
    tuner, a, rng = OmegaTuner(), equations.poisson(12, 2), np.random.default_rng(0)
    known, spectrum = gap(tuner, a, 10**6), tuner._spectrum
    d = diags_array(10 ** rng.uniform(-1, 1, 144))
    scaled = csr_array(d @ a @ d)
    scaled.sort_indices()
    off = spectrum.off.value
    y = spectrum.state()["y"]
    spectrum.restore(spectrum.state() | {"y": (y / d.diagonal()).tolist()})
    assert gap(tuner, scaled, 0) == pytest.approx(known)
    assert spectrum.off.value == pytest.approx(off)
    spectrum.restore(spectrum.state() | {"y": np.eye(144)[70].tolist()})
    assert gap(tuner, a, 0) == 0


@pytest.mark.parametrize("own", [False, True])
def test_the_eigenvector_of_another_eigenvalue_is_found_out(own):
    """The least one is a sum of both fields where they hardly know of each other, a difference where they do."""
    tuner, solve, spent = OmegaTuner(), Solver(), []
    for strength in [0.0] * 4 + [0.95] * 30:
        a, b = coupled(strength, 0.3), np.random.default_rng(0).standard_normal(162)
        if not own:
            spent.append(tuner.solve(a, b).iterations)
            continue
        choice, x = tuner.ask(a), None
        while True:
            found = solve(a, b, x, omega=choice.omega, limit=choice.limit)
            tuner.tell(choice, found.iterations, found.residuals[0], solved=not found.stopped)
            if not found.stopped:
                break
            choice, x = tuner.again(choice), found.x
        spent.append(found.iterations)
    best = min(Solver()(a, b, omega=omega).iterations for omega in np.arange(1, 2, 0.05))
    assert np.mean(spent[-10:]) < 1.05 * best
    assert tuner._tuner.gap == pytest.approx(0.05 * (1 - rho(coupled(0.0, 0.3))), rel=0.1)


def test_part_of_a_large_matrix_tells_its_gap():
    tuner, side = OmegaTuner(), 60
    known = 1 - np.cos(np.pi / (side + 1))
    assert gap(tuner, equations.poisson(side, 2), 10**6) == pytest.approx(known, rel=0.05)


def test_without_a_diagonal_there_is_no_gap_and_the_system_ends():
    a = csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert gap(OmegaTuner(), a, 0) == 0
    assert "diagonal" in OmegaTuner().solve(a, np.ones(2)).stopped


@pytest.mark.parametrize("solver", ["sor", "sor_multicolour", "ssor_cg"])
def test_a_solver_solves_and_says_when_it_does_not(solver):
    rng = np.random.default_rng(0)
    a, x = equations.poisson(15, 2), rng.standard_normal(225)
    found = Solver(solver, tolerance=1e-10)(a, a @ x, omega=1.6)
    assert np.abs(found.x - x).max() < 1e-8
    assert len(found.residuals) == found.iterations + 1
    assert found.residuals[-1] <= 1e-10 < found.residuals[-2]
    assert Solver(solver)(a, a @ x, found.x, omega=1.6).iterations <= 1
    cut = Solver(solver)(a, a @ x, omega=1.6, limit=3)
    assert (cut.iterations, "as are allowed" in cut.stopped) == (3, True)


def test_what_setup_made_is_freed():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    a, solver = equations.poisson(100, 2), Solver("sor")
    b = np.ones(10_000)
    for _ in range(20):
        solver(a, b, limit=1)
    before = resident()
    for _ in range(200):
        solver(a, b, limit=1)
    assert resident() - before < 20e6  # a handle holds about a megabyte


def test_other_formats_are_converted_and_other_shapes_refused():
    a = equations.poisson(8, 2)
    order = np.concatenate([np.r_[span[::-1], span] for span in np.split(np.arange(a.nnz), a.indptr[1:-1])])
    twice = csr_array(
        (a.data[order] / 2, a.indices[order], 2 * a.indptr), shape=a.shape
    )  # unsorted, duplicates
    assert not twice.has_canonical_format
    b = np.ones(64)
    for other in (a.tocsc(), a.tocoo(), twice, a.astype(np.float32)):
        assert np.allclose(Solver()(other, b).x, Solver()(a, b).x)
    for bad in (
        lambda: Solver()(a, b[1:]), lambda: Solver()(a[1:], b), lambda: OmegaTuner().solve(a, b, b[1:]),
        lambda: Solver()(a.toarray(), b), lambda: Solver()(a * 1j, b), lambda: Solver()(a, b * 1j),
        lambda: Solver()(a, b, omega=2.0), lambda: Solver(tolerance=float("nan")), lambda: Solver(limit=2**63),
    ):  # fmt: skip
        with pytest.raises(HpcbenchError, match=r"expected|square"):
            bad()
    with pytest.raises(HpcbenchError, match="not a native solver"):
        Solver("scipy_cg")
    for solver in ("bicgstab", "jacobi"):
        with pytest.raises(HpcbenchError, match="none of relaxation"):
            OmegaTuner(solver)
    for wrong in ({"tolerance": 0}, {"limit": 0}, {"tolerance": float("nan")}):
        with pytest.raises(HpcbenchError, match="expected"):
            OmegaTuner(**wrong)


def test_nothing_to_do_and_nothing_that_can_be_done():
    a, b = equations.poisson(8, 2), np.ones(64)
    tuner = OmegaTuner()
    first = tuner.solve(a, b)
    assert (tuner.solve(a, 0 * b).x == 0).all()
    assert tuner.solve(a, b, first.x).iterations <= 1
    for odd in (np.r_[np.nan, b[1:]], np.r_[np.inf, b[1:]]):
        assert tuner.solve(a, odd).stopped
    assert Solver()(a, 0 * b).residuals.tolist() == [0.0]
    assert tuner.solve(a, b).stopped == ""
    skew = csr_array(a + diags_array([0.5], offsets=[3], shape=a.shape))
    assert "symmetric" in OmegaTuner("ssor_cg").solve(skew, b).stopped


def test_the_last_attempt_has_the_whole_limit():
    """Young's omega diverges here, and Gauss-Seidel takes nearly all that is allowed."""
    a = equations.convection(16, 20.0)
    a.has_canonical_format = True
    b = np.random.default_rng(0).standard_normal(256)
    need = Solver()(a, b, omega=1.0).iterations
    assert OmegaTuner(limit=need + 5).solve(a, b).stopped == ""


def test_what_diverges_is_not_tried_for_ever():
    tuner = OmegaTuner(limit=2000)
    stream = streams.STREAMS["loose"].make(np.random.default_rng(0))
    failed = [found.iterations for s in islice(stream, 150) if (found := tuner.solve(s.a, s.b)).stopped]
    assert failed
    assert max(failed) <= 3000 + 30  # inverse iterations


def test_one_solver_serves_many_threads():
    a, solver = equations.poisson(30, 2), Solver()
    right = [np.random.default_rng(k).standard_normal(900) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            for b, found in zip(right, pool.map(lambda b: solver(a, b, omega=1.8), right), strict=True):
                assert np.linalg.norm(b - a @ found.x) <= 1.01e-8 * np.linalg.norm(b)


def test_what_is_not_solved_costs_its_limit():
    found = contest(
        "flows", streams.STREAMS["flows"], ["omega_tuner", "one_solve"], steps=12, seed=4, limit=60
    )
    failed = (found.grid == 60).all(1)
    assert failed.any()
    assert all((costs[failed] >= 60).all() for costs in found.costs.values())


@pytest.mark.parametrize(
    ("stream", "steps", "over_fixed", "over_each"),
    [
        ("low", 300, 0.8, 1.06), ("high", 300, 0.7, 1.2), ("abrupt", 600, 0.95, 1.15), ("heavy_tailed", 300, 0.8, 1.5),
        ("flows", 300, 1.15, 2.5), ("misleading", 600, 1.15, 1.5),
        ("unrelated", 300, 1.1, 2.0), ("coupled", 600, 1.4, 1.6), ("cyclic", 300, 1.1, 1.6), ("loose", 300, 1.1, 1.3),
        pytest.param("rotated", 2500, 1.05, 1.1, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_it_is_near_what_could_have_been_chosen(stream, steps, over_fixed, over_each):
    found = contest(stream, streams.STREAMS[stream], ["omega_tuner"], steps=steps, seed=3)
    fixed, each = totals(found)["omega_tuner"]
    assert fixed < over_fixed
    assert each < over_each


def test_an_old_formula_without_its_context_is_behind(monkeypatch):
    """Without the vector there is no context left but the systems' own costs."""
    monkeypatch.setattr(Spectrum, "fits", lambda self, a: False)
    monkeypatch.setattr(Spectrum, "renewed", lambda self, a, spent: 0.0)
    found = contest("low", streams.STREAMS["low"], ["omega_tuner"], steps=300, seed=3)
    assert totals(found)["omega_tuner"][0] > 0.95


def test_one_solve_is_youngs_recipe():
    found = contest("low", streams.STREAMS["low"], ["one_solve"], steps=200, seed=0)
    assert totals(found)["one_solve"][1] < 1.03


def test_it_goes_on_from_its_state():
    one, other = OmegaTuner(), OmegaTuner()
    stream = streams.STREAMS["high"].make(np.random.default_rng(5))
    for system in islice(stream, 60):
        one.solve(system.a, system.b)
    other.restore(json.loads(json.dumps(one.state())))
    for system in islice(stream, 60):
        assert one.ask(system.a).omega == other.ask(system.a).omega
        assert one.solve(system.a, system.b).iterations == other.solve(system.a, system.b).iterations


GAP = 0.02


def played(costs, gap=GAP):
    """A tuner's memory after systems of one gap that took so many iterations, and the more the further from Young's omega."""
    core, tuner, choice = library(), Tuner(), Choice()
    core.omega_begin(ctypes.byref(tuner), 1e-8, 100_000, 0)
    for cost in costs:
        core.omega_ask(ctypes.byref(tuner), gap, ctypes.byref(choice))
        far = 0 if choice.relative and choice.arm == 8 else 20
        core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), cost + far, 1.0, True)
    return tuner


def test_outliers_are_no_change_and_a_change_is():
    known = lambda tuner: sum(arm.expected / tuner.unit for arm in tuner.offset)  # noqa: E731
    steady = known(played([60] * 300))
    assert known(played([60] * 200 + [3000 if k % 10 == 0 else 60 for k in range(100)])) > 0.5 * steady
    assert known(played([60] * 280 + [200] * 20)) < 0.1 * steady


def test_what_a_failed_system_costs_is_its_first_choices_fault():
    core, tuner, choice, again = library(), played([60] * 200), Choice(), Choice()
    core.omega_ask(ctypes.byref(tuner), GAP, ctypes.byref(choice))
    assert not choice.trial
    lost = list(tuner.lost)
    core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), choice.limit, 1.0, False)
    core.omega_again(ctypes.byref(tuner), ctypes.byref(choice), ctypes.byref(again))
    core.omega_tell(ctypes.byref(tuner), ctypes.byref(again), 500, 1.0, True)
    assert list(tuner.lost) == lost


def test_where_no_gap_is_known_it_begins_near_those_that_were():
    core, tuner, choice = library(), played([60] * 50), Choice()
    core.omega_ask(ctypes.byref(tuner), 0.0, ctypes.byref(choice))
    assert choice.omega == pytest.approx(2 / (1 + np.sqrt(1 - (1 - GAP) ** 2)), abs=0.03)
    assert not choice.relative


def test_easy_systems_without_a_gap_are_learned_from_too():
    core, tuner, choice, chosen = library(), Tuner(), Choice(), []
    core.omega_begin(ctypes.byref(tuner), 1e-8, 100_000, 0)
    for _ in range(300):
        core.omega_ask(ctypes.byref(tuner), 0.0, ctypes.byref(choice))
        chosen.append(choice.omega)
        core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), 8 if choice.omega == 1 else 4, 1.0, True)
    assert np.mean(np.array(chosen[100:]) != 1) > 0.9


def test_after_a_failure_an_omega_unlike_those_that_failed_is_tried():
    core, tuner, again = library(), Tuner(), Choice()
    core.omega_begin(ctypes.byref(tuner), 1e-8, 100_000, 0)
    for _ in range(50):  # Young's formula, 1.65, which is nearly the same, and two that are not
        for relative, arm, cost in ((1, 8, 60), (0, 19, 62), (1, 12, 90), (0, 10, 95)):
            choice = Choice()
            core.omega_ask(ctypes.byref(tuner), GAP, ctypes.byref(choice))
            choice.relative, choice.arm, choice.trial = relative, arm, 0
            core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), cost, 1.0, True)
    choice.arm, choice.relative, choice.omega = 8, 1, 2 / (1 + np.sqrt(1 - (1 - GAP) ** 2))
    tried = []
    for _ in range(2):
        core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), choice.limit, 1.0, False)
        core.omega_again(ctypes.byref(tuner), ctypes.byref(choice), ctypes.byref(again))
        choice = Choice.from_buffer_copy(again)
        tried.append((choice.relative, choice.arm))
    assert tried == [(1, 12), (0, 10)]


def test_a_lines_beginning_is_tried_again_where_it_is_far():
    """Gauss-Seidel is best, but slow three times at first, and the line moves to 1.5, whose neighbours do not tell."""
    core, tuner, choice, rng = library(), Tuner(), Choice(), np.random.default_rng(0)
    core.omega_begin(ctypes.byref(tuner), 1e-8, 100_000, 0)
    chosen, slow = [], 3
    for _ in range(800):
        core.omega_ask(ctypes.byref(tuner), 0.0, ctypes.byref(choice))
        chosen.append(choice.omega)
        cost = 100 * (1 + abs(choice.omega - 1.5))
        if choice.omega == 1:
            cost, slow = 50.0 if slow <= 0 else 150.0, slow - 1
        count = int(cost * rng.lognormal(0, 0.4))
        core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), count, 1.0, True)
    assert np.mean(np.array(chosen[700:]) == 1) > 0.8


def test_systems_may_be_told_of_in_another_order():
    core, tuner, first, second = library(), played([60] * 50), Choice(), Choice()
    for choice, known in ((first, GAP), (second, 0.0)):
        core.omega_ask(ctypes.byref(tuner), known, ctypes.byref(choice))
    used = list(tuner.used)
    for choice in (first, second):
        core.omega_tell(ctypes.byref(tuner), ctypes.byref(choice), 60, 1.0, True)
    assert [now - before for now, before in zip(tuner.used, used, strict=True)] == [60, 60]


def test_threads_may_share_a_tuner():
    """Systems of several sizes, so that a vector of one is never read for another."""
    tuner, matrices = OmegaTuner(), [equations.poisson(side, 2) for side in (5, 40, 90)]

    def solve(k):
        a = matrices[k % 3]
        b = np.full(a.shape[0], 1.0 + k)
        found = tuner.solve(a, b)
        return np.linalg.norm(b - a @ found.x) <= 1e-8 * np.linalg.norm(b)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(solve, range(60)))


def test_what_cannot_be_is_refused():
    tuner = OmegaTuner()
    a = equations.poisson(8, 2)
    choice = tuner.ask(a)
    for iterations, residual in ((5, float("nan")), (-1, 1.0), (5, -1.0)):
        with pytest.raises(HpcbenchError, match="cannot be"):
            tuner.tell(choice, iterations, residual, solved=True)
    state = tuner.state()
    for wrong in (
        state | {"version": 2},
        state | {"version": 4},
        state | {"tuner": "x"},
        state | {"words": state["words"][1:]},
        {},
    ):
        with pytest.raises(HpcbenchError, match="state"):
            tuner.restore(wrong)
    for other in (OmegaTuner(limit=300), OmegaTuner("ssor_cg"), OmegaTuner(tolerance=1e-6)):
        with pytest.raises(HpcbenchError, match="state"):
            other.restore(state)


def test_a_stream_of_one_and_nothing_but_failures():
    a = equations.poisson(10, 2)
    assert OmegaTuner().solve(a, np.ones(100)).stopped == ""
    tuner, odd = OmegaTuner(limit=200), csr_array(a - 3 * eye_array(100))  # indefinite: relaxation diverges
    for _ in range(20):
        before = tuner.inverse_iterations
        found = tuner.solve(odd, np.ones(100))
        assert found.stopped
        assert (
            found.iterations - (tuner.inverse_iterations - before) < 2 * 200
        )  # no attempt begins after the limit


def test_around_a_solver_of_ones_own():
    """pyamg's relaxation, which takes omega and tells no residual: ask, sweep, tell."""
    from pyamg.relaxation.relaxation import sor

    tuner, swept, plain = OmegaTuner(), 0, 0
    for system in islice(streams.STREAMS["low"].make(np.random.default_rng(0)), 40):
        choice, x, size = tuner.ask(system.a), np.zeros(100), np.linalg.norm(system.b)
        while True:
            solved = False
            before, count = np.linalg.norm(system.b - system.a @ x) / size, 0
            while count < choice.limit and not solved:
                sor(system.a, x, system.b, choice.omega)
                count += 1
                solved = np.linalg.norm(system.b - system.a @ x) <= 1e-8 * size
            tuner.tell(choice, count, before, solved=solved)
            swept += count
            if solved:
                break
            choice = tuner.again(choice)
        plain += Solver()(system.a, system.b, omega=1.3).iterations
    assert swept < 0.8 * plain


PETSC = """
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
import numpy as np
from scipy.sparse import csr_array, eye_array
from hpcbench.kernels.solve.petsc import Solver
from hpcbench.kernels.solve.system import System, pack
from tuners.sor import OmegaTuner, streams

total = {"tuner": 0, "one": 0}
tuner, options = OmegaTuner("ssor_cg"), {"pc_type": "sor", "pc_sor_symmetric": 1}
for s in islice(streams.shifted(np.random.default_rng(0), 2, 6, 30), 30):
    a = csr_array(s.a + 0.15 * eye_array(900))
    inputs = pack(System(a, s.b, s.x0, s.x0))
    choice = tuner.ask(a)
    for name, omega in (("tuner", choice.omega), ("one", 1.0)):
        x, told, history = Solver(inputs, **options, pc_sor_omega=omega).run(inputs)
        total[name] += int(told[0])
        if name == "tuner":
            tuner.tell(choice, int(told[0]), history[0], solved=True)
            assert np.linalg.norm(s.b - a @ x) <= 1e-7 * np.linalg.norm(s.b)
print(total["tuner"], total["one"])
"""


def test_around_petsc():
    """PCSOR's omega inside a KSP, set anew for every system; PETSc stays in a process of its own."""
    done = subprocess.run([sys.executable, "-P", "-c", PETSC], capture_output=True, text=True)
    tuned, plain = map(int, done.stdout.split()) if not done.returncode else pytest.fail(done.stderr)
    assert tuned < 0.9 * plain


def petsc4py():
    """An interpreter that has it (Debian's own does), and where it finds it."""
    folders = sorted(str(path) for path in Path("/usr/lib/petscdir").glob("*/*/lib/python3/dist-packages"))
    for python in (sys.executable, "/usr/bin/python3"):
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *folders])}
        line = [python, "-c", "import scipy.sparse; from petsc4py import PETSc"]
        if Path(python).exists() and not subprocess.run(line, env=env, capture_output=True).returncode:
            return python, env
    pytest.skip("no interpreter with petsc4py")


def test_around_petsc4py():
    """As its users do: the example, whose every solution is checked there."""
    python, env = petsc4py()
    line = [python, "-m", "tuners.sor.example_petsc4py"]
    done = subprocess.run(line, env=env, capture_output=True, text=True)
    words = done.stdout.split() if not done.returncode else pytest.fail(done.stderr)
    assert (words[0], words[-3:]) == ("60", ["with", "omega", "1"])
    assert int(words[2]) < 0.65 * int(words[4])


READER = r"""
#include <stdio.h>
#include "omega.h"
int main(void) {
  omega_tuner tuner;
  omega_choice choice = {0};
  omega_begin(&tuner, 1e-8, 100000, 0);
  int again, solved; double gap, residual, other; long iterations;
  while (scanf("%d %lf %ld %lf %d %lf", &again, &gap, &iterations, &residual, &solved, &other) == 6) {
    const omega_choice last = choice;
    if (again) omega_again(&tuner, &last, &choice);
    else omega_ask(&tuner, gap, &choice);
    printf("%.17g %ld\n", choice.omega, (long)choice.limit);
    omega_tell(&tuner, &choice, iterations, residual, solved);
    if (other > 0) omega_forget(&tuner, other, &choice);
  }
  return 0;
}
"""


def test_from_c_the_same_is_chosen(tmp_path):
    """A thousand recorded steps, doubt among them, told to the library by a program in C without fast arithmetic."""
    tuner, rng, told, chosen = OmegaTuner(), np.random.default_rng(0), [], []
    while len(told) < 1000:
        a, again, choice = coupled(0.95 if len(told) > 50 else 0.0, rng.uniform(0.1, 0.5)), 0, None
        while choice is None or again:
            choice = tuner.again(choice) if again else tuner.ask(a)
            count, solved = int(rng.integers(1, 200)), bool(rng.uniform() < 0.8 or choice.attempt > 7)
            known, residual = choice.gap, rng.uniform(0.1, 10)
            chosen.append((choice.omega, choice.limit))
            tuner.tell(choice, count, residual, solved=solved)
            told.append((again, known, count, residual, int(solved), choice.gap if choice.anew else 0.0))
            again = 0 if solved else 1
    (tmp_path / "reader.c").write_text(READER)
    tool = build.compiler("c")
    words = [
        tool,
        "-O1",
        "-std=c11",
        "-I",
        str(FOLDER),
        "reader.c",
        str(FOLDER / "omega.c"),
        str(FOLDER / "omega_solve.c"),
        "-lm",
        "-o",
        "reader",
    ]
    subprocess.run(words, cwd=tmp_path, check=True)
    lines = "".join(f"{a} {g!r} {n} {r!r} {s} {o!r}\n" for a, g, n, r, s, o in told)
    assert any(other for *_, other in told)
    done = subprocess.run([str(tmp_path / "reader")], input=lines, capture_output=True, text=True, check=True)
    read = [line.split() for line in done.stdout.splitlines()]
    assert [(float(w), int(n)) for w, n in read] == [(pytest.approx(w, rel=1e-12), n) for w, n in chosen]


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_example_of_mpi_runs(ranks, tmp_path):
    mpi = launch.mpi()
    words = [
        mpi.compiler("c"),
        "-O2",
        "-I",
        str(FOLDER),
        str(FOLDER / "example_mpi.c"),
        str(FOLDER / "omega.c"),
    ]
    subprocess.run([*words, "-lm", "-o", "example"], cwd=tmp_path, check=True)
    line = [*mpi.launcher, str(ranks), str(tmp_path / "example")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    sweeps = int(done.stdout.split(": ")[1].split()[0])
    assert f"on {ranks} ranks" in done.stdout
    assert 5000 < sweeps < 8000  # Gauss-Seidel takes 60 000


def test_rows_scaled_and_nine_points():
    """Streams are what they say."""
    system = next(streams.misleading(np.random.default_rng(0)))
    assert rho(system.a) > 1
    nine = streams.nine_points(8)
    assert abs(nine - nine.T).max() == 0
    assert np.linalg.eigvalsh(nine.toarray()).min() > 0
    with pytest.raises(ValueError, match="diagonal"):
        streams.Family(csr_array(diags_array([1.0, 0.0])))
