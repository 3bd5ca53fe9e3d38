"""Distances of clouds against POT, SciPy, scikit-learn, brute force and closed forms."""

import sys
from itertools import permutations

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from sklearn.metrics.pairwise import rbf_kernel

from mixbook.core.transport import (
    GAMMAS,
    mmd_rbf,
    sliced_wasserstein,
    transport_plan,
    wasserstein_1,
    wasserstein_2,
)

DISTANCES = {
    "w1": wasserstein_1,
    "w2": wasserstein_2,
    "sliced": lambda x, y: sliced_wasserstein(x, y, 10, 0),
    "mmd": mmd_rbf,
    "plan": transport_plan,
}
BAD = {
    "NaN": (np.full((4, 2), np.nan), ValueError),
    "empty": (np.ones((0, 2)), ValueError),
    "a vector": (np.ones(4), ValueError),
    "three columns": (np.ones((4, 3)), ValueError),
    "text": ([["a", "b"]], TypeError),
}


def clouds(n=40, m=40, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(1.0, 0.5, size=(m, d))


def test_a_shifted_cloud_lies_its_shift_away():
    x, shift = clouds()[0], np.array([3.0, -4.0, 12.0])
    assert wasserstein_1(x, x + shift) == pytest.approx(13.0, rel=1e-9)
    assert wasserstein_2(x, x + shift) == pytest.approx(13.0, rel=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 5))
def test_exact_distances_are_the_best_of_all_matchings(seed, n):
    x, y = clouds(n, n, 2, seed)
    costs = [np.linalg.norm(x - y[list(p)], axis=1) for p in permutations(range(n))]
    assert wasserstein_1(x, y) == pytest.approx(min(c.mean() for c in costs), rel=1e-7, abs=1e-9)
    best = min((c**2).mean() for c in costs) ** 0.5
    assert wasserstein_2(x, y) == pytest.approx(best, rel=1e-7)


def test_w1_on_the_line_is_that_of_scipy_for_unequal_sizes():
    x, y = clouds(30, 47, 1)
    assert wasserstein_1(x, y) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-9)


def test_the_plan_has_both_marginals_and_the_optimal_cost():
    x, y = clouds(12, 30)
    P = transport_plan(x, y).numpy()
    np.testing.assert_allclose(P.sum(1), 1 / 12, atol=1e-12)
    np.testing.assert_allclose(P.sum(0), 1 / 30, atol=1e-12)
    squared = ((x[:, None] - y) ** 2).sum(-1)
    assert (P * squared).sum() == pytest.approx(wasserstein_2(x, y) ** 2, rel=1e-9)
    plain = (transport_plan(x, y, "euclidean").numpy() * squared**0.5).sum()
    assert plain == pytest.approx(wasserstein_1(x, y), rel=1e-9)


@pytest.mark.parametrize(("n", "m", "p"), [(40, 40, 2), (30, 47, 2), (12, 30, 1), (7, 1, 3)])
def test_sliced_distance_is_that_of_pot_on_the_same_directions(n, m, p):
    x, y = clouds(n, m)
    U = torch.randn(3, 50, generator=torch.Generator().manual_seed(5), dtype=torch.float64).numpy()
    U /= np.linalg.norm(U, axis=0)
    wanted = ot.sliced_wasserstein_distance(x, y, projections=U, p=p)
    assert sliced_wasserstein(x, y, 50, 5, p) == pytest.approx(wanted, rel=1e-9)


def test_sliced_distance_of_a_shift_is_the_shift_over_the_root_of_the_dimension():
    x, shift = clouds(n=20, d=4)[0], np.array([1.0, 2.0, 2.0, 0.0])
    assert sliced_wasserstein(x, x + shift, 40_000, 0) == pytest.approx(3 / 2, rel=0.02)


def test_the_same_seed_gives_the_same_directions():
    x, y = clouds()
    assert sliced_wasserstein(x, y, 5, 3) == sliced_wasserstein(x, y, 5, 3)
    assert sliced_wasserstein(x, y, 5, 3) != sliced_wasserstein(x, y, 5, 4)


def test_mmd_is_that_of_the_kernel_matrices_averaged():
    x, y = clouds(1100, 60)
    each = [
        rbf_kernel(x, x, g).mean() + rbf_kernel(y, y, g).mean() - 2 * rbf_kernel(x, y, g).mean()
        for g in GAMMAS
    ]
    assert mmd_rbf(x, y) == pytest.approx(np.mean(each), rel=1e-9)
    assert mmd_rbf(x, y, [0.5]) == pytest.approx(each[2], rel=1e-9)


def test_mmd_of_two_far_points_is_two():
    assert mmd_rbf([[0.0]], [[1000.0]]) == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["w1", "w2", "sliced", "mmd"])
def test_a_cloud_is_at_distance_zero_from_itself_and_distances_are_symmetric(name):
    x, y = clouds(20, 33)
    distance = DISTANCES[name]
    assert distance(x, x[::-1].copy()) == pytest.approx(0.0, abs=1e-7)
    assert distance(x, y) == pytest.approx(distance(y, x), rel=1e-9)
    assert distance(x, y) > 0.05


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("bad", BAD)
def test_bad_clouds_are_refused(name, bad):
    value, error = BAD[bad]
    with pytest.raises(error, match="[XY] must"):
        DISTANCES[name](np.ones((4, 2)), value)


def test_bad_settings_are_refused():
    x, y = clouds()
    for call, name in [
        (lambda: sliced_wasserstein(x, y, 0), "n_projections"),
        (lambda: sliced_wasserstein(x, y, 5, 0, p=0.5), "p must"),
        (lambda: mmd_rbf(x, y, []), "gammas"),
        (lambda: mmd_rbf(x, y, [0.0]), "gammas"),
        (lambda: transport_plan(x, y, "cubic"), "cost"),
    ]:
        with pytest.raises(ValueError, match=name):
            call()


def test_bad_installation_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ImportError, match=r"mixbook\[flows\]"):
        wasserstein_1([[0.0]], [[1.0]])
