"""Races of RSS with EM of scikit-learn, and growth with points and problems.

Run with ``pytest benchmarks/test_ood_unlabeled.py -s``; the table counts CPU seconds of one thread.
"""

import time

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from mixbook.mixtures import ood_unlabeled as ou

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"n = {n:6d}  {what:45s} {seconds:8.3f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def sample(n, m=40, d=200, seed=0):
    return ou.gmm_pair(m, n, d, 0.0, random_state=seed)


def test_race_with_the_mixture_of_scikit_learn(benchmark):
    n = 10_000
    X, y, U, mu0, _ = sample(n)
    model = benchmark.pedantic(ou.RSSLinear().fit, (X, y, U), rounds=3)
    SECONDS["RSSLinear", n] = benchmark.stats.stats.min
    start = np.stack([y @ X, -(y @ X)]) / len(y)
    em = GaussianMixture(2, covariance_type="spherical", means_init=start, random_state=0)
    clock("GaussianMixture, spherical, from the labels", n, em.fit, U)
    direction = em.means_[0] - em.means_[1]
    ours, theirs = ou.gmm_accuracy(model.coef_, mu0), ou.gmm_accuracy(direction, mu0)
    print(f"accuracy {ours:.3f} (RSS), {theirs:.3f} (GaussianMixture)")
    assert ours > 0.8
    assert benchmark.stats.stats.min < 3


def test_twenty_problems_cost_less_than_twenty_times_one():
    n = 10_000
    X, y, U, *_ = sample(n)
    Xt, yt, Ut = torch.from_numpy(X)[None], torch.from_numpy(y).float()[None], torch.from_numpy(U)
    clock("fit_directions, 1 problem", n, ou.fit_directions, Xt, yt, Ut, n_iter=100)
    many = Xt.expand(20, -1, -1), yt.expand(20, -1)
    weights = torch.logspace(-1, 3, 20)
    clock("fit_directions, 20 problems", n, ou.fit_directions, *many, Ut, lam=weights, n_iter=100)
    one, twenty = (SECONDS[f"fit_directions, {k}", n] for k in ("1 problem", "20 problems"))
    assert twenty < 15 * one


def test_growth_with_the_points_is_linear():
    times = []
    for n in (5000, 20_000, 80_000):
        X, y, U, *_ = sample(n)
        clock("RSSLinear, 100 iterations", n, ou.RSSLinear(n_iter=100).fit, X, y, U)
        times.append((n, SECONDS["RSSLinear, 100 iterations", n]))
    slope = np.polyfit(*np.log(np.array(times).T), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.4
