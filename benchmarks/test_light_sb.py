"""LightSB against POT's Sinkhorn on single cells, the cost of a step, and how it grows.

Run with ``pytest benchmarks/test_light_sb.py -s``; times, the ratio and growth exponents are
printed.
"""

import time

import numpy as np
import pytest
import torch

from mixbook.data import load_cite_pca50
from mixbook.flows.light_sb import LightSB, SinkhornPlan

SECONDS = {}


@pytest.fixture(scope="module")
def cells():
    """Days 2 and 4, 2,000 cells each, in units of the pooled standard deviation."""
    cite = load_cite_pca50()
    LightSB(2, max_iter=5, random_state=0).fit(np.eye(3), np.eye(3))  # load the optimiser
    return [torch.tensor(cite[day][:2000]) / cite.scale(2, 3, 4) for day in (2, 4)]


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    if {"LightSB", "Sinkhorn"} <= SECONDS.keys():
        light, sinkhorn = SECONDS["LightSB"], SECONDS["Sinkhorn"]
        print(f"\nLightSB {light:.2f} s, Sinkhorn {sinkhorn:.2f} s: {sinkhorn / light:.1f} x")


def light_sb(n_steps, K=10):
    return LightSB(K, 0.1, max_iter=n_steps, lr=1e-2, random_state=0)


def test_three_thousand_steps_at_fifty_dimensions(benchmark, cells):
    """The chapter's fit; the aim on an idle core is below 5 s."""
    benchmark.pedantic(light_sb(3000).fit, cells, rounds=1)
    SECONDS["LightSB"] = benchmark.stats.stats.min
    print(f"\n{1000 * SECONDS['LightSB'] / 3000:.2f} ms a step")
    assert SECONDS["LightSB"] < 15


def test_sinkhorn_on_the_same_cells(benchmark, cells):
    """POT in log space, 50 iterations on 2,000 x 2,000 cells, converged or not."""
    with np.errstate(over="ignore"):
        plan = benchmark.pedantic(SinkhornPlan(0.1, max_iter=50).fit, cells, rounds=1)
    SECONDS["Sinkhorn"] = benchmark.stats.stats.min
    (means, _), days = plan.conditional_moments(cells[0]), [day.mean(0) for day in cells]
    assert (means.mean(0) - days[1]).norm() < 0.1 * (days[0] - days[1]).norm()


def fit_seconds(n, K, D, steps=200):
    draw = torch.Generator().manual_seed(0)
    x0, x1 = (torch.randn(n, D, generator=draw) for _ in range(2))
    runs = []
    for _ in range(3):
        start = time.perf_counter()
        LightSB(K, 1.0, max_iter=steps, random_state=0).fit(x0, x1)
        runs.append(time.perf_counter() - start)
    return min(runs)


@pytest.mark.parametrize(
    ("name", "sizes", "limit"),
    [
        ("n", [(n, 20, 10) for n in (2_000, 20_000, 200_000)], 0.3),
        ("K", [(2_000, K, 50) for K in (50, 200, 800)], 1.3),
        ("D", [(2_000, 50, D) for D in (50, 200, 800)], 1.3),
    ],
)
def test_growth(name, sizes, limit):
    """A step does not depend on n, and is at most linear in K and in D."""
    seconds = [fit_seconds(*size) for size in sizes]
    at = [size["nKD".index(name)] for size in sizes]
    slope = np.polyfit(np.log(at), np.log(seconds), 1)[0]
    steps = ", ".join(f"{a}: {1000 * s / 200:.2f} ms" for a, s in zip(at, seconds))
    print(f"\nstep against {name}: {steps}; exponent {slope:.2f}")
    assert slope < limit
