"""LightSB against quadrature, simulation, Gaussian formulas, Sinkhorn and finite differences."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from mixbook.flows.light_sb import (
    IndependentPlan,
    LightSB,
    SinkhornPlan,
    cbw2_uvp,
    conditional_mean,
    conditional_moments,
    drift,
    energy_distance,
    gaussian_loss,
    gaussian_sb,
    light_sb_loss,
    log_normaliser,
    log_potential,
    make_mixture_benchmark,
    plan_kl,
    tilted_log_weights,
)
from mixbook.flows.light_sb._benchmark import bures_wasserstein
from mixbook.flows.light_sb._potential import DiagonalLoss, with_squares

EPSILON = 0.7
BAD_MATRICES = {
    "a vector": (np.ones(4), ValueError),
    "NaN": (np.full((4, 2), np.nan), ValueError),
    "infinite": (np.full((4, 2), np.inf), ValueError),
    "empty": (np.ones((0, 2)), ValueError),
    "no column": (np.ones((4, 0)), ValueError),
    "three columns": (np.ones((4, 3)), ValueError),
    "text": (np.array([["a", "b"]]), TypeError),
    "ragged": ([[1.0, 2.0], [3.0]], TypeError),
    "None": (None, TypeError),
}


def make_parameters(K, D, seed=0, full=False):
    """Random log_alpha, r, S in float64."""
    g = torch.Generator().manual_seed(seed)
    log_alpha, r = torch.randn(K, generator=g).double(), torch.randn(K, D, generator=g).double()
    if not full:
        return log_alpha, r, 0.3 + torch.rand(K, D, generator=g).double()
    A = torch.randn(K, D, D, generator=g).double()
    return log_alpha, r, A @ A.transpose(1, 2) / D + 0.2 * torch.eye(D).double()


def make_model(K=3, D=2, seed=0, full=False, epsilon=EPSILON):
    return LightSB.from_parameters(*make_parameters(K, D, seed, full), epsilon)


def make_points(n, D, seed=1):
    return torch.randn(n, D, generator=torch.Generator().manual_seed(seed)).double()


def grid_1d(low=-14.0, high=14.0, n=40_001):
    y = np.linspace(low, high, n)
    return y, y[1] - y[0]


def v_by_scipy(model, y):
    """Eq. (3), one component at a time."""
    S = model.S_ if model.S_.ndim == 3 else torch.diag_embed(model.S_)
    terms = [
        math.exp(a) * multivariate_normal(r.numpy(), (model.epsilon * C).numpy()).pdf(y)
        for a, r, C in zip(model.log_alpha_, model.r_, S)
    ]
    return np.sum(terms, axis=0)


# ---------------------------------------------------------------- closed forms by quadrature


@pytest.mark.parametrize("full", [False, True])
def test_potential_is_the_unnormalised_mixture(full):
    model, y = make_model(4, 3, full=full), make_points(20, 3)
    np.testing.assert_allclose(model.log_v(y), np.log(v_by_scipy(model, y.numpy())), rtol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_normaliser_is_the_integral_of_the_plan(seed):
    model, (y, dy) = make_model(3, 1, seed), grid_1d()
    x = np.linspace(-2, 2, 7)[:, None]
    integral = (np.exp(x * y / EPSILON) * v_by_scipy(model, y[:, None])).sum(1) * dy
    np.testing.assert_allclose(model.log_c(x), np.log(integral), rtol=1e-8)


@pytest.mark.parametrize("full", [False, True])
def test_normaliser_by_quadrature_in_the_plane(full):
    model = make_model(2, 2, seed=3, full=full)
    y1, dy = grid_1d(-9, 9, 601)
    y = np.stack(np.meshgrid(y1, y1, indexing="ij"), -1).reshape(-1, 2)
    x = make_points(4, 2).numpy()
    density = np.exp(x @ y.T / EPSILON) * v_by_scipy(model, y)
    c = density.sum(1) * dy**2
    np.testing.assert_allclose(model.log_c(x), np.log(c), rtol=1e-6)
    mean = density @ y * dy**2 / c[:, None]
    second = np.einsum("nm,md,me->nde", density, y, y) * dy**2 / c[:, None, None]
    got_mean, got_cov = model.conditional_moments(x)
    np.testing.assert_allclose(got_mean, mean, rtol=1e-6)
    np.testing.assert_allclose(
        got_cov, second - mean[:, :, None] * mean[:, None], rtol=1e-5, atol=1e-8
    )
    np.testing.assert_allclose(model.predict(x), mean, rtol=1e-6)


@pytest.mark.parametrize("full", [False, True])
def test_conditional_mixture_is_the_plan_pointwise(full):
    model = make_model(3, 2, seed=4, full=full)
    x, y = make_points(3, 2, 5).numpy(), make_points(6, 2, 6).numpy()
    weights, means, covs = model.conditional(x)
    covs = covs if full else np.stack([np.diag(c) for c in covs])
    for i in range(len(x)):
        mixture = sum(
            w * multivariate_normal(m, C).pdf(y) for w, m, C in zip(weights[i], means[i], covs)
        )
        # Eq. (1) divided by p0
        plan = np.exp(y @ x[i] / EPSILON) * v_by_scipy(model, y) / np.exp(model.log_c(x)[i])
        np.testing.assert_allclose(mixture, plan, rtol=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_samples_follow_the_conditional_plan(full):
    model = make_model(3, 2, seed=7, full=full)
    x = torch.tensor([[0.4, -0.8]]).double()
    mean, cov = model.conditional_moments(x)
    y = model.sample(x.expand(100_000, 2), random_state=0)
    assert ((y.mean(0) - mean[0]).abs() < 5 * (cov[0].diagonal() / 1e5).sqrt()).all()
    np.testing.assert_allclose(torch.cov(y.T), cov[0], atol=0.03 * cov[0].trace())


def test_diagonal_and_full_covariance_agree():
    log_alpha, r, S = make_parameters(4, 3)
    diag = LightSB.from_parameters(log_alpha, r, S, EPSILON)
    full = LightSB.from_parameters(log_alpha, r, torch.diag_embed(S), EPSILON)
    x, t = make_points(50, 3), torch.linspace(0, 0.99, 50).double()
    for name in ("log_v", "log_c", "predict"):
        np.testing.assert_allclose(getattr(diag, name)(x), getattr(full, name)(x), rtol=1e-9)
    for a, b in zip(diag.conditional_moments(x), full.conditional_moments(x)):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    for time in (0.0, 0.6, t):
        np.testing.assert_allclose(diag.drift(x, time), full.drift(x, time), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        diag.sample(x, random_state=0), full.sample(x, random_state=0), rtol=1e-9
    )


def test_rotating_the_world_rotates_the_full_model():
    log_alpha, r, S = make_parameters(3, 3, full=True)
    Q, _ = torch.linalg.qr(make_points(3, 3, 9))
    model = LightSB.from_parameters(log_alpha, r, S, EPSILON)
    turned = LightSB.from_parameters(log_alpha, r @ Q.T, Q @ S @ Q.T, EPSILON)
    x = make_points(10, 3)
    np.testing.assert_allclose(turned.predict(x @ Q.T), model.predict(x) @ Q.T, rtol=1e-9)
    np.testing.assert_allclose(turned.drift(x @ Q.T, 0.4), model.drift(x, 0.4) @ Q.T, rtol=1e-8)
    np.testing.assert_allclose(turned.log_c(x @ Q.T), model.log_c(x), rtol=1e-9)


def test_float32_survives_huge_exponents():
    log_alpha, r, S = (p.float() for p in make_parameters(3, 2))
    x = torch.tensor([[30.0, -20.0]])
    small = 1e-3  # x.y / epsilon is about 1e4
    out = tilted_log_weights(x, log_alpha, r, S, small)
    exact = tilted_log_weights(x.double(), log_alpha.double(), r.double(), S.double(), small)
    assert torch.isfinite(out).all()
    np.testing.assert_allclose(out, exact, rtol=1e-5)
    assert torch.isfinite(drift(x, 0.999, log_alpha, r, S, small)).all()


# ---------------------------------------------------------------- drift and simulation


def drift_by_quadrature(model, x, t, h=1e-4):
    """Finite difference of epsilon log of int N(y | x, (1-t) epsilon) phi(y) dy, in 1-D."""
    y, dy = grid_1d()
    variance = (1 - t) * model.epsilon

    def log_h(x):
        v = np.asarray(model.log_v(y[:, None]))
        exponent = -((y - x) ** 2) / (2 * variance) + y**2 / (2 * model.epsilon) + v
        top = exponent.max()
        return top + math.log(np.exp(exponent - top).sum() * dy)

    return model.epsilon * (log_h(x + h) - log_h(x - h)) / (2 * h)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8, 0.95])
def test_drift_is_the_gradient_of_the_heat_flow(t):
    model = make_model(3, 1, seed=2)
    x = np.linspace(-2, 2, 9)
    want = [drift_by_quadrature(model, xi, t) for xi in x]
    np.testing.assert_allclose(model.drift(x[:, None], t)[:, 0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("t", [0.1, 0.7])
def test_drift_is_the_gradient_of_the_printed_form(full, t):
    """Autograd through log-sum-exp of the unsimplified form, with its A and h."""
    model = make_model(3, 2, seed=5, full=full)
    S = model.S_ if full else torch.diag_embed(model.S_)
    eye, inv = torch.eye(2).double(), torch.linalg.inv(S)
    x = make_points(8, 2).requires_grad_()
    A = t / (EPSILON * (1 - t)) * eye + inv / EPSILON
    r_term = torch.einsum("kde,ke->kd", inv, model.r_) / EPSILON
    h = x[:, None] / (EPSILON * (1 - t)) + r_term
    bracket = (
        model.log_alpha_
        - 0.5 * torch.logdet(S)
        - 0.5 * torch.logdet(A)
        - 0.5 * (model.r_ * r_term).sum(1)
        + 0.5 * torch.einsum("nkd,kde,nke->nk", h, torch.linalg.inv(A), h)
    )
    potential = torch.logsumexp(bracket, 1) - x.square().sum(1) / (2 * EPSILON * (1 - t))
    (gradient,) = torch.autograd.grad(potential.sum(), x)
    np.testing.assert_allclose(model.drift(x.detach(), t), EPSILON * gradient, rtol=1e-8)


@pytest.mark.parametrize("full", [False, True])
def test_drift_at_time_zero_points_at_the_conditional_mean(full):
    model, x = make_model(4, 3, full=full), make_points(30, 3)
    np.testing.assert_allclose(model.drift(x, 0.0), model.predict(x) - x, rtol=1e-9, atol=1e-12)


def test_drift_stays_finite_up_to_the_end():
    model, x = make_model(), make_points(5, 2)
    near, nearer = model.drift(x, 1 - 1e-9), model.drift(x, 1 - 1e-12)
    assert torch.isfinite(near).all()
    np.testing.assert_allclose(near, nearer, rtol=1e-6)


@pytest.mark.parametrize("full", [False, True])
def test_drift_takes_one_time_a_row(full, monkeypatch):
    monkeypatch.setattr("mixbook.flows.light_sb._potential.MAX_ELEMENTS", 24)  # several blocks
    model, x = make_model(3, 2, full=full), make_points(17, 2)
    t = torch.linspace(0, 0.95, 17).double()
    rows = torch.cat([model.drift(x[i : i + 1], float(t[i])) for i in range(17)])
    np.testing.assert_allclose(model.drift(x, t), rows, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("t", [0.25, 0.5, 1.0])
def test_bridge_and_euler_marginals_agree(t):
    model = make_model(3, 1, seed=2, epsilon=1.0)
    x = make_points(4000, 1, seed=3)
    exact = model.sample_at(x, t, random_state=0)
    euler = model.sample_path(x, 100, random_state=1, method="euler")[:, round(100 * t)]
    bridge = model.sample_path(x, 4, random_state=2)[:, round(4 * t)]
    assert ks_2samp(exact[:, 0], euler[:, 0]).pvalue > 1e-3
    assert ks_2samp(exact[:, 0], bridge[:, 0]).pvalue > 1e-3


def test_bridge_path_has_brownian_increments_given_its_ends():
    epsilon, n_steps = 0.5, 5
    log_alpha, r, S = torch.zeros(1), torch.tensor([[2.0]]), torch.full((1, 1), 1e-8)
    model = LightSB.from_parameters(log_alpha, r, S, epsilon)  # every path ends at 2
    path = model.sample_path(torch.zeros(50_000, 1), n_steps, random_state=0)[:, :, 0]
    times = torch.linspace(0, 1, n_steps + 1)
    lower, upper = torch.minimum(*torch.meshgrid(times, times, indexing="ij")), None
    upper = torch.maximum(*torch.meshgrid(times, times, indexing="ij"))
    np.testing.assert_allclose(path.mean(0), 2 * times, atol=0.01)
    np.testing.assert_allclose(torch.cov(path.T), epsilon * lower * (1 - upper), atol=0.006)


def test_sample_at_the_ends():
    model, x = make_model(), make_points(50, 2)
    assert torch.equal(model.sample_at(x, 0.0, random_state=0), x)
    np.testing.assert_allclose(
        model.sample_at(x, 1.0, random_state=0), model.sample(x, random_state=0)
    )


def test_sample_at_has_the_moments_of_the_bridge():
    model, x, t = make_model(3, 2, seed=8), torch.tensor([[0.5, -1.0]]).double(), 0.3
    mean, cov = model.conditional_moments(x)
    x_t = model.sample_at(x.expand(200_000, 2), t, random_state=0)
    want = t**2 * cov[0] + EPSILON * t * (1 - t) * torch.eye(2)
    np.testing.assert_allclose(x_t.mean(0), (1 - t) * x[0] + t * mean[0], atol=0.01)
    np.testing.assert_allclose(torch.cov(x_t.T), want, atol=0.01)


# ---------------------------------------------------------------- the Gaussian case


def make_gaussian_pair(D, seed):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, D, D))
    return rng.normal(size=D), A @ A.T + np.eye(D), rng.normal(size=D), B @ B.T + 0.3 * np.eye(D)


@pytest.mark.parametrize(
    ("s0", "s1", "m", "epsilon"), [(1, 2, 3, 0.5), (0.4, 1.3, -1, 2), (2, 0.1, 0, 1e-3)]
)
def test_scalar_gaussian_bridge(s0, s1, m, epsilon):
    C = math.sqrt(s0**2 * s1**2 + epsilon**2 / 4) - epsilon / 2
    bridge = gaussian_sb([0.0], [[s0**2]], [float(m)], [[s1**2]], epsilon)
    assert bridge["cross_cov"].item() == pytest.approx(C)
    assert bridge["cond_mean_matrix"].item() == pytest.approx(C / s0**2)
    assert bridge["cond_mean_offset"].item() == pytest.approx(m)
    assert bridge["cond_cov"].item() == pytest.approx(epsilon * C / s0**2)


@pytest.mark.parametrize("D", [1, 2, 5])
def test_gaussian_bridge_has_the_right_marginals_and_is_optimal(D):
    m0, C0, m1, C1 = make_gaussian_pair(D, D)
    bridge = gaussian_sb(m0, C0, m1, C1, EPSILON)
    S, r = bridge["cond_mean_matrix"].numpy(), bridge["cond_mean_offset"].numpy()
    np.testing.assert_allclose(S @ C0 @ S.T + bridge["cond_cov"].numpy(), C1, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(S @ m0 + r, m1, atol=1e-9)
    np.testing.assert_allclose(bridge["cross_cov"].numpy(), C0 @ S, atol=1e-9)
    # optimal: S symmetric and conditional covariance epsilon S, which is Eq. (6) with K = 1
    np.testing.assert_allclose(S, S.T, atol=1e-12)
    np.testing.assert_allclose(bridge["cond_cov"].numpy(), EPSILON * S, atol=1e-9)


def test_gaussian_bridge_against_sinkhorn_on_a_grid():
    y, dy = grid_1d(-6, 6, 241)
    a, b = (multivariate_normal(m, s**2).pdf(y) * dy for m, s in ((0.0, 1.0), (0.7, 0.6)))
    plan = ot.sinkhorn(a / a.sum(), b / b.sum(), 0.5 * (y[:, None] - y) ** 2, 0.4, stopThr=1e-12)
    bridge = gaussian_sb([0.0], [[1.0]], [0.7], [[0.36]], 0.4)
    assert (plan * y[:, None] * y).sum() == pytest.approx(bridge["cross_cov"].item(), abs=1e-5)


@pytest.mark.parametrize("full", [False, True])
def test_exact_gaussian_loss_is_the_sample_loss(full):
    """One component: the loss sees the data through means and covariances only."""
    x0, x1 = make_points(40, 2, 1), 2 + make_points(30, 2, 2) @ make_points(2, 2, 3)
    log_alpha, r, S = make_parameters(1, 2, 6, full)
    moments = [
        f(x)
        for x in (x0, x1)
        for f in (lambda x: x.mean(0), lambda x: torch.cov(x.T, correction=0))
    ]
    exact = gaussian_loss(r[0], S[0] if full else torch.diag(S[0]), EPSILON, *moments)
    assert light_sb_loss(log_alpha, r, S, EPSILON, x0, x1).item() == pytest.approx(exact)


@pytest.mark.parametrize("seed", range(3))
def test_loss_gap_is_the_kl_between_gaussian_plans(seed):
    m0, C0, m1, C1 = make_gaussian_pair(3, seed)
    bridge = gaussian_sb(m0, C0, m1, C1, EPSILON)
    _, r, S = make_parameters(1, 3, seed, full=True)
    kl = plan_kl(bridge, r[0], S[0], EPSILON, m0, C0)
    gap = gaussian_loss(r[0], S[0], EPSILON, m0, C0, m1, C1) - bridge["loss"]
    assert kl > 0.05
    assert gap == pytest.approx(kl, rel=1e-9)
    # the KL of the joint Gaussians, an independent formula
    assert kl == pytest.approx(joint_gaussian_kl(bridge, r[0], S[0], m0, C0), rel=1e-8)


def joint_gaussian_kl(bridge, r, S, m0, C0):
    def joint(offset, matrix, cov):
        mean = np.concatenate([m0, matrix @ m0 + offset])
        cross = C0 @ matrix.T
        return mean, np.block([[C0, cross], [cross.T, matrix @ C0 @ matrix.T + cov]])

    keys = ("cond_mean_offset", "cond_mean_matrix", "cond_cov")
    m_p, P = joint(*(bridge[k].numpy() for k in keys))
    m_q, Q = joint(r.numpy(), S.numpy(), EPSILON * S.numpy())
    d, inverse = m_q - m_p, np.linalg.inv(Q)
    log_det = np.linalg.slogdet(Q)[1] - np.linalg.slogdet(P)[1]
    return 0.5 * (np.trace(inverse @ P) + d @ inverse @ d - len(d) + log_det)


def test_loss_gap_is_the_kl_for_mixtures():
    """Eq. (8) away from Gaussians: marginal samples on one side, the joint plan on the other."""
    bench = make_mixture_benchmark(2, 1.0, 3, dtype=torch.float64)
    model = make_model(4, 2, seed=1, epsilon=1.0)
    x, y = bench.sample_pair(200_000, 0)
    gap = bench.plan.score(x, y) - model.score(x, bench.sample_target(200_000, 1))
    log_ratio = (bench.log_v(y) - bench.plan.log_c(x)) - (model.log_v(y) - model.log_c(x))
    assert gap == pytest.approx(log_ratio.mean().item(), rel=0.02)


@pytest.mark.parametrize("covariance_type", ["diag", "full"])
def test_fit_finds_the_gaussian_bridge(covariance_type):
    m0, C0, m1, C1 = make_gaussian_pair(2, 0)
    if covariance_type == "diag":
        C0, C1 = np.diag(np.diag(C0)) / 2, np.diag(np.diag(C1)) / 2
    rng = np.random.default_rng(0)
    X0, X1 = (rng.multivariate_normal(m, C, 4000) for m, C in ((m0, C0), (m1, C1)))
    model = LightSB(
        1,
        1.0,
        covariance_type,
        max_iter=700,
        lr=2e-2,
        batch_size=2000,
        s_init=0.5,
        random_state=0,
        dtype=torch.float64,
    ).fit(X0, X1)
    sample = [
        f(X) for X in (X0, X1) for f in (lambda X: X.mean(0), lambda X: np.cov(X.T, bias=True))
    ]
    bridge = gaussian_sb(*sample, 1.0)
    S = model.S_[0] if covariance_type == "full" else torch.diag(model.S_[0])
    np.testing.assert_allclose(S, bridge["cond_mean_matrix"], atol=0.05)
    np.testing.assert_allclose(model.r_[0], bridge["cond_mean_offset"], atol=0.1)
    assert plan_kl(bridge, model.r_[0], S, 1.0, *sample[:2]) < 2e-3


# ---------------------------------------------------------------- loss and fit


def test_loss_ignores_the_scale_of_alpha():
    log_alpha, r, S = make_parameters(4, 2)
    x0, x1 = make_points(50, 2, 1), make_points(40, 2, 2)
    loss = light_sb_loss(log_alpha, r, S, EPSILON, x0, x1)
    assert light_sb_loss(log_alpha + 7.5, r, S, EPSILON, x0, x1).item() == pytest.approx(
        loss.item()
    )
    assert light_sb_loss(log_alpha + r[:, 0], r, S, EPSILON, x0, x1).item() != pytest.approx(
        loss.item()
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.floats(0.05, 5), st.floats(-50, 50))
def test_training_loss_is_the_loss(K, D, epsilon, shift):
    log_alpha, r, S = make_parameters(K, D)
    x0, x1, origin = (
        make_points(9, D, 1),
        shift + make_points(8, D, 2),
        shift + make_points(1, D)[0],
    )
    log_alpha, r, S = (p.requires_grad_() for p in (log_alpha, r, S))
    log_s = S.detach().log().requires_grad_()
    rows = with_squares(x0), with_squares(x1 - origin)
    fast = DiagonalLoss.apply(log_alpha, r, log_s, epsilon, *rows, origin, 1)
    slow = light_sb_loss(log_alpha, r, S, epsilon, x0, x1)
    assert fast.item() == pytest.approx(slow.item(), rel=1e-9, abs=1e-8)
    mine = torch.autograd.grad(fast.sum(), (log_alpha, r, log_s))
    wanted = list(torch.autograd.grad(slow, (log_alpha, r, S)))
    wanted[2] = wanted[2] * S.detach()  # the chain rule for S = exp(log_s)
    for ours, theirs in zip(mine, wanted):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7 * (1 + shift**2) / epsilon)


def test_training_loss_and_gradient_of_several_models():
    log_alpha, r, S = (p.requires_grad_() for p in make_parameters(6, 2))
    log_s = S.detach().log().requires_grad_()
    x0, x1, origin = make_points(9, 2, 1), make_points(8, 2, 2), torch.zeros(2, dtype=r.dtype)
    free = log_alpha, r, log_s
    outer = torch.tensor([1.0, -2.0, 0.5], dtype=r.dtype)
    losses = DiagonalLoss.apply(*free, EPSILON, with_squares(x0), with_squares(x1), origin, 3)
    each = [
        light_sb_loss(a, m, s.exp(), EPSILON, x0, x1)
        for a, m, s in zip(*(p.chunk(3) for p in free))
    ]
    torch.testing.assert_close(losses, torch.stack(each))
    mine = torch.autograd.grad((losses * outer).sum(), free)
    wanted = torch.autograd.grad((torch.stack(each) * outer).sum(), free)
    for ours, theirs in zip(mine, wanted):
        torch.testing.assert_close(ours, theirs)


def test_first_entry_of_the_loss_curve_is_the_loss_at_the_start():
    x0, x1 = make_points(1, 2, 1).expand(5, 2), make_points(1, 2, 2).expand(5, 2)  # equal rows
    for full in (False, True):
        model = make_model(3, 2, full=full).set_params(warm_start=True, max_iter=1, random_state=0)
        want = -model.score(x0, x1)
        assert model.fit(x0, x1).loss_curve_[0] == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("full", [False, True])
def test_loss_gradient_by_finite_differences(full):
    log_alpha, r, S = make_parameters(2, 2, full=full)
    x0, x1 = make_points(5, 2, 1), make_points(6, 2, 2)

    def loss(log_alpha, r, root):
        S = root @ root.transpose(1, 2) if full else root.square()
        return light_sb_loss(log_alpha, r, S, EPSILON, x0, x1)

    root = torch.linalg.cholesky(S) if full else S.sqrt()
    leaves = [p.clone().requires_grad_() for p in (log_alpha, r, root)]
    assert torch.autograd.gradcheck(loss, leaves)


def test_true_plan_minimises_the_loss():
    bench = make_mixture_benchmark(3, 0.5, 1, dtype=torch.float64)
    x0, x1 = bench.sample_source(100_000, 0), bench.sample_target(100_000, 1)
    theta = [bench.plan.log_alpha_, bench.plan.r_, bench.plan.S_]
    theta = [p.clone().requires_grad_() for p in theta]
    loss = light_sb_loss(*theta, 0.5, x0, x1)
    loss.backward()
    for p in theta:
        assert p.grad.abs().max() < 0.05  # sampling noise only
    rng = torch.Generator().manual_seed(0)
    for _ in range(5):
        moved = [p * (1 + 0.1 * torch.randn(p.shape, generator=rng)) for p in theta]
        assert light_sb_loss(*moved, 0.5, x0, x1) > loss


def test_score_is_minus_the_loss():
    model, x0, x1 = make_model(), make_points(30, 2, 1), make_points(20, 2, 2)
    loss = light_sb_loss(model.log_alpha_, model.r_, model.S_, EPSILON, x0, x1)
    assert model.score(x0, x1) == pytest.approx(-loss.item())


@pytest.mark.parametrize("covariance_type", ["diag", "full"])
def test_fit_recovers_a_known_plan(covariance_type):
    bench = make_mixture_benchmark(2, 1.0, 0)
    x0, x1 = bench.sample_source(20_000, 0), bench.sample_target(20_000, 1)
    model = LightSB(
        20, 1.0, covariance_type, max_iter=500, lr=1e-2, batch_size=256, s_init=1.0, random_state=0
    ).fit(x0, x1)
    assert cbw2_uvp(model, bench) < 1.0 < 0.02 * cbw2_uvp(IndependentPlan().fit(x0, x1), bench)
    assert model.loss_curve_[-50:].mean() < model.loss_curve_[:50].mean()
    assert energy_distance(model.sample(x0[:2000], 0), x1[:2000]) < 0.02


def test_fit_does_not_depend_on_pairing_and_repeats_with_its_seed():
    x0, x1 = make_points(200, 2, 1).numpy(), 3 + make_points(150, 2, 2).numpy()
    make = lambda: LightSB(3, 0.5, max_iter=30, random_state=4, lr=1e-2)  # noqa: E731
    first, second = make().fit(x0, x1), make().fit(x0, x1)
    assert torch.equal(first.r_, second.r_)
    assert not torch.equal(first.r_, clone(first).set_params(random_state=5).fit(x0, x1).r_)
    before = torch.get_rng_state()
    make().fit(x0, x1)
    assert torch.equal(before, torch.get_rng_state())


def test_fit_starts_where_it_should():
    x0, x1 = make_points(100, 2, 1), 3 + make_points(100, 2, 2)
    still = LightSB(5, 0.3, max_iter=1, lr=1e-12, s_init=0.2, random_state=0, dtype=torch.float64)
    still.fit(x0, x1)
    np.testing.assert_allclose(still.log_alpha_, -math.log(5), rtol=1e-6)
    np.testing.assert_allclose(still.S_, 0.2, rtol=1e-6)
    assert (torch.cdist(still.r_, x1).min(1).values < 1e-6).all()
    still.set_params(init="normal").fit(x0, x1)
    assert (torch.cdist(still.r_, x1).min(1).values > 1e-6).any()
    full = still.set_params(covariance_type="full").fit(x0, x1)
    np.testing.assert_allclose(full.S_, 0.2 * torch.eye(2).expand(5, 2, 2), atol=1e-9)


@pytest.mark.parametrize("covariance_type", ["diag", "full"])
def test_several_starts_train_as_if_alone_and_the_best_is_kept(covariance_type):
    x0, x1 = make_points(1, 2, 1).expand(9, 2), make_points(1, 2, 2).expand(9, 2)  # equal rows
    many = LightSB(2, 0.5, covariance_type, max_iter=20, lr=0.05, n_init=4, init="normal")
    many.set_params(random_state=0, dtype=torch.float64).fit(x0, x1)
    *starts, basis = many._starts(x1, torch.Generator().manual_seed(0))
    alone = []
    for start in zip(*(p.chunk(4) for p in starts)):
        model = LightSB.from_parameters(*many._unpack(basis, *start), 0.5)
        model.set_params(warm_start=True, max_iter=20, lr=0.05, random_state=0).fit(x0, x1)
        alone.append(model)
    losses = [-m.score(x0, x1) for m in alone]
    if covariance_type == "diag":  # a rotation has many parameterisations, Adam sees one
        np.testing.assert_allclose(many.start_losses_, losses, rtol=1e-9)
        np.testing.assert_allclose(many.r_, alone[int(np.argmin(losses))].r_, rtol=1e-9)
    assert len(set(many.start_losses_.round(6))) == 4
    assert -many.score(x0, x1) == pytest.approx(many.start_losses_.min(), rel=1e-9)
    assert many.loss_curve_.shape == (20,)
    assert many.loss_curve_[-1] == pytest.approx(many.start_losses_.min(), abs=0.5)


def test_several_starts_cover_clusters_that_one_start_misses():
    labels = torch.arange(300) % 3
    centres = torch.tensor([[-6.0, 0.0], [6.0, 0.0], [0.0, 9.0]])
    x0, x1 = make_points(300, 2, 1).float(), centres[labels] + 0.3 * make_points(300, 2, 2).float()
    fit = lambda n, seed: LightSB(3, 1.0, max_iter=300, lr=2e-2, n_init=n, random_state=seed)  # noqa: E731
    single = [-fit(1, seed).fit(x0, x1).score(x0, x1) for seed in range(5)]
    several = [-fit(10, seed).fit(x0, x1).score(x0, x1) for seed in range(2)]
    assert max(single) > min(single) + 0.1  # some start alone is stuck
    assert max(several) < min(single) + 0.05


@pytest.mark.parametrize("full", [False, True])
def test_warm_start_goes_on_from_the_present_potential(full):
    x0, x1 = make_points(100, 3, 1), 3 + make_points(100, 3, 2)
    truth = make_model(4, 3, full=full)
    model = make_model(4, 3, full=full).set_params(
        warm_start=True, max_iter=1, lr=1e-12, random_state=0
    )
    model.fit(x0, x1)
    for name in ("log_alpha_", "r_", "S_"):
        np.testing.assert_allclose(getattr(model, name), getattr(truth, name), atol=1e-8)
    before = model.score(x0, x1)
    model.set_params(lr=1e-2, max_iter=100).fit(x0, x1)
    assert model.score(x0, x1) > before + 0.1
    fresh = model.set_params(warm_start=False, max_iter=1, lr=1e-12).fit(x0, x1)
    np.testing.assert_allclose(fresh.log_alpha_, -math.log(4))


@pytest.mark.parametrize("epsilon", [0.1, 10.0])
def test_adam_moves_log_alpha_by_lr_over_epsilon(epsilon):
    x0, x1 = make_points(100, 2, 1), make_points(100, 2, 2)
    lr = 1e-4
    model = LightSB(3, epsilon, max_iter=1, lr=lr, random_state=0, dtype=torch.float64)
    moved = model.fit(x0, x1).log_alpha_ + math.log(3)
    np.testing.assert_allclose(moved.abs(), lr / epsilon, rtol=1e-2)  # Adam's first step is lr


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_shapes_and_kinds(n, K, D, full, as_array, dtype):
    theta = [p.to(dtype) for p in make_parameters(K, D, full=full)]
    model = LightSB.from_parameters(*theta, EPSILON)
    x = make_points(n, D)
    x = x.numpy() if as_array else x
    kind = np.ndarray if as_array else torch.Tensor
    weights, means, covs = model.conditional(x)
    mean, cov = model.conditional_moments(x)
    results = {
        (n,): [model.log_v(x), model.log_c(x)],
        (n, D): [
            model.predict(x),
            model.sample(x),
            model.sample_at(x, 0.5),
            model.drift(x, 0.5),
            mean,
        ],
        (n, K): [weights],
        (n, K, D): [means],
        (n, D, D): [cov],
        tuple(theta[2].shape): [covs],
        (n, 4, D): [model.sample_path(x, 3), model.sample_path(x, 3, method="euler")],
    }
    for shape, values in results.items():
        for value in values:
            assert isinstance(value, kind)
            assert tuple(value.shape) == shape
            assert str(dtype).endswith(str(value.dtype).removeprefix("torch."))
            assert torch.isfinite(torch.as_tensor(value)).all()
    assert isinstance(model.score(x, x), float)


# ---------------------------------------------------------------- benchmark and scores


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 5.0])
def test_benchmark_plan_by_brute_force(epsilon):
    """Eq. (14): the plan must be N(y | x, epsilon) phi(y), normalised, with phi a mixture."""
    bench = make_mixture_benchmark(1, epsilon, 2, radius=2.0, dtype=torch.float64)
    S, r = bench.plan.S_[:, 0].numpy(), bench.plan.r_[:, 0].numpy()
    V = 1 / (1 / (epsilon * S) - 1 / epsilon)
    c = r * V / (epsilon * S)
    assert ((V > 0.5) & (V < 1.5)).all()
    np.testing.assert_allclose(np.abs(c), 2.0)
    y, dy = grid_1d()
    phi = sum(multivariate_normal(ck, vk).pdf(y) for ck, vk in zip(c, V))
    x = np.array([[-1.5], [0.0], [0.8]])
    density = np.exp(-((x - y) ** 2) / (2 * epsilon)) * phi
    density /= density.sum(1, keepdims=True) * dy
    mean = density @ y * dy
    got_mean, got_cov = bench.conditional_moments(x)
    np.testing.assert_allclose(got_mean[:, 0], mean, rtol=1e-8)
    np.testing.assert_allclose(got_cov[:, 0, 0], density @ y**2 * dy - mean**2, rtol=1e-7)


def test_benchmark_plan_is_what_sinkhorn_finds():
    """On a grid, entropic transport between the benchmark's marginals gives back its plan."""
    epsilon = 0.8
    bench = make_mixture_benchmark(1, epsilon, 2, radius=2.0, dtype=torch.float64)
    y, _ = grid_1d(-7, 7, 281)
    a = multivariate_normal(0, 1).pdf(y)
    a /= a.sum()
    log_plan = (
        y[:, None] * y / epsilon + bench.log_v(y[:, None]) - bench.plan.log_c(y[:, None])[:, None]
    )
    plan = np.exp(log_plan)
    plan = a[:, None] * plan / plan.sum(1, keepdims=True)
    found = ot.sinkhorn(
        a, plan.sum(0), 0.5 * (y[:, None] - y) ** 2, epsilon, stopThr=1e-13, numItermax=5000
    )
    np.testing.assert_allclose(found, plan, atol=1e-8)


def test_benchmark_samples_follow_its_plan():
    bench = make_mixture_benchmark(3, 1.0, 0)
    x, y = bench.sample_pair(50_000, 1)
    np.testing.assert_allclose(x.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(torch.cov(x.T), torch.eye(3), atol=0.03)
    np.testing.assert_allclose((y - bench.plan.predict(x)).mean(0), 0, atol=0.03)
    assert abs(energy_distance(y[:3000], bench.sample_target(3000, 2))) < 0.02
    norms = (bench.plan.r_ / (1 - bench.plan.S_)).norm(dim=1)  # c = r / (1 - S)
    np.testing.assert_allclose(norms, 5.0, rtol=1e-4)


def test_bures_wasserstein_against_pot():
    rng = np.random.default_rng(0)
    for D in (1, 3):
        m_a, A, m_b, B = make_gaussian_pair(D, int(rng.integers(99)))
        ours = bures_wasserstein(*(torch.tensor(v)[None] for v in (m_a, A, m_b, B))).item()
        assert ours == pytest.approx(
            0.5 * ot.gaussian.bures_wasserstein_distance(m_a, m_b, A, B) ** 2
        )


def test_cbw2_uvp_of_known_mistakes():
    bench = make_mixture_benchmark(4, 1.0, 0, dtype=torch.float64)
    variance = bench.sample_target(200_000, 9).var(0).sum().item()

    class Shifted:
        def conditional_moments(self, x):
            mean, cov = bench.conditional_moments(x)
            return mean + 0.5, cov

    class Wider:
        def conditional_moments(self, x):
            mean, cov = bench.conditional_moments(x)
            return mean, 4 * cov

    assert cbw2_uvp(bench, bench) == pytest.approx(0, abs=1e-9)
    # four coordinates moved by 0.5: half of 4 * 0.25, over half the variance
    assert cbw2_uvp(Shifted(), bench) == pytest.approx(100 * 1.0 / variance, rel=0.02)
    # twice the standard deviation: half of tr(A), averaged over x
    x = bench.sample_source(20_000, 3)
    inside = bench.conditional_moments(x)[1].diagonal(dim1=1, dim2=2).sum(1).mean().item()
    assert cbw2_uvp(Wider(), bench, 5000) == pytest.approx(100 * inside / variance, rel=0.03)


def test_energy_distance_against_a_double_loop():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(13, 3)), rng.normal(0.5, 2, size=(9, 3))

    def mean_distance(a, b, skip):
        values = [
            math.dist(p, q)
            for i, p in enumerate(a)
            for j, q in enumerate(b)
            if not (skip and i == j)
        ]
        return sum(values) / len(values)

    want = (
        mean_distance(x, y, False)
        - 0.5 * mean_distance(x, x, True)
        - 0.5 * mean_distance(y, y, True)
    )
    assert energy_distance(x, y) == pytest.approx(want, rel=1e-5)
    many = np.tile(x, (300, 1))  # several blocks of rows
    n = len(many)
    total = sum(math.dist(p, q) for p in x for q in x) * 300**2
    want = total / n**2 - total / (n * (n - 1))
    assert energy_distance(many, many) == pytest.approx(want, abs=1e-5)


def test_energy_distance_is_zero_on_average_for_equal_populations():
    values = [
        energy_distance(make_points(200, 2, s), make_points(200, 2, 100 + s)) for s in range(30)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / 30**0.5


# ---------------------------------------------------------------- baselines


def test_sinkhorn_plan_agrees_with_pot_and_with_the_truth():
    bench = make_mixture_benchmark(2, 1.0, 0)
    x0, x1 = bench.sample_source(800, 0), bench.sample_target(900, 1)
    fitted = SinkhornPlan(1.0, 500, 1e-7).fit(x0, x1)
    plan = ot.sinkhorn(
        [], [], 0.5 * torch.cdist(x0, x1).square().numpy().astype(float), 1.0, stopThr=1e-10
    )
    np.testing.assert_allclose(fitted.weights(x0), plan / plan.sum(1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(fitted.predict(x0), len(x0) * plan @ x1.numpy(), atol=2e-2)
    assert cbw2_uvp(fitted, bench, 200) < 3
    x = x0[:1].expand(20_000, 2)
    mean, cov = fitted.conditional_moments(x0[:1])
    np.testing.assert_allclose(torch.cov(fitted.sample(x, 0).T), cov[0], atol=0.1)
    spread = torch.cov(fitted.sample_at(x, 0.5, 1).T)
    np.testing.assert_allclose(spread, 0.25 * cov[0] + 0.25 * torch.eye(2), atol=0.06)
    np.testing.assert_allclose(fitted.sample(x, 0).mean(0), mean[0], atol=0.05)


def test_sinkhorn_plan_meets_the_end_marginal_at_a_small_epsilon():
    x0, x1 = make_points(300, 30, 1), 2 + 1.5 * make_points(250, 30, 2)  # costs of 200 epsilons up
    fitted = SinkhornPlan(0.1, max_iter=100).fit(x0, x1)
    weights = fitted.weights(x0.float())
    assert (weights.mean(0) * 250 - 1).abs().mean() < 0.02
    assert fitted.marginal_error_ < 2e-3
    cold = ot.sinkhorn(
        [], [], 0.5 * torch.cdist(x0, x1).square().numpy(), 0.1, method="sinkhorn_log",
        numItermax=100, stopThr=0, warn=False,
    )  # fmt: skip
    assert abs(cold.sum(0) * 250 - 1).mean() > 0.05  # what the annealing is for


def test_independent_plan_has_the_moments_of_the_end_sample():
    x0, x1 = make_points(50, 3, 1), 1 + 2 * make_points(70, 3, 2)
    plan = IndependentPlan(0.5).fit(x0, x1)
    mean, cov = plan.conditional_moments(x0[:4])
    np.testing.assert_allclose(mean, x1.mean(0).expand(4, 3), atol=1e-5)
    np.testing.assert_allclose(cov[0], torch.cov(x1.T, correction=0), atol=1e-4)
    assert (torch.cdist(plan.sample(x0, 0).double(), x1).min(1).values < 1e-5).all()


def test_missing_pot_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ot", None)
    with pytest.raises(ImportError, match=r"mixbook\[flows\]"):
        SinkhornPlan().fit(np.ones((3, 2)), np.ones((3, 2)))


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "method", ["log_v", "log_c", "conditional", "conditional_moments", "predict", "sample"]
)
@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_points_are_refused_by_every_method(method, kind):
    value, error = BAD_MATRICES[kind]
    with pytest.raises(error, match=r"^(x|y|X0) must"):
        getattr(make_model(), method)(value)


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_points_are_refused_by_methods_of_two_arguments(kind):
    value, error = BAD_MATRICES[kind]
    good, model = np.ones((4, 2)), make_model()
    small = LightSB(2, max_iter=1)
    calls = [
        (lambda: model.drift(value, 0.5), "x"),
        (lambda: model.sample_at(value, 0.5), "X0"),
        (lambda: model.sample_path(value, 3), "X0"),
        (lambda: model.score(value, good), "X0"),
        (lambda: model.score(good, value), "X1"),
        (lambda: small.fit(good, value), "X1"),
        (lambda: energy_distance(good, value), "y"),
        (lambda: SinkhornPlan().fit(value, np.ones((4, 2))), "X0"),
        (lambda: IndependentPlan().fit(value, np.ones((4, 2))), "X0"),
        (lambda: IndependentPlan().fit(good, good).predict(value), "X0"),
    ]
    for call, name in calls:
        with pytest.raises(error, match=rf"^{name} must"):
            call()
    if kind != "three columns":
        with pytest.raises(error, match=r"^X0 must"):
            small.fit(value, good)
        with pytest.raises(error, match=r"^x must"):
            energy_distance(value, good)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"n_components": 0}, ValueError),
        ({"n_components": 2.5}, TypeError),
        ({"epsilon": 0.0}, ValueError),
        ({"epsilon": -1}, ValueError),
        ({"epsilon": float("nan")}, ValueError),
        ({"epsilon": "1"}, TypeError),
        ({"covariance_type": "tied"}, ValueError),
        ({"covariance_type": None}, ValueError),
        ({"max_iter": 0}, ValueError),
        ({"max_iter": True}, TypeError),
        ({"batch_size": 0}, ValueError),
        ({"lr": 0.0}, ValueError),
        ({"s_init": -0.1}, ValueError),
        ({"init": "kmeans"}, ValueError),
        ({"n_init": 0}, ValueError),
        ({"n_init": 1.5}, TypeError),
        ({"random_state": -1}, ValueError),
        ({"random_state": "0"}, TypeError),
        ({"dtype": torch.int64}, ValueError),
        ({"device": "abacus"}, ValueError),
    ],
)
def test_bad_hyperparameters_are_refused_by_fit(change, error):
    with pytest.raises(error, match=r"seed|" + next(iter(change))):
        LightSB(**({"n_components": 2, "max_iter": 1} | change)).fit(
            np.ones((4, 2)), np.ones((4, 2))
        )


def test_bad_too_few_rows_for_the_centres():
    with pytest.raises(ValueError, match=r"X1 must have at least 10 row\(s\), got 9"):
        LightSB(10, max_iter=1).fit(np.ones((20, 2)), np.ones((9, 2)))
    LightSB(10, max_iter=1, init="normal").fit(np.ones((20, 2)), np.ones((9, 2)))


def test_bad_warm_start_from_another_shape():
    x = make_points(9, 2)
    for change in ({"n_components": 4}, {"covariance_type": "full"}):
        model = make_model(3, 2).set_params(warm_start=True, max_iter=1, **change)
        with pytest.raises(ValueError, match=r"^warm_start needs the present S_"):
            model.fit(x, x)
    with pytest.raises(ValueError, match=r"^warm_start needs"):
        make_model(3, 2).set_params(warm_start=True).fit(make_points(9, 3), make_points(9, 3))


def test_bad_use_before_fit():
    with pytest.raises(NotFittedError, match="call fit first"):
        LightSB().predict(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("t", "error"),
    [
        (1.0, ValueError),
        (-0.1, ValueError),
        (float("nan"), ValueError),
        ("0", TypeError),
        (None, TypeError),
        (np.array([0.1, 0.2]), ValueError),
        (np.array([0.1, 0.2, 1.0]), ValueError),
        (np.array([0.1, 0.2, np.nan]), ValueError),
    ],
)
def test_bad_times_are_refused_by_the_drift(t, error):
    with pytest.raises(error, match=r"^t must"):
        make_model().drift(np.ones((3, 2)), t)


def test_bad_arguments_of_the_samplers():
    model, x = make_model(), np.ones((3, 2))
    for t in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"^t must"):
            model.sample_at(x, t)
    with pytest.raises(ValueError, match=r"^n_steps must"):
        model.sample_path(x, 0)
    with pytest.raises(TypeError, match=r"^n_steps must"):
        model.sample_path(x, 2.0)
    with pytest.raises(ValueError, match=r"^method must"):
        model.sample_path(x, 2, method="heun")
    with pytest.raises(TypeError, match="seed"):
        model.sample(x, "0")


@pytest.mark.parametrize(
    ("position", "value", "error", "name"),
    [
        (0, np.zeros(3), TypeError, "log_alpha"),
        (0, torch.zeros(3, dtype=torch.int64), TypeError, "log_alpha"),
        (0, torch.zeros(0), ValueError, "log_alpha"),
        (0, torch.full((3,), torch.nan), ValueError, "log_alpha"),
        (1, torch.zeros(2, 2), ValueError, "r"),
        (1, torch.zeros(3), ValueError, "r"),
        (1, torch.full((3, 2), torch.inf), ValueError, "r"),
        (2, torch.ones(3, 3), ValueError, "S"),
        (2, -torch.ones(3, 2), ValueError, "S"),
        (2, torch.zeros(3, 2, 2), ValueError, "S"),
        (2, torch.tensor([[1.0, 0.5], [0.0, 1.0]]).expand(3, 2, 2), ValueError, "S"),
        (3, 0.0, ValueError, "epsilon"),
        (3, "1", TypeError, "epsilon"),
    ],
)
def test_bad_parameters_are_refused(position, value, error, name):
    theta = [torch.zeros(3), torch.zeros(3, 2), torch.ones(3, 2), 1.0]
    theta[position] = value
    x = torch.ones(4, 2)
    with pytest.raises(error, match=rf"^{name} must"):
        LightSB.from_parameters(*theta)
    with pytest.raises(error, match=rf"^{name} must"):
        light_sb_loss(*theta, x, x)


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_points_are_refused_by_the_functions(kind):
    value, error = BAD_MATRICES[kind]
    value = torch.as_tensor(value) if error is ValueError else value
    theta, good = (torch.zeros(3), torch.zeros(3, 2), torch.ones(3, 2), 1.0), torch.ones(4, 2)
    for function in (tilted_log_weights, log_normaliser, conditional_mean, conditional_moments):
        with pytest.raises(error, match=r"^x must"):
            function(value, *theta)
    calls = {
        "x0": lambda: light_sb_loss(*theta, value, good),
        "x1": lambda: light_sb_loss(*theta, good, value),
        "y": lambda: log_potential(value, *theta),
        "x": lambda: drift(value, 0.5, *theta),
    }
    for name, call in calls.items():
        with pytest.raises(error, match=rf"^{name} must"):
            call()
    with pytest.raises(ValueError, match=r"^t must"):
        drift(good, 1.0, *theta)
    with pytest.raises(TypeError, match=r"^x0 must be a floating-point tensor"):
        light_sb_loss(*theta, good.numpy(), good)


@pytest.mark.parametrize(
    ("change", "error", "name"),
    [
        ({"m0": 0.0}, ValueError, "m0"),
        ({"m0": []}, ValueError, "m0"),
        ({"m0": ["a", "b"]}, TypeError, "m0"),
        ({"m1": [0.0, np.nan]}, ValueError, "m1"),
        ({"m1": [0.0], "C1": [[1.0]]}, ValueError, "m1"),
        ({"C0": np.eye(3)}, ValueError, "C0"),
        ({"C0": np.ones((3, 2))}, ValueError, "C0"),
        ({"C1": -np.eye(2)}, ValueError, "C1"),
        ({"C1": [[1.0, 0.9], [0.0, 1.0]]}, ValueError, "C1"),
        ({"epsilon": 0.0}, ValueError, "epsilon"),
        ({"epsilon": None}, TypeError, "epsilon"),
    ],
)
def test_bad_gaussians_are_refused(change, error, name):
    good = {"m0": [0.0, 0.0], "C0": np.eye(2), "m1": [1.0, 0.0], "C1": np.eye(2), "epsilon": 1.0}
    with pytest.raises(error, match=rf"^{name} must"):
        gaussian_sb(**(good | change))
    with pytest.raises(error, match=rf"{name}.* must"):
        gaussian_loss(r=[0.0, 0.0], S=np.eye(2), **(good | change))


def test_bad_model_of_the_gaussian_loss_and_kl():
    pair = ([0.0, 0.0], np.eye(2), [1.0, 0.0], np.eye(2))
    with pytest.raises(ValueError, match=r"^S must"):
        gaussian_loss([0.0, 0.0], -np.eye(2), 1.0, *pair)
    with pytest.raises(ValueError, match="must be equally long"):
        gaussian_loss([0.0], [[1.0]], 1.0, *pair)
    bridge = gaussian_sb(*pair, 1.0)
    with pytest.raises(ValueError, match="must be equally long"):
        plan_kl(bridge, [0.0], [[1.0]], 1.0, *pair[:2])
    with pytest.raises(ValueError, match=r"^epsilon must"):
        plan_kl(bridge, [0.0, 0.0], np.eye(2), -1.0, *pair[:2])


@pytest.mark.parametrize(
    ("args", "error", "name"),
    [
        ((0, 1.0), ValueError, "dim"),
        ((2.0, 1.0), TypeError, "dim"),
        ((2, 0.0), ValueError, "epsilon"),
        ((2, 1.0, -1), ValueError, "seed"),
        ((2, 1.0, "a"), TypeError, "seed"),
    ],
)
def test_bad_benchmarks_are_refused(args, error, name):
    with pytest.raises(error, match=name):
        make_mixture_benchmark(*args)


def test_bad_arguments_of_the_scores():
    bench = make_mixture_benchmark(2, 1.0, 0)
    with pytest.raises(TypeError, match=r"^model must"):
        cbw2_uvp("a model", bench)
    with pytest.raises(TypeError, match=r"^benchmark must"):
        cbw2_uvp(bench, "a benchmark")
    with pytest.raises(ValueError, match=r"^n_test must"):
        cbw2_uvp(bench, bench, 0)
    with pytest.raises(ValueError, match="x must have 3 column"):
        cbw2_uvp(make_model(2, 3), bench)
    with pytest.raises(ValueError, match=r"^n must"):
        bench.sample_target(0)
    with pytest.raises(ValueError, match="at least 2 row"):
        energy_distance(np.ones((1, 2)), np.ones((4, 2)))
    for make in (SinkhornPlan, IndependentPlan):
        with pytest.raises(ValueError, match=r"^epsilon must"):
            make(epsilon=0.0)
    with pytest.raises(ValueError, match=r"^max_iter must"):
        SinkhornPlan(max_iter=0)
    with pytest.raises(ValueError, match=r"^t must"):
        IndependentPlan().fit(np.ones((3, 2)), np.ones((3, 2))).sample_at(np.ones((3, 2)), 2.0)


def test_normaliser_and_potential_functions_are_what_the_methods_use():
    theta, x = make_parameters(3, 2), make_points(6, 2)
    model = LightSB.from_parameters(*theta, EPSILON)
    np.testing.assert_allclose(log_normaliser(x, *theta, EPSILON), model.log_c(x))
    np.testing.assert_allclose(log_potential(x, *theta, EPSILON), model.log_v(x))
    np.testing.assert_allclose(drift(x, 0.2, *theta, EPSILON), model.drift(x, 0.2))
