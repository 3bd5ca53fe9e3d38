"""Races of the exact EM against scikit-learn, and how the costs of EM and of training grow.

Run with ``pytest benchmarks/test_ambient.py -s``; times are CPU seconds of one thread.
"""

import time

import numpy as np
import torch
from sklearn.mixture import GaussianMixture

from mixbook.flows import ambient as am


def seconds(call, rounds=3):
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        found = call()
        best = min(best, time.process_time() - start)
    return best, found


def samples(n, d=20, k=4, seed=0, few=None):
    rng = np.random.default_rng(seed)
    sigma = np.where(np.arange(n) < (few or n // 100), 0.3, 1.04)
    atoms = np.eye(k, d)
    return atoms[rng.integers(k, size=n)] + sigma[:, None] * rng.normal(size=(n, d)), sigma, atoms


def test_em_against_scikit_learn(benchmark):
    """Same data; scikit-learn's mixture cannot use the levels and so is less exact."""
    x, sigma, atoms = samples(4000)
    ours, model = seconds(lambda: am.HeteroscedasticGMM(4, tol=1e-6, random_state=0).fit(x, sigma))
    settings = {"n_init": 4, "tol": 1e-6, "max_iter": 500, "random_state": 0}
    peer = GaussianMixture(4, covariance_type="spherical", **settings)
    theirs, fitted = seconds(lambda: peer.fit(x), 1)
    benchmark.pedantic(model.fit, (x, sigma), rounds=1)
    errors = [am.atom_error(m.means_, atoms) for m in (model, fitted)]
    print(f"ours {ours:.2f} s, error {errors[0]:.3f}; scikit-learn {theirs:.2f} s, {errors[1]:.3f}")
    assert errors[0] < errors[1]
    assert ours < theirs


def test_em_grows_in_proportion_to_the_samples():
    """Ten iterations each, so that only their cost is compared."""
    points = []
    for n in (4000, 16_000, 64_000):
        x, sigma, _ = samples(n)
        model = am.HeteroscedasticGMM(4, n_init=1, max_iter=10, tol=0, random_state=0)
        points.append((n, seconds(lambda m=model, x=x, s=sigma: m.fit(x, s))[0]))
        print(f"{n:6,} samples: {points[-1][1]:.3f} s")
    slope = np.polyfit(*np.log(np.array(points)).T, 1)[0]
    print(f"growth exponent {slope:.2f}")
    assert slope < 1.3


def test_a_step_costs_the_same_whatever_the_number_of_rows():
    ring, spent = am.ring_of_gaussians(), []
    for n in (1000, 100_000):
        x, levels = am.make_mixed_dataset(ring.sample(n, 0), 1.0, 0.9, 0.3, 0)
        model = am.AmbientDiffusion(64, batch_size=256, random_state=0)
        spent.append(seconds(lambda m=model, x=x, s=levels: m.fit(x, s, 100), 2)[0] / 100)
        print(f"{n:7,} rows: {1000 * spent[-1]:.2f} ms a step")
    assert spent[1] < 2 * spent[0]


def test_the_ambient_loss_costs_little_more_than_denoising():
    """The plain loss written out, against ours."""
    net = am.EDMPrecond(am.MLPDenoiser(2, generator=0))
    x, own, level = torch.randn(512, 2), torch.zeros(512), torch.ones(512)

    def plain():
        error = net(x + level[:, None] * torch.randn(512, 2), level) - x
        (error.square().sum(1) * 5).mean().backward()

    def ambient():
        am.ambient_loss(net, x, own, level, generator=0).backward()

    ours, theirs = (seconds(lambda f=f: [f() for _ in range(50)])[0] for f in (ambient, plain))
    print(f"a loss and its gradient: ambient {20 * ours:.2f} ms, plain {20 * theirs:.2f} ms")
    assert ours < 1.6 * theirs
