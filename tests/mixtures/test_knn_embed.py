"""kNN-Embed against plain loops, brute force, closed forms and symmetries."""

import builtins
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import cosine_similarity

from mixbook.mixtures import knn_embed as ke


def norm(x):
    return np.asarray(x) / np.linalg.norm(x)


def problem(seed=0, nq=30, nt=60, d=6, density=0.15):
    """Random lists with at least two items each, unit vectors for both sides."""
    rng = np.random.default_rng(seed)
    R = (rng.random((nq, nt)) < density).astype(float)
    R[np.arange(nq), rng.integers(nt, size=nq)] = 1
    R[np.arange(nq), rng.integers(nt, size=nq)] = 1
    Q, I = rng.normal(size=(nq, d)), rng.normal(size=(nt, d))
    unit = lambda X: X / np.linalg.norm(X, axis=1, keepdims=True)  # noqa: E731
    return R, unit(Q), unit(I)


def neighbours_by_hand(Q, q, k):
    """Self first, then by cosine."""
    others = [j for j in range(len(Q)) if j != q]
    others.sort(key=lambda j: -np.dot(Q[q], Q[j]) / np.linalg.norm(Q[j]))
    return [q, *others[: k - 1]]


def weights_by_hand(R, labels, C, q):
    mine = [labels[t] for t in np.flatnonzero(R[q])]
    return np.array([mine.count(c) for c in range(C)]) / len(mine)


def component_by_hand(R, I, labels, near, c, pool, C):
    total = np.zeros(I.shape[1])
    for j in near:
        inside = [t for t in np.flatnonzero(R[j]) if labels[t] == c]
        if not inside:
            continue
        own = sum(I[t] for t in inside)
        if pool == "items":
            total += own
        else:
            total += weights_by_hand(R, labels, C, j)[c] * norm(own)
    return norm(total)


def list_by_hand(R, Q, I, labels, C, q, k, n, pool):
    """The whole method for one query, in loops."""
    near = neighbours_by_hand(Q, q, k)
    p = np.mean([weights_by_hand(R, labels, C, j) for j in near], axis=0)
    counts = allocate_by_hand(p, n)
    taken = []
    for c in sorted(range(C), key=lambda c: (-round(p[c], 12), c)):
        if counts[c]:
            mu = component_by_hand(R, I, labels, near, c, pool, C)
            free = [t for t in range(len(I)) if not R[q, t] and t not in taken]
            taken += sorted(free, key=lambda t: -(I[t] @ mu))[: counts[c]]
    return taken


def allocate_by_hand(p, n):
    p = np.asarray(p) / np.sum(p)
    counts = [int(np.floor(round(n * x, 9))) for x in p]
    rest = sorted(range(len(p)), key=lambda c: (-round(n * p[c] - counts[c], 9), c))
    for c in rest[: n - sum(counts)]:
        counts[c] += 1
    return counts


# ---------------------------------------------------------------- the whole method


@pytest.mark.parametrize("pool", ["items", "components"])
@pytest.mark.parametrize("index", ["exact", "faiss"])
@pytest.mark.parametrize(("k", "C", "n"), [(1, 4, 7), (5, 4, 12), (30, 7, 9), (3, 1, 5)])
def test_lists_agree_with_loops(pool, index, k, C, n):
    R, Q, I = problem()
    model = ke.KNNEmbed(C, k, index=index, pool=pool, n_probe=99, random_state=0).fit(R, I, Q)
    found = model.retrieve(np.arange(len(R)), n)
    for q in range(len(R)):
        wanted = list_by_hand(R, Q, I, model.labels_, C, q, k, n, pool)
        assert found[q].tolist() == wanted, q


def test_six_items_by_hand():
    """Two interests at right angles; everything can be read off."""
    I = np.array([[1, 0], [0.9, 0.1], [0.8, 0.3], [0, 1], [0.1, 0.9], [0.3, 0.8]])
    R = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0]])
    model = ke.KNNEmbed(2, 1, random_state=0).fit(R, I)
    east = model.labels_[0]
    assert (model.labels_ == np.where(np.arange(6) < 3, east, 1 - east)).all()
    assert model.weights_[0].tolist() == [0.5, 0.5]
    assert model.weights_[1, east] == 1
    # user 0: nearest to (1, 0) is item 1, nearest to (0, 1) is item 4
    assert sorted(model.retrieve(0, 2)[0]) == [1, 4]
    assert model.retrieve(1, 1)[0].tolist() == [0]
    both = ke.KNNEmbed(2, 2, random_state=0).fit(R, I)
    assert both.weights_[:, east].tolist() == [0.75, 0.75]


def test_one_cluster_without_smoothing_is_the_mean_vector():
    R, Q, I = problem(1)
    model = ke.KNNEmbed(1, 1, random_state=0).fit(R, I, Q)
    mean = R @ I
    found = model.retrieve(np.arange(len(R)), 10)
    assert (found == ke.unimodal_retrieve(mean, I, R, 10)).all()
    assert (model.weights_ == 1).all()


def test_all_queries_as_neighbours_give_all_the_same_weights():
    R, Q, I = problem(2)
    model = ke.KNNEmbed(5, len(R), random_state=0).fit(R, I, Q)
    P = ke.mixture_weights(R, model.labels_, 5)
    assert np.allclose(model.weights_, P.mean(axis=0))


@pytest.mark.parametrize("index", ["exact", "faiss"])
@pytest.mark.parametrize("allocation", ["largest_remainder", "multinomial"])
def test_lists_hold_nothing_twice_and_nothing_seen(index, allocation):
    data = ke.make_multi_interest(0, n_items=400, n_types=10)
    model = ke.KNNEmbed(16, 5, index=index, allocation=allocation, n_probe=2, dim=16,
                        random_state=0).fit(data.train)  # fmt: skip
    lists = model.retrieve(np.arange(200), 60, random_state=0)
    assert lists.shape == (200, 60)
    for q, row in enumerate(lists):
        assert len(set(row)) == 60
        assert data.train[[q]][:, row].sum() == 0
        assert (model.labels_[row] >= 0).all()


def test_the_default_length_and_vectors():
    data = ke.make_multi_interest(3, n_items=300, n_types=10)
    model = ke.KNNEmbed(8, n_candidates=11, dim=16, random_state=0).fit(data.train)
    assert model.retrieve([0, 5]).shape == (2, 11)
    lengths = np.linalg.norm(model.item_vectors_, axis=1)
    unseen = np.asarray(data.train.sum(axis=0)) == 0
    assert unseen.any()
    assert np.allclose(lengths, ~unseen)
    assert (model.labels_[unseen] == -1).all()
    assert (model.labels_[~unseen] >= 0).all()


def test_query_vectors_default_to_the_mean_of_the_items():
    R, _, I = problem(4)
    model = ke.KNNEmbed(3, 4, random_state=0).fit(R, I)
    assert np.allclose(model.query_vectors_, [norm(row @ I) for row in R])


def test_a_query_whose_neighbourhood_is_unknown_gets_the_popular_clusters():
    R, Q, I = problem(5)
    R[3] = 0
    model = ke.KNNEmbed(4, 1, random_state=0).fit(R, I, Q)
    P = ke.mixture_weights(R, model.labels_, 4)
    assert P[3].tolist() == [0, 0, 0, 0]
    assert np.allclose(model.weights_[3], P.sum(axis=0) / 29)
    counts = allocate_by_hand(model.weights_[3], 8)
    taken = []
    for c in np.lexsort((range(4), -model.weights_[3])):
        free = [t for t in range(60) if t not in taken]
        taken += sorted(free, key=lambda t: -(I[t] @ model.centers_[c]))[: counts[c]]
    assert model.retrieve(3, 8)[0].tolist() == taken


def test_renumbered_clusters_permute_the_weights():
    R, Q, I = problem(6)
    labels = np.arange(60) % 4
    new = np.array([2, 0, 3, 1])
    P, P_new = (ke.mixture_weights(R, x, 4) for x in (labels, new[labels]))
    assert np.allclose(P_new[:, new], P)
    nbrs = ke.knn_queries(Q, 3)
    one = ke.component_vectors(R, I, labels, nbrs, 2)
    two = ke.component_vectors(R, I, new[labels], nbrs, 2)
    assert all(np.allclose(two[new[c]], mu) for c, mu in one.items())


def test_the_order_of_queries_asked_for_is_kept():
    R, Q, I = problem(7)
    model = ke.KNNEmbed(4, 5, random_state=0).fit(R, I, Q)
    every = model.retrieve(np.arange(30), 9)
    some = [17, 3, 3, 29]
    assert (model.retrieve(some, 9) == every[some]).all()


def test_blocks_change_nothing(monkeypatch):
    R, Q, I = problem(8)
    model = ke.KNNEmbed(6, 5, random_state=0).fit(R, I, Q)
    whole = model.retrieve(np.arange(30), 9)
    monkeypatch.setattr("mixbook.mixtures.knn_embed._retrieval.BLOCK", 4)
    assert (model.retrieve(np.arange(30), 9) == whole).all()


@pytest.mark.parametrize("pool", ["items", "components"])
def test_smoothing_again_is_fitting_again(pool):
    R, Q, I = problem(17)
    fresh = ke.KNNEmbed(4, 6, pool=pool, random_state=0).fit(R, I, Q)
    again = ke.KNNEmbed(4, 1, pool=pool, random_state=0).fit(R, I, Q).resmooth(6)
    assert again.k == 6
    assert (again.weights_ == fresh.weights_).all()
    assert (again.retrieve(np.arange(30), 9) == fresh.retrieve(np.arange(30), 9)).all()
    less = ke.KNNEmbed(4, 3, pool=pool, random_state=0).fit(R, I, Q)
    assert (again.resmooth(3).weights_ == less.weights_).all()
    assert (again.retrieve(np.arange(30), 9) == less.retrieve(np.arange(30), 9)).all()


def test_equal_seeds_equal_lists():
    data = ke.make_multi_interest(0, n_items=300, n_types=10)
    a, b = (ke.KNNEmbed(8, dim=16, random_state=5).fit(data.train).retrieve(0) for _ in range(2))
    assert (a == b).all()


def test_faiss_finds_nearly_what_the_full_scan_finds():
    data = ke.make_multi_interest(0)
    lists = {
        index: ke.KNNEmbed(20, 5, index=index, n_probe=8, random_state=0)
        .fit(data.train, data.item_vectors)
        .retrieve(np.arange(300), 20)
        for index in ("exact", "faiss")
    }
    same = [len(set(a) & set(b)) / 20 for a, b in zip(lists["exact"], lists["faiss"])]
    assert np.mean(same) > 0.8


def test_where_the_index_finds_too_few_the_full_scan_steps_in():
    R, Q, I = problem(19, nt=200)  # five cells
    one = [ke.unimodal_retrieve(Q, I, R, 120, index=x, n_probe=1) for x in ("exact", "faiss")]
    assert (one[0] == one[1]).all()
    exact, index = (ke.KNNEmbed(3, 2, index=x, n_probe=1, random_state=0).fit(R, I, Q)
                    .retrieve(np.arange(30), 120) for x in ("exact", "faiss"))  # fmt: skip
    assert all(len(set(row)) == 120 for row in index)
    assert not np.take_along_axis(R, index, axis=1).any()
    assert (exact == index).all(axis=1).any()


def test_the_index_looks_far_enough_to_do_without_the_full_scan(monkeypatch):
    R, Q, I = problem(19, nt=200)
    model = ke.KNNEmbed(4, 3, index="faiss", n_probe=99, random_state=0).fit(R, I, Q)
    monkeypatch.setattr("mixbook.mixtures.knn_embed._retrieval.take_best", None)
    assert model.retrieve(np.arange(30), 20).shape == (30, 20)


def test_drawn_budgets_are_spent():
    """Two cones at right angles: what each list holds of them is what was drawn."""
    rng = np.random.default_rng(0)
    I = np.repeat(np.eye(6)[:2], 50, axis=0) + 0.05 * rng.normal(size=(100, 6))
    R = np.zeros((40, 100))
    R[:, [0, 1, 2, 50]] = 1
    model = ke.KNNEmbed(2, 1, allocation="multinomial", random_state=0).fit(R, I)
    lists = model.retrieve(np.arange(40), 10, random_state=7)
    held = np.array([np.bincount(model.labels_[row], minlength=2) for row in lists])
    assert (held == ke.allocate(model.weights_, 10, "multinomial", 7)).all()
    assert len(np.unique(held[:, 0])) > 2


def test_a_missing_faiss_names_the_extra(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "faiss":
            raise ImportError("no faiss")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    R, Q, I = problem()
    with pytest.raises(ImportError, match=r"mixbook\[mixtures\]"):
        ke.KNNEmbed(3, index="faiss").fit(R, I, Q)


# ---------------------------------------------------------------- parts


@given(
    p=st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any),
    n=st.integers(0, 60),
)
def test_allocations_are_proportional(p, n):
    counts = ke.allocate(p, n)
    assert counts.sum() == n
    assert (np.abs(counts - n * np.array(p) / sum(p)) < 1).all()
    assert counts.tolist() == allocate_by_hand(p, n)


def test_ties_go_to_the_lower_cluster():
    assert ke.allocate([0.25] * 4, 2).tolist() == [1, 1, 0, 0]
    assert ke.allocate([1 / 3] * 3, 10).tolist() == [4, 3, 3]
    assert ke.allocate([0.1, 0.7, 0.2], 10).tolist() == [1, 7, 2]
    assert ke.allocate([2, 22, 50, 50, 50], 29).tolist() == [1, 4, 8, 8, 8]
    assert ke.allocate([[1, 3], [3, 1]], 2).tolist() == [[1, 1], [2, 0]]


def test_drawn_allocations_have_the_right_mean():
    p = np.array([0.5, 0.3, 0.2, 0.0])
    rng = np.random.default_rng(0)
    drawn = np.array([ke.allocate(p, 10, "multinomial", rng) for _ in range(4000)])
    assert (drawn.sum(axis=1) == 10).all()
    assert np.allclose(drawn.mean(axis=0), 10 * p, atol=0.1)
    assert np.allclose(drawn.var(axis=0), 10 * p * (1 - p), atol=0.2)
    again = ke.allocate(p, 10, "multinomial", 3)
    assert (again == ke.allocate(p, 10, "multinomial", 3)).all()


def test_weights_are_shares():
    R, _, _ = problem(9)
    labels = np.arange(60) % 5
    P = ke.mixture_weights(sparse.csr_array(R), labels)
    for q in range(30):
        assert np.allclose(P[q], weights_by_hand(R, labels, 5, q))
    assert (ke.mixture_weights(3 * R, labels) == P).all()  # an entry counts once
    assert ke.mixture_weights([[0, 1, 0], [1, 1, 1]], [0, 1, 1])[0].tolist() == [0, 1]
    part = np.where(np.arange(60) < 30, labels, -1)
    assert np.allclose(ke.mixture_weights(R, part), ke.mixture_weights(R[:, :30], labels[:30]))
    assert ke.mixture_weights(R, labels, 8).shape == (30, 8)


@pytest.mark.parametrize("k", [1, 2, 7, 30])
def test_neighbours_are_the_nearest_and_oneself(k):
    _, Q, _ = problem(10)
    scale = np.random.default_rng(0).uniform(0.5, 3, size=(30, 1))
    nbrs = ke.knn_queries(scale * Q, k)
    assert nbrs.tolist() == [neighbours_by_hand(Q, q, k) for q in range(30)]
    assert (ke.knn_queries(Q, k, block=7) == nbrs).all()


def test_a_query_with_a_copy_still_comes_first():
    Q = np.array([[1.0, 0], [1.0, 0], [0, 1.0], [0, 0]])
    assert ke.knn_queries(Q, 2)[:, 0].tolist() == [0, 1, 2, 3]
    assert ke.knn_queries(Q, 2)[:2].tolist() == [[0, 1], [1, 0]]


def test_a_query_without_a_vector_has_no_neighbours():
    Q = np.array([[1.0, 0], [0.9, 0.1], [0, 0], [0, 1.0]])
    assert ke.knn_queries(Q, 3)[2].tolist() == [2, 2, 2]
    R, Q, I = problem(5)
    R[3] = 0
    labels, C = np.arange(60) % 4, 4
    nbrs = ke.knn_queries(unit_or_zero(R @ I), 4)
    P = ke.mixture_weights(R, labels, C)
    assert np.allclose(ke.smooth_weights(P, nbrs)[3], P.sum(axis=0) / P.sum())


def unit_or_zero(X):
    return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)


def test_smoothing_averages_rows():
    P = np.array([[1.0, 0], [0, 1.0], [0.5, 0.5], [0, 0]])
    assert ke.smooth_weights(P, [[0, 1], [1, 2], [2, 0], [3, 0]]).tolist() == [
        [0.5, 0.5],
        [0.25, 0.75],
        [0.75, 0.25],
        [1.0, 0.0],
    ]
    unknown = ke.smooth_weights(P, [[0], [1], [2], [3]])
    assert unknown[3].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("pool", ["items", "components"])
def test_components_agree_with_loops(pool):
    R, Q, I = problem(11)
    labels = np.arange(60) % 5
    nbrs = ke.knn_queries(Q, 4)
    for q in range(30):
        found = ke.component_vectors(R, I, labels, nbrs, q, pool)
        present = {labels[t] for j in nbrs[q] for t in np.flatnonzero(R[j])}
        assert set(found) == present
        for c, mu in found.items():
            assert np.allclose(mu, component_by_hand(R, I, labels, nbrs[q], c, pool, 5))


def test_spherical_kmeans_on_separate_cones():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 40)
    X = np.eye(8)[truth] + 0.1 * rng.normal(size=(200, 8))
    X = X * rng.uniform(0.2, 5, size=(200, 1))
    X = np.vstack([X, np.zeros((3, 8))])
    centers, labels = ke.spherical_kmeans(X, 5, n_init=3, random_state=0)
    assert adjusted_rand_score(truth, labels[:200]) == 1
    assert (labels[200:] == -1).all()
    unit = X[:200] / np.linalg.norm(X[:200], axis=1, keepdims=True)
    for c in range(5):
        assert np.allclose(centers[c], norm(unit[labels[:200] == c].sum(axis=0)))
    peer = KMeans(5, n_init=5, random_state=0).fit(unit)
    assert adjusted_rand_score(peer.labels_, labels[:200]) == 1


def test_spherical_kmeans_ends_in_a_fixed_point_and_improves_with_starts():
    X = np.random.default_rng(1).normal(size=(300, 5))
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    fits = []
    for n_init in (1, 10):
        centers, labels = ke.spherical_kmeans(X, 12, n_init, max_iter=200, random_state=0)
        assert np.allclose(np.linalg.norm(centers, axis=1), 1)
        assert (labels == (unit @ centers.T).argmax(axis=1)).all()
        for c in range(12):
            assert np.allclose(centers[c], norm(unit[labels == c].sum(axis=0)))
        fits.append((unit * centers[labels]).sum())
    assert fits[1] >= fits[0]


def test_the_best_of_several_starts_is_kept(monkeypatch):
    from mixbook.mixtures.knn_embed import _mixture

    X = np.repeat(np.eye(4), 5, axis=0)
    good, poor = np.eye(4), np.eye(4)[[0, 1, 2, 2]] + 0.01 * np.eye(4)[[3, 3, 2, 0]]
    for starts in ([good, poor], [poor, good]):
        draws = iter(starts)
        monkeypatch.setattr(_mixture, "kmeans_plusplus", lambda *a, **k: (next(draws), None))  # noqa: B023
        centers, labels = ke.spherical_kmeans(X, 4, n_init=2, max_iter=1, random_state=0)
        assert (centers == good).all()
        assert len(set(labels)) == 4


def test_as_many_clusters_as_directions():
    X = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    _, labels = ke.spherical_kmeans(np.vstack([X, X]), 4, random_state=0)
    assert sorted(labels[:4]) == [0, 1, 2, 3]
    assert (labels[:4] == labels[4:]).all()


def test_an_empty_cluster_takes_the_worst_item(monkeypatch):
    from mixbook.mixtures.knn_embed import _mixture

    bad = np.array([[1.0, 0, 0], [1.0, 0, 0]])  # the second never wins an item
    monkeypatch.setattr(_mixture, "kmeans_plusplus", lambda *a, **k: (bad, None))
    X = np.array([[1.0, 0, 0], [1, 0.1, 0], [0.1, 1, 0]])
    _, labels = ke.spherical_kmeans(X, 2, random_state=0)
    assert labels[0] == labels[1] != labels[2]
    centers, _ = ke.spherical_kmeans(X, 2, max_iter=1, random_state=0)
    assert np.allclose(centers[1], norm(X[2]))


def test_svd_vectors_against_a_dense_decomposition():
    R, _, _ = problem(12, density=0.3)
    R[:, 7] = 0
    Q, I = ke.svd_embeddings(R, 5, 0)
    rows, columns = R.sum(axis=1), np.maximum(R.sum(axis=0), 1)
    U, S, Vt = np.linalg.svd(R / np.sqrt(np.outer(rows, columns)))
    root = np.sqrt(S[:5])
    left, right = U[:, :5] * root, Vt[:5].T * root
    keep = np.arange(60) != 7
    assert np.allclose(Q @ Q.T, cosine_similarity(left), atol=1e-5)
    assert np.allclose(I[keep] @ I[keep].T, cosine_similarity(right[keep]), atol=1e-5)
    assert np.allclose(Q @ I[keep].T, cosine_similarity(left, right[keep]), atol=1e-5)
    assert (I[7] == 0).all()


def test_svd_separates_what_is_not_connected():
    R = np.kron(np.eye(3), np.ones((4, 5)))
    Q, I = ke.svd_embeddings(R, 3, 0)
    block_q, block_i = np.repeat(np.arange(3), 4), np.repeat(np.arange(3), 5)
    assert np.allclose(Q @ I.T, block_q[:, None] == block_i, atol=1e-6)


def test_translation_scores_and_loss_against_loops():
    model = ke.TransEBipartite(4, 5, 3, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.translation += torch.tensor([0.3, -0.2, 0.5])
    q, t = torch.tensor([0, 2, 3, 1]), torch.tensor([1, 4, 1, 0])
    logp = torch.tensor([0.1, 0.9, 0.0, 0.3, 0.4])
    E, r, T = model.queries.detach(), model.translation.detach(), model.items.detach()
    score = lambda i, j: float((E[q[i]] + r) @ T[t[j]])  # noqa: E731
    assert np.allclose(model(q, t).detach(), [[score(i, j) for j in range(4)] for i in range(4)])
    for bias in (None, logp):
        losses = []
        for i in range(4):
            kept = [j for j in range(4) if j == i or t[j] != t[i]]
            s = {j: score(i, j) - (0 if bias is None else float(bias[t[j]])) for j in kept}
            losses.append(np.log(sum(np.exp(list(s.values())))) - s[i])
        assert float(model.loss(q, t, bias).detach()) == pytest.approx(np.mean(losses), rel=1e-5)


def test_training_separates_blocks():
    R = np.kron(np.eye(3), np.ones((6, 8)))
    R = np.hstack([R, np.zeros((18, 1))])
    Q, I = ke.train_transe(R, 8, n_epochs=60, batch_size=64, lr=0.05, random_state=0)
    scores = Q @ I.T
    own = np.repeat(np.arange(3), 6)[:, None] == np.repeat(np.arange(3), 8)
    assert scores[:, :24][own].min() > scores[:, :24][~own].max()
    assert np.allclose(np.linalg.norm(Q, axis=1), 1)
    assert np.allclose(np.linalg.norm(I[:24], axis=1), 1)
    assert (I[24] == 0).all()
    again, _ = ke.train_transe(R, 8, n_epochs=60, batch_size=64, lr=0.05, random_state=0)
    assert (again == Q).all()


def test_what_training_hands_back(monkeypatch):
    """Queries are returned with the translation added; rows without a pair are zero."""
    kept = []

    def no_training(loss, parameters, *args, **kwargs):
        kept.extend(parameters)  # queries, items, translation
        with torch.no_grad():
            kept[2].copy_(torch.tensor([2.0, -1.0, 0.5]))

    monkeypatch.setattr("mixbook.mixtures.knn_embed._embeddings.minimise", no_training)
    R = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]])
    Q, I = ke.train_transe(R, 3, random_state=0)
    queries, items, r = (x.detach().numpy() for x in kept)
    for q in (0, 2):
        assert np.allclose(Q[q], norm(queries[q] + r), atol=1e-6)
    for t in (0, 1, 2):
        assert np.allclose(I[t], norm(items[t]), atol=1e-6)
    assert not Q[1].any()
    assert not I[3].any()


def test_the_popularity_correction_is_the_logarithm_of_the_degree(monkeypatch):
    given, plain = [], ke.TransEBipartite.loss

    def spy(self, q, t, log_popularity=None):
        given.append(log_popularity)
        return plain(self, q, t, log_popularity)

    monkeypatch.setattr(ke.TransEBipartite, "loss", spy)
    R = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]])
    for correct in (False, True):
        ke.train_transe(R, 2, n_epochs=1, correct_popularity=correct, random_state=0)
    assert given[0] is None
    assert np.allclose(given[-1], np.log([1, 3, 1]))


def test_directions_of_no_weight_are_noise_and_dropped(monkeypatch):
    def noisy(table, k, v0):
        U, Vt = np.zeros((9, 2)), np.zeros((2, 12))
        U[:8, 1], U[8, 0] = 8**-0.5, 1  # the last row has a part in the noise alone
        Vt[1, :11], Vt[0, 11] = 11**-0.5, 1
        return U, np.array([1e-11, 1.0]), Vt

    monkeypatch.setattr("mixbook.mixtures.knn_embed._embeddings.svds", noisy)
    Q, I = ke.svd_embeddings(np.ones((9, 12)), 2, 0)
    assert np.allclose(np.abs(Q[:8]), [0, 1])
    assert not Q[8].any()
    assert not I[11].any()


def test_popularity_correction_changes_the_popular_items_most():
    data = ke.make_multi_interest(1, n_items=300, n_types=10)
    args = {"dim": 8, "n_epochs": 5, "batch_size": 128, "random_state": 0}
    plain, fixed = (
        ke.train_transe(data.train, correct_popularity=c, **args)[0] for c in (False, True)
    )
    assert not np.allclose(plain, fixed, atol=1e-3)


def test_unimodal_lists_against_a_full_sort():
    R, Q, I = problem(13)
    I[5] = 0
    for index in ("exact", "faiss"):
        found = ke.unimodal_retrieve(Q, I, R, 12, index=index, n_probe=99)
        for q in range(30):
            free = [t for t in range(60) if not R[q, t] and t != 5]
            assert found[q].tolist() == sorted(free, key=lambda t: -(I[t] @ Q[q]))[:12]


def test_ties_in_a_list_go_to_the_lower_item():
    I = np.array([[0.0, 1], [1, 0], [1, 0], [1, 0], [0, 1]])
    seen = np.array([[0, 0, 1, 0, 0]])
    assert ke.unimodal_retrieve([[1.0, 0.0]], I, seen, 3).tolist() == [[1, 3, 0]]


# ---------------------------------------------------------------- baselines and measures


@pytest.mark.parametrize("trade_off", [0.0, 0.3, 0.8, 1.0])
def test_mmr_against_loops(trade_off):
    R, Q, I = problem(14)
    lists = ke.unimodal_retrieve(Q, I, R, 20)
    found = ke.mmr_rerank(lists, 2 * Q, I, 8, trade_off)
    for q in range(30):
        picks = [max(lists[q], key=lambda t: Q[q] @ I[t])]
        while len(picks) < 8:
            left = [t for t in lists[q] if t not in picks]
            picks.append(
                max(
                    left,
                    key=lambda t: (
                        trade_off * (Q[q] @ I[t])
                        - (1 - trade_off) * max(I[t] @ I[j] for j in picks)
                    ),
                )
            )
        assert found[q].tolist() == picks
    if trade_off == 1:
        assert (found == lists[:, :8]).all()


def test_mmr_in_blocks(monkeypatch):
    R, Q, I = problem(14)
    lists = ke.unimodal_retrieve(Q, I, R, 20)
    whole = ke.mmr_rerank(lists, Q, I, 8)
    monkeypatch.setattr("mixbook.mixtures.knn_embed._baselines.BLOCK", 7)
    assert (ke.mmr_rerank(lists, Q, I, 8) == whole).all()


def test_item_neighbours_against_cosines():
    R, _, _ = problem(15)
    scores = R @ cosine_similarity(R.T)
    found = ke.item_knn_retrieve(R, np.arange(30), 10)
    for q in range(30):
        free = np.flatnonzero(R[q] == 0)
        best = np.sort(scores[q, free])[::-1][:10]
        assert np.allclose(scores[q, found[q]], best)
        assert (R[q, found[q]] == 0).all()


def test_pure_svd_against_a_dense_decomposition():
    R, _, _ = problem(18, density=0.3)
    U, S, Vt = np.linalg.svd(R)
    scores = (U[:, :6] * S[:6]) @ Vt[:6]
    found = ke.pure_svd_retrieve(R, np.arange(30), 10, dim=6, random_state=0)
    for q in range(30):
        free = np.flatnonzero(R[q] == 0)
        assert found[q].tolist() == free[np.argsort(-scores[q, free])][:10].tolist()


@pytest.mark.parametrize("retrieve", [ke.item_knn_retrieve, ke.pure_svd_retrieve])
def test_rivals_in_blocks_and_in_the_order_asked_for(monkeypatch, retrieve):
    R, _, _ = problem(15)
    kwargs = {"dim": 5, "random_state": 0} if retrieve is ke.pure_svd_retrieve else {}
    whole = retrieve(R, np.arange(30), 10, **kwargs)
    monkeypatch.setattr("mixbook.mixtures.knn_embed._baselines.BLOCK", 7)
    assert (retrieve(R, np.arange(30)[::-1], 10, **kwargs) == whole[::-1]).all()


def test_popular_items_first():
    R = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]])
    assert ke.popularity_retrieve(R, [0, 2], 1).tolist() == [[1], [3]]
    assert ke.popularity_retrieve(R, 0, 3).tolist() == [[1, 2, 3]]


def test_recall_is_the_share_of_hidden_items():
    test = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 0, 0]])
    assert ke.recall_at([[0, 3], [2, 1]], test).tolist() == [1 / 3, 1.0]
    assert ke.recall_at([[3, 2], [0, 1]], sparse.csr_array(test)).tolist() == [0, 0]


def test_diversity_is_the_mean_over_pairs():
    _, _, I = problem(16)
    lists = np.array([[0, 5, 9, 30], [1, 2, 3, 4]])
    for row, value in zip(lists, ke.list_diversity(lists, 3 * I)):
        pairs = [1 - I[a] @ I[b] for a, b in permutations(row, 2)]
        assert value == pytest.approx(np.mean(pairs))
    assert ke.list_diversity([[0, 1]], np.eye(2)).tolist() == [1]
    assert ke.list_diversity([[0, 1]], [[1, 0], [-1, 0]]).tolist() == [2]
    assert ke.list_diversity([[0, 1]], [[1, 0], [0, 0]]).tolist() == [1]


def test_tag_diversity_against_sets():
    rng = np.random.default_rng(0)
    tags = rng.random((20, 9)) < 0.3
    tags[4] = False
    tags[:4, 0] = True
    lists = np.array([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]])
    sets = [set(np.flatnonzero(row)) for row in tags]
    for row, value in zip(lists, ke.tag_diversity(lists, tags)):
        pairs = [
            1 - len(sets[a] & sets[b]) / len(sets[a] | sets[b])
            for a, b in permutations(row, 2)
            if sets[a] and sets[b]
        ]
        assert value == pytest.approx(np.mean(pairs))
    tags[:2] = False
    assert np.isnan(ke.tag_diversity([[0, 1]], tags)[0])


def test_tag_diversity_in_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    tags, lists = rng.random((40, 6)) < 0.3, np.array([rng.permutation(40)[:5] for _ in range(30)])
    whole = ke.tag_diversity(lists, tags)
    monkeypatch.setattr("mixbook.mixtures.knn_embed._evaluation.BLOCK", 7)
    assert np.array_equal(ke.tag_diversity(lists, tags), whole, equal_nan=True)


def test_entropy_of_interests():
    assert ke.interest_entropy([[1, 0, 0], [2, 2, 2]]) == pytest.approx([0, np.log(3)])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), keep=st.integers(1, 6), frac=st.floats(0.05, 0.95))
def test_splits_hide_what_they_should(seed, keep, frac):
    R, _, _ = problem(seed)
    degree = R.sum(axis=1)
    train, test = ke.leave_out_split(R, keep=keep, random_state=seed)
    assert ((train + test).toarray() == R).all()
    assert (train.sum(axis=1) == np.minimum(keep, degree)).all()
    train, test = ke.leave_out_split(R, frac=frac, random_state=seed)
    assert ((train + test).toarray() == R).all()
    hidden = np.minimum(np.maximum(np.round(frac * degree), 1), degree - 1)
    assert (test.sum(axis=1) == hidden).all()


def test_splits_are_random_and_repeatable():
    R = np.ones((2000, 4))
    train, _ = ke.leave_out_split(R, keep=1, random_state=0)
    again, _ = ke.leave_out_split(R, keep=1, random_state=0)
    assert abs(train - again).nnz == 0
    assert np.allclose(train.sum(axis=0) / 2000, 0.25, atol=0.04)


def test_the_synthetic_law():
    data = ke.make_multi_interest(0)
    assert data.item_vectors.shape == (2000, 32)
    assert data.train.shape == data.test.shape == (2000, 2000)
    assert set(data.train.sum(axis=1)) == {5}
    assert set(data.test.sum(axis=1)) == {15}
    assert data.train.multiply(data.test).nnz == 0
    assert np.allclose(np.linalg.norm(data.item_vectors, axis=1), 1)
    assert np.allclose(data.weights.sum(axis=1), 1)
    assert np.allclose(data.weights.mean(axis=0), 1 / 3, atol=0.03)
    assert np.allclose(data.weights.var(axis=0), 1 / 18, atol=0.01)  # Dirichlet(1, 1, 1)
    assert all(len(set(row)) == 3 for row in data.interests)
    assert (data.interests[:20] == data.interests[0]).all()
    # cosine of an item with its centre: about 1 / sqrt(1 + 0.36)
    sums = np.array(
        [norm(data.item_vectors[data.item_clusters == c].sum(axis=0)) for c in range(20)]
    )
    cosines = (data.item_vectors * sums[data.item_clusters]).sum(axis=1)
    assert cosines.mean() == pytest.approx(1 / np.sqrt(1.36), abs=0.02)
    # users draw from their interests in proportion to the weights
    drawn = (data.train + data.test).toarray()
    share = np.array([drawn[:, data.item_clusters == c].sum(axis=1) for c in range(20)]).T / 20
    own = np.take_along_axis(share, data.interests, axis=1)
    assert own.sum(axis=1).mean() > 0.8
    assert np.corrcoef(own.ravel(), data.weights.ravel())[0, 1] > 0.85
    # train and test are a random part of one draw: neither has the more popular items
    popularity = drawn.sum(axis=0)
    in_train, in_test = (data.train @ popularity).mean() / 5, (data.test @ popularity).mean() / 15
    assert in_train == pytest.approx(in_test, rel=0.02)


def test_training_items_are_a_random_part_of_the_draw():
    """Drawn one by one, likely items come first; the part for training must not be the first."""
    data = ke.make_multi_interest(
        0, n_items=60, n_clusters=3, n_types=1, users_per_type=3000, dim=3
    )
    popularity = (data.train + data.test).sum(axis=0)
    in_train, in_test = (data.train @ popularity).mean() / 5, (data.test @ popularity).mean() / 15
    assert in_train == pytest.approx(in_test, rel=0.02)


def test_inside_an_interest_the_law_is_exponential():
    """The log-chance of items inside an interest grows by 12 a unit of cosine with the taste."""
    data = ke.make_multi_interest(0, n_types=1, users_per_type=60_000, n_items=60, n_train=1,
                                  n_test=1, n_clusters=3, dim=3)  # fmt: skip
    # chance of an item = sum over interests of weight x chance inside, so regress on the weights
    inside = np.linalg.lstsq(data.weights, data.train.toarray(), rcond=None)[0]
    assert np.allclose(inside.sum(axis=1), 1)
    for chance in inside:
        top = np.flatnonzero(chance > 0.015)
        X = np.c_[data.item_vectors[top], np.ones(len(top))]
        taste = np.linalg.lstsq(X, np.log(chance[top]), rcond=None)[0][:3]
        assert len(top) > 6
        assert np.linalg.norm(taste) == pytest.approx(12, rel=0.25)


# ---------------------------------------------------------------- bad input

R0, Q0, I0 = problem()
LABELS = np.arange(60) % 4
NBRS = ke.knn_queries(Q0, 2)
LISTS = np.array([[0, 1, 2]])


@pytest.mark.parametrize(
    "bad",
    ["text", [[1, float("nan")]], [[-1, 2]], np.zeros((3, 4)), np.zeros((0, 4)), None],
)
def test_bad_tables(bad):
    calls = {
        "R": [
            lambda: ke.KNNEmbed(2, 1).fit(bad),
            lambda: ke.svd_embeddings(bad, 1),
            lambda: ke.train_transe(bad),
            lambda: ke.mixture_weights(bad, [0, 1]),
            lambda: ke.leave_out_split(bad, keep=1),
            lambda: ke.item_knn_retrieve(bad, 0, 1),
            lambda: ke.popularity_retrieve(bad, 0, 1),
            lambda: ke.pure_svd_retrieve(bad, 0, 1, 1),
            lambda: ke.component_vectors(bad, I0, LABELS, NBRS, 0),
        ],
        "test": [lambda: ke.recall_at(LISTS, bad)],
        "seen": [lambda: ke.unimodal_retrieve(Q0, I0, bad, 2)],
        "tags": [lambda: ke.tag_diversity(LISTS, bad)],
    }
    for name, made in calls.items():
        for call in made:
            with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
                call()


@pytest.mark.parametrize(
    "bad", ["text", [[1, float("nan")]], np.zeros((0, 2)), [1.0, 2.0], [["a"]]]
)
def test_bad_vectors(bad):
    calls = {
        "X": lambda: ke.spherical_kmeans(bad, 1),
        "Q": lambda: ke.knn_queries(bad, 1),
        "P": lambda: ke.smooth_weights(bad, NBRS),
        "item_emb": lambda: ke.KNNEmbed(2, 1).fit(R0, bad),
        "query_emb": lambda: ke.KNNEmbed(2, 1).fit(R0, I0, bad),
        "q": lambda: ke.unimodal_retrieve(bad, I0, R0, 2),
        "I": lambda: ke.component_vectors(R0, bad, LABELS, NBRS, 0),
    }
    for name, call in calls.items():
        with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
            call()
    for call in (
        lambda: ke.list_diversity(LISTS, bad),
        lambda: ke.mmr_rerank(LISTS, Q0[:1], bad, 1),
        lambda: ke.unimodal_retrieve(Q0, bad, R0, 1),
    ):
        with pytest.raises((ValueError, TypeError), match=r"^item_emb must"):
            call()
    with pytest.raises((ValueError, TypeError), match=r"^P must"):
        ke.interest_entropy(bad)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ke.KNNEmbed(0).fit(R0, I0, Q0), ValueError, "n_clusters must be an integer >= 1"),
        (lambda: ke.KNNEmbed(61).fit(R0, I0, Q0), ValueError, "n_clusters must.*60, got 61"),
        (lambda: ke.KNNEmbed(2.0).fit(R0, I0, Q0), TypeError, "n_clusters must be an integer"),
        (lambda: ke.KNNEmbed(2, 0).fit(R0, I0, Q0), ValueError, "k must"),
        (lambda: ke.KNNEmbed(2, 31).fit(R0, I0, Q0), ValueError, "k must.*30, got 31"),
        (lambda: ke.KNNEmbed(2, index="hnsw").fit(R0, I0), ValueError, "index must be one of"),
        (lambda: ke.KNNEmbed(2, pool="x").fit(R0, I0), ValueError, "pool must be one of"),
        (lambda: ke.KNNEmbed(2, allocation="x").fit(R0, I0), ValueError, "allocation must be one"),
        (lambda: ke.KNNEmbed(2, n_candidates=0).fit(R0), ValueError, "n_candidates must"),
        (lambda: ke.KNNEmbed(2, n_probe=0).fit(R0), ValueError, "n_probe must"),
        (lambda: ke.KNNEmbed(2, dim=99).fit(R0), ValueError, "dim must.*30, got 99"),
        (lambda: ke.KNNEmbed(2, random_state="x").fit(R0, I0), TypeError, "a seed must"),
        (lambda: ke.KNNEmbed(2).fit(R0, I0[:9]), ValueError, "item_emb must have 60 rows, got 9"),
        (lambda: ke.KNNEmbed(2).fit(R0, I0, Q0[:9]), ValueError, "query_emb must have 30 rows"),
        (lambda: ke.KNNEmbed(2).fit(R0, query_emb=Q0), ValueError, "query_emb was given without"),
        (lambda: ke.KNNEmbed(2).retrieve([0]), NotFittedError, "not fitted"),
        (lambda: ke.KNNEmbed(2).resmooth(2), NotFittedError, "not fitted"),
        (lambda: ke.KNNEmbed(2).fit(R0, I0).resmooth(31), ValueError, "k must.*30, got 31"),
        (lambda: ke.svd_embeddings(R0, 0), ValueError, "dim must"),
        (lambda: ke.spherical_kmeans(np.zeros((3, 2)), 1), ValueError, "X must have at least one"),
        (lambda: ke.spherical_kmeans(I0, 2, n_init=0), ValueError, "n_init must"),
        (lambda: ke.spherical_kmeans(I0, 2, max_iter=0), ValueError, "max_iter must"),
        (lambda: ke.mixture_weights(R0, LABELS[:5]), ValueError, "labels must have shape"),
        (lambda: ke.mixture_weights(R0, LABELS + 0.5), TypeError, "labels must be integers"),
        (lambda: ke.mixture_weights(R0, LABELS, 3), ValueError, "labels must lie in"),
        (lambda: ke.mixture_weights(R0, LABELS - 2), ValueError, "labels must lie in"),
        (lambda: ke.knn_queries(Q0, 31), ValueError, "k must"),
        (lambda: ke.smooth_weights(-np.ones((30, 2)), NBRS), ValueError, "P must hold weights"),
        (lambda: ke.smooth_weights(np.zeros((30, 2)), NBRS), ValueError, "P must hold weights"),
        (lambda: ke.smooth_weights(np.ones((30, 2)), NBRS[:9]), ValueError, "nbrs must have shape"),
        (lambda: ke.smooth_weights(np.ones((30, 2)), NBRS + 9), ValueError, "nbrs must lie in"),
        (lambda: ke.smooth_weights(np.ones((30, 2)), NBRS + 0.1), TypeError, "nbrs must hold int"),
        (lambda: ke.component_vectors(R0, I0, LABELS, NBRS, 30), ValueError, "q must lie in"),
        (lambda: ke.component_vectors(R0, I0, LABELS, NBRS, 0, "x"), ValueError, "pool must"),
        (lambda: ke.allocate([1, 1], -1), ValueError, "budget must"),
        (lambda: ke.allocate([0, 0], 1), ValueError, "p must hold weights"),
        (lambda: ke.allocate([2, -1], 1), ValueError, "p must hold weights"),
        (lambda: ke.allocate([1, float("nan")], 1), ValueError, "p must be finite"),
        (lambda: ke.allocate([1, 1], 1, "nearest"), ValueError, "method must be one of"),
        (lambda: ke.unimodal_retrieve(Q0, I0, R0[:9], 2), ValueError, "seen must have shape"),
        (lambda: ke.unimodal_retrieve(Q0[:, :2], I0, R0, 2), ValueError, r"q must have 6 column"),
        (lambda: ke.unimodal_retrieve(Q0, I0, R0, 60), ValueError, "n must be at most"),
        (lambda: ke.unimodal_retrieve(Q0, I0, R0, 0), ValueError, "n must be an integer >= 1"),
        (lambda: ke.unimodal_retrieve(Q0, I0, R0, 2, "x"), ValueError, "index must be one of"),
        (lambda: ke.item_knn_retrieve(R0, [], 2), ValueError, "q_idx must be a non-empty"),
        (lambda: ke.item_knn_retrieve(R0, [0.5], 2), TypeError, "q_idx must hold integers"),
        (lambda: ke.item_knn_retrieve(R0, -1, 2), ValueError, "q_idx must lie in 0 to 29"),
        (lambda: ke.pure_svd_retrieve(R0, 30, 2, 3), ValueError, "q_idx must lie in 0 to 29"),
        (lambda: ke.pure_svd_retrieve(R0, 0, 2, 30), ValueError, "dim must.*29, got 30"),
        (lambda: ke.pure_svd_retrieve(R0, 0, 60, 3), ValueError, "n must be at most"),
        (lambda: ke.popularity_retrieve(R0, 30, 2), ValueError, "q_idx must lie in 0 to 29"),
        (lambda: ke.mmr_rerank(LISTS, Q0[:1], I0, 4), ValueError, "n must"),
        (lambda: ke.mmr_rerank(LISTS, Q0[:1], I0, 1, 1.5), ValueError, "trade_off must"),
        (lambda: ke.mmr_rerank(LISTS, Q0, I0, 1), ValueError, "q must have 1 rows"),
        (lambda: ke.recall_at([[0, 0]], R0[:1]), ValueError, "lists must not list an item twice"),
        (lambda: ke.recall_at([[0, 60]], R0[:1]), ValueError, "lists must lie in"),
        (lambda: ke.recall_at(LISTS, R0), ValueError, "test must have 1 rows"),
        (lambda: ke.recall_at([[0], [1]], [[1, 0], [0, 0]]), ValueError, "but row 1 has none"),
        (lambda: ke.list_diversity([[0]], I0), ValueError, "lists must hold at least 2"),
        (lambda: ke.list_diversity([[0.5, 1]], I0), TypeError, "lists must hold integers"),
        (lambda: ke.list_diversity([0, 1], I0), ValueError, "lists must have shape"),
        (lambda: ke.interest_entropy([[0, 0]]), ValueError, "P must hold weights"),
        (lambda: ke.leave_out_split(R0), ValueError, "give either keep or frac"),
        (lambda: ke.leave_out_split(R0, 1, 0.5), ValueError, "give either keep or frac"),
        (lambda: ke.leave_out_split(R0, keep=0), ValueError, "keep must"),
        (lambda: ke.leave_out_split(R0, frac=1.0), ValueError, "frac must"),
        (lambda: ke.make_multi_interest(0, n_clusters=2), ValueError, "n_clusters must"),
        (lambda: ke.make_multi_interest(0, n_items=19), ValueError, "n_items must"),
        (lambda: ke.make_multi_interest(0, dim=0), ValueError, "dim must"),
        (lambda: ke.make_multi_interest(-1), ValueError, "a seed must"),
        (lambda: ke.TransEBipartite(0, 1), ValueError, "n_queries must"),
        (lambda: ke.train_transe(R0, n_epochs=0), ValueError, "n_epochs must"),
        (lambda: ke.train_transe(R0, batch_size=1), ValueError, "batch_size must"),
        (lambda: ke.train_transe(R0, lr=0), ValueError, "lr must"),
        (lambda: ke.train_transe(R0, device="tpu"), ValueError, "device must"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_queries_and_budgets():
    model = ke.KNNEmbed(3, 2, random_state=0).fit(R0, I0, Q0)
    with pytest.raises(ValueError, match="q_idx must lie in 0 to 29"):
        model.retrieve([30])
    free = 60 - int(R0[0].sum())
    assert sorted(model.retrieve(0, free)[0]) == np.flatnonzero(R0[0] == 0).tolist()
    with pytest.raises(ValueError, match=f"n must be at most {free}"):
        model.retrieve(0, free + 1)
    lonely = np.zeros((30, 61))
    lonely[:, 60] = 1
    with pytest.raises(ValueError, match="R must join a query with an item that has a vector"):
        ke.KNNEmbed(3, 2).fit(lonely, np.vstack([I0, np.zeros((1, 6))]))
