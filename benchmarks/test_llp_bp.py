"""Races of messages between pairs with those of whole bags, and growth up to a million instances.

Run with ``pytest benchmarks/test_llp_bp.py -s``; the table counts CPU seconds of one thread.
"""

import time

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from mixbook.mixtures import llp_bp as lb

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"n = {n:9,d}  {what:46s} {seconds:9.3f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def data(n, size):
    X, y = lb.make_two_gaussians(n, 10, random_state=0)
    return X, y, *lb.make_bags(y, size, 0)


@pytest.fixture(scope="module", autouse=True)
def compiled():
    X, _, ids, counts = data(64, 8)
    for method in ("pairwise", "cardinality"):
        lb.bp_bags(X, ids, counts, 1.0, 1.0, method, n_iter=2)


def with_numpy(u, pairs, w, n_iter, damping=0.5):
    """The same rounds in vectorised NumPy: what one would write without a compiler."""
    to = np.concatenate([pairs[:, 0], pairs[:, 1]])
    source = np.concatenate([pairs[:, 1], pairs[:, 0]])
    ww, m, P = np.concatenate([w, w]), np.zeros(2 * len(w)), len(w)
    back = np.concatenate([np.arange(P) + P, np.arange(P)])
    for _ in range(n_iter):
        total = u + np.bincount(to, m, len(u))
        c = total[source] - m[back]
        m = damping * m + (1 - damping) * (np.logaddexp(0, c + ww) - np.logaddexp(0, c))
    return expit(u + np.bincount(to, m, len(u)))


def test_race_of_pairs_with_numpy(benchmark):
    X, _, ids, counts = data(8192, 16)
    law = lb.gibbs_potentials(*lb.knn_graph(X, 5), ids, counts, 0.1, 1.0)
    ours = benchmark.pedantic(lb.bp_marginals, law, {"n_iter": 50}, rounds=3)
    SECONDS["pairs, 50 rounds", 8192] = benchmark.stats.stats.min
    theirs = clock("pairs in NumPy, 50 rounds", 8192, with_numpy, *law, 50)
    np.testing.assert_allclose(ours.marginals, theirs, atol=1e-9)
    assert SECONDS["pairs, 50 rounds", 8192] < SECONDS["pairs in NumPy, 50 rounds", 8192]


def by_recursion(c, B, lam):
    """One bag's messages by forward and backward recursions in logarithms, O(b^2)."""
    b, one, zero = len(c), -np.logaddexp(0, -c), -np.logaddexp(0, c)
    forward = np.full((b + 1, b + 2), -np.inf)
    forward[0, 0] = 0
    for i in range(b):
        shifted = np.append(-np.inf, forward[i, :-1])
        forward[i + 1] = np.logaddexp(forward[i] + zero[i], shifted + one[i])
    back, out = -lam * (np.arange(b + 2) - B) ** 2.0, np.empty(b)
    for i in reversed(range(b)):
        next_one = np.append(back[1:], -np.inf)
        out[i] = logsumexp(forward[i] + next_one) - logsumexp(forward[i] + back)
        back = np.logaddexp(back + zero[i], next_one + one[i])
    return out


def test_race_of_bags_with_the_quadratic_recursion(benchmark):
    rng = np.random.default_rng(0)
    c, ids = rng.normal(size=2048) - 1, np.zeros(2048, int)
    ours = benchmark.pedantic(lb.count_messages, (c, ids, [600], 0.5), rounds=5)
    SECONDS["a bag of 2,048 by the tree", 2048] = benchmark.stats.stats.min
    theirs = clock("a bag of 2,048 by recursions", 2048, by_recursion, c, 600, 0.5)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    assert 10 * benchmark.stats.stats.min < SECONDS["a bag of 2,048 by recursions", 2048]


def test_pairs_grow_with_the_bag_and_whole_bags_do_not():
    n, run = 16_384, {"n_iter": 20}
    seconds = {}
    for size in (8, 32, 128):
        X, _, ids, counts = data(n, size)
        graph = lb.knn_graph(X, 5)
        for m in ("pairwise", "cardinality"):
            what = f"{m}, bags of {size}, 20 rounds"
            clock(what, n, lb.bp_bags, graph, ids, counts, 0.1, 1.0, m, **run)
            seconds[m, size] = SECONDS[what, n]
    assert seconds["pairwise", 128] > 4 * seconds["pairwise", 8]
    assert seconds["cardinality", 128] < 3 * seconds["cardinality", 8]


def test_race_of_the_graph_with_scikit_learn():
    X, *_ = data(16_384, 16)
    clock("graph", 16_384, lb.knn_graph, X, 5)
    peer = NearestNeighbors(n_neighbors=5, metric="cosine").fit(X)
    clock("graph by scikit-learn", 16_384, peer.kneighbors)
    assert SECONDS["graph", 16_384] < SECONDS["graph by scikit-learn", 16_384]


def test_growth_up_to_a_million_in_bags_of_1024():
    points = []
    for n in (2**14, 2**16, 2**18, 2**20):
        X, y, ids, counts = data(n, 1024)
        graph = clock("graph", n, lb.knn_graph, X, 5)
        what = "BP, bags of 1,024, 50 rounds"
        law = (graph, ids, counts, 0.1, 2.0, "cardinality")
        found = clock(
            what, n, lb.bp_bags, *law, n_iter=50, start="ising"
        )  # from zero it takes more rounds
        points.append((n, SECONDS[what, n]))
        assert roc_auc_score(y, found.log_odds) > 0.9
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.25
    assert SECONDS["graph", 2**20] + points[-1][1] < 300
