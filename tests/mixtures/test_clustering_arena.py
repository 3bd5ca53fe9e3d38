"""The arena of the part: its data, its entrants, and how answers are compared."""

import itertools

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score, silhouette_score

from mixbook.mixtures import arena

ENTRANTS = (*arena.TOLD_K, *arena.FIND_K)


def far_apart(n=90, seed=0):
    """Three round clouds that nobody can confuse."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centres = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
    return arena.Points(centres[y] + rng.standard_normal((n, 2)), y)


# ---- data ----


@pytest.mark.parametrize(
    ("name", "n", "p", "K"),
    [
        ("two triangles", 120, 2, 6),
        ("ring of six", 120, 2, 6),
        ("three shapes", 90, 2, 3),
        ("crossing, p = 8", 80, 8, 2),
        ("crossing, one in five", 80, 4, 2),
        ("one Gaussian", 150, 2, 1),
        ("uniform square", 150, 2, 1),
        ("iris", 150, 4, 3),
        ("wine", 178, 4, 3),
        ("breast cancer", 569, 5, 2),
    ],
)
def test_sets_have_their_sizes_and_all_classes(name, n, p, K):
    points = arena.draw(name, 0)
    assert points.X.shape == (n, p)
    assert points.K == K
    assert np.array_equal(np.unique(points.y), np.arange(K))
    again, other = arena.draw(name, 0), arena.draw(name, 1)
    assert np.array_equal(points.X, again.X)
    assert np.array_equal(points.X, other.X) == (name in arena.REAL_SETS)


def test_one_in_five_is_one_in_five():
    assert np.bincount(arena.draw("crossing, one in five", 3).y).tolist() == [16, 64]


def test_real_sets_are_standardised():
    iris = load_iris()
    points = arena.draw("iris")
    expected = (iris.data - iris.data.mean(0)) / iris.data.std(0)
    np.testing.assert_allclose(points.X, expected)
    assert np.array_equal(points.y, iris.target)
    for name in ("wine", "breast cancer"):  # components: uncorrelated, by falling variance
        cov = np.cov(arena.draw(name).X.T)
        np.testing.assert_allclose(cov, np.diag(np.diag(cov)), atol=1e-8)
        assert (np.diff(np.diag(cov)) < 0).all()


def test_bad_set():
    with pytest.raises(ValueError, match="name"):
        arena.draw("moons")


# ---- entrants ----


@pytest.mark.parametrize("name", ENTRANTS)
def test_every_entrant_finds_clouds_far_apart(name):
    points = far_apart()
    score = arena.enter(name, points, 0)
    assert adjusted_rand_score(points.y, score.labels) == 1
    assert (score.error, score.n_clusters) == (0, 3)
    assert score.seconds > 0


@pytest.mark.parametrize("name", ENTRANTS)
def test_entrants_repeat_themselves(name):
    points = arena.draw("three shapes", 1)
    first, second = (arena.enter(name, points, 5).labels for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", arena.FIND_K)
def test_finders_do_not_see_the_truth(name):
    points = arena.draw("three shapes", 2)
    shuffled = arena.Points(points.X, np.random.default_rng(0).integers(0, 7, len(points.y)))
    seen, unseen = (arena.enter(name, p, 1).labels for p in (points, shuffled))
    assert np.array_equal(seen, unseen)


@pytest.mark.parametrize("name", arena.TOLD_K)
def test_the_others_use_the_number_they_are_told(name):
    points = far_apart()
    more = arena.Points(points.X, np.arange(len(points.y)) % 4)
    assert arena.enter(name, more, 0).n_clusters == 4


def test_shapes_separate_the_gaussian_entrants_from_k_means():
    errors = {
        name: np.mean([arena.enter(name, arena.draw("three shapes", s), s).error for s in range(3)])
        for name in ("k-means", "EM", "iLA-SDP")
    }
    assert max(errors["EM"], errors["iLA-SDP"]) < 0.05 < errors["k-means"]


def test_silhouette_and_bic_choose_as_by_hand():
    points = arena.draw("ring of six", 0)
    by_K = {
        K: KMeans(K, n_init=20, random_state=3).fit_predict(points.X)
        for K in range(2, arena.K_MAX + 1)
    }
    best = max(by_K, key=lambda K: silhouette_score(points.X, by_K[K]))
    assert arena.enter("k-means, silhouette", points, 3).n_clusters == best == 6
    cloud = arena.draw("one Gaussian", 0)
    assert arena.enter("EM, BIC", cloud, 0).n_clusters == 1


@pytest.mark.parametrize(
    ("name", "seed", "error"),
    [("moons", 0, ValueError), ("EM", -1, ValueError), ("EM", "a", TypeError)],
)
def test_bad_entry(name, seed, error):
    with pytest.raises(error, match="name" if name == "moons" else "seed"):
        arena.enter(name, far_apart(), seed)


# ---- comparing answers ----


def test_disagreement_is_one_less_the_mean_rand_index():
    rng = np.random.default_rng(0)
    answers = [rng.integers(0, 3, 50) for _ in range(4)]
    pairs = [adjusted_rand_score(a, b) for a, b in itertools.combinations(answers, 2)]
    assert arena.seed_disagreement(answers) == pytest.approx(1 - np.mean(pairs))
    same = [answers[0], 2 - answers[0]]
    assert arena.seed_disagreement(same) == pytest.approx(0)


def test_bad_answers():
    with pytest.raises(ValueError, match="two"):
        arena.seed_disagreement([np.zeros(3, dtype=np.int64)])
