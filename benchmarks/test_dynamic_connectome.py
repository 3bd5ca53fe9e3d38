"""Races: the factorisation against tensorly, the search against plain Python, and growth curves.

Run with ``pytest benchmarks/test_dynamic_connectome.py -s``; all times are CPU seconds of one
thread.
"""

import time

import numpy as np
import pytest
import tensorly as tl
from tensorly.cp_tensor import cp_to_tensor
from tensorly.decomposition import non_negative_parafac_hals

from mixbook.networks import dynamic_connectome as dc


def seconds(call):
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def planted(n, groups=5, seed=0):
    """Sparse weighted graph of mean degree about 20."""
    rng = np.random.default_rng(seed)
    z = np.arange(n) % groups
    same = z[:, None] == z
    chance = np.where(same, 60 / n, 10 / n)
    A = np.triu(rng.random((n, n)) < chance, 1) * rng.exponential(1 + same, (n, n))
    return A + A.T, z


@pytest.fixture(scope="module", autouse=True)
def _compile():
    dc.WeightedSBM(n_restarts=1).fit(planted(30)[0])


def test_factorisation_is_faster_than_tensorly(benchmark):
    """Sixty sweeps of HALS on the tensor of eight worms, rank 6."""
    X, _ = dc.differential_affinity(dc.simulate_worms(0)[0])

    def peer():
        return non_negative_parafac_hals(X, 6, n_iter_max=60, tol=0, init="random", random_state=0)

    theirs, factors = seconds(peer)
    error = float(tl.norm(X - cp_to_tensor(factors))) / np.linalg.norm(X)
    model = dc.NonnegativeCP(6, 1, 60, 0, random_state=0)
    ours = min(seconds(lambda: model.fit(X))[0] for _ in range(3))
    benchmark.pedantic(model.fit, (X,), rounds=2)
    print(f"\n60 sweeps: ours {ours:.2f} s (error {model.rel_error_:.4f}), ", end="")
    print(f"tensorly {theirs:.2f} s (error {error:.4f}), {theirs / ours:.1f} x")
    assert ours < theirs
    assert model.rel_error_ < error * 1.01
    assert ours < 2


def greedy_by_recomputing(W, b):
    """One sweep of single moves in which each candidate is computed anew."""
    for i in range(len(b)):
        trials = [np.r_[b[:i], s, b[i + 1 :]] for s in range(b.max() + 1)]
        b = min(trials, key=lambda trial: dc.description_length(W, trial))
    return b


def test_incremental_search_beats_recomputation():
    W, _ = planted(60)
    start = np.random.default_rng(0).integers(0, 5, 60)
    slow, _ = seconds(lambda: greedy_by_recomputing(W, start))
    model = dc.WeightedSBM(False, n_restarts=1, random_state=0)
    fast = min(seconds(lambda: model.fit(W))[0] for _ in range(3))
    print(f"\none sweep, recomputed: {slow:.2f} s; whole search: {fast:.2f} s; {slow / fast:.0f} x")
    assert fast < slow
    assert model.description_length_ <= dc.description_length(W, greedy_by_recomputing(W, start))


def test_growth_of_the_search():
    """Single start, both models; the cubic part (merging) has a small constant."""
    points = []
    for n in (60, 125, 250, 500):
        W, z = planted(n)
        spent, fit = seconds(lambda W=W: dc.WeightedSBM(n_restarts=1, random_state=0).fit(W))
        points.append((n, spent))
        print(f"\nn = {n:4d}: {spent:6.2f} s, {fit.n_blocks_} groups", end="")
        assert fit.description_length_ <= dc.description_length(W, z) + 1e-6
    slope = np.polyfit(*np.log(np.array(points[1:]).T), 1)[0]
    print(f"\ngrowth exponent {slope:.2f}")
    assert dict(points)[125] < 5
    assert dict(points)[500] < 60
    assert slope < 3.2
