"""Races of the mixture with scikit-learn and with plain loops, and growth with points.

Run with ``pytest benchmarks/test_gcd.py -s``; the table counts CPU seconds of one thread.
"""

import time

import numpy as np
import pytest
from scipy.special import multigammaln
from scipy.stats import multivariate_t
from sklearn.cluster import KMeans
from sklearn.mixture import BayesianGaussianMixture

from mixbook.mixtures import gcd

SECONDS = {}


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"n = {n:6d}  {what:44s} {seconds:9.4f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def problem(n, classes=20, d=50):
    """Classes in d dimensions, of which ten differ between them; half of them labelled."""
    X, y = gcd.make_separated_classes(classes, 10, n // classes, 14.0, 20.0, random_state=0)
    X = np.hstack([X, np.random.default_rng(1).normal(size=(len(X), d - 10))])
    split = gcd.gcd_split(y, range(classes // 2), random_state=0)
    U, L = X[split.unlabelled], X[split.labelled]
    return U, L, y[split.labelled], y[split.unlabelled], split.old_mask


def marginal_by_chain(X, prior):
    m, kappa, nu, Psi = prior.m0, prior.kappa0, prior.nu0, prior.Psi0
    d, total = len(m), 0.0
    for x in X:
        shape = Psi * (kappa + 1) / (kappa * (nu - d + 1))
        total += multivariate_t(m, shape, df=nu - d + 1).logpdf(x)
        Psi = Psi + kappa / (kappa + 1) * np.outer(x - m, x - m)
        m, kappa, nu = (kappa * m + x) / (kappa + 1), kappa + 1, nu + 1
    return total


def test_the_closed_form_beats_the_chain(benchmark):
    X = np.random.default_rng(0).normal(size=(250, 50))
    prior = gcd.NIWPrior.from_data(X, scale=1.0)
    ours = benchmark(prior.log_marginal, X)
    fast, slow = ("log marginal, closed form", 250), ("log marginal, chain of t densities", 250)
    SECONDS[fast] = benchmark.stats.stats.min
    assert ours == pytest.approx(clock(*slow, marginal_by_chain, X, prior))
    assert SECONDS[fast] < SECONDS[slow]


def test_few_points_in_many_dimensions_use_the_small_determinant(benchmark):
    X, d = np.random.default_rng(0).normal(size=(40, 768)), 768
    prior = gcd.NIWPrior.from_data(X, scale=1.0)
    prior.log_marginal(X)  # factors the prior once
    ours = benchmark(prior.log_marginal, X)
    SECONDS["log marginal, 40 points of 768 numbers", 40] = benchmark.stats.stats.min
    post = clock("the same by the large matrix", 40, prior.posterior, X)
    _, log_det = clock("its determinant", 40, np.linalg.slogdet, post["Psi"])
    wanted = multigammaln(post["nu"] / 2, d) - multigammaln(prior.nu0 / 2, d)
    wanted -= 20 * d * np.log(np.pi) + post["nu"] / 2 * log_det
    wanted += d / 2 * np.log(prior.kappa0 / post["kappa"])
    assert ours == pytest.approx(wanted)


def test_race_of_k_means_with_scikit_learn():
    U, L, *_ = problem(5000)
    X = np.vstack([U, L])
    model = gcd.SemiSupKMeans(20, 10, random_state=0)
    ours = clock("semi-supervised k-means, no labels", 5000, model.fit, X)
    theirs = clock("k-means of scikit-learn", 5000, KMeans(20, n_init=10, random_state=0).fit, X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=0.2)


def test_five_thousand_points_in_fifty_dimensions():
    U, L, y_l, y_u, old = problem(5000)
    model = gcd.GPC(26, pca_dim="auto", split_labelled=True, random_state=0)
    clock("GPC, K from 26", 5000, model.fit, U, L, y_l)
    process = BayesianGaussianMixture(n_components=26, max_iter=100, random_state=0)
    clock("Dirichlet process mixture of scikit-learn", 5000, process.fit, np.vstack([U, L]))
    print("components:", model.n_classes_, "history", model.k_history_)
    assert gcd.gcd_accuracy(y_u, model.labels_u_, old)[0] > 0.8
    assert SECONDS["GPC, K from 26", 5000] < 15


def test_growth_with_points():
    sizes = (1000, 2000, 4000, 8000)
    for n in sizes:
        U, L, y_l, *_ = problem(n, d=20)
        clock("GPC, K from 26, d = 20", n, gcd.GPC(26, random_state=0).fit, U, L, y_l)
    spent = [SECONDS["GPC, K from 26, d = 20", n] for n in sizes]
    slope = np.polyfit(np.log(sizes), np.log(spent), 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.6
