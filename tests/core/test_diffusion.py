"""Diffusion blocks against Gaussian closed forms, SciPy's truncated laws and plain loops."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, lognorm, truncnorm

from mixbook.core.diffusion import (
    EDMPrecond,
    MLPDenoiser,
    edm_sampler,
    edm_scalings,
    edm_weight,
    karras_levels,
    log_normal_levels,
    reverse_sde,
)

TAU = 0.8  # standard deviation of the Gaussian data


def wiener(x, sigma):
    """Exact denoiser of N(0, TAU^2)."""
    return x * (TAU**2 / (TAU**2 + sigma**2))[:, None]


def test_the_network_sees_and_learns_unit_variance():
    """Karras et al.'s derivation: input and target have variance one, and c_out is least."""
    g = torch.Generator().manual_seed(0)
    for level in (0.05, 0.5, 3.0):
        x0 = 0.5 * torch.randn(400_000, generator=g, dtype=torch.float64)
        x = x0 + level * torch.randn(400_000, generator=g, dtype=torch.float64)
        skip, out, scale, noise = edm_scalings(torch.tensor([level], dtype=torch.float64), 0.5)
        assert (scale * x).std().item() == pytest.approx(1, abs=0.01)
        assert ((x0 - skip * x) / out).std().item() == pytest.approx(1, abs=0.01)
        best = np.polyfit(x.numpy(), x0.numpy(), 1)[0]
        assert skip.item() == pytest.approx(best, abs=0.01)
        assert noise.item() == pytest.approx(np.log(level) / 4)
        weight = edm_weight(torch.tensor([level], dtype=torch.float64), 0.5)
        assert (weight * out**2).item() == pytest.approx(1)


def test_preconditioning_broadcasts_over_pictures():
    net = EDMPrecond(_Plus(), 0.5)
    x, sigma = torch.randn(3, 1, 4, 4), torch.tensor([0.1, 1.0, 7.0])
    found = net(x, sigma)
    for i in range(3):
        skip, out, scale, noise = (c.item() for c in edm_scalings(sigma[i : i + 1]))
        assert torch.allclose(found[i], skip * x[i] + out * (scale * x[i] + noise), atol=1e-6)


class _Plus(torch.nn.Module):
    def forward(self, x, noise):
        return x + noise.view(-1, 1, 1, 1)


def test_levels_fall_with_equal_steps_of_the_root():
    levels = karras_levels(10, 0.01, 20.0, 5.0)
    assert len(levels) == 11
    assert levels[0].item() == pytest.approx(20)
    assert levels[-2].item() == pytest.approx(0.01)
    assert levels[-1] == 0
    steps = np.diff(levels[:-1].numpy() ** 0.2)
    assert np.allclose(steps, steps[0])
    assert steps[0] < 0


def test_levels_of_training_follow_the_log_normal_law():
    drawn = log_normal_levels(20_000, -1.2, 1.2, generator=0).numpy()
    assert kstest(drawn, lognorm(1.2, scale=np.exp(-1.2)).cdf).pvalue > 1e-3


def test_truncated_levels_match_scipy_even_far_out():
    for low in (0.35, 80.0):
        drawn = log_normal_levels(20_000, -1.2, 1.2, low=low, generator=1).double().numpy()
        a = (np.log(low) + 1.2) / 1.2
        law = truncnorm(a, np.inf)
        assert (drawn >= np.float32(low)).all()
        assert kstest((np.log(drawn) + 1.2) / 1.2, law.cdf).pvalue > 1e-3
    each = torch.tensor([0.0, 1.0, 5.0])
    assert (log_normal_levels(3, low=each, generator=0) >= each).all()


def test_network_starts_as_the_linear_denoiser_and_keeps_the_global_state():
    before = torch.get_rng_state()
    net = EDMPrecond(MLPDenoiser(3, 16, 2, 8, generator=0), 0.5)
    assert torch.equal(before, torch.get_rng_state())
    x, sigma = torch.randn(5, 3), torch.rand(5) + 0.1
    assert torch.allclose(net(x, sigma), (0.25 / (0.25 + sigma**2))[:, None] * x)
    twin = MLPDenoiser(3, 16, 2, 8, generator=0)
    assert all(torch.equal(a, b) for a, b in zip(net.net.state_dict().values(),
                                                 twin.state_dict().values()))  # fmt: skip
    frequencies = MLPDenoiser(1, 4, 1, 4000, generator=1).frequencies
    assert frequencies.std().item() == pytest.approx(np.pi, rel=0.05)


def test_network_depends_on_row_and_level():
    net = MLPDenoiser(2, 8, 1, 4, generator=0)
    torch.nn.init.normal_(net.layers[-1].weight)
    x, noise = torch.randn(4, 2), torch.randn(4)
    swapped = net(x, noise.flip(0))
    assert not torch.allclose(net(x, noise), swapped)
    assert torch.allclose(net(x[:2], noise[:2]), net(x, noise)[:2], atol=1e-6)


def test_sampler_is_the_exact_flow_of_a_gaussian_in_the_limit():
    """The flow multiplies x by sqrt(TAU^2 + s^2) ratios; Heun's error falls with order two."""
    start = torch.randn(2000, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    exact = 10.0 * start * (TAU**2 / (TAU**2 + 100.0)) ** 0.5
    errors = []
    for n in (40, 80):
        x = edm_sampler(wiener, (2000, 1), n, 1e-3, 10.0, 7.0, generator=3, dtype=torch.float64)
        errors.append((x - exact).abs().max().item())
    assert errors[1] < 0.01
    assert errors[0] / errors[1] > 3


def test_sampler_calls_the_denoiser_twice_a_step_but_the_last():
    calls = []

    def counted(x, sigma):
        calls.append(sigma[0].item())
        return wiener(x, sigma)

    edm_sampler(counted, (4, 2), 18, generator=0)
    assert len(calls) == 35
    assert calls[0] == pytest.approx(80)
    assert calls[-1] == pytest.approx(0.002)


def test_sampler_stops_with_the_estimate_at_the_last_level_above():
    seen = []

    def recorded(x, sigma):
        seen.append((sigma[0].item(), wiener(x, sigma)))
        return seen[-1][1]

    levels = karras_levels(18)
    x = edm_sampler(recorded, (4, 2), 18, stop_variance=0.35**2, generator=0)
    last = levels[levels >= 0.35][-1].item()
    assert seen[-1][0] == pytest.approx(last)
    assert torch.equal(x, seen[-1][1])


def test_reverse_sde_has_the_conditional_law_of_a_gaussian():
    """x' given x is N(m, v): the bridge between two levels of a Gaussian, by conditioning."""
    s, e = 1.5, 0.5
    x = torch.full((40_000, 1), 1.2, dtype=torch.float64)
    levels = (torch.full((40_000,), v, dtype=torch.float64) for v in (s, e))
    out = reverse_sde(wiener, x, *levels, n_steps=200, generator=0)
    ratio = (TAU**2 + e**2) / (TAU**2 + s**2)
    assert out.mean().item() == pytest.approx(1.2 * ratio, abs=0.02)
    assert out.var().item() == pytest.approx((TAU**2 + e**2) * (1 - ratio), rel=0.03)


def test_reverse_sde_without_a_way_to_go_stays():
    x, sigma = torch.randn(5, 2), torch.rand(5) + 0.1
    assert torch.equal(reverse_sde(wiener, x, sigma, sigma, 3, generator=0), x)


ONES = torch.ones(2)
BAD = [
    (lambda: karras_levels(1), ValueError, "n_steps"),
    (lambda: karras_levels(5, 0.0), ValueError, "sigma_min"),
    (lambda: karras_levels(5, 2.0, 1.0), ValueError, "sigma_max"),
    (lambda: karras_levels(5, rho=0.5), ValueError, "rho"),
    (lambda: karras_levels(2.5), TypeError, "n_steps"),
    (lambda: log_normal_levels(0), ValueError, "n must"),
    (lambda: log_normal_levels(2, std=0.0), ValueError, "std"),
    (lambda: log_normal_levels(2, low=-1.0), ValueError, "low"),
    (lambda: log_normal_levels(2, low=float("nan")), ValueError, "low"),
    (lambda: EDMPrecond(_Plus(), 0.0), ValueError, "sigma_data"),
    (lambda: MLPDenoiser(0), ValueError, "dim"),
    (lambda: MLPDenoiser(2, hidden=0), ValueError, "hidden"),
    (lambda: MLPDenoiser(2, depth=0), ValueError, "depth"),
    (lambda: MLPDenoiser(2, n_frequencies=0), ValueError, "n_frequencies"),
    (lambda: edm_sampler(wiener, (0, 2)), ValueError, "shape"),
    (lambda: edm_sampler(wiener, (2, 2), stop_variance=-1.0), ValueError, "stop_variance"),
    (lambda: reverse_sde(wiener, torch.ones(2, 1), ONES, ONES, 0), ValueError, "n_steps"),
    (lambda: reverse_sde(wiener, torch.ones(2, 1), ONES, 2 * ONES, 1), ValueError, "sigma_end"),
    (lambda: reverse_sde(wiener, torch.ones(2, 1), ONES, 0 * ONES, 1), ValueError, "sigma_end"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_are_named(case):
    call, error, name = BAD[case]
    with pytest.raises(error, match=name):
        call()
