"""Races on Barabási-Albert graphs: ours against SciPy's products and the authors' package.

Run with ``pytest benchmarks/test_gradco.py -s``; ratios and growth curves are printed, in CPU
seconds of one thread, which other programs on the machine disturb little.

The authors' package ``gradco`` (PyPI, licence CC BY-NC-SA 4.0) needs NumPy 1, so it lives in an
environment of its own and is called there; without one its race is skipped::

    python -m venv peers && peers/bin/pip install gradco networkx
    MIXBOOK_GRADCO_PYTHON=peers/bin/python pytest benchmarks/test_gradco.py -s
"""

import json
import os
import resource
import subprocess
import sys
import time

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from mixbook.networks import gradco as g

PEER = os.environ.get("MIXBOOK_GRADCO_PYTHON")
SECONDS = {}

PEER_PROGRAM = """
import json, sys, time
import gradco, networkx as nx, numpy as np
n, m, seed = map(int, sys.argv[1:])
A = nx.to_scipy_sparse_array(nx.barabasi_albert_graph(n, m, seed=seed), dtype=np.int64)
start = time.process_time()
counter = gradco.Counter(A)
counter.count()
counted = time.process_time() - start
matrices = list(counter.generate_orbit_adjacencies())
ready = time.process_time() - start
sums = {f"{h},{a},{b}": int(X.sum(dtype=np.int64)) for h, a, b, X in matrices}
print()
print(json.dumps({"counted": counted, "ready": ready, "sums": sums}))
"""


def graph(n, m=5, seed=0):
    return nx.to_scipy_sparse_array(nx.barabasi_albert_graph(n, m, seed=seed), dtype=np.int64)


@pytest.fixture(scope="module", autouse=True)
def report():
    g.orbit_adjacencies(nx.path_graph(5))  # compile
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        ratio = seconds / SECONDS.get(("ours", n), np.nan)
        print(f"n = {n:6d}  {what:34s} {seconds:8.2f} s  {ratio:6.1f} x ours")


def ours_seconds(n, rounds=3):
    A, best = graph(n), np.inf
    for _ in range(rounds):
        start = time.process_time()
        found = g.orbit_adjacencies(A)
        best = min(best, time.process_time() - start)
    SECONDS["ours", n] = best
    return best, found


def off_diagonal(X):
    X = X.tocoo()
    keep = X.row != X.col
    return sparse.csr_array((X.data[keep], (X.row[keep], X.col[keep])), shape=X.shape)


def with_scipy(A):
    """The same formulas with whole products, as one would write them with SciPy alone."""
    A = sparse.csr_array(A)
    d, one = np.asarray(A.sum(axis=1)), A.multiply

    def non(X):
        return off_diagonal(X - X.multiply(A))

    def c2(X):
        return (X.multiply(X) - X) / 2

    def columns(X, w):
        return X @ sparse.diags_array(w, dtype=X.dtype)

    square = A @ A
    T, W = one(square), non(square)
    u, v = sparse.triu(A).nonzero()
    N = A[u].multiply(A[v]).T
    shared = N @ N.T
    K, Q = one(shared), non(shared)
    M = columns(A, d) - A - T
    t, s = np.asarray(T.sum(axis=1)) // 2, np.asarray(M.sum(axis=1))
    AT, ADA, TA = A @ T, columns(A, d) @ A, T @ A
    ATA = one(AT)
    rim = ATA - T - 2 * K
    diagonals = c2(W) - Q
    WA = W @ A
    sides = one(WA) - M - rim
    tail = columns(A, t) - ATA + K
    tip = non(AT) - 2 * Q
    found = {
        (1, 0, 0): A,
        (1, 1, 2): M,
        (1, 3, 3): T,
        (1, 4, 5): columns(A, s) - M.T - one(A @ M.T) - sides,
        (1, 5, 5): M.multiply(M.T) - sides,
        (1, 6, 7): c2(M) - tail,
        (1, 8, 8): sides,
        (1, 9, 11): tail,
        (1, 10, 10): one(ADA) - one(TA) - ATA + 2 * K,
        (1, 10, 11): columns(T, d) - T.multiply(T) - ATA + 2 * K,
        (1, 12, 13): rim,
        (1, 13, 13): c2(T) - K,
        (1, 14, 14): K,
        (2, 1, 1): W,
        (2, 4, 5): non(A @ M) - 2 * diagonals,
        (2, 6, 6): non(ADA) - 2 * W - non(TA) - non(AT) + 2 * Q,
        (2, 8, 8): diagonals,
        (2, 9, 10): tip,
        (2, 12, 12): Q,
        (3, 4, 4): non(WA) - tip,
    }
    mirrored = {(h, b, a): sparse.csr_array(X.T) for (h, a, b), X in found.items() if a != b}
    return {kind: sparse.csr_array(X) for kind, X in (found | mirrored).items()}


def test_ours_is_faster_than_plain_scipy(benchmark):
    A = graph(2000)
    start = time.process_time()
    plain = with_scipy(A)
    SECONDS["the same formulas, SciPy only", 2000] = time.process_time() - start
    found = benchmark.pedantic(g.orbit_adjacencies, (A,), rounds=3)
    SECONDS["ours", 2000] = benchmark.stats.stats.min
    for kind, matrix in found.items():
        assert abs(matrix - plain[kind]).max() == 0, kind
    assert benchmark.stats.stats.min < 8
    assert benchmark.stats.stats.min < SECONDS["the same formulas, SciPy only", 2000]


@pytest.mark.skipif(not PEER, reason="set MIXBOOK_GRADCO_PYTHON to race the authors' package")
@pytest.mark.parametrize("n", [500, 1000, 2000, 3000, 5000])
def test_ours_is_faster_than_the_public_package(n):
    command = [PEER, "-c", PEER_PROGRAM, str(n), "5", "0"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    peer = json.loads(output.splitlines()[-1])
    SECONDS["gradco, counted", n] = peer["counted"]
    SECONDS["gradco, matrices in hand", n] = peer["ready"]
    seconds, found = ours_seconds(n)
    assert {",".join(map(str, k)): int(X.sum()) for k, X in found.items()} == peer["sums"]
    assert seconds < peer["counted"]


def test_growth_up_to_twenty_thousand_nodes():
    """All 28 matrices of BA(20000, 5) at once: minutes at most, and less than 8 GB."""
    points = []
    for n in (2_500, 5_000, 10_000, 20_000):
        seconds, found = ours_seconds(n, rounds=1)
        entries = sum(X.nnz for X in found.values())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        points.append((n, seconds))
        print(f"n = {n:6d}: {seconds:6.1f} s, {entries / 1e6:6.1f} M entries, peak {peak:.2f} GB")
        del found
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert seconds < 300
    assert peak < 8
    assert slope < 2.5


BLOCKS_PROGRAM = """
import re, sys, time
import networkx as nx, numpy as np
from mixbook.networks import gradco as g
A = nx.to_scipy_sparse_array(nx.barabasi_albert_graph(int(sys.argv[1]), 5, seed=0), dtype=np.int64)
counter, start, entries = g.OrbitCounter(A), time.perf_counter(), 0
for kind in g.UNORDERED_KINDS:
    for _, block in counter.blocks(kind, 500):
        entries += block.nnz
seconds = time.perf_counter() - start
# Not ru_maxrss, which a child takes over from the process that started it.
peak = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]
print(seconds, entries, peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_blocks_need_less_memory():
    """The 20 kinds of BA(20000, 5), one after the other and in blocks of rows."""
    command = [sys.executable, "-c", BLOCKS_PROGRAM, "20000"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, entries, kilobytes = map(float, output.split())
    gigabytes = kilobytes / 1e6
    print(f"in blocks: {seconds:.1f} s, {entries / 1e6:.0f} M entries, peak {gigabytes:.2f} GB")
    assert seconds < 300
    assert gigabytes < 2
