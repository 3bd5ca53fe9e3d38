"""Tests of mixbook.mixtures.ila_sdp against cvxpy, brute force over partitions and invariances."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from mixbook.mixtures import ila_sdp as il


def random_covs(rng, K, p):
    factors = rng.normal(size=(K, p, p))
    return factors @ factors.transpose(0, 2, 1) + 0.2 * np.eye(p)


def small_problem(seed=0, n=8, p=2, K=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 3 * (np.arange(n) % K)[:, None]
    return X, random_covs(rng, K, p)


def with_cvxpy(C, trace, solver="CLARABEL"):
    cp = pytest.importorskip("cvxpy")
    K, n, _ = C.shape
    Z = [cp.Variable((n, n), symmetric=True) for _ in range(K)]
    constraints = [cp.sum(sum(Z), axis=1) == 1]
    for z in Z:
        constraints += [z >> 0, z >= 0, cp.trace(z) == trace]
    problem = cp.Problem(cp.Minimize(sum(cp.trace(C[k] @ Z[k]) for k in range(K))), constraints)
    problem.solve(solver=solver)
    return problem.value, np.array([z.value for z in Z])


# --- likelihood -----------------------------------------------------------------------------------


def test_costs_are_log_determinant_plus_half_the_squared_distances():
    X, covs = small_problem(1, n=6, p=3)
    C = il.mahalanobis_cost(X, covs)
    for k, i, j in itertools.product(range(2), range(6), range(6)):
        d = X[i] - X[j]
        wanted = math.log(np.linalg.det(covs[k])) + 0.5 * d @ np.linalg.inv(covs[k]) @ d
        assert C[k, i, j] == pytest.approx(wanted)


def test_costs_far_from_the_origin_keep_their_digits():
    X, covs = small_problem(2)
    np.testing.assert_allclose(
        il.mahalanobis_cost(X + 1e6, covs), il.mahalanobis_cost(X, covs), rtol=1e-6, atol=1e-6
    )


def test_the_profile_likelihood_is_that_of_scipy():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(20, 3)), rng.permutation(np.arange(20) % 2)
    covs = random_covs(rng, 2, 3)
    log_lik = sum(
        multivariate_normal(X[labels == k].mean(0), covs[k]).logpdf(X[labels == k]).sum()
        for k in range(2)
    )
    wanted = -2 * log_lik - X.size * math.log(2 * math.pi)
    assert il.profile_nll(X, labels, covs) == pytest.approx(wanted)


@pytest.mark.parametrize("reg", [0.0, 0.3])
def test_the_profile_likelihood_is_the_lifted_cost(reg):
    X, covs = small_problem(3, n=9)
    labels = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1])
    C = il.mahalanobis_cost(X, covs, reg=reg)
    lifted = (C * il.membership_matrices(labels, 2)).sum()
    assert il.profile_nll(X, labels, covs, reg=reg) == pytest.approx(lifted)


def test_the_penalty_is_what_eq_8_says():
    X, covs = small_problem(3, n=9)
    labels = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1])
    added = il.profile_nll(X, labels, covs, reg=0.5) - il.profile_nll(X, labels, covs)
    traces = np.array([np.trace(np.linalg.inv(c)) for c in covs])
    assert added == pytest.approx(0.5 * (4 * traces[0] + 5 * traces[1]))


def test_scatter_is_half_the_mean_of_pair_distances():
    X = np.random.default_rng(0).normal(size=(7, 4))
    pairs = ((X[:, None] - X[None]) ** 2).sum()
    assert ((X - X.mean(0)) ** 2).sum() == pytest.approx(pairs / 14)


def test_without_covariances_the_likelihood_has_a_closed_form():
    rng = np.random.default_rng(4)
    X, labels = rng.normal(size=(30, 2)), np.arange(30) % 3
    covs = [np.cov(X[labels == k].T, bias=True) for k in range(3)]
    wanted = sum(10 * (math.log(np.linalg.det(S)) + 2) for S in covs)
    assert il.profile_nll(X, labels) == pytest.approx(wanted)


@pytest.mark.parametrize("reg", [0.0, 0.2])
def test_the_covariance_update_is_the_minimiser(reg):
    rng = np.random.default_rng(5)
    X, labels = rng.normal(size=(24, 3)), np.arange(24) % 2
    best = il.cluster_covariances(X, labels, reg=reg)
    value = il.profile_nll(X, labels, best, reg=reg)
    for _ in range(20):
        step = 0.05 * rng.normal(size=best.shape)
        other = best + step @ best + best @ step.transpose(0, 2, 1) + 0.01 * np.eye(3)
        assert il.profile_nll(X, labels, other, reg=reg) > value
    assert il.profile_nll(X, labels, reg=reg) == pytest.approx(value)


def test_the_diagonal_update_is_the_best_diagonal():
    rng = np.random.default_rng(6)
    X, labels = rng.normal(size=(24, 3)) @ rng.normal(size=(3, 3)), np.arange(24) % 2
    best = il.cluster_covariances(X, labels, covariance_type="diag")
    np.testing.assert_allclose(best[1], np.diag(X[labels == 1].var(0)))


def test_soft_covariances_of_a_partition_are_the_sample_covariances():
    rng = np.random.default_rng(7)
    X, labels = rng.normal(size=(15, 3)), rng.permutation(np.arange(15) % 3)
    soft = il.soft_covariances(X, il.membership_matrices(labels, 3), reg=0.1)
    for k in range(3):
        wanted = np.cov(X[labels == k].T, bias=True) + 0.1 * np.eye(3)
        np.testing.assert_allclose(soft[k], wanted)


def test_soft_covariances_follow_the_double_sum():
    rng = np.random.default_rng(8)
    X, Z = rng.normal(size=(6, 2)), rng.random((2, 6, 6))
    Z = Z + Z.transpose(0, 2, 1)
    D = X[:, None] - X[None]
    wanted = np.einsum("kij,ijp,ijq->kpq", Z, D, D) / (2 * Z.sum((1, 2)))[:, None, None]
    np.testing.assert_allclose(il.soft_covariances(X, Z), wanted)


def test_a_lifted_partition_is_feasible():
    labels = np.array([0, 1, 1, 2, 0, 1])
    Z = il.membership_matrices(labels, 3)
    np.testing.assert_allclose(Z.trace(axis1=1, axis2=2), 1)
    np.testing.assert_allclose(Z.sum((0, 2)), 1)
    np.testing.assert_allclose(Z.sum((1, 2)), [2, 3, 1])
    np.testing.assert_allclose(Z @ Z, Z)


# --- solver ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("K", [1, 2, 4])
@pytest.mark.parametrize("trace", [1.0, 3.0])
def test_the_affine_projection_is_one(K, trace):
    rng = np.random.default_rng(K)
    n = 7
    W, other = (w + w.transpose(0, 2, 1) for w in rng.normal(size=(2, K, n, n)))
    P, Q = (il.project_affine(w, trace=trace) for w in (W, other))
    np.testing.assert_allclose(P.trace(axis1=1, axis2=2), trace, atol=1e-12)
    np.testing.assert_allclose(P.sum((0, 2)), 1, atol=1e-12)
    np.testing.assert_allclose(P, P.transpose(0, 2, 1), atol=1e-12)
    np.testing.assert_allclose(il.project_affine(P, trace=trace), P, atol=1e-12)
    assert ((W - P) * (Q - P)).sum() == pytest.approx(0, abs=1e-10)  # orthogonal to the set


def spectrum(values, seed=0):
    """Matrices with these eigenvalues, and their eigenvectors."""
    values = np.asarray(values)
    K, n = values.shape
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(K, n, n)))[0]
    return (Q * values[:, None, :]) @ Q.transpose(0, 2, 1), Q


def test_the_semidefinite_projection_keeps_the_positive_part():
    w = np.array([[2.0, 1.0] + [-0.5] * 10, [3.0] + [-1.0] * 11])
    W, Q = spectrum(w)
    got, basis = il.project_psd(W)
    wanted = (Q * np.maximum(w, 0)[:, None, :]) @ Q.transpose(0, 2, 1)
    np.testing.assert_allclose(got, wanted, atol=1e-12)
    assert basis.shape == (2, 12, 5)
    np.testing.assert_allclose(W[0] @ Q[0][:, :2], Q[0][:, :2] * [2, 1], atol=1e-12)
    inside = basis[0] @ (basis[0].T @ Q[0][:, :2])
    np.testing.assert_allclose(inside, Q[0][:, :2], atol=1e-10)


def test_repeated_projections_near_a_basis_converge():
    w = np.array([[2.0, 1.0] + list(-np.linspace(0.5, 9, 18))])
    W, Q = spectrum(w)
    wanted = (Q * np.maximum(w, 0)[:, None, :]) @ Q.transpose(0, 2, 1)
    basis = Q[:, :, :4] + 0.1 * np.random.default_rng(1).normal(size=(1, 20, 4))
    errors = []
    for _ in range(15):
        got, basis = il.project_psd_near(W, basis)
        errors.append(np.abs(got - wanted).max())
        np.testing.assert_allclose(basis[0].T @ basis[0], np.eye(4), atol=1e-10)
    assert errors[0] < 0.2
    assert errors[3] < errors[0] / 8
    assert errors[-1] < 1e-4


def test_a_negative_matrix_projects_to_zero():
    W = -np.array([np.eye(8)] * 2)
    got, basis = il.project_psd(W)
    assert not got.any()
    assert not il.project_psd_near(W, basis)[0].any()


@pytest.mark.parametrize(("seed", "n", "K"), [(0, 8, 2), (1, 10, 2), (3, 9, 3)])
def test_la_sdp_agrees_with_cvxpy(seed, n, K):
    X, covs = small_problem(seed, n=n, K=K)
    C = il.mahalanobis_cost(X, covs)
    result = il.solve_la_sdp(C, tol=1e-7, max_iter=20_000)
    value, _ = with_cvxpy(C, 1.0)
    assert result.converged
    assert result.value == pytest.approx(value, abs=1e-4)
    assert result.lower_bound == pytest.approx(value, abs=1e-3)
    assert result.lower_bound < value + 1e-5


def test_la_sdp_agrees_with_cvxpy_and_scs_on_a_loose_relaxation():
    """Costs without structure: the optimum is no partition, and all constraints are at work."""
    rng = np.random.default_rng(5)
    C = rng.normal(size=(2, 7, 7))
    C = C + C.transpose(0, 2, 1)
    result = il.solve_la_sdp(C, tol=1e-8, max_iter=20_000)
    value, Z = with_cvxpy(C, 1.0)
    assert result.value == pytest.approx(value, abs=1e-5)
    np.testing.assert_allclose(result.Z, Z, atol=1e-3)
    assert with_cvxpy(C, 1.0, "SCS")[0] == pytest.approx(value, abs=1e-2)


def test_the_kmeans_sdp_agrees_with_cvxpy():
    X = np.random.default_rng(1).normal(size=(10, 2))
    C = ((X[:, None] - X[None]) ** 2).sum(2) / 2
    result = il.solve_kmeans_sdp(C, 3, tol=1e-7, max_iter=20_000)
    value, _ = with_cvxpy(C[None], 3.0)
    assert result.value == pytest.approx(value, abs=1e-4)
    assert result.lower_bound == pytest.approx(value, abs=1e-3)
    assert result.Z.shape == (1, 10, 10)


def test_the_solution_is_feasible():
    X, covs = small_problem(4, n=10)
    result = il.solve_la_sdp(il.mahalanobis_cost(X, covs), tol=1e-7, max_iter=20_000)
    np.testing.assert_allclose(result.Z.trace(axis1=1, axis2=2), 1, atol=1e-5)
    np.testing.assert_allclose(result.Z.sum((0, 2)), 1, atol=1e-5)
    assert result.Z.min() >= 0
    assert np.linalg.eigvalsh(result.Z).min() > -1e-5


@pytest.mark.parametrize("seed", range(4))
def test_no_partition_costs_less_than_the_relaxation(seed):
    X, covs = small_problem(seed, n=8)
    C = il.mahalanobis_cost(X, covs)
    result = il.solve_la_sdp(C, tol=1e-7, max_iter=20_000)
    partitions = [np.array((0, *rest)) for rest in itertools.product((0, 1), repeat=7)]
    partitions = [q for q in [*partitions, *(1 - q for q in partitions)] if 0 < q.sum() < 8]
    values = [il.profile_nll(X, q, covs) for q in partitions]
    assert len(values) == 2**8 - 2
    assert result.lower_bound <= min(values) + 1e-9
    assert result.value <= min(values) + 1e-4
    rounded = il.round_memberships(result.Z, "argmax")
    tight = np.abs(result.Z - il.membership_matrices(rounded, 2)).max() < 1e-3
    if tight:
        np.testing.assert_array_equal(rounded, partitions[int(np.argmin(values))])


def test_the_relaxation_is_tight_on_separated_clusters():
    d = il.make_crossing(n=20, p=4, gap=4, random_state=0)
    result = il.solve_la_sdp(il.mahalanobis_cost(d.X, d.covariances), tol=1e-6, max_iter=20_000)
    np.testing.assert_allclose(result.Z, il.membership_matrices(d.y, 2), atol=1e-3)
    assert result.value == pytest.approx(il.profile_nll(d.X, d.y, d.covariances), abs=1e-2)


@pytest.mark.parametrize("max_iter", [1, 30, 200])
def test_the_lower_bound_holds_before_convergence(max_iter):
    d = il.make_crossing(n=20, p=4, gap=4, random_state=1)
    C = il.mahalanobis_cost(d.X, d.covariances)
    result = il.solve_la_sdp(C, tol=1e-9, max_iter=max_iter)
    assert result.n_iter == max_iter
    assert not result.converged
    exact = il.solve_la_sdp(C, tol=1e-7, max_iter=20_000)
    assert result.lower_bound <= exact.value + 1e-4
    assert result.lower_bound <= il.profile_nll(d.X, d.y, d.covariances)


def test_a_certificate_ends_the_iterations_early():
    d = il.make_crossing(n=30, p=8, gap=3, random_state=2)
    C = il.mahalanobis_cost(d.X, d.covariances)
    early = il.solve_la_sdp(C, tol=1e-8, gap_tol=1e-3, max_iter=20_000)
    late = il.solve_la_sdp(C, tol=1e-8, max_iter=20_000)
    assert early.certified
    assert early.converged
    assert not late.certified
    assert early.n_iter < late.n_iter
    best = il.profile_nll(d.X, il.round_memberships(early.Z), d.covariances)
    allowed = 1e-3 * 30 * np.abs(C - np.median(C)).mean()
    assert best - early.lower_bound <= allowed + 1e-9
    assert early.lower_bound <= late.value + 1e-3


@pytest.mark.parametrize("gap_tol", [0.1, 1e-2, 1e-3, 1e-4])
def test_a_certificate_is_as_good_as_it_says(gap_tol):
    d = il.make_crossing(n=40, p=8, gap=2, random_state=1)
    C = il.mahalanobis_cost(d.X, d.covariances)
    result = il.solve_la_sdp(C, gap_tol=gap_tol, max_iter=20_000)
    cost = il.profile_nll(d.X, il.round_memberships(result.Z, "argmax"), d.covariances)
    per_point = (cost - result.lower_bound) / 40 / np.abs(C - np.median(C)).mean()
    assert result.certified
    assert per_point <= gap_tol * (1 + 1e-9)
    exact = il.solve_la_sdp(C, max_iter=20_000)
    assert cost <= exact.value + 40 * gap_tol * np.abs(C - np.median(C)).mean() + 0.1


def test_no_certificate_where_the_relaxation_is_loose():
    rng = np.random.default_rng(5)
    C = rng.normal(size=(2, 7, 7))
    result = il.solve_la_sdp(C + C.transpose(0, 2, 1), gap_tol=1e-4, max_iter=5000)
    assert not result.certified
    assert result.converged


def test_equal_costs_give_the_kmeans_sdp():
    X = np.random.default_rng(3).normal(size=(12, 2))
    C = ((X[:, None] - X[None]) ** 2).sum(2) / 2
    one = il.solve_kmeans_sdp(C, 2, tol=1e-7, max_iter=20_000)
    two = il.solve_la_sdp(np.array([C, C]), tol=1e-7, max_iter=20_000)
    assert two.value == pytest.approx(one.value, abs=1e-4)
    np.testing.assert_allclose(two.Z[0], two.Z[1], atol=1e-5)
    np.testing.assert_allclose(two.Z.sum(0), one.Z[0], atol=1e-3)


def test_an_affine_map_of_the_data_changes_the_value_by_a_constant():
    X, covs = small_problem(6, n=10, p=3)
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(3, 3)) + 2 * np.eye(3), rng.normal(size=3)
    moved = il.mahalanobis_cost(X @ A.T + b, A @ covs @ A.T)
    before = il.solve_la_sdp(il.mahalanobis_cost(X, covs), tol=1e-7, max_iter=20_000)
    after = il.solve_la_sdp(moved, tol=1e-7, max_iter=20_000)
    shift = 2 * 10 * math.log(abs(np.linalg.det(A)))
    assert after.value == pytest.approx(before.value + shift, abs=1e-3)
    np.testing.assert_allclose(after.Z, before.Z, atol=1e-3)


def test_swapping_the_costs_swaps_the_solution():
    X, covs = small_problem(7, n=10)
    C = il.mahalanobis_cost(X, covs)
    a = il.solve_la_sdp(C, tol=1e-7, max_iter=20_000)
    b = il.solve_la_sdp(C[::-1], tol=1e-7, max_iter=20_000)
    np.testing.assert_allclose(a.Z, b.Z[::-1], atol=1e-6)


def test_a_warm_start_is_faster_and_ends_at_the_same_value():
    d = il.make_crossing(n=30, p=4, random_state=3)
    C = il.mahalanobis_cost(d.X, d.covariances)
    first = il.solve_la_sdp(C, tol=1e-6, max_iter=20_000)
    again = il.solve_la_sdp(C, tol=1e-6, warm_start=first)
    assert again.n_iter == 25
    scaled = il.solve_la_sdp(7 * C + 3, tol=1e-6, warm_start=first)
    assert scaled.n_iter == 25  # the solver works in units of the costs
    assert scaled.value == pytest.approx(7 * first.value + 3 * 30, rel=1e-4)
    other = il.mahalanobis_cost(d.X + 1e-4 * d.X**2, d.covariances)
    warm = il.solve_la_sdp(other, tol=1e-6, max_iter=20_000, warm_start=first)
    cold = il.solve_la_sdp(other, tol=1e-6, max_iter=20_000)
    assert warm.value == pytest.approx(cold.value, rel=1e-4)
    assert warm.n_iter < cold.n_iter


def test_a_warm_start_leaves_the_former_result_alone():
    X, covs = small_problem(0)
    C = il.mahalanobis_cost(X, covs)
    first = il.solve_la_sdp(C)
    before = first.Z.copy()
    il.solve_la_sdp(3 * C + 1, warm_start=first)
    np.testing.assert_array_equal(first.Z, before)
    again, once_more = (il.solve_la_sdp(C + C**2, warm_start=first, max_iter=25) for _ in range(2))
    np.testing.assert_array_equal(again.Z, once_more.Z)


def test_residuals_are_those_of_the_solution():
    X, covs = small_problem(0)
    loose = il.solve_la_sdp(il.mahalanobis_cost(X, covs), tol=1e-3)
    assert 0 < loose.primal_residual < 1e-3
    assert loose.dual_residual > 0
    row_sums = loose.Z.sum((0, 2))
    assert np.abs(row_sums - 1).max() <= 2 * 8 * loose.primal_residual
    tight = il.solve_la_sdp(il.mahalanobis_cost(X, covs), tol=1e-6, max_iter=20_000)
    assert tight.primal_residual < loose.primal_residual
    assert tight.n_iter > loose.n_iter


@pytest.mark.parametrize("rho", [1e-3, 0.1, 1e3])
def test_both_residuals_are_below_the_tolerance_in_the_end(rho):
    d = il.make_crossing(30, 8, random_state=0)
    C = il.mahalanobis_cost(d.X, d.covariances)
    result = il.solve_la_sdp(C, tol=1e-3, rho=rho)
    assert result.converged
    assert result.primal_residual < 1e-3
    assert result.dual_residual < 1e-3 * result.state.rho


@pytest.mark.parametrize("rho", [0.5, 50.0])
def test_the_first_penalty_does_not_change_the_solution(rho):
    X, covs = small_problem(1)
    C = il.mahalanobis_cost(X, covs)
    a = il.solve_la_sdp(C, tol=1e-7, max_iter=30_000)
    b = il.solve_la_sdp(C, tol=1e-7, max_iter=30_000, rho=rho)
    assert a.value == pytest.approx(b.value, abs=1e-4)


# --- rounding and threshold -----------------------------------------------------------------------


def test_rounding_returns_a_partition_it_is_given():
    labels = np.array([0, 2, 1, 1, 2, 0, 0])
    Z = il.membership_matrices(labels, 3)
    np.testing.assert_array_equal(il.round_memberships(Z), labels)
    np.testing.assert_array_equal(il.round_memberships(Z, "argmax"), labels)
    assert il.clustering_error(labels, il.round_memberships(Z, "spectral")) == 0


def test_rounding_looks_at_the_eigenvectors_when_all_shares_agree():
    labels = np.array([0, 1, 1, 0, 0, 1])
    Z = np.array([il.membership_matrices(labels, 2).sum(0) / 2] * 2)
    assert il.clustering_error(labels, il.round_memberships(Z)) == 0
    assert il.clustering_error(labels, il.round_memberships(Z, "argmax")) == 0.5
    one = il.round_memberships(2 * Z[:1], "spectral", n_clusters=2)
    assert il.clustering_error(labels, one) == 0


def test_the_threshold_by_hand():
    # log n = 1 at n = e; take n = 100, p = 50, K = 4: 200 / (100 log 100) = 0.4343
    log_n = math.log(100)
    wanted = 4 * 9 * (1 + math.sqrt(1 + 2 / log_n)) * log_n
    assert il.recovery_threshold(100, 50, 4, sigma=3) ** 2 == pytest.approx(wanted)
    # one dimension, many points: twice the distance at which the least sure of n points is sure
    assert il.recovery_threshold(10**9, 1, 2) == pytest.approx(math.sqrt(8 * math.log(1e9)))


# --- estimators -----------------------------------------------------------------------------------


def test_known_covariances_recover_the_clusters():
    d = il.make_crossing(n=40, p=8, gap=2, random_state=0)
    model = il.LASDP(2, d.covariances).fit(d.X)
    np.testing.assert_array_equal(model.labels_, d.y)
    np.testing.assert_allclose(model.means_[1], d.X[d.y == 1].mean(0))
    np.testing.assert_allclose(model.weights_, 0.5)
    assert model.result_.value == pytest.approx(il.profile_nll(d.X, d.y, d.covariances), rel=1e-3)


def test_known_equal_covariances_recover_parallel_clusters():
    d = il.make_parallel(n=40, random_state=0)
    assert il.clustering_error(d.y, il.LASDP(2, d.covariances).fit_predict(d.X)) == 0
    assert il.clustering_error(d.y, il.kmeans_sdp_labels(d.X, 2)) > 0.2


@pytest.fixture(scope="module")
def three():
    d = il.make_three_shapes(60, random_state=8)
    return d, il.ILASDP(3, "random", random_state=1).fit(d.X)


def test_the_objective_never_rises(three):
    _, model = three
    assert len(model.objective_path_) >= 3
    assert np.diff(model.objective_path_).max() < 0
    assert model.objective_ == model.objective_path_[-1]


def test_fitted_attributes_describe_the_labels(three):
    d, model = three
    reg = 1e-3 * d.X.var(0).mean()
    for k in range(3):
        inside = d.X[model.labels_ == k]
        np.testing.assert_allclose(model.means_[k], inside.mean(0))
        np.testing.assert_allclose(
            model.covariances_[k], np.cov(inside.T, bias=True) + reg * np.eye(2)
        )
        assert model.weights_[k] == pytest.approx(len(inside) / 60)
    wanted = il.profile_nll(d.X, model.labels_, model.covariances_, reg=reg)
    assert model.objective_ == pytest.approx(wanted)
    assert model.objective_path_[-1] <= il.profile_nll(d.X, il.kmeans_sdp_labels(d.X, 3), reg=reg)
    np.testing.assert_array_equal(il.round_memberships(model.memberships_), model.labels_)


def test_the_fixed_point_beats_all_single_moves(three):
    """No point can change its cluster and lower the objective at the final covariances."""
    d, model = three
    reg = 1e-3 * d.X.var(0).mean()
    value = il.profile_nll(d.X, model.labels_, model.covariances_, reg=reg)
    for i, k in itertools.product(range(60), range(3)):
        moved = model.labels_.copy()
        moved[i] = k
        assert il.profile_nll(d.X, moved, model.covariances_, reg=reg) >= value - 0.5


def test_prediction_is_the_quadratic_discriminant():
    d = il.make_crossing(n=60, p=4, gap=3, random_state=1)
    model = il.LASDP(2, d.covariances).fit(d.X)
    model.covariances_ = np.array(
        [np.cov(d.X[model.labels_ == k].T) for k in range(2)]
    )  # as scikit-learn's estimate
    peer = QuadraticDiscriminantAnalysis().fit(d.X, model.labels_)
    new = il.make_crossing(n=500, p=4, gap=1, random_state=2).X
    np.testing.assert_array_equal(model.predict(new), peer.predict(new))


def test_prediction_uses_the_weights():
    model = il.LASDP(2, [np.eye(1)] * 2)
    model.means_, model.covariances_ = np.array([[0.0], [2.0]]), np.ones((2, 1, 1))
    model.weights_ = np.array([0.9, 0.1])
    edge = 1 + math.log(9) / 2  # where 0.9 N(x; 0, 1) = 0.1 N(x; 2, 1)
    np.testing.assert_array_equal(model.predict([[edge - 1e-6], [edge + 1e-6]]), [0, 1])


def test_a_subsample_is_extended_to_all_points():
    d = il.make_crossing(n=2000, p=6, gap=3, random_state=3)
    model = il.ILASDP(2, subsample=60, random_state=0).fit(d.X)
    assert model.labels_.shape == (2000,)
    assert model.memberships_.shape == (2, 60, 60)
    assert len(np.unique(model.sample_indices_)) == 60
    assert il.clustering_error(d.y, model.labels_) < 0.02
    outside = np.setdiff1d(np.arange(2000), model.sample_indices_)
    np.testing.assert_array_equal(model.labels_[outside], model.predict(d.X[outside]))


def test_more_starts_never_end_higher():
    d = il.make_parallel(n=30, random_state=4)
    one = il.ILASDP(2, "sdp", random_state=0).fit(d.X)
    many = il.ILASDP(2, "sdp", n_init=4, random_state=0).fit(d.X)
    assert many.objective_ <= one.objective_
    assert min(many.objective_path_) == many.objective_


def test_given_labels_are_the_start():
    d = il.make_crossing(n=40, p=4, random_state=5)
    model = il.ILASDP(2, d.y, random_state=0).fit(d.X)
    reg = 1e-3 * d.X.var(0).mean()
    assert model.objective_path_[0] == pytest.approx(il.profile_nll(d.X, d.y, reg=reg))


def test_the_same_seed_gives_the_same_labels():
    d = il.make_crossing(n=30, p=4, random_state=6)
    a, b = (il.ILASDP(2, "random", random_state=3).fit(d.X) for _ in range(2))
    np.testing.assert_array_equal(a.labels_, b.labels_)


def test_a_constant_shift_and_scale_change_no_label():
    d = il.make_crossing(n=30, p=4, gap=2, random_state=7)
    a = il.ILASDP(2, "kmeans", random_state=0).fit(d.X)
    b = il.ILASDP(2, "kmeans", random_state=0).fit(1000 * d.X - 5)
    assert il.clustering_error(a.labels_, b.labels_) == 0
    assert b.objective_ - a.objective_ == pytest.approx(30 * 4 * 2 * math.log(1000), rel=1e-6)


def test_diagonal_covariances_stay_diagonal():
    d = il.make_crossing(n=40, p=4, gap=2, random_state=8)
    model = il.ILASDP(2, covariance_type="diag", random_state=0).fit(d.X)
    off = model.covariances_ * (1 - np.eye(4))
    assert not off.any()
    assert il.clustering_error(d.y, model.labels_) < 0.1


def test_one_cluster_is_everything():
    X = np.random.default_rng(0).normal(size=(10, 2))
    model = il.ILASDP(1, random_state=0).fit(X)
    assert not model.labels_.any()


def test_a_cluster_that_gets_too_small_ends_the_start():
    """Three tight outliers attract a cluster too small for a covariance in four dimensions."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(27, 4)), 50 + 0.01 * rng.normal(size=(3, 4))])
    model = il.ILASDP(2, "sdp", random_state=0).fit(X)
    assert np.bincount(model.labels_).min() >= 5


# --- simulated data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda n: il.make_parallel(n, random_state=0),
        lambda n: il.make_three_shapes(n, random_state=0),
        lambda n: il.make_crossing(n, 4, share=0.3, random_state=0),
        lambda n: il.make_spherical(n, 5, 3, 4.0, random_state=0),
    ],
)
def test_samples_have_the_moments_they_state(make):
    d = make(30_000)
    for k, (mean, cov) in enumerate(zip(d.means, d.covariances)):
        inside = d.X[d.y == k]
        np.testing.assert_allclose(inside.mean(0), mean, atol=0.15)
        np.testing.assert_allclose(np.cov(inside.T), cov, atol=0.5)


def test_shares_and_distances_are_as_asked():
    assert np.bincount(il.make_crossing(60, share=0.15, random_state=0).y).tolist() == [9, 51]
    means = il.make_spherical(30, 6, 4, 5.0, random_state=0).means
    gaps = np.linalg.norm(means[:, None] - means[None], axis=2)
    np.testing.assert_allclose(gaps[np.triu_indices(4, 1)], 5.0)


# --- bad input ------------------------------------------------------------------------------------

X_GOOD = np.random.default_rng(0).normal(size=(12, 2))
EYES = np.array([np.eye(2)] * 2)


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        ([[1.0, np.nan]] * 4, ValueError, "X must be finite"),
        ([1.0, 2.0], ValueError, "X must have shape"),
        ([["a", "b"]], TypeError, "X must hold real numbers"),
        (np.zeros((0, 2)), ValueError, "X must have at least"),
    ],
)
def test_bad_points_are_refused(X, error, words):
    for call in (
        lambda: il.mahalanobis_cost(X, EYES),
        lambda: il.profile_nll(X, [0]),
        lambda: il.ILASDP(2).fit(X),
        lambda: il.LASDP(2, EYES).fit(X),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(
    ("covs", "error", "words"),
    [
        (np.eye(2), ValueError, "three axes"),
        (np.array([np.eye(3)]), ValueError, r"shape \(K, 2, 2\), got \(1, 3, 3\)"),
        (np.zeros((2, 2, 2)), ValueError, "positive definite, got the eigenvalue 0"),
        (np.array([[[1.0, 0.5], [0.0, 1.0]]]), ValueError, "symmetric"),
        (np.array([[[1.0, np.inf], [np.inf, 1.0]]]), ValueError, "finite"),
        ([np.eye(2), np.eye(3)], TypeError, "one shape"),
        ([[["a", "b"], ["b", "a"]]], TypeError, "real numbers"),
    ],
)
def test_bad_covariances_are_refused(covs, error, words):
    with pytest.raises(error, match=words):
        il.mahalanobis_cost(X_GOOD, covs)


def test_bad_labels_are_refused():
    with pytest.raises(TypeError, match="labels must hold integers"):
        il.profile_nll(X_GOOD, [0.0] * 12)
    with pytest.raises(ValueError, match=r"labels must have shape \(12,\)"):
        il.profile_nll(X_GOOD, [0, 1])
    with pytest.raises(ValueError, match="without a gap"):
        il.profile_nll(X_GOOD, [0, 2] * 6)
    with pytest.raises(ValueError, match="below 1"):
        il.profile_nll(X_GOOD, [0, 1] * 6, np.eye(2)[None])
    with pytest.raises(ValueError, match="singular"):
        il.profile_nll(X_GOOD, [0, 0] + [1] * 10)
    with pytest.raises(ValueError, match="reg must be"):
        il.profile_nll(X_GOOD, [0, 1] * 6, reg=-1.0)


def test_bad_costs_are_refused():
    good = np.zeros((2, 4, 4))
    for solve in (il.solve_la_sdp, il.project_affine, il.round_memberships):
        with pytest.raises(ValueError, match=r"C must have shape|three axes"):
            solve(np.zeros((2, 4, 3)))
        with pytest.raises(ValueError, match="symmetric"):
            solve(np.arange(32.0).reshape(2, 4, 4))
        with pytest.raises(ValueError, match="finite"):
            solve(good * np.nan)
        with pytest.raises(ValueError, match="three axes"):
            solve(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="tol must be"):
        il.solve_la_sdp(good, tol=0.0)
    with pytest.raises(TypeError, match="max_iter must be an integer"):
        il.solve_la_sdp(good, max_iter=1.5)
    with pytest.raises(ValueError, match="rho must be"):
        il.solve_la_sdp(good, rho=-1.0)
    with pytest.raises(ValueError, match="gap_tol must be"):
        il.solve_la_sdp(good, gap_tol=0.0)
    with pytest.raises(ValueError, match=r"warm_start must have Z of shape \(2, 5, 5\)"):
        il.solve_la_sdp(np.zeros((2, 5, 5)), warm_start=il.solve_la_sdp(good, max_iter=1))


def test_bad_numbers_of_clusters_are_refused():
    with pytest.raises(ValueError, match="K must be"):
        il.solve_kmeans_sdp(np.zeros((4, 4)), 5)
    with pytest.raises(ValueError, match=r"C must have shape \(n, n\)"):
        il.solve_kmeans_sdp(np.zeros((2, 4, 4)), 2)
    with pytest.raises(ValueError, match="method must be one of"):
        il.round_memberships(np.zeros((2, 4, 4)), "best")
    with pytest.raises(ValueError, match="K must be"):
        il.recovery_threshold(10, 2, 11)
    with pytest.raises(ValueError, match="sigma must be"):
        il.recovery_threshold(10, 2, 2, 0.0)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"n_clusters": 0}, ValueError, "n_clusters must be"),
        ({"n_clusters": 5}, ValueError, "at least 15 rows"),
        ({"init": "best"}, ValueError, "init must be one of"),
        ({"init": [0, 1]}, ValueError, r"init must have shape \(12,\)"),
        ({"init": [0] * 12}, ValueError, "n_clusters = 2 labels"),
        ({"init": [0] + [1] * 11}, ValueError, "at least 3 points"),
        ({"n_init": 0}, ValueError, "n_init must be"),
        ({"max_iter": True}, TypeError, "max_iter must be an integer"),
        ({"reg": 0.0}, ValueError, "reg must be"),
        ({"tol": "a"}, TypeError, "tol must be a real number"),
        ({"covariance_type": "tied"}, ValueError, "covariance_type must be one of"),
        ({"subsample": 5}, ValueError, "subsample must be"),
        ({"subsample": 8, "init": [0, 1] * 6}, ValueError, "init must be a name"),
        ({"random_state": -1}, ValueError, "seed must be"),
    ],
)
def test_bad_settings_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        il.ILASDP(**({"n_clusters": 2} | settings)).fit(X_GOOD)


def test_bad_data_for_the_estimators_are_refused():
    with pytest.raises(ValueError, match="constant"):
        il.ILASDP(2).fit(np.c_[X_GOOD, np.ones(12)])
    with pytest.raises(ValueError, match="n_clusters = 3"):
        il.LASDP(3, EYES).fit(X_GOOD)
    model = il.LASDP(2, [np.eye(2), 2 * np.eye(2)]).fit(il.make_parallel(12, 5, 0).X)
    with pytest.raises(ValueError, match=r"2 column\(s\)"):
        model.predict(np.zeros((3, 3)))


def test_bad_simulations_are_refused():
    with pytest.raises(ValueError, match="p must be even"):
        il.make_crossing(p=3)
    with pytest.raises(ValueError, match="share must be"):
        il.make_crossing(share=1.0)
    with pytest.raises(ValueError, match="K must be at most"):
        il.make_spherical(10, 2, 3, 1.0)
    with pytest.raises(ValueError, match="n must be"):
        il.make_three_shapes(2)
