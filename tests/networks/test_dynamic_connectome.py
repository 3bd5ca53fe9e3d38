"""Affinity, factorisation, description lengths, search and pipeline against independent oracles."""

from itertools import combinations_with_replacement, product
from math import comb, factorial, log

import numpy as np
import pytest
import tensorly as tl
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter1d
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score
from tensorly.cp_tensor import cp_to_tensor
from tensorly.decomposition import non_negative_parafac, non_negative_parafac_hals
from tensorly.metrics import congruence_coefficient

from mixbook.networks import dynamic_connectome as dc
from mixbook.networks.dynamic_connectome import _kernels as k
from mixbook.networks.dynamic_connectome import blockmodel, factorisation, pipeline
from mixbook.networks.dynamic_connectome.description import merge_counts, upper_cost


def rng(seed=0):
    return np.random.default_rng(seed)


# --- affinity ------------------------------------------------------------------------------------


def smooth_traces(seed=0, shape=(2, 5, 60)):
    return gaussian_filter1d(rng(seed).normal(size=shape), 2.0)


def test_affinity_of_proportional_traces_is_the_smoothed_slope():
    x = smooth_traces(1, (1, 1, 80))[0, 0]
    tensor, pairs = dc.differential_affinity(np.stack([x, 3 * x + 5, -x])[None])
    g = gaussian_filter1d(x, 2.0, order=1, mode="nearest")
    wanted = gaussian_filter1d(np.abs(g / g.std()), 4.0, mode="nearest")
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    np.testing.assert_allclose(tensor[:, 0, 0], wanted, rtol=1e-10)
    assert not tensor[:, 0, 1:].any()


@pytest.mark.parametrize("kind", ["differential", "product", "min"])
def test_affinity_against_a_loop(kind):
    traces = smooth_traces(2)
    tensor, pairs = dc.differential_affinity(traces, kind, 1.5, 0)
    for w, (p, (i, j)) in product(range(2), enumerate(pairs)):
        g = gaussian_filter1d(traces[w], 1.5, order=1, axis=1, mode="nearest")
        g = g / g.std(axis=1, keepdims=True)
        for t in range(60):
            a, b = g[i, t], g[j, t]
            low, high = sorted((abs(a), abs(b)))
            value = {"differential": (a * b) ** 0.5 * low / high if a * b > 0 else 0,
                     "product": max(a * b, 0), "min": low if a * b > 0 else 0}[kind]  # fmt: skip
            assert tensor[t, w, p] == pytest.approx(value, abs=1e-12)


def test_correlation_kind_against_numpy():
    traces = smooth_traces(3)
    tensor, pairs = dc.differential_affinity(traces, "correlation", window=9)
    for t in range(4, 56):
        for p, (i, j) in enumerate(pairs):
            r = np.corrcoef(traces[1, i, t - 4 : t + 5], traces[1, j, t - 4 : t + 5])[0, 1]
            assert tensor[t, 1, p] == pytest.approx(max(r, 0), abs=1e-9)


def test_affinity_ignores_offsets_and_positive_scales():
    traces = smooth_traces(4)
    scale, offset = rng(5).uniform(0.1, 9, (2, 5, 1)), rng(6).normal(size=(2, 5, 1))
    for kind in dc.KINDS:
        a, _ = dc.differential_affinity(traces, kind)
        b, _ = dc.differential_affinity(scale * traces + 10 * offset, kind)
        np.testing.assert_allclose(a, b, atol=1e-8)
        assert a.min() >= 0


def test_masked_neurons_have_no_affinity_and_constant_traces_neither():
    traces = smooth_traces(7)
    mask = np.ones((2, 5), bool)
    mask[1, 3] = False
    holed = traces.copy()
    holed[1, 3] = np.nan
    tensor, pairs = dc.differential_affinity(holed, mask=mask)
    full, _ = dc.differential_affinity(traces)
    missing = (pairs == 3).any(axis=1)
    assert not tensor[:, 1, missing].any()
    np.testing.assert_array_equal(tensor[:, 1, ~missing], full[:, 1, ~missing])
    np.testing.assert_array_equal(dc.pair_mask(mask)[1], ~missing)
    assert dc.pair_mask(mask)[0].all()
    traces[0, 2] = 7.0
    assert not dc.differential_affinity(traces)[0][:, 0, (pairs == 2).any(axis=1)].any()


def test_pair_vector_to_matrix():
    M = dc.pair_vector_to_matrix([1, 2, 3, 4, 5, 6], 4)
    np.testing.assert_array_equal(M, [[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]])


# --- factorisation -------------------------------------------------------------------------------


def exact_tensor(rank=3, shape=(12, 5, 20), seed=0):
    factors = [rng(seed + m).random((n, rank)) ** 2 for m, n in enumerate(shape)]
    return np.einsum("tr,wr,pr->twp", *factors), factors


def noisy_tensor(seed=0):
    X, factors = exact_tensor(seed=seed)
    return np.maximum(X + 0.2 * X.mean() * rng(seed + 9).normal(size=X.shape), 0), factors


def test_exact_tensor_is_recovered():
    # sparse factors, so that the decomposition is well conditioned
    factors = [
        rng(m).random((n, 3)) * (rng(m + 5).random((n, 3)) > 0.6) for m, n in enumerate((20, 8, 40))
    ]
    X = np.einsum("tr,wr,pr->twp", *factors)
    cp = dc.NonnegativeCP(3, 5, max_iter=5000, tol=1e-12, random_state=0).fit(X)
    assert cp.rel_error_ < 1e-6
    assert dc.factor_match_score(cp.factors_, factors) > 0.999
    np.testing.assert_allclose(cp.reconstruct(), X, atol=1e-5)


@pytest.mark.parametrize("algorithm", dc.ALGORITHMS)
@pytest.mark.parametrize("masked", [False, True])
def test_error_never_increases_and_is_the_error(algorithm, masked):
    X, _ = noisy_tensor(1)
    mask = rng(2).random((5, 20)) > 0.3 if masked else np.ones((5, 20), bool)
    cp = dc.NonnegativeCP(3, 2, 60, 0, algorithm, random_state=1).fit(X, mask=mask)
    assert len(cp.errors_) == 60
    assert np.diff(cp.errors_).max() < 1e-10
    off = ((X - cp.reconstruct()) * mask) / np.linalg.norm(X * mask)
    assert cp.rel_error_ == pytest.approx(np.linalg.norm(off), rel=1e-9)
    assert cp.runs_[0].errors[-1] <= cp.runs_[1].errors[-1]


def test_scale_is_in_the_pair_factor_and_components_are_sorted():
    cp = dc.NonnegativeCP(4, 1, 30, random_state=0).fit(noisy_tensor()[0])
    for factor in cp.factors_[:2]:
        np.testing.assert_allclose(np.linalg.norm(factor, axis=0), 1)
    np.testing.assert_allclose(np.linalg.norm(cp.factors_[2], axis=0), cp.weights_)
    assert (np.diff(cp.weights_) <= 0).all()
    assert min(f.min() for f in cp.factors_) >= 0


def test_single_precision_gives_the_same_factors():
    X, _ = noisy_tensor(2)
    double, single = (
        dc.NonnegativeCP(3, 2, tol=1e-5, dtype=dtype, random_state=0).fit(X)
        for dtype in ("float64", "float32")
    )
    assert single.factors_[2].dtype == np.float32
    assert single.rel_error_ == pytest.approx(double.rel_error_, rel=1e-3)
    assert dc.factor_match_score(single.factors_, double.factors_) > 0.999


def test_missing_entries_are_filled_from_the_model():
    factors = [
        rng(m).random((n, 2)) * (rng(m + 7).random((n, 2)) > 0.5) for m, n in enumerate((20, 8, 40))
    ]
    X = np.einsum("tr,wr,pr->twp", *factors)
    mask = rng(3).random((20, 8, 40)) > 0.3
    holed = np.where(mask, X, np.nan)
    cp = dc.NonnegativeCP(2, 5, 5000, 1e-11, random_state=0).fit(holed, mask=mask)
    np.testing.assert_allclose(cp.reconstruct(), X, atol=1e-3)


def test_hals_step_is_the_best_column():
    """Each update solves its column's least squares problem under f >= 0."""
    X, (F0, F1, F2) = noisy_tensor(3)
    M = np.einsum("twp,wr,pr->tr", X, F1, F2)
    G = (F1.T @ F1) * (F2.T @ F2)
    start = rng(4).random(F0.shape)
    first = start.copy()
    found = factorisation.hals_update(start, M, G)
    first[:, 0] = found[:, 0]

    def error(F):
        return ((X - np.einsum("tr,wr,pr->twp", F, F1, F2)) ** 2).sum()

    for step in rng(5).normal(size=(50, len(F0))) * 0.05:
        other = first.copy()
        other[:, 0] = np.maximum(first[:, 0] + step, 0)
        assert error(other) >= error(first) - 1e-9
    np.testing.assert_array_equal(start, rng(4).random(F0.shape))


def plain_hals(X, factors, sweeps, known=None):
    """HALS of one start by loops over columns and einsum, without normalising."""
    known = np.ones(X.shape, bool) if known is None else known
    X = np.where(known, X, 0.0)
    model = np.einsum("tr,wr,pr->twp", *factors)
    factors[2] = factors[2] * (X * model).sum() / (model**2).sum()
    for _ in range(sweeps):
        full = np.where(known, X, np.einsum("tr,wr,pr->twp", *factors))
        for mode, axes in enumerate(("twp,w,p->t", "twp,t,p->w", "twp,t,w->p")):
            for r in range(factors[0].shape[1]):
                a, b = (factors[m][:, r] for m in range(3) if m != mode)
                rest = [np.delete(f, r, axis=1) for f in factors]
                residual = full - np.einsum("tr,wr,pr->twp", *rest)
                best = np.einsum(axes, residual, a, b) / (a @ a * (b @ b))
                factors[mode][:, r] = np.maximum(best, 1e-16)
    return np.linalg.norm(known * (X - np.einsum("tr,wr,pr->twp", *factors)))


@pytest.mark.parametrize("masked", [False, True])
def test_starts_side_by_side_equal_each_alone(masked):
    X, _ = noisy_tensor(6)
    mask = rng(7).random(X.shape) > 0.25 if masked else None
    g = rng(8)
    drawn = [[g.random((n, 3)) for n in X.shape] for _ in range(3)]
    alone = sorted(plain_hals(X, start, 12, mask) for start in drawn)
    cp = dc.NonnegativeCP(3, 3, 12, 0, random_state=rng(8)).fit(X, mask=mask)
    norm = np.linalg.norm(X if mask is None else X * mask)
    np.testing.assert_allclose([run.errors[-1] for run in cp.runs_], alone / norm, rtol=1e-9)


def test_each_start_stops_when_it_stands_still():
    X, _ = noisy_tensor(2)
    runs = dc.NonnegativeCP(3, 6, 200, 1e-4, random_state=0).fit(X).runs_
    assert len({len(run.errors) for run in runs}) > 1
    for run in runs:
        steps = np.abs(np.diff(run.errors))
        assert steps[-1] < 1e-4
        assert (steps[:-1] >= 1e-4).all()
        off = X - np.einsum("tr,wr,pr->twp", *run.factors)
        assert run.errors[-1] == pytest.approx(np.linalg.norm(off) / np.linalg.norm(X))


@pytest.mark.parametrize("algorithm", dc.ALGORITHMS)
def test_as_good_as_tensorly(algorithm):
    X, _ = noisy_tensor(5)
    peer = non_negative_parafac_hals if algorithm == "hals" else non_negative_parafac
    theirs = min(
        float(tl.norm(X - cp_to_tensor(peer(X, 3, n_iter_max=400, init="random", random_state=s))))
        for s in range(4)
    ) / np.linalg.norm(X)
    ours = dc.NonnegativeCP(3, 4, 400, 1e-9, algorithm, random_state=0).fit(X).rel_error_
    assert ours < theirs * 1.002


def test_match_score_against_tensorly_and_by_hand():
    a, b = exact_tensor(seed=1)[1], exact_tensor(seed=4)[1]
    assert dc.factor_match_score(a, b) == pytest.approx(congruence_coefficient(a, b)[0])
    shuffled = [f[:, [2, 0, 1]] * s for f, s in zip(a, (1, 3, 0.2))]
    assert dc.factor_match_score(a, shuffled) == pytest.approx(1)
    e = np.eye(3)
    assert dc.factor_match_score([e, e], [e[:, :2], e[:, :2]]) == pytest.approx(2 / 3)
    assert dc.factor_match_score([e, e], [e, e[:, [1, 2, 0]]]) == 0


def test_select_rank_finds_the_rank():
    factors = [
        rng(m).random((n, 3)) * (rng(m + 5).random((n, 3)) > 0.6) for m, n in enumerate((20, 8, 40))
    ]
    X = np.einsum("tr,wr,pr->twp", *factors)
    X = X * rng(1).uniform(0.8, 1.2, X.shape)
    table = dc.select_rank(X, [1, 2, 3, 4, 5], 4, random_state=0)
    assert table.chosen.sum() == 1
    assert table.chosen[3]
    assert table.match[3] > 0.99
    assert (np.diff(table.rel_error) < 0).all()
    unstable = dc.select_rank(X, [1, 2, 3, 4, 5], 2, threshold=1.0, random_state=0)
    assert unstable.index[unstable.chosen].item() in (1, 2, 3)  # elbow, or equal starts


def test_elbow():
    import pandas as pd

    error = pd.Series([1.0, 0.6, 0.2, 0.18, 0.16], index=[1, 2, 3, 4, 5])
    assert factorisation._elbow(error) == 3


# --- description length --------------------------------------------------------------------------

CLUSTERS = np.where(np.arange(8)[:, None] // 4 == np.arange(8) // 4, 8.0, 0.2) * (1 - np.eye(8))
TWO_CLIQUES = np.where(CLUSTERS > 1, 2.0, 0.0)
TWO_CLIQUES[3, 4] = TWO_CLIQUES[4, 3] = 0.1
ONE, TWO = np.zeros(8, int), np.repeat([0, 1], 4)


@pytest.mark.parametrize(
    ("W", "corrected", "weights", "one", "two"),
    [
        (CLUSTERS, False, "exponential", 96.41028, 79.84640),
        (CLUSTERS, False, None, 31.23030, 39.83355),
        (CLUSTERS, True, "exponential", 104.24442, 86.61355),
        (TWO_CLIQUES, False, None, 24.58184, 27.49519),
        (TWO_CLIQUES, False, "exponential", 47.00090, 50.62438),
    ],
)
def test_description_lengths_worked_out_beforehand(W, corrected, weights, one, two):
    for b, wanted in ((ONE, one), (TWO, two)):
        assert dc.description_length(W, b, corrected, weights) == pytest.approx(wanted, abs=1e-5)


def multigraphs(n, edges):
    """All multigraphs with loops as matrices with loops counted once."""
    slots = [(i, j) for i in range(n) for j in range(i, n)]
    for chosen in combinations_with_replacement(slots, edges):
        A = np.zeros((n, n), int)
        for i, j in chosen:
            A[i, j] += 1
        yield A


def double_factorial_part(A):
    """1 / (prod_{i<j} A_ij! prod_i (2 A_ii)!!), which is 1 for a simple graph."""
    value = 1.0
    for i in range(len(A)):
        value /= 2 ** A[i, i] * factorial(A[i, i])
        for j in range(i + 1, len(A)):
            value /= factorial(A[i, j])
    return value


def counts_of(A, b):
    e = np.zeros((max(b) + 1,) * 2, int)
    for i in range(len(A)):
        for j in range(i, len(A)):
            r, s = sorted((b[i], b[j]))
            e[r, s] += A[i, j]
    return e


def simple_probability(e, n, degrees, corrected):
    """exp(ln P(A | e, b)) of Eq. (9) or of (10) and (11), but for the multiplicities of A."""
    value = 1.0
    ends = [e[r].sum() + e[:, r].sum() for r in range(len(n))]
    for r in range(len(n)):
        value *= 2.0 ** e[r, r] * factorial(e[r, r])
        for s in range(r + 1, len(n)):
            value *= factorial(e[r, s])
        if corrected:
            value /= factorial(ends[r]) * comb(n[r] + ends[r] - 1, ends[r])
        else:
            value /= n[r] ** ends[r]
    if corrected:
        for degree in degrees:
            value *= factorial(degree)
    return value


@pytest.mark.parametrize("corrected", [False, True])
def test_probabilities_of_all_multigraphs_sum_to_one(corrected):
    """The formula for edges given counts is normalised, for each value of the counts."""
    b, n, total = (0, 0, 1), (2, 1), {}
    for A in multigraphs(3, 3):
        e = counts_of(A, b)
        degrees = A.sum(axis=0) + A.sum(axis=1)
        p = simple_probability(e, n, degrees, corrected) * double_factorial_part(A)
        total[tuple(e.ravel())] = total.get(tuple(e.ravel()), 0) + p
    assert len(total) == comb(3 + 3 - 1, 3)
    np.testing.assert_allclose(list(total.values()), 1)


@pytest.mark.parametrize("corrected", [False, True])
def test_edge_terms_equal_that_normalised_formula(corrected):
    W = random_graph(7, 0.6, 3)
    b = np.array([0, 1, 2, 0, 1, 0, 2])
    terms = dc.description_terms(W, b, corrected)
    A = np.triu((W > 0).astype(int))
    p = simple_probability(counts_of(A, b), np.bincount(b), (W > 0).sum(axis=1).tolist(), corrected)
    assert terms["edges"] + terms["degrees"] == pytest.approx(-log(p))
    E = A.sum()
    assert terms["counts"] == pytest.approx(log(comb(6 + E - 1, E)))
    assert (terms["degrees"] > 0) == corrected


def set_partitions(n):
    """All partitions of n nodes as restricted growth strings."""

    def grow(prefix, highest):
        if len(prefix) == n:
            yield np.array(prefix)
            return
        for label in range(highest + 2):
            yield from grow([*prefix, label], max(highest, label))

    yield from grow([0], 0)


def test_partition_prior_sums_to_one():
    """Each set partition stands for B! labelled ones."""
    total = sum(
        factorial(b.max() + 1) * np.exp(-dc.partition_cost(np.bincount(b)))
        for b in set_partitions(6)
    )
    assert total == pytest.approx(1)


def test_level_prior_is_uniform_over_multigraphs():
    b = np.array([0, 0, 1])
    seen = {}
    for A in multigraphs(3, 3):
        symmetric = A + A.T - np.diag(np.diag(A))
        upper = tuple(merge_counts(symmetric, b).ravel())
        seen.setdefault(upper, []).append(np.exp(-dc.level_cost(symmetric, b)))
    for probabilities in seen.values():
        np.testing.assert_allclose(probabilities, 1 / len(probabilities))


def test_weight_term_by_quadrature():
    """The rate of each block is integrated out numerically."""
    W, b, alpha, beta = random_graph(6, 0.7, 1), np.array([0, 0, 0, 1, 1, 1]), 1.7, 0.6
    found = dc.description_terms(W, b, weights="exponential", alpha=alpha, beta=beta)["weights"]
    wanted = 0.0
    for r, s in ((0, 0), (0, 1), (1, 1)):
        x = [W[i, j] for i in range(6) for j in range(i) if {b[i], b[j]} == {r, s} and W[i, j] > 0]

        def density(rate, x=x):
            prior = beta**alpha * rate ** (alpha - 1) * np.exp(-beta * rate) / 0.9086387328532904
            return prior * rate ** len(x) * np.exp(-rate * sum(x))

        wanted -= log(quad(density, 0, np.inf, epsabs=0)[0])
    assert found == pytest.approx(wanted, rel=1e-6)


def test_nested_with_one_group_on_top_is_the_flat_model():
    W, b = random_graph(12, 0.4, 2), rng(3).permutation(np.arange(12) % 4)
    flat = dc.description_length(W, b)
    for levels in ([b], [b, np.zeros(4, int)]):
        nested = dc.nested_description_length(W, levels)
        assert nested == pytest.approx(flat + log(4))
    assert dc.nested_description_length(W, [np.zeros(12, int)]) == pytest.approx(
        dc.description_length(W, np.zeros(12, int))
    )


def test_nested_length_by_hand():
    W, b0, b1 = random_graph(10, 0.5, 4), np.arange(10) % 4, np.array([0, 0, 1, 1])
    e, _ = dc.block_counts(W, b0)
    terms = dc.description_terms(W, b0)
    slots = {(0, 0): 3, (1, 1): 3, (0, 1): 4}
    u = {(0, 0): e[0, 0] + e[1, 1] + e[0, 1], (1, 1): e[2, 2] + e[3, 3] + e[2, 3],
         (0, 1): e[:2, 2:].sum()}  # fmt: skip
    E = int(np.triu(e).sum())
    wanted = sum(log(comb(int(slots[p] + u[p] - 1), int(u[p]))) for p in slots)
    wanted += log(factorial(4) / 4 * comb(3, 1) * 4)  # P(b1): 4! / (2! 2!), C(3, 1), 4
    wanted += log(comb(3 + E - 1, E)) + log(2)  # one group of two on top
    rest = sum(terms.values()) - terms["counts"]
    assert dc.nested_description_length(W, [b0, b1]) == pytest.approx(rest + wanted)
    assert upper_cost(e, [b1]) == pytest.approx(wanted)


def random_graph(n, p, seed, groups=None):
    g = rng(seed)
    z = np.arange(n) % groups if groups else np.zeros(n, int)
    chance = p * np.where(z[:, None] == z, 1, 0.25)
    A = np.triu(g.random((n, n)) < chance, 1) * g.exponential(1.0, (n, n))
    return A + A.T


def test_variation_of_information_against_scikit_learn():
    a, b = rng(0).integers(0, 4, 50), rng(1).integers(0, 3, 50)

    def entropy(x):
        return mutual_info_score(x, x)

    wanted = entropy(a) + entropy(b) - 2 * mutual_info_score(a, b)
    assert dc.variation_of_information(a, b) == pytest.approx(wanted)
    assert dc.variation_of_information(a, (a + 1) % 4) == pytest.approx(0, abs=1e-12)


# --- search --------------------------------------------------------------------------------------


def random_state(kind, seed, n=14, groups=5):
    if kind == 2:
        e = rng(seed).poisson(1.0, (n, n))
        problem = blockmodel.Problem.of_groups(np.triu(e) + np.triu(e, 1).T)
    else:
        problem = blockmodel.Problem.of_graph(random_graph(n, 0.5, seed), True, 1.3, 0.8)
    b = rng(seed + 1).permutation(np.arange(n) % groups)
    return problem, b, k.state_of(b, groups + 1, problem.graph)  # one empty group


def total(problem, kind, b, groups):
    state = k.state_of(b, groups, problem.graph)
    return k.state_cost(kind, state, problem.n, problem.edges, problem.tables)


def between(problem, i, b, size):
    starts, ends, number, weight, _ = problem.graph
    kt, wt = np.zeros(size, np.int64), np.zeros(size)
    for at in range(starts[i], starts[i + 1]):
        kt[b[ends[at]]] += number[at]
        wt[b[ends[at]]] += weight[at]
    return kt, wt


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_each_move_changes_the_cost_by_its_delta(kind, seed):
    problem, b, state = random_state(kind, seed)
    C = np.zeros((6, 6))
    for r in range(6):
        k.fill_costs(kind, r, C, state, problem.tables)
    before = total(problem, kind, b, 6)
    here = k.global_cost(5, problem.n, problem.edges, problem.tables)
    for i, s in product(range(problem.n), range(6)):
        r = b[i]
        if s == r:
            continue
        kt, wt = between(problem, i, b, 6)
        leave, join = np.zeros(6), np.zeros(6)
        k.shifts(kind, r, r, kt, wt, C, state, problem.tables, leave)
        loop = problem.graph[4][i]
        delta = k.move_delta(kind, r, s, kt, wt, loop, leave, join, C, state, problem.tables)
        moved = b.copy()
        moved[i] = s
        delta += k.global_cost(len(set(moved)), problem.n, problem.edges, problem.tables) - here
        assert delta == pytest.approx(total(problem, kind, moved, 6) - before, abs=1e-9)
        after = tuple(x.copy() for x in state)
        k.move(r, s, kt, wt, loop, after)
        for got, wanted in zip(after, k.state_of(moved, 6, problem.graph)):
            np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_each_merge_changes_the_cost_by_its_delta(kind, seed):
    problem, b, state = random_state(kind, seed)
    before = total(problem, kind, b, 6)
    glob = [k.global_cost(g, problem.n, problem.edges, problem.tables) for g in (4, 5)]
    for r in range(5):
        for s in range(r):
            delta = k.merge_delta(kind, r, s, state, problem.tables) + glob[0] - glob[1]
            merged = np.where(b == s, r, b)
            assert delta == pytest.approx(total(problem, kind, merged, 6) - before, abs=1e-9)
            copy, after = b.copy(), tuple(x.copy() for x in state)
            k.merge(r, s, copy, after)
            np.testing.assert_array_equal(copy, merged)
            for got, wanted in zip(after, k.state_of(merged, 6, problem.graph)):
                np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_merging_down_takes_the_best_merge_each_time(kind):
    """The table that is kept up to date against all merges tried anew."""
    problem, b, _ = random_state(kind, 5, 12, 12)
    state = k.state_of(b, 12, problem.graph)
    fast = b.copy()
    k.merge_down(kind, fast, 4, 0.0, np.zeros(3), state, problem.tables)
    slow = b.copy()
    while len(set(slow)) > 4:
        names = sorted(set(slow))
        trials = [np.where(slow == s, r, slow) for r in names for s in names if s < r]
        slow = min(trials, key=lambda trial: total(problem, kind, trial, 12))
    assert total(problem, kind, fast, 12) == pytest.approx(total(problem, kind, slow, 12))
    assert normalized_mutual_info_score(fast, slow) == pytest.approx(1)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_sweeps_gain_what_they_say(kind):
    problem, b, _ = random_state(kind, 6)
    for grow in (False, True):
        now = b.copy()
        state = k.state_of(now, 7, problem.graph)
        rest = problem.graph, problem.tables, problem.edges
        gain = k.sweep(kind, now, np.arange(14), grow, state, *rest)
        assert gain <= 0
        assert total(problem, kind, now, 7) - total(problem, kind, b, 7) == pytest.approx(
            gain, abs=1e-9
        )
    assert k.global_cost(3, 14, problem.edges, problem.tables) > 0


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_sweeps_count_groups_that_vanish_and_appear(kind):
    problem, _, _ = random_state(kind, 8)
    rest = problem.graph, problem.tables, problem.edges
    for b, grow in ((np.maximum(np.arange(14) - 6, 0), False), (rng(9).integers(0, 2, 14), True)):
        now, state = b.copy(), k.state_of(b, 15, problem.graph)
        gain = sum(k.sweep(kind, now, np.arange(14), grow, state, *rest) for _ in range(2))
        assert grow or len(set(now)) < 7
        difference = total(problem, kind, now, 15) - total(problem, kind, b, 15)
        assert difference == pytest.approx(gain, abs=1e-8)


def test_kernel_cost_is_the_description_length_up_to_a_constant():
    W = random_graph(15, 0.5, 1)
    for kind, corrected in ((0, False), (1, True)):
        problem = blockmodel.Problem.of_graph(W, True, 1.0, float(W[W > 0].mean()))
        gaps = []
        for seed in range(6):
            b = rng(seed).permutation(np.arange(15) % (seed + 1))
            gaps.append(dc.description_length(W, b, corrected) - total(problem, kind, b, seed + 1))
        np.testing.assert_allclose(gaps, gaps[0], atol=1e-8)


def test_upper_level_cost_is_that_of_the_hierarchy_up_to_a_constant():
    e = np.triu(rng(0).poisson(2.0, (7, 7)))
    e = e + np.triu(e, 1).T
    problem, gaps = blockmodel.Problem.of_groups(e), []
    for seed in range(1, 6):
        b = rng(seed).permutation(np.arange(7) % (seed + 1))
        gaps.append(upper_cost(e, [b]) - total(problem, 2, b, seed + 1))
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-8)


@pytest.mark.parametrize("weights", ["exponential", None])
@pytest.mark.parametrize("corrected", [False, True])
def test_search_finds_the_global_minimum_over_all_partitions(weights, corrected):
    assert sum(1 for _ in set_partitions(8)) == 4140
    for W in (CLUSTERS, random_graph(7, 0.9, 1, 2), random_graph(7, 0.6, 2)):
        partitions = set_partitions(len(W))
        best = min(dc.description_length(W, b, corrected, weights) for b in partitions)
        fit = dc.WeightedSBM(corrected, weights, n_restarts=8, random_state=0).fit(W)
        assert fit.description_length_ == pytest.approx(best, abs=1e-8)
        assert fit.description_length_ == pytest.approx(
            dc.description_length(W, fit.labels_, corrected, weights)
        )


def test_nested_search_finds_the_global_minimum_over_all_hierarchies():
    """Two levels of groups over six nodes; a third can only cost more with so few."""
    W = random_graph(6, 0.9, 3, 3)
    best = np.inf
    for b0 in set_partitions(6):
        for b1 in set_partitions(b0.max() + 1) if b0.max() else [None]:
            levels = [b0] if b1 is None else [b0, b1]
            best = min(best, dc.nested_description_length(W, levels))
    fit = dc.WeightedSBM(False, nested=True, n_restarts=8, random_state=0).fit(W)
    assert fit.description_length_ == pytest.approx(best, abs=1e-8)
    again = dc.nested_description_length(W, fit.levels_)
    assert fit.description_length_ == pytest.approx(again)


def test_levels_stay_together_when_groups_are_renamed():
    W = np.zeros((60, 60))
    z = np.repeat(np.arange(12), 5)
    W[z[:, None] == z] = 5.0
    near = (z[:, None] // 4 == z // 4) & (rng(0).random((60, 60)) < 0.5)
    W = np.maximum(W, np.maximum(near, near.T) * 1.0) * (1 - np.eye(60))
    fit = dc.WeightedSBM(False, nested=True, random_state=0).fit(W)
    assert (np.diff(np.bincount(fit.labels_)) <= 0).all()
    length = dc.nested_description_length(W, fit.levels_)
    assert fit.description_length_ == pytest.approx(length)
    assert len(fit.levels_) > 1


def test_groups_of_a_planted_graph_and_of_noise():
    planted = random_graph(60, 0.6, 0, 3)
    fit = dc.WeightedSBM(random_state=0).fit(planted)
    assert normalized_mutual_info_score(fit.labels_, np.arange(60) % 3) == pytest.approx(1)
    assert fit.n_blocks_ == 3
    assert fit.lengths_[3] == pytest.approx(fit.description_length_)
    assert dc.WeightedSBM(random_state=0).fit(random_graph(60, 0.3, 1)).n_blocks_ == 1


def test_weights_alone_can_carry_the_groups():
    z = np.arange(20) % 2
    W = np.where(z[:, None] == z, 5.0, 0.2) * (1 - np.eye(20))
    assert dc.WeightedSBM(random_state=0).fit(W).n_blocks_ == 2
    assert dc.WeightedSBM(weights=None, random_state=0).fit(W).n_blocks_ == 1


def test_auto_keeps_the_shorter_description():
    for W in (
        random_graph(30, 0.5, 2, 2),
        dc.weighted_planted_graph(80, 12, 40, 0.2, 0.2, 1.0, random_state=1)[0],
    ):
        auto = dc.WeightedSBM(random_state=0).fit(W)
        both = {
            dcor: dc.WeightedSBM(dcor, random_state=0).fit(W).description_length_
            for dcor in (True, False)
        }
        assert auto.description_length_ <= min(both.values()) + 0.5
        assert auto.degree_corrected_ == min(both, key=both.get)


@pytest.mark.parametrize("corrected", [False, True])
def test_no_single_move_shortens_what_fit_returns(corrected, monkeypatch):
    """Whatever the search hands over, the last sweeps move nodes until no move pays."""
    W, b = random_graph(24, 0.7, 5, 3), rng(1).integers(0, 3, 24)
    monkeypatch.setattr(blockmodel.Problem, "search", lambda *_: [(np.inf, b)])
    fit = dc.WeightedSBM(corrected, n_restarts=1, random_state=0).fit(W)
    assert fit.description_length_ < dc.description_length(W, b, corrected) - 10
    for i, s in product(range(24), range(fit.n_blocks_ + 1)):
        moved = fit.labels_.copy()
        moved[i] = s
        assert dc.description_length(W, moved, corrected) > fit.description_length_ - 1e-6


def test_restarts_pass_over_merges_and_the_first_start_does_not(monkeypatch):
    skips, search = [], blockmodel.Problem.search

    def spy(self, kind, skip, generator):
        skips.append(skip)
        return search(self, kind, skip, generator)

    monkeypatch.setattr(blockmodel.Problem, "search", spy)
    W = random_graph(20, 0.5, 6)
    dc.WeightedSBM(False, n_restarts=3, random_state=0).fit(W)
    assert skips == [0.0, blockmodel.SKIP, blockmodel.SKIP]
    problem, merged = blockmodel.Problem.of_graph(W, True, 1.0, 1.0), []
    for skip in (0.0, blockmodel.SKIP):
        b = np.arange(20)
        state = k.state_of(b, 20, problem.graph)
        k.merge_down(0, b, 5, skip, rng(2).random(97), state, problem.tables)
        merged.append(b)
        assert len(set(b)) == 5
    assert normalized_mutual_info_score(*merged) < 1


def test_order_of_nodes_does_not_matter():
    W = random_graph(40, 0.6, 3, 4)
    order = rng(1).permutation(40)
    a = dc.WeightedSBM(random_state=0).fit(W)
    b = dc.WeightedSBM(random_state=0).fit(W[np.ix_(order, order)])
    assert a.description_length_ == pytest.approx(b.description_length_)
    assert normalized_mutual_info_score(a.labels_[order], b.labels_) == pytest.approx(1)


def test_graph_without_edges_is_one_group():
    fit = dc.WeightedSBM(random_state=0).fit(np.zeros((5, 5)))
    assert fit.n_blocks_ == 1
    assert dc.description_length(np.zeros((5, 5)), np.zeros(5, int)) == pytest.approx(log(5))


# --- simulations ---------------------------------------------------------------------------------


def test_worms_have_the_planted_groups():
    traces, truth = dc.simulate_worms(0)
    again, _ = dc.simulate_worms(0)
    np.testing.assert_array_equal(traces, again)
    assert traces.shape == (8, 30, 240)
    assert truth.members.sum(axis=0).tolist() == [8, 8, 8, 8]
    assert truth.pairs.sum(axis=0).tolist() == [28] * 4
    assert truth.animals.sum(axis=0).tolist() == [8, 8, 4, 4]
    assert truth.time[50, 0] == pytest.approx(1)
    assert truth.time[10, 0] < 0.01
    assert np.flatnonzero(truth.members[:, 3]).tolist() == list(range(4, 12))

    def mean_correlation(animals, neurons, frames):
        r = [np.corrcoef(traces[w][neurons][:, frames]) for w in animals]
        return np.mean(r, axis=0)[np.triu_indices(len(r[0]), 1)].mean()

    third, last = slice(16, 24), slice(150, 210)
    assert mean_correlation(range(4), third, last) > 0.5
    assert mean_correlation(range(4, 8), third, last) < 0.3
    assert mean_correlation(range(8), third, slice(20, 80)) < 0.3


def test_drift_has_its_spread_and_large_worms_scale():
    calm, _ = dc.simulate_worms(1)
    rough, _ = dc.simulate_worms(1, drift=3.0)
    np.testing.assert_allclose((rough - calm).std(axis=2), 3.0, rtol=1e-6)
    traces, truth = dc.simulate_worms(0, 20, 60, 960)
    assert traces.shape == (20, 60, 960)
    assert truth.members.sum(axis=0).tolist() == [16] * 4
    assert truth.animals.sum(axis=0).tolist() == [20, 20, 10, 10]


def test_driver_leads_by_a_frame_and_silencing_it_frees_the_followers():
    traces, driver, followers = dc.simulate_driver(0, n_animals=20)
    quiet, same, _ = dc.simulate_driver(0, n_animals=20, silence=True)
    assert same == driver
    middle = slice(95, 150)

    def correlation(x, i, j, lag=0):
        a, b = x[:, i, 95:150], x[:, j, 95 + lag : 150 + lag]
        return np.mean([np.corrcoef(p, q)[0, 1] for p, q in zip(a, b)])

    f = followers[0]
    assert correlation(traces, driver, f, 1) > correlation(traces, driver, f, -1) + 0.05
    assert correlation(traces, followers[0], followers[1]) > 0.5
    assert abs(correlation(quiet, followers[0], followers[1])) < 0.25
    untouched = np.setdiff1d(np.arange(30), [driver, *followers])
    np.testing.assert_allclose(traces[:, untouched], quiet[:, untouched])
    assert quiet[:, driver, middle].std() < 0.3


@pytest.mark.parametrize(
    ("mu_t", "mu_w", "beta"), [(0.5, 0.25, 2.0), (0.25, 0.5, 1.0), (0.75, 0.25, 2.0)]
)
def test_planted_graph_has_its_mixing(mu_t, mu_w, beta):
    shares, strengths, means = [], [], []
    for seed in range(4):
        W, labels = dc.weighted_planted_graph(mu_t=mu_t, mu_w=mu_w, beta=beta, random_state=seed)
        assert (W == W.T).all()
        assert not np.diag(W).any()
        within = labels[:, None] == labels
        shares.append(((W > 0) & ~within).sum() / (W > 0).sum())
        strengths.append((W * ~within).sum() / W.sum())
        means.append((W > 0).sum(axis=1).mean())
        assert len(set(labels)) >= 2
        degree = (W > 0).sum(axis=1)
        assert np.corrcoef(np.log(W.sum(axis=1)), beta * np.log(degree))[0, 1] > 0.9
    assert np.mean(shares) == pytest.approx(mu_t, abs=0.05)
    assert np.mean(strengths) == pytest.approx(mu_w, abs=0.05)
    assert np.mean(means) == pytest.approx(25, rel=0.2)


def test_community_sizes_fill_the_graph():
    for seed in range(20):
        _, labels = dc.weighted_planted_graph(60, 8, 30, 0.3, 0.3, 1.0, random_state=seed)
        assert len(labels) == 60
        assert np.bincount(labels).min() >= 2


# --- pipeline ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    traces, truth = dc.simulate_worms(3)
    return (
        dc.DynamicConnectome(6, n_init=2, n_restarts=2, random_state=0).fit(traces),
        truth,
        traces,
    )


def test_pipeline_is_its_stages(fitted):
    model, truth, traces = fitted
    tensor, pairs = dc.differential_affinity(traces)
    np.testing.assert_array_equal(model.affinity_, tensor)
    np.testing.assert_array_equal(model.pairs_, pairs)
    for r in range(6):
        W = dc.component_graph(model.cp_, r)
        np.testing.assert_array_equal(W, model.graphs_[r])
        v = model.cp_.factors_[2][:, r]
        for p, (i, j) in enumerate(pairs):
            assert W[i, j] == W[j, i] == (v[p] if v[p] >= 0.01 * v.max() else 0)
    assert dc.factor_match_score(truth.factors, model.cp_.factors_) > 0.4
    again = dc.DynamicConnectome(6, n_init=2, n_restarts=2, random_state=0).fit(traces)
    assert all((a == b).all() for a, b in zip(model.communities_, again.communities_))


def test_atlas_rows(fitted):
    model, _truth, _ = fitted
    atlas = model.atlas({"first": (20, 80), "rest": (80, 240)})
    assert {"component", "neurons", "first", "rest", "class"} <= set(atlas)
    time = model.cp_.factors_[0]
    for row in atlas.itertuples():
        r, inside = row.component, np.array(row.neurons)
        f = time[:, r]
        assert row.first == pytest.approx(f[20:80].sum() / f.sum())
        assert len(set(model.communities_[r][inside])) == 1
        W = model.graphs_[r]
        block = W[np.ix_(inside, inside)]
        inner = block[np.triu_indices(len(inside), 1)].mean()
        assert row.weight == pytest.approx(inner / W[np.triu_indices(30, 1)].mean())
        assert row.weight > 1
        loading = model.cp_.factors_[1][:, r]
        assert row.animals == tuple(w for w in range(8) if loading[w] > loading.max() / 2)
        share = W[inside][:, inside].sum(axis=1) / W[inside].sum(axis=1)
        assert row.membership == pytest.approx(share.mean())
    assert {len(row.animals) for row in atlas.itertuples()} != {8}
    flexible = model.flexibility()
    assert flexible.max() >= 2
    one = atlas[[5 in n for n in atlas.neurons]]
    assert flexible[5] == one["class"].nunique()


def test_consensus_by_hand():
    sets = [{1, 2, 3, 4}, {8, 9}, {1, 2, 3}, {2, 3}, {5, 6}]
    assert pipeline._consensus(sets) == [0, 1, 0, 0, 2]  # 3/4, then 2/3 of {1, 2, 3}
    assert pipeline._consensus([{1, 2}, {3, 4}, {1, 2, 3, 4}]) == [0, 0, 0]  # joined by the third
    assert pipeline._consensus([]) == []


def test_ablation_compares_partitions_of_the_others():
    """The change is that of the partition of all other neurons; a lone neuron changes none."""
    traces, _ = dc.simulate_worms(0)
    model = dc.DynamicConnectome(1, n_init=1, n_restarts=2, random_state=0).fit(traces)
    W = np.zeros((30, 30))
    W[:12, :12] = 1.0
    W[12:24, 12:24] = 1.0
    np.fill_diagonal(W, 0)
    model.graphs_, model.corrected_ = [W], [False]
    model.communities_ = [model._fit_blocks(W, False).labels_]
    assert model.ablate(29) == pytest.approx([0])
    before = model.communities_[0]
    without = W.copy()
    without[0] = without[:, 0] = 0
    after = model._fit_blocks(without, False).labels_
    keep = np.arange(30) != 0
    wanted = dc.variation_of_information(before[keep], after[keep])
    assert model.ablate(0) == pytest.approx([wanted])
    model.communities_ = [np.arange(30) % 2]
    assert model.ablate(0)[0] == pytest.approx(
        dc.variation_of_information(model.communities_[0][keep], after[keep])
    )
    assert model.ablate(0)[0] > 0.1


def test_missing_neurons_do_not_stop_the_pipeline():
    traces, truth = dc.simulate_worms(1)
    mask = rng(0).random((8, 30)) > 0.15
    holed = np.where(mask[:, :, None], traces, np.nan)
    model = dc.DynamicConnectome(6, n_init=2, max_iter=100, n_restarts=1, random_state=0)
    model.fit(holed, mask=mask)
    assert np.isfinite(model.cp_.rel_error_)
    score = dc.cosines(truth.factors, model.cp_.factors_)[2].max(axis=1)
    assert score.min() > 0.6


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"traces": np.zeros((3, 4))}, ValueError, "traces must have shape"),
        ({"traces": np.zeros((1, 1, 9))}, ValueError, "at least 2 neurons"),
        ({"traces": np.full((1, 2, 9), np.nan)}, ValueError, "finite"),
        ({"traces": [["a"]]}, TypeError, "real numbers"),
        ({"traces": np.ones((1, 2, 9)), "kind": "sum"}, ValueError, "kind"),
        ({"traces": np.ones((1, 2, 9)), "sigma_d": 0}, ValueError, "sigma_d"),
        ({"traces": np.ones((1, 2, 9)), "sigma_s": -1}, ValueError, "sigma_s"),
        ({"traces": np.ones((1, 2, 9)), "window": 1}, ValueError, "window"),
        (
            {"traces": np.ones((1, 2, 9)), "mask": np.ones((1, 2))},
            TypeError,
            "mask must be bool",
        ),
        (
            {"traces": np.ones((1, 2, 9)), "mask": np.ones((3, 2), bool)},
            ValueError,
            "broadcast",
        ),
        ({"traces": np.ones((1, 2, 9)), "mask": np.zeros((1, 2), bool)}, ValueError, "missing"),
    ],
)
def test_bad_traces(arguments, error, text):
    with pytest.raises(error, match=text):
        dc.differential_affinity(**arguments)


@pytest.mark.parametrize(
    ("X", "parameters", "error", "text"),
    [
        (np.ones((2, 3)), {}, ValueError, "X must have shape"),
        (-np.ones((2, 3, 4)), {}, ValueError, "X must be >= 0"),
        (np.zeros((2, 3, 4)), {}, ValueError, "X must have an entry > 0"),
        (np.full((2, 3, 4), np.nan), {}, ValueError, "X must be finite"),
        (np.ones((2, 3, 4)), {"rank": 0}, ValueError, "rank"),
        (np.ones((2, 3, 4)), {"rank": 1.5}, TypeError, "rank"),
        (np.ones((2, 3, 4)), {"n_init": 0}, ValueError, "n_init"),
        (np.ones((2, 3, 4)), {"tol": -1.0}, ValueError, "tol"),
        (np.ones((2, 3, 4)), {"algorithm": "als"}, ValueError, "algorithm"),
        (np.ones((2, 3, 4)), {"dtype": "int"}, ValueError, "dtype"),
        (np.ones((2, 3, 4)), {"random_state": "x"}, TypeError, "seed"),
    ],
)
def test_bad_tensors(X, parameters, error, text):
    with pytest.raises(error, match=text):
        dc.NonnegativeCP(**{"rank": 2, **parameters}).fit(X)


@pytest.mark.parametrize(
    ("W", "text"),
    [
        (np.ones((2, 3)), r"shape \(n, n\)"),
        (np.eye(3), "diagonal"),
        (-(1 - np.eye(3)), ">= 0"),
        (np.triu(np.ones((3, 3)), 1), "symmetric"),
        (np.full((3, 3), np.nan), "finite"),
        (np.zeros((0, 0)), "W"),
    ],
)
def test_bad_graphs(W, text):
    with pytest.raises(ValueError, match=text):
        dc.WeightedSBM().fit(W)
    with pytest.raises(ValueError, match=text):
        dc.description_length(W, np.zeros(len(W), int))


def test_bad_partitions_and_priors():
    W = 1 - np.eye(4)
    with pytest.raises(ValueError, match="b must have shape"):
        dc.description_length(W, [0, 1])
    with pytest.raises(TypeError, match="b must hold integers"):
        dc.description_length(W, [0.5, 1, 2, 3])
    with pytest.raises(ValueError, match="weights must be"):
        dc.description_length(W, np.zeros(4, int), weights="normal")
    with pytest.raises(ValueError, match="alpha"):
        dc.description_length(W, np.zeros(4, int), alpha=0)
    with pytest.raises(ValueError, match="beta"):
        dc.description_length(W, np.zeros(4, int), beta=-1)
    with pytest.raises(ValueError, match="levels must hold"):
        dc.nested_description_length(W, [])
    with pytest.raises(ValueError, match=r"levels\[1\]"):
        dc.nested_description_length(W, [np.arange(4), np.zeros(3, int)])
    with pytest.raises(ValueError, match="a must have shape"):
        dc.variation_of_information([[0]], [[0]])
    with pytest.raises(ValueError, match="degree_corrected"):
        dc.WeightedSBM("maybe").fit(W)
    with pytest.raises(ValueError, match="n_restarts"):
        dc.WeightedSBM(n_restarts=0).fit(W)


def test_bad_factors_ranks_and_vectors():
    with pytest.raises(ValueError, match="equally many modes"):
        dc.factor_match_score([np.ones((2, 1))], [])
    with pytest.raises(ValueError, match="equally many rows"):
        dc.cosines([np.ones((2, 1))], [np.ones((3, 1))])
    with pytest.raises(ValueError, match="ranks must hold"):
        dc.select_rank(np.ones((2, 2, 2)), [])
    with pytest.raises(ValueError, match="n_init"):
        dc.select_rank(np.ones((2, 2, 2)), [1], 1)
    with pytest.raises(ValueError, match="6 pairs"):
        dc.pair_vector_to_matrix([1.0, 2.0], 4)
    with pytest.raises(ValueError, match="mask must be bool"):
        dc.pair_mask(np.ones(3, bool))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: dc.simulate_worms(-1), "seed"),
        (lambda: dc.simulate_worms(0, n_neurons=3), "n_neurons"),
        (lambda: dc.simulate_worms(0, drift=-1.0), "drift"),
        (lambda: dc.simulate_driver(0, n_frames=10), "n_frames"),
        (lambda: dc.simulate_driver(0, n_neurons=15), "n_neurons"),
        (lambda: dc.weighted_planted_graph(5), "N must"),
        (lambda: dc.weighted_planted_graph(mu_t=1.5), "mu_t"),
        (lambda: dc.weighted_planted_graph(k=200), "k must"),
        (lambda: dc.weighted_planted_graph(kmax=200), "kmax"),
        (lambda: dc.weighted_planted_graph(k=100, kmax=124), "room for two communities"),
    ],
)
def test_bad_simulations(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_bad_questions_to_the_pipeline(fitted):
    model, _, _ = fitted
    with pytest.raises(TypeError, match="stimuli must map"):
        model.atlas([(0, 1)])
    with pytest.raises(ValueError, match="salt"):
        model.atlas({"salt": (50, 50)})
    with pytest.raises(ValueError, match="neuron"):
        model.ablate(30)
    with pytest.raises(ValueError, match="r must"):
        dc.component_graph(model.cp_, 6)
