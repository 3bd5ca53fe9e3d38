"""Kinetic-optimal paths against closed forms, quadrature, brute force and optimal transport."""

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad

from mixbook.flows.kinetic_paths import (
    VP,
    Checkerboard,
    CondOT,
    FlowMatcher,
    KineticOptimalPath,
    SeparationCurve,
    Trigonometric,
    adaptive_sample,
    conditional_kinetic_energy,
    data_separation,
    data_separation_from_denoiser,
    data_separation_gaussian,
    direct_kinetic_energy,
    energy_density,
    euler_sample,
    kinetic_energy,
    marginal_velocity,
    normalize_data,
    posterior_mean,
    snr_grid,
    theorem41_gap,
    train_flow,
    transport_floor,
)

S = snr_grid(200, 1e4)
TWO = np.array([[-1.0], [1.0]])


def two_points(s):
    """E tanh(s^2 + s z)^2 by Gauss-Hermite quadrature."""
    z, w = np.polynomial.hermite_e.hermegauss(200)
    s = np.atleast_1d(s)[:, None]
    return np.tanh(s**2 + s * z) ** 2 @ (w / w.sum())


def standard_normal(s):
    return np.square(s) / (1 + np.square(s))


def points(n, d, seed=0):
    return normalize_data(np.random.default_rng(seed).standard_normal((n, d)))[0]


def brute_force(X, s, k, seed):
    """Eq. (5) as it reads, one noisy sample at a time."""
    rng, total = np.random.default_rng(seed), 0.0
    for _ in range(k):
        y = s * X[rng.integers(len(X))] + rng.standard_normal(X.shape[1])
        w = np.exp(-0.5 * ((y - s * X) ** 2).sum(1))
        total += ((w @ X / w.sum()) ** 2).mean()
    return total / k


# ---------------------------------------------------------------- data separation


def test_normalised_data_and_the_way_back():
    X = np.random.default_rng(0).normal([3, -2], [1, 5], (50, 2))
    Y, (mean, scale) = normalize_data(X)
    np.testing.assert_allclose(Y.mean(0), 0, atol=1e-12)
    assert (Y**2).sum(1).mean() == pytest.approx(2)
    np.testing.assert_allclose(Y * scale + mean, X)


@pytest.mark.parametrize("seed", range(3))
def test_separation_of_two_points(seed):
    s = np.array([0.1, 0.3, 0.6, 1.0, 1.5, 2.0])
    lam, se = data_separation(TWO, s, 4000, seed)
    assert two_points(1.0)[0] == pytest.approx(0.5504, abs=1e-4)
    assert (np.abs(lam - two_points(s)) < 5 * se + 1e-7).all()
    assert (se < 0.003).all()


def test_separation_against_brute_force_and_its_standard_error():
    X, s = points(7, 3), np.array([0.5, 1.0, 2.0])
    runs = [data_separation(X, s, 400, seed) for seed in range(40)]
    values, errors = (np.array(column) for column in zip(*runs))
    spread = values.std(0, ddof=1)
    np.testing.assert_allclose(errors.mean(0), spread, rtol=0.35)
    truth = [brute_force(X, ratio, 20_000, 9) for ratio in s]
    np.testing.assert_allclose(values.mean(0), truth, atol=0.012)


def test_controls_have_mean_zero_and_reduce_the_error():
    """Without controls the error of the plain average of |mean|^2 / d is several times larger."""
    X, s = points(30, 5), np.array([0.3])
    rng = np.random.default_rng(0)
    y = s * X[rng.integers(30, size=4000)] + rng.standard_normal((4000, 5))
    plain = posterior_mean(y / s, 1.0, float(1 / s[0]), X)
    plain = (plain**2).mean(1)
    lam, se = data_separation(X, s, 4000, 1)
    assert lam[0] == pytest.approx(plain.mean(), abs=4 * plain.std() / 4000**0.5)
    assert se[0] < 0.3 * plain.std() / 4000**0.5


def test_chunks_do_not_change_the_answer():
    X, s = points(30, 4), np.array([0.0, 0.7, 3.0])
    whole = data_separation(X, s, 100, 0)
    for chunk in (1, 7, 100, 1000):
        np.testing.assert_allclose(data_separation(X, s, 100, 0, chunk=chunk), whole, atol=1e-6)


def test_separation_is_invariant_to_rotation_shift_and_scale():
    X, s = points(40, 3), np.array([0.3, 1.0, 3.0])
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    lam, se = data_separation(X, s, 4000, 0)
    moved, se_moved = data_separation(7 * X @ turn + 5, s, 4000, 1)
    assert (np.abs(lam - moved) < 5 * np.hypot(se, se_moved)).all()


def test_separation_of_separated_points_is_one_and_without_signal_zero():
    lam, _ = data_separation(points(20, 4), [0.0, 200.0], 200, 0)
    np.testing.assert_allclose(lam, [0, 1], atol=1e-9)


def test_not_normalised_points_are_taken_as_they_are():
    X = 2 * TWO + 3  # 1 and 5: at s = 0 the mean 3 is all there is
    lam, _ = data_separation(X, [1e-9], 2000, 0, normalize=False)
    # 1 - lam is the mean squared error, here the variance 4
    assert 1 - lam[0] == pytest.approx(4)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 50))
@settings(max_examples=15)
def test_separation_stays_between_the_linear_bound_and_one(n, d, seed):
    s = np.array([0.2, 0.5, 1.0, 2.0, 5.0])
    lam, se = data_separation(points(n, d, seed), s, 1000, seed)
    assert (lam < 1 + 5 * se + 1e-6).all()
    assert (lam > standard_normal(s) - 5 * se - 1e-6).all()  # gamma >= 0
    assert (np.diff(lam) > -5 * np.hypot(se[1:], se[:-1]) - 1e-6).all()


def test_gaussian_separation_by_sampling():
    v, s = np.array([0.2, 0.8, 2.0]), np.array([0.5, 1.5])
    lam = data_separation_gaussian(v, s)
    X = np.random.default_rng(0).standard_normal((40_000, 3)) * v**0.5

    def denoiser(y, ratio):
        return y * torch.tensor(v * ratio / (1 + v * ratio**2))

    sampled, se = data_separation_from_denoiser(denoiser, X, s, 1)
    assert (np.abs(sampled - lam) < 5 * se + 1e-9).all()
    np.testing.assert_allclose(data_separation_gaussian(np.ones(4), s), standard_normal(s))


def test_curve_interpolates_in_the_angle():
    curve = SeparationCurve(snr_grid(60), two_points(snr_grid(60)))
    s = np.array([0.05, 0.33, 0.9, 1.7, 3.3])
    np.testing.assert_allclose(curve(s), two_points(s), atol=2e-4)
    assert curve.gamma(0.0) == 0
    assert curve.gamma(np.pi / 2) == pytest.approx(1)
    without_zero = SeparationCurve(S[1:], two_points(S[1:]))
    np.testing.assert_allclose(without_zero(s), two_points(s), atol=1e-5)


def test_defect_is_the_integral_over_s():
    curve = SeparationCurve(S, two_points(S))
    assert curve.defect() == pytest.approx(quad(lambda s: 1 - two_points(s)[0], 0, 8)[0], abs=2e-5)
    assert curve.defect() == pytest.approx(1.01760, abs=2e-5)
    assert SeparationCurve(S, standard_normal(S)).defect() == pytest.approx(np.pi / 2)


def test_both_sides_of_theorem_41():
    left, right = theorem41_gap(TWO, 20_000, 0)
    assert left == pytest.approx(1.0176, abs=0.01)
    assert right == 6
    gaps = [theorem41_gap(points(32, d), 1000, 0)[0] for d in (4, 64, 512)]
    assert gaps[0] > gaps[1] > gaps[2]


# ---------------------------------------------------------------- energies


def test_energies_of_a_standard_normal():
    """Nothing has to move: the circle costs nothing, Cond-OT costs 2 - pi / 2."""
    assert kinetic_energy(CondOT(), standard_normal) == pytest.approx(2 - np.pi / 2, abs=1e-5)
    assert kinetic_energy(Trigonometric(), standard_normal) == pytest.approx(0, abs=1e-9)
    assert kinetic_energy(VP(), standard_normal) == pytest.approx(0, abs=1e-6)


def test_energies_of_two_points():
    assert kinetic_energy(CondOT(), two_points) == pytest.approx(0.98240, abs=1e-4)
    assert kinetic_energy(Trigonometric(), two_points) == pytest.approx(0.8690, abs=1e-4)
    curve = SeparationCurve(S, two_points(S))
    assert kinetic_energy(CondOT(), curve) == pytest.approx(2 - curve.defect(), abs=1e-4)


def test_conditional_energies():
    assert conditional_kinetic_energy(CondOT()) == pytest.approx(2, abs=1e-4)
    assert conditional_kinetic_energy(Trigonometric()) == pytest.approx(np.pi**2 / 4, abs=1e-4)
    decade = conditional_kinetic_energy(VP(), cutoff=1e-6) - conditional_kinetic_energy(
        VP(), cutoff=1e-5
    )
    assert decade == pytest.approx(np.log(10) * 0.1 / 4, rel=1e-2)


def test_energy_does_not_depend_on_the_number_of_times():
    fine = kinetic_energy(VP(), two_points, 20_001)
    assert kinetic_energy(VP(), two_points) == pytest.approx(fine, rel=1e-5)


@pytest.mark.parametrize(
    "path", [CondOT(), Trigonometric(), VP(), KineticOptimalPath(S, two_points(S))], ids=repr
)
def test_direct_energy_agrees_with_the_separation(path):
    t = np.array([0.1, 0.4, 0.7, 0.9])
    mean, se = direct_kinetic_energy(path, TWO, t, 20_000, 0)
    assert (np.abs(mean - energy_density(path, two_points, t)) < 5 * se).all()
    assert (se < 0.03 * mean.max()).all()


def test_posterior_mean_against_its_definition():
    rng = np.random.default_rng(0)
    X, x, a, m = rng.standard_normal((6, 3)), rng.standard_normal((4, 3)), 0.6, 0.5
    w = np.exp(-((x[:, None] - a * X) ** 2).sum(2) / (2 * m**2))
    want = w @ X / w.sum(1, keepdims=True)
    np.testing.assert_allclose(posterior_mean(x, a, m, X), want, rtol=1e-10)
    single = posterior_mean(torch.tensor(x, dtype=torch.float32), a, m, X)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, want, rtol=1e-4)
    far = posterior_mean(1e3 * x, a, 1e-3, X)  # no 0 / 0 where every weight underflows
    assert np.isfinite(far).all()


def test_marginal_velocity_is_the_mean_of_the_conditional_ones():
    path, t, rng = VP(), 0.8, np.random.default_rng(0)
    X, x = rng.standard_normal((6, 3)), rng.standard_normal((4, 3))
    a, m, da, dm = (f(t) for f in (path.alpha, path.sigma, path.d_alpha, path.d_sigma))
    w = np.exp(-((x[:, None] - a * X) ** 2).sum(2) / (2 * m**2))
    w /= w.sum(1, keepdims=True)
    conditional = da * X + dm * (x[:, None] - a * X) / m
    want = (w[:, :, None] * conditional).sum(1)
    np.testing.assert_allclose(marginal_velocity(x, t, path, X), want, rtol=1e-8)


def test_flow_of_the_exact_field_keeps_the_marginals():
    """Moments at t = 0.7 of particles carried from t = 0 are those of a x1 + m x0."""
    X, path, rng = points(5, 2), Trigonometric(), np.random.default_rng(0)
    x0 = rng.standard_normal((4000, 2))
    x, _ = adaptive_sample(
        lambda x, t: marginal_velocity(x, t, path, X), x0, t_span=(0, 0.7), rtol=1e-4, atol=1e-4
    )
    a, m = path.alpha(0.7), path.sigma(0.7)
    np.testing.assert_allclose(x.mean(0), 0, atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), a**2 * X.T @ X / 5 + m**2 * np.eye(2), atol=0.08)


def test_euler_ends_on_the_points():
    """The last step of Cond-OT lands on the posterior mean, near t = 1 one of the points."""
    X, rng = points(4, 2), np.random.default_rng(0)
    path = CondOT()
    x = euler_sample(
        lambda x, t: marginal_velocity(x, t, path, X), rng.standard_normal((200, 2)), 400
    )
    assert np.abs(x[:, None] - X).max(2).min(1).max() < 1e-6


def test_floor_lies_under_every_path_and_is_exact_for_two_points():
    """In one dimension the transport is monotone: W2^2 = E(|z| - 1)^2 = 2 - 2 sqrt(2 / pi)."""
    X = np.repeat(TWO, 500, 0)
    floor, se = transport_floor(X, 50_000, 0)
    exact = 2 - 2 * np.sqrt(2 / np.pi)
    assert floor - exact < 4 * se
    assert floor == pytest.approx(exact, abs=0.01)
    assert floor < KineticOptimalPath(S, two_points(S)).b_


def test_floor_against_the_primal_problem():
    X = points(300, 4)
    floor, se = transport_floor(X, 20_000, 0)
    z = np.random.default_rng(5).standard_normal((300, 4))
    primal = ot.emd2(np.full(300, 1 / 300), np.full(300, 1 / 300), ot.dist(z, X)) / 4
    assert floor < primal + 5 * se
    assert floor > 0.2 * primal


# ---------------------------------------------------------------- the optimal schedule


def test_optimum_of_two_points():
    path = KineticOptimalPath(S, two_points(S), gamma_min=1e-9)
    assert path.Phi_ == pytest.approx(0.6913, abs=1e-4)
    assert path.b_ == pytest.approx(0.4591, abs=1e-4)
    assert kinetic_energy(path, two_points) == pytest.approx(path.b_, abs=2e-3)


@pytest.mark.parametrize("method", ["chord", "ode", "gradient"])
def test_full_separation_gives_cond_ot(method):
    path = KineticOptimalPath([0.0, 1e-6, 1e4], [0.0, 1.0, 1.0], method)
    t = np.linspace(0.02, 0.98, 33)
    tolerance = 2e-3 if method != "gradient" else 0.03
    assert path.b_ == pytest.approx(2, abs=tolerance)
    np.testing.assert_allclose(path.alpha(t), t, atol=tolerance)
    np.testing.assert_allclose(path.sigma(t), 1 - t, atol=tolerance)


def test_standard_normal_costs_nothing():
    path = KineticOptimalPath(S, standard_normal(S))
    assert path.energy_ < 1e-3
    assert kinetic_energy(path, standard_normal) < 1e-3


def test_gaussian_with_two_variances_is_optimal_transport():
    v = np.array([0.5, 1.5])
    want = np.mean((1 - np.sqrt(v)) ** 2)
    assert want == pytest.approx(0.068148, abs=1e-6)
    path = KineticOptimalPath(S, data_separation_gaussian(v, S), gamma_min=1e-10)
    assert path.b_ == pytest.approx(want, rel=1e-4)
    three = np.array([0.2, 0.8, 2.0])
    path = KineticOptimalPath(S, data_separation_gaussian(three, S), gamma_min=1e-10)
    assert path.b_ > np.mean((1 - np.sqrt(three)) ** 2) * 1.001


@pytest.mark.parametrize("method", ["chord", "ode", "gradient"])
def test_derivatives_and_ends_of_the_schedule(method):
    path = KineticOptimalPath(S, two_points(S), method)
    t, h = np.linspace(0.1, 0.9, 17), 1e-4
    for value, slope in ((path.alpha, path.d_alpha), (path.sigma, path.d_sigma)):
        np.testing.assert_allclose(
            slope(t), (value(t + h) - value(t - h)) / (2 * h), rtol=0.01, atol=2e-3
        )
    ends = [path.alpha(0.0), path.sigma(0.0), path.alpha(1.0), path.sigma(1.0)]
    np.testing.assert_allclose(ends, [0, 1, 1, 0], atol=1e-6)
    assert path.alpha(torch.tensor([0.3])).dtype == torch.float32
    assert (np.diff(path.alpha(t) / path.sigma(t)) > 0).all()


def test_three_methods_agree():
    lam = two_points(S)
    chord, ode, gradient = (KineticOptimalPath(S, lam, m) for m in ("chord", "ode", "gradient"))
    t = np.linspace(0.05, 0.95, 91)
    assert ode.b_ == pytest.approx(chord.b_, rel=1e-4)
    assert ode.energy_ == pytest.approx(chord.b_, rel=1e-3)
    np.testing.assert_allclose(ode.alpha(t), chord.alpha(t), atol=1e-3)
    assert chord.b_ < gradient.energy_ < 1.01 * chord.b_
    np.testing.assert_allclose(gradient.alpha(t), chord.alpha(t), atol=0.06)
    for path in (chord, ode):
        assert np.abs(path.residual(t)).max() < 1e-2
        r = path.polar(t)[0]
        np.testing.assert_allclose(r, np.sqrt(1 - path.b_ * t + path.b_ * t**2), atol=1e-9)
        np.testing.assert_allclose(np.hypot(path.alpha(t), path.sigma(t)), r, atol=1e-9)


def test_no_perturbation_of_the_optimum_is_better():
    """Bend radius and angle of the optimum and evaluate Eq. (6): the energy rises."""

    class Bent(KineticOptimalPath):
        eps_r, eps_theta, freq = 0.0, 0.0, 1

        def _polar(self, t):
            r, dr, theta, dtheta = super()._polar(t)
            w = torch.pi * self.freq
            wave, slope = torch.sin(w * t), w * torch.cos(w * t)
            # t (1 - t) keeps the angle monotone where its own slope is infinite
            r, dr = r + self.eps_r * wave, dr + self.eps_r * slope
            late = t.double() ** 2 * (1 - t)
            d_late = 2 * t - 3 * t**2
            return r, dr, theta + self.eps_theta * late, dtheta + self.eps_theta * d_late

    curve = SeparationCurve(S, two_points(S))
    best = KineticOptimalPath(S, two_points(S), gamma_min=1e-6)
    least = kinetic_energy(best, curve, 8001)
    bent = Bent(S, two_points(S), gamma_min=1e-6)
    for eps_r, eps_theta, freq in (
        (0.1, 0, 1),
        (-0.1, 0, 1),
        (0.05, 0, 2),
        (0, 0.5, 1),
        (0, -0.5, 1),
    ):
        bent.eps_r, bent.eps_theta, bent.freq = eps_r, eps_theta, freq
        assert kinetic_energy(bent, curve, 8001) > least + 2e-3


def test_optimum_is_the_shortest_of_the_compared_paths_for_real_points():
    X = points(60, 3)
    path = KineticOptimalPath.from_data(X, n_mc=4000, random_state=0)
    curve = path.curve_
    ours = kinetic_energy(path, curve)
    assert ours == pytest.approx(path.b_, abs=5e-3)
    for other in (CondOT(), Trigonometric(), VP()):
        assert ours < kinetic_energy(other, curve)
    assert path.b_ > transport_floor(X, random_state=0)[0]


def test_t_first_is_where_gamma_leaves_the_floor():
    path = KineticOptimalPath(S, two_points(S))
    theta = path.polar(np.array([path.t_first]))[2][0]
    assert path.curve_.gamma(theta) == pytest.approx(1e-4, rel=0.1)
    assert 0 < path.t_first < 0.01
    x = np.array([[0.5]])
    np.testing.assert_array_equal(
        marginal_velocity(x, 0.0, path, TWO), marginal_velocity(x, path.t_first, path, TWO)
    )
    assert KineticOptimalPath(S, two_points(S), "gradient", n_iter=10).t_first == 0


# ---------------------------------------------------------------- checkerboard and training


def test_checkerboard_samples():
    X = Checkerboard().sample(200_000, 0) * Checkerboard.scale
    assert (np.floor(X).sum(1) % 2 == 0).all()
    assert X.min() > -2
    assert X.max() < 2
    _, counts = np.unique(np.floor(X), axis=0, return_counts=True)
    assert len(counts) == 8
    np.testing.assert_allclose(counts, 25_000, rtol=0.03)
    np.testing.assert_allclose((Checkerboard().sample(200_000, 0) ** 2).mean(0), 1, rtol=0.01)


@pytest.mark.parametrize("s", [0.5, 2.0])
def test_checkerboard_posterior_by_quadrature(s):
    y, c = np.array([0.4, -0.7]), Checkerboard.scale
    total = np.zeros(3)
    for i in range(-2, 2):
        for j in range(-2, 2):
            if (i + j) % 2:
                continue
            for k, f in enumerate((lambda a, b: 1.0, lambda a, b: a, lambda a, b: b)):
                total[k] += dblquad(
                    lambda b, a, f=f: f(a, b)
                    * np.exp(-0.5 * ((y[0] - s * a) ** 2 + (y[1] - s * b) ** 2)),
                    i / c, (i + 1) / c, j / c, (j + 1) / c, epsabs=1e-9,
                )[0]  # fmt: skip
    found = Checkerboard().posterior_mean(torch.tensor(y)[None], s)[0]
    np.testing.assert_allclose(found, total[1:] / total[0], rtol=1e-6)


def test_checkerboard_posterior_far_away_and_in_the_holes():
    board, s = Checkerboard(), 300.0
    y = torch.tensor([[1e4, 1e4], [-1e4, 0.0], [0.2, -0.3], [0.6, -0.6]]).double()
    y[2:] *= s
    mean = board.posterior_mean(y, s)
    assert torch.isfinite(mean).all()
    edge = 2 / board.scale
    assert (mean.abs() <= edge + 1e-9).all()
    np.testing.assert_allclose(mean[0], [edge, edge], rtol=1e-2)
    assert board.posterior_mean(y, 0.0).abs().max() == 0


def test_checkerboard_separation_agrees_with_many_points():
    board, s = Checkerboard(), np.array([0.5, 1.0, 2.0, 4.0])
    lam, se = data_separation_from_denoiser(board.posterior_mean, board.sample(20_000, 0), s, 1)
    finite, se_finite = data_separation(board.sample(4000, 2), s, 2000, 3)
    assert (np.abs(lam - finite) < 5 * np.hypot(se, se_finite) + 0.01).all()


def test_network_shapes_and_times():
    net = FlowMatcher(3, 8, 2)
    x = torch.randn(5, 3)
    one = net(x, 0.3)
    assert one.shape == (5, 3)
    torch.testing.assert_close(one, net(x, torch.full((5,), 0.3)))
    assert not torch.allclose(one, net(x, 0.8))


def test_training_learns_the_exact_field():
    """Two points on a line: the field is known."""
    path = Trigonometric()
    net = train_flow(path, TWO, 1500, batch_size=512, width=64, depth=2, random_state=0)
    x = torch.linspace(-1.5, 1.5, 31)[:, None]
    for t in (0.2, 0.5, 0.7):
        exact = marginal_velocity(x, t, path, TWO)
        assert (net(x, t) - exact).square().mean() < 0.05 * exact.square().mean() + 0.01
    again = train_flow(path, TWO, 20, width=8, random_state=3)
    other = train_flow(path, TWO, 20, width=8, random_state=3)
    torch.testing.assert_close(again(x, 0.5), other(x, 0.5))


# ---------------------------------------------------------------- bad input

BAD_TABLES = {
    "a vector": (np.ones(4), ValueError),
    "NaN": (np.full((4, 2), np.nan), ValueError),
    "infinite": (np.full((4, 2), np.inf), ValueError),
    "empty": (np.ones((0, 2)), ValueError),
    "no column": (np.ones((4, 0)), ValueError),
    "all equal": (np.full((4, 2), 0.1), ValueError),
    "text": (np.array([["a", "b"]]), TypeError),
    "None": (None, TypeError),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_points_are_refused_by_name(name):
    X, error = BAD_TABLES[name]
    for call in (
        normalize_data,
        lambda X: data_separation(X, [1.0]),
        theorem41_gap,
        KineticOptimalPath.from_data,
    ):
        with pytest.raises(error, match="X"):
            call(X)


@pytest.mark.parametrize("name", [n for n in BAD_TABLES if n != "all equal"])
def test_bad_points_of_fields_and_training(name):
    X, error = BAD_TABLES[name]
    calls = [
        lambda X: posterior_mean(np.ones((1, 2)), 0.5, 0.5, X),
        lambda X: marginal_velocity(np.ones((1, 2)), 0.5, CondOT(), X),
        lambda X: direct_kinetic_energy(CondOT(), X, [0.5]),
        lambda X: train_flow(CondOT(), X, 4),
        transport_floor,
    ]
    for call in calls:
        with pytest.raises(error, match="X"):
            call(X)


def test_bad_ratios_and_curves():
    for s in ([-1.0], [np.nan], [np.inf], [], [[1.0]]):
        with pytest.raises(ValueError, match="s must"):
            data_separation(TWO, s)
        with pytest.raises(ValueError, match="s must"):
            data_separation_gaussian([1.0], s)
    with pytest.raises(TypeError, match="s must"):
        data_separation(TWO, "much")
    with pytest.raises(ValueError, match="same shape"):
        SeparationCurve([0, 1], [0.0])
    with pytest.raises(ValueError, match="increase"):
        KineticOptimalPath([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="lam must"):
        KineticOptimalPath([0, 1], [0.0, np.nan])
    with pytest.raises(ValueError, match="lam must"):
        SeparationCurve([0, 1], [0.0, 1.5])
    with pytest.raises(ValueError, match="eigvals"):
        data_separation_gaussian([-1.0], [1.0])


def test_bad_options():
    with pytest.raises(ValueError, match="n_mc"):
        data_separation(TWO, [1.0], 3)
    with pytest.raises(ValueError, match="chunk"):
        data_separation(TWO, [1.0], chunk=-1)
    with pytest.raises(ValueError, match="method"):
        KineticOptimalPath([0, 1], [0, 0.5], "shooting")
    with pytest.raises(ValueError, match="gamma_min"):
        KineticOptimalPath([0, 1], [0, 0.5], gamma_min=0)
    with pytest.raises(ValueError, match="n_t"):
        kinetic_energy(CondOT(), two_points, 2)
    with pytest.raises(ValueError, match="cutoff"):
        kinetic_energy(CondOT(), two_points, cutoff=0)
    with pytest.raises(ValueError, match="t must"):
        marginal_velocity(np.ones((1, 1)), 1.0, CondOT(), TWO)
    with pytest.raises(ValueError, match="X must have 2 column"):
        marginal_velocity(np.ones((1, 2)), 0.5, CondOT(), TWO)
    with pytest.raises(ValueError, match="m must"):
        posterior_mean(np.ones((1, 1)), 1.0, 0.0, TWO)
    with pytest.raises(ValueError, match="s_max"):
        snr_grid(40, 1.0)
    with pytest.raises(ValueError, match="dim"):
        FlowMatcher(0)
    with pytest.raises(ValueError, match="n must"):
        Checkerboard().sample(0)
