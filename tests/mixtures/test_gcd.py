"""Tests of mixbook.mixtures.gcd against SciPy's densities, brute force, loops and scikit-learn."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from scipy.special import gammaln
from sklearn.cluster import KMeans
from torch.nn import functional as F

from mixbook.mixtures import gcd

RNG = np.random.default_rng


def some_prior(d, seed=0, nu=None):
    rng = RNG(seed)
    A = rng.normal(size=(d, d))
    return gcd.NIWPrior(rng.normal(size=d), 0.7, nu or d + 1.5, A @ A.T + np.eye(d))


def blobs(k=4, n=40, d=3, gap=12.0, seed=0):
    rng = RNG(seed)
    y = np.repeat(np.arange(k), n)
    return gap * np.eye(max(k, d))[y, :d] + rng.normal(size=(k * n, d)), y


def halves(n=20, d=2, gap=0.0, seed=0):
    rng = RNG(seed)
    X1, X2 = rng.normal(size=(2, n, d))
    return X1, X2 + gap


# --- marginal likelihood --------------------------------------------------------------------------


def predictive_chain(X, prior):
    """Sum of log predictive densities, t distributions (Murphy, 2007), one point at a time."""
    m, kappa, nu, Psi = prior.m0, prior.kappa0, prior.nu0, prior.Psi0
    d, total = len(m), 0.0
    for x in X:
        shape = Psi * (kappa + 1) / (kappa * (nu - d + 1))
        total += stats.multivariate_t(m, shape, df=nu - d + 1).logpdf(x)
        Psi = Psi + kappa / (kappa + 1) * np.outer(x - m, x - m)
        m = (kappa * m + x) / (kappa + 1)
        kappa, nu = kappa + 1, nu + 1
    return total, m, kappa, nu, Psi


@pytest.mark.parametrize(("n", "d"), [(6, 2), (1, 3), (4, 9), (30, 5), (7, 1)])
def test_the_marginal_is_the_chain_of_predictive_densities(n, d):
    X, prior = 2 * RNG(n).normal(size=(n, d)) + 1, some_prior(d)
    wanted, *_ = predictive_chain(X, prior)
    assert prior.log_marginal(X) == pytest.approx(wanted, rel=1e-10, abs=1e-8)
    assert prior.log_marginal(X[::-1]) == pytest.approx(wanted, abs=1e-8)


def test_the_marginal_in_one_dimension_is_an_integral_over_mean_and_variance():
    prior = gcd.NIWPrior([0.3], 0.5, 3.0, [[1.4]])
    x = np.array([0.1, 1.2, -0.4])

    log_v = np.linspace(-7, 12, 2000)[:, None]
    v = np.exp(log_v)
    t = np.linspace(-12, 12, 2000)  # the mean, in standard deviations around the prior's
    mu = 0.3 + t * np.sqrt(v / 0.5)
    joint = stats.invgamma(1.5, scale=0.7).pdf(v) * stats.norm.pdf(t)  # IW(nu, Psi) for d = 1
    for point in x:
        joint = joint * stats.norm.pdf(point, mu, np.sqrt(v))
    inner = integrate.trapezoid(joint, t, axis=1)
    value = integrate.trapezoid(inner * v[:, 0], log_v[:, 0])
    assert prior.log_marginal(x[:, None]) == pytest.approx(math.log(value), abs=1e-6)


def test_the_posterior_is_reached_one_point_at_a_time():
    X, prior = RNG(3).normal(size=(8, 3)), some_prior(3)
    _, m, kappa, nu, Psi = predictive_chain(X, prior)
    post = prior.posterior(X)
    np.testing.assert_allclose(post["m"], m)
    np.testing.assert_allclose(post["Psi"], Psi)
    assert (post["kappa"], post["nu"]) == pytest.approx((kappa, nu))


def test_the_mode_is_the_top_of_the_posterior():
    X, prior = RNG(4).normal(size=(9, 2)), some_prior(2)
    post = prior.posterior(X)

    def log_density(mean, cov):
        return stats.invwishart(post["nu"], post["Psi"]).logpdf(cov) + stats.multivariate_normal(
            post["m"], cov / post["kappa"]
        ).logpdf(mean)

    best, rng = log_density(post["mean"], post["covariance"]), RNG(0)
    for _ in range(30):
        step = 0.03 * rng.normal(size=(2, 2))
        other = (np.eye(2) + step) @ post["covariance"] @ (np.eye(2) + step).T
        assert log_density(post["mean"] + 0.01 * rng.normal(size=2), other) < best


def test_the_prior_from_data_expects_the_scale_given():
    X = RNG(0).normal(size=(50, 4)) + 3
    prior = gcd.NIWPrior.from_data(X, scale=0.3)
    np.testing.assert_allclose(prior.m0, X.mean(0))
    mean = stats.invwishart(prior.nu0, prior.Psi0).mean()
    np.testing.assert_allclose(mean, 0.3 * np.eye(4))
    assert prior.kappa0 == 1e-4
    assert gcd.NIWPrior.from_data(X, nu0=9.0).nu0 == 9
    np.testing.assert_allclose(gcd.NIWPrior.from_data(X).Psi0, 0.005 * np.eye(4))


def test_the_marginal_does_not_depend_on_the_axes():
    X, rng = RNG(1).normal(size=(12, 3)), RNG(2)
    Q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    prior = some_prior(3)
    turned = gcd.NIWPrior(Q @ prior.m0, prior.kappa0, prior.nu0, Q @ prior.Psi0 @ Q.T)
    assert turned.log_marginal(X @ Q.T) == pytest.approx(prior.log_marginal(X))


# --- Hastings ratios ------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [1.0, 2.5])
def test_the_split_ratio_by_hand(alpha):
    prior = some_prior(2)
    X1, X2 = halves(5, gap=1.0)
    X1 = X1[:3]
    chain = [predictive_chain(X, prior)[0] for X in (X1, X2, np.vstack([X1, X2]))]
    wanted = math.log(alpha * math.factorial(2) * math.factorial(4) / math.factorial(7))
    wanted += chain[0] + chain[1] - chain[2]
    assert gcd.log_split_ratio(X1, X2, prior, alpha) == pytest.approx(wanted, abs=1e-9)
    assert gcd.log_merge_ratio(X1, X2, prior, alpha) == pytest.approx(-wanted, abs=1e-9)


def test_the_ratio_is_that_of_two_partitions_under_the_dirichlet_process():
    """Prior odds by the Chinese restaurant: seats one by one for both partitions."""
    prior, alpha = some_prior(2), 1.7
    X1, X2 = halves(4, gap=3.0)

    def seating(tables):
        total, seated, counts = 0.0, 0, {}
        for t in tables:
            weight = counts.get(t, alpha)
            total += math.log(weight / (alpha + seated))
            counts[t], seated = counts.get(t, 0) + 1, seated + 1
        return total

    odds = seating([0] * 4 + [1] * 4) - seating([0] * 8)
    evidence = [prior.log_marginal(X) for X in (X1, X2, np.vstack([X1, X2]))]
    wanted = odds + evidence[0] + evidence[1] - evidence[2]
    assert gcd.log_split_ratio(X1, X2, prior, alpha) == pytest.approx(wanted)


def test_far_halves_are_split_and_those_of_one_cluster_are_not():
    X1, X2 = halves(60)
    prior = gcd.NIWPrior.from_data(np.vstack([X1, X2]), scale=1.0)
    assert gcd.log_split_ratio(X1, X2, prior) < 0
    assert gcd.log_split_ratio(X1, X1, prior) < 0
    assert gcd.log_split_ratio(X1, X2 + 20, prior) > 0


def sign_change(n, d, seed, kappa0=1e-4):
    """Distance at which H_s of two drawn spheres is zero."""
    X1, X2 = halves(n, d, seed=seed)

    def ratio(s):
        far = X2 + s * np.eye(d)[0]
        prior = gcd.NIWPrior.from_data(np.vstack([X1, far]), kappa0, scale=1.0)
        return gcd.log_split_ratio(X1, far, prior)

    return optimize.brentq(ratio, 1.0, 200.0, xtol=1e-3)


@pytest.mark.parametrize(
    ("n", "d", "kappa0"),
    [(100, 2, 1e-4), (100, 4, 1e-4), (100, 8, 0.1), (100, 16, 1e-4), (400, 9, 1e-4)],
)  # fmt: skip
def test_the_critical_separation_is_where_the_ratio_changes_sign(n, d, kappa0):
    found = [sign_change(n, d, seed, kappa0) for seed in range(12)]
    error = np.std(found, ddof=1) / math.sqrt(12)
    assert gcd.critical_separation(n, d, kappa0) == pytest.approx(np.mean(found), abs=4 * error)
    assert error < 0.03 * np.mean(found)


def test_the_leading_terms_solve_their_equation_and_hold_for_many_points():
    n, d, kappa = 50, 3, 0.01
    s = gcd.critical_separation(n, d, kappa, leading=True)
    cost = 2 * n * math.log(2) + 18 / 4 * math.log(n) - 1.5 * math.log(kappa)
    assert n * math.log(1 + s**2 / 4) == pytest.approx(cost)
    off = [
        gcd.critical_separation(n, 8, leading=True) / gcd.critical_separation(n, 8) - 1
        for n in (50, 500, 5000, 500_000)
    ]
    assert off == sorted(off, reverse=True)
    assert off[-1] < 0.001
    assert gcd.critical_separation(10**7, 3) == pytest.approx(2 * math.sqrt(3), rel=1e-3)


def test_mixing_weights_are_raised_and_normalised():
    np.testing.assert_allclose(gcd.mixing_weights([3, 1], 0.1), [0.85 / 1.2, 0.35 / 1.2])
    np.testing.assert_allclose(gcd.mixing_weights([0, 5], 0.0), [0, 1])


def test_within_class_variance_is_the_pooled_one():
    X, y = RNG(0).normal(size=(12, 3)), np.array([0, 1, 2] * 4)
    wanted = np.mean([X[y == c].var(0, ddof=1).mean() for c in range(3)])
    assert gcd.within_class_variance(X, y) == pytest.approx(wanted)


# --- semi-supervised k-means ----------------------------------------------------------------------


def test_without_labels_it_is_k_means():
    X, _ = blobs(gap=6.0, seed=3)
    ours = gcd.SemiSupKMeans(4, tol=0.0, random_state=0).fit(X)
    theirs = KMeans(4, n_init=20, tol=0, random_state=0).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_)
    assert len(ours.classes_) == 0
    assert gcd.gcd_accuracy(theirs.labels_, ours.labels_u_, np.ones(160, bool))[0] == 1


def test_with_all_classes_known_it_iterates_class_means():
    X, y = blobs(3, gap=3.0, seed=1)
    lab = np.arange(0, 120, 3)
    U, L, y_l = np.delete(X, lab, 0), X[lab], y[lab]
    model = gcd.SemiSupKMeans(3, tol=0.0, random_state=5).fit(U, L, y_l)
    centers = np.array([L[y_l == c].mean(0) for c in range(3)])
    for _ in range(100):
        near = ((U[:, None] - centers) ** 2).sum(2).argmin(1)
        centers = np.array([np.vstack([U[near == c], L[y_l == c]]).mean(0) for c in range(3)])
    np.testing.assert_allclose(model.cluster_centers_, centers)
    np.testing.assert_array_equal(model.labels_u_, near)
    wanted = ((U - centers[near]) ** 2).sum() + ((L - centers[y_l]) ** 2).sum()
    assert model.inertia_ == pytest.approx(wanted)


def test_labelled_points_stay_with_their_class_wherever_they_lie():
    X, _ = blobs(2)
    L = np.array([[12.0, 0, 0], [0.0, 12, 0], [11.0, 1, 0]])
    model = gcd.SemiSupKMeans(3, random_state=0).fit(X, L, ["b", "a", "b"])
    np.testing.assert_array_equal(model.labels_l_, [1, 0, 1])
    np.testing.assert_array_equal(model.classes_, ["a", "b"])


def test_known_classes_and_new_ones_are_found_together():
    X, y = blobs(5, d=5)
    lab = np.flatnonzero((y < 2) & (np.arange(200) % 2 == 0))
    U, y_u = np.delete(X, lab, 0), np.delete(y, lab)
    model = gcd.SemiSupKMeans(5, random_state=0).fit(U, X[lab], y[lab])
    assert gcd.gcd_accuracy(y_u, model.labels_u_, y_u < 2) == (1, 1, 1)
    assert (model.labels_u_[y_u == 1] == 1).all()
    np.testing.assert_array_equal(model.predict(U), model.labels_u_)


def test_far_from_the_origin_nothing_changes():
    X, _ = blobs()
    near = gcd.SemiSupKMeans(4, random_state=0).fit(X)
    far = gcd.SemiSupKMeans(4, random_state=0).fit(X + 1e6)
    np.testing.assert_array_equal(near.labels_u_, far.labels_u_)


def test_the_first_of_the_free_centres_is_drawn_by_squared_distance():
    from mixbook.mixtures.gcd._kmeans import plus_plus

    X = np.array([[0.0], [1.0], [2.0]])
    rng = RNG(0)
    drawn = [plus_plus(X, np.array([[0.0]]), 2, rng)[1, 0] for _ in range(4000)]
    assert np.mean(np.array(drawn) == 2) == pytest.approx(0.8, abs=0.03)
    assert 0.0 not in drawn


def test_more_restarts_are_not_worse():
    X = RNG(0).normal(size=(300, 2))
    values = [gcd.SemiSupKMeans(12, n, random_state=1).fit(X).inertia_ for n in (1, 5, 30)]
    assert values[0] >= values[1] >= values[2]
    assert values[0] > values[2]


def test_a_centre_without_members_stays():
    from mixbook.mixtures.gcd._kmeans import lloyd

    X = np.array([[0.0], [1.0]])
    fit = lloyd(X, np.empty((0, 1)), np.empty(0, int), np.array([[0.4], [50.0]]))
    np.testing.assert_allclose(fit.centers, [[0.5], [50.0]])


# --- moves ----------------------------------------------------------------------------------------


def step(X, y, labelled, centers, accept="greedy", step=gcd.split_merge_step, **options):
    lab = np.isin(np.arange(len(X)), labelled)
    prior = gcd.NIWPrior.from_data(X, scale=1.0)
    L, y_l = (X[lab], y[lab]) if lab.any() else (None, None)
    return step(X[~lab], L, y_l, centers, prior, accept, 0, **options)


def means(X, y):
    return np.array([X[y == c].mean(0) for c in np.unique(y)])


def test_a_component_on_two_classes_is_split_in_two():
    X, y = blobs()
    centers = np.vstack([means(X, y)[:2], X[y >= 2].mean(0)])
    found = step(X, y, [], centers)
    assert (found.n_splits, found.n_merges, len(found.centers)) == (1, 0, 4)
    order = np.argsort(np.linalg.norm(found.centers[:, None] - means(X, y), axis=2), axis=0)[0]
    np.testing.assert_allclose(found.centers[order], means(X, y))
    assert gcd.gcd_accuracy(y, found.assign_u, y < 2)[0] == 1


def test_two_components_on_one_class_are_replaced_by_its_mean():
    X, y = blobs()
    C = means(X, y)
    found = step(X, y, [], np.vstack([C, C[3] + [0.3, 0.5, -0.2]]))
    assert (found.n_splits, found.n_merges, len(found.centers)) == (0, 1, 4)
    np.testing.assert_allclose(np.sort(found.centers, 0), np.sort(C, 0))


def test_the_ratios_reported_are_those_of_the_components():
    X, y = blobs()
    C = means(X, y)
    centers = np.vstack([C, C[3] + [0.3, 0.5, -0.2]])
    near = ((X[:, None] - centers) ** 2).sum(2).argmin(1)
    prior = gcd.NIWPrior.from_data(X, scale=1.0)
    found = [p for p in step(X, y, [], centers).proposals if p.kind == "merge"]
    assert found[0].clusters == (3, 4)
    assert found[0].accepted
    for p in found:
        a, b = p.clusters
        wanted = gcd.log_merge_ratio(X[near == a], X[near == b], prior)
        assert p.log_ratio == pytest.approx(wanted)
        assert p.accepted == (wanted > 0)


def test_each_pair_is_tried_once_and_each_component_moves_once():
    X = RNG(0).normal(size=(300, 2))
    centers = X[:12]
    found = step(X, np.zeros(300, int), [], centers, accept=1.0, min_size=40)
    merges = [p.clusters for p in found.proposals if p.kind == "merge"]
    assert len(set(merges)) == len(merges)
    members = list(itertools.chain(*merges))
    assert len(set(members)) == len(members)  # all accepted: no component twice
    split = {p.clusters[0] for p in found.proposals if p.kind == "split"}
    assert not split & set(members)
    assert len(found.centers) == 12 + found.n_splits - found.n_merges


def test_a_pair_that_stays_apart_is_scored_once():
    X, y = blobs(2)
    found = step(X, y, [], means(X, y))
    assert [p.clusters for p in found.proposals if p.kind == "merge"] == [(0, 1)]


def test_a_component_that_was_split_is_not_merged():
    rng = RNG(0)
    X = np.concatenate([at + 0.1 * rng.normal(size=(n, 1)) for at, n in ((0, 40), (5, 5), (20, 5))])
    found = step(X, np.zeros(50, int), [], [[0.0], [5.0], [20.0]], accept=1.0)
    moves = [(p.kind, p.clusters) for p in found.proposals]
    assert moves == [("split", (0,)), ("merge", (1, 2))]  # although the first is nearer
    assert len(found.centers) == 3


def test_labelled_components_are_left_alone():
    X, y = blobs()
    lab = np.flatnonzero((y == 0) & (np.arange(160) % 2 == 0))
    C = means(X, y)
    centers = np.vstack([C[0], C[1:3].mean(0), C[3]])
    on_class = np.vstack([centers, C[0] + 0.4])
    found = step(X, y, lab, on_class, accept=1.0)
    np.testing.assert_allclose(found.centers[0], C[0])
    assert all(0 not in p.clusters for p in found.proposals)


def test_a_labelled_component_stays_first_when_others_move():
    X, y = blobs()
    lab = np.flatnonzero((y < 2) & (np.arange(160) % 4 == 0))
    C = means(X, y)
    found = step(X, y, lab, np.vstack([C[:2], C[2:].mean(0)]))
    assert found.n_splits == 1
    np.testing.assert_allclose(found.centers[:2], C[:2])


def test_the_extension_frees_a_new_class_from_a_labelled_component():
    X, y = blobs(3)
    lab = np.flatnonzero((y == 0) & (np.arange(120) % 2 == 0))
    C = means(X, y)
    centers = np.vstack([X[y < 2].mean(0), C[2]])
    assert len(step(X, y, lab, centers).centers) == 2
    found = step(X, y, lab, centers, split_labelled=True)
    assert found.n_splits == 1
    np.testing.assert_allclose(found.centers, C[[0, 2, 1]])


def test_the_extension_merges_a_doubled_class_back():
    X, y = blobs(3)
    lab = np.flatnonzero((y == 0) & (np.arange(120) % 2 == 0))
    C = means(X, y)
    centers = np.vstack([C[0] - 0.3, C[1], C[2], C[0] + 0.3])
    assert len(step(X, y, lab, centers).centers) == 4
    found = step(X, y, lab, centers, split_labelled=True)
    assert found.n_merges == 1
    np.testing.assert_allclose(found.centers, C)


def test_small_components_and_small_halves_are_not_split():
    X = np.concatenate([np.zeros((6, 1)), np.full((7, 1), 50.0)]) + 0.1 * RNG(0).normal(
        size=(13, 1)
    )
    y = np.zeros(13, int)
    assert step(X, y, [], [[25.0]]).n_splits == 1
    assert step(X, y, [], [[25.0]], min_size=6).n_splits == 0
    assert step(X[1:], y[1:], [], [[25.0]]).n_splits == 0  # a half of five
    assert step(X[1:], y[1:], [], [[25.0]]).proposals == []


def test_acceptance_follows_the_ratio():
    rng = RNG(0)
    for rule in ("mh", "greedy", 0.1):
        assert gcd.accept_move(0.1, rule, rng)
    assert not gcd.accept_move(-0.1, "greedy", rng)
    assert not gcd.accept_move(-0.1, 0.0, rng)
    for rule, wanted in (("mh", 0.3), ("greedy", 0.0), (0.1, 0.1)):
        taken = [gcd.accept_move(math.log(0.3), rule, rng) for _ in range(4000)]
        assert np.mean(taken) == pytest.approx(wanted, abs=0.03)


def test_alpha_moves_the_ratio():
    X, y = blobs()
    one, two = (step(X, y, [], [X.mean(0)], alpha=a).proposals[0].log_ratio for a in (1, 5))
    assert two - one == pytest.approx(math.log(5))


def test_the_released_bookkeeping_never_loses_a_component():
    X, y = blobs()
    C = means(X, y)
    doubled = np.vstack([C, C[3] + [0.3, 0.5, -0.2]])
    ours = step(X, y, [], doubled)
    theirs = step(X, y, [], doubled, step=gcd.released_split_merge_step)
    assert len(ours.centers) == 4
    assert len(theirs.centers) == 7  # the pair stays, and its midpoint comes twice
    np.testing.assert_allclose(theirs.centers[5], theirs.centers[6])
    np.testing.assert_allclose(theirs.centers[5], doubled[3:].mean(0))
    np.testing.assert_allclose(theirs.centers[:5], doubled)


def test_the_released_bookkeeping_splits_like_ours():
    X, y = blobs()
    centers = np.vstack([means(X, y)[:2], X[y >= 2].mean(0)])
    theirs = step(X, y, [], centers, step=gcd.released_split_merge_step)
    assert (theirs.n_splits, len(theirs.centers)) == (1, 4)


# --- the estimator --------------------------------------------------------------------------------


def separated(seed=0, **options):
    X, y = gcd.make_separated_classes(random_state=seed, **options)
    split = gcd.gcd_split(y, range(5), random_state=seed)
    U, L = X[split.unlabelled], X[split.labelled]
    return U, L, y[split.labelled], y[split.unlabelled], split.old_mask


def test_too_many_components_are_merged_to_the_truth():
    U, L, y_l, y_u, old = separated(2)
    assert 10 <= gcd.GPC(15, random_state=0).fit(U, L, y_l).n_classes_ <= 12
    model = gcd.GPC(15, split_labelled=True, random_state=0).fit(U, L, y_l)
    assert model.n_classes_ == 10
    assert gcd.gcd_accuracy(y_u, model.labels_u_, old)[0] > 0.99
    assert model.k_history_[0] == 15
    assert model.k_history_[-1] == 10
    assert len(model.moves_) == len(model.k_history_) - 1
    np.testing.assert_array_equal(model.predict(U), model.labels_u_)
    stacked, labels = np.vstack([U, L]), np.concatenate([model.labels_u_, model.labels_l_])
    np.testing.assert_allclose(model.prototypes_, means(stacked, labels))


def test_the_released_bookkeeping_only_grows():
    U, L, y_l, *_ = separated(2)
    model = gcd.GPC(12, rounds=3, bookkeeping="released", random_state=0).fit(U, L, y_l)
    assert model.n_classes_ > 12


def test_too_few_components_are_split_by_the_extension():
    U, L, y_l, *_ = separated(1)
    plain, free = (
        gcd.GPC(7, split_labelled=s, random_state=0).fit(U, L, y_l).n_classes_
        for s in (False, True)
    )
    assert free == 10
    assert plain <= free


def test_no_rounds_is_semi_supervised_k_means():
    U, L, y_l, *_ = separated()
    ours = gcd.GPC(10, rounds=0, random_state=3).fit(U, L, y_l)
    theirs = gcd.SemiSupKMeans(10, random_state=3).fit(U, L, y_l)
    assert gcd.gcd_accuracy(theirs.labels_u_, ours.labels_u_, np.ones(len(U), bool))[0] == 1
    assert ours.k_history_ == [10]


def test_the_start_is_one_and_a_half_times_the_classes():
    U, L, y_l, *_ = separated()
    assert gcd.GPC(rounds=0).fit(U, L, y_l).n_classes_ == 7


def test_a_fit_ends_after_two_quiet_rounds():
    X, y = blobs()
    model = gcd.GPC(4, accept="greedy", prior_scale=1.0, random_state=0).fit(X)
    assert model.k_history_ == [4, 4, 4]
    assert model.n_classes_ == 4
    assert gcd.gcd_accuracy(y, model.labels_u_, y < 2)[0] == 1


def test_the_last_rounds_take_improvements_only():
    X = RNG(0).normal(size=(200, 2))
    model = gcd.GPC(6, rounds=6, accept=1.0, prior_scale=1.0, n_greedy=2, random_state=0).fit(X)
    bad = [any(p.accepted and p.log_ratio < 0 for p in tried) for tried in model.moves_]
    assert bad[0]
    assert not any(bad[4:])


def test_the_prior_is_scaled_by_the_labelled_classes():
    U, L, y_l, *_ = separated()
    model = gcd.GPC(10, random_state=0).fit(3 * U, 3 * L, y_l)
    np.testing.assert_allclose(model.prior_.Psi0, 9 * gcd.within_class_variance(L, y_l) * np.eye(4))
    np.testing.assert_allclose(model.prior_.m0, 3 * np.vstack([U, L]).mean(0))


def test_units_do_not_matter_with_the_automatic_prior():
    U, L, y_l, *_ = separated(3)
    one, two = (gcd.GPC(13, random_state=0).fit(c * U, c * L, y_l) for c in (1, 100))
    assert one.k_history_ == two.k_history_
    np.testing.assert_array_equal(one.labels_u_, two.labels_u_)


def test_principal_components_keep_the_share_of_variance_asked_for():
    X, _ = blobs(4, d=4)
    X = np.hstack([X, 0.01 * RNG(1).normal(size=(160, 6))])
    model = gcd.GPC(4, pca_dim="auto", prior_scale=1.0, random_state=0).fit(X)
    variances = np.sort(np.linalg.eigvalsh(np.cov(X.T)))[::-1]
    q = model.pca_.n_components_
    share = np.cumsum(variances) / variances.sum()
    assert share[q - 1] >= 0.9
    assert q == 1 or share[q - 2] < 0.9
    assert model.prototypes_.shape == (model.n_classes_, 10)
    assert gcd.GPC(4, pca_dim=2, rounds=0).fit(X).centers_.shape == (4, 2)
    wide = RNG(0).normal(size=(200, 60))
    assert gcd.GPC(3, pca_dim="auto", rounds=0).fit(wide).pca_.n_components_ == 32


def test_normalised_features_give_prototypes_of_length_one():
    X, _ = blobs(gap=6.0)
    X = X + 3
    model = gcd.GPC(4, rounds=0, normalize="l2", random_state=0).fit(X)
    np.testing.assert_allclose(np.linalg.norm(model.prototypes_, axis=1), 1)
    again = gcd.GPC(4, rounds=0, normalize="l2", random_state=0).fit(5 * X)
    np.testing.assert_array_equal(model.labels_u_, again.labels_u_)


def test_the_same_seed_gives_the_same_fit():
    U, L, y_l, *_ = separated(1)
    one, two = (gcd.GPC(13, accept=0.3, random_state=7).fit(U, L, y_l) for _ in range(2))
    np.testing.assert_array_equal(one.labels_u_, two.labels_u_)
    assert one.k_history_ == two.k_history_


def test_empty_components_are_removed_but_not_those_of_classes():
    from mixbook.mixtures.gcd._estimator import _without_empty

    C = np.arange(5.0)[:, None]
    np.testing.assert_array_equal(_without_empty(C, np.array([1, 3, 3]), 1)[:, 0], [0, 1, 3])


@pytest.mark.parametrize("search", ["scan", "brent"])
def test_the_probe_finds_well_separated_classes(search):
    U, L, y_l, *_ = separated(0)
    k, scores = gcd.estimate_k_by_probe(U, L, y_l, 16, search, random_state=0)
    assert scores[k] == max(scores.values())
    assert k == min(j for j in scores if scores[j] == scores[k])
    if search == "scan":
        assert list(scores) == list(range(5, 17))
        assert scores[10] > 0.95 > scores[5]
    else:
        assert len(scores) < 12


def test_the_probe_scores_labelled_points_by_the_best_matching():
    X, y = blobs(3)
    lab = np.flatnonzero((y < 2) & (np.arange(120) % 2 == 0))
    _, scores = gcd.estimate_k_by_probe(np.delete(X, lab, 0), X[lab], y[lab], 4, random_state=0)
    assert scores[3] == 1
    assert scores[2] == pytest.approx(0.5) or scores[2] == 1  # one pair of classes shares a cluster


# --- protocol and accuracy ------------------------------------------------------------------------


def brute_accuracy(y, pred, old):
    classes, clusters = np.unique(y), np.unique(pred)
    size = max(len(classes), len(clusters))
    best = None
    for perm in itertools.permutations(range(size)):
        to = {c: (classes[p] if p < len(classes) else None) for c, p in zip(clusters, perm)}
        right = np.array([to[p] == t for p, t in zip(pred, y)])
        best = right if best is None or right.sum() > best.sum() else best
    return best.mean(), best.sum(), old


@pytest.mark.parametrize(("classes", "clusters"), [(4, 4), (3, 5), (5, 3), (6, 6)])
def test_accuracy_is_the_best_over_all_matchings(classes, clusters):
    rng = RNG(classes)
    y, pred = rng.integers(classes, size=40), rng.integers(clusters, size=40)
    old = y < 2
    all_, old_, new_ = gcd.gcd_accuracy(y, pred, old)
    assert all_ == pytest.approx(brute_accuracy(y, pred, old)[0])
    assert all_ * 40 == pytest.approx(old_ * old.sum() + new_ * (~old).sum())


def test_old_and_new_share_one_matching():
    y = np.array([0] * 4 + [1] * 6)
    pred = np.zeros(10, int)  # one cluster: the larger class gets it
    assert gcd.gcd_accuracy(y, pred, y == 0) == (0.6, 0.0, 1.0)


def test_names_do_not_matter_and_missing_groups_are_nan():
    y = np.array(["cat", "cat", "dog"])
    all_, old_, new_ = gcd.gcd_accuracy(y, [7, 7, 2], np.ones(3, bool))
    assert (all_, old_) == (1, 1)
    assert math.isnan(new_)


def test_the_split_labels_a_share_of_each_old_class():
    y = np.repeat([3, 5, 8], [10, 20, 30])
    split = gcd.gcd_split(y, [3, 8], 0.3, random_state=0)
    assert np.bincount(y[split.labelled]).tolist() == [0, 0, 0, 3, 0, 0, 0, 0, 9]
    np.testing.assert_array_equal(
        np.sort(np.concatenate([split.labelled, split.unlabelled])), np.arange(60)
    )
    np.testing.assert_array_equal(split.old_mask, y[split.unlabelled] != 5)
    other = gcd.gcd_split(y, [3, 8], 0.3, random_state=1)
    assert not np.array_equal(split.labelled, other.labelled)


def test_the_classes_made_are_separated():
    X, y = gcd.make_separated_classes(6, 3, 200, 8.0, random_state=0)
    C = means(X, y)
    gaps = np.linalg.norm(C[:, None] - C, axis=2)[np.triu_indices(6, 1)]
    assert gaps.min() > 7.5
    assert np.std(X - C[y]) == pytest.approx(1, abs=0.05)


# --- losses ---------------------------------------------------------------------------------------


def units(*shape, seed=0):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_supervised_loss_is_its_double_loop():
    feats, labels = units(6, 2, 5), torch.tensor([0, 1, 0, 2, 1, 0])
    z, y = feats.reshape(12, 5), labels.repeat_interleave(2)
    total = 0.0
    for i in range(12):
        others = [j for j in range(12) if j != i]
        norm = sum(math.exp(float(z[i] @ z[j]) / 0.2) for j in others)
        same = [j for j in others if y[j] == y[i]]
        total -= sum(float(z[i] @ z[j]) / 0.2 - math.log(norm) for j in same) / len(same)
    assert gcd.supcon_loss(feats, labels, 0.2).item() == pytest.approx(total / 12, rel=1e-5)


def test_with_all_labels_distinct_both_contrastive_losses_agree():
    feats = units(7, 2, 4)
    stacked = torch.cat([feats[:, 0], feats[:, 1]])
    one = gcd.supcon_loss(feats, torch.arange(7), 0.3)
    assert one.item() == pytest.approx(gcd.infonce_loss(stacked, 0.3).item(), rel=1e-5)


def test_the_contrastive_loss_is_its_loop():
    z, n = units(8, 3), 4
    total = 0.0
    for i in range(8):
        partner = (i + n) % 8
        norm = sum(math.exp(float(z[i] @ z[j]) / 0.5) for j in range(8) if j != i)
        total -= float(z[i] @ z[partner]) / 0.5 - math.log(norm)
    assert gcd.infonce_loss(z, 0.5).item() == pytest.approx(total / 8, rel=1e-5)


def test_the_prototypical_loss_is_its_loop():
    z, C = units(5, 3), units(4, 3, seed=1)
    phi, target = torch.tensor([0.5, 1.0, 2.0, 0.7]), torch.tensor([0, 3, 1, 1, 2])
    total = 0.0
    for i in range(5):
        logits = [float(z[i] @ C[k]) / float(phi[k]) for k in range(4)]
        total -= logits[target[i]] - math.log(sum(map(math.exp, logits)))
    assert gcd.proto_loss(z, C, phi, target).item() == pytest.approx(total / 5, rel=1e-5)


def test_concentration_is_its_formula():
    rng = RNG(0)
    X, C = rng.normal(size=(40, 3)), rng.normal(size=(6, 3))
    a = np.repeat([0, 1, 2, 3, 4], [20, 10, 7, 2, 1])  # a singleton, and one without members
    raw = [
        np.linalg.norm(X[a == k] - C[k], axis=1).mean() / math.log((a == k).sum() + 10)
        for k in range(4)
    ]
    raw += [max(raw), max(raw)]
    wanted = np.clip(raw, *np.percentile(raw, [10, 90]))
    got = gcd.prototype_concentration(X, C, a, tau=0.4)
    np.testing.assert_allclose(got, 0.4 * wanted / wanted.mean(), rtol=1e-6)
    assert float(got.mean()) == pytest.approx(0.4)


def test_clusters_without_spread_get_the_least_positive_concentration():
    C = np.arange(10.0)[:, None]
    X = np.vstack([C[:4], C[:4], C[4:] - 0.1, C[4:] + np.linspace(0.1, 0.6, 6)[:, None]])
    got = gcd.prototype_concentration(X, C, np.r_[0:4, 0:4, 4:10, 4:10]).numpy()
    assert got.min() > 0
    np.testing.assert_allclose(got[:5], got[4])  # the tightest of those with a spread
    assert got.mean() == pytest.approx(1)


def test_concentration_without_any_spread_is_constant():
    C = np.eye(3)
    np.testing.assert_allclose(
        gcd.prototype_concentration(C[[0, 0, 1, 1]], C, [0, 0, 1, 1], 0.7), 0.7
    )
    np.testing.assert_allclose(gcd.prototype_concentration(C, C, [0, 1, 2]), 1)


def test_the_whole_loss_is_the_weighted_sum():
    z, p = units(12, 4), units(12, 3, seed=1)
    labels, labelled = torch.tensor([0, 1, 0, -1, -1, 1]), torch.tensor([1, 1, 1, 0, 0, 1]).bool()
    C, phi, target = (
        units(3, 4, seed=2),
        torch.tensor([0.5, 1.0, 1.5]),
        torch.tensor([0, 1, 0, 2, 2, 1]),
    )
    views = torch.stack([p[:6], p[6:]], 1)[labelled]
    contrast = 0.6 * gcd.infonce_loss(p, 0.8) + 0.4 * gcd.supcon_loss(views, labels[labelled], 0.1)
    protos = (gcd.proto_loss(z[:6], C, phi, target) + gcd.proto_loss(z[6:], C, phi, target)) / 2
    options = {"supcon_weight": 0.4, "tau": 0.8, "supcon_temperature": 0.1}
    plain = gcd.gpc_loss(z, p, labels, labelled, **options)
    assert plain.item() == pytest.approx(contrast.item(), rel=1e-5)
    whole = gcd.gpc_loss(z, p, labels, labelled, (C, phi), target, **options)
    assert whole.item() == pytest.approx((contrast + protos).item(), rel=1e-5)
    none = gcd.gpc_loss(z, p, labels, torch.zeros(6).bool(), **options)
    assert none.item() == pytest.approx(0.6 * gcd.infonce_loss(p, 0.8).item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["supcon", "infonce", "proto"])
def test_gradients_are_those_of_finite_differences(loss):
    z = units(6, 4).double().requires_grad_()
    C, phi = units(3, 4, seed=1).double(), torch.tensor([0.5, 1.0, 1.5]).double()
    forms = {
        "supcon": lambda x: gcd.supcon_loss(x.view(3, 2, 4), torch.tensor([0, 1, 0]), 0.5),
        "infonce": lambda x: gcd.infonce_loss(x, 0.5),
        "proto": lambda x: gcd.proto_loss(x, C, phi, torch.tensor([0, 1, 2, 0, 1, 2])),
    }
    assert torch.autograd.gradcheck(forms[loss], z)


# --- training -------------------------------------------------------------------------------------


def bars(n=120, seed=0):
    """Images of 8 x 8 pixels with one bright row or column: eight classes, few pixels of noise."""
    rng = RNG(seed)
    y = np.arange(n) % 4
    X = 0.15 * rng.normal(size=(n, 1, 8, 8))
    for i, c in enumerate(y):
        at = 2 if c % 2 else 5
        X[i, 0, at if c < 2 else slice(None), slice(None) if c < 2 else at] += 1
    return X.astype(np.float32), y


def trainer(**options):
    torch.manual_seed(0)
    defaults = {"init_k": 4, "epochs": 6, "batch_size": 40, "lr": 0.05, "random_state": 0}
    return gcd.GPCTrainer(
        gcd.small_encoder((1, 8, 8), 4, 16),
        gcd.small_head(16, 8),
        lambda x, g: gcd.augment_images(x, g, shift=0.3, degrees=3),
        **defaults | options,
    )


def test_the_loop_finds_known_and_new_bars():
    X, y = bars()
    split = gcd.gcd_split(y, [0, 1], random_state=0)
    U, L, y_l = X[split.unlabelled], X[split.labelled], y[split.labelled]
    model = trainer(fixed_k=True).fit(U, L, y_l)
    assert model.k_history_ == [4] * 6  # five of training after one epoch of warm-up, and the last
    assert len(model.losses_) == 6
    assert gcd.gcd_accuracy(y[split.unlabelled], model.predict(U), split.old_mask)[0] > 0.9
    np.testing.assert_allclose(np.linalg.norm(model.features(U), axis=1), 1, rtol=1e-5)
    agree = gcd.gcd_accuracy(model.labels_u_, model.predict(U), split.old_mask)[0]
    assert agree > 0.9


def test_the_number_of_components_is_carried_over():
    X, y = bars()
    split = gcd.gcd_split(y, [0, 1], random_state=0)
    seen = []

    class Spy(gcd.GPC):
        def __init__(self, init_k, **options):
            seen.append(init_k)
            super().__init__(init_k, **options)

    from mixbook.mixtures.gcd import _trainer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_trainer, "GPC", Spy)
        model = trainer(init_k=9, epochs=4).fit(
            X[split.unlabelled], X[split.labelled], y[split.labelled]
        )
    assert seen == [9, *model.k_history_[:-1]]
    assert model.n_classes_ == model.k_history_[-1] == len(model.prototypes_)


def test_without_prototypes_there_is_one_e_step_and_the_loss_is_the_baselines():
    X, y = bars(40)
    split = gcd.gcd_split(y, [0, 1], random_state=0)
    data = X[split.unlabelled], X[split.labelled], y[split.labelled]
    plain = trainer(use_prototypes=False, fixed_k=True, epochs=3).fit(*data)
    assert plain.k_history_ == [4]
    late = trainer(warmup=3, fixed_k=True, epochs=3).fit(*data)
    assert plain.losses_ == late.losses_  # a warm-up of all epochs is the baseline
    early = trainer(warmup=0, fixed_k=True, epochs=3).fit(*data)
    assert early.losses_[0] > plain.losses_[0]


def test_copies_of_a_warm_start_end_as_whole_fits_do():
    X, y = bars(80)
    split = gcd.gcd_split(y, [0, 1], random_state=0)
    data = X[split.unlabelled], X[split.labelled], y[split.labelled]
    settings = {"epochs": 5, "warmup": 2, "fixed_k": True}
    base = trainer(**settings).warm_up(*data)
    assert len(base.losses_) == 2
    assert base.k_history_ == []
    variants = [{}, {"use_prototypes": False}, {"tau_proto": 0.2}]
    twins = [copy.deepcopy(base).set_params(**v).resume() for v in variants]
    for twin, v in zip(twins, variants):
        whole = trainer(**settings | v).fit(*data)
        assert twin.losses_ == whole.losses_
        np.testing.assert_array_equal(twin.prototypes_, whole.prototypes_)
    assert len({t.losses_[-1] for t in twins}) == 3
    assert len(base.losses_) == 2  # untouched by its copies
    np.testing.assert_array_equal(base.resume().prototypes_, twins[0].prototypes_)


def test_another_clustering_can_take_the_place_of_the_mixture():
    X, y = bars(80)
    split = gcd.gcd_split(y, [0, 1], random_state=0)
    truth = np.concatenate([y[split.unlabelled], y[split.labelled]])
    model = trainer(epochs=2)
    model.assign = lambda Z: truth
    model.fit(X[split.unlabelled], X[split.labelled], y[split.labelled])
    Z = model.features(np.concatenate([X[split.unlabelled], X[split.labelled]]))
    C = means(Z, truth)
    wanted = C / np.linalg.norm(C, axis=1, keepdims=True)
    np.testing.assert_allclose(model.prototypes_, wanted, atol=1e-6)


def test_the_losses_get_vectors_of_length_one(monkeypatch):
    from mixbook.mixtures.gcd import _trainer

    X, y = bars(40)
    seen = []

    def spy(z, projected, *args, **kwargs):
        seen.append(torch.stack([z.norm(dim=1), projected.norm(dim=1)]).detach())
        return gcd.gpc_loss(z, projected, *args, **kwargs)

    monkeypatch.setattr(_trainer, "gpc_loss", spy)
    trainer(epochs=2, fixed_k=True).fit(X[20:], X[:20], y[:20])
    torch.testing.assert_close(torch.stack(seen), torch.ones_like(torch.stack(seen)))


def test_half_of_each_batch_is_labelled():
    X, y = bars(200)
    shares = []

    def spy(images, generator):
        shares.append(images.mean(dim=(1, 2, 3)).gt(5).float().mean().item())
        return images

    L, U = X[:20] + 10, X[20:]
    model = trainer(use_prototypes=False, fixed_k=True, epochs=8, lr=1e-4)
    model.augment = spy
    model.fit(U, L, y[:20])
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_the_rate_falls_along_a_cosine(monkeypatch):
    X, y = bars(20)
    rates = []
    original = torch.optim.SGD.step

    def spy(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    trainer(epochs=4, fixed_k=True, batch_size=20, lr=0.1).fit(X[10:], X[:10], y[:10])
    low = 1e-4
    wanted = [low + (0.1 - low) * (1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)]
    np.testing.assert_allclose(rates, wanted, rtol=1e-6)


def test_augmentation_shifts_turns_and_mirrors():
    x = torch.zeros(400, 1, 9, 9)
    x[:, :, 4, 6] = 1
    generator = torch.Generator().manual_seed(0)
    still = gcd.augment_images(x, generator, shift=0, degrees=0, noise=0)
    torch.testing.assert_close(still, x, atol=1e-5, rtol=0)
    mirrored = gcd.augment_images(x, generator, shift=0, degrees=0, noise=0, flip=True)
    left = mirrored[:, 0, 4, 2] > 0.9
    assert 150 < left.sum() < 250
    assert torch.allclose(mirrored[~left], x[~left], atol=1e-5)
    moved = gcd.augment_images(x, generator, shift=2, degrees=0, noise=0)[:, 0]
    at = (moved * torch.arange(9.0)).sum((1, 2)) / moved.sum((1, 2))
    assert 3.8 < at.min() < 4.5
    assert 7.5 < at.max() < 8.2
    turned = gcd.augment_images(x, generator, shift=0, degrees=90, noise=0)[:, 0]
    row = (turned * torch.arange(9.0)[:, None]).sum((1, 2)) / turned.sum((1, 2))
    assert row.min() < 2.5
    assert row.max() > 5.5
    noisy = gcd.augment_images(x, generator, shift=0, degrees=0, noise=0.1)
    assert (noisy - x).std() == pytest.approx(0.1, abs=0.01)


def test_wide_images_are_turned_without_shear():
    x = torch.zeros(200, 1, 9, 27)
    x[:, :, 4, 17] = 1  # four pixels to the right of the middle
    turned = gcd.augment_images(x, torch.Generator().manual_seed(0), shift=0, degrees=60, noise=0)
    mass = turned[:, 0].sum((1, 2))
    row = (turned[:, 0] * torch.arange(9.0)[:, None]).sum((1, 2)) / mass - 4
    column = (turned[:, 0] * torch.arange(27.0)).sum((1, 2)) / mass - 13
    torch.testing.assert_close(torch.hypot(row, column), torch.full((200,), 4.0), atol=0.35, rtol=0)
    assert row.abs().max() > 3


def test_the_encoder_has_the_layers_of_the_sheet():
    net = gcd.small_encoder()
    assert net[-1].in_features == 1600
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 128)
    assert gcd.small_encoder((3, 32, 32), 8, 20)(torch.zeros(2, 3, 32, 32)).shape == (2, 20)
    assert gcd.small_head(20, 5)(torch.zeros(2, 20)).shape == (2, 5)


def test_a_diverging_loss_is_an_error():
    X, y = bars(40)
    with pytest.raises((FloatingPointError, ValueError)):
        trainer(lr=1e12, fixed_k=True, use_prototypes=False).fit(X[20:], X[:20], y[:20])


# --- bad input ------------------------------------------------------------------------------------

NAN = [[0.0, math.nan]]
P2 = gcd.NIWPrior([0.0, 0.0], 1.0, 3.0, np.eye(2))
X2 = RNG(0).normal(size=(12, 2))
BARS = bars(8)[0], bars(8)[0], bars(8)[1]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: gcd.NIWPrior([0, 0], 0.0, 3.0, np.eye(2)), ValueError, "kappa0"),
        (lambda: gcd.NIWPrior([0, 0], 1.0, 1.0, np.eye(2)), ValueError, "nu0"),
        (lambda: gcd.NIWPrior([0, 0], 1.0, 3.0, -np.eye(2)), ValueError, "positive definite"),
        (lambda: gcd.NIWPrior([0, 0], 1.0, 3.0, [[1.0, 2.0], [0.0, 1.0]]), ValueError, "symmetric"),
        (lambda: gcd.NIWPrior.from_data(X2, scale=0.0), ValueError, "scale"),
        (lambda: P2.log_marginal(NAN), ValueError, "finite"),
        (lambda: P2.log_marginal(np.zeros((3, 3))), ValueError, "column"),
        (lambda: P2.log_marginal(np.zeros((0, 2))), ValueError, "row"),
        (lambda: gcd.log_split_ratio(X2, X2[:0], P2), ValueError, "X2"),
        (lambda: gcd.log_split_ratio(X2, X2, None), TypeError, "prior"),
        (lambda: gcd.log_split_ratio(X2, X2, P2, 0.0), ValueError, "alpha"),
        (lambda: gcd.mixing_weights([0, 0]), ValueError, "counts"),
        (lambda: gcd.within_class_variance(X2, np.arange(12)), ValueError, "two points"),
        (lambda: gcd.within_class_variance(np.ones((4, 2)), [0, 0, 1, 1]), ValueError, "spread"),
        (lambda: gcd.critical_separation(1, 2), ValueError, "n must"),
        (lambda: gcd.critical_separation(5, 6), ValueError, "at least d = 6"),
        (lambda: gcd.critical_separation(5, 2, -1.0), ValueError, "kappa0"),
        (lambda: gcd.lloyd(X2, X2[:2], [0, 1], X2[:1]), ValueError, "codes"),
        (lambda: gcd.lloyd(X2, X2[:2], [0.0, 0.0], X2[:1]), TypeError, "codes"),
        (lambda: gcd.lloyd(X2, X2[:2, :1], [0, 0], X2[:1]), ValueError, "X_l"),
        (lambda: gcd.lloyd(X2, X2[:2], [0, 0], NAN), ValueError, "centers"),
        (lambda: gcd.SemiSupKMeans(0).fit(X2), ValueError, "n_clusters"),
        (lambda: gcd.SemiSupKMeans(13).fit(X2), ValueError, "n_clusters"),
        (lambda: gcd.SemiSupKMeans(1).fit(X2, X2[:2], [0, 1]), ValueError, "n_clusters"),
        (lambda: gcd.SemiSupKMeans(2).fit(NAN), ValueError, "finite"),
        (lambda: gcd.SemiSupKMeans(2).fit("abc"), TypeError, "X_u"),
        (lambda: gcd.SemiSupKMeans(2).fit(X2, X2), ValueError, "together"),
        (lambda: gcd.SemiSupKMeans(2).fit(X2, X2, [0]), ValueError, "y_l"),
        (lambda: gcd.SemiSupKMeans(2).fit(X2, X2[:2], [0.0, math.nan]), ValueError, "finite"),
        (lambda: gcd.SemiSupKMeans(2).fit(X2, X2[:2], [None, {}]), TypeError, "y_l"),
        (lambda: gcd.SemiSupKMeans(2).fit(X2, X2[:2, :1], [0, 1]), ValueError, "column"),
        (lambda: gcd.GPC(2, prior_scale=1.0).fit(X2[:0]), ValueError, "row"),
        (lambda: gcd.GPC(2).fit(X2), ValueError, "needs labelled"),
        (lambda: gcd.GPC(2, prior_scale="self").fit(X2), ValueError, "prior_scale"),
        (lambda: gcd.GPC(2, prior_scale=-1.0).fit(X2), ValueError, "prior_scale"),
        (lambda: gcd.GPC(1).fit(X2, X2[:4], [0, 0, 1, 1]), ValueError, "init_k"),
        (lambda: gcd.GPC(2, accept="always").fit(X2), ValueError, "accept"),
        (lambda: gcd.GPC(2, accept=1.5).fit(X2), ValueError, "accept"),
        (lambda: gcd.GPC(2, normalize="l1").fit(X2), ValueError, "normalize"),
        (lambda: gcd.GPC(2, bookkeeping="none").fit(X2), ValueError, "bookkeeping"),
        (lambda: gcd.GPC(2, rounds=-1).fit(X2), ValueError, "rounds"),
        (lambda: gcd.GPC(2, pca_dim=5, rounds=0).fit(X2), ValueError, "pca_dim"),
        (lambda: gcd.GPC(2, pca_dim="all", rounds=0).fit(X2), ValueError, "pca_dim"),
        (lambda: gcd.split_merge_step(X2, None, None, X2[:2], P2, 2.0), ValueError, "accept"),
        (lambda: gcd.split_merge_step(X2, None, None, NAN, P2), ValueError, "centers"),
        (lambda: gcd.split_merge_step(X2, X2[:2], [0, 1], X2[:1], P2), ValueError, "centers"),
        (lambda: gcd.estimate_k_by_probe(X2, X2[:0], [], 5), ValueError, "labelled point"),
        (lambda: gcd.estimate_k_by_probe(X2, X2[:2], [0, 1], 2), ValueError, "k_max"),
        (lambda: gcd.estimate_k_by_probe(X2, X2[:2], [0, 1], 5, "grid"), ValueError, "search"),
        (lambda: gcd.gcd_accuracy([0, 1], [0], [True, True]), ValueError, "y_pred"),
        (lambda: gcd.gcd_accuracy([0, 1], [0, 1], [1, 0]), ValueError, "old_mask"),
        (lambda: gcd.gcd_accuracy([], [], np.empty(0, bool)), ValueError, "y_true"),
        (lambda: gcd.gcd_split([0, 1], [2]), ValueError, "old_classes"),
        (lambda: gcd.gcd_split([0, 1], [0], 0.0), ValueError, "frac"),
        (lambda: gcd.make_separated_classes(50, 1, box=3.0), ValueError, "no room"),
        (lambda: gcd.prototype_concentration(X2, X2[:2], np.full(12, 2)), ValueError, "assign"),
        (lambda: gcd.prototype_concentration(X2, X2[:2], np.ones(12)), TypeError, "assign"),
        (lambda: gcd.prototype_concentration(X2, X2[:2], [0] * 12, 0.0), ValueError, "tau"),
        (lambda: gcd.supcon_loss(torch.zeros(3, 1, 2), torch.zeros(3)), ValueError, "two views"),
        (lambda: gcd.infonce_loss(torch.zeros(3, 2)), ValueError, "even"),
        (lambda: gcd.proto_loss(*[units(2, 3)] * 2, *[torch.zeros(2)] * 2), ValueError, "conc"),
        (lambda: trainer(fixed_k=True, init_k=None).fit(*BARS), ValueError, "fixed_k"),
        (lambda: trainer(epochs=0).fit(*BARS), ValueError, "epochs"),
        (lambda: trainer().fit(X2, X2, np.zeros(12)), ValueError, "X_u"),
        (lambda: trainer().fit(BARS[0], BARS[0][..., :4], BARS[2]), ValueError, "one shape"),
        (lambda: trainer().fit(BARS[0] * math.nan, *BARS[1:]), ValueError, "finite"),
        (lambda: trainer().predict(bars(8)[0]), ValueError, "not fitted"),
        (lambda: trainer().resume(), ValueError, "nothing to resume"),
        (lambda: trainer().warm_up(BARS[0], BARS[1], BARS[2][:3]), ValueError, "y_l"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_lgamma_of_a_point_is_zero():
    """One point against many is a legal pair; its factor is log Gamma(1) = 0."""
    prior, X = some_prior(2), X2
    wanted = gammaln(11) - gammaln(12) + prior.log_marginal(X[:1]) + prior.log_marginal(X[1:])
    assert gcd.log_split_ratio(X[:1], X[1:], prior) == pytest.approx(wanted - prior.log_marginal(X))
