"""Races and growth curves: dual graphs, moves of facilities, co-occurrence, training.

Run with ``pytest benchmarks/test_regenn.py -s``. Competitors compute the same results, which is
checked. The authors' program StreetContinuity is raced where its package is installed.
"""

import itertools
import time

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch

from mixbook.data import load_street_network
from mixbook.networks import regenn as rg

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, name), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][0], item[1])):
        ratio = seconds / SECONDS.get((what, "ours"), seconds)
        print(f"{what:14s} {name:22s} {seconds:9.4f} s  {ratio:8.1f} x ours")


def race(benchmark, what, name, function, *arguments):
    result = benchmark.pedantic(function, arguments, rounds=3, warmup_rounds=1)
    SECONDS[what, name] = benchmark.stats.stats.min
    return result


def best_of(repeats, function, *arguments):
    runs = []
    for _ in range(repeats):
        start = time.process_time()
        function(*arguments)
        runs.append(time.process_time() - start)
    return min(runs)


# --- dual graph -----------------------------------------------------------------------------------


def all_pairs_of_streets(town):
    """Our streets, but links by comparing every pair."""
    streets = rg.dual_graph(town.nodes, town.edges).streets
    sets = [set(street.nodes) for street in streets]
    pairs = itertools.combinations(range(len(sets)), 2)
    return len(sets), sum(bool(sets[i] & sets[j]) for i, j in pairs)


def ours(town):
    dual = rg.dual_graph(town.nodes, town.edges)
    return len(dual.streets), dual.graph.number_of_edges()


def authors(town):
    """The published program, on graphs built from the same arrays."""
    sc = pytest.importorskip("street_continuity")
    primal = sc.PrimalGraph()
    primal.node_dictionary = {str(v): tuple(p) for v, p in enumerate(town.nodes)}
    primal.edge_dictionary = {
        k: primal.Edge(k, str(u), str(v), length, "", road_class)
        for k, (u, v, length, road_class) in enumerate(town.edges.itertuples(index=False))
    }
    dual = sc.dual_mapper(primal.build_graph(), min_angle=120)
    return len(dual.node_dictionary), len(dual.edge_dictionary)


@pytest.mark.parametrize("competitor", [ours, all_pairs_of_streets, authors])
def test_dual_graph_of_the_town(benchmark, competitor):
    found = race(benchmark, "dual graph", competitor.__name__, competitor, load_street_network())
    assert found == (153, 507)
    if competitor is ours:
        assert SECONDS["dual graph", "ours"] < 0.2


def grid_table(side):
    """A grid near the equator as coordinates and segments."""
    G, pos = rg.perturbed_grid(side, jitter=0.1, closed=0.1, random_state=0)
    nodes = np.array([pos[v][::-1] for v in range(len(G))]) / 111_195
    rows = [(u, v, d["length"], "a") for u, v, d in G.edges(data=True)]
    return nodes, pd.DataFrame(rows, columns=["source", "target", "length", "road_class"])


def test_growth_of_the_dual_graph():
    """Linear in the number of segments."""
    points = []
    for side in (20, 40, 80, 160):
        nodes, edges = grid_table(side)
        points.append((len(edges), best_of(2, rg.dual_graph, nodes, edges)))
        print(f"{len(edges):6d} segments: {points[-1][1]:.3f} s")
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.4


# --- facilities -----------------------------------------------------------------------------------


def one_move(G, pos, start):
    return rg.relocate_facilities(G, pos, start, metric="euclidean", max_moves=1).inconsistent[1]


def one_move_by_trying(G, pos, start):
    """Every place for every facility, each judged from scratch."""
    first = rg.inconsistent_nodes(G, pos, start, metric="euclidean")
    limit, best = first.network_distance.mean(), np.inf
    for slot, v in itertools.product(range(len(start)), G):
        if v in start:
            continue
        moved = [v if s == slot else f for s, f in enumerate(start)]
        table = rg.inconsistent_nodes(G, pos, moved, metric="euclidean")
        if table.network_distance.mean() <= limit + 1e-9:
            best = min(best, int(table.inconsistent.sum()))
    return best


def test_one_move_of_four_facilities(benchmark):
    G, pos = rg.perturbed_grid(12, jitter=0.15, closed=0.2, random_state=0)
    start = [10, 50, 90, 130]
    found = race(benchmark, "one move", "ours", one_move, G, pos, start)
    begin = time.perf_counter()
    assert one_move_by_trying(G, pos, start) == found
    SECONDS["one move", "each from scratch"] = time.perf_counter() - begin
    assert SECONDS["one move", "ours"] < SECONDS["one move", "each from scratch"] / 5


@pytest.mark.parametrize("competitor", ["ours", "networkx"])
def test_all_pairs_of_shortest_paths(benchmark, competitor):
    town = load_street_network()
    roads = rg.street_graph(town.edges)
    mine = rg.network_distances(roads, roads)
    if competitor == "ours":
        race(benchmark, "shortest paths", "ours", rg.network_distances, roads, roads)
        return

    def peer():
        return dict(nx.all_pairs_dijkstra_path_length(roads, weight="length"))

    found = race(benchmark, "shortest paths", "networkx", peer)
    np.testing.assert_allclose(mine, [[found[v][u] for u in roads] for v in roads])


# --- network --------------------------------------------------------------------------------------


def repeated(x):
    """One copy of the batch for each variable, as a masked product suggests."""
    mask = (x > 0).to(x.dtype)
    S = torch.stack([(x[..., [i]] * mask).sum(dim=(0, 1)) for i in range(x.shape[2])])
    own = (2 * S.diagonal() - S.sum(dim=1)).clamp_min(0)
    return S - torch.diag(S.diagonal()) + torch.diag(own)


def test_cooccurrence_of_fifty_variables(benchmark):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(500, 14, 50, generator=generator, dtype=torch.float64).sub(0.5).clamp_min(0)
    found = race(benchmark, "co-occurrence", "ours", rg.cooccurrence_adjacency, x)
    start = time.perf_counter()
    torch.testing.assert_close(found, repeated(x))
    SECONDS["co-occurrence", "a copy a variable"] = time.perf_counter() - start
    assert SECONDS["co-occurrence", "ours"] < SECONDS["co-occurrence", "a copy a variable"]


def test_growth_of_training():
    """An epoch is linear in the samples where attention runs over variables."""
    points = []
    for n in (100, 200, 400, 800):
        x, _ = rg.coupled_panel(n, 4, 60, random_state=0)
        model = rg.ReGENNForecaster(
            7, 3, val_stride=3, epochs=2, batch_size=100, windows_per_batch=12, random_state=0,
            network={"feedforward": 32, "attention_over": "variables"}, progress=False,
        )  # fmt: skip
        points.append((n, best_of(1, model.fit, x)))
        print(f"{n:4d} samples: {points[-1][1]:.2f} s for two epochs")
    slope = np.polyfit(*np.log(np.array(points).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.4
