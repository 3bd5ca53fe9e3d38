"""Tests of mixbook.mixtures.llp_bp against enumeration, scikit-learn, autograd and symmetries."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from sklearn.gaussian_process.kernels import Matern
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from mixbook.mixtures import llp_bp as lb
from mixbook.mixtures.llp_bp import _networks


def all_labels(n):
    return np.array(list(itertools.product([0, 1], repeat=n)))


def energy(y, edges, weights, ids, counts, lam_bag, lam_sim):
    """Eq. (1) in plain loops: the oracle of everything here."""
    value = 0.0
    for s, B in enumerate(counts):
        value += lam_bag * (sum(y[i] for i in range(len(y)) if ids[i] == s) - B) ** 2
    for (i, j), k in zip(edges, weights):
        value += lam_sim * k * (y[i] - y[j]) ** 2
    return value


def enumerated(*problem, n):
    """Marginals by a sum over all labellings."""
    Y = all_labels(n)
    p = np.exp([-energy(y, *problem) for y in Y])
    return p @ Y / p.sum()


def problem(seed, n=9, size=3, n_edges=6):
    rng = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(n), 2)))
    edges = pairs[np.sort(rng.choice(len(pairs), n_edges, replace=False))]
    ids = rng.permutation(np.arange(n) // size)
    counts = np.array([rng.integers(0, c + 1) for c in np.bincount(ids)])
    return edges, rng.uniform(0.1, 1, n_edges), ids, counts


# --- the law --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_log_gibbs_is_minus_the_energy(seed):
    parts = problem(seed, n=7)
    Y = all_labels(7)
    ours = lb.log_gibbs(Y.reshape(2, 64, 7), *parts, 0.7, 1.3)
    np.testing.assert_allclose(ours.ravel(), [-energy(y, *parts, 0.7, 1.3) for y in Y])


@pytest.mark.parametrize("seed", range(6))
def test_potentials_differ_from_the_law_by_a_constant(seed):
    parts = problem(seed, n=8, n_edges=10)
    u, pairs, w = lb.gibbs_potentials(*parts, 0.7, 1.3)
    Y = all_labels(8)
    rest = Y @ u + (Y[:, pairs[:, 0]] * Y[:, pairs[:, 1]]) @ w
    assert np.ptp(rest + [energy(y, *parts, 0.7, 1.3) for y in Y]) < 1e-9
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len({tuple(p) for p in pairs}) == len(pairs)


def test_a_pair_that_is_an_edge_and_in_one_bag_gets_the_sum():
    u, pairs, w = lb.gibbs_potentials([[1, 0]], [0.5], [0, 0], [1], 3.0, 10.0)
    assert pairs.tolist() == [[0, 1]]
    assert w.tolist() == [2 * 10 * 0.5 - 2 * 3]
    assert u.tolist() == [3 - 5, 3 - 5]  # -lam_b (1 - 2 B) - lam_s k


def test_uneven_bags_have_all_their_pairs():
    _, pairs, w = lb.gibbs_potentials(
        np.zeros((0, 2), int), [], [2, 0, 0, 1, 2, 2], [1, 0, 1], 0.5, 1
    )
    assert pairs.tolist() == [[0, 4], [0, 5], [1, 2], [4, 5]]
    assert set(w) == {-1.0}


@pytest.mark.parametrize("seed", range(4))
def test_exact_marginals_are_those_of_the_loop(seed):
    parts = problem(seed, n=10, size=4, n_edges=12)
    ours = lb.exact_marginals(*parts, 0.4, 0.8)
    np.testing.assert_allclose(ours, enumerated(*parts, 0.4, 0.8, n=10), atol=1e-12)


def test_exact_marginals_in_several_blocks():
    n = 15
    ids, counts = np.arange(n) // 5, [1, 4, 2]
    edges, weights = [[0, 5], [5, 10]], [1.0, 0.5]
    sixteen = lb.exact_marginals(edges, weights, [*ids, 3], [*counts, 1], 1.0, 2.0)
    fifteen = lb.exact_marginals(edges, weights, ids, counts, 1.0, 2.0)
    np.testing.assert_allclose(sixteen[:15], fifteen, atol=1e-12)  # the last one is alone
    assert sixteen[15] == pytest.approx(expit(1.0))


# --- propagation on pairs -------------------------------------------------------------------------


def random_tree(seed, n):
    rng = np.random.default_rng(seed)
    edges = np.array([[rng.integers(0, i), i] for i in range(1, n)])
    return rng.normal(size=n), edges, rng.normal(size=n - 1) * 2


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damping", [0.0, 0.5])
@pytest.mark.parametrize("start", ["zero", "ising"])
def test_on_trees_marginals_are_exact(seed, damping, start):
    u, edges, w = random_tree(seed, 10)
    Y = all_labels(10)
    logs = Y @ u + (Y[:, edges[:, 0]] * Y[:, edges[:, 1]]) @ w
    exact = np.exp(logs - logsumexp(logs)) @ Y
    found = lb.bp_marginals(u, edges, w, damping=damping, n_iter=200, start=start)
    np.testing.assert_allclose(found.marginals, exact, atol=1e-9)
    np.testing.assert_allclose(expit(found.log_odds), found.marginals)
    assert found.residual < 1e-9


def test_bags_of_two_with_one_edge_across_make_a_tree():
    parts = ([[1, 2]], [0.7], [0, 0, 1, 1], [1, 2])
    exact = enumerated(*parts, 0.9, 1.1, n=4)
    for method in ("pairwise", "cardinality"):
        graph = (parts[0], parts[1])
        found = lb.bp_bags(graph, *parts[2:], 0.9, 1.1, method)
        np.testing.assert_allclose(found.marginals, exact, atol=1e-9)


def one_message(m, u, pairs, w, target):
    """Eqs. (5) and (6) for one directed edge, in plain loops; target = (pair, side)."""
    p, side = target
    to, source = pairs[p][side], pairs[p][1 - side]
    c = u[source]
    for q, (i, j) in enumerate(pairs):
        if q != p and source == i:
            c += m[q][0]
        if q != p and source == j:
            c += m[q][1]
    assert to != source
    new = math.log((1 + math.exp(c + w[p])) / (1 + math.exp(c)))
    return 0.3 * m[p][side] + 0.7 * new, abs(new - m[p][side])


def test_a_loopy_run_is_the_formula_message_by_message():
    rng = np.random.default_rng(5)
    u, w = rng.normal(size=6), rng.normal(size=9)
    pairs = list(itertools.combinations(range(6), 2))[:9]
    m = [[0.0, 0.0] for _ in pairs]
    for _ in range(7):
        new = [[one_message(m, u, pairs, w, (p, s)) for s in (0, 1)] for p in range(9)]
        m, moved = [[x[0] for x in row] for row in new], max(x[1] for row in new for x in row)
    found = lb.bp_marginals(u, pairs, w, n_iter=7, damping=0.3)
    np.testing.assert_allclose(found.messages, m, atol=1e-12)
    assert found.residual == pytest.approx(moved)
    assert found.n_iter == 7


def bethe(q, u, pairs, w):
    """The Bethe free energy at given marginals, each pair's law being the best for them."""
    energy, degree = -u @ q, np.bincount(pairs.ravel(), minlength=len(q))
    h = -(q * np.log(q) + (1 - q) * np.log(1 - q))
    energy -= ((1 - degree) * h).sum()
    for (i, j), x in zip(pairs, w):
        a = np.expm1(x)  # e^w = both * none / (only i * only j) is a quadratic in ``both``
        s = 1 + a * (q[i] + q[j])
        both = (s - np.sqrt(s**2 - 4 * a * (1 + a) * q[i] * q[j])) / (2 * a)
        table = np.array([both, q[i] - both, q[j] - both, 1 - q[i] - q[j] + both])
        energy += table @ np.log(table) - x * both
    return energy


@pytest.mark.parametrize("seed", range(3))
def test_a_fixed_point_on_loops_is_stationary_for_the_bethe_free_energy(seed):
    rng = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(6), 2)))[rng.permutation(15)[:10]]
    u, w = rng.normal(size=6), rng.normal(size=10)
    q = lb.bp_marginals(u, pairs, w, n_iter=500).marginals
    step = 1e-5 * np.eye(6)
    slope = [(bethe(q + e, u, pairs, w) - bethe(q - e, u, pairs, w)) / 2e-5 for e in step]
    np.testing.assert_allclose(slope, 0, atol=1e-6)
    off = [
        (bethe(q + 0.05 + e, u, pairs, w) - bethe(q + 0.05 - e, u, pairs, w)) / 2e-5 for e in step
    ]
    assert np.abs(off).max() > 0.05  # so that being flat says something


def ising_run(u, pairs, w, n_iter, damping):
    """The same law for spins of -1 and 1: fields h, couplings w / 4, messages from 0, as loops."""
    n, J = len(u), np.asarray(w) / 4
    h = np.array(u, float) / 2
    for (i, j), x in zip(pairs, J):
        h[i] += x
        h[j] += x
    nu = np.zeros((len(pairs), 2))
    for _ in range(n_iter):
        field = h.copy()
        for (i, j), (to_i, to_j) in zip(pairs, nu):
            field[i] += to_i
            field[j] += to_j
        new = np.zeros_like(nu)
        for p, (i, j) in enumerate(pairs):
            new[p, 1] = math.atanh(math.tanh(J[p]) * math.tanh(field[i] - nu[p, 0]))
            new[p, 0] = math.atanh(math.tanh(J[p]) * math.tanh(field[j] - nu[p, 1]))
        nu = damping * nu + (1 - damping) * new
    field = h.copy()
    for (i, j), (to_i, to_j) in zip(pairs, nu):
        field[i] += to_i
        field[j] += to_j
    assert len(field) == n
    return 2 * field


def test_the_ising_start_is_that_of_zero_messages_between_spins():
    rng = np.random.default_rng(3)
    pairs = np.array(list(itertools.combinations(range(6), 2)))[::2]
    u, w = rng.normal(size=6), 2 * rng.normal(size=len(pairs))
    for n_iter in (1, 4):
        found = lb.bp_marginals(u, pairs, w, n_iter=n_iter, damping=0.3, start="ising")
        wanted = ising_run(u, pairs.tolist(), w, n_iter, 0.3)
        np.testing.assert_allclose(found.log_odds, wanted, atol=1e-10)
        other = lb.bp_marginals(u, pairs, w, n_iter=n_iter, damping=0.3)
        assert np.abs(found.log_odds - other.log_odds).max() > 0.01


@pytest.mark.parametrize("method", ["pairwise", "cardinality"])
def test_the_ising_start_treats_both_labels_alike_even_before_it_settles(method):
    edges, weights, ids, counts = problem(2, n=12, size=4, n_edges=10)
    flipped = np.bincount(ids) - counts

    def both(start):
        law = {"lam_bag": 0.4, "lam_sim": 6.0, "method": method, "n_iter": 5, "start": start}
        one, two = (lb.bp_bags((edges, weights), ids, B, **law) for B in (counts, flipped))
        return np.abs(one.log_odds + two.log_odds).max()

    assert both("ising") < 1e-10
    assert both("zero") > 0.1


def test_tolerance_stops_early_at_the_same_place():
    u, edges, w = random_tree(0, 12)
    whole, early = (lb.bp_marginals(u, edges, w, n_iter=500, tol=t) for t in (0.0, 1e-7))
    assert early.n_iter < 100
    assert early.residual <= 1e-7
    np.testing.assert_allclose(early.marginals, whole.marginals, atol=1e-6)


def test_strong_couplings_do_not_overflow():
    found = lb.bp_marginals([3000.0, 0.0, -5.0], [[0, 1], [1, 2]], [4000.0, -2000.0])
    np.testing.assert_allclose(found.marginals, [1, 1, 0], atol=1e-12)
    assert np.isfinite(found.log_odds).all()


def test_no_pairs_leave_the_unaries():
    u = np.array([-1.0, 0.0, 2.0])
    found = lb.bp_marginals(u, np.zeros((0, 2), int), [])
    np.testing.assert_allclose(found.marginals, expit(u))
    assert found.n_iter == 1


def test_the_frustrated_bag_of_the_text():
    """Twelve instances, four ones, no edges: pairs never settle, the count factor is exact."""
    graph, ids = (np.zeros((0, 2), int), []), np.zeros(12, int)
    K = np.arange(13)
    p = np.array([math.comb(12, k) for k in K]) * np.exp(-2.0 * (K - 4) ** 2)
    truth = (p @ K) / p.sum() / 12
    pairs = [lb.bp_bags(graph, ids, [4], 2.0, 0.0, n_iter=n) for n in (99, 100)]
    assert pairs[1].residual > 1
    assert abs(pairs[0].marginals[0] - pairs[1].marginals[0]) > 0.5
    whole = lb.bp_bags(graph, ids, [4], 2.0, 0.0, "cardinality")
    np.testing.assert_allclose(whole.marginals, truth, atol=1e-12)
    assert truth == pytest.approx(0.344, abs=1e-3)
    assert whole.residual < 1e-12


def test_pgmax_agrees_on_loops():
    """The engine of the authors' code, where it is installed."""
    pytest.importorskip("pgmax")
    if not hasattr(pytest.importorskip("jax").lib, "xla_bridge"):
        pytest.skip("this PGMax needs an older JAX")
    from pgmax import fgraph, fgroup, infer, vgroup

    rng = np.random.default_rng(0)
    n = 12
    pairs = np.array(list(itertools.combinations(range(n), 2)))[::3]
    u, w = rng.normal(size=n), rng.normal(size=len(pairs))
    variables = vgroup.NDVarArray(num_states=2, shape=(n,))
    graph = fgraph.FactorGraph(variable_groups=[variables])
    table = np.zeros((len(pairs), 2, 2))
    table[:, 1, 1] = w
    graph.add_factors(
        [
            fgroup.EnumFactorGroup(
                variables_for_factors=[[variables[i]] for i in range(n)],
                factor_configs=np.arange(2)[:, None],
                log_potentials=np.stack([np.zeros(n), u], axis=1),
            ),
            fgroup.PairwiseFactorGroup(
                variables_for_factors=[[variables[i], variables[j]] for i, j in pairs],
                log_potential_matrix=table,
            ),
        ]
    )
    bp = infer.BP(graph.bp_state, temperature=1.0)
    arrays = bp.run(bp.init(), num_iters=100, damping=0.5)
    theirs = np.asarray(next(iter(infer.get_marginals(bp.get_beliefs(arrays)).values())))[:, 1]
    np.testing.assert_allclose(lb.bp_marginals(u, pairs, w).marginals, theirs, atol=1e-4)


# --- whole bags -----------------------------------------------------------------------------------


def message_by_enumeration(c, B, lam):
    """Eq. (8), summing over all labels of the bag."""
    Y = all_labels(len(c))
    logs = Y @ c - lam * (Y.sum(1) - B) ** 2
    return [
        logsumexp(logs[Y[:, i] == 1]) - logsumexp(logs[Y[:, i] == 0]) - c[i] for i in range(len(c))
    ]


@pytest.mark.parametrize("b", [1, 2, 3, 4, 5, 7, 11])
@pytest.mark.parametrize("lam", [0.01, 0.3, 2.0, 60.0])
def test_bag_messages_are_those_of_enumeration(b, lam):
    rng = np.random.default_rng(b)
    for spread, B in itertools.product((0.3, 4.0, 25.0), {0, 1, b // 2, b}):
        c = spread * rng.normal(size=b)
        ours = lb.count_messages(c, np.zeros(b, int), [B], lam)
        np.testing.assert_allclose(ours, message_by_enumeration(c, B, lam), rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.floats(0.02, 20), st.floats(-12, 12), st.data())
def test_bag_messages_on_any_bag(b, lam, centre, data):
    c = centre + np.array(data.draw(st.lists(st.floats(-15, 15), min_size=b, max_size=b)))
    B = data.draw(st.integers(0, b))
    ours = lb.count_messages(c, np.zeros(b, int), [B], lam)
    np.testing.assert_allclose(ours, message_by_enumeration(c, B, lam), rtol=1e-7, atol=1e-7)


def message_by_recursion(c, B, lam):
    """Eq. (8) in logarithms: the law of the others, one at a time, by an untilted recursion."""
    out = np.empty(len(c))
    for i in range(len(c)):
        logs = np.array([0.0])
        for p in np.delete(c, i):
            one, zero = -np.logaddexp(0, -p), -np.logaddexp(0, p)
            logs = np.logaddexp(np.append(logs + zero, -np.inf), np.append(-np.inf, logs + one))
        K = np.arange(len(logs))
        out[i] = logsumexp(logs - lam * (K + 1 - B) ** 2) - logsumexp(logs - lam * (K - B) ** 2)
    return out


@pytest.mark.parametrize("b", [100, 257])
@pytest.mark.parametrize(("centre", "share"), [(0.0, 0.5), (-3.0, 0.6), (4.0, 0.1), (-9.0, 1.0)])
def test_bag_messages_of_large_bags_where_law_and_count_disagree(b, centre, share):
    """Cutting the ends of the laws loses nothing, even far in the tail of what is expected."""
    rng = np.random.default_rng(b)
    c = centre + 2 * rng.normal(size=b)
    for lam in (0.05, 3.0):
        ours = lb.count_messages(c, np.zeros(b, int), [round(share * b)], lam)
        wanted = message_by_recursion(c, round(share * b), lam)
        np.testing.assert_allclose(ours, wanted, rtol=1e-8, atol=1e-8)


def test_many_bags_of_different_sizes_do_not_disturb_each_other():
    rng = np.random.default_rng(3)
    sizes = [4, 1, 9, 2, 6]
    ids = rng.permutation(np.repeat(np.arange(5), sizes))
    counts = np.array([2, 1, 4, 0, 6])
    c = rng.normal(size=len(ids))
    ours = lb.count_messages(c, ids, counts, 0.8)
    for s in range(5):
        wanted = message_by_enumeration(c[ids == s], counts[s], 0.8)
        np.testing.assert_allclose(ours[ids == s], wanted, atol=1e-9)


def test_without_edges_whole_bags_are_exact():
    ids, counts = np.arange(12) // 4, [0, 3, 2]
    found = lb.bp_bags((np.zeros((0, 2), int), []), ids, counts, 0.6, 1.0, "cardinality")
    exact = enumerated([], [], ids, counts, 0.6, 1.0, n=12)
    np.testing.assert_allclose(found.marginals, exact, atol=1e-10)


def test_a_graph_of_bags_without_cycles_is_exact():
    """Bags of four, joined by single edges: a tree of bags and instances."""
    ids, counts = np.arange(12) // 4, np.array([1, 3, 2])
    edges, weights = [[0, 4], [5, 8]], [0.9, 0.6]
    found = lb.bp_bags((edges, weights), ids, counts, 0.5, 2.0, "cardinality", n_iter=300)
    exact = enumerated(edges, weights, ids, counts, 0.5, 2.0, n=12)
    np.testing.assert_allclose(found.marginals, exact, atol=1e-9)
    pairs = lb.bp_bags((edges, weights), ids, counts, 0.5, 2.0, "pairwise", n_iter=300)
    assert np.abs(pairs.marginals - exact).max() > 1e-3


def test_on_loops_whole_bags_are_nearer_than_pairs():
    errors = []
    for seed in range(8):
        parts = problem(seed, n=12, size=4, n_edges=8)
        exact = enumerated(*parts, 0.8, 0.6, n=12)
        found = [
            lb.bp_bags(parts[:2], *parts[2:], 0.8, 0.6, m).marginals
            for m in ("cardinality", "pairwise")
        ]
        errors.append([np.abs(q - exact).max() for q in found])
    whole, pairs = np.array(errors).T
    assert whole.max() < 0.08
    assert whole.mean() < 0.5 * pairs.mean()


def test_rounds_of_bags_and_pairs_are_synchronous():
    """One iteration by hand: both kinds of messages come from the messages before."""
    ids, counts, edges, k = np.array([0, 0, 1]), np.array([1, 0]), [[1, 2]], np.array([0.5])
    found = lb.bp_bags((edges, k), ids, counts, 0.7, 2.0, "cardinality", n_iter=1, damping=0.25)
    u = np.array([0, -1.0, -1.0])
    bag = np.r_[message_by_enumeration(u[:2], 1, 0.7), message_by_enumeration(u[2:], 0, 0.7)]
    pair = math.log((1 + math.exp(-1 + 2)) / (1 + math.exp(-1)))
    np.testing.assert_allclose(found.bag_messages, 0.75 * bag, atol=1e-12)
    np.testing.assert_allclose(found.messages, [[0.75 * pair, 0.75 * pair]], atol=1e-12)
    np.testing.assert_allclose(found.log_odds, u + 0.75 * (bag + [0, pair, pair]), atol=1e-12)
    assert found.residual == pytest.approx(max(np.abs(bag).max(), pair))


def test_the_residual_of_bags_is_what_they_wanted_before_damping():
    nothing, ids = (np.zeros((0, 2), int), []), np.zeros(4, int)
    found = lb.bp_bags(nothing, ids, [1], 0.7, 0.0, "cardinality", n_iter=1, damping=0.75)
    wanted = message_by_enumeration(np.zeros(4), 1, 0.7)
    assert found.residual == pytest.approx(np.abs(wanted).max())
    np.testing.assert_allclose(found.bag_messages, 0.25 * np.array(wanted))


@pytest.mark.parametrize("method", ["pairwise", "cardinality"])
def test_flipping_all_labels_flips_the_marginals(method):
    edges, weights, ids, counts = problem(2, n=12, size=4, n_edges=10)
    flipped = np.bincount(ids) - counts
    one, two = (
        lb.bp_bags((edges, weights), ids, B, 0.2, 0.7, method, n_iter=300)
        for B in (counts, flipped)
    )
    np.testing.assert_allclose(one.marginals, 1 - two.marginals, atol=1e-8)


@pytest.mark.parametrize("method", ["pairwise", "cardinality"])
def test_order_of_instances_and_names_of_bags_do_not_matter(method):
    edges, weights, ids, counts = problem(4, n=12, size=3, n_edges=10)
    rng = np.random.default_rng(0)
    place, rename = rng.permutation(12), rng.permutation(4)  # instance i goes to place[i]
    ids2, counts2 = np.empty_like(ids), np.empty_like(counts)
    ids2[place], counts2[rename] = rename[ids], counts
    one = lb.bp_bags((edges, weights), ids, counts, 0.5, 0.9, method)
    two = lb.bp_bags((place[edges], weights), ids2, counts2, 0.5, 0.9, method)
    np.testing.assert_allclose(one.marginals, two.marginals[place], atol=1e-9)


@pytest.mark.parametrize("method", ["pairwise", "cardinality"])
def test_without_counts_all_labels_are_even(method):
    edges, weights, ids, counts = problem(1)
    found = lb.bp_bags((edges, weights), ids, counts, 0.0, 1.0, method)
    np.testing.assert_allclose(found.marginals, 0.5, atol=1e-12)


def test_covariates_make_the_graph_of_knn_graph():
    X, y = lb.make_two_gaussians(60, 3, random_state=0)
    ids, counts = lb.make_bags(y, 6, 0)
    graph = lb.knn_graph(X, 4, length=2.0)
    one, two = (lb.bp_bags(z, ids, counts, 0.3, 1.0, k=4, length=2.0) for z in (X, graph))
    np.testing.assert_array_equal(one.marginals, two.marginals)


def test_low_count_rule_drops_neighbours_of_instances_from_rich_bags():
    X, y = lb.make_two_gaussians(40, 3, random_state=1)
    ids, counts = lb.make_bags(y, 4, 1)
    found = lb.bp_bags(X, ids, counts, 0.3, 1.0, "cardinality", k=3, edge_rule="low_count")
    poor = counts[ids] <= 1
    near = NearestNeighbors(n_neighbors=3, metric="cosine").fit(X).kneighbors(return_distance=False)
    wanted = {tuple(sorted((i, j))) for i in range(40) if poor[i] for j in near[i].tolist()}
    edges, weights = lb.knn_graph(X, 3, sources=poor)
    assert {tuple(e) for e in edges.tolist()} == wanted
    same = lb.bp_bags((edges, weights), ids, counts, 0.3, 1.0, "cardinality")
    np.testing.assert_array_equal(found.marginals, same.marginals)


# --- the graph ------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_graph_is_that_of_scikit_learn(metric):
    Z = np.random.default_rng(0).normal(size=(80, 5)) + 0.5
    near = NearestNeighbors(n_neighbors=4, metric=metric).fit(Z).kneighbors(return_distance=False)
    wanted = sorted({tuple(sorted((i, j))) for i in range(80) for j in near[i].tolist()})
    edges, weights = lb.knn_graph(Z, 4, metric, length=2.0)
    assert edges.dtype == np.int64
    assert [tuple(e) for e in edges.tolist()] == wanted
    kernel = Matern(length_scale=2.0, nu=0.5)
    theirs = [kernel(Z[[i]], Z[[j]])[0, 0] for i, j in wanted]
    np.testing.assert_allclose(weights, theirs, rtol=1e-5)
    assert (lb.knn_graph(Z, 4, metric, "one")[1] == 1).all()


def test_copies_are_neighbours_of_each_other_and_not_of_themselves():
    Z = np.repeat(np.eye(3), 5, axis=0)
    edges, weights = lb.knn_graph(Z, 2)
    assert (edges[:, 0] < edges[:, 1]).all()
    assert (edges[:, 0] // 5 == edges[:, 1] // 5).all()
    np.testing.assert_allclose(weights, 1)
    assert np.bincount(edges.ravel(), minlength=15).min() >= 2


def test_a_zero_vector_has_neighbours_too():
    Z = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    edges, weights = lb.knn_graph(Z, 1)
    assert np.isfinite(weights).all()
    assert set(edges.ravel().tolist()) == {0, 1, 2, 3}


def test_search_by_cells_finds_most_neighbours():
    X, _ = lb.make_two_gaussians(6000, 5, random_state=0)
    exact, cells = (lb.knn_graph(X, 5, search=s)[0] for s in ("exact", "cells"))
    codes = [set((e[:, 0] * 6000 + e[:, 1]).tolist()) for e in (exact, cells)]
    assert len(codes[0] & codes[1]) > 0.8 * len(codes[0])
    assert codes[0] != codes[1]  # so that "cells" is really another search


def test_distances_in_blocks():
    from mixbook.mixtures.llp_bp._graph import _distances

    Z = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    edges = np.array(list(itertools.combinations(range(9), 2)))
    np.testing.assert_array_equal(_distances(Z, edges), _distances(Z, edges, block=7))


# --- bags and baselines ---------------------------------------------------------------------------


def test_random_bags_partition_and_count():
    y = np.random.default_rng(0).integers(0, 2, 103)
    ids, counts = lb.make_bags(y, 10, random_state=1)
    assert np.bincount(ids).tolist() == [10] * 10 + [3]
    assert counts.tolist() == [int(y[ids == s].sum()) for s in range(11)]
    assert not (ids == np.arange(103) // 10).all()
    again, _ = lb.make_bags(y, 10, random_state=1)
    other, _ = lb.make_bags(y, 10, random_state=2)
    assert (ids == again).all()
    assert (ids != other).any()


def test_bags_are_random_in_the_labels():
    """Numbers of ones are hypergeometric: their variance is that of draws without replacement."""
    y = np.repeat([0, 1], [700, 300])
    counts = np.concatenate([lb.make_bags(y, 10, s)[1] for s in range(60)])
    assert counts.var() == pytest.approx(10 * 0.3 * 0.7 * 990 / 999, rel=0.06)


def test_two_gaussians_are_what_they_say():
    X, y = lb.make_two_gaussians(20_000, 3, 1.5, 0)
    assert y.sum() == 10_000
    for label, sign in ((0, -1), (1, 1)):
        part = X[y == label]
        np.testing.assert_allclose(part.mean(0), [1.5 * sign, 0, 0], atol=0.05)
        np.testing.assert_allclose(np.cov(part.T), np.eye(3), atol=0.06)


def test_means_of_bags_weighted_by_counts_are_rows_of_instances():
    """Bags of one are the instances themselves, hence ordinary logistic regression."""
    from sklearn.linear_model import LogisticRegression

    X, y = lb.make_two_gaussians(200, 3, 0.6, 0)
    ours = lb.bag_mean_classifier(X, np.arange(200), y)
    theirs = LogisticRegression(max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    ids, counts = lb.make_bags(y, 10, 0)
    coarse = lb.bag_mean_classifier(X, ids, counts)
    assert roc_auc_score(y, coarse.decision_function(X)) > 0.7


# --- losses ---------------------------------------------------------------------------------------


def test_dllp_is_the_cross_entropy_of_mean_probabilities():
    rng = np.random.default_rng(0)
    z, ids, counts = rng.normal(size=7), np.array([0, 1, 0, 1, 1, 2, 0]), np.array([1, 2, 1])
    wanted = []
    for s in range(3):
        p, a = expit(z[ids == s]).mean(), counts[s] / (ids == s).sum()
        wanted.append(-(a * math.log(p) + (1 - a) * math.log(1 - p)))
    ours = lb.dllp_loss(torch.tensor(z), torch.tensor(ids), torch.tensor(counts))
    assert ours.item() == pytest.approx(np.mean(wanted))


def test_dllp_gradient_is_the_finite_difference():
    z = torch.randn(6, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    ids, counts = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([1, 2])
    assert torch.autograd.gradcheck(
        lambda x: lb.dllp_loss(x, ids, counts), (z.requires_grad_(),), raise_exception=True
    )


def test_dllp_of_extreme_logits_is_finite():
    z = torch.tensor([-500.0, -500.0, 500.0], requires_grad=True)
    loss = lb.dllp_loss(z, torch.tensor([0, 0, 0]), torch.tensor([0.0]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(3 / 2), abs=1e-4)
    assert torch.isfinite(z.grad).all()
    alone = lb.dllp_loss(torch.tensor([-500.0, -500.0]), torch.tensor([0, 0]), torch.tensor([1.0]))
    assert alone.item() == pytest.approx(0.5 * 500, abs=1)


def test_easyllp_is_unbiased_over_all_bags():
    """The mean over all ways to cut six instances into two bags is the supervised loss."""
    y, z = np.array([0, 1, 1, 0, 0, 1.0]), np.array([0.3, -1.0, 2.0, 0.1, -0.7, 0.9])
    values = []
    for first in itertools.combinations(range(6), 3):
        ids = np.array([0 if i in first else 1 for i in range(6)])
        counts = np.array([y[ids == s].sum() for s in (0, 1)])
        values.append(
            lb.easyllp_loss(torch.tensor(z), torch.tensor(ids), torch.tensor(counts), 0.5).item()
        )
    # Without replacement the others' mean label is (3 - y_i) / 5 and not 1/2, so that the surrogate
    # of i has the mean 0.5 + (y_i - 0.5) (1 - 2 / 5).
    soft = 0.5 + (y - 0.5) * 0.6
    wanted = np.mean(np.logaddexp(0, z) - soft * z)
    assert np.mean(values) == pytest.approx(wanted)


@pytest.mark.parametrize("label", [0, 1])
def test_easyllp_gradient_is_unbiased_for_each_label(label):
    """The first of four instances has a label, the others' are drawn: on average the gradient at
    its logit is that of the ordinary cross-entropy."""
    prior, z = 0.3, torch.tensor([0.3, -1.0, 2.0, 0.1], requires_grad=True)
    ids, gradient = torch.zeros(4, dtype=torch.long), 0.0
    for others in all_labels(3):
        p = np.prod(np.where(others == 1, prior, 1 - prior))
        loss = lb.easyllp_loss(z, ids, torch.tensor([float(label + others.sum())]), prior)
        gradient += p * torch.autograd.grad(loss, z)[0][0].item()
    assert gradient == pytest.approx((expit(0.3) - label) / 4, abs=1e-6)


@pytest.mark.parametrize("loss", ["dllp", "easyllp"])
def test_bags_of_one_are_full_supervision(loss):
    z, y = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 1.0, 0.0])
    ids = torch.arange(3)
    ours = lb.dllp_loss(z, ids, y) if loss == "dllp" else lb.easyllp_loss(z, ids, y, 0.4)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_aggregate_loss_by_hand():
    z, y = torch.tensor([0.2, -1.0]), torch.tensor([1.0, 0.25])
    bag, share = torch.tensor([0.4]), torch.tensor([0.5])
    p, q = expit(z.numpy()), expit(0.4)
    first = -np.mean(y.numpy() * np.log(p) + (1 - y.numpy()) * np.log(1 - p))
    second = -(0.5 * math.log(q) + 0.5 * math.log(1 - q))
    assert lb.aggregate_loss(z, y, bag, share, 0.3).item() == pytest.approx(first + 0.3 * second)


# --- pseudo-labels --------------------------------------------------------------------------------


def test_pseudo_labels_of_each_kind():
    q, ids, counts = np.array([0.9, 0.5, 0.2, 0.1, 0.4, 0.3]), np.array([0, 1, 0, 0, 1, 1]), [2, 1]
    assert lb.pseudo_labels(q, 0.5, ids, counts).tolist() == [1, 1, 0, 0, 0, 0]
    assert lb.pseudo_labels(q, 0.3, ids, counts).tolist() == [1, 1, 0, 0, 1, 1]
    assert lb.pseudo_labels(q, "count", ids, counts).tolist() == [1, 1, 1, 0, 0, 0]
    assert lb.pseudo_labels(q, "soft", ids, counts).tolist() == q.tolist()


def test_count_rule_meets_every_count():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    ids, counts = lb.make_bags(y, 7, 0)
    labels = lb.pseudo_labels(rng.random(100), "count", ids, counts)
    assert np.bincount(ids, labels).tolist() == counts.tolist()


# --- networks and training ------------------------------------------------------------------------


def test_every_bag_is_in_one_batch_once():
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.repeat(np.arange(9), rng.integers(1, 8, 9)))
    counts = np.arange(9.0)
    seen = []
    for batch in _networks._batches(ids, counts, 10, rng):
        for t, B in enumerate(batch.bag_count.tolist()):
            members = batch.index[batch.bag_id == t].numpy()
            assert set(ids[members]) == {int(B)}
            assert sorted(members) == np.flatnonzero(ids == int(B)).tolist()
            seen.append(int(B))
    assert sorted(seen) == list(range(9))


@pytest.mark.parametrize(("size", "batch", "wanted"), [(8, 64, 8), (64, 16, 8), (1, 100, 6)])
def test_batches_hold_about_as_many_instances_as_asked(size, batch, wanted):
    ids = np.arange(512) // size
    found = list(_networks._batches(ids, np.zeros(512 // size), batch, np.random.default_rng(0)))
    assert len(found) == wanted
    assert sum(len(b.index) for b in found) == 512


def test_the_bag_branch_reads_the_mean_of_the_embeddings():
    net = lb.BagNetwork(4, (6, 5, 3), torch.Generator().manual_seed(0))
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([0, 1, 0, 1, 1])
    logits, h = net(x)
    assert h.shape == (5, 5)
    torch.testing.assert_close(logits, (h @ net.head.weight.T + net.head.bias)[:, 0])
    means = torch.stack([h[ids == s].mean(0) for s in (0, 1)])
    torch.testing.assert_close(net.bags(h, ids, 2), net.bag_head(means)[:, 0])


def test_training_keeps_the_best_weights_and_stops():
    X, y = lb.make_two_gaussians(400, 4, random_state=0)
    held = (X[:200], 1 - y[:200])  # labels upside down: every epoch makes it worse
    model = lb.BagClassifier(hidden=(8, 4), max_epochs=50, patience=2, lr=0.05, random_state=0)
    model.fit(X[200:], np.arange(200), y[200:], *held)
    assert model.score(*held) == pytest.approx(model.val_auc_)
    plain = lb.BagClassifier(hidden=(8, 4), max_epochs=50, lr=0.05, random_state=0)
    plain.fit(X[200:], np.arange(200), y[200:])
    assert math.isnan(plain.val_auc_)
    assert plain.score(X[:200], y[:200]) > 0.9


def gaussians(n=1024, size=16, seed=0):
    X, y = lb.make_two_gaussians(n, 10, random_state=seed)
    return X, y, *lb.make_bags(y, size, seed)


@pytest.mark.parametrize("loss", ["dllp", "easyllp"])
def test_baselines_learn_from_small_bags(loss):
    X, y, ids, counts = gaussians(2048, 4)
    model = lb.BagClassifier(loss, (32, 16), lr=3e-3, max_epochs=15, batch_size=128, random_state=0)
    assert model.fit(X, ids, counts).score(X, y) > 0.9


@pytest.mark.parametrize(
    ("method", "lam_sim", "lam_bag"), [("pairwise", 0.3, 0.1), ("cardinality", 1.0, 1.0)]
)
def test_two_rounds_find_the_classes(method, lam_sim, lam_bag):
    X, _, ids, counts = gaussians()
    model = lb.LLPBP(
        10,
        lam_sim,
        lam_bag,
        hidden=(32, 16, 8),
        max_epochs=8,
        method=method,
        batch_size=128,
        random_state=0,
    )
    X_new, y_new = lb.make_two_gaussians(2000, 10, random_state=9)
    model.fit(X, ids, counts)
    assert model.score(X_new, y_new) > 0.93
    assert model.score(X_new, y_new, "accuracy") > 0.8
    assert len(model.marginals_) == len(model.embeddings_) == len(model.residuals_) == 2
    assert model.embeddings_[0].shape == (1024, 10)
    assert model.embeddings_[1].shape == (1024, 16)
    assert (model.embeddings_[1] >= 0).all()  # behind a ReLU
    assert set(model.pseudo_labels_) <= {0.0, 1.0}
    np.testing.assert_array_equal(model.pseudo_labels_, model.marginals_[1] >= 0.5)
    proba = model.predict_proba(X_new)
    np.testing.assert_allclose(proba.sum(1), 1)
    np.testing.assert_array_equal(model.predict(X_new), proba[:, 1] >= 0.5)


@pytest.mark.parametrize("method", ["pairwise", "cardinality"])
def test_a_round_uses_the_embedding_of_the_round_before(method):
    X, _, ids, counts = gaussians(256, 4)
    settings_ = {"k": 4, "lam_sim": 1.0, "lam_bag": 0.5, "length": 1.7, "hidden": (16, 8, 4)}
    settings_ |= {"edge_rule": "low_count", "n_iter": 30, "damping": 0.3, "method": method}
    model = lb.LLPBP(rounds=2, max_epochs=3, random_state=0, **settings_).fit(X, ids, counts)
    graph = {"k": 4, "length": 1.7, "edge_rule": "low_count"}
    law = (ids, counts, 0.5, 1.0, method)
    run = {"n_iter": 30, "damping": 0.3, "tol": 1e-6, "start": "ising"}
    raw, learned = (lb.bp_bags(Z, *law, **graph, **run) for Z in model.embeddings_)
    np.testing.assert_allclose(raw.marginals, model.marginals_[0], atol=1e-9)
    np.testing.assert_allclose(learned.marginals, model.marginals_[1], atol=1e-9)
    assert np.abs(raw.marginals - learned.marginals).max() > 0.1
    first = lb.LLPBP(rounds=1, max_epochs=3, random_state=0, **settings_).fit(X, ids, counts)
    np.testing.assert_array_equal(first.marginals_[0], model.marginals_[0])


def test_the_aggregate_term_moves_the_network():
    X, _, ids, counts = gaussians(256, 8)
    settings_ = {"rounds": 1, "hidden": (16, 8, 4), "max_epochs": 3, "lr": 1e-2, "random_state": 0}
    none, some = (lb.LLPBP(lam_agg=a, **settings_).fit(X, ids, counts) for a in (0.0, 5.0))
    np.testing.assert_array_equal(none.marginals_[0], some.marginals_[0])
    shares = torch.tensor(counts / np.bincount(ids), dtype=torch.float32)

    def bag_error(model):
        _, h = model.net_(torch.from_numpy(X))
        logits = model.net_.bags(h, torch.from_numpy(ids), len(counts))
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, shares).item()

    assert bag_error(some) < bag_error(none)


@pytest.mark.parametrize("make", [lb.LLPBP, lb.BagClassifier])
def test_the_same_seed_gives_the_same_model(make):
    X, _, ids, counts = gaussians(256, 8)
    one, two, other = (
        make(hidden=(8, 4), max_epochs=2, random_state=s).fit(X, ids, counts).decision_function(X)
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_select_best_takes_the_best_on_validation():
    X, _, ids, counts = gaussians(512, 8)
    held = lb.make_two_gaussians(400, 10, random_state=5)
    models = [
        lb.BagClassifier(hidden=(8, 4), max_epochs=5, lr=lr, random_state=0, batch_size=64)
        for lr in (1e-6, 1e-2, 1e-5)
    ]
    best = lb.select_best(models, X, ids, counts, *held)
    assert best is models[1]
    assert best.val_auc_ == max(m.val_auc_ for m in models)


# --- bad input ------------------------------------------------------------------------------------

GRAPH = (np.array([[0, 1], [1, 2]]), np.array([0.5, 0.5]))
BAGS = (np.array([0, 0, 1, 1]), np.array([1, 2]))
LAWS = [
    lambda *a: lb.log_gibbs(np.zeros(len(np.atleast_1d(a[2]))), *a),
    lb.gibbs_potentials,
    lb.exact_marginals,
    lambda e, w, i, c, b, s: lb.bp_bags((e, w), i, c, b, s),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("place", "value", "name", "error"),
    [
        (0, [[0, 4], [1, 2]], "edges", ValueError),
        (0, [[0, 0], [1, 2]], "edges", ValueError),
        (0, [[0.0, 1.0], [1, 2]], "edges", TypeError),
        (0, [0, 1], "edges", ValueError),
        (1, [0.5], "weights", ValueError),
        (1, [0.5, np.nan], "weights", ValueError),
        (2, [0, 0, 1, 2], "bag_id", ValueError),
        (2, [0, 0, 0, 0], "bag_id", ValueError),
        (2, [0.0, 0, 1, 1], "bag_id", TypeError),
        (2, [-1, 0, 1, 1], "bag_id", ValueError),
        (2, [], "bag_id", ValueError),
        (3, [1, 3], "bag_count", ValueError),
        (3, [-1, 1], "bag_count", ValueError),
        (3, [1, np.nan], "bag_count", ValueError),
        (3, ["a", "b"], "bag_count", TypeError),
        (4, -1.0, "lam_bag", ValueError),
        (4, np.inf, "lam_bag", ValueError),
        (5, -0.1, "lam_sim", ValueError),
        (5, "1", "lam_sim", TypeError),
    ],
)
def test_bad_laws_are_refused(law, place, value, name, error):
    arguments = [*GRAPH, *BAGS, 1.0, 1.0]
    arguments[place] = value
    with pytest.raises(error, match=name):
        law(*arguments)


@pytest.mark.parametrize("y", [np.zeros(3), np.full(4, 2), np.full(4, np.nan), 0.0])
def test_bad_labels_of_the_law_are_refused(y):
    with pytest.raises(ValueError, match="y must"):
        lb.log_gibbs(y, *GRAPH, *BAGS, 1.0, 1.0)


def test_bad_enumeration_is_refused():
    with pytest.raises(ValueError, match="at most 20"):
        lb.exact_marginals([], [], np.zeros(21, int), [3], 1.0, 1.0)


def test_bad_number_of_pairs_is_refused_before_they_are_made():
    with pytest.raises(ValueError, match=r"cardinality"):
        lb.gibbs_potentials([], [], np.zeros(20_000, int), [3], 1.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "name", "error"),
    [
        ({"method": "fast"}, "method", ValueError),
        ({"edge_rule": "none"}, "edge_rule", ValueError),
        ({"edge_rule": "low_count"}, "covariates", ValueError),
        ({"n_iter": 0}, "n_iter", ValueError),
        ({"n_iter": 2.0}, "n_iter", TypeError),
        ({"damping": 1.0}, "damping", ValueError),
        ({"damping": -0.1}, "damping", ValueError),
        ({"tol": -1.0}, "tol", ValueError),
        ({"tol": float("nan")}, "tol", ValueError),
        ({"start": "warm"}, "start", ValueError),
    ],
)
def test_bad_settings_of_propagation_are_refused(changes, name, error):
    with pytest.raises(error, match=name):
        lb.bp_bags(GRAPH, *BAGS, 1.0, 1.0, **changes)


@pytest.mark.parametrize(
    ("Z", "error"),
    [
        (np.zeros((3, 2)), ValueError),
        (np.full((4, 2), np.nan), ValueError),
        ([["a", "b"]] * 4, TypeError),
    ],
)
def test_bad_covariates_of_propagation_are_refused(Z, error):
    with pytest.raises(error, match="Z_or_graph"):
        lb.bp_bags(Z, *BAGS, 1.0, 1.0, k=2)


@pytest.mark.parametrize(
    ("u", "pairs", "w", "name", "error"),
    [
        ([0.0, np.inf], [[0, 1]], [1.0], "u must", ValueError),
        ([[0.0]], [[0, 1]], [1.0], "u must", ValueError),
        (["x", "y"], [[0, 1]], [1.0], "u must", TypeError),
        ([0.0, 1.0], [[0, 2]], [1.0], "pair_index", ValueError),
        ([0.0, 1.0], [[0, 1]], [1.0, 2.0], "pair_index", ValueError),
        ([0.0, 1.0], [[0], [0, 1]], [1.0], "pair_index", TypeError),
    ],
)
def test_bad_pairs_are_refused(u, pairs, w, name, error):
    with pytest.raises(error, match=name):
        lb.bp_marginals(u, pairs, w)


@pytest.mark.parametrize(
    ("changes", "name", "error"),
    [
        ({"Z": np.zeros((0, 2))}, "Z must", ValueError),
        ({"Z": np.full((5, 2), np.inf)}, "Z must", ValueError),
        ({"Z": np.zeros(5)}, "Z must", ValueError),
        ({"k": 0}, "k must", ValueError),
        ({"k": 5}, "k must", ValueError),
        ({"k": 1.5}, "k must", TypeError),
        ({"metric": "manhattan"}, "metric", ValueError),
        ({"kernel": "rbf"}, "kernel", ValueError),
        ({"length": 0.0}, "length", ValueError),
        ({"search": "fast"}, "search", ValueError),
        ({"sources": np.ones(4, bool)}, "sources", ValueError),
        ({"sources": np.ones(5)}, "sources", ValueError),
    ],
)
def test_bad_graphs_are_refused(changes, name, error):
    arguments = {"Z": np.eye(5), "k": 2} | changes
    with pytest.raises(error, match=name):
        lb.knn_graph(**arguments)


@pytest.mark.parametrize(
    ("y", "size", "error"),
    [
        ([0, 1, 2], 2, ValueError),
        ([], 1, ValueError),
        ([0, 1], 3, ValueError),
        ([0, 1], 0, ValueError),
        ([0, 1], 1.0, TypeError),
        (["a", "b"], 1, TypeError),
    ],
)
def test_bad_bags_are_refused(y, size, error):
    with pytest.raises(error):
        lb.make_bags(y, size)


def test_bad_messages_and_means_are_refused():
    with pytest.raises(ValueError, match="lam_bag"):
        lb.count_messages(np.zeros(4), *BAGS, 0.0)
    with pytest.raises(ValueError, match="c must"):
        lb.count_messages(np.zeros(3), *BAGS, 1.0)
    with pytest.raises(ValueError, match="both classes"):
        lb.bag_mean_classifier(np.eye(4), BAGS[0], [0, 0])
    with pytest.raises(ValueError, match="even"):
        lb.make_two_gaussians(3)


@pytest.mark.parametrize("loss", [lb.dllp_loss, lambda *a: lb.easyllp_loss(*a, 0.3)])
@pytest.mark.parametrize(
    ("z", "ids", "counts", "name"),
    [
        (torch.zeros(3), torch.zeros(2, dtype=torch.long), [1.0], "logits"),
        (torch.zeros(2, 1), torch.zeros(2, 1, dtype=torch.long), [1.0], "logits"),
        (torch.zeros(2), torch.tensor([0, 1]), [1.0], "bag_id"),
        (torch.zeros(2), torch.tensor([0, 0]), [1.0, 0.0], "bag_id"),
        (torch.zeros(2), torch.tensor([0, 0]), [3.0], "bag_count"),
        (torch.zeros(2), torch.tensor([0, 0]), [], "bag_count"),
    ],
)
def test_bad_bags_of_losses_are_refused(loss, z, ids, counts, name):
    with pytest.raises(ValueError, match=name):
        loss(z, ids, torch.tensor(counts))


def test_bad_weights_of_losses_are_refused():
    z, ids, counts = torch.zeros(2), torch.tensor([0, 0]), torch.tensor([1.0])
    with pytest.raises(ValueError, match="prior"):
        lb.easyllp_loss(z, ids, counts, 1.5)
    with pytest.raises(ValueError, match="lam_agg"):
        lb.aggregate_loss(z, z, z, z, -1.0)


@pytest.mark.parametrize("tau", [-0.1, 1.1, "hard", None, True])
def test_bad_thresholds_are_refused(tau):
    with pytest.raises((TypeError, ValueError), match="tau"):
        lb.pseudo_labels(np.zeros(4), tau, *BAGS)
    with pytest.raises((TypeError, ValueError), match="tau"):
        lb.LLPBP(2, tau=tau).fit(np.eye(4), *BAGS)


@pytest.mark.parametrize("make", [lb.LLPBP, lb.BagClassifier])
@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 0.0},
        {"weight_decay": -1.0},
        {"max_epochs": 0},
        {"batch_size": 0},
        {"patience": 0},
        {"hidden": (8,)},
        {"hidden": (8, 0)},
        {"random_state": -1},
    ],
)
def test_bad_schedules_are_refused(make, changes):
    model = make(**changes)
    if make is lb.LLPBP:
        model.set_params(k=2)
    with pytest.raises(ValueError, match=next(iter(changes)).replace("random_state", "seed")):
        model.fit(np.eye(4), *BAGS)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"k": 4}, "k must"),
        ({"rounds": 0}, "rounds"),
        ({"lam_agg": -1.0}, "lam_agg"),
        ({"lam_bag": -1.0}, "lam_bag"),
        ({"lam_sim": -1.0}, "lam_sim"),
        ({"method": "exact"}, "method"),
        ({"edge_rule": "x"}, "edge_rule"),
        ({"length": 0.0}, "length"),
        ({"n_iter": 0}, "n_iter"),
        ({"damping": 1.0}, "damping"),
        ({"start": "random"}, "start"),
    ],
)
def test_bad_settings_of_the_method_are_refused(changes, name):
    with pytest.raises(ValueError, match=name):
        lb.LLPBP(**({"k": 2} | changes)).fit(np.eye(4), *BAGS)


@pytest.mark.parametrize("model", [lb.LLPBP(2, max_epochs=1), lb.BagClassifier(max_epochs=1)])
def test_bad_tables_are_refused(model):
    X = np.eye(4)
    with pytest.raises(ValueError, match="bag_id"):
        model.fit(X[:3], *BAGS)
    with pytest.raises(ValueError, match="X must"):
        model.fit(np.full((4, 2), np.nan), *BAGS)
    with pytest.raises(ValueError, match="together"):
        model.fit(X, *BAGS, X_val=X)
    with pytest.raises(ValueError, match="both labels"):
        model.fit(X, *BAGS, X, np.ones(4))
    with pytest.raises(ValueError, match="X_val"):
        model.fit(X, *BAGS, X[:, :2], [0, 1, 0, 1])
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X)
    model.fit(X, *BAGS)
    with pytest.raises(ValueError, match="column"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="metric"):
        model.score(X, [0, 1, 0, 1], metric="f1")
    with pytest.raises(ValueError, match="y must"):
        model.score(X, [0, 1, 0])


def test_bad_shapes_of_the_aggregate_loss_are_refused():
    two, three = torch.zeros(2), torch.zeros(3)
    with pytest.raises(ValueError, match="labels"):
        lb.aggregate_loss(two, three, two, two, 0.1)
    with pytest.raises(ValueError, match="proportions"):
        lb.aggregate_loss(two, two, three, two, 0.1)


@pytest.mark.parametrize(
    ("d", "hidden", "name"), [(0, (4, 2), "d must"), (3, (4,), "hidden"), (3, (4, 0), "hidden")]
)
def test_bad_networks_are_refused(d, hidden, name):
    with pytest.raises(ValueError, match=name):
        lb.BagNetwork(d, hidden, torch.Generator())


def test_bad_choices_of_baselines_are_refused():
    with pytest.raises(ValueError, match="loss"):
        lb.BagClassifier("genbags").fit(np.eye(4), *BAGS)
    with pytest.raises(ValueError, match="models"):
        lb.select_best([], np.eye(4), *BAGS, np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="X_val"):
        lb.select_best([lb.BagClassifier()], np.eye(4), *BAGS, None, None)
