"""Flow matching against finite differences, closed forms of Gaussians and known ODEs."""

import numpy as np
import pytest
import torch

from mixbook.core.flow_matching import (
    VP,
    CondOT,
    Trigonometric,
    adaptive_sample,
    euler_sample,
    flow_matching_loss,
    sample_path,
    velocity_from_denoiser,
)

PATHS = [CondOT(), Trigonometric(), VP(), VP(0.5, 3.0)]


@pytest.mark.parametrize("path", PATHS)
def test_derivatives_are_finite_differences(path):
    t, h = np.linspace(0.05, 0.95, 19), 1e-6
    for value, slope in ((path.alpha, path.d_alpha), (path.sigma, path.d_sigma)):
        np.testing.assert_allclose(slope(t), (value(t + h) - value(t - h)) / (2 * h), rtol=1e-6)


@pytest.mark.parametrize("path", PATHS[:2])
def test_ends_of_the_schedule(path):
    np.testing.assert_allclose([path.alpha(0.0), path.sigma(0.0)], [0, 1], atol=1e-12)
    np.testing.assert_allclose([path.alpha(1.0), path.sigma(1.0)], [1, 0], atol=1e-12)


def test_vp_against_numbers_of_ddpm():
    path = VP()
    assert path.alpha(0.0) == pytest.approx(np.exp(-(0.05 + 9.95 / 2)))  # B(1) = 0.1 + 9.95
    assert path.alpha(0.5) == pytest.approx(np.exp(-0.5 * (0.05 + 9.95 / 4)))
    t = np.linspace(0, 1, 11)
    np.testing.assert_allclose(path.alpha(t) ** 2 + path.sigma(t) ** 2, 1)
    assert path.sigma(1.0) == 0.0
    # no loss of digits near the data, where sigma^2 = B to first order
    assert path.sigma(1 - 1e-9) == pytest.approx(np.sqrt(0.1e-9), rel=1e-6)


def test_times_are_answered_in_kind():
    path = Trigonometric()
    assert isinstance(path.alpha(0.3), float)
    assert isinstance(path.alpha(np.array([0.3])), np.ndarray)
    single = path.alpha(torch.tensor([[0.3]]))
    assert single.dtype == torch.float32
    assert single.shape == (1, 1)
    assert path.alpha([0, 1]).tolist() == pytest.approx([0, 1])


def test_sample_path_has_the_moments_of_the_path():
    draw = torch.Generator().manual_seed(0)
    n, t = 200_000, 0.3
    x0, x1 = torch.randn(n, 1, generator=draw).double(), torch.full((n, 1), 2.0).double()
    xt, target = sample_path(Trigonometric(), x0, x1, torch.full((n,), t, dtype=torch.float64))
    assert float(xt.mean()) == pytest.approx(2 * np.sin(np.pi / 2 * t), abs=0.01)
    assert float(xt.std()) == pytest.approx(np.cos(np.pi / 2 * t), abs=0.01)
    later, _ = sample_path(Trigonometric(), x0, x1, torch.full((n,), t + 1e-6, dtype=torch.float64))
    np.testing.assert_allclose(target, (later - xt) / 1e-6, atol=1e-4)


@pytest.mark.parametrize("path", PATHS)
def test_loss_is_least_at_the_marginal_velocity_of_a_gaussian(path):
    """Data N(0, v): the posterior mean is linear, so is the best velocity; moving away from it by
    e x raises the loss by e^2 E x^2, with no first-order term."""
    v, t, draw = 2.5, 0.6, torch.Generator().manual_seed(1)
    n = 400_000
    x0, x1 = (torch.randn(n, 1, generator=draw).double() for _ in range(2))
    x1 = v**0.5 * x1
    times = torch.full((n,), t, dtype=torch.float64)
    a, m = path.alpha(t), path.sigma(t)

    def loss(slope):
        def velocity(x, s):
            return velocity_from_denoiser(path, x, t, v * a / (v * a**2 + m**2) * x) + slope * x

        return float(flow_matching_loss(velocity, path, x1, x0=x0, t=times))

    rise = [loss(e) - loss(0.0) for e in (-0.5, 0.5)]
    want = 0.25 * (v * a**2 + m**2)
    np.testing.assert_allclose(rise, want, rtol=0.05)
    # what is left is the variance of the conditional velocity: beta^2 times that of the posterior
    beta = path.d_alpha(t) - a * path.d_sigma(t) / m
    assert loss(0.0) == pytest.approx(beta**2 * v * m**2 / (v * a**2 + m**2), rel=0.02)


def test_loss_draws_reproducibly_and_from_t_first():
    seen = []

    class Late(CondOT):
        t_first = 0.5

    def velocity(x, t):
        seen.append(t)
        return torch.zeros_like(x)

    x1 = torch.ones(1000, 2)
    first = flow_matching_loss(velocity, Late(), x1, 3)
    assert torch.equal(first, flow_matching_loss(velocity, Late(), x1, 3))
    assert 0.5 <= float(seen[0].min()) < 0.51
    assert 0.99 < float(seen[0].max()) < 1
    # zero velocity: the loss is E|x1 - x0|^2 = 2 + 2
    assert float(first) == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("path", PATHS)
def test_velocity_transports_the_gaussian_exactly(path):
    """Data N(0, v): the flow from t = s multiplies by the ratio of standard deviations."""
    v, x0 = 0.3, torch.linspace(-2, 2, 9).double()[:, None]

    def std(t):
        return (v * path.alpha(t) ** 2 + path.sigma(t) ** 2) ** 0.5

    def velocity(x, t):
        gain = v * path.alpha(t) / std(t) ** 2
        return velocity_from_denoiser(path, x, t, gain * x)

    x, n = adaptive_sample(velocity, x0, rtol=1e-9, atol=1e-9, t_span=(0.0, 0.95))
    np.testing.assert_allclose(x, x0 * std(0.95) / std(0.0), rtol=1e-6)
    assert n > 10
    euler = euler_sample(velocity, x0, 2000)
    np.testing.assert_allclose(euler, x0 * std(1.0) / std(0.0), rtol=0.02)


def test_euler_by_hand_and_its_order():
    x0 = np.array([[1.0]])
    assert euler_sample(lambda x, t: x, x0, 2)[0, 0] == pytest.approx(2.25)
    assert euler_sample(lambda x, t: t + 0 * x, x0, 4)[0, 0] == pytest.approx(
        1 + (0 + 1 + 2 + 3) / 16
    )
    errors = [euler_sample(lambda x, t: x, x0, n)[0, 0] - np.e for n in (100, 200)]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.03)


def test_euler_asks_for_times_before_the_end_and_from_t_first():
    times = []

    def velocity(x, t):
        times.append(t)
        return 0 * x

    nodes = euler_sample(velocity, torch.ones(3, 2), 4, t_first=0.1, trajectory=True)
    assert times == [0.1, 0.25, 0.5, 0.75]
    assert nodes.shape == (5, 3, 2)
    assert euler_sample(velocity, np.ones((3, 2)), 1, trajectory=True).shape == (2, 3, 2)


def test_adaptive_sampler_of_a_rotation():
    turn = np.array([[0, -1.0], [1, 0]]) * np.pi
    points = np.array([[1.0, 0], [0, 2]])
    x, n = adaptive_sample(lambda x, t: x @ turn.T, points, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(x, -points, atol=1e-6)
    _, fewer = adaptive_sample(lambda x, t: x @ turn.T, points, rtol=1e-3, atol=1e-3)
    assert fewer < n
    half, _ = adaptive_sample(
        lambda x, t: x @ turn.T, points, rtol=1e-8, atol=1e-8, t_span=(0.25, 0.75)
    )
    np.testing.assert_allclose(half, points @ np.array([[0, 1.0], [-1, 0]]), atol=1e-6)


def test_bad_times_and_steps():
    for bad in (-0.1, 1.1, float("nan"), [0.2, 2.0]):
        with pytest.raises(ValueError, match="t must lie in"):
            CondOT().alpha(bad)
    with pytest.raises(TypeError, match="t must hold numbers"):
        CondOT().alpha("now")
    with pytest.raises(ValueError, match="n_steps"):
        euler_sample(lambda x, t: x, np.ones((1, 1)), 0)
    with pytest.raises(ValueError, match="t_first"):
        euler_sample(lambda x, t: x, np.ones((1, 1)), 2, t_first=1.0)
    with pytest.raises(ValueError, match="noise left"):
        velocity_from_denoiser(CondOT(), torch.ones(1, 1), 1.0, torch.ones(1, 1))
    with pytest.raises(ValueError, match="beta_min"):
        VP(0.0)
    with pytest.raises(ValueError, match="beta_max"):
        VP(2.0, 1.0)
    with pytest.raises(ValueError, match=r"t_span\[1\]"):
        adaptive_sample(lambda x, t: x, np.ones((1, 1)), t_span=(0.5, 0.5))


def test_bad_end_of_the_solver_is_an_error():
    with pytest.raises(RuntimeError, match="solver stopped"):
        adaptive_sample(lambda x, t: x**2, np.array([[3.0]]))
