"""Ambient diffusion against Gaussian closed forms, quadrature, plain loops and other libraries."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

from mixbook.flows.ambient import (
    AmbientDiffusion,
    EDMPrecond,
    HeteroscedasticGMM,
    IsotropicMixture,
    MLPDenoiser,
    ambient_loss,
    atom_error,
    atomic_w1,
    consistency_loss,
    denoised_moments,
    diffuse,
    draw_batch,
    edm_sampler,
    effective_sample_sizes,
    error_rate,
    fisher_information_atoms,
    fit_atoms_1d,
    frechet_gaussian,
    make_mixed_dataset,
    price_estimate,
    price_of_noise,
    ring_of_gaussians,
    sliced_wasserstein,
    spectral_subspace,
    ve_to_ve,
)
from mixbook.flows.ambient._estimator import _schedule

TAU = 0.8


def wiener(x, sigma):
    """Exact denoiser of N(0, TAU^2)."""
    return x * (TAU**2 / (TAU**2 + sigma**2))[:, None]


def full(n, value):
    return torch.full((n,), float(value), dtype=torch.float64)


def normal(n, d, seed, scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return scale * torch.randn(n, d, generator=g, dtype=torch.float64)


# --- the identity and the loss ------------------------------------------------------------------


@given(st.floats(0.0, 2.0), st.floats(0.01, 2.0), st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=30)
def test_identity_agrees_with_conditioning_a_gaussian(sigma_tn, extra, n, d):
    """E[x_tn | x_t] of jointly Gaussian variables is a ratio of variances times x_t."""
    sigma_t = math.hypot(sigma_tn, extra)
    x = normal(n, d, 0)
    found = ve_to_ve(wiener(x, full(n, sigma_t)), x, full(n, sigma_t), full(n, sigma_tn))
    assert torch.allclose(found, x * (TAU**2 + sigma_tn**2) / (TAU**2 + sigma_t**2))


def test_identity_at_both_ends_and_on_pictures():
    x0, x = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    s = torch.tensor([0.3, 1.0, 2.0])
    assert torch.equal(ve_to_ve(x0, x, s, torch.zeros(3)), x0)
    assert torch.equal(ve_to_ve(x0, x, s, s), x)
    mixed = ve_to_ve(x0, x, s, torch.tensor([0.3, 0.5, 0.0]))
    assert torch.equal(mixed[0], x[0])
    assert torch.allclose(mixed[1], 0.75 * x0[1] + 0.25 * x[1])
    assert torch.equal(mixed[2], x0[2])


def test_diffused_rows_have_the_variance_that_is_missing():
    x, own = normal(200_000, 1, 1, 0.0), full(200_000, 0.6)
    added = diffuse(x, own, full(200_000, 1.0), 3)
    assert added.var().item() == pytest.approx(1 - 0.36, rel=0.02)
    assert torch.equal(diffuse(x, own, own, 3), x)


@pytest.mark.parametrize("d", [1, 3])
def test_loss_of_the_exact_denoiser_has_its_closed_form_and_is_least(d):
    n, s, t = 300_000, 0.9, 0.4
    x = normal(n, d, 2, math.hypot(TAU, t))
    weight = (s**2 + 0.25) / (s * 0.5) ** 2
    floor = d * weight * (TAU**2 + t**2) * (s**2 - t**2) / (TAU**2 + s**2)

    def loss(factor):
        def h(x, sigma):
            return factor * wiener(x, sigma)

        return ambient_loss(h, x, full(n, t), full(n, s), 0.5, 5).item()

    assert loss(1.0) == pytest.approx(floor, rel=0.01)
    share = (1 - t**2 / s**2) * TAU**2 / (TAU**2 + s**2)
    for factor in (0.9, 1.1):
        excess = d * weight * (share * (factor - 1)) ** 2 * (TAU**2 + s**2)
        assert loss(factor) - loss(1.0) == pytest.approx(excess, rel=0.15)


def test_loss_of_mixed_rows_is_the_mean_of_single_ones():
    x, own, s = normal(4, 2, 3), full(4, 0.0), full(4, 1.0)
    own[2:] = 0.5
    parts = [ambient_loss(wiener, x, own, s, 0.5, torch.Generator().manual_seed(1)).item()]
    z = torch.randn(4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    total = 0.0
    for i in range(4):
        x_t = x[i] + (1 - own[i] ** 2) ** 0.5 * z[i]
        h = x_t * TAU**2 / (TAU**2 + 1)
        gap = (1 - own[i] ** 2) * h + own[i] ** 2 * x_t - x[i]
        total += (1.25 / 0.25) * float(gap @ gap) / 4
    assert parts[0] == pytest.approx(total)


def test_clamped_draws_have_no_gradient():
    """By default levels are raised to the row's own noise: far out, nothing is left to learn."""
    x = torch.randn(16, 2)
    net = EDMPrecond(MLPDenoiser(2, 8, 1, 4, generator=0))
    loss = ambient_loss(net, x, torch.full((16,), 1e4), generator=0)
    loss.backward()
    assert loss.item() == 0
    assert all((p.grad == 0).all() for p in net.parameters())
    assert ambient_loss(net, x, torch.zeros(16), generator=0).item() > 0


def test_the_identity_finds_the_clean_law_from_noisy_rows_alone():
    """Least squares for a linear denoiser on noisy rows gives the clean Wiener factor."""
    n, s, t = 400_000, 1.0, 0.7
    x = normal(n, 1, 4, math.hypot(TAU, t))
    x_t = diffuse(x, full(n, t), full(n, s), 6)
    design = (1 - t**2) * x_t
    found = float((design * (x - t**2 * x_t)).sum() / design.square().sum())
    assert found == pytest.approx(TAU**2 / (TAU**2 + s**2), abs=0.01)


# --- consistency --------------------------------------------------------------------------------


def test_consistency_vanishes_for_the_exact_denoiser():
    x, s, e = normal(400, 1, 5, math.hypot(TAU, 1.0)), full(400, 1.0), full(400, 0.3)
    loss = consistency_loss(wiener, x, s, e, 40, 60, unbiased=True, generator=0).item()

    def wrong(x, sigma):
        return wiener(x, sigma) + 0.3 / (1 + sigma)[:, None]

    assert abs(loss) < 0.004
    assert consistency_loss(wrong, x, s, e, 40, 60, unbiased=True, generator=0).item() > 0.004


def test_mean_of_draws_is_biased_by_its_variance():
    """With P draws the plain loss is too large by 1/P of Var h(x') given x_t, in closed form."""
    x, s, e = normal(3000, 1, 6, math.hypot(TAU, 1.0)), full(3000, 1.0), full(3000, 0.3)
    ratio = (TAU**2 + 0.09) / (TAU**2 + 1)
    variance = (TAU**2 + 0.09) * (1 - ratio) * (TAU**2 / (TAU**2 + 0.09)) ** 2
    for P in (2, 8):
        loss = consistency_loss(wiener, x, s, e, P, 40, generator=1).item()
        assert loss == pytest.approx(variance / P, rel=0.1)


def test_consistency_of_a_deterministic_estimate_is_the_squared_gap():
    def flat(x, sigma):
        return 0 * x + sigma[:, None]

    x, s, e = torch.randn(5, 2), torch.full((5,), 1.0), torch.full((5,), 0.4)
    for unbiased in (False, True):
        loss = consistency_loss(flat, x, s, e, 3, 2, unbiased=unbiased, generator=0)
        assert loss.item() == pytest.approx(2 * 0.36, rel=1e-5)


def test_consistency_gradient_passes_through_the_sampler():
    slope = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

    def h(x, sigma):
        return slope * wiener(x, sigma)

    x, s, e = normal(4, 1, 7), full(4, 1.0), full(4, 0.3)

    def loss():
        return consistency_loss(h, x, s, e, 3, 4, generator=2)

    (found,) = torch.autograd.grad(loss(), slope)
    with torch.no_grad():
        slope += 1e-6
        up = loss().item()
        slope -= 2e-6
        down = loss().item()
    assert found.item() == pytest.approx((up - down) / 2e-6, rel=1e-5)


# --- batches and the estimator ------------------------------------------------------------------


def test_batches_never_train_a_row_below_its_noise():
    levels = torch.cat([torch.zeros(5), torch.full((40,), 0.3), torch.full((5,), 1.0)])
    g = torch.Generator().manual_seed(0)
    for sampling in ("sigma_first", "truncate", "clamp"):
        rows, sigma = draw_batch(levels, 20_000, sampling, g)
        assert (sigma >= levels[rows]).all()
        assert (rows >= 0).all()
        assert (rows < 50).all()
    assert (rows.bincount(minlength=50) > 200).all()  # rows first: all alike


def test_levels_first_draw_rows_alike_among_those_that_teach():
    """Every level keeps its log-normal share, and rows of less noise share it equally."""
    levels = torch.cat([torch.zeros(10), torch.full((90,), 0.3)])
    rows, sigma = draw_batch(levels, 100_000, "sigma_first", torch.Generator().manual_seed(1))
    low = sigma <= 0.3
    share = norm.cdf((math.log(0.3) + 1.2) / 1.2)
    assert low.double().mean().item() == pytest.approx(share, abs=0.01)
    assert (rows[low] < 10).all()
    high = rows[~low].bincount(minlength=100).double()
    assert (high.max() / high.min()).item() < 1.5
    only_noisy = draw_batch(levels[10:], 1000, "sigma_first", torch.Generator().manual_seed(1))
    assert (only_noisy[1] >= 0.3).all()


def test_rate_rises_then_falls_to_zero():
    rates = [_schedule(step, 100, 0.1) for step in range(100)]
    assert np.argmax(rates) in (9, 10)
    assert rates[0] == pytest.approx(0.1)
    assert rates[99] < 0.001
    assert rates[55] == pytest.approx(0.5)
    assert max(rates) == pytest.approx(1)


def small_model(**settings):
    own = {"hidden": 32, "depth": 2, "batch_size": 128, "sigma_max": 10.0, "random_state": 0}
    return AmbientDiffusion(**(own | settings))


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_trained_denoiser_of_a_gaussian_is_the_wiener_filter(noise):
    """Noisy rows alone suffice above their noise."""
    x = normal(4000, 1, 8, math.hypot(0.5, noise)).float()
    model = small_model().fit(x, noise, 600)
    grid = torch.linspace(-1, 1, 9)[:, None]
    for level in (0.5, 1.0, 2.0):
        exact = grid * 0.25 / (0.25 + level**2)
        assert (model.denoise(grid, level) - exact).abs().max().item() < 0.07
    assert model.losses_.shape == (600,)


def test_training_as_if_clean_keeps_the_noise():
    x = normal(4000, 1, 8, math.hypot(0.5, 0.4)).float()
    naive = small_model().fit(x, 0.0, 600).sample(4000, random_state=0)
    mixed = torch.cat([normal(400, 1, 9, 0.5).float(), x])
    levels = torch.cat([torch.zeros(400), torch.full((4000,), 0.4)])
    ambient = small_model().fit(mixed, levels, 600).sample(4000, random_state=0)
    assert naive.std().item() > 0.58
    assert ambient.std().item() == pytest.approx(0.5, abs=0.05)


def test_every_option_runs_and_repeats():
    x = normal(200, 2, 10, 0.5).float().numpy()
    settings = [
        {"sampling": "truncate"},
        {"sampling": "clamp"},
        {"ema_half_life": 1000.0},
        {"unbiased": True},
    ]
    for own in settings:
        models = [small_model(**own).fit(x, np.full(200, 0.2), 5, consistency=1.0) for _ in "12"]
        made = [model.sample(7, 4, random_state=1) for model in models]
        assert made[0].shape == (7, 2)
        assert torch.equal(*made)
    other = small_model(net=lambda dim, g: MLPDenoiser(dim, 4, 1, 2, g)).fit(x, 0.1, 3)
    assert sum(p.numel() for p in other.denoiser_.parameters()) == 6 * 4 + 4 + 4 * 2 + 2
    assert isinstance(other.denoise(x, 0.3), np.ndarray)
    assert clone(small_model(lr=0.1)).lr == 0.1


def test_average_of_weights_lags_behind():
    x = normal(200, 2, 10, 0.5).float()
    last = small_model(batch_size=10).fit(x, 0.1, 40).denoise(x, 0.3)
    long = small_model(batch_size=10, ema_half_life=1e9).fit(x, 0.1, 40).denoise(x, 0.3)
    short = small_model(batch_size=10, ema_half_life=1e-3).fit(x, 0.1, 40).denoise(x, 0.3)
    start = x * 0.25 / (0.25 + 0.09)  # the untrained network
    assert torch.allclose(short, last, atol=1e-6)
    assert (long - start).norm() < 0.2 * (last - start).norm()


def test_consistency_enters_the_training():
    x = normal(200, 2, 10, 0.5).float()
    plain, with_it = (small_model().fit(x, 0.3, 5, consistency=c) for c in (0.0, 5.0))
    assert with_it.losses_[-1] > plain.losses_[-1]
    assert with_it.losses_[0] > plain.losses_[0]


def test_truncated_samples_are_estimates_at_the_noise():
    x = normal(500, 2, 11, 0.5).float()
    model = small_model().fit(x, 0.3, 50)
    stopped = model.sample(50, stop_sigma=0.3, random_state=4)
    by_hand = edm_sampler(
        model.denoiser_, (50, 2), sigma_max=10.0, stop_variance=0.09,
        generator=torch.Generator().manual_seed(4),
    )  # fmt: skip
    assert torch.equal(stopped, by_hand)
    assert not torch.equal(stopped, model.sample(50, random_state=4))


# --- data and known laws ------------------------------------------------------------------------


def test_mixed_data_keep_their_clean_rows_and_one_draw_of_noise():
    X = torch.arange(4000.0).view(1000, 4)
    x, levels = make_mixed_dataset(X, 0.5, 0.8, 0.2, 0)
    assert x.shape == (500, 4)
    assert (levels == 0).sum() == 100
    assert (levels[100:] == 0.2).all()
    index = (x[:, 0] / 4).round().long()
    assert len(index.unique()) == 500
    assert torch.equal(x[:100], X[index[:100]])
    noise = x[100:] - X[index[100:]]
    assert noise.std().item() == pytest.approx(0.2, rel=0.1)
    again, _ = make_mixed_dataset(X, 0.5, 0.8, 0.2, 0)
    assert torch.equal(x, again)


def test_exact_denoiser_against_quadrature_and_tweedie():
    law = IsotropicMixture([[-1.0], [0.5], [2.0]], 0.2, [0.2, 0.5, 0.3])
    clean = torch.linspace(-3, 4, 40_001, dtype=torch.float64)
    prior = law.log_prob(clean[:, None].float()).double().exp()
    for x, s in ((0.1, 0.6), (-0.7, 0.3), (1.5, 2.0)):
        likelihood = torch.exp(-0.5 * ((x - clean) / s) ** 2) * prior
        wanted = float((likelihood * clean).sum() / likelihood.sum())
        found = law.denoise(torch.tensor([[x]], dtype=torch.float64), full(1, s)).item()
        assert found == pytest.approx(wanted, abs=2e-4)
        point = torch.tensor([[x]], dtype=torch.float64, requires_grad=True)
        law64 = IsotropicMixture([[-1.0], [0.5], [2.0]], 0.2, [0.2, 0.5, 0.3])
        law64.means, law64.weights = law64.means.double(), law64.weights.double()
        (score,) = torch.autograd.grad(law64.log_prob(point, s).sum(), point)
        assert found == pytest.approx(x + s**2 * score.item(), abs=1e-5)


def test_ring_has_the_spread_it_says_and_no_excess_over_itself():
    ring = ring_of_gaussians(8, 0.05)
    x = ring.sample(50_000, 0)
    assert x.std(0).numpy() == pytest.approx([0.5, 0.5], rel=0.02)
    assert ring.means.norm(dim=1).numpy() == pytest.approx(ring.std / 0.05, rel=1e-5)
    assert ring.excess(ring.denoise, [0.1, 1.0], 500, 0) == pytest.approx([0, 0])

    def shifted(x, sigma):
        return ring.denoise(x, sigma) + 0.1

    assert ring.excess(shifted, [0.1, 1.0], 500, 0) == pytest.approx([0.02, 0.02], rel=1e-4)


# --- mixtures of mixed noise --------------------------------------------------------------------


def atoms_and_samples(n=600, d=5, k=3, seed=0, levels=(0.3, 1.0)):
    rng = np.random.default_rng(seed)
    atoms = 2.0 * np.eye(k, d)
    sigma = rng.choice(levels, n)
    label = rng.integers(k, size=n)
    return atoms, atoms[label] + sigma[:, None] * rng.normal(size=(n, d)), sigma, label


def test_likelihood_and_responsibilities_against_scipy():
    _atoms, x, sigma, _ = atoms_and_samples(n=50)
    model = HeteroscedasticGMM(3, random_state=0).fit(x, sigma)
    joint = np.array([
        [math.log(w) + multivariate_normal(m, s**2 * np.eye(5)).logpdf(row)
         for m, w in zip(model.means_, model.weights_)] for row, s in zip(x, sigma)
    ])  # fmt: skip
    assert model.score(x, sigma) == pytest.approx(logsumexp(joint, axis=1).mean())
    assert model.log_likelihood_ == pytest.approx(model.score(x, sigma))
    wanted = np.exp(joint - logsumexp(joint, axis=1)[:, None])
    assert np.allclose(model.predict_proba(x, sigma), wanted)
    assert (model.predict(x, sigma) == wanted.argmax(1)).all()


@pytest.mark.parametrize("init", ["spectral", "random"])
def test_em_never_loses_likelihood_and_ends_at_a_stationary_point(init):
    _atoms, x, sigma, _ = atoms_and_samples()
    model = HeteroscedasticGMM(3, init=init, tol=1e-12, max_iter=2000, random_state=0)
    model.fit(x, sigma)
    assert (np.diff(model.history_) > -1e-10).all()
    assert model.converged_

    def likelihood(means, weights):
        pairs = zip(means, weights)
        terms = [np.log(w) + norm.logpdf(x, m, sigma[:, None]).sum(1) for m, w in pairs]
        return logsumexp(terms, axis=0).mean()

    for k in range(3):
        for j in range(5):
            step = np.zeros((3, 5))
            step[k, j] = 1e-5
            slope = likelihood(model.means_ + step, model.weights_)
            slope -= likelihood(model.means_ - step, model.weights_)
            assert abs(slope / 2e-5) < 1e-4
    moved = np.array([1e-5, -1e-5, 0])
    slope = likelihood(model.means_, model.weights_ + moved)
    slope -= likelihood(model.means_, model.weights_ - moved)
    assert abs(slope / 2e-5) < 1e-4


def test_em_with_equal_noise_agrees_with_scikit_learn():
    """GaussianMixture in turns: its E-step with the covariance held at sigma^2, then the means."""
    _atoms, x, sigma, _ = atoms_and_samples(levels=(0.7,))
    model = HeteroscedasticGMM(3, tol=1e-12, max_iter=5000, random_state=0).fit(x, sigma)
    peer = GaussianMixture(3, covariance_type="spherical", random_state=0).fit(x)
    for _ in range(300):
        peer.covariances_, peer.precisions_cholesky_ = np.full(3, 0.49), np.full(3, 1 / 0.7)
        r = peer.predict_proba(x)
        peer.means_, peer.weights_ = (r.T @ x) / r.sum(0)[:, None], r.mean(0)
    peer.covariances_, peer.precisions_cholesky_ = np.full(3, 0.49), np.full(3, 1 / 0.7)
    assert atom_error(model.means_, peer.means_) < 1e-4
    assert model.score(x, 0.7) == pytest.approx(peer.score(x), abs=1e-7)


def test_precise_samples_pull_harder():
    """One atom: the answer is the mean weighted by precision."""
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.1, 3, 40)
    x = rng.normal(size=(40, 2)) * sigma[:, None]
    model = HeteroscedasticGMM(1, random_state=0).fit(x, sigma)
    assert np.allclose(model.means_[0], np.average(x, axis=0, weights=1 / sigma**2))


def test_far_apart_atoms_are_found_with_their_weights():
    atoms, x, sigma, label = atoms_and_samples(n=2000, levels=(0.1, 0.3))
    model = HeteroscedasticGMM(3, random_state=0).fit(x, sigma)
    assert atom_error(model.means_, atoms) < 0.05
    assert sorted(model.weights_) == pytest.approx(sorted(np.bincount(label) / 2000), abs=1e-3)


def test_subspace_is_that_of_the_atoms():
    rng = np.random.default_rng(2)
    atoms = rng.normal(size=(3, 12))
    sigma = np.where(np.arange(200_000) < 10_000, 0.1, 3.0)
    x = atoms[rng.integers(3, size=200_000)] + sigma[:, None] * rng.normal(size=(200_000, 12))
    U = spectral_subspace(x, sigma, 3)
    assert np.allclose(U.T @ U, np.eye(3))
    outside = atoms - atoms @ U @ U.T
    assert np.linalg.norm(outside) < 0.15 * np.linalg.norm(atoms)


def test_spectral_matrix_by_a_plain_loop():
    rng = np.random.default_rng(3)
    x, sigma = rng.normal(size=(30, 4)), rng.uniform(0.2, 3, 30)
    w = [min(1, s**-4) for s in sigma]
    C = sum(wi * (np.outer(row, row) - s**2 * np.eye(4)) for wi, row, s in zip(w, x, sigma))
    _, V = np.linalg.eigh(C)
    U = spectral_subspace(x, sigma, 2)
    assert np.allclose(U @ U.T, V[:, 2:] @ V[:, 2:].T)


def test_effective_sizes_and_rates_by_hand():
    sigma = [0.0, 0.5, 1.0, 2.0]
    n_d, n_l = effective_sample_sizes(sigma, 2)
    assert n_d == pytest.approx(3 + 1 / 16)
    assert n_l == pytest.approx(3 + 1 / 64)
    assert effective_sample_sizes([2.0], 1)[1] == pytest.approx(1 / 4)
    coarse, fine = error_rate(sigma, 10, 2)
    assert coarse == pytest.approx((10 / n_d) ** 0.25)
    assert fine == pytest.approx(n_l ** (-1 / 6))


def test_information_of_one_atom_and_of_far_atoms():
    assert fisher_information_atoms([0.3], [1.0], 2.0) == pytest.approx(np.array([[0.25]]))
    far = fisher_information_atoms([-50.0, 50.0], [0.3, 0.7], 1.0)
    assert far == pytest.approx(np.diag([0.3, 0.7, 1 / 0.3 + 1 / 0.7]), abs=1e-4)


def test_information_is_the_mean_outer_score():
    """Scores by finite differences of SciPy's density, at random samples."""
    a, w, s = np.array([-1.0, 0.2, 1.5]), np.array([0.5, 0.2, 0.3]), 0.8
    rng = np.random.default_rng(0)
    x = a[rng.choice(3, 400_000, p=w)] + s * rng.normal(size=400_000)

    def log_p(theta):
        weights = np.append(theta[3:], 1 - theta[3:].sum())
        return np.log(sum(wk * norm.pdf(x, ak, s) for wk, ak in zip(weights, theta[:3])))

    theta = np.append(a, w[:2])
    scores = []
    for j in range(5):
        step = np.zeros(5)
        step[j] = 1e-5
        scores.append((log_p(theta + step) - log_p(theta - step)) / 2e-5)
    wanted = np.array(scores) @ np.array(scores).T / len(x)
    found = fisher_information_atoms(a, w, s)
    assert np.allclose(found, found.T)
    assert np.abs(found - wanted).max() < 0.03


def test_least_information_falls_as_the_theory_says():
    for k, atoms in ((1, [0.0]), (2, [-1.0, 1.0])):
        least = [
            np.linalg.eigvalsh(fisher_information_atoms(atoms, [1 / k] * k, s))[0] for s in (6, 8)
        ]
        slope = np.log(least[1] / least[0]) / np.log(8 / 6)
        assert slope == pytest.approx(-(4 * k - 2), abs=0.2)


def test_denoised_moments_are_those_of_the_clean_law():
    rng = np.random.default_rng(4)
    atoms, w = np.array([-0.8, 0.1, 1.0]), np.array([0.3, 0.3, 0.4])
    sigma = rng.choice([0.2, 0.7, 1.4], 1_000_000)
    x = atoms[rng.choice(3, len(sigma), p=w)] + sigma * rng.normal(size=len(sigma))
    exact = [(w * atoms**r).sum() for r in range(1, 6)]
    assert denoised_moments(x, sigma, 3) == pytest.approx(exact, abs=0.03)


def test_moment_fit_finds_atoms_on_a_line():
    rng = np.random.default_rng(5)
    atoms, w = np.array([-1.0, 0.8]), np.array([0.35, 0.65])
    sigma = rng.choice([0.3, 1.0], 100_000)
    x = atoms[rng.choice(2, len(sigma), p=w)] + sigma * rng.normal(size=len(sigma))
    found, weights = fit_atoms_1d(x, sigma, 2, random_state=0)
    assert found == pytest.approx(atoms, abs=0.05)
    assert weights == pytest.approx(w, abs=0.03)
    single = fit_atoms_1d(x[:100], 0.5, 1, random_state=0)
    assert single[0] == pytest.approx([x[:100].mean()])
    assert single[1] == pytest.approx([1])


# --- distances and prices -----------------------------------------------------------------------


def test_frechet_distance_of_gaussians_against_pot():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(60, 3)), rng.normal(1, 2, size=(50, 3)) @ rng.normal(size=(3, 3))
    wanted = ot.gaussian.bures_wasserstein_distance(x.mean(0), y.mean(0), np.cov(x.T), np.cov(y.T))
    assert frechet_gaussian(x, y) == pytest.approx(wanted**2, rel=1e-6)
    assert frechet_gaussian(x, x) == pytest.approx(0, abs=1e-8)
    assert frechet_gaussian(x, x + 2) == pytest.approx(12)
    line = rng.normal(size=(50, 1))
    wanted = (2 * line.std(ddof=1)) ** 2 + (2 * line.mean()) ** 2
    assert frechet_gaussian(line, 3 * line) == pytest.approx(wanted)


def test_distances_between_atoms():
    assert atomic_w1([[0.0], [1.0]], [0.5, 0.5], [[0.0], [3.0]], [0.5, 0.5]) == pytest.approx(1)
    assert atomic_w1([[0.0], [1.0]], [0.2, 0.8], [[1.0], [0.0]], [0.8, 0.2]) == pytest.approx(0)
    assert atomic_w1([[0.0]], [1.0], [[3.0], [4.0]], [1.0, 3.0]) == pytest.approx(3.75)
    assert atom_error([[0.0, 0], [1, 0]], [[1.0, 0], [0, 2]]) == pytest.approx(1)
    assert sliced_wasserstein(np.zeros((4, 2)), np.ones((4, 2)), 4000, 0) == pytest.approx(1, 0.05)


CLEAN = [(100, 1.0), (200, 0.5), (400, 0.25), (800, 0.125)]


def test_price_brackets_the_truth_of_a_made_up_curve():
    """Error 100/n and a price of 4: n_clean = 100 and n_noisy = 800 make 300 clean ones."""
    mixed = [(100, 800, 100 / 300)]
    assert price_of_noise(CLEAN, mixed) == pytest.approx((800 / 300, 800 / 100))
    assert price_estimate(CLEAN, mixed) == pytest.approx([4.0])
    both = [*mixed, (50, 800, 100 / 250)]  # 200 to 400, less 50
    assert price_of_noise(CLEAN, both) == pytest.approx((800 / 300, 800 / 150))
    assert price_of_noise(CLEAN[::-1], mixed) == price_of_noise(CLEAN, mixed)


def test_price_at_the_ends_of_the_curve():
    assert price_of_noise(CLEAN, [(100, 900, 0.01)]) == pytest.approx((0.0, 900 / 700))
    assert price_of_noise(CLEAN, [(100, 900, 0.8)]) == pytest.approx((9.0, math.inf))
    assert price_of_noise(CLEAN, [(200, 900, 0.9)]) == (math.inf, math.inf)
    assert price_of_noise(CLEAN, [(50, 900, 0.5)]) == pytest.approx((6.0, 6.0))
    assert np.isnan(price_estimate(CLEAN, [(100, 900, 0.01)])).all()
    assert price_estimate(CLEAN, [(400, 900, 0.5)])[0] == math.inf


def test_errors_that_rise_are_pooled():
    bumpy = [(100, 1.0), (200, 0.4), (400, 0.6), (800, 0.1)]
    assert price_of_noise(bumpy, [(100, 900, 0.3)]) == pytest.approx((900 / 700, 900 / 300))


# --- bad input ----------------------------------------------------------------------------------

X2 = torch.zeros(3, 2)
S1, S0 = torch.ones(3), torch.zeros(3)
OK = np.zeros((20, 2))
BAD = [
    (lambda: ve_to_ve(X2[:2], X2, S1, S0), ValueError, "x0_pred"),
    (lambda: ve_to_ve(X2, X2, S1[:2], S0), ValueError, "sigma"),
    (lambda: ve_to_ve(X2, X2, S0, S1), ValueError, "sigma"),
    (lambda: ve_to_ve(X2, X2, S1, -S1), ValueError, "sigma_tn"),
    (lambda: ve_to_ve(OK, OK, S1, S0), TypeError, "tensor"),
    (lambda: diffuse(X2, S1, 0.5 * S1), ValueError, "sigma"),
    (lambda: diffuse(X2[:0], S1[:0], S1[:0]), ValueError, "n >= 1"),
    (lambda: ambient_loss(wiener, X2, S1, 0.5 * S1), ValueError, "sigma"),
    (lambda: ambient_loss(wiener, X2, S1 * float("nan")), ValueError, "sigma_tn"),
    (lambda: ambient_loss(wiener, X2, S0, S0), ValueError, "sigma"),
    (lambda: ambient_loss(wiener, X2, S0, S1, 0.0), ValueError, "sigma_data"),
    (lambda: ambient_loss(wiener, X2, torch.ones(3, dtype=torch.long)), TypeError, "sigma_tn"),
    (lambda: consistency_loss(wiener, X2, S1, 2 * S1), ValueError, "sigma"),
    (lambda: consistency_loss(wiener, X2, S1, S0), ValueError, "sigma_end"),
    (lambda: consistency_loss(wiener, X2, S1, S1, 0), ValueError, "n_samples"),
    (lambda: consistency_loss(wiener, X2, S1, S1, 1, unbiased=True), ValueError, "n_samples"),
    (lambda: consistency_loss(wiener, X2, S1, S1, 2, 0), ValueError, "n_steps"),
    (lambda: small_model().fit([1.0, 2.0]), ValueError, "X"),
    (lambda: small_model().fit([["a"]]), TypeError, "X"),
    (lambda: small_model().fit(OK * np.nan), ValueError, "X"),
    (lambda: small_model().fit(OK, -1.0), ValueError, "sigma_tn"),
    (lambda: small_model().fit(OK, np.ones(3)), ValueError, "sigma_tn"),
    (lambda: small_model().fit(OK, "x"), TypeError, "sigma_tn"),
    (lambda: small_model().fit(OK, 0.0, 0), ValueError, "max_steps"),
    (lambda: small_model().fit(OK, 0.0, 1, consistency=-1.0), ValueError, "consistency"),
    (lambda: small_model(hidden=0).fit(OK), ValueError, "hidden"),
    (lambda: small_model(lr=0.0).fit(OK), ValueError, "lr"),
    (lambda: small_model(warmup=1.0).fit(OK), ValueError, "warmup"),
    (lambda: small_model(batch_size=0).fit(OK), ValueError, "batch_size"),
    (lambda: small_model(sigma_data=0.0).fit(OK), ValueError, "sigma_data"),
    (lambda: small_model(sampling="x").fit(OK), ValueError, "sampling"),
    (lambda: small_model(ema_half_life=-1.0).fit(OK), ValueError, "ema_half_life"),
    (lambda: small_model(device="x").fit(OK), ValueError, "device"),
    (lambda: small_model().sample(3), NotFittedError, "fit"),
    (lambda: small_model().denoise(OK, 1.0), NotFittedError, "fit"),
    (lambda: make_mixed_dataset(OK, 0.0), ValueError, "keep"),
    (lambda: make_mixed_dataset(OK, 1.0, 1.5), ValueError, "corruption"),
    (lambda: make_mixed_dataset(OK, 1.0, 0.5, -1.0), ValueError, "sigma"),
    (lambda: IsotropicMixture(OK, 0.0), ValueError, "std"),
    (lambda: IsotropicMixture(OK, 1.0, [1.0]), ValueError, "weights"),
    (lambda: ring_of_gaussians(1), ValueError, "n_modes"),
    (lambda: ring_of_gaussians(8, 0.0), ValueError, "std"),
    (lambda: HeteroscedasticGMM(0).fit(OK, 1.0), ValueError, "n_components"),
    (lambda: HeteroscedasticGMM(21).fit(OK, 1.0), ValueError, "X"),
    (lambda: HeteroscedasticGMM(2).fit(OK, 0.0), ValueError, "sigma"),
    (lambda: HeteroscedasticGMM(2).fit(OK, np.ones(5)), ValueError, "sigma"),
    (lambda: HeteroscedasticGMM(2).fit(OK, [np.inf] * 20), ValueError, "sigma"),
    (lambda: HeteroscedasticGMM(2, init="x").fit(OK, 1.0), ValueError, "init"),
    (lambda: HeteroscedasticGMM(2, n_init=0).fit(OK, 1.0), ValueError, "n_init"),
    (lambda: HeteroscedasticGMM(2, max_iter=0).fit(OK, 1.0), ValueError, "max_iter"),
    (lambda: HeteroscedasticGMM(2).predict(OK, 1.0), NotFittedError, "fit"),
    (lambda: spectral_subspace(OK, 1.0, 3), ValueError, "k"),
    (lambda: effective_sample_sizes([], 2), ValueError, "sigma"),
    (lambda: effective_sample_sizes([-1.0], 2), ValueError, "sigma"),
    (lambda: effective_sample_sizes([1.0], 0), ValueError, "k"),
    (lambda: error_rate([1.0], 0, 2), ValueError, "d"),
    (lambda: fisher_information_atoms([0.0, 1.0], [0.5, 0.6], 1.0), ValueError, "weights"),
    (lambda: fisher_information_atoms([0.0, 1.0], [1.0], 1.0), ValueError, "weights"),
    (lambda: fisher_information_atoms([0.0], [1.0], 0.0), ValueError, "sigma"),
    (lambda: fit_atoms_1d([0.0, 1.0], 1.0, 2, 0), ValueError, "n_starts"),
    (lambda: denoised_moments([0.0, np.nan], 1.0, 2), ValueError, "X"),
    (lambda: frechet_gaussian(OK, OK[:, :1]), ValueError, "Y"),
    (lambda: frechet_gaussian(OK[:1], OK), ValueError, "X"),
    (lambda: atom_error(OK[:2], OK[:3]), ValueError, "means"),
    (lambda: atomic_w1(OK[:2], [1.0], OK[:2], [1.0, 1.0]), ValueError, "weights"),
    (lambda: atomic_w1(OK[:1], [1.0], OK[:2], [0.0, 0.0]), ValueError, "other_weights"),
    (lambda: price_of_noise([(1, 2, 3)], [(1, 2, 3)]), ValueError, "curve_clean"),
    (lambda: price_of_noise([(0, 1.0)], [(1, 2, 3)]), ValueError, "curve_clean"),
    (lambda: price_of_noise(CLEAN, [(1, 2)]), ValueError, "curve_mixed"),
    (lambda: price_of_noise(CLEAN, [(1, 0, 0.1)]), ValueError, "curve_mixed"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_are_named(case):
    call, error, name = BAD[case]
    with pytest.raises(error, match=name):
        call()


def test_bad_levels_of_a_fitted_model_are_named():
    model = small_model().fit(OK, 0.1, 2)
    for call, name in (
        (lambda: model.denoise(OK, 0.0), "sigma"),
        (lambda: model.denoise(OK[:, :1], 1.0), "x"),
        (lambda: model.sample(0), "n must"),
        (lambda: model.sample(3, stop_sigma=-1.0), "stop_sigma"),
        (lambda: model.sample(3, n_steps=1), "n_steps"),
    ):
        with pytest.raises(ValueError, match=name):
            call()


def test_a_loss_that_explodes_names_the_step():
    x = np.full((20, 2), 1e30)
    with pytest.raises(FloatingPointError, match="step"):
        small_model().fit(x, 0.1, 3)
