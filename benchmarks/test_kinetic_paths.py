"""The data separation against the way it is usually written, the schedule, and growth with points.

Run with ``pytest benchmarks/test_kinetic_paths.py -s``; the table counts CPU seconds of one thread.
"""

import time

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from mixbook.flows import kinetic_paths as kp

SECONDS = {}
S = kp.snr_grid()


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    for (what, n), seconds in sorted(SECONDS.items(), key=lambda item: (item[0][1], item[1])):
        print(f"n = {n:6d}  {what:52s} {seconds:9.4f} s")


def clock(what, n, function, *args, **settings):
    start = time.process_time()
    found = function(*args, **settings)
    SECONDS[what, n] = time.process_time() - start
    return found


def plain(X, s, n_mc, seed):
    """One ratio after the other: fresh distances each time, and the plain mean of Eq. (5)."""
    rng = np.random.default_rng(seed)
    source, noise = rng.integers(len(X), size=n_mc), rng.standard_normal((n_mc, X.shape[1]))
    lam, stderr = [], []
    for ratio in s:
        y = ratio * X[source] + noise
        square = (y**2).sum(1)[:, None] - 2 * ratio * y @ X.T + ratio**2 * (X**2).sum(1)
        weight = np.exp(-(square - square.min(1, keepdims=True)) / 2)
        size = ((weight / weight.sum(1, keepdims=True) @ X) ** 2).mean(1)
        lam.append(size.mean())
        stderr.append(size.std() / n_mc**0.5)
    return np.array(lam), np.array(stderr)


def test_tables_are_shared_between_ratios():
    """Faster than the plain way, and closer: the same answer with a fraction of the error."""
    X = kp.normalize_data(np.random.default_rng(0).standard_normal((1500, 64)))[0]
    kp.data_separation(X[:100], S, 100, 0)  # warm up
    lam, stderr = clock("data separation, shared tables", 1500, kp.data_separation, X, S, 1000, 0)
    other, error = clock("data separation, plain loop", 1500, plain, X, S, 1000, 1)
    assert (np.abs(lam - other) <= 5 * np.hypot(stderr, error) + 1e-3).all()
    assert (
        SECONDS["data separation, shared tables", 1500]
        < SECONDS["data separation, plain loop", 1500]
    )
    middle = slice(5, 30)
    assert np.median(stderr[middle] / error[middle]) < 0.7


@pytest.mark.parametrize("n", [500, 2000, 8000])
def test_growth_with_points(n):
    X = np.random.default_rng(1).standard_normal((n, 32))
    clock("data separation, 500 noisy samples", n, kp.data_separation, X, S, 500, 0)
    if n == 8000:
        slow, fast = (SECONDS["data separation, 500 noisy samples", k] for k in (8000, 2000))
        assert slow < 4 * fast * 2  # linear in n, with room for a busy machine


def test_the_schedule_takes_milliseconds(benchmark):
    lam = kp.data_separation_gaussian([0.2, 1.0, 1.8], S)
    path = benchmark(kp.KineticOptimalPath, S, lam)
    start = time.process_time()
    kp.KineticOptimalPath(S, lam, "ode")
    shooting = time.process_time() - start
    assert path.b_ > 0
    assert benchmark.stats["median"] < 0.03
    assert benchmark.stats["median"] < shooting / 3


def test_euler_on_all_particles_at_once(benchmark):
    """Against an adaptive solver of SciPy at the accuracy that Euler reaches, in evaluations."""
    X = kp.Checkerboard().sample(500, 0)
    x0 = np.random.default_rng(0).standard_normal((200, 2))
    path = kp.CondOT()

    def velocity(x, t):
        return kp.marginal_velocity(x, t, path, X)

    end = benchmark(kp.euler_sample, velocity, x0, 100)
    found = solve_ivp(
        lambda t, y: velocity(y.reshape(x0.shape), t).ravel(), (0, 0.99), x0.ravel(), rtol=1e-3
    )
    near = np.abs(found.y[:, -1].reshape(x0.shape) - end).mean()
    assert near < 0.1
    assert torch.isfinite(torch.from_numpy(end)).all()
