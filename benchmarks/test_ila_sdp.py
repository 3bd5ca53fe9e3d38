"""Races of the ADMM solver with general SDP solvers, and growth with the number of points.

Run with ``pytest benchmarks/test_ila_sdp.py -s``; the table counts CPU seconds of one thread.
"""

import time

import numpy as np
import pytest

from mixbook.mixtures import ila_sdp as il

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"n = {n:6d}  {what:42s} {seconds:8.2f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def costs(n, p=8, seed=0):
    d = il.make_crossing(n, p, random_state=seed)
    return il.mahalanobis_cost(d.X, d.covariances)


def with_cvxpy(C, solver):
    import cvxpy as cp

    K, n, _ = C.shape
    Z = [cp.Variable((n, n), symmetric=True) for _ in range(K)]
    constraints = [cp.sum(sum(Z), axis=1) == 1]
    for z in Z:
        constraints += [z >> 0, z >= 0, cp.trace(z) == 1]
    problem = cp.Problem(cp.Minimize(sum(cp.trace(C[k] @ Z[k]) for k in range(K))), constraints)
    return problem.solve(solver=solver)


def test_race_with_general_solvers_to_the_same_value(benchmark):
    pytest.importorskip("cvxpy")
    n = 24
    C = costs(n)
    ours = benchmark.pedantic(il.solve_la_sdp, (C,), {"tol": 1e-7}, rounds=3)
    SECONDS["ours", n] = benchmark.stats.stats.min
    for solver in ("CLARABEL", "SCS"):
        value = clock(f"cvxpy with {solver}", n, with_cvxpy, C, solver)
        assert ours.value == pytest.approx(value, abs=0.05)


def test_following_the_eigenvectors_beats_decomposing_each_time(monkeypatch):
    from mixbook.mixtures.ila_sdp import _solver

    C, n = costs(100), 100
    fast = clock("LA-SDP, eigenvectors followed", n, il.solve_la_sdp, C)
    monkeypatch.setattr(_solver, "EXACT_EVERY", 1)
    exact = clock("LA-SDP, exact decompositions", n, il.solve_la_sdp, C)
    assert fast.value == pytest.approx(exact.value, abs=0.05)
    assert SECONDS["LA-SDP, eigenvectors followed", n] < SECONDS["LA-SDP, exact decompositions", n]


def test_sixty_points_take_less_than_two_seconds(benchmark):
    d = il.make_crossing(60, 8, random_state=0)
    model = benchmark.pedantic(il.ILASDP(2, random_state=0).fit, (d.X,), rounds=3)
    SECONDS["iLA-SDP, K = 2", 60] = benchmark.stats.stats.min
    assert il.clustering_error(d.y, model.labels_) < 0.2
    assert benchmark.stats.stats.min < 2


def test_growth_up_to_three_hundred_points():
    points = []
    for n in (75, 150, 300):
        d = il.make_crossing(n, 8, random_state=1)
        model = clock("iLA-SDP, K = 2", n, il.ILASDP(2, random_state=0).fit, d.X)
        points.append((n, SECONDS["iLA-SDP, K = 2", n]))
        assert il.clustering_error(d.y, model.labels_) < 0.2
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert points[-1][1] < 120
    assert slope < 4


def test_ten_thousand_points_by_a_subsample():
    d = il.make_crossing(10_000, 8, random_state=0)
    model = il.ILASDP(2, subsample=150, random_state=0)
    clock("iLA-SDP on 150, extended", 10_000, model.fit, d.X)
    assert il.clustering_error(d.y, model.labels_) < 0.02
    assert SECONDS["iLA-SDP on 150, extended", 10_000] < 30
