"""Races on contact-primary-school (106,879 simplices): ours against networkx, sets and xgi.

Run with ``pytest benchmarks/test_simplicial_closure.py -s``; ratios and the growth curve are
printed at the end. All competitors compute the same numbers, which is checked.
"""

import time
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import xgi

from mixbook.data import load_scholp
from mixbook.networks import simplicial_closure as sc

OPEN, CLOSED = 98_621, 5_139
SECONDS = {}


@pytest.fixture(scope="module")
def data():
    data = load_scholp("contact-primary-school")
    sc.count_triangles(data.select(slice(0, 100)))  # compile
    return data


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    ours = SECONDS.get("ours")
    if ours:
        for name, seconds in sorted(SECONDS.items(), key=lambda item: item[1]):
            print(f"{name:28s} {seconds:8.3f} s  {seconds / ours:7.1f} x ours")


def race(benchmark, name, function, *arguments):
    result = benchmark.pedantic(function, arguments, rounds=1 if name != "ours" else 5)
    SECONDS[name] = benchmark.stats.stats.min
    return result


def plain_python(data):
    """Neighbour sets, one intersection an edge; closed triples in a set."""
    neighbours, closed = {}, set()
    for simplex in data.simplices:
        nodes = simplex.tolist()
        closed.update(combinations(nodes, 3))
        for u in nodes:
            neighbours.setdefault(u, set()).update(nodes)
    total = 0
    for u, around in neighbours.items():
        for v in (v for v in around if v > u):
            total += sum(w > v for w in around & neighbours[v])
    return total - len(closed), len(closed)


def with_networkx(data):
    graph, closed = nx.Graph(), set()
    for simplex in data.simplices:
        graph.add_edges_from(combinations(simplex.tolist(), 2))
        closed.update(combinations(simplex.tolist(), 3))
    return sum(nx.triangles(graph).values()) // 3 - len(closed), len(closed)


def with_xgi(data):
    """xgi as the container: its hypergraph, its projection, networkx's triangles."""
    hypergraph = xgi.Hypergraph([s.tolist() for s in data.simplices])
    graph = xgi.to_graph(hypergraph)
    closed = {t for edge in hypergraph.edges.members() for t in combinations(sorted(edge), 3)}
    return sum(nx.triangles(graph).values()) // 3 - len(closed), len(closed)


def test_ours(benchmark, data):
    assert race(benchmark, "ours", sc.count_triangles, data) == (OPEN, CLOSED)


@pytest.mark.parametrize("rival", [plain_python, with_networkx, with_xgi])
def test_rivals(benchmark, data, rival):
    assert race(benchmark, rival.__name__, rival, data) == (OPEN, CLOSED)


def all_local_and_walk_scores(data):
    triangles, _, old = sc.labeled_open_triangles(data)
    names = [name for name in sc.SCORES if name != "simplicial_ppr"]
    return [sc.score_triangles(triangles, old, name) for name in names]


def test_complete_scoring_takes_less_than_fifteen_seconds(benchmark, data):
    scores = benchmark.pedantic(all_local_and_walk_scores, (data,), rounds=1)
    assert len(scores[0]) == 80_446
    assert benchmark.stats.stats.max < 15


def test_enron_takes_less_than_a_second(benchmark, data):
    enron = load_scholp("email-Enron")
    all_local_and_walk_scores(enron)  # compile
    benchmark.pedantic(all_local_and_walk_scores, (enron,), rounds=1)
    assert benchmark.stats.stats.max < 1


def test_three_node_tables_of_congress_take_less_than_two_minutes(benchmark):
    old, new = load_scholp("congress-bills").split()
    benchmark.pedantic(sc.closure_counts_3, (old, new), rounds=1)
    assert benchmark.stats.stats.max < 120


def test_growth_is_linear_in_the_number_of_triangles():
    """Random networks of fixed average degree: triangles, and time, grow in proportion to n."""
    rng, points = np.random.default_rng(0), []
    for n in (4_000, 8_000, 16_000, 32_000):
        data = sc.TemporalSimplices.from_arrays(
            np.concatenate([rng.choice(n, 3, replace=False) for _ in range(5 * n)]),
            np.full(5 * n, 3),
            np.arange(5 * n),
            one_based=False,
        )
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            sc.count_triangles(data)
            runs.append(time.perf_counter() - start)
        points.append((n, min(runs)))
        print(f"n = {n:6d}: {min(runs):.3f} s")
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.4
