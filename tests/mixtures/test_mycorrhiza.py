"""Tests of mixbook.mixtures.mycorrhiza against brute force, scipy and a forward simulation, and
where they are installed against splitspy and msprime."""

import itertools

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from mixbook.data import Genotypes, load_gypsy_moth
from mixbook.mixtures import mycorrhiza as my
from mixbook.mixtures.mycorrhiza import _simulate, _weights


def canonical(order):
    """A cycle from 0, towards the lower of its neighbours."""
    order = list(order)
    k = order.index(0)
    order = order[k:] + order[:k]
    return order if order[1] < order[-1] else [order[0], *order[:0:-1]]


def pairs_of(N):
    return list(itertools.combinations(range(N), 2))


def design(N):
    """The matrix of Eq. (7) from its definition: rows are pairs of places, columns are cuts."""
    return np.array(
        [[(a < i <= b) != (a < j <= b) for a, b in pairs_of(N)] for i, j in pairs_of(N)],
        dtype=float,
    )


def from_pairs(values, N):
    table = np.zeros((N, N))
    for (i, j), value in zip(pairs_of(N), values):
        table[i, j] = table[j, i] = value
    return table


def circular_metric(N, rng, share=1.0):
    """Random weights of the splits of a hidden order, and the distances they induce."""
    W = from_pairs(rng.exponential(size=N * (N - 1) // 2), N)
    drop = from_pairs(rng.random(N * (N - 1) // 2) > share, N) > 0
    cyclic = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) % (N - 2 + (N == 2)) == 1
    W[drop & ~cyclic] = 0
    order = rng.permutation(N)
    D = np.zeros((N, N))
    places = from_pairs(design(N) @ [W[p] for p in pairs_of(N)], N)
    D[np.ix_(order, order)] = places
    return D, order, W


def euclid(N, rng, p=6):
    X = rng.normal(size=(N, p))
    return np.sqrt(((X[:, None] - X) ** 2).sum(2))


def split_set(system):
    return {tuple(side): w for side, w in zip(system.splits.tolist(), system.weights)}


# --- distances ------------------------------------------------------------------------------------


@pytest.mark.parametrize("haplotypes", ["both", "first"])
@pytest.mark.parametrize("shape", [(9, 30), (9, 30, 2)])
def test_distances_count_differing_sites(shape, haplotypes):
    G = np.random.default_rng(0).choice(list("ACGTN"), shape)
    seen = my.genetic_distance(G, "hamming", haplotypes=haplotypes)
    flat = G[:, :, 0] if len(shape) == 3 and haplotypes == "first" else G.reshape(9, -1)
    for i, j in itertools.product(range(9), repeat=2):
        valid = [(a, b) for a, b in zip(flat[i], flat[j]) if a != "N" and b != "N"]
        assert seen[i, j] == pytest.approx(np.mean([a != b for a, b in valid]) if i != j else 0)
    jc = my.genetic_distance(G, "jc", haplotypes=haplotypes)
    off = seen < 0.7
    np.testing.assert_allclose(jc[off], -0.75 * np.log(1 - 4 * seen[off] / 3), rtol=1e-9)
    np.testing.assert_array_equal(jc, jc.T)


def test_the_jukes_cantor_distance_of_three_tenths():
    G = np.array([[0] * 10, [1] * 3 + [0] * 7])
    assert my.genetic_distance(G)[0, 1] == pytest.approx(0.383119, abs=1e-6)
    assert my.genetic_distance(G, "hamming")[0, 1] == pytest.approx(0.3)
    assert not my.genetic_distance(np.zeros((3, 4), int)).any()


def test_saturated_distances_stay_finite():
    G = np.array([[0, 1, 2, 3], [1, 2, 3, 0], [0, 2, 3, 0]])
    D = my.genetic_distance(G)
    assert D[0, 1] == pytest.approx(-0.75 * np.log(1e-3))
    assert D[0, 2] == D[0, 1]
    assert D[1, 2] == pytest.approx(-0.75 * np.log(1 - 1 / 3))


def test_codes_for_not_typed():
    G = np.array([[5, 0, 7, -9], [5, 3, 8, 2]])
    assert my.genetic_distance(G, "hamming")[0, 1] == pytest.approx(2 / 3)
    assert my.genetic_distance(G, "hamming", missing=0)[0, 1] == pytest.approx(1 / 2)
    assert my.genetic_distance(G, "hamming", missing=[0, 7])[0, 1] == 0
    letters = np.array([["A", "?", "N"], ["A", "C", "C"]])
    assert my.genetic_distance(letters, "hamming")[0, 1] == pytest.approx(1 / 2)
    assert my.genetic_distance(letters, "hamming", missing="?")[0, 1] == 0
    assert my.genetic_distance([[1, -1], [-1, 2]], "hamming")[0, 1] == 0  # nothing in common


def test_counts_of_alleles_are_one_hot_without_phase():
    G = np.array([[["A", "C"], ["N", "N"]], [["C", "C"], ["G", "T"]], [["N", "A"], ["T", "T"]]])
    counts, locus = my.allele_counts(G)
    assert locus.tolist() == [0, 0, 1, 1]
    assert counts.tolist() == [[1, 1, 0, 0], [0, 2, 1, 1], [1, 0, 0, 2]]


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("N", [4, 5, 6, 7, 9, 12, 20, 33])
def test_the_hidden_order_is_recovered(N):
    for seed in range(6):
        D, order, W = circular_metric(N, np.random.default_rng(seed))
        found = my.circular_order(D)
        assert found.tolist() == canonical(order)
        weights = my.split_weights(D, order)
        np.testing.assert_allclose(weights, W, atol=1e-8)


@pytest.mark.parametrize("N", [5, 6, 8, 11])
def test_sparse_circular_metrics_are_recovered_split_by_split(N):
    """With absent splits several orders fit; the splits and weights are the same in all."""
    for seed in range(8):
        D, order, W = circular_metric(N, np.random.default_rng(100 + seed), share=0.5)
        system = my.neighbor_net(D)
        wanted = {}
        for a, b in pairs_of(N):
            if W[a, b] > 1e-6:
                side = np.isin(np.arange(N), order[a + 1 : b + 1])
                wanted[tuple((side ^ side[0]).tolist())] = W[a, b]
        found = split_set(system)
        assert found.keys() == wanted.keys()
        assert all(found[s] == pytest.approx(wanted[s], abs=1e-8) for s in wanted)
        np.testing.assert_allclose(system.distances(), D, atol=1e-8)
        assert system.fit == pytest.approx(1)


def random_tree(N, rng):
    """Distances along a random tree, and its edges as (side without leaf 0, length)."""
    groups = [([i], rng.uniform(0.1, 1)) for i in range(N)]
    edges = []
    while len(groups) > 3:
        i, j = sorted(rng.choice(len(groups), 2, replace=False))
        second, first = groups.pop(j), groups.pop(i)
        edges += [first, second]
        groups.append((first[0] + second[0], rng.uniform(0.1, 1)))
    edges += groups
    D, sides = np.zeros((N, N)), {}
    for leaves, length in edges:
        side = np.isin(np.arange(N), leaves)
        D += length * (side[:, None] != side)
        sides[tuple((side ^ side[0]).tolist())] = length
    return D, sides


@pytest.mark.parametrize("N", [4, 6, 10, 25, 60])
def test_of_a_tree_metric_the_splits_are_the_edges(N):
    for seed in range(4):
        D, sides = random_tree(N, np.random.default_rng(seed))
        found = split_set(my.neighbor_net(D))
        assert found.keys() == sides.keys()
        assert all(found[s] == pytest.approx(sides[s], abs=1e-8) for s in sides)


@pytest.mark.parametrize("seed", range(20))
def test_four_points_by_hand(seed):
    """The two largest of the three sums decide which splits there are, and their weights."""
    rng = np.random.default_rng(seed)
    D = from_pairs(rng.uniform(1, 2, 6), 4)  # any such numbers obey the triangle inequality
    sums = {
        (0, 1): D[0, 1] + D[2, 3],
        (0, 2): D[0, 2] + D[1, 3],
        (0, 3): D[0, 3] + D[1, 2],
    }
    largest = max(sums.values())
    found = split_set(my.neighbor_net(D).nontrivial())
    wanted = {}
    for pair, value in sums.items():
        side = ~np.isin(np.arange(4), pair)
        if value < largest:
            wanted[tuple(side.tolist())] = (largest - value) / 2
    assert found.keys() == wanted.keys()
    assert all(found[s] == pytest.approx(wanted[s]) for s in wanted)


def test_the_order_is_close_to_the_best_of_all():
    """All circular orders of seven points: the order found leaves little more unexplained."""
    for seed in range(3):
        D = euclid(7, np.random.default_rng(seed))
        A, total = design(7), (D**2).sum() / 2

        def unexplained(order, D=D, A=A, total=total):
            d = D[np.ix_(order, order)]
            return nnls(A, np.array([d[p] for p in pairs_of(7)]))[1] ** 2 / total

        orders = [(0, *rest) for rest in itertools.permutations(range(1, 7)) if rest[0] < rest[-1]]
        values = sorted(unexplained(list(o)) for o in orders)
        assert len(values) == 360
        ours = unexplained(my.circular_order(D).tolist())
        assert np.searchsorted(values, ours - 1e-12) <= 12


@pytest.mark.parametrize("N", [5, 9, 30])
def test_renaming_individuals_renames_the_splits(N):
    rng = np.random.default_rng(N)
    D, names = euclid(N, rng), rng.permutation(N)
    first, second = my.neighbor_net(D), my.neighbor_net(D[np.ix_(names, names)])
    assert len(first) == len(second)
    wanted = {}
    for side, w in zip(first.splits, first.weights):
        moved = side[names]
        wanted[tuple((moved ^ moved[0]).tolist())] = w
    found = split_set(second)
    assert found.keys() == wanted.keys()
    assert all(found[s] == pytest.approx(wanted[s], abs=1e-7) for s in wanted)


def test_the_steps_of_the_agglomeration_by_hand():
    C = np.array([[0, 2, 5, 6], [2, 0, 5, 4], [5, 5, 0, 3], [6, 4, 3, 0]], dtype=float)
    Q = my.agglomeration_criterion(C)
    assert Q[0, 1] == 2 * 2 - 13 - 11
    assert Q[3, 1] == 2 * 4 - 13 - 11
    assert np.isinf(np.diagonal(Q)).all()
    my.smooth_chain(C, 0, 1, 2)
    assert C[0, 3] == C[3, 0] == pytest.approx((2 * 6 + 4) / 3)
    assert C[2, 3] == C[3, 2] == pytest.approx((2 * 3 + 4) / 3)
    assert C[0, 2] == C[2, 0] == pytest.approx((2 + 5 + 5) / 3)
    assert C[0, 0] == C[2, 2] == 0


def test_an_order_is_a_cycle_in_one_form():
    for N in (2, 3, 4, 5, 17):
        order = my.circular_order(euclid(N, np.random.default_rng(N)))
        assert sorted(order) == list(range(N))
        assert order.tolist() == canonical(order) or N == 2


def literal_order(D):
    """NeighborNet written from the sheet, with dictionaries and without any updating."""
    nodes = {i: {j: D[i, j] for j in range(len(D))} for i in range(len(D))}
    clusters = [[i] for i in range(len(D))]
    stack, fresh = [], itertools.count(len(D))

    def d(A, B):
        return np.mean([nodes[x][y] for x in A for y in B])

    while len(nodes) > 3 and len(clusters) > 2:
        m = len(clusters)
        total = [sum(d(A, B) for B in clusters if B is not A) for A in clusters]
        i, j = min(
            pairs_of(m),
            key=lambda p: (
                round((m - 2) * d(*(clusters[k] for k in p)) - total[p[0]] - total[p[1]], 9),
                round(d(*(clusters[k] for k in p)), 9),
            ),
        )  # fmt: skip
        A, B = clusters[i], clusters[j]
        others = [C for k, C in enumerate(clusters) if k not in (i, j)]
        R = {
            x: sum(d([x], C) for C in others) + sum(nodes[x][z] for z in A + B if z != x)
            for x in A + B
        }
        mh = m + len(A) + len(B) - 2
        value = {(x, y): round((mh - 2) * nodes[x][y] - R[x] - R[y], 9) for x in A for y in B}
        x, y = min(value, key=value.get)
        chain = [z for z in A if z != x] + [x, y] + [z for z in B if z != y]
        if len(chain) == 4 and nodes[chain[0]][chain[1]] > nodes[chain[2]][chain[3]]:
            chain.reverse()
        while len(chain) > 2:
            a, b, c = chain[:3]
            u, v = next(fresh), next(fresh)
            stack.append((u, v, a, b, c))
            rest = [k for k in nodes if k not in (a, b, c)]
            between = (nodes[a][b] + nodes[a][c] + nodes[b][c]) / 3
            row_u = {k: 2 / 3 * nodes[a][k] + 1 / 3 * nodes[b][k] for k in rest}
            row_v = {k: 2 / 3 * nodes[c][k] + 1 / 3 * nodes[b][k] for k in rest}
            for k in rest:
                nodes[k][u], nodes[k][v] = row_u[k], row_v[k]
            for k in (a, b, c):
                del nodes[k]
            nodes[u], nodes[v] = row_u | {v: between, u: 0.0}, row_v | {u: between, v: 0.0}
            chain = [u, v, *chain[3:]]
        clusters[i] = chain
        del clusters[j]
    cycle = [x for C in clusters for x in C]
    if len(clusters) == 2 and len(cycle) == 4:
        p, pp, q, qq = cycle
        if nodes[p][q] + nodes[pp][qq] <= nodes[p][qq] + nodes[pp][q]:
            cycle = [pp, p, q, qq]
        else:
            cycle = [pp, p, qq, q]
    for u, v, a, b, c in reversed(stack):
        k = cycle.index(u)
        cycle = cycle[k:] + cycle[:k]
        cycle = [a, b, c, *cycle[2:]] if cycle[1] == v else [c, b, a, *cycle[1:-1]]
    return canonical(cycle)


@pytest.mark.parametrize("N", [4, 5, 6, 7, 8, 11, 16, 24])
def test_the_order_is_that_of_a_literal_neighbornet(N):
    for seed in range(5):
        D = euclid(N, np.random.default_rng(1000 * N + seed), p=4)
        assert my.circular_order(D).tolist() == literal_order(D)


# --- weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("N", [2, 3, 4, 7, 12])
def test_the_operators_are_the_design_matrix_and_its_transpose(N):
    rng = np.random.default_rng(N)
    A, n = design(N), N * (N - 1) // 2
    w, r = rng.normal(size=(2, n))
    np.testing.assert_allclose(
        my.across(from_pairs(w, N))[:-1, :-1], from_pairs(A @ w, N), atol=1e-12
    )
    np.testing.assert_allclose(
        my.across(from_pairs(r, N))[1:, 1:], from_pairs(A.T @ r, N), atol=1e-12
    )
    W, d = from_pairs(w, N), from_pairs(r, N)
    np.testing.assert_allclose(
        _weights.gradient(W, d), from_pairs(A.T @ (A @ w - r), N), atol=1e-10
    )


@pytest.mark.parametrize("N", [2, 3, 4, 7, 12])
def test_exact_weights_invert_the_design_matrix(N):
    d = euclid(N, np.random.default_rng(N))
    wanted = np.linalg.solve(design(N), [d[p] for p in pairs_of(N)])
    found = my.exact_weights(d)
    np.testing.assert_allclose(found, from_pairs(wanted, N), atol=1e-10)
    np.testing.assert_allclose(my.across(found)[:-1, :-1], d, atol=1e-10)


def test_common_pairs_are_the_gram_matrix():
    N = 9
    A, (a, b) = design(N), np.array(pairs_of(N)).T
    np.testing.assert_array_equal(_weights.gram(a, b, a[5:], b[5:], N), A.T @ A[:, 5:])


@pytest.mark.parametrize("N", [4, 5, 6, 8, 10, 12])
def test_weights_are_those_of_scipy(N):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        D, order = from_pairs(rng.uniform(0.5, 2, N * (N - 1) // 2), N), rng.permutation(N)
        d = D[np.ix_(order, order)]
        wanted, _ = nnls(design(N), np.array([d[p] for p in pairs_of(N)]))
        np.testing.assert_allclose(my.split_weights(D, order), from_pairs(wanted, N), atol=1e-10)


def kkt(W, d):
    """Least slope, and largest slope of the positive weights, relative to those at zero."""
    g = _weights.gradient(W, d)
    scale = -_weights.gradient(np.zeros_like(W), d).min()
    return g.min() / scale, np.abs(g[W > 0]).max() / scale


@pytest.mark.parametrize("make", ["euclid", "uniform", "ties", "moths"])
def test_weights_are_optimal(make):
    rng = np.random.default_rng(3)
    if make == "euclid":
        D = euclid(60, rng)
    elif make == "uniform":
        D = from_pairs(rng.uniform(0.5, 2, 45 * 44 // 2), 45)
    elif make == "ties":  # 40 individuals, many of them equal, and few different distances
        D = my.genetic_distance(rng.integers(3, size=(40, 3)), "hamming")
    else:
        D = my.genetic_distance(load_gypsy_moth().G[:, ::20])
    order = my.circular_order(D)
    W = my.split_weights(D, order)
    lowest, slope = kkt(W, D[np.ix_(order, order)])
    assert W.min() == 0
    assert lowest > -1e-9
    assert slope < 1e-9
    np.testing.assert_array_equal(W, W.T)


def test_ties_do_not_empty_the_set_of_splits():
    """Equal and missing splits: solutions that are exactly zero where the start is."""
    H, h = np.eye(2), np.array([0.0, 1.0])
    moved, keep = _weights._feasible(np.array([0.0, 1.0]), np.array([0.0, 1.0]), H, h)
    assert moved.tolist() == [0, 1]
    assert keep.tolist() == [False, True]
    for seed in [*range(60), 1265]:
        rng = np.random.default_rng(seed)
        G = rng.integers(3, size=(int(rng.integers(5, 14)), int(rng.integers(1, 4))))
        D = my.genetic_distance(G, "hamming")
        order = my.circular_order(D)
        W, d = my.split_weights(D, order), D[np.ix_(order, order)]
        N = len(D)
        wanted, _ = nnls(design(N), np.array([d[p] for p in pairs_of(N)]))
        np.testing.assert_allclose(W, from_pairs(wanted, N), atol=1e-9)


def test_the_loose_solver_stops_near_the_optimum():
    for seed in range(3):
        D = euclid(25, np.random.default_rng(seed))
        order = my.circular_order(D)
        d = D[np.ix_(order, order)]
        exact, loose = (my.split_weights(D, order, solver=s) for s in ("exact", "loose"))
        assert loose.min() == 0
        np.testing.assert_array_equal(loose, loose.T)
        assert np.abs(exact - loose).max() < 0.1 * exact.max()
        squares = [((d - my.across(W)[:-1, :-1]) ** 2).sum() for W in (exact, loose)]
        assert squares[0] < squares[1] < 1.01 * squares[0]
        g = np.where(loose > 0, _weights.gradient(loose, d), 0)
        start = _weights.gradient(np.zeros_like(d), d)
        assert 1e-9 < (g**2).sum() / (start**2).sum() < 1.0001e-8


def test_conjugate_gradients_need_no_more_steps_than_unknowns():
    d = euclid(4, np.random.default_rng(0))
    free = ~np.eye(4, dtype=bool)
    found = _weights._conjugate_gradients(d, np.zeros((4, 4)), free, 0.0)
    np.testing.assert_allclose(found, my.exact_weights(d), atol=1e-8)


def test_the_loose_solver_takes_exact_weights_where_they_are_positive():
    D, order, W = circular_metric(9, np.random.default_rng(0))
    np.testing.assert_allclose(my.split_weights(D, order, solver="loose"), W, atol=1e-12)


def test_only_the_loose_solver_parts_individuals_that_do_not_differ():
    G = np.random.default_rng(0).choice(3, (40, 2), p=[0.6, 0.3, 0.1])
    D = my.genetic_distance(G, "hamming")
    twins = [(i, j) for i, j in pairs_of(40) if (G[i] == G[j]).all()]
    parted = {}
    for solver in ("exact", "loose"):
        F = my.split_features(my.neighbor_net(D, solver=solver))
        parted[solver] = np.mean([(F[i] != F[j]).any() for i, j in twins])
    assert parted["exact"] == 0
    assert parted["loose"] > 0.2


def test_a_step_that_would_raise_the_squares_is_cut_short():
    """From x towards z: clipping at zero overshoots here, so the step ends at the boundary."""
    H = np.array([[1.0, 0.999], [0.999, 1.0]])
    x = np.array([0.1, 1.0])
    h = H @ np.array([-1.0, 2.0]) + [0, 0]
    z = np.linalg.solve(H, h)
    moved, keep = _weights._feasible(x, z, H, h)
    value = lambda v: v @ H @ v / 2 - h @ v  # noqa: E731
    assert moved.min() >= 0
    assert value(moved) <= value(x)
    assert keep.tolist() == [False, True]
    clipped = np.maximum(z, 0)
    assert value(clipped) > value(x)
    step = 0.1 / 1.1
    np.testing.assert_allclose(moved, [0, 1 + step], atol=1e-9)


def test_weights_of_any_sign_explain_everything():
    D = euclid(11, np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(11)
    W = my.split_weights(D, order, nonneg=False)
    assert W.min() < 0
    np.testing.assert_allclose(my.across(W)[:-1, :-1], D[np.ix_(order, order)], atol=1e-12)


def test_scaling_distances_scales_weights():
    D = euclid(20, np.random.default_rng(5))
    order = my.circular_order(D)
    assert my.circular_order(7 * D).tolist() == order.tolist()
    np.testing.assert_allclose(
        my.split_weights(7 * D, order), 7 * my.split_weights(D, order), atol=1e-9
    )


# --- split systems --------------------------------------------------------------------------------


def test_a_system_describes_its_distances():
    D = euclid(14, np.random.default_rng(2))
    system = my.neighbor_net(D)
    order = system.order
    assert not system.splits[:, 0].any()
    assert len(system) == len(system.weights) == len(system.splits)
    W = my.split_weights(D, order)
    induced = np.zeros((14, 14))
    induced[np.ix_(order, order)] = my.across(W)[:-1, :-1]
    np.testing.assert_allclose(system.distances(), induced, atol=1e-4)
    by_hand = sum(w * (s[3] != s[8]) for s, w in zip(system.splits, system.weights))
    assert system.distances()[3, 8] == pytest.approx(by_hand)
    upper = np.triu_indices(14, 1)
    left = ((D - induced)[upper] ** 2).sum() / (D[upper] ** 2).sum()
    assert system.fit == pytest.approx(1 - left)
    a, b = system.cuts()
    for side, i, j in zip(system.splits, a, b):
        assert sorted(order[i + 1 : j + 1]) == np.flatnonzero(side).tolist()


def test_the_cutoff_drops_light_splits_only():
    D = euclid(14, np.random.default_rng(2))
    whole, heavy = my.neighbor_net(D), my.neighbor_net(D, cutoff=0.05)
    assert split_set(heavy).keys() == {s for s, w in split_set(whole).items() if w > 0.05}
    assert 0 < len(heavy) < len(whole)


def test_features_are_the_sides_of_nontrivial_splits():
    D = euclid(14, np.random.default_rng(2))
    system = my.neighbor_net(D)
    F = my.split_features(system)
    assert F.dtype == np.uint8
    sizes = F.sum(0)
    assert sizes.min() >= 2
    assert sizes.max() <= 12
    kept = [s for s in system.splits if 2 <= s.sum() <= 12]
    assert F.T.tolist() == np.array(kept).astype(int).tolist()
    assert len(kept) == len(system.nontrivial()) < len(system)


def test_a_renamed_system_is_that_of_renamed_distances():
    rng = np.random.default_rng(0)
    D, names = euclid(15, rng), rng.permutation(15)
    moved = np.zeros_like(D)
    moved[np.ix_(names, names)] = D
    wanted, found = my.neighbor_net(moved), my.neighbor_net(D).renamed(names)
    assert found.order.tolist() == wanted.order.tolist()
    assert not found.splits[:, 0].any()
    np.testing.assert_allclose(found.distances(), wanted.distances(), atol=1e-9)
    assert split_set(found).keys() == split_set(wanted).keys()
    assert found.fit == pytest.approx(wanted.fit)
    assert found.nontrivial().cuts()[0].shape == wanted.nontrivial().cuts()[0].shape


@pytest.mark.parametrize("N", [3, 4, 6, 13, 40])
def test_the_drawing_is_isometric(N):
    """Shortest ways along the drawn edges are the induced distances."""
    system = my.neighbor_net(euclid(N, np.random.default_rng(N)))
    drawn = my.network_layout(system)
    points = np.concatenate([drawn.edges.reshape(-1, 2), drawn.taxa])
    _, node = np.unique(np.round(points, 7), axis=0, return_inverse=True)
    ends, taxa = node[: 2 * len(drawn.edges)].reshape(-1, 2), node[2 * len(drawn.edges) :]
    length = np.linalg.norm(drawn.edges[:, 0] - drawn.edges[:, 1], axis=1)
    np.testing.assert_allclose(length, system.weights[drawn.split])
    graph = coo_array((length, ends.T), shape=(node.max() + 1,) * 2).tocsr()
    ways = dijkstra(graph, directed=False, indices=taxa)[:, taxa]
    np.testing.assert_allclose(ways, system.distances(), atol=1e-9)
    crossings = sum(
        a < c < b < e or c < a < e < b
        for (a, b), (c, e) in itertools.combinations(zip(*system.cuts()), 2)
    )
    assert len(drawn.edges) == len(system) + 2 * crossings


def test_the_drawing_of_a_tree_is_a_tree():
    D, sides = random_tree(12, np.random.default_rng(0))
    drawn = my.network_layout(my.neighbor_net(D))
    assert len(drawn.edges) == len(sides)


def crosses(p, q, r, s):
    def turn(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return turn(p, q, r) * turn(p, q, s) < -1e-12 and turn(r, s, p) * turn(r, s, q) < -1e-12


def test_the_drawing_is_planar():
    edges = my.network_layout(my.neighbor_net(euclid(9, np.random.default_rng(4)))).edges
    assert len(edges) > 20
    assert not any(crosses(*e, *f) for e, f in itertools.combinations(edges, 2))


def test_splitspy_finds_the_same_circular_metrics():
    nnet = pytest.importorskip("splitspy.nnet.nnet_algo")
    for seed in range(4):
        D, _, _ = circular_metric(9, np.random.default_rng(seed), share=0.6)
        labels = [str(i) for i in range(9)]
        _, splits = nnet.neighbor_net(labels, D.tolist(), cutoff=1e-6)
        theirs = {}
        for s in splits:
            side = np.isin(np.arange(1, 10), list(s.part1()))
            theirs[tuple((side ^ side[0]).tolist())] = s.get_weight()
        ours = split_set(my.neighbor_net(D))
        assert ours.keys() == theirs.keys()
        assert all(ours[s] == pytest.approx(theirs[s], abs=1e-3) for s in ours)


# --- classifier -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def islands():
    return my.simulate_balding_nichols(0.15, n_pop=3, n_per_pop=12, n_loci=120, random_state=0)


@pytest.mark.parametrize("features", ["splits", "pca"])
@pytest.mark.parametrize("n_partitions", [1, 4])
def test_hidden_labels_are_found(islands, features, n_partitions):
    labelled = np.arange(36) % 3 != 0
    model = my.Mycorrhiza(n_partitions, features=features, random_state=0)
    found = model.fit_predict(islands.G, islands.y, labelled)
    assert (found == islands.y)[~labelled].mean() >= 0.8
    assert model.mixture_.shape == (36, 3)
    np.testing.assert_allclose(model.mixture_.sum(1), 1)
    assert len(model.features_) == n_partitions
    assert len(model.systems_) == (n_partitions if features == "splits" else 0)
    np.testing.assert_array_equal(model.predict_proba(), model.mixture_)


def test_labels_that_are_hidden_are_not_looked_at(islands):
    labelled = np.arange(36) % 2 == 0
    y = islands.y.copy()
    first = my.Mycorrhiza(random_state=1).fit_predict(islands.G, y, labelled)
    y[~labelled] = 99
    again = my.Mycorrhiza(random_state=1).fit_predict(islands.G, y, labelled)
    y[~labelled] = -1
    model = my.Mycorrhiza(random_state=1).fit(islands.G, y)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, model.predict())
    assert model.classes_.tolist() == [0, 1, 2]
    names = np.array(["north", "east", "west"])[islands.y]
    names[~labelled] = ""
    assert set(my.Mycorrhiza(random_state=1).fit(islands.G, names).predict()) <= set(
        names[labelled]
    )


def test_partitions_are_runs_of_loci_with_both_alleles(islands):
    model = my.Mycorrhiza(4, random_state=0).fit(islands.G, islands.y)
    for k, system in enumerate(model.systems_):
        D = my.genetic_distance(islands.G[:, 30 * k : 30 * (k + 1)])
        np.testing.assert_array_equal(system.order, my.circular_order(D))
    parts = [
        my.forest_mixture([F], islands.y, np.ones(36, bool), 60, np.random.default_rng(s))
        for s, F in enumerate(model.features_)
    ]
    assert model.mixture_ == pytest.approx(np.mean(parts, 0), abs=0.2)


def test_the_mixture_is_the_mean_over_groups():
    """Two groups that vote for certain, one each way."""
    y = np.array(["a", "b"] * 20)
    labelled = np.arange(40) >= 2
    right = (y == "b")[:, None].astype(int)
    wrong = right.copy()
    wrong[:2] = 1 - wrong[:2]
    both = my.forest_mixture([right, wrong], y, labelled, 10, 0)
    np.testing.assert_allclose(both[:2], 0.5)
    np.testing.assert_allclose(both[2:], my.forest_mixture([right], y, labelled, 10, 0)[2:])
    nothing = my.forest_mixture([np.zeros((40, 0))], y, labelled, 10, 0)
    assert np.ptp(nothing, axis=0).max() == 0


def test_transductive_cross_validation_hides_each_label_once():
    y = np.repeat(["a", "b", "c"], 10)
    hidden = []

    def assign(labelled):
        hidden.append(np.flatnonzero(~labelled))
        assert all((y[~labelled] == k).sum() == 2 for k in "abc")
        return np.where(np.arange(30) % 2 == 0, y, "x")

    scores = my.cross_validate(assign, y, n_splits=5, n_repeats=3, random_state=0)
    assert scores.tolist() == [0.5] * 3
    for r in range(3):
        assert sorted(np.concatenate(hidden[5 * r : 5 * r + 5])) == list(range(30))
    assert not np.array_equal(hidden[0], hidden[5])


def test_cross_validated_accuracy(islands):
    model = my.Mycorrhiza(random_state=0)
    score = model.cross_val_accuracy(islands.G, islands.y, n_splits=4, n_repeats=2)
    assert model.cv_scores_.shape == (2,)
    assert score == pytest.approx(model.cv_scores_.mean())
    assert 0.8 <= score <= 1
    shuffled = np.random.default_rng(0).permutation(islands.y)
    assert my.Mycorrhiza(random_state=0).cross_val_accuracy(islands.G, shuffled) < 0.6


def test_the_order_of_the_file_tells_nothing():
    """Alleles without any information, and a file sorted by population."""
    y = np.repeat(np.arange(5), 20)
    G = np.random.default_rng(1).choice(3, (100, 10), p=[0.6, 0.3, 0.1])
    found = {}
    for shuffle in (False, True):
        model = my.Mycorrhiza(
            5, distance="hamming", solver="loose", shuffle=shuffle, random_state=0
        )
        found[shuffle] = model.cross_val_accuracy(G, y)
    assert found[False] > 0.4
    assert found[True] < 0.35


def test_shuffling_changes_nothing_where_there_are_no_ties(islands):
    sides = [
        split_set(my.Mycorrhiza(shuffle=s, random_state=3).fit(islands.G, islands.y).systems_[0])
        for s in (False, True)
    ]
    assert sides[0].keys() == sides[1].keys()
    model = my.Mycorrhiza(2, random_state=3).fit(islands.G, islands.y)
    for system, features in zip(model.systems_, model.features_):
        np.testing.assert_array_equal(my.split_features(system), features)


def test_one_seed_one_answer(islands):
    labelled = np.arange(36) % 2 == 0
    answers = []
    for seed in (0, 0, 1):
        model = my.Mycorrhiza(2, random_state=seed)
        model.fit_predict(islands.G, islands.y, labelled)
        answers.append(model.mixture_)
    np.testing.assert_array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


def test_moths_are_assigned_to_their_places():
    moths = load_gypsy_moth()
    order = my.circular_order(my.genetic_distance(moths.G))
    places = moths.y[order]
    assert (places != np.roll(places, 1)).sum() == 8  # each population is one arc
    assert my.Mycorrhiza(random_state=0).cross_val_accuracy(moths.G, moths.y) >= 0.95


def test_principal_components_of_the_distance_rows():
    D = euclid(12, np.random.default_rng(0))
    X = my.pca_features(D)
    centred = D - D.mean(0)
    np.testing.assert_allclose(X @ X.T, centred @ centred.T, atol=1e-8)
    assert my.pca_features(D, 3).shape == (12, 3)
    assert my.pca_features(euclid(60, np.random.default_rng(0))).shape == (60, 50)


# --- baselines ------------------------------------------------------------------------------------


def test_the_likelihood_by_hand():
    G = np.array([[[0, 0]], [[0, 1]], [[1, 1]], [[1, 1]], [[0, 1]], [[-1, -1]]])
    y = np.array([0, 0, 1, 1, -1, -1])
    found = my.likelihood_assignment(G, y)
    p = np.array([[3.5 / 5, 1.5 / 5], [0.5 / 5, 4.5 / 5]])
    score = p[:, 0] * p[:, 1]
    np.testing.assert_allclose(found[4], score / score.sum())
    np.testing.assert_allclose(found[5], 0.5)
    p = np.array([[3 + 1, 1 + 1], [0 + 1, 4 + 1]]) / 6
    score = p[:, 0] * p[:, 1]
    np.testing.assert_allclose(my.likelihood_assignment(G, y, prior=2.0)[4], score / score.sum())


def test_the_likelihood_is_naive_bayes_where_loci_have_two_alleles(islands):
    from sklearn.naive_bayes import MultinomialNB

    labelled = np.arange(36) % 3 != 0
    X, locus = my.allele_counts(islands.G)
    two = np.bincount(locus)[locus] == 2
    X, locus = X[:, two], locus[two]
    kept = islands.G[:, np.unique(locus)]
    assert len(np.unique(locus)) > 110
    theirs = np.zeros((36, 3))
    for l in np.unique(locus):  # one multinomial a locus
        nb = MultinomialNB(alpha=0.5, fit_prior=False)
        nb.fit(X[labelled][:, locus == l], islands.y[labelled])
        theirs += X[:, locus == l] @ nb.feature_log_prob_.T
    ours = my.likelihood_assignment(kept, islands.y, labelled)
    theirs = np.exp(theirs - theirs.max(1, keepdims=True))
    np.testing.assert_allclose(ours, theirs / theirs.sum(1, keepdims=True), atol=1e-9)
    assert (ours.argmax(1) == islands.y)[~labelled].mean() > 0.9


def test_proportions_are_the_maximum_of_the_likelihood():
    data = my.simulate_balding_nichols(0.3, n_pop=2, n_per_pop=25, n_loci=80, random_state=1)
    mixed, _ = my.make_hybrids(data, n_hybrids=4, n_parents=10, random_state=2)
    Q = my.admixture_proportions(mixed.G, mixed.y, n_iter=2000)
    np.testing.assert_allclose(Q.sum(1), 1)
    X, locus = my.allele_counts(mixed.G)
    n = np.stack([X[mixed.y == k].sum(0) for k in (0, 1)])
    whole = np.stack([np.bincount(locus, row)[locus] for row in n])
    J = np.bincount(locus)[locus]
    P = (n + 1 / J) / (whole + 1)
    grid = np.linspace(0, 1, 2001)
    for i in np.flatnonzero(mixed.y == -1):
        value = X[i] @ np.log(np.outer(P[0], grid) + np.outer(P[1], 1 - grid))
        assert Q[i, 0] == pytest.approx(grid[value.argmax()], abs=2e-3)


def test_an_individual_without_alleles_gets_equal_shares(islands):
    G = islands.G.astype(int).copy()
    G[0] = -1
    y = islands.y.copy()
    y[0] = -1
    np.testing.assert_allclose(my.admixture_proportions(G, y)[0], 1 / 3)


def test_a_forest_on_the_alleles(islands):
    labelled = np.arange(36) % 3 != 0
    Q = my.raw_forest_mixture(islands.G, islands.y, labelled, random_state=0)
    assert (Q.argmax(1) == islands.y)[~labelled].mean() > 0.7
    swapped = my.raw_forest_mixture(islands.G[:, :, ::-1], islands.y, labelled, random_state=0)
    np.testing.assert_array_equal(Q, swapped)  # the order of the two alleles does not count


# --- measures and simulation ----------------------------------------------------------------------


def test_fst_by_hand():
    G = np.array([[[0, 0], [2, 3]], [[0, 1], [2, 3]], [[1, 1], [2, 2]], [[1, 1], [3, 3]]])
    y = np.array([0, 0, 1, 1])
    # first locus: p = (3/4, 0), second: 1/2 in both
    within = ((1 - 9 / 16 - 1 / 16) + 0) / 2 + 0.5
    total = (1 - (3 / 8) ** 2 - (5 / 8) ** 2) + 0.5
    assert my.fst(G, y) == pytest.approx(1 - within / total)
    apart = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    assert my.fst(apart, y) == pytest.approx(1)
    assert my.fst(np.array([[0, 1]] * 2 + [[1, 0]] * 2)[[0, 2, 0, 2]], y) == pytest.approx(0)
    untyped = np.array([[0, 5], [0, 5], [1, -1], [1, -1]])
    assert my.fst(untyped, y) == pytest.approx(1)


def test_the_mixture_error_by_hand():
    assert my.mixture_error([[1, 0], [0.5, 0.5]], [[0, 1], [0.5, 0.5]]) == pytest.approx(1)
    assert my.mixture_error([[1, 0]], [[0.7, 0.3]]) == pytest.approx(0.18)


@pytest.mark.parametrize("F", [0.02, 0.2])
def test_balding_and_nichols_give_the_moments(F):
    """Var p_k = F p (1 - p) for given p, and the mean of p (1 - p) is 1/4 - 0.9^2 / 12."""
    data = my.simulate_balding_nichols(F, n_pop=2, n_per_pop=200, n_loci=4000, random_state=0)
    assert data.G.shape == (400, 4000, 2)
    p = data.G.mean((2,)).reshape(2, 200, -1).mean(1)
    sampled = F + (1 - F) / 400  # drift, and 400 alleles of each population
    assert ((p[0] - p[1]) ** 2).mean() / 2 == pytest.approx(sampled * 0.1825, rel=0.08)
    assert p.mean() == pytest.approx(0.5, abs=0.02)
    het = (data.G[:, :, 0] != data.G[:, :, 1]).mean()
    assert het == pytest.approx(2 * 0.1825 * (1 - F), rel=0.03)
    assert (data.G[:, :, 0] <= data.G[:, :, 1]).all()


def test_who_exchanges_migrants():
    stepping = my.migration_matrix("stepping", 0.1, 4)
    assert stepping.tolist() == [
        [0, 0.1, 0, 0],
        [0.1, 0, 0.1, 0],
        [0, 0.1, 0, 0.1],
        [0, 0, 0.1, 0],
    ]
    groups = my.migration_matrix("hierarchical", 1e-4, 5, inner_migration=1e-3)
    assert groups[0].tolist() == [0, 1e-3, 1e-4, 1e-4, 1e-4]
    assert groups[4].tolist() == [1e-4, 1e-4, 1e-3, 1e-3, 0]
    assert my.migration_matrix("island", 0.2, 3).sum() == pytest.approx(1.2)


def test_without_recombination_one_population_follows_the_coalescent():
    """Watterson: the expected number of SNPs is 4 N mu L (1 + 1/2 + ... + 1/(n - 1))."""
    rng = np.random.default_rng(0)
    settings = {
        "n_e": 50, "generations": 5000, "migration_generations": 0, "length": 1e4, "maf": 0,
        "mutation": 1e-6, "recombination": 1e-6, "n_blocks": 8, "random_state": rng,
    }  # fmt: skip
    counts, singles = [], []
    for _ in range(60):
        d = my.simulate_islands("island", 0.0, 2, 5, **settings)
        first = d.G[d.y == 0].sum((0, 2))
        counts.append(((first > 0) & (first < 10)).sum())
        singles.append((first == 1).sum())
    theta = 4 * 50 * 1e-6 * 1e4
    wanted = theta * sum(1 / k for k in range(1, 10))
    assert np.mean(counts) == pytest.approx(wanted, rel=0.15)
    assert np.mean(singles) == pytest.approx(theta, rel=0.3)


def test_mutations_stop_at_the_founders():
    """In few generations nobody meets: mu L for each lineage and generation."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(30):
        d = my.simulate_islands(
            "island", 0.0, 2, 10, n_e=100_000, generations=20, migration_generations=0,
            mutation=1e-6, length=1e5, maf=0, random_state=rng,
        )  # fmt: skip
        found.append(d.G.shape[1])
    assert np.mean(found) == pytest.approx(40 * 20 * 0.1, rel=0.1)


@pytest.mark.parametrize("n_blocks", [1, 4, 30])
def test_the_whole_sequence_recombines_at_its_rate(n_blocks, monkeypatch):
    """In however many blocks it is cut, the boundaries add up to 1e-6 times 20,000 sites."""
    seen, original = [], _simulate._go_back

    def spy(s, t, end, M, n_e, boundary, rng):
        seen.append(boundary * max(n_blocks - 1, 1))
        return original(s, t, end, M, n_e, boundary, rng)

    monkeypatch.setattr(_simulate, "_go_back", spy)
    my.simulate_islands(
        "island", 1e-3, 2, 3, n_e=20, generations=50, migration_generations=20, mutation=1e-5,
        recombination=1e-6, length=2e4, n_blocks=n_blocks, maf=0, random_state=0,
    )  # fmt: skip
    assert seen == pytest.approx([0.02, 0.02])


def test_a_lineage_splits_between_two_blocks_that_it_carries():
    rng, cuts = np.random.default_rng(0), []
    for _ in range(300):
        s = _simulate._Ancestry.of_sample(1, 1, 7)
        s.material[0][[0, 1, 6]] = -1  # blocks 2 to 5 are left, with three boundaries
        s.recombine(0, rng)
        first, second = ((m >= 0).nonzero()[0].tolist() for m in s.material)
        assert first + second == [2, 3, 4, 5]
        assert s.breaks == [len(first) - 1, len(second) - 1]
        cuts.append(second[0])
    assert np.bincount(cuts)[3:].min() > 70
    assert set(cuts) == {3, 4, 5}


def test_loci_far_apart_recombine():
    """Neighbouring SNPs say the same more often than distant ones; without recombination not."""

    def decay(recombination):
        near, far = [], []
        for s in range(8):
            d = my.simulate_islands(
                "island", 0.0, 2, 40, recombination=recombination, maf=0.1, random_state=s
            )
            x = d.G[d.y == 0].sum(2)
            x, where = x[:, x.std(0) > 0], d.loci[x.std(0) > 0]
            r2 = np.corrcoef(x.T) ** 2
            gap = np.abs(where[:, None] - where)
            near.append(r2[(gap > 0) & (gap < 2e4)].mean())
            far.append(r2[gap > 6e4].mean())
        return np.mean(near), np.mean(far)

    near, far = decay(1e-7)
    assert near > 1.5 * far
    near, far = decay(0.0)
    assert near < 1.3 * far


def wright_fisher(M, n_e, generations, migrating, n_blocks, mutations, crossing, rng):
    """Forward in time, generation by generation: everybody has two parents of one population."""
    K, n = len(M), 2 * n_e * len(M)
    alleles, block = np.zeros((n, 0), dtype=bool), np.zeros(0, dtype=int)
    deme = np.repeat(np.arange(K), n_e)
    for g in range(generations):
        come = M if g >= generations - migrating else np.zeros_like(M)
        come = come + np.diag(1 - come.sum(1))
        source = np.array([rng.choice(K, p=come[k]) for k in deme])
        parent = rng.integers(n_e, size=(len(deme), 2)) + n_e * source[:, None]
        start = rng.random((n, 1)) < 0.5
        turns = rng.random((n, n_blocks - 1)) < crossing
        strand = np.cumsum(np.hstack([start, turns]), axis=1) % 2
        alleles = alleles[2 * parent.ravel()[:, None] + strand[:, block], np.arange(len(block))]
        new = rng.poisson(mutations, size=(n, n_blocks))
        who, where = (np.repeat(i, new[new > 0]) for i in np.nonzero(new))
        alleles = np.hstack([alleles, np.arange(n)[:, None] == who])
        block = np.concatenate([block, where])
        keep = alleles.any(0) & ~alleles.all(0)
        alleles, block = alleles[:, keep], block[keep]
    return alleles.astype(np.int8).reshape(K, n_e, 2, -1), block


def summary(G, block, y):
    """SNPs, common SNPs, F_ST, heterozygosity, and linkage in a block, next to it and far away."""
    share = G.mean((0, 2))
    common = np.minimum(share, 1 - share) >= 0.1
    r2 = np.corrcoef(G.sum(2)[:, common], rowvar=False) ** 2
    gap = np.abs(block[common][:, None] - block[common])
    same = (gap == 0) & ~np.eye(len(gap), dtype=bool)
    het = (G[:, :, 0] != G[:, :, 1]).mean(0).sum()
    linkage = [r2[which].mean() for which in (same, gap == 1, gap >= 3)]
    return [G.shape[1], common.sum(), my.fst(G, y), het, *linkage]


def test_the_simulator_agrees_with_a_forward_simulation():
    """Twenty-five diploids in each of three populations on a line, six blocks."""
    n_e, generations, migrating, n_blocks, K, n = 25, 250, 40, 6, 3, 10
    M, y = my.migration_matrix("stepping", 0.01, K), np.repeat(np.arange(K), n)
    forward, backward = [], []
    for s in range(20):
        rng = np.random.default_rng(s)
        A, block = wright_fisher(M, n_e, generations, migrating, n_blocks, 0.03, 0.05, rng)
        G = np.sort(A[:, :n].reshape(K * n, 2, -1).transpose(0, 2, 1), axis=2)
        seen = G.any((0, 2)) & ~G.all((0, 2))
        forward.append(summary(G[:, seen], block[seen], y))
    for s in range(72):
        d = my.simulate_islands(
            "stepping", 0.01, K, n, n_e=n_e, generations=generations, maf=0, length=600.0,
            migration_generations=migrating, mutation=0.03 / 100, recombination=0.05 * 5 / 600,
            n_blocks=n_blocks, random_state=s,
        )  # fmt: skip
        backward.append(summary(d.G, (d.loci // 100).astype(int), y))
    a, b = np.array(forward), np.array(backward)
    error = np.sqrt(a.var(0, ddof=1) / len(a) + b.var(0, ddof=1) / len(b))
    assert (error < 0.12 * a.mean(0)).all()  # so that a factor of two would be seen
    assert (np.abs(a.mean(0) - b.mean(0)) < 3.5 * error).all()


@pytest.mark.parametrize(
    ("model", "migration"), [("island", 3e-4), ("hierarchical", 1e-4), ("stepping", 2e-3)]
)
def test_the_simulator_agrees_with_msprime(model, migration):
    pytest.importorskip("msprime")
    found = {}
    for engine in ("blocks", "msprime"):
        runs = [
            my.simulate_islands(model, migration, engine=engine, random_state=s) for s in range(8)
        ]
        found[engine] = np.array([(d.G.shape[1], my.fst(d.G, d.y)) for d in runs])
    a, b = found.values()
    error = np.sqrt((a.var(0, ddof=1) + b.var(0, ddof=1)) / 8)
    assert (np.abs(a.mean(0) - b.mean(0)) < 4 * error).all()


def test_migration_mixes_populations():
    values = []
    for m in (0.0, 3e-4, 5e-3):
        runs = [my.simulate_islands("island", m, random_state=s) for s in range(3)]
        values.append(np.mean([my.fst(d.G, d.y) for d in runs]))
    assert values[0] > 1.5 * values[1] > 2 * values[2]
    line = my.simulate_islands("stepping", 2e-3, random_state=0)
    p = np.stack([line.G[line.y == k].mean((0, 2)) for k in range(5)])
    assert ((p[0] - p[4]) ** 2).mean() > 1.5 * ((p[0] - p[1]) ** 2).mean()


def test_simulated_genotypes_pass_the_filter():
    d = my.simulate_islands("island", 3e-4, 4, 20, maf=0.1, random_state=0)
    assert d.G.shape[0] == 80
    share = d.G.mean((0, 2))
    assert np.minimum(share, 1 - share).min() >= 0.1
    assert np.bincount(d.y).tolist() == [20] * 4
    assert (np.diff(d.loci) >= 0).all()
    assert 0 <= d.loci.min() <= d.loci.max() < 1e5


def test_hybrids_have_the_ancestry_that_is_asked_for():
    data = my.simulate_balding_nichols(0.5, n_pop=3, n_per_pop=20, n_loci=2000, random_state=0)
    mixed, Q = my.make_hybrids(data, (0.0, 0.3), n_hybrids=6, n_parents=8, random_state=1)
    assert len(mixed) == len(Q) == 3 * 12 + 12
    np.testing.assert_allclose(Q.sum(1), 1)
    assert (mixed.y[:36] == Q[:36].argmax(1)).all()
    assert (mixed.y[36:] == -1).all()
    assert sorted(set(Q[36:].ravel().round(9))) == [0, 0.3, 0.7, 1]
    found = my.admixture_proportions(mixed.G, mixed.y)
    assert my.mixture_error(Q[36:], found[36:]) < 0.02
    kept = {tuple(g.ravel().tolist()) for g in mixed.G[:36]}
    assert kept <= {tuple(g.ravel().tolist()) for g in data.G}
    haploid = Genotypes(data.G[:, :, 0], data.y.astype(str), data.ids, data.loci)
    mixed, _ = my.make_hybrids(haploid, (0.5,), n_hybrids=3, n_parents=8, random_state=1)
    assert mixed.y[-1] == "-1"
    assert mixed.G.shape == (39, 2000)


def test_parents_are_not_in_the_data():
    data = my.simulate_balding_nichols(0.2, n_pop=2, n_per_pop=10, n_loci=500, random_state=0)
    mixed, Q = my.make_hybrids(data, (1.0,), n_hybrids=2, n_parents=1, random_state=0)
    stays = [any(np.array_equal(g, h) for h in mixed.G) for g in data.G]
    assert sum(stays) == 18
    for hybrid, q in zip(mixed.G[-2:], Q[-2:]):  # all alleles are those of the one parent
        parent = data.G[~np.array(stays) & (data.y == q.argmax())][0]
        assert np.isin(hybrid - parent[:, :1], (0, 1)).all()
        homozygous = parent[:, 0] == parent[:, 1]
        np.testing.assert_array_equal(hybrid[homozygous], parent[homozygous])


# --- bad input ------------------------------------------------------------------------------------

GOOD = np.arange(24).reshape(6, 4) % 3
Y = np.array([0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("G", "error", "words"),
    [
        (np.zeros((3, 4)), TypeError, "integers or single characters"),
        (np.zeros(4, int), ValueError, "must have shape"),
        (np.zeros((0, 4), int), ValueError, "none empty"),
        (np.zeros((2, 2, 2, 2), int), ValueError, "must have shape"),
        ([["AA", "C"]], ValueError, "single characters"),
        ([[1, 2], [3]], TypeError, "rectangular"),
    ],
)
def test_bad_genotypes_are_refused(G, error, words):
    for call in (
        lambda: my.genetic_distance(G),
        lambda: my.allele_counts(G),
        lambda: my.fst(G, [0, 1]),
        lambda: my.likelihood_assignment(G, [0, 1]),
        lambda: my.Mycorrhiza().fit(G, [0, 1]),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(
    ("D", "error", "words"),
    [
        (np.zeros((2, 3)), ValueError, r"shape \(N, N\)"),
        (np.zeros((1, 1)), ValueError, "at least 2"),
        (np.array([[0, -1], [-1, 0]]), ValueError, "negative"),
        (np.array([[0, 1], [2, 0]]), ValueError, "symmetric"),
        (np.array([[1, 1], [1, 0]]), ValueError, "diagonal"),
        (np.array([[0, np.nan], [np.nan, 0]]), ValueError, "finite"),
        ([["a", "b"], ["c", "d"]], TypeError, "real numbers"),
    ],
)
def test_bad_distances_are_refused(D, error, words):
    for call in (my.circular_order, my.neighbor_net, lambda D: my.split_weights(D, [0, 1])):
        with pytest.raises(error, match=words):
            call(D)


def test_bad_orders_and_cutoffs_are_refused():
    D = euclid(4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="permutation of 0, ..., 3"):
        my.split_weights(D, [0, 1, 2, 2])
    with pytest.raises(ValueError, match="permutation"):
        my.split_weights(D, [0, 1, 2])
    with pytest.raises(TypeError, match="order must hold integers"):
        my.split_weights(D, [0.0, 1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="cutoff"):
        my.neighbor_net(D, cutoff=-1.0)
    with pytest.raises(ValueError, match="solver must be one of"):
        my.neighbor_net(D, solver="fast")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"n_partitions": 0}, ValueError, "n_partitions"),
        ({"n_partitions": 5}, ValueError, "n_partitions"),
        ({"n_estimators": 0}, ValueError, "n_estimators"),
        ({"n_estimators": 2.5}, TypeError, "n_estimators"),
        ({"distance": "euclid"}, ValueError, "distance must be one of"),
        ({"features": "raw"}, ValueError, "features must be one of"),
        ({"haplotypes": "second"}, ValueError, "haplotypes must be one of"),
        ({"solver": "fast"}, ValueError, "solver must be one of"),
        ({"random_state": -1}, ValueError, "seed must be"),
    ],
)
def test_bad_settings_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        my.Mycorrhiza(**settings).fit(GOOD, Y)


def test_bad_labels_are_refused():
    model = my.Mycorrhiza()
    for call in (model.fit, my.likelihood_assignment, my.admixture_proportions):
        with pytest.raises(ValueError, match=r"y must have shape \(6,\)"):
            call(GOOD, [0, 1])
        with pytest.raises(TypeError, match="y must hold integers or strings"):
            call(GOOD, Y.astype(float))
        with pytest.raises(ValueError, match="at least two populations"):
            call(GOOD, [0, 0, 0, -1, -1, -1])
    for call in (model.fit_predict, my.likelihood_assignment, my.raw_forest_mixture):
        with pytest.raises(TypeError, match="labelled must hold booleans"):
            call(GOOD, Y, [1, 1, 1, 1, 1, 0])
        with pytest.raises(ValueError, match="labelled must have shape"):
            call(GOOD, Y, [True])
    with pytest.raises(ValueError, match="at least 4 individuals"):
        model.fit(GOOD[:3], [0, 1, 1])
    with pytest.raises(ValueError, match="n_splits must be"):
        model.cross_val_accuracy(GOOD, Y, n_splits=4)
    with pytest.raises(ValueError, match="n_repeats must be"):
        model.cross_val_accuracy(GOOD, Y, n_splits=2, n_repeats=0)
    with pytest.raises(ValueError, match="at least two populations"):
        my.fst(GOOD, [0] * 6)
    with pytest.raises(ValueError, match="at least one locus"):
        my.fst(np.zeros((6, 2), int), Y)
    with pytest.raises(ValueError, match="prior must be"):
        my.likelihood_assignment(GOOD, Y, prior=0.0)
    with pytest.raises(ValueError, match="n_iter must be"):
        my.admixture_proportions(GOOD, Y, n_iter=0)
    with pytest.raises(ValueError, match="Q_est must have shape"):
        my.mixture_error([[1, 0]], [[1, 0, 0]])


def test_bad_predictions_before_a_fit():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        my.Mycorrhiza().predict()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "ring"}, "model must be one of"),
        ({"migration": 0.5}, "migration must be"),
        ({"n_pop": 1}, "n_pop must be"),
        ({"n_per_pop": 0}, "n_per_pop must be"),
        ({"n_e": 10}, "n_e must be"),
        ({"generations": 0}, "generations must be"),
        ({"migration_generations": 4000}, "migration_generations must be"),
        ({"length": 0.0}, "length must be"),
        ({"mutation": 0.0}, "mutation must be"),
        ({"recombination": -1.0}, "recombination must be"),
        ({"maf": 0.6}, "maf must be"),
        ({"n_blocks": 0}, "n_blocks must be"),
        ({"engine": "slim"}, "engine must be one of"),
        ({"mutation": 1e-15}, "no SNP"),
    ],
)
def test_bad_simulations_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        my.simulate_islands(**settings)


def test_bad_populations_and_hybrids_are_refused():
    with pytest.raises(ValueError, match="F must be"):
        my.simulate_balding_nichols(0.0)
    with pytest.raises(ValueError, match="n_loci must be"):
        my.simulate_balding_nichols(0.1, n_loci=0)
    data = my.simulate_balding_nichols(0.1, n_pop=2, n_per_pop=3, n_loci=5, random_state=0)
    with pytest.raises(ValueError, match="n_parents must be"):
        my.make_hybrids(data, n_parents=3)
    with pytest.raises(ValueError, match="shares must be"):
        my.make_hybrids(data, (1.5,), n_parents=1)
    with pytest.raises(ValueError, match="n_hybrids must be"):
        my.make_hybrids(data, n_hybrids=0, n_parents=1)
    with pytest.raises(ValueError, match="at least two populations"):
        my.make_hybrids(data.take(individuals=data.y == 0), n_parents=1)


def test_bad_engine_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "msprime", None)
    with pytest.raises(ImportError, match="pip install msprime"):
        my.simulate_islands(engine="msprime")
