"""Graphs kept against graphs built at each step, the cost of a step, and how it grows.

Run with ``pytest benchmarks/test_meta_flow_matching.py -s``; times, ratios and growth exponents are
printed.
"""

import time

import numpy as np
import pytest
import torch

from mixbook.flows.meta_flow_matching import (
    MetaFlowMatching,
    PopulationEncoder,
    PopulationGraph,
    knn_indices,
    make_letters,
)

SECONDS = {}


@pytest.fixture(scope="module")
def letters():
    """A minibatch of the paper's size: ten letters of 700 points."""
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # load the optimiser
    return make_letters("ABCDEFGHIJ", 1, 0, n_points=700)


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    if {"kept", "built"} <= SECONDS.keys():
        kept, built = SECONDS["kept"], SECONDS["built"]
        print(f"\ngraph of a step: kept {1e3 * kept:.2f} ms, built {1e3 * built:.1f} ms")
        print(f"{built / kept:.0f} x")
        assert built > 10 * kept


def test_graphs_that_are_kept(benchmark, letters):
    """What a training step pays here: joining ten graphs of 50 neighbours."""
    graphs = [PopulationGraph.build(x0, 50) for x0, _, _ in letters]
    joined = benchmark.pedantic(PopulationGraph.join, [graphs], rounds=10, warmup_rounds=1)
    SECONDS["kept"] = benchmark.stats.stats.min
    assert joined.neighbours.shape == (7000, 51)


def test_graphs_that_are_built_at_each_step(benchmark, letters):
    """What the official code pays, here with a k-d tree as well."""
    build = lambda: [PopulationGraph.build(x0, 50) for x0, _, _ in letters]  # noqa: E731
    graphs = benchmark.pedantic(build, rounds=3, warmup_rounds=1)
    SECONDS["built"] = benchmark.stats.stats.min
    assert len(graphs) == 10


def test_the_gather_against_a_dense_matrix(benchmark, letters):
    """A layer's neighbourhood mean as one gather; a dense adjacency would take n^2 products."""
    graph = PopulationGraph.build(letters[0][0], 10)
    encoder = PopulationEncoder(2, 64, 3, 10, generator=0)
    with torch.no_grad():
        h = benchmark(encoder.embed, graph)
    dense = torch.zeros(700, 700)
    dense[torch.arange(700)[:, None], graph.neighbours] = 1 / 11
    z = graph.smoothed
    for i, layer in enumerate(encoder.layers):
        z = layer(dense @ z if i else z)
        z = z.relu() if i < 2 else z
    torch.testing.assert_close(h[0], z.mean(0) / z.mean(0).norm(), rtol=1e-3, atol=1e-4)


def step_seconds(n, k, populations=6, steps=20):
    pairs = [(x := np.random.default_rng(i).normal(size=(n, 2)), x) for i in range(populations)]
    size = {"hidden": 128, "n_fourier": 16, "t_dim": 16, "batch_points": n, "joint": True}
    runs = []
    for _ in range(3):
        model = MetaFlowMatching(k, max_steps=1, random_state=0, **size).fit(pairs)
        start = time.perf_counter()
        model.set_params(max_steps=steps).fit(pairs)
        runs.append(time.perf_counter() - start)
    return min(runs) / steps


@pytest.mark.parametrize(
    ("name", "sizes", "limit"),
    [
        ("points", [(n, 10) for n in (150, 600, 2400)], 1.3),
        ("k", [(600, k) for k in (5, 20, 80)], 1.2),
    ],
)
def test_growth_of_a_step(name, sizes, limit):
    """A step is at most linear in the points of a population and in k."""
    seconds = [step_seconds(*size) for size in sizes]
    at = [size[0 if name == "points" else 1] for size in sizes]
    slope = np.polyfit(np.log(at), np.log(seconds), 1)[0]
    each = ", ".join(f"{a}: {1000 * s:.1f} ms" for a, s in zip(at, seconds))
    print(f"\nstep against {name}: {each}; exponent {slope:.2f}")
    assert slope < limit


def test_growth_of_the_graph():
    """Neighbours by a k-d tree: nearly linear in the number of points."""
    sizes, seconds = (2_000, 8_000, 32_000), []
    for n in sizes:
        x = np.random.default_rng(0).normal(size=(n, 2))
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            knn_indices(x, 10)
            runs.append(time.perf_counter() - start)
        seconds.append(min(runs))
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    each = ", ".join(f"{n}: {1e3 * s:.0f} ms" for n, s in zip(sizes, seconds))
    print(f"\ngraph: {each}; exponent {slope:.2f}")
    assert slope < 1.5
