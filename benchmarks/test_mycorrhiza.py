"""Races of NeighborNet with scipy's solvers and with splitspy (where it is installed), and growth.

Run with ``pytest benchmarks/test_mycorrhiza.py -s``; the table counts CPU seconds of one thread.
"""

import itertools
import time

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from mixbook.data import load_gypsy_moth, load_m_fijiensis
from mixbook.mixtures import mycorrhiza as my

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"N = {n:4d}  {what:46s} {seconds:8.3f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def euclid(N, seed=0):
    X = np.random.default_rng(seed).normal(size=(N, 10))
    return np.linalg.norm(X[:, None] - X, axis=2)


def with_scipy(D, order):
    """The same problem with the whole design matrix."""
    N = len(D)
    pairs = np.array(list(itertools.combinations(range(N), 2)))
    a, b = pairs.T
    inside = (np.arange(N) > a[:, None]) & (np.arange(N) <= b[:, None])
    A = (inside[:, pairs[:, 0]] != inside[:, pairs[:, 1]]).T.astype(float)
    d = D[np.ix_(order, order)]
    return nnls(A, d[a, b], maxiter=20 * len(a))[1] ** 2


def with_bounds(D, order):
    """L-BFGS-B with our fast gradient: what one would try first."""
    d, (a, b) = D[np.ix_(order, order)], np.triu_indices(len(D), 1)

    def squares(w):
        W = np.zeros_like(d)
        W[a, b] = W[b, a] = w
        left = my.across(W)[:-1, :-1] - d
        return (left**2).sum() / 4, my.across(left)[1:, 1:][a, b]

    start = np.maximum(my.exact_weights(d)[a, b], 0)
    settings = {"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-13, "gtol": 1e-9}
    found = minimize(
        squares, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(a), options=settings
    )
    return 2 * found.fun


def unexplained(D, order, W):
    d = D[np.ix_(order, order)]
    return ((d - my.across(W)[:-1, :-1]) ** 2).sum() / 2


def test_ninety_moths_in_less_than_three_seconds(benchmark):
    D = my.genetic_distance(load_gypsy_moth().G)
    system = benchmark.pedantic(my.neighbor_net, (D,), rounds=3)
    SECONDS["ours, moths", 90] = benchmark.stats.stats.min
    assert system.fit > 0.99
    assert benchmark.stats.stats.min < 3


def test_three_hundred_fungi_in_less_than_thirty_seconds():
    fungus = load_m_fijiensis()
    some = np.random.default_rng(0).permutation(678)[:300]
    D = my.genetic_distance(fungus.G[some], "hamming")
    system = clock("ours, fungi", 300, my.neighbor_net, D)
    assert system.fit > 0.9
    assert SECONDS["ours, fungi", 300] < 30


def test_race_with_the_dense_solver_to_the_same_squares():
    N = 40
    D = euclid(N)
    order = my.circular_order(D)
    W = clock("ours, weights only", N, my.split_weights, D, order)
    theirs = clock("scipy nnls on the design matrix", N, with_scipy, D, order)
    assert unexplained(D, order, W) == pytest.approx(theirs, rel=1e-6)
    assert SECONDS["ours, weights only", N] < SECONDS["scipy nnls on the design matrix", N]


def test_race_with_bounded_descent():
    N = 60
    D = my.genetic_distance(np.random.default_rng(0).integers(3, size=(N, 6)), "hamming")
    order = my.circular_order(D)
    W = clock("ours, weights only, with ties", N, my.split_weights, D, order)
    theirs = clock("L-BFGS-B with our gradient, with ties", N, with_bounds, D, order)
    assert unexplained(D, order, W) <= theirs * (1 + 1e-9)
    ours = SECONDS["ours, weights only, with ties", N]
    assert 2 * ours < SECONDS["L-BFGS-B with our gradient, with ties", N]


def test_race_with_splitspy():
    nnet = pytest.importorskip("splitspy.nnet.nnet_algo")
    N = 60
    D = euclid(N)
    ours = clock("ours, order and weights", N, my.neighbor_net, D)
    _, splits = clock(
        "splitspy", N, nnet.neighbor_net, [str(i) for i in range(N)], D.tolist(), cutoff=1e-6
    )
    assert abs(len(splits) - len(ours)) < 0.3 * len(ours)
    assert SECONDS["ours, order and weights", N] < SECONDS["splitspy", N]


def test_growth_of_the_order():
    sizes = (200, 400, 800)
    for N in sizes:
        clock("ours, order only", N, my.circular_order, euclid(N))
    times = [SECONDS["ours, order only", N] for N in sizes]
    slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(f"growth exponent of the order {slope:.2f}")
    assert slope < 3.5


def test_growth_of_the_weights():
    sizes = (60, 120, 240)
    for N in sizes:
        D = euclid(N)
        clock("ours, weights only", N, my.split_weights, D, my.circular_order(D))
    times = [SECONDS["ours, weights only", N] for N in sizes]
    slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    print(f"growth exponent of the weights {slope:.2f}")
    assert slope < 4.5
