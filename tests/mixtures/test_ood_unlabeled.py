"""Tests of mixbook.mixtures.ood_unlabeled: brute force, linear programmes, Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import linprog, minimize_scalar
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from mixbook.mixtures import ood_unlabeled as ou


def tensor(x):
    return torch.tensor(np.asarray(x), dtype=torch.float64)


def small_sample(seed=0, m=6, n=20, d=3, B=2):
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], size=(B, m))
    X = rng.normal(size=(B, m, d)) + 0.8 * y[:, :, None]
    U = rng.normal(size=(n, d)) + 0.8 * rng.choice([-1, 1], size=(n, 1))
    return tensor(X), tensor(y), tensor(U)


# --- closed forms of the linear rule --------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.2, 0.7, 3.0])
def test_the_ramp_is_the_best_that_an_adversary_finds_on_a_grid(gamma):
    rng = np.random.default_rng(1)
    theta, grid = np.array([0.6, -0.8]), np.linspace(-8, 8, 321)
    Z = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    for _ in range(20):
        X, y = rng.normal(size=2) * 1.5, rng.choice([-1, 1])
        wrong = (y * (Z @ theta) <= 0).astype(float)
        brute = max(float(y * X @ theta <= 0), np.max(wrong - gamma * np.hypot(*(Z - X).T)))
        got = ou.ramp_loss(y * X @ theta, gamma).item()
        assert brute - 1e-12 <= got <= brute + 0.05 * gamma * math.sqrt(2)


def test_ramp_values_by_hand():
    got = ou.ramp_loss([-3.0, 0.0, 0.5, 2.0, 9.0], 0.5)
    np.testing.assert_allclose(got, [1, 1, 0.75, 0, 0])
    np.testing.assert_allclose(ou.tent_loss([-3.0, -1.0, 0.0, 0.5], 0.5), [0, 0.5, 1, 0.75])
    np.testing.assert_allclose(ou.ramp_loss([0.5, 7], 0), [1, 1])


def test_the_tent_is_the_ramp_of_the_own_label():
    s = np.random.default_rng(0).normal(size=(5, 7)) * 3
    np.testing.assert_allclose(ou.tent_loss(s, 0.4), ou.ramp_loss(np.abs(s), 0.4))
    assert ou.tent_loss(torch.zeros(2, dtype=torch.float32), 1.0).dtype == torch.float32


def test_worst_points_earn_exactly_the_ramp():
    rng = np.random.default_rng(2)
    theta, gamma = rng.normal(size=4) * 3, 0.6
    X, y = rng.normal(size=(50, 4)) * 2, rng.choice([-1, 1], 50)
    Z = ou.worst_points(theta, X, y, gamma).numpy()
    unit = theta / np.linalg.norm(theta)
    moved = np.linalg.norm(Z - X, axis=1)
    wrong = y * (Z @ unit) <= 1e-9
    np.testing.assert_allclose(
        wrong - gamma * moved, ou.ramp_loss(y * (X @ unit), gamma), atol=1e-9
    )
    assert 0 < (moved > 0).sum() < 50


# --- duality --------------------------------------------------------------------------------------


def worst_error_by_linear_programme(t, epsilon):
    """All transports of mass 1/m from each point to itself or to the boundary."""
    m, cost = len(t), np.maximum(t, 0)
    objective = -np.concatenate([t <= 0, np.ones(m)]).astype(float)  # stay, move
    found = linprog(
        objective,
        A_ub=[np.concatenate([np.zeros(m), cost])],
        b_ub=[epsilon],
        A_eq=np.hstack([np.eye(m), np.eye(m)]),
        b_eq=np.full(m, 1 / m),
    )
    return -found.fun


@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.1, 0.4, 5.0])
def test_worst_case_error_is_the_linear_programme_and_the_dual(epsilon):
    for seed in range(6):
        t = np.random.default_rng(seed).normal(0.7, 1, size=11)
        risk, gamma = ou.worst_case_error(t, epsilon)
        assert risk == pytest.approx(worst_error_by_linear_programme(t, epsilon), abs=1e-9)

        def dual(g, t=t):
            return g * epsilon + ou.ramp_loss(t, g).mean().item()

        assert all(dual(g) >= risk - 1e-12 for g in np.geomspace(1e-3, 1e3, 200))
        if epsilon > 0:
            assert dual(gamma) == pytest.approx(risk, abs=1e-9)


def test_worst_case_error_at_the_ends():
    assert ou.worst_case_error([1.0, 2.0, -1.0], 0) == (pytest.approx(1 / 3), math.inf)
    assert ou.worst_case_error([1.0, 2.0, -1.0], 1.0) == (1.0, 0.0)
    assert ou.worst_case_error([1.0, 2.0, -1.0], 1 / 3) == (pytest.approx(2 / 3), 0.5)


# --- smooth losses --------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.8, 2.0, 50.0])
def test_quadratic_loss_has_its_closed_form(gamma):
    X = tensor([[0.3], [-2.0], [4.0]])
    a = 1.5
    phi, Z = ou.robust_loss(
        lambda Z, y: (Z[:, 0] - a) ** 2 / 2, X, torch.zeros(3), gamma, steps=500, lr=0.3
    )
    wanted = (X[:, 0] - a) ** 2 / 2 * 2 * gamma / (2 * gamma - 1)
    torch.testing.assert_close(phi, wanted, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(
        Z[:, 0], X[:, 0] + (X[:, 0] - a) / (2 * gamma - 1), rtol=1e-4, atol=1e-6
    )


def test_below_half_the_curvature_the_supremum_runs_away():
    X, y = tensor([[2.0]]), torch.zeros(1)
    values = [
        ou.robust_loss(lambda Z, _: Z[:, 0] ** 2 / 2, X, y, 0.4, steps=n)[0].item()
        for n in (10, 100, 1000)
    ]
    assert values[0] < values[1] < values[2]
    assert values[2] > 1e3


def test_logistic_loss_against_a_search_along_the_weights():
    w, gamma = np.array([1.5, -2.0]), 0.9
    X, y = np.random.default_rng(0).normal(size=(8, 2)), np.array([1, -1] * 4)

    def loss(Z, labels):
        return torch.nn.functional.softplus(-labels * (Z @ tensor(w)))

    phi, Z = ou.robust_loss(loss, X, tensor(y), gamma, steps=2000, lr=0.1)
    for i in range(8):
        along = y[i] * w / np.linalg.norm(w)  # a loss of <w, Z> alone is best moved along w

        def negative(s, i=i, along=along):
            return gamma * s**2 - np.logaddexp(0, -y[i] * ((X[i] - s * along) @ w))

        best = minimize_scalar(negative, bounds=(0, 20), method="bounded", options={"xatol": 1e-9})
        assert phi[i].item() == pytest.approx(-best.fun, abs=1e-6)
        np.testing.assert_allclose(Z[i], X[i] - best.x * along, atol=1e-3)


def test_with_the_distance_as_cost_a_flat_loss_moves_nothing():
    X = tensor(np.random.default_rng(0).normal(size=(5, 3)))
    phi, Z = ou.robust_loss(lambda Z, y: Z.tanh().sum(1) * 0.1, X, torch.zeros(5), 1.0, cost="l2")
    torch.testing.assert_close(Z, X)
    # sin(z) - 0.5 |z - x| peaks where cos z = 1/2
    phi, Z = ou.robust_loss(
        lambda Z, y: Z[:, 0].sin(), tensor([[0.2]]), torch.zeros(1), 0.5, cost="l2", steps=300
    )
    assert Z.item() == pytest.approx(math.pi / 3, abs=1e-6)
    assert phi.item() == pytest.approx(math.sin(math.pi / 3) - 0.5 * (math.pi / 3 - 0.2), abs=1e-9)


def test_the_robust_loss_is_never_below_the_loss_and_keeps_the_best_point():
    X = tensor(np.random.default_rng(0).normal(size=(30, 2)))
    bumpy = lambda Z, y: (5 * Z).sin().sum(1)  # noqa: E731
    phi, Z = ou.robust_loss(bumpy, X, torch.zeros(30), 0.1, steps=20, lr=0.7)
    assert (phi >= bumpy(X, None) - 1e-12).all()
    torch.testing.assert_close(phi, bumpy(Z, None) - 0.1 * (Z - X).square().sum(1))
    plain, same = ou.robust_loss(bumpy, X, torch.zeros(30), 0.1, steps=0)
    torch.testing.assert_close(plain, bumpy(X, None))
    torch.testing.assert_close(same, X)


def test_the_gradient_of_the_robust_loss_is_that_of_the_envelope():
    X, y = tensor(np.random.default_rng(3).normal(size=(6, 2))), tensor([1.0, -1] * 3)
    w = tensor([0.8, -0.5]).requires_grad_()

    def value(v):
        return ou.robust_loss(
            lambda Z, s: torch.nn.functional.softplus(-s * (Z @ v)), X, y, 1.0, steps=400
        )[0].sum()

    value(w).backward()
    for k in range(2):
        e = tensor(np.eye(2)[k]) * 1e-4
        slope = (value(w.detach() + e) - value(w.detach() - e)) / 2e-4
        assert w.grad[k].item() == pytest.approx(slope.item(), abs=1e-5)


def test_a_large_price_keeps_the_ascent_stable_where_the_explicit_step_runs_away():
    X, gamma, lr = tensor([[0.3], [-2.0]]), 30.0, 0.1
    loss = lambda Z, y: (Z[:, 0] - 1.5) ** 2 / 2  # noqa: E731
    Z = X.clone()
    for _ in range(40):
        Z = Z + lr * ((Z - 1.5) - 2 * gamma * (Z - X))
    assert Z.abs().min() > 1e6
    wanted = X + (X - 1.5) / (2 * gamma - 1)
    torch.testing.assert_close(ou.ascend_points(loss, X, torch.zeros(2), gamma, steps=40), wanted)


@pytest.mark.parametrize(("cost", "power"), [("l2sq", 2), ("l2", 1)])
@pytest.mark.parametrize("weight", [0.05, 0.6, 3.0])
def test_the_proximal_maps_minimise_what_they_should(cost, power, weight):
    from mixbook.mixtures.ood_unlabeled._losses import _proximal

    shift = np.array([[0.3, -0.4], [2.0, 1.0], [0.0, 0.0]])
    got = _proximal(tensor(shift), weight, cost).numpy()
    grid = np.stack(np.meshgrid(*[np.linspace(-0.5, 2.5, 301)] * 2), -1).reshape(-1, 2)
    for D, found in zip(shift, got):

        def price(Z, D=D):
            return ((Z - D) ** 2).sum(-1) / 2 + weight * np.linalg.norm(Z, axis=-1) ** power

        assert price(found) <= price(grid).min() + 1e-12
    assert price(got[2]) == 0


def test_the_robust_loss_is_that_of_the_points_of_the_ascent():
    X, y = tensor(np.random.default_rng(8).normal(size=(9, 3))), tensor([1.0, -1, 1] * 3)
    loss = lambda Z, s: torch.nn.functional.softplus(-s * Z.sum(1))  # noqa: E731
    for cost, price in (("l2sq", lambda D: (D**2).sum(1)), ("l2", lambda D: D.norm(dim=1))):
        phi, Z = ou.robust_loss(loss, X, y, 0.7, cost=cost, steps=7)
        torch.testing.assert_close(ou.ascend_points(loss, X, y, 0.7, cost=cost, steps=7), Z)
        torch.testing.assert_close(phi, loss(Z, y) - 0.7 * price(Z - X))
        assert not Z.requires_grad
        assert (Z != X).any()


def test_images_are_moved_as_a_whole():
    X = tensor(np.random.default_rng(0).normal(size=(3, 1, 2, 2)))
    f = lambda Z, y: Z.flatten(1).square().sum(1) / 2  # noqa: E731
    phi, Z = ou.robust_loss(f, X, torch.zeros(3), 2.0, steps=200)
    assert Z.shape == X.shape
    torch.testing.assert_close(phi, f(X, None) * 4 / 3, rtol=1e-6, atol=0)


# --- objective and optimiser ----------------------------------------------------------------------


def test_the_objective_by_hand():
    # margins 1 and -2, scores 0.5 and -4; gamma 0.5, gamma_u 1, lam 3
    got = ou.rss_objective(
        [2.0, 0.0], [[1, 7], [2, 1]], [1, -1], [[0.5, 3], [-4, 1]], 0.5, 1.0, 3.0
    )
    assert got.item() == pytest.approx((0.5 + 1) / 2 + 3 * (0.5 + 0) / 2)
    same = ou.rss_objective([2.0, 0.0], [[1, 7], [2, 1]], [1, 0], None, 0.5, 1.0, 3.0)
    assert same.item() == pytest.approx(0.75)


def test_the_objective_does_not_depend_on_the_length_of_theta():
    X, y, U = small_sample()
    theta = tensor([0.3, -1.0, 0.4])
    values = [
        ou.rss_objective(c * theta, X[0], y[0], U, 0.5, 0.4, 2.0).item() for c in (1, 7, 1e-3)
    ]
    assert values == pytest.approx([values[0]] * 3)


def test_gradient_of_the_objective_against_finite_differences():
    from mixbook.mixtures.ood_unlabeled._linear import _tangent

    X, y, U = small_sample(4)
    theta = torch.nn.functional.normalize(tensor([[0.5, 0.2, 0.9], [-0.1, 1.0, 0.3]]), dim=1)
    g, gu, lam = tensor([0.4, 0.6]), tensor([0.3, 0.5]), tensor([2.0, 0.7])
    value, gradient = ou.LinearProblems(X, y, U, g, gu, lam).objective_and_gradient(theta)
    along = _tangent(gradient, theta, 3)
    for b in range(2):
        args = X[b], y[b], U, g[b].item(), gu[b].item(), lam[b].item()
        assert value[b].item() == pytest.approx(ou.rss_objective(theta[b], *args).item())
        for k in range(3):
            e = tensor(np.eye(3)[k]) * 1e-6
            slope = (
                ou.rss_objective(theta[b] + e, *args) - ou.rss_objective(theta[b] - e, *args)
            ) / 2e-6
            assert along[b, k].item() == pytest.approx(slope.item(), abs=1e-6)


def test_autograd_of_the_objective_agrees():
    from mixbook.mixtures.ood_unlabeled._linear import _tangent

    X, y, U = small_sample(17, B=1)
    theta = torch.nn.functional.normalize(tensor([0.5, 0.2, 0.9]), dim=0).requires_grad_()
    ou.rss_objective(theta, X[0], y[0], U, 0.4, 0.3, 2.0).backward()
    one = theta.detach()[None]
    _, gradient = ou.LinearProblems(X, y, U, 0.4, 0.3, 2.0).objective_and_gradient(one)
    torch.testing.assert_close(theta.grad, _tangent(gradient, one, 3)[0])


def test_in_the_plane_a_minimum_on_the_circle_is_found():
    angles = np.linspace(0, 2 * np.pi, 1441)[:-1]
    circle = np.stack([np.cos(angles), np.sin(angles)])
    lams = (0.0, 1.0, 5.0)
    for seed in range(4):
        X, y, U = small_sample(seed, m=8, n=60, d=2, B=3)
        fit = ou.fit_directions(X, y, U, 0.5, 0.5, tensor(lams), n_iter=800)
        tents = np.maximum(0, 1 - 0.5 * np.abs(U.numpy() @ circle)).mean(0)
        for b, lam in enumerate(lams):
            margins = y[b].numpy()[:, None] * (X[b].numpy() @ circle)
            values = np.clip(1 - 0.5 * margins, 0, 1).mean(0) + lam * tents
            got = ou.rss_objective(fit.theta[b], X[b], y[b], U, 0.5, 0.5, lam).item()
            minima = values[(values <= np.roll(values, 1)) & (values <= np.roll(values, -1))]
            assert np.abs(minima - got).min() < 5e-3
            if lam == 0:
                assert got <= values.min() + 5e-3


def test_on_the_line_the_better_sign_is_found():
    X, y, U = tensor([[[1.0], [2.0], [-0.5]]]), tensor([[-1.0, -1.0, -1.0]]), tensor([[3.0]])
    assert ou.fit_directions(X, y, U).theta.item() == -1
    assert ou.fit_directions(X, -y, U).theta.item() == 1


def test_batches_and_padding_change_nothing():
    X, y, U = small_sample(5, m=7)
    y[1, 4:] = 0
    X[1, 4:] = 99.0
    together = ou.fit_directions(X, y, U, n_iter=50)
    alone = ou.fit_directions(X[1:, :4], y[1:, :4], U, n_iter=50)
    torch.testing.assert_close(together.theta[1:], alone.theta)
    torch.testing.assert_close(together.objective[:, 1:], alone.objective)


@pytest.mark.parametrize("intercept", [False, True])
def test_the_path_is_that_of_plain_loops(intercept):
    X, y, U = small_sample(15, B=1)
    X, U = X + 0.6 * intercept, U + 0.6 * intercept
    Xn, yn, Un = X[0].numpy(), y[0].numpy(), U.numpy()
    g, gu, lam, lr, beta, n_iter = 0.4, 0.3, 2.0, 0.5, 0.8, 12

    def value(theta, b):
        ramps = [min(1, max(0, 1 - g * yi * (xi @ theta + b))) for xi, yi in zip(Xn, yn)]
        return np.mean(ramps) + lam * np.mean([max(0, 1 - gu * abs(u @ theta + b)) for u in Un])

    if intercept:
        low, high = Xn[yn < 0].mean(0), Xn[yn > 0].mean(0)
        theta = (high - low) / np.linalg.norm(high - low)
        b = -theta @ (low + high) / 2
    else:
        theta, b = sum(yi * xi for xi, yi in zip(Xn, yn)), 0.0
        theta = theta / np.linalg.norm(theta)
    speed, speed_b, path = np.zeros(3), 0.0, []
    for k in range(n_iter):
        path.append(value(theta, b))
        slope, slope_b = np.zeros(3), 0.0
        for xi, yi in zip(Xn, yn):
            weight = g / len(Xn) * yi * (0 < 1 - g * yi * (xi @ theta + b) < 1)
            slope, slope_b = slope - weight * xi, slope_b - weight
        for u in Un:
            score = u @ theta + b
            weight = lam * gu / len(Un) * np.sign(score) * (gu * abs(score) < 1)
            slope, slope_b = slope - weight * u, slope_b - weight
        step = lr * (1 - k / n_iter) / (g + lam * gu)
        speed = beta * speed + slope - (slope @ theta) * theta
        theta = theta - step * speed
        length = np.linalg.norm(theta)
        speed_b = beta * speed_b + slope_b
        theta, b = theta / length, (b - step * speed_b) / length if intercept else 0.0
    path.append(value(theta, b))
    fit = ou.fit_directions(
        X, y, U, g, gu, lam, n_iter=n_iter, lr=lr, momentum=beta, intercept=intercept
    )
    np.testing.assert_allclose(fit.objective[:, 0], path, rtol=1e-10)


def test_the_best_visited_point_is_returned():
    X, y, U = small_sample(6)
    fit = ou.fit_directions(X, y, U, 0.4, 0.6, 3.0, n_iter=60, lr=3.0)
    for b in range(2):
        value = ou.rss_objective(fit.theta[b], X[b], y[b], U, 0.4, 0.6, 3.0)
        assert value.item() == pytest.approx(fit.objective[:, b].min().item())
    torch.testing.assert_close(fit.theta.norm(dim=1), torch.ones(2, dtype=torch.float64))
    assert fit.objective.shape == (61, 2)


def test_a_wide_tent_alone_is_a_fixed_point_of_self_training():
    """Inside the tent the second term is 1 - gamma mean|s|: its optimum is a mean of sign(s) U."""
    X, y, U = small_sample(7, n=200)
    theta = ou.fit_directions(X, y, U, 1e-3, 1e-3, 1e6, n_iter=1000).theta
    image = torch.nn.functional.normalize((U @ theta.T).sign().T @ U, dim=1)
    torch.testing.assert_close(image, theta, rtol=0, atol=0.02)


def test_without_unlabelled_points_the_weight_is_not_used():
    X, y, U = small_sample(8)
    torch.testing.assert_close(
        ou.fit_directions(X, y, None).theta, ou.fit_directions(X, y, U, lam=0.0).theta
    )
    alone = ou.fit_directions(X, y, None)
    for b in range(2):
        wanted = ou.rss_objective(alone.theta[b], X[b], y[b], None, 0.3, 0.3, 10.0)
        assert alone.objective[:, b].min().item() == pytest.approx(wanted.item())


def test_a_given_start_is_used():
    X, y, U = small_sample(9)
    start = torch.eye(3, dtype=torch.float64)[:2] * 5
    first = ou.fit_directions(X, y, U, start=start).objective[0]
    for b in range(2):
        wanted = ou.rss_objective(start[b], X[b], y[b], U, 0.3, 0.3, 10.0)
        assert first[b].item() == pytest.approx(wanted.item())


# --- the estimators -------------------------------------------------------------------------------


def test_unlabelled_points_help_in_the_setting_of_the_paper():
    gains = []
    for seed in range(3):
        X, y, U, mu0, _ = ou.gmm_pair(20, 2000, 100, 0.3, random_state=seed)
        rss = ou.RSSLinear().fit(X, y, U)
        gains.append(ou.gmm_accuracy(rss.coef_, mu0) - ou.gmm_accuracy(y @ X, mu0))
    assert min(gains) > 0.08


def test_the_estimator_is_fit_directions_and_speaks_the_labels_it_was_given():
    X, y, U, *_ = ou.gmm_pair(15, 200, 5, 0.2, random_state=0)
    model = ou.RSSLinear(lam=2.0, n_iter=100).fit(X, y, U)
    fit = ou.fit_directions(
        torch.from_numpy(X)[None],
        torch.from_numpy(y)[None].float(),
        torch.from_numpy(U),
        lam=2.0,
        n_iter=100,
    )
    np.testing.assert_allclose(model.coef_, fit.theta[0], rtol=1e-5)
    zero_one = ou.RSSLinear(lam=2.0, n_iter=100).fit(X, (y + 1) // 2, U)
    np.testing.assert_array_equal(model.coef_, zero_one.coef_)
    assert model.classes_.tolist() == [-1, 1]
    assert zero_one.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(2 * zero_one.predict(U) - 1, model.predict(U))
    np.testing.assert_allclose(model.decision_function(U), U @ model.coef_, atol=1e-6)
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    assert np.linalg.norm(model.coef_) == pytest.approx(1)
    assert model.predict(np.zeros((1, 5))).tolist() == [1]


def test_an_intercept_follows_a_moved_origin():
    rng = np.random.default_rng(0)
    y = np.repeat([-1, 1], 20)
    X, U = rng.normal(size=(40, 3)) + 2 * y[:, None], rng.normal(size=(400, 3))
    U += 2 * rng.choice([-1, 1], size=(400, 1))
    shift = np.array([5.0, -3.0, 1.0])
    model = ou.RSSLinear(fit_intercept=True, lam=1.0).fit(X + shift, y, U + shift)
    assert model.score(X + shift, y) > 0.95
    assert abs(model.decision_function(shift[None])[0]) < 0.5  # the middle lies on the boundary
    assert ou.RSSLinear().fit(X + shift, y).intercept_ == 0


def test_with_an_intercept_the_start_is_the_mid_plane_of_the_classes():
    X, y, U = small_sample(16, B=1)
    X = X + 2.0
    low, high = X[0][y[0] < 0].mean(0).numpy(), X[0][y[0] > 0].mean(0).numpy()
    theta = (high - low) / np.linalg.norm(high - low)
    score = lambda Z: Z.numpy() @ theta - theta @ (low + high) / 2  # noqa: E731
    ramp = np.clip(1 - 0.4 * y[0].numpy() * score(X[0]), 0, 1).mean()
    tent = np.maximum(0, 1 - 0.4 * np.abs(score(U))).mean()
    fit = ou.fit_directions(X, y, U, 0.4, 0.4, 2.0, intercept=True, n_iter=1)
    assert fit.objective[0].item() == pytest.approx(ramp + 2 * tent)


def test_a_known_covariance_is_the_fit_in_whitened_coordinates():
    cov = np.array([[4.0, 1.0], [1.0, 0.5]])
    X, y, U, _mu0, _ = ou.gmm_pair(10, 300, 2, 0.1, cov=cov, random_state=1)
    model = ou.RSSLinear(cov=cov).fit(X, y, U)
    values, vectors = np.linalg.eigh(cov)
    root = (vectors / np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(root @ cov @ root, np.eye(2), atol=1e-9)
    white = ou.RSSLinear().fit(X @ root, y, U @ root)
    wanted = root @ white.coef_
    np.testing.assert_allclose(model.coef_, wanted / np.linalg.norm(wanted), atol=1e-3)
    np.testing.assert_array_equal(model.predict(U), white.predict(U @ root))
    moved = np.array([3.0, -1.0])
    settings = {"fit_intercept": True, "lam": 1.0}
    model = ou.RSSLinear(cov=cov, **settings).fit(X + moved, y, U + moved)
    white = ou.RSSLinear(**settings).fit((X + moved) @ root, y, (U + moved) @ root)
    # distances in whitened coordinates are scores in these up to one factor
    scores, others = model.decision_function(U), white.decision_function(U @ root)
    np.testing.assert_allclose(scores / scores.std(), others / others.std(), atol=5e-3)
    assert abs(model.intercept_) > 0.1


def test_an_anisotropic_mixture_misleads_rss_unless_the_covariance_is_known():
    d, cov = 30, np.diag([9.0] + [1.0] * 29)
    X, y, U, mu0, _ = ou.gmm_pair(20, 3000, d, 0.0, cov=cov, mu0=np.eye(d)[1], random_state=0)
    plain, known = ou.RSSLinear().fit(X, y, U), ou.RSSLinear(cov=cov).fit(X, y, U)
    assert abs(plain.coef_[0]) > 0.9
    good, bad = (ou.gmm_accuracy(v.coef_, mu0, cov=cov) for v in (known, plain))
    assert good > bad + 0.15


def test_a_zero_labelled_mean_starts_at_random_but_reproducibly():
    X, y = np.array([[1.0, 0.0], [1.0, 0.0]]), [1, -1]
    U = np.random.default_rng(0).normal(size=(50, 2))
    a, b = (ou.RSSLinear(random_state=3, n_iter=5).fit(X, y, U).coef_ for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert np.isfinite(a).all()


def logistic_data(seed=0, n=120):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, (rng.random(n) < 1 / (1 + np.exp(-X @ [1.5, -1.0]))).astype(int)


def test_a_linear_network_without_adversary_is_logistic_regression():
    X, y = logistic_data()
    net = ou.RSSNet(
        torch.nn.Linear(2, 1),
        lam=0.0,
        inner_steps=0,
        warm_up=0,
        n_steps=600,
        lr=0.03,
        random_state=0,
    ).fit(X, y, X)
    sklearn = LogisticRegression(C=np.inf).fit(X, y)
    np.testing.assert_allclose(net.module_.weight.detach().numpy(), sklearn.coef_, atol=0.02)
    assert net.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(net.predict(X), sklearn.predict(X))
    np.testing.assert_allclose(net.decision_function(X), sklearn.decision_function(X), atol=0.06)
    assert net.score(X, y) == sklearn.score(X, y)


def test_an_adversary_shrinks_the_weights_of_a_linear_network():
    X, y = logistic_data()

    def weight(gamma):
        net = ou.RSSNet(
            torch.nn.Linear(2, 1),
            gamma=gamma,
            lam=0.0,
            warm_up=300,
            n_steps=0,
            lr=0.05,
            random_state=0,
        )
        return net.fit(X, y).module_.weight.detach().norm().item()

    assert weight(0.7) < weight(2.0) < weight(100.0)


def test_the_objective_of_the_network_is_that_of_its_two_terms():
    X, y = logistic_data(1, 30)
    U = np.random.default_rng(5).normal(size=(40, 2))
    start = torch.nn.Linear(2, 1)
    net = ou.RSSNet(start, gamma=0.9, gamma_u=1.4, lam=3.0, warm_up=0, n_steps=1, random_state=0)
    net.fit(X, y, U)

    def term(points, labels, gamma):
        x, s = torch.tensor(points).float(), torch.tensor(labels).float()
        f = lambda Z, q: torch.log1p(torch.exp(-q * start(Z).reshape(-1)))  # noqa: E731
        return ou.robust_loss(f, x, s, gamma)[0].mean().item()

    own = np.sign(start(torch.tensor(U).float()).detach().numpy().ravel())
    wanted = term(X, 2 * y - 1, 0.9) + 3 * term(U, own, 1.4)
    assert net.objective_[0] == pytest.approx(wanted, rel=1e-4)
    assert not np.allclose(net.module_.weight.detach(), start.weight.detach())
    net.set_params(warm_up=1).fit(X, y, U)
    assert net.objective_[0] == pytest.approx(term(X, 2 * y - 1, 0.9), rel=1e-4)  # labels alone
    assert net.objective_[1] > 1.5 * net.objective_[0]


def test_settings_of_the_network_are_used():
    X, y = logistic_data(2, 40)
    start = torch.nn.Linear(2, 1)

    def fitted(**settings):
        common = {"lam": 0.0, "warm_up": 0, "n_steps": 1, "random_state": 0}
        return ou.RSSNet(start, **common | settings).fit(X, y)

    x, s = torch.tensor(X).float(), torch.tensor(2.0 * y - 1).float()
    f = lambda Z, q: torch.nn.functional.softplus(-q * start(Z).reshape(-1))  # noqa: E731
    wanted = ou.robust_loss(f, x, s, 0.4, steps=2, lr=0.7)[0].mean().item()
    assert fitted(gamma=0.4, inner_steps=2, inner_lr=0.7).objective_[0] == pytest.approx(wanted)
    heavy, light = (fitted(weight_decay=w, lr=0.1).module_.weight.detach() for w in (5.0, 0.0))
    torch.testing.assert_close(heavy, light - 0.1 * 5.0 * start.weight.detach())
    few = fitted(batch_size=5, n_steps=30, lr=1e-9, inner_steps=0).objective_
    assert len(np.unique(few.round(5))) > 25  # another batch each time
    plain = f(x, s).mean().item()
    assert abs(few.mean() - plain) < 4 * f(x, s).std().item() / math.sqrt(150)


def test_a_network_profits_from_unlabelled_clusters_and_leaves_the_given_module_alone():
    rng = np.random.default_rng(0)
    hidden = rng.choice([-1, 1], 600)
    U = rng.normal(size=(600, 10)) * 0.7 + hidden[:, None] * np.eye(10)[0] * 2
    y = np.array([-1, 1] * 3)
    X = rng.normal(size=(6, 10)) * 0.7 + y[:, None] * np.eye(10)[0] * 2
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    before = [p.clone() for p in module.parameters()]
    settings = {
        "gamma": 2.0,
        "gamma_u": 2.0,
        "lr": 0.01,
        "batch_size": 64,
        "inner_steps": 3,
        "random_state": 0,
    }
    with_u = ou.RSSNet(module, n_steps=150, warm_up=50, **settings).fit(X, y, U)
    without = ou.RSSNet(module, n_steps=150, warm_up=50, **settings).fit(X, y)
    assert all(torch.equal(p, q) for p, q in zip(before, module.parameters()))
    assert np.mean(with_u.predict(U) == hidden) > np.mean(without.predict(U) == hidden) + 0.01
    again = ou.RSSNet(module, n_steps=150, warm_up=50, **settings).fit(X, y, U)
    np.testing.assert_array_equal(with_u.objective_, again.objective_)
    assert len(with_u.objective_) == 200
    assert not with_u.module_.training


# --- the setting of the theory --------------------------------------------------------------------


def test_samples_have_the_moments_of_the_setting():
    X, y, U, mu0, mu1 = ou.gmm_pair(40_000, 60_000, 4, 0.7, 1.3, 0.5, 0.8, random_state=0)
    assert np.linalg.norm(mu0) == pytest.approx(1.3)
    assert np.linalg.norm(mu1 - mu0) == pytest.approx(0.7)
    assert set(np.unique(y)) == {-1, 1}
    assert abs(y.mean()) < 0.02
    np.testing.assert_allclose((y[:, None] * X).mean(0), mu0, atol=0.015)
    np.testing.assert_allclose(np.cov((X - y[:, None] * mu0).T), 0.25 * np.eye(4), atol=0.01)
    np.testing.assert_allclose(U.T @ U / 60_000, 0.64 * np.eye(4) + np.outer(mu1, mu1), atol=0.03)
    side = np.sign(U @ mu1)
    assert abs(U.mean(0)).max() < 0.03
    assert abs(side.mean()) < 0.02
    assert np.cov((U - side[:, None] * mu1).T).shape == (4, 4)


def test_covariances_and_sizes_of_samples():
    cov = np.array([[2.0, 0.6], [0.6, 1.0]])
    X, y, U, mu0, mu1 = ou.gmm_pair(
        50_000, 50_000, 2, 0.0, sigma=1.0, sigma1=2.0, cov=cov, mu0=[3, 1], random_state=1
    )
    np.testing.assert_array_equal(mu0, [3, 1])
    np.testing.assert_array_equal(mu1, mu0)
    np.testing.assert_allclose(np.cov((X - y[:, None] * mu0).T), cov, atol=0.05)
    np.testing.assert_allclose(U.T @ U / 50_000 - np.outer(mu0, mu0), 4 * cov, atol=0.5)
    assert ou.gmm_pair(3, 0, 2, 0.0)[2].shape == (0, 2)
    a, b = (ou.gmm_pair(3, 4, 2, 0.1, random_state=5) for _ in range(2))
    assert all(np.array_equal(u, v) for u, v in zip(a, b))


def test_exact_risks_against_a_million_draws():
    rng = np.random.default_rng(0)
    mu0, theta, sigma, gamma = np.array([0.6, -0.2, 0.5]), np.array([2.0, 1.0, 1.5]), 0.8, 0.7
    y = rng.choice([-1, 1], 1_000_000)
    X = rng.normal(size=(1_000_000, 3)) * sigma + y[:, None] * mu0
    t = y * (X @ theta) / np.linalg.norm(theta)
    assert ou.gmm_accuracy(theta, mu0, sigma) == pytest.approx((t > 0).mean(), abs=2e-3)
    risk = ou.gmm_robust_risk(theta, mu0, sigma, gamma)
    assert risk == pytest.approx(np.clip(1 - gamma * t, 0, 1).mean(), abs=2e-3)


@pytest.mark.parametrize("gamma", [0.1, 0.3, 1.0, 20.0])
def test_the_robust_risk_is_an_integral(gamma):
    mu0, theta, sigma = np.array([0.9, 0.4]), np.array([1.0, -0.3]), 1.2
    a = theta @ mu0 / np.linalg.norm(theta)
    inside, _ = quad(lambda t: (1 - gamma * t) * norm.pdf(t, a, sigma), 0, 1 / gamma)
    wanted = norm.cdf(0, a, sigma) + inside
    assert ou.gmm_robust_risk(theta, mu0, sigma, gamma) == pytest.approx(wanted, abs=1e-9)


def test_risks_of_several_rules_and_special_cases():
    mu0 = np.array([1.0, 0.0])
    rules = np.array([[3.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    np.testing.assert_allclose(ou.gmm_accuracy(rules, mu0), [norm.cdf(1), 0.5, norm.cdf(-1)])
    assert ou.gmm_robust_risk(rules, mu0, 1.0, 0.5).shape == (3,)
    assert ou.gmm_robust_risk(mu0, mu0, 1.0, 0) == 1
    near = ou.gmm_robust_risk(mu0, mu0, 1.0, 1e6)  # a dear adversary leaves the error
    assert near == pytest.approx(1 - norm.cdf(1), abs=1e-5)
    cov = np.array([[4.0, 0.0], [0.0, 1.0]])
    assert ou.gmm_accuracy([1.0, 1.0], mu0, cov=cov) == pytest.approx(norm.cdf(1 / math.sqrt(5)))


def test_the_ceiling_is_the_accuracy_of_the_shifted_centre():
    mu0, v = np.eye(5)[0] * 1.4, np.eye(5)[1]
    assert ou.shift_ceiling(0.9, 1.4, 0.8) == pytest.approx(
        ou.gmm_accuracy(mu0 + 0.9 * v, mu0, 0.8)
    )
    assert ou.shift_ceiling(0.0) == pytest.approx(norm.cdf(1))


@pytest.mark.parametrize(
    ("m", "d", "mu", "sigma"), [(5, 1, 0.4, 1.0), (8, 3, 1.2, 0.7), (20, 60, 1.0, 1.0)]
)
def test_the_ceiling_of_labels_is_the_mean_accuracy_of_the_labelled_mean(m, d, mu, sigma):
    scores = []
    for seed in range(3000):
        X, y, _, mu0, _ = ou.gmm_pair(m, 0, d, 0.0, mu, sigma, random_state=seed)
        scores.append(ou.gmm_accuracy(y @ X, mu0, sigma))
    error = np.std(scores) / math.sqrt(len(scores))
    assert ou.label_ceiling(m, d, mu, sigma) == pytest.approx(np.mean(scores), abs=4 * error)
    assert error < 4e-3


def test_the_ceiling_of_labels_rises_to_the_best_accuracy_and_bounds_every_other_use():
    levels = [ou.label_ceiling(m, 200) for m in (10, 20, 40, 400, 10**7)]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(norm.cdf(1), abs=1e-5)
    assert ou.label_ceiling(10, 200) == pytest.approx(0.586, abs=2e-3)  # labels alone in the sheet
    assert ou.label_ceiling(7, 9, 0.0) == pytest.approx(0.5)
    found = []
    for seed in range(150):
        X, y, U, mu0, _ = ou.gmm_pair(10, 10, 30, 0.0, random_state=seed)
        batch = torch.from_numpy(X)[None], torch.from_numpy(y).float()[None], torch.from_numpy(U)
        found.append(ou.gmm_accuracy(ou.em_direction(*batch).numpy(), mu0)[0])
    assert np.mean(found) < ou.label_ceiling(20, 30)


def test_bounds_by_hand():
    # m = 2, n = 3: 2n + m = 8; d = 4; delta = exp(-2): 2 log(1/delta) = 4
    delta = math.exp(-2)
    first = 0.5 * math.sqrt(8 / 2 * (0.1 * (9 + 0.25) + math.sqrt(8 / 8) + math.sqrt(4 / 8)))
    got = ou.bound_thm41(2, 3, 4, 0.1, 0.5, mu0_norm=3.0, sigma0=0.5, delta=delta)
    assert got == pytest.approx(first + math.sqrt(4 / 2))
    front = math.exp(-9 / (4 * 0.25)) / math.sqrt(2 * 0.5 * math.sqrt(2 * math.pi))
    inner = (4 + 0.49) * 2 * 4 * 0.1 / 2 + 16 / 2 * math.sqrt((8 + 4) / 8)
    got = ou.bound_thm42(2, 3, 4, 0.1, 3.0, 0.5, mu1_norm=2.0, sigma1=0.7, delta=delta)
    assert got == pytest.approx(front * inner**0.25 + math.sqrt(2))


def test_bounds_have_the_orders_of_the_corollaries():
    def main_term(m, n, d, alpha):
        total = ou.bound_thm42(m, n, d, alpha)
        return total - math.sqrt(2 * math.log(20) / m)

    # alpha = d/m and n = m^2/d: of order (d/m)^(1/2), like labels alone
    ratios = [main_term(m, m**2 / 100, 100, 100 / m) / math.sqrt(100 / m) for m in (1e5, 1e7, 1e9)]
    assert max(ratios) / min(ratios) < 1.02
    # alpha = 1/d and n = d^3: free of d
    values = [main_term(50, d**3, d, 1 / d) for d in (1e3, 1e5, 1e7)]
    assert max(values) / min(values) < 1.02
    # alpha = 0, m = d/eps and n = d/eps^6: of order eps
    ratios = [main_term(1e4 / e, 1e4 / e**6, 1e4, 0.0) / e for e in (0.1, 0.01, 0.001)]
    assert max(ratios) / min(ratios) < 1.02
    n = np.array([10, 100, 1000])
    assert (np.diff(ou.bound_thm41(40, n, 200, 0.1, 0.3)) < 0).all()
    assert ou.bound_thm41(40, n, 200, 0.1, 0.3).shape == (3,)


def test_measured_excess_is_below_both_bounds():
    for seed in range(3):
        X, y, U, mu0, _mu1 = ou.gmm_pair(50, 500, 20, 0.2, random_state=seed)
        theta = ou.RSSLinear().fit(X, y, U).coef_
        excess = ou.gmm_accuracy(mu0, mu0) - ou.gmm_accuracy(theta, mu0)
        assert 0 <= excess <= ou.bound_thm42(50, 500, 20, 0.2)
        robust = ou.gmm_robust_risk(theta, mu0, 1.0, 0.3) - ou.gmm_robust_risk(mu0, mu0, 1.0, 0.3)
        assert 0 <= robust <= ou.bound_thm41(50, 500, 20, 0.2, 0.3)


# --- baselines ------------------------------------------------------------------------------------


def test_baselines_against_loops_over_points():
    X, y, U = small_sample(11, m=5, n=12)
    y[1, 3:] = 0
    Xn, yn, Un = X.numpy(), y.numpy(), U.numpy()
    for b, m in ((0, 5), (1, 3)):
        total = sum(yn[b, i] * Xn[b, i] for i in range(m))
        np.testing.assert_allclose(ou.mean_direction(X, y)[b], total / m)
        once = (total + sum(np.sign(u @ total) * u for u in Un)) / (m + 12)
        np.testing.assert_allclose(ou.self_training(X, y, U, rounds=1)[b], once)
        theta = total / m
        for _ in range(3):
            theta = (total + sum(np.tanh(u @ theta / 0.49) * u for u in Un)) / (m + 12)
        np.testing.assert_allclose(ou.em_direction(X, y, U, sigma=0.7, n_iter=3)[b], theta)


def test_iterated_self_training_stops_at_a_fixed_point():
    X, y, U = small_sample(12, n=80)
    theta = ou.self_training(X, y, U)
    again = ((y[:, :, None] * X).sum(1) + (U @ theta.T).sign().T @ U) / (6 + 80)
    torch.testing.assert_close(again, theta)


def test_em_climbs_the_likelihood():
    X, y, U = small_sample(13, n=60)

    def log_likelihood(theta):
        both = [norm.logpdf(U.numpy(), s * theta, 1).sum(1) for s in (1, -1)]
        known = norm.logpdf(X[0].numpy(), y[0, :, None].numpy() * theta, 1).sum()
        return known + np.logaddexp(*both).sum()

    path = [log_likelihood(ou.em_direction(X, y, U, n_iter=k)[0].numpy()) for k in range(1, 15)]
    assert (np.diff(path) >= -1e-9).all()
    assert path[-1] > path[0]


def test_the_spectral_direction_is_the_singular_vector_with_the_sign_of_the_labels():
    X, y, U = small_sample(14, n=70)
    top = np.linalg.svd(U.numpy())[2][0]
    got = ou.spectral_direction(X, y, U).numpy()
    np.testing.assert_allclose(np.abs(got @ top), 1)
    assert ((y * (X @ tensor(got)[:, :, None])[:, :, 0]).mean(1) > 0).all()
    np.testing.assert_allclose(ou.spectral_direction(X, -y, U), -got)


# --- bad input ------------------------------------------------------------------------------------

GOOD = np.array([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]])


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"gamma": -1.0}, ValueError, "gamma must be >= 0"),
        ({"gamma_u": math.nan}, ValueError, "gamma_u"),
        ({"lam": math.inf}, ValueError, "lam"),
        ({"lam": "10"}, TypeError, "lam"),
        ({"n_iter": 0}, ValueError, "n_iter"),
        ({"lr": 0.0}, ValueError, "lr"),
        ({"momentum": 1.0}, ValueError, "momentum"),
        ({"fit_intercept": 1}, TypeError, "fit_intercept"),
        ({"cov": np.eye(3)}, ValueError, r"cov must have shape \(2, 2\)"),
        ({"cov": -np.eye(2)}, ValueError, "positive definite"),
        ({"cov": [[1.0, 2.0], [0.0, 1.0]]}, ValueError, "symmetric"),
    ],
)
def test_bad_settings_of_the_linear_rule(settings, error, match):
    with pytest.raises(error, match=match):
        ou.RSSLinear(**settings).fit(GOOD, [1, -1, 1], GOOD)


@pytest.mark.parametrize(
    ("X", "y", "U", "error", "match"),
    [
        (GOOD[0], [1, -1], None, ValueError, r"X must have shape \(n, d\)"),
        (GOOD, [1, -1], None, ValueError, "3 row"),
        (GOOD, [1, 2, 3], None, ValueError, "labels -1 and"),
        (GOOD, [[1], [-1], [1]], None, ValueError, r"y must have shape \(3,\)"),
        (GOOD, ["a", "b", "a"], None, TypeError, "y must hold real numbers"),
        (GOOD, [1, -1, np.nan], None, ValueError, "y must be finite"),
        (GOOD * np.nan, [1, -1, 1], None, ValueError, "X must be finite"),
        (GOOD, [1, -1, 1], GOOD[:, :1], ValueError, "X_unlabelled must have 2 column"),
        (GOOD, [1, -1, 1], GOOD[:0], ValueError, "X_unlabelled must have at least 1 row"),
    ],
)
@pytest.mark.parametrize("kind", ["linear", "network"])
def test_bad_points_and_labels(kind, X, y, U, error, match):
    model = ou.RSSLinear() if kind == "linear" else ou.RSSNet(torch.nn.Linear(2, 1))
    with pytest.raises(error, match=match):
        model.fit(X, y, U)


def test_bad_uses_of_the_estimators():
    with pytest.raises(ValueError, match="both classes"):
        ou.RSSLinear(fit_intercept=True).fit(GOOD, [1, 1, 1])
    with pytest.raises(ValueError, match="both classes"):
        ou.RSSNet(torch.nn.Linear(2, 1)).fit(GOOD, [1, 1, 1])
    fitted = ou.RSSLinear().fit(GOOD, [1, -1, 1])
    with pytest.raises(ValueError, match="2 column"):
        fitted.predict(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="not fitted"):
        ou.RSSLinear().predict(GOOD)
    with pytest.raises(TypeError, match="torch.nn.Module"):
        ou.RSSNet("net").fit(GOOD, [1, -1, 1])
    with pytest.raises(ValueError, match="parameters to train"):
        ou.RSSNet(torch.nn.Flatten()).fit(GOOD, [1, -1, 1])
    with pytest.raises(ValueError, match="one score a point"):
        ou.RSSNet(torch.nn.Linear(2, 2)).fit(GOOD, [1, -1, 1])
    with pytest.raises(ValueError, match="both be 0"):
        ou.RSSNet(torch.nn.Linear(2, 1), n_steps=0, warm_up=0).fit(GOOD, [1, -1, 1])
    with pytest.raises(ValueError, match="batch_size"):
        ou.RSSNet(torch.nn.Linear(2, 1), batch_size=0).fit(GOOD, [1, -1, 1])


def test_bad_arguments_of_the_losses():
    with pytest.raises(ValueError, match="gamma"):
        ou.ramp_loss([1.0], -0.1)
    with pytest.raises(TypeError, match="score must hold real numbers"):
        ou.tent_loss(["x"], 1.0)
    with pytest.raises(ValueError, match="margin must be finite"):
        ou.ramp_loss([np.nan], 1.0)
    with pytest.raises(ValueError, match="theta must not be zero"):
        ou.rss_objective([0.0, 0.0], GOOD, [1, -1, 1], None, 1, 1, 1)
    with pytest.raises(ValueError, match=r"X must have 3 column"):
        ou.rss_objective([1.0, 0.0, 0.0], GOOD, [1, -1, 1], None, 1, 1, 1)
    with pytest.raises(ValueError, match=r"U must have 2 column"):
        ou.rss_objective([1.0, 0.0], GOOD, [1, -1, 1], np.ones((4, 3)), 1, 1, 1)
    with pytest.raises(ValueError, match="epsilon"):
        ou.worst_case_error([1.0], -1)
    with pytest.raises(ValueError, match="margin"):
        ou.worst_case_error([], 0.1)
    f = lambda Z, y: Z.sum(1)  # noqa: E731
    X = torch.ones(3, 2)
    with pytest.raises(ValueError, match="cost must be one of"):
        ou.robust_loss(f, X, torch.ones(3), 1.0, cost="l1")
    with pytest.raises(ValueError, match="steps"):
        ou.robust_loss(f, X, torch.ones(3), 1.0, steps=-1)
    with pytest.raises(ValueError, match="3 row"):
        ou.robust_loss(f, X, torch.ones(2), 1.0)
    with pytest.raises(ValueError, match="one loss a point"):
        ou.robust_loss(lambda Z, y: Z.sum(), X, torch.ones(3), 1.0)
    with pytest.raises(ValueError, match="X must have shape"):
        ou.robust_loss(f, X[0], torch.ones(2), 1.0)
    with pytest.raises(ValueError, match="lr"):
        ou.ascend_points(f, X, torch.ones(3), 1.0, lr=0.0)
    with pytest.raises(ValueError, match="gamma"):
        ou.ascend_points(f, X, torch.ones(3), -1.0)


def test_bad_batches():
    X, y, U = small_sample()
    users = ou.fit_directions, ou.LinearProblems, ou.self_training, ou.em_direction
    for fit in (*users, ou.spectral_direction):
        with pytest.raises(ValueError, match=r"\(B, m, d\)"):
            fit(X[0], y, U)
        with pytest.raises(ValueError, match=r"U must have shape"):
            fit(X, y, U[:, :2])
        with pytest.raises(ValueError, match="a label in each"):
            fit(X, y * 0, U)
        with pytest.raises(ValueError, match="U must be finite"):
            fit(X, y, U * math.nan)
    with pytest.raises(TypeError, match="X must be a tensor"):
        ou.mean_direction(X.numpy(), y)
    with pytest.raises(ValueError, match="gamma must be one number"):
        ou.fit_directions(X, y, U, -0.1)
    with pytest.raises(ValueError, match="lam must be one number"):
        ou.fit_directions(X, y, U, lam=torch.ones(3))
    with pytest.raises(ValueError, match="gamma_u must be one number"):
        ou.LinearProblems(X, y, U, gamma_u=math.nan)
    for start in (torch.zeros(2, 3), torch.ones(3), torch.full((2, 3), math.nan)):
        with pytest.raises(ValueError, match="start must"):
            ou.fit_directions(X, y, U, start=start)
    with pytest.raises(ValueError, match="start must not be zero"):
        ou.fit_directions(X[:, :1].expand(-1, 2, -1), torch.tensor([[1.0, -1]] * 2), U)
    with pytest.raises(ValueError, match="both classes in each sample"):
        ou.fit_directions(X, y.abs(), U, intercept=True)
    with pytest.raises(ValueError, match="rounds"):
        ou.self_training(X, y, U, rounds=0)
    with pytest.raises(ValueError, match="sigma"):
        ou.em_direction(X, y, U, sigma=0.0)


def test_bad_arguments_of_the_setting():
    for arguments, match in (
        ({"m": 0}, "m must be"),
        ({"n": -1}, "n must be"),
        ({"alpha": -0.1}, "alpha"),
        ({"sigma": 0.0}, "sigma"),
        ({"mu0": [1.0, 2.0]}, "mu0 must have shape"),
        ({"cov": np.eye(2)}, "cov must have shape"),
    ):
        with pytest.raises(ValueError, match=match):
            ou.gmm_pair(**{"m": 3, "n": 3, "d": 3, "alpha": 0.0} | arguments)
    with pytest.raises(TypeError, match="seed"):
        ou.gmm_pair(3, 3, 3, 0.0, random_state=1.5)
    with pytest.raises(ValueError, match="theta must not be zero"):
        ou.gmm_accuracy([0.0, 0.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="theta and mu0"):
        ou.gmm_accuracy([1.0, 0.0, 0.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="sigma0"):
        ou.gmm_robust_risk([1.0], [1.0], 0.0, 1.0)
    with pytest.raises(ValueError, match="m must be an integer"):
        ou.label_ceiling(0, 3)
    with pytest.raises(ValueError, match="sigma"):
        ou.label_ceiling(1, 3, sigma=0.0)
    with pytest.raises(ValueError, match="delta"):
        ou.bound_thm41(2, 2, 2, 0.0, 1.0, delta=1.0)
    with pytest.raises(ValueError, match="m must be >= 1"):
        ou.bound_thm42([0, 2], 2, 2, 0.0)
    with pytest.raises(ValueError, match="n must be finite"):
        ou.bound_thm42(2, np.nan, 2, 0.0)
