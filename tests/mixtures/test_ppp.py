"""Tests of mixbook.mixtures.ppp against scikit-learn, closed forms, brute force and invariances."""

import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import anderson, chi2, multivariate_normal, ortho_group
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from mixbook.mixtures import ppp
from mixbook.mixtures.ppp import PPP
from mixbook.mixtures.ppp._baselines import _spherical_bic
from mixbook.mixtures.ppp._tree import Rules, grow_tree, is_certain


def two_clouds(n=100, gap=40.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, 2)) * [1.0, 0.5] + gap * y[:, None], y


def sizes_of(labels):
    return np.bincount(labels).tolist()


# --- k-means and its repeatability ----------------------------------------------------------------


def test_lloyd_agrees_with_scikit_learn_from_the_same_starts():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(80, 3)) + 50, rng.uniform(0.5, 3, 80)
    starts = X[np.array([rng.choice(80, 4, replace=False) for _ in range(9)])]
    labels, sse, centres = ppp.lloyd(X, starts, w)
    for b, start in enumerate(starts):
        peer = KMeans(4, init=start, n_init=1, tol=0, max_iter=300).fit(X, sample_weight=w)
        np.testing.assert_array_equal(labels[b], peer.labels_)
        np.testing.assert_allclose(centres[b], peer.cluster_centers_)
        assert sse[b] == pytest.approx(peer.inertia_)


def test_blocks_of_starts_do_not_change_the_result(monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 2))
    starts = X[np.array([rng.choice(60, 3, replace=False) for _ in range(7)])]
    whole = ppp.lloyd(X, starts, np.ones(60))
    monkeypatch.setattr("mixbook.mixtures.ppp._kmeans.BLOCK", 400)  # two starts at once
    for one, other in zip(whole, ppp.lloyd(X, starts, np.ones(60))):
        np.testing.assert_allclose(one, other)


def test_lloyd_keeps_the_starts_it_was_given():
    X = np.random.default_rng(0).normal(size=(20, 2))
    starts = X[None, :3].copy()
    ppp.lloyd(X, starts, np.ones(20))
    np.testing.assert_array_equal(starts[0], X[:3])


def test_seeds_are_drawn_in_proportion_to_weight_and_squared_distance():
    X, w = np.array([[0.0], [1.0], [3.0]]), np.array([1.0, 2.0, 1.0])
    B = 40_000
    first, second = ppp.seed_centres(X, 2, B, w, np.random.default_rng(0))[:, :, 0].T
    np.testing.assert_allclose([(first == x).mean() for x in (0, 1, 3)], w / 4, atol=0.01)
    after_zero = second[first == 0]  # weights 0, 2 * 1, 1 * 9
    assert (after_zero == 3).mean() == pytest.approx(9 / 11, abs=0.015)
    assert not (first == second).any()


def test_seeds_exist_where_all_points_coincide():
    assert ppp.seed_centres(np.ones((4, 2)), 3, 2, np.ones(4), np.random.default_rng(0)).shape == (
        2,
        3,
        2,
    )


def test_principal_start_is_the_means_of_equal_slices():
    t = np.arange(12.0)
    X = np.stack([3 * t, 4 * t], axis=1)[::-1]
    start = ppp.principal_start(X, 3, np.ones(12))
    wanted = np.array([[3 * m, 4 * m] for m in (1.5, 5.5, 9.5)])
    np.testing.assert_allclose(start[np.argsort(start[:, 0])], wanted)
    heavy = ppp.principal_start(np.array([[0.0], [1.0], [2.0]]), 2, np.array([2.0, 1.0, 1.0]))
    np.testing.assert_allclose(np.sort(heavy[:, 0]), [0.0, 1.5])
    four = ppp.principal_start(np.arange(4.0)[:, None], 3, np.ones(4))  # middles at 1/8, 3/8, ...
    np.testing.assert_allclose(np.sort(four[:, 0]), [0.0, 1.5, 3.0])


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=30)
def test_ari_of_all_pairs_is_that_of_scikit_learn(seed, k):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, (5, 25))
    labels[0] = 0  # a constant one among them
    table = ppp.pairwise_ari(labels, k)
    for r, s in itertools.product(range(5), repeat=2):
        assert table[r, s] == pytest.approx(adjusted_rand_score(labels[r], labels[s]))


def test_ari_with_weights_is_that_of_repeated_points():
    rng = np.random.default_rng(0)
    labels, w = rng.integers(0, 3, (4, 15)), rng.integers(1, 5, 15)
    repeated = ppp.pairwise_ari(np.repeat(labels, w, axis=1), 3)
    np.testing.assert_allclose(ppp.pairwise_ari(labels, 3, w.astype(float)), repeated)


def test_repeatability_is_the_mean_over_pairs():
    X = np.random.default_rng(0).uniform(size=(60, 2))
    runs = ppp.repeatability(X, 3, 6, n_init=1, random_state=0)
    pairs = itertools.combinations(runs.labels, 2)
    assert runs.rho == pytest.approx(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))
    assert runs.rho < 0.99
    assert runs.sse[runs.best] == runs.sse.min()
    for labels, sse, centres in zip(runs.labels, runs.sse, runs.centres):
        assert sse == pytest.approx(((X - centres[labels]) ** 2).sum())
        np.testing.assert_allclose(centres, [X[labels == c].mean(0) for c in range(3)])


def test_repeatability_of_far_clouds_is_one_and_more_starts_help():
    X, y = two_clouds()
    runs = ppp.repeatability(X, 2, 5, random_state=0)
    assert runs.rho == 1
    assert adjusted_rand_score(runs.labels[0], y) == 1
    X, _ = ppp.make_blobs7(random_state=1)
    one, ten = (ppp.repeatability(X, 7, 8, n_init=n, random_state=0) for n in (1, 10))
    assert one.rho < ten.rho
    assert one.sse.mean() > ten.sse.mean()


def test_the_start_along_the_axis_is_one_more_run():
    X, _ = ppp.make_tri(random_state=0)
    runs = ppp.repeatability(X, 3, 4, with_principal=True, random_state=0)
    assert runs.labels.shape == (5, 300)
    again = ppp.repeatability(X, 3, 4, with_principal=True, random_state=1)
    np.testing.assert_array_equal(runs.labels[-1], again.labels[-1])


def test_votes_are_counted_after_the_best_renaming():
    labels = np.array([[0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1], [1, 1, 1, 0, 2, 2]])
    np.testing.assert_allclose(ppp.aligned_votes(labels, 0, 3), [1, 1, 2 / 3, 1, 1, 1])


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_votes_against_all_permutations(seed):
    rng = np.random.default_rng(seed)
    labels, w = rng.integers(0, 3, (4, 12)), rng.uniform(1, 3, 12)
    votes = ppp.aligned_votes(labels, 1, 3, w)
    best = sum(
        max(w @ (np.array(names)[row] == labels[1]) for names in itertools.permutations(range(3)))
        for row in labels
    )
    assert w @ votes * len(labels) == pytest.approx(best)


# --- mixtures -------------------------------------------------------------------------------------


def log_likelihood(X, mixture):
    dense = [np.diag(c) if c.ndim == 1 else c for c in mixture.covariances]
    parts = [
        w * multivariate_normal(m, c).pdf(X)
        for w, m, c in zip(mixture.weights, mixture.means, dense)
    ]
    return np.log(sum(parts)).sum()


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_em_on_points_is_that_of_scikit_learn(kind):
    X = load_iris().data
    labels = load_iris().target
    ours = ppp.weighted_gmm_em(X, k=3, init=labels, covariance_type=kind, reg=1e-6, tol=1e-9)
    one = ppp.weighted_gmm_em(X, k=3, init=labels, covariance_type=kind, reg=1e-6, max_iter=1)
    inverse = np.linalg.inv(one.covariances) if kind == "full" else 1 / one.covariances
    peer = GaussianMixture(
        3, covariance_type=kind, reg_covar=1e-6, tol=1e-12, max_iter=1000,
        weights_init=one.weights, means_init=one.means, precisions_init=inverse,
    ).fit(X)  # fmt: skip
    order = np.argsort(peer.means_[:, 0])
    mine = np.argsort(ours.means[:, 0])
    np.testing.assert_allclose(ours.means[mine], peer.means_[order], atol=0.02)
    assert log_likelihood(X, ours) == pytest.approx(150 * peer.score(X), abs=0.05)
    assert ppp.gmm_bic(ours, 150) == pytest.approx(peer.bic(X), abs=0.1)


def micro(seed=0, p=2, M=12):
    """Points in a few groups and the same as micro-clusters, by plain loops."""
    rng = np.random.default_rng(seed)
    groups = [
        rng.normal(size=(rng.integers(2, 9), p)) * rng.uniform(0.2, 1, p) + rng.normal(0, 4, p)
        for _ in range(M)
    ]
    C = np.array([g.mean(0) for g in groups])
    S = np.array([np.cov(g.T, ddof=0) for g in groups])
    return groups, C, np.array([len(g) for g in groups], float), S


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_one_component_on_micro_clusters_loses_nothing(kind):
    groups, C, n, S = micro()
    X = np.concatenate(groups)
    whole = ppp.weighted_gmm_em(X, k=1, covariance_type=kind, reg=0)
    reduced = ppp.weighted_gmm_em(C, n, S, k=1, covariance_type=kind, reg=0)
    np.testing.assert_allclose(reduced.means, whole.means)
    np.testing.assert_allclose(reduced.covariances, whole.covariances)
    assert reduced.bounds[-1] == pytest.approx(log_likelihood(X, whole))


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_the_e_step_takes_the_mean_log_density_of_the_points(kind):
    groups, C, n, S = micro(1)
    fitted = ppp.weighted_gmm_em(
        C, n, S, k=2, init=np.arange(12) % 2, covariance_type=kind, max_iter=3
    )
    joint = fitted.log_joint(C, S)
    for m, group in enumerate(groups):
        for k in range(2):
            cov = np.diag(fitted.covariances[k]) if kind == "diag" else fitted.covariances[k]
            mean = multivariate_normal(fitted.means[k], cov).logpdf(group).mean()
            assert joint[m, k] == pytest.approx(np.log(fitted.weights[k]) + mean)
    odds = np.exp(joint - joint.max(1, keepdims=True))
    np.testing.assert_allclose(fitted.proba, odds / odds.sum(1, keepdims=True))


@pytest.mark.parametrize("kind", ["full", "diag"])
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_never_falls_and_stays_below_the_likelihood(kind, seed):
    groups, C, n, S = micro(seed, M=30)
    fitted = ppp.weighted_gmm_em(
        C, n, S, k=3, init=np.arange(30) % 3, covariance_type=kind, reg=0, tol=0, max_iter=60
    )
    assert (np.diff(fitted.bounds) > -1e-8).all()
    assert len(fitted.bounds) > 5
    assert fitted.bounds[-1] <= log_likelihood(np.concatenate(groups), fitted) + 1e-8


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_counts_are_the_same_as_repeated_points(kind):
    rng = np.random.default_rng(0)
    X, counts = rng.normal(size=(30, 2)), rng.integers(1, 4, 30)
    init = np.arange(30) % 2
    weighted = ppp.weighted_gmm_em(X, counts, k=2, init=init, covariance_type=kind)
    repeated = ppp.weighted_gmm_em(
        np.repeat(X, counts, axis=0), k=2, init=np.repeat(init, counts), covariance_type=kind
    )
    np.testing.assert_allclose(weighted.bounds, repeated.bounds)
    np.testing.assert_allclose(weighted.covariances, repeated.covariances)
    zero = ppp.weighted_gmm_em(X, counts, np.zeros((30, 2, 2)), 2, init, covariance_type=kind)
    np.testing.assert_allclose(weighted.proba, zero.proba)


def test_the_regulariser_is_added_to_the_variances():
    X = np.random.default_rng(0).normal(size=(50, 2))
    bare, more = (ppp.weighted_gmm_em(X, k=1, reg=reg).covariances[0] for reg in (0, 0.5))
    np.testing.assert_allclose(more, bare + 0.5 * np.eye(2))


@pytest.mark.parametrize(("k", "p", "full", "diag"), [(1, 1, 2, 2), (2, 3, 19, 13), (4, 5, 83, 43)])
def test_numbers_of_parameters_by_hand(k, p, full, diag):
    assert ppp.n_parameters(k, p, "full") == full
    assert ppp.n_parameters(k, p, "diag") == diag


def test_gain_of_two_far_clouds_is_the_closed_form():
    X, y = two_clouds()
    found = ppp.validate_partition(X, y)
    reg = 1e-4 * np.eye(2)

    def nll(part, share):
        gauss = multivariate_normal(part.mean(0), np.cov(part.T, ddof=0) + reg)
        return -(gauss.logpdf(part) + math.log(share)).sum()

    bic_one = 2 * nll(X, 1.0) + 5 * math.log(100)
    bic_two = 2 * (nll(X[y == 0], 0.5) + nll(X[y == 1], 0.5)) + 11 * math.log(100)
    assert found.gain == pytest.approx(bic_one - bic_two, abs=1e-3)
    assert found.agreement == 1
    assert found.confident.all()
    np.testing.assert_allclose(found.proba.sum(1), 1)


def test_agreement_counts_sure_points_only_and_by_weight():
    rng = np.random.default_rng(0)
    x = np.sort(np.concatenate([rng.normal(-1.2, 1, 300), rng.normal(1.2, 1, 300)]))[:, None]
    y = (x[:, 0] > 0).astype(int)
    w = np.where(np.abs(x[:, 0]) < 0.5, 3.0, 1.0)
    loose, strict = (ppp.validate_partition(x, y, tau) for tau in (0.5, 0.95))
    for tau, found in ((0.5, loose), (0.95, strict)):
        sure = (found.proba.argmax(1) == y) & (found.proba.max(1) >= tau)
        assert found.agreement == pytest.approx(sure.mean())
    assert strict.agreement < loose.agreement - 0.1
    heavy = ppp.validate_partition(x, y, 0.95, sample_weight=w)
    assert heavy.agreement == pytest.approx(w @ heavy.confident / w.sum())
    assert heavy.agreement < strict.agreement  # the unsure points in the middle weigh more


def test_gain_of_weighted_points_is_that_of_repeated_ones():
    X, y = two_clouds(60, gap=3.0)
    counts = np.random.default_rng(0).integers(1, 6, 60)
    weighted = ppp.validate_partition(X, y, sample_weight=counts, tol=0)
    repeated = ppp.validate_partition(np.repeat(X, counts, axis=0), np.repeat(y, counts), tol=0)
    assert weighted.gain == pytest.approx(repeated.gain, abs=1e-3)
    assert weighted.agreement == pytest.approx(repeated.agreement)


def test_a_wrong_partition_is_not_confirmed():
    X, y = two_clouds(gap=8.0)
    across = (X[:, 1] - 8 * y > 0).astype(int)
    found = ppp.validate_partition(X, across)
    assert found.agreement < 0.9


def test_em_goes_on_until_its_tolerance():
    x = np.random.default_rng(0).normal(size=(400, 1))
    y = (x[:, 0] > 0).astype(int)
    for tol in (1e-2, 1e-4):
        gains = np.diff(ppp.validate_partition(x, y, tol=tol).mixture.bounds)
        assert gains[-1] < 400 * tol
        assert (gains[:-1] >= 400 * tol).all()
    nodes = [ppp.node_test(x, 2, em_tol=tol, random_state=0).candidates[0] for tol in (1, 1e-6)]
    assert nodes[0].gain < nodes[1].gain


def test_one_gaussian_gains_nothing_by_a_cut():
    X = np.random.default_rng(0).normal(size=(400, 2))
    assert ppp.validate_partition(X, (X[:, 0] > 0).astype(int)).gain < 0


# --- the node and the tree ------------------------------------------------------------------------


def test_two_parts_are_ambiguous_in_a_triangle_and_three_are_not():
    X, y = ppp.make_tri(random_state=0)
    result = ppp.node_test(X, random_state=0)
    two, three, four = result.candidates
    assert (two.k, three.k, four.k) == (2, 3, 4)
    assert two.rho < 0.9 <= three.rho
    assert result.k == 3
    assert result.chosen == three
    assert adjusted_rand_score(result.labels, y) == 1
    assert result.votes.min() == 1
    assert result.confident.all()
    np.testing.assert_allclose(result.centres, [X[result.labels == c].mean(0) for c in range(3)])


def test_two_of_three_ways_to_join_a_triangle_agree_by_a_tenth():
    labels = np.repeat([[0, 0, 1], [0, 1, 1]], 10_000, axis=1)
    assert ppp.pairwise_ari(labels, 2)[0, 1] == pytest.approx(0.1, abs=1e-3)


def test_the_largest_gain_wins_among_the_admissible():
    X, _ = ppp.make_blobs7(random_state=1)
    result = ppp.node_test(X, random_state=0)
    admitted = [c for c in result.candidates if c.admissible]
    assert len(admitted) > 1
    assert result.chosen.gain == max(c.gain for c in admitted)
    for c in result.candidates:
        assert c.admissible == (c.rho >= 0.9 and c.gain > 10 and c.agreement >= 0.9)


def test_unrepeatable_partitions_are_not_validated_unless_asked_for():
    X, _ = ppp.make_tri(random_state=0)
    quick, slow = (ppp.node_test(X, random_state=0, thorough=t) for t in (False, True))
    assert quick.k == slow.k == 3
    assert np.isnan(quick.candidates[0].gain)
    assert np.isnan(quick.candidates[0].agreement)
    assert slow.candidates[0].gain > 0
    assert quick.candidates[1] == slow.candidates[1]


def test_each_threshold_can_stop_a_split():
    X, _ = two_clouds(200, gap=6.0)
    measured = ppp.node_test(X, 2, random_state=0).candidates[0]
    assert measured.admissible
    assert ppp.node_test(X, 2, min_gain=measured.gain + 1e-6, random_state=0).k == 1
    assert ppp.node_test(X, 2, min_gain=measured.gain - 1e-6, random_state=0).k == 2
    overlapping, _ = two_clouds(400, gap=1.5)
    loose = {"rho": -1, "min_gain": -1e9, "agreement": 0.0}
    candidate = ppp.node_test(overlapping, 2, n_init=1, random_state=0, **loose).candidates[0]
    assert candidate.admissible
    assert 0 < candidate.agreement < 1
    for name in ("rho", "agreement"):
        value = getattr(candidate, name)
        tight = loose | {name: min(1.0, value + 1e-6)}
        k = ppp.node_test(overlapping, 2, n_init=1, random_state=0, **tight).k
        assert k == (1 if value < 1 else 2)
        equal = loose | {name: value - 1e-12}
        assert ppp.node_test(overlapping, 2, n_init=1, random_state=0, **equal).k == 2


@pytest.mark.parametrize(
    ("n", "tried"), [(11, []), (12, [2]), (17, [2]), (18, [2, 3]), (24, [2, 3, 4])]
)
def test_a_part_needs_points(n, tried):
    X = np.random.default_rng(0).normal(size=(n, 2))
    assert [c.k for c in ppp.node_test(X, random_state=0).candidates] == tried


@pytest.mark.parametrize(("n", "kind"), [(39, "diag"), (40, "full")])
def test_covariances_are_full_from_ten_points_a_column_on(n, kind, monkeypatch):
    seen = []
    from mixbook.mixtures.ppp import _tree

    original = _tree._validate
    monkeypatch.setattr(_tree, "_validate", lambda *a: (seen.append(a[5]), original(*a))[1])
    ppp.node_test(np.random.default_rng(0).normal(size=(n, 4)), random_state=0)
    assert set(seen) == {kind}


def test_fewer_distinct_points_than_parts():
    X = np.repeat([[0.0, 0.0], [5.0, 5.0]], 30, axis=0)
    result = ppp.node_test(X, random_state=0)
    assert result.k == 2
    assert [c.admissible for c in result.candidates] == [True, False, False]
    assert PPP(random_state=0).fit(X).n_clusters_ == 2
    assert PPP(random_state=0).fit(np.ones((50, 2))).n_clusters_ == 1


def test_leaves_partition_the_points_and_are_numbered_depth_first():
    X, _ = ppp.make_nested6(random_state=0)
    order = np.random.default_rng(0).permutation(600)
    tree = PPP(random_state=0).fit(X[order]).tree_
    every = np.concatenate([leaf.indices for leaf in tree.leaves])
    assert sorted(every.tolist()) == list(range(600))
    assert [leaf.label for leaf in tree.leaves] == list(range(6))
    for node in tree:
        firsts = [child.indices[0] for child in node.children]
        assert firsts == sorted(firsts)
        assert (np.diff(node.indices) > 0).all()
        if node.children:
            together = np.sort(np.concatenate([c.indices for c in node.children]))
            np.testing.assert_array_equal(together, node.indices)
            assert node.k == len(node.children)
            assert node.size == len(node.indices)
    assert [node.k for node in tree] == [2, 3, 1, 1, 1, 3, 1, 1, 1]
    assert np.isnan(tree.leaves[0].rho)
    assert tree.rho == tree.result.chosen.rho
    assert tree.describe().splitlines()[2].strip() == "100 points: cluster 0"


def test_doubt_at_any_split_removes_a_point_from_the_core():
    X, _ = ppp.make_nested6(random_state=0)
    rng = np.random.default_rng(0)
    root = grow_tree(X, np.ones(600), None, Rules(), 1e-3, rng)
    _, certain = is_certain(root, 600, 0.9)
    assert certain.all()
    child = root.children[1]
    root.result.votes[5] = 0.89
    child.result.votes[7] = 0.9  # enough
    child.result.confident[11] = False
    labels, certain = is_certain(root, 600, 0.9)
    doubtful = {5, int(child.indices[11])}
    assert set(np.flatnonzero(~certain)) == doubtful
    assert sizes_of(labels) == [100] * 6


# --- the estimator --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_clusters(seed):
    rng = np.random.default_rng(100 + seed)
    for (X, y), K in (
        (ppp.make_blobs7(random_state=1), 7),
        (ppp.make_nested6(random_state=seed), 6),
        (ppp.make_tri(random_state=seed), 3),
    ):
        model = PPP(random_state=seed).fit(X)
        assert model.n_clusters_ == K
        assert adjusted_rand_score(model.labels_, y) > 0.97
    assert PPP(random_state=seed).fit(rng.normal(size=(500, 2))).n_clusters_ == 1
    assert PPP(random_state=seed).fit(rng.uniform(size=(500, 2))).n_clusters_ == 1


def test_moving_turning_and_scaling_change_nothing():
    X, _ = ppp.make_nested6(random_state=1)
    turn = ortho_group.rvs(2, random_state=0)
    base = PPP(random_state=0).fit(X).labels_
    for other in (X + 1000, X @ turn, 1e-3 * X, 1e4 * X):
        assert adjusted_rand_score(base, PPP(random_state=0).fit(other).labels_) == 1
    order = np.random.default_rng(0).permutation(600)
    shuffled = PPP(random_state=0).fit(X[order]).labels_
    assert adjusted_rand_score(base[order], shuffled) == 1


def test_the_same_seed_gives_the_same_answer():
    X, _ = ppp.make_blobs7(random_state=1)
    one, two = (PPP(random_state=3).fit(X) for _ in range(2))
    np.testing.assert_array_equal(one.labels_, two.labels_)
    np.testing.assert_array_equal(one.core_mask_, two.core_mask_)
    assert clone(one).get_params() == one.get_params()


def test_prediction_repeats_the_labels():
    X, _ = ppp.make_big(1500, 4, 3, random_state=5)
    for settings_ in ({}, {"polish": False}, {"n_direct": 500}, {"n_direct": 500, "polish": False}):
        model = PPP(random_state=0, **settings_).fit(X)
        assert model.n_clusters_ > 1
        np.testing.assert_array_equal(model.labels_, model.predict(X))
        np.testing.assert_array_equal(model.labels_, clone(model).fit_predict(X))


def test_polish_lowers_the_sum_of_squares():
    X, _ = ppp.make_blobs7(sd=1.0, random_state=1)
    ends = {}
    for polish in (False, True):
        model = PPP(random_state=0, polish=polish).fit(X)
        ends[polish] = ppp.compactness(X, model.labels_)["sse_ratio"]
        centres = [X[model.labels_ == c].mean(0) for c in range(model.n_clusters_)]
        np.testing.assert_allclose(model.cluster_centers_, centres)
    assert ends[True] <= ends[False]


def test_points_moved_by_the_polish_are_not_in_the_core():
    X, _ = ppp.make_big(1500, 4, 2, random_state=4)
    drawn, polished = (PPP(random_state=0, polish=p).fit(X) for p in (False, True))
    moved = drawn.labels_ != polished.labels_
    assert moved.sum() > 100
    assert drawn.core_mask_[moved].any()
    assert not polished.core_mask_[moved].any()
    assert polished.core_mask_.any()


def test_polish_does_not_lose_a_cluster():
    from mixbook.mixtures.ppp._estimator import _finish

    # The middle cluster's mean lies where k-means takes all its points away.
    X = np.array([[0.0], [1.0], [10.0], [11.0], [0.4], [10.6]])
    leaf = np.array([0, 0, 1, 1, 2, 2])
    labels, centres, by_centre = _finish(X, np.ones(6), leaf, True)
    assert not by_centre
    np.testing.assert_array_equal(labels, leaf)
    np.testing.assert_allclose(centres[:, 0], [0.5, 10.5, 5.5])


def test_posteriors_are_those_of_the_clusters_gaussians():
    X, _ = ppp.make_big(1500, 3, 2, random_state=3)
    model = PPP(random_state=0).fit(X)
    assert model.n_clusters_ > 1
    reg = 1e-4 * X.var(0).mean() * np.eye(2)
    dense = []
    for c in range(model.n_clusters_):
        part = X[model.labels_ == c]
        cov = np.cov(part.T, ddof=0) + reg
        np.testing.assert_allclose(model.covariances_[c], cov)
        assert model.weights_[c] == pytest.approx(len(part) / len(X))
        dense.append(len(part) * multivariate_normal(part.mean(0), cov).pdf(X))
    wanted = np.array(dense).T
    np.testing.assert_allclose(model.predict_proba(X), wanted / wanted.sum(1, keepdims=True))


def test_the_core_of_one_gaussian_is_its_ellipsoid():
    X = np.random.default_rng(0).normal(size=(2000, 3)) * [1, 2, 3]
    model = PPP(random_state=0).fit(X)
    assert model.n_clusters_ == 1
    away = X - X.mean(0)
    cov = np.cov(X.T, ddof=0) + 1e-4 * X.var(0).mean() * np.eye(3)
    distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(cov), away)
    np.testing.assert_array_equal(model.core_mask_, distance <= chi2.ppf(0.99, 3))
    assert model.core_mask_.mean() == pytest.approx(0.99, abs=0.01)


def test_points_between_two_clusters_are_not_in_the_core():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    X = rng.normal(size=(600, 2)) + [4.5, 0] * y[:, None]
    model = PPP(random_state=0).fit(X)
    assert model.n_clusters_ == 2
    inner = np.abs(X[:, 0] - 2.25) < 0.25
    assert inner.sum() > 3
    assert not model.core_mask_[inner].any()
    assert model.core_mask_.mean() > 0.9
    wrong = (model.labels_ == model.labels_[0]) != (y == y[0])
    assert wrong.any()
    assert wrong[model.core_mask_].mean() < wrong.mean()


def test_weights_act_as_repeated_points():
    X, _ = ppp.make_tri(90, random_state=0)
    w = np.random.default_rng(0).integers(1, 4, 90)
    weighted = PPP(random_state=0).fit(X, sample_weight=w)
    repeated = PPP(random_state=0).fit(np.repeat(X, w, axis=0))
    assert weighted.n_clusters_ == repeated.n_clusters_ == 3
    np.testing.assert_allclose(
        np.sort(weighted.cluster_centers_, axis=0), np.sort(repeated.cluster_centers_, axis=0)
    )
    np.testing.assert_allclose(np.sort(weighted.weights_), np.sort(repeated.weights_))
    one, other = (sorted(c.gain for c in m.tree_.result.candidates) for m in (weighted, repeated))
    np.testing.assert_allclose(one[-1], other[-1], rtol=1e-3)


def test_the_start_along_the_axis_changes_no_clear_answer():
    X, y = ppp.make_nested6(random_state=0)
    model = PPP(random_state=0, with_principal=True).fit(X)
    assert adjusted_rand_score(model.labels_, y) == 1


# --- micro-clusters -------------------------------------------------------------------------------


def test_micro_clusters_keep_all_moments():
    X, _ = ppp.make_big(4000, 3, 3, random_state=0)
    w = np.random.default_rng(0).uniform(0.5, 2, 4000)
    for weight in (None, w):
        v = np.ones(4000) if weight is None else weight
        found = ppp.micro_clusters(X, 50, sample_weight=weight, random_state=0)
        assert found.counts.sum() == pytest.approx(v.sum())
        for m in (0, len(found.counts) - 1):
            inside = found.assign == m
            part, share = X[inside], v[inside]
            np.testing.assert_allclose(found.centroids[m], np.average(part, axis=0, weights=share))
            np.testing.assert_allclose(
                found.scatters[m], np.cov(part.T, aweights=share, ddof=0), atol=1e-12
            )
        mean = np.average(found.centroids, axis=0, weights=found.counts)
        away = found.centroids - mean
        spread = np.einsum("m,mi,mj->ij", found.counts, away, away)
        spread += np.einsum("m,mij->ij", found.counts, found.scatters)
        np.testing.assert_allclose(spread / v.sum(), np.cov(X.T, aweights=v, ddof=0))


def test_micro_clusters_are_far_better_than_random_cells():
    X, _ = ppp.make_big(20_000, 6, 2, random_state=0)
    found = ppp.micro_clusters(X, 200, random_state=0)
    assert len(found.counts) <= 200
    within = found.counts @ np.trace(found.scatters, axis1=1, axis2=2)
    peer = KMeans(200, n_init=1, random_state=0).fit(X).inertia_
    assert within < 1.3 * peer


def test_default_numbers_of_micro_clusters():
    for n, M in ((4, 4), (400, 200), (10_000, 1000)):
        X = np.random.default_rng(0).normal(size=(n, 2))
        found = ppp.micro_clusters(X, random_state=0)
        assert 0.9 * M <= len(found.counts) <= M
    from mixbook.mixtures.ppp._micro import default_size

    assert default_size(50_000) == default_size(10**6) == 2000


def test_as_many_micro_clusters_as_points_change_nothing():
    X, _ = ppp.make_nested6(random_state=2)
    found = ppp.micro_clusters(X, 600)
    np.testing.assert_array_equal(found.centroids, X)
    assert not found.scatters.any()
    direct = PPP(random_state=0).fit(X)
    reduced = PPP(random_state=0, n_direct=10, n_micro=600).fit(X)
    assert direct.micro_ is None
    assert reduced.micro_ is not None
    np.testing.assert_array_equal(direct.labels_, reduced.labels_)
    np.testing.assert_array_equal(direct.core_mask_, reduced.core_mask_)
    assert direct.tree_.gain == pytest.approx(reduced.tree_.gain)


def test_the_reduction_starts_above_n_direct():
    X, y = ppp.make_nested6(random_state=2)
    assert PPP(n_direct=600, random_state=0).fit(X).micro_ is None
    reduced = PPP(n_direct=599, random_state=0).fit(X)
    assert len(reduced.micro_.counts) <= 245
    assert adjusted_rand_score(reduced.labels_, y) == 1
    assert reduced.tree_.size == 600
    assert len(reduced.core_mask_) == 600


def test_reduced_gaussians_are_those_of_the_points():
    X, y = ppp.make_big(20_000, 3, 3, random_state=0)
    model = PPP(random_state=0).fit(X)
    assert model.n_clusters_ == 3
    for c in range(3):
        part = X[y == np.bincount(y[model.labels_ == c]).argmax()]
        np.testing.assert_allclose(model.cluster_centers_[c], part.mean(0), atol=0.1)
        np.testing.assert_allclose(model.covariances_[c], np.cov(part.T), atol=0.15)


# --- measures, rivals, data -----------------------------------------------------------------------


def test_hopkins_of_uniform_points_and_of_blobs():
    rng = np.random.default_rng(0)
    flat = [ppp.hopkins(rng.uniform(size=(300, 2)), random_state=rng) for _ in range(200)]
    assert np.mean(flat) == pytest.approx(0.5, abs=0.06)
    X, _ = ppp.make_tri(sd=0.1, random_state=0)
    assert np.mean([ppp.hopkins(X, random_state=rng) for _ in range(20)]) > 0.9


def test_hopkins_by_brute_force():
    X = np.random.default_rng(0).normal(size=(30, 3))
    rng = np.random.default_rng(7)
    places = rng.uniform(X.min(0), X.max(0), (5, 3))
    drawn = rng.choice(30, 5, replace=False)
    u = [min(np.linalg.norm(x - z) for x in X) for z in places]
    w = [min(np.linalg.norm(X[i] - X[j]) for j in range(30) if j != i) for i in drawn]
    wanted = sum(a**3 for a in u) / (sum(a**3 for a in u) + sum(b**3 for b in w))
    assert ppp.hopkins(X, 5, random_state=7) == pytest.approx(wanted)
    assert ppp.hopkins(1e-120 * X, 5, random_state=7) == pytest.approx(wanted)
    assert ppp.hopkins(np.ones((4, 2))) == 0.5


def test_separation_by_hand():
    X = np.array([[-1.0, 0], [1, 0], [9, 5], [11, -5], [0, 39], [0, 41]])
    labels = [0, 0, 1, 1, 2, 2]
    # Along x the first two have standard deviation 1 each.
    assert ppp.separation(X[:4], labels[:4]) == pytest.approx(10 / 2)
    assert ppp.separation(X, labels) == pytest.approx(5.0)
    assert np.isnan(ppp.separation(X[:2], [0, 0]))
    assert ppp.separation([[0.0], [1.0]], [0, 1]) == np.inf
    assert ppp.separation([[0.0], [2.0], [1.0], [1.0]], [0, 0, 1, 1]) == 0


def test_compactness_of_known_partitions():
    X = np.array([[0.0], [2.0], [10.0], [12.0]])
    found = ppp.compactness(X, [0, 0, 1, 1])
    assert found["sse_ratio"] == pytest.approx(4 / 104)
    assert found["davies_bouldin"] == pytest.approx(2 / 10)
    assert found["silhouette"] == pytest.approx(np.mean([1 - 2 / 11, 1 - 2 / 9] * 2))
    assert found["separation"] == pytest.approx(5)
    single = ppp.compactness(X, [0, 0, 0, 0])
    assert single["sse_ratio"] == 1
    assert np.isnan([single[k] for k in ("davies_bouldin", "silhouette", "separation")]).all()


def test_anderson_darling_is_that_of_scipy():
    x = np.random.default_rng(0).gamma(2, size=80)
    plain = anderson(x, method="interpolate").statistic
    assert ppp.anderson_darling(x) == pytest.approx(plain * (1 + 4 / 80 - 25 / 80**2))


def test_g_means_counts_round_clusters():
    X, y = ppp.make_blobs7(random_state=1)
    assert adjusted_rand_score(ppp.g_means(X, random_state=0), y) > 0.97
    one = np.random.default_rng(0).normal(size=(400, 2))
    assert ppp.g_means(one, random_state=0).max() == 0
    assert ppp.g_means(np.ones((20, 2))).max() == 0
    assert len(np.unique(ppp.g_means(X, max_clusters=3, random_state=0))) > 3  # stops after


def test_rivals_with_a_search_over_k():
    X, y = ppp.make_tri(random_state=0)
    assert adjusted_rand_score(ppp.kmeans_silhouette(X, range(2, 6), random_state=0), y) == 1
    labels, model = ppp.mixture_bic(X, range(1, 6), random_state=0)
    assert adjusted_rand_score(labels, y) == 1
    assert model.n_components == 3
    bics = [GaussianMixture(k, n_init=3, random_state=0).fit(X).bic(X) for k in range(1, 6)]
    assert model.bic(X) == pytest.approx(min(bics), rel=1e-3)
    _, loose = ppp.mixture_bic(X, [3], random_state=0, reg_covar=0.5)
    tight = ppp.mixture_bic(X, [3], random_state=0)[1]
    added = np.linalg.eigvalsh(loose.covariances_ - tight.covariances_)
    np.testing.assert_allclose(added, 0.5, atol=0.05)


def test_bic_of_k_means_is_that_of_equal_spheres():
    X, y = ppp.make_blobs7(140, random_state=1)
    n, p = X.shape
    scores = {}
    for K in range(1, 10):
        labels = KMeans(K, n_init=20, random_state=0).fit_predict(X)
        means = np.array([X[labels == c].mean(0) for c in range(K)])
        variance = ((X - means[labels]) ** 2).sum() / (n * p)
        log_lik = sum(
            multivariate_normal(means[c], variance).logpdf(x) + math.log((labels == c).mean())
            for x, c in zip(X, labels)
        )
        scores[K] = -2 * log_lik + (K - 1 + K * p + 1) * math.log(n)
        model = KMeans(K, n_init=20, random_state=0).fit(X)
        assert _spherical_bic(X, model) == pytest.approx(scores[K])
    found = ppp.kmeans_bic(X, range(1, 10), random_state=0)
    assert found.max() + 1 == min(scores, key=scores.get) == 7
    assert adjusted_rand_score(found, y) > 0.97
    one = np.random.default_rng(0).normal(size=(400, 2))
    assert ppp.kmeans_bic(one, range(1, 6), random_state=0).max() == 0
    assert ppp.kmeans_bic(np.repeat([[0.0], [1.0]], 20, axis=0), [1, 2]).max() == 1


def test_shapes_of_the_simulated_sets():
    X, y = ppp.make_nested6(sd=0, random_state=0)
    centres = np.unique(X.round(9), axis=0)
    gaps = np.linalg.norm(centres[:, None] - centres, axis=2)
    assert len(centres) == 6
    assert (np.isclose(gaps, 4).sum(1) == 2).all()
    assert (np.isclose(gaps, 20).sum(1) == 1).all()
    X, _ = ppp.make_tri(sd=0, random_state=0)
    corners = np.unique(X.round(9), axis=0)
    np.testing.assert_allclose(np.linalg.norm(corners - np.roll(corners, 1, 0), axis=1), 6)
    X, y = ppp.make_ring(8, 80, sd=0, random_state=0)
    centres = np.array([X[y == c][0] for c in range(8)])
    np.testing.assert_allclose(np.linalg.norm(centres - np.roll(centres, 1, 0), axis=1), 4)
    X, y = ppp.make_blobs7(700, 0.6, 1)
    assert sizes_of(y) == [100] * 7
    assert np.std(X[y == 0], axis=0) == pytest.approx([0.6, 0.6], rel=0.25)
    X, y = ppp.make_big(50_000, random_state=0)
    assert X.shape == (50_000, 5)
    assert len(np.unique(y)) == 12
    for k in range(12):
        spread = np.sqrt(np.linalg.eigvalsh(np.cov(X[y == k].T)))
        assert spread.min() > 0.45
        assert spread.max() < 2.1
        assert np.abs(X[y == k].mean(0)).max() < 8.2


# --- bad input ------------------------------------------------------------------------------------

GOOD = np.random.default_rng(0).normal(size=(40, 2))
HALVES = np.arange(40) % 2
NAN_SCATTERS = np.full((40, 2, 2), np.nan)
TABLES = [
    ([1.0, 2.0], ValueError, r"have shape \(n, d\)"),
    (np.zeros((0, 2)), ValueError, "row"),
    (np.zeros((5, 0)), ValueError, "column"),
    (np.array([[0.0, np.nan], [1, 1], [2, 2]]), ValueError, "finite"),
    (np.array([[0.0, np.inf], [1, 1], [2, 2]]), ValueError, "finite"),
    ([[1.0], [1.0, 2.0]], TypeError, "rectangular"),
    ([["a"], ["b"]], TypeError, "real numbers"),
    (None, TypeError, "real numbers"),
]


@pytest.mark.parametrize(("X", "error", "text"), TABLES)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("X", lambda X: PPP().fit(X)),
        ("X", lambda X: PPP(random_state=0).fit(GOOD).predict(X)),
        ("X", lambda X: PPP(random_state=0).fit(GOOD).predict_proba(X)),
        ("X", lambda X: ppp.repeatability(X, 1)),
        ("X", lambda X: ppp.node_test(X)),
        ("X", lambda X: ppp.validate_partition(X, [0, 1])),
        ("X", lambda X: ppp.hopkins(X)),
        ("X", lambda X: ppp.compactness(X, [0, 1])),
        ("X", lambda X: ppp.separation(X, [0, 1])),
        ("X", lambda X: ppp.micro_clusters(X)),
        ("X", lambda X: ppp.g_means(X)),
        ("X", lambda X: ppp.kmeans_silhouette(X)),
        ("X", lambda X: ppp.kmeans_bic(X)),
        ("X", lambda X: ppp.mixture_bic(X)),
        ("C", lambda X: ppp.weighted_gmm_em(X, k=1)),
    ],
)
def test_bad_tables(name, call, X, error, text):
    with pytest.raises(error, match=f"{name} must.*{text}"):
        call(X)


@pytest.mark.parametrize(
    ("settings_", "error", "text"),
    [
        ({"k_max": 1}, ValueError, "k_max must be an integer >= 2, got 1"),
        ({"k_max": 2.5}, TypeError, "k_max"),
        ({"n_restarts": 1}, ValueError, "n_restarts"),
        ({"n_init": 0}, ValueError, "n_init"),
        ({"rho": 1.1}, ValueError, "rho"),
        ({"rho": "high"}, TypeError, "rho"),
        ({"agreement": -0.1}, ValueError, "agreement"),
        ({"tau": 2}, ValueError, "tau"),
        ({"min_gain": np.nan}, ValueError, "min_gain"),
        ({"n_direct": 0}, ValueError, "n_direct"),
        ({"n_micro": 1}, ValueError, "n_micro"),
        ({"reg": 0}, ValueError, "reg"),
        ({"em_tol": -1}, ValueError, "em_tol"),
        ({"polish": "yes"}, TypeError, "polish must be True or False"),
        ({"with_principal": 1}, TypeError, "with_principal"),
        ({"random_state": -1}, ValueError, "seed"),
        ({"random_state": "a"}, TypeError, "seed"),
    ],
)
def test_bad_settings(settings_, error, text):
    with pytest.raises(error, match=text):
        PPP(**settings_).fit(GOOD)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: PPP().fit(GOOD[:1]), ValueError, "X must have at least 2"),
        (lambda: PPP().fit(GOOD, sample_weight=[1.0]), ValueError, "sample_weight must have shape"),
        (lambda: PPP().fit(GOOD, sample_weight=np.zeros(40)), ValueError, "> 0"),
        (lambda: PPP().fit(GOOD, sample_weight=["a"] * 40), TypeError, "sample_weight"),
        (lambda: PPP().fit(GOOD, sample_weight=np.full(40, np.nan)), ValueError, "finite"),
        (lambda: PPP().predict(GOOD), NotFittedError, "not fitted"),
        (lambda: PPP().predict_proba(GOOD), NotFittedError, "not fitted"),
        (lambda: PPP(random_state=0).fit(GOOD).predict(GOOD[:, :1]), ValueError, "2 column"),
        (lambda: ppp.repeatability(GOOD, 0), ValueError, "k must"),
        (lambda: ppp.repeatability(GOOD, 41), ValueError, "k must"),
        (lambda: ppp.repeatability(GOOD, 2, 1), ValueError, "n_restarts"),
        (lambda: ppp.repeatability(GOOD, 2, n_init=0), ValueError, "n_init"),
        (lambda: ppp.validate_partition(GOOD, HALVES[:5]), ValueError, "labels must have shape"),
        (lambda: ppp.validate_partition(GOOD, HALVES + 1), ValueError, "0 ... k - 1"),
        (lambda: ppp.validate_partition(GOOD, 2 * HALVES), ValueError, "0 ... k - 1"),
        (lambda: ppp.validate_partition(GOOD, HALVES / 2), TypeError, "labels must hold integers"),
        (lambda: ppp.validate_partition(GOOD, HALVES, tau=2), ValueError, "tau"),
        (lambda: ppp.validate_partition(GOOD, HALVES, 0.8, "round"), ValueError, "covariance_type"),
        (lambda: ppp.validate_partition(GOOD, HALVES, reg=-1), ValueError, "reg"),
        (lambda: ppp.weighted_gmm_em(GOOD, k=2), ValueError, "init must hold k = 2"),
        (lambda: ppp.weighted_gmm_em(GOOD, k=41), ValueError, "k must"),
        (lambda: ppp.weighted_gmm_em(GOOD, -np.ones(40), k=1), ValueError, "counts"),
        (lambda: ppp.weighted_gmm_em(GOOD, None, np.zeros((40, 2))), ValueError, "scatters must"),
        (lambda: ppp.weighted_gmm_em(GOOD, None, NAN_SCATTERS), ValueError, "finite"),
        (lambda: ppp.weighted_gmm_em(GOOD, None, "none"), TypeError, "scatters"),
        (lambda: ppp.weighted_gmm_em(GOOD, k=1, max_iter=0), ValueError, "max_iter"),
        (lambda: ppp.weighted_gmm_em(GOOD, k=1, tol=-1), ValueError, "tol"),
        (lambda: ppp.weighted_gmm_em(GOOD, k=1, covariance_type="tied"), ValueError, "covariance"),
        (lambda: ppp.node_test(GOOD, reg=-1), ValueError, "reg"),
        (lambda: ppp.validate_partition(GOOD, HALVES, tol=-1), ValueError, "tol"),
        (lambda: ppp.node_test(GOOD, k_max=1), ValueError, "k_max"),
        (lambda: ppp.hopkins(GOOD, 0), ValueError, "m must"),
        (lambda: ppp.hopkins(GOOD, 41), ValueError, "m must"),
        (lambda: ppp.hopkins(GOOD[:1]), ValueError, "at least 2"),
        (lambda: ppp.compactness(GOOD, HALVES[:3]), ValueError, "labels"),
        (lambda: ppp.micro_clusters(GOOD, 41), ValueError, "M must"),
        (lambda: ppp.micro_clusters(GOOD, 0), ValueError, "M must"),
        (lambda: ppp.g_means(GOOD, critical=-1), ValueError, "critical"),
        (lambda: ppp.g_means(GOOD, min_size=1), ValueError, "min_size"),
        (lambda: ppp.kmeans_silhouette(GOOD, [1]), ValueError, "ks must"),
        (lambda: ppp.kmeans_silhouette(GOOD, [40]), ValueError, "ks must"),
        (lambda: ppp.kmeans_bic(GOOD, []), ValueError, "ks must name at least one"),
        (lambda: ppp.mixture_bic(GOOD, [2.5]), TypeError, "ks must"),
        (lambda: ppp.mixture_bic(GOOD, [41]), ValueError, "ks must"),
        (lambda: ppp.make_blobs7(3), ValueError, "n must"),
        (lambda: ppp.make_tri(sd=-1), ValueError, "sd"),
        (lambda: ppp.make_ring(1), ValueError, "K must"),
        (lambda: ppp.make_big(5), ValueError, "n must"),
    ],
)  # fmt: skip
def test_bad_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_every_public_name_has_a_docstring():
    for name in ppp.__all__:
        assert inspect.getdoc(getattr(ppp, name)), name
