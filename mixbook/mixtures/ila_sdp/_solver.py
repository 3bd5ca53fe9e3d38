"""Consensus ADMM for the two semidefinite programmes, with a certified lower bound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.ila_sdp._checks import as_costs
from mixbook.mixtures.ila_sdp._likelihood import membership_matrices

CHECK_EVERY = 25
EXACT_EVERY = CHECK_EVERY  # so residuals are always those of an exact projection
GUARD = 3
RELAX = 1.6  # over-relaxation; 1 is the plain method, convergence holds below 2


@dataclass(frozen=True)
class LASDPResult:
    """A solution and how far it can be trusted.

    Attributes
    ----------
    Z : array of shape (K, n, n)
        The non-negative copy of the solution.
    value : float
        The cost of ``Z``.
    lower_bound : float
        No feasible point of the programme, so no partition, costs less: Eq. (13). It holds for any
        accuracy of the solver.
    n_iter : int
        Iterations.
    primal_residual : float
        Largest entry by which the three copies differ.
    dual_residual : float
        Penalty times the largest entry by which the copies changed in the last iteration, in
        units of the normalised costs.
    converged : bool
        Whether the tolerance was reached, or a partition was certified.
    certified : bool
        Whether a partition (the row-wise largest share of ``Z``) was proven to cost at most
        ``gap_tol`` per point more than the optimum.
    """

    Z: Float[np.ndarray, "K n n"]
    value: float
    lower_bound: float
    n_iter: int
    primal_residual: float
    dual_residual: float
    converged: bool
    certified: bool
    state: _State = field(repr=False)


@dataclass
class _State:
    """The copies X (positive semidefinite) and Y (non-negative), and their scaled multipliers."""

    X: np.ndarray
    Y: np.ndarray
    U: np.ndarray
    V: np.ndarray
    rho: float
    alpha: np.ndarray = field(default_factory=lambda: np.zeros(0))
    v: np.ndarray = field(default_factory=lambda: np.zeros(0))
    basis: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0)))

    @classmethod
    def cold(cls, K: int, n: int, trace: float, rho: float) -> _State:
        Z = project_affine(np.zeros((K, n, n)), trace=trace)
        return cls(Z, Z, np.zeros_like(Z), np.zeros_like(Z), rho)

    def change_rho(self, factor: float) -> None:
        self.rho *= factor
        self.U, self.V = self.U / factor, self.V / factor


def solve_la_sdp(
    C: Any,
    *,
    tol: float = 1e-5,
    max_iter: int = 3000,
    rho: float | None = None,
    gap_tol: float | None = None,
    warm_start: LASDPResult | None = None,
) -> LASDPResult:
    r"""Solve the likelihood adjusted SDP for given costs.

    .. math:: \min \sum_k \langle C_k, Z_k\rangle \quad \text{s.t. } Z_k \succeq 0,\ Z_k \ge 0,\
              \mathrm{tr} Z_k = 1,\ \sum_k Z_k \mathbf 1 = \mathbf 1

    Parameters
    ----------
    C : array-like of shape (K, n, n)
        Symmetric costs, see :func:`mahalanobis_cost`.
    tol : float
        Stops when no entry of the copies differs or changes by more than this.
    max_iter : int
        Largest number of iterations. Every 25th takes K symmetric eigendecompositions, the others
        do with the leading eigenvectors where these are few.
    rho : float, optional
        First penalty for costs of unit size, default n / K; it is adapted.
    gap_tol : float, optional
        Also stops when the rounded solution is certified to cost at most this much per point above
        the optimum, in units of the mean absolute deviation of the costs.
    warm_start : LASDPResult, optional
        A solution for other costs of the same shape to start from.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    C = as_costs(C)
    return _admm(C, 1.0, tol, max_iter, rho, gap_tol, warm_start)


def solve_kmeans_sdp(
    C: Any, K: int, *, tol: float = 1e-5, max_iter: int = 3000, rho: float | None = None
) -> LASDPResult:
    r"""Solve Peng and Wei's relaxation of K-means.

    .. math:: \min \langle C, Z\rangle \quad \text{s.t. } Z \succeq 0,\ Z \ge 0,\
              \mathrm{tr} Z = K,\ Z \mathbf 1 = \mathbf 1

    Parameters
    ----------
    C : array-like of shape (n, n)
        Half the squared distances of all pairs, for example.
    K : int
        Number of clusters, from 1 to n.
    tol, max_iter, rho
        As for :func:`solve_la_sdp`.

    Returns
    -------
    LASDPResult
        Its ``Z`` has shape (1, n, n).

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    array = np.asarray(C)
    if array.ndim != 2:
        raise ValueError(f"C must have shape (n, n), got {array.shape}")
    costs = as_costs(array[None])
    K = check_integer(K, "K", low=1, high=len(array))
    return _admm(costs, float(K), tol, max_iter, rho, None, None)


def _admm(
    C: np.ndarray,
    trace: float,
    tol: float,
    max_iter: int,
    rho: float | None,
    gap_tol: float | None,
    warm_start: LASDPResult | None,
) -> LASDPResult:
    K, n, _ = C.shape
    check_number(tol, "tol", low=0, low_open=True)
    check_integer(max_iter, "max_iter", low=1)
    rho = n / K if rho is None else check_number(rho, "rho", low=0, low_open=True)
    if gap_tol is not None:
        check_number(gap_tol, "gap_tol", low=0, low_open=True)
    costs, shift, scale = _normalise(C)
    state = _first_state(warm_start, K, n, trace, rho)
    for n_iter in range(1, max_iter + 1):
        exact = n_iter % EXACT_EVERY == 0 or n_iter == max_iter
        primal, change = _iterate(state, costs, trace, exact)
        if n_iter % CHECK_EVERY and n_iter < max_iter:
            continue
        converged = primal < tol and change < tol
        certified = gap_tol is not None and _gap(state, costs, trace) <= gap_tol * n
        if converged or certified:
            break
        _balance(state, primal, change)
    bound = scale * _lower_bound(state, costs, trace) + shift * n
    value, dual = float((C * state.Y).sum()), state.rho * change
    done = converged or certified
    return LASDPResult(state.Y, value, bound, n_iter, primal, dual, done, certified, state)


def _normalise(C: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Costs around zero and of unit size; adding a constant to all of them changes no solution."""
    shift = float(np.median(C))
    scale = float(np.abs(C - shift).mean()) or 1.0
    return (C - shift) / scale, shift, scale


def _first_state(warm: LASDPResult | None, K: int, n: int, trace: float, rho: float) -> _State:
    if warm is None:
        return _State.cold(K, n, trace, rho)
    if warm.Z.shape != (K, n, n):
        raise ValueError(f"warm_start must have Z of shape {(K, n, n)}, got {warm.Z.shape}")
    return replace(warm.state)  # a copy: iterations change it


def _iterate(s: _State, C: np.ndarray, trace: float, exact: bool) -> tuple[float, float]:
    """One iteration, in place; how far the copies differ, and by how much they changed."""
    # Eq. (10)
    W = 0.5 * (s.X - s.U + s.Y - s.V) - C / (2 * s.rho)
    s.alpha, s.v = affine_multipliers(W, trace)
    Z = W - _spread(s.alpha, s.v)
    # Eq. (11)
    ahead = RELAX * Z
    target = ahead + (1 - RELAX) * s.X + s.U
    X = _project(s, target, exact)
    # Eq. (12)
    s.U = target - X
    target = ahead + (1 - RELAX) * s.Y + s.V
    Y = np.maximum(target, 0)
    s.V = target - Y
    primal = max(np.abs(Z - X).max(), np.abs(Z - Y).max())
    change = max(np.abs(X - s.X).max(), np.abs(Y - s.Y).max())
    s.X, s.Y = X, Y
    return float(primal), float(change)


def _balance(s: _State, primal: float, change: float) -> None:
    """Raise the penalty where the copies disagree, lower it where they still move."""
    if primal > 5 * change:
        s.change_rho(1.5)
    elif change > 5 * primal:
        s.change_rho(1 / 1.5)


def _project(s: _State, target: np.ndarray, exact: bool) -> np.ndarray:
    few = 0 < 4 * s.basis.shape[2] <= target.shape[1]
    if few and not exact:
        X, s.basis = project_psd_near(target, s.basis)
    else:
        X, s.basis = project_psd(target)
    return X


def affine_multipliers(
    W: Float[np.ndarray, "K n n"], trace: float = 1.0
) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " n"]]:
    """The multipliers of traces and row sums in the projection of :func:`project_affine`."""
    K, n, _ = W.shape
    r, t = W.sum((0, 2)), np.trace(W, axis1=1, axis2=2)
    # Eq. (9)
    s = (r.sum() - t.sum() + K * trace - n) / (2 * K * (n - 1))
    alpha = (t - trace - 2 * s) / n
    v = (r - (alpha.sum() + 1 + K * s)) / (K * n)
    return alpha, v


def _spread(alpha: np.ndarray, v: np.ndarray) -> Float[np.ndarray, "K n n"]:
    """The matrices :math:`a_k I + v 1^T + 1 v^T`."""
    out = np.repeat((v[:, None] + v)[None], len(alpha), axis=0)
    diagonal = np.arange(len(v))
    out[:, diagonal, diagonal] += alpha[:, None]
    return out


def project_affine(W: Any, *, trace: float = 1.0) -> Float[np.ndarray, "K n n"]:
    r"""The nearest matrices with :math:`\mathrm{tr} Z_k = 1` and :math:`\sum_k Z_k 1 = 1`.

    Parameters
    ----------
    W : array-like of shape (K, n, n)
        Symmetric.
    trace : float
        Another value for each trace.

    Raises
    ------
    TypeError, ValueError
        If ``W`` is not a stack of symmetric matrices.
    """
    W = as_costs(W)
    return W - _spread(*affine_multipliers(W, trace))


def project_psd(
    W: Float[np.ndarray, "K n n"],
) -> tuple[Float[np.ndarray, "K n n"], Float[np.ndarray, "K n r"]]:
    """The nearest positive semidefinite matrices, and the leading eigenvectors of each.

    There are as many eigenvectors as the largest rank among the projections, and a few more.
    """
    values, vectors = np.linalg.eigh(W)
    keep = min(int((values > 0).sum(1).max()) + GUARD, W.shape[1])
    values, vectors = values[:, -keep:], vectors[:, :, -keep:]
    return _positive_part(values, vectors), vectors


def project_psd_near(
    W: Float[np.ndarray, "K n n"], V: Float[np.ndarray, "K n r"]
) -> tuple[Float[np.ndarray, "K n n"], Float[np.ndarray, "K n r"]]:
    """Nearly the same, from approximate leading eigenvectors ``V``, in O(n^2 r).

    Takes the best approximation within the span of V and W V (Rayleigh and Ritz). Repeated for the
    same W it converges to the projection.
    """
    Q, _ = np.linalg.qr(np.concatenate([V, W @ V], axis=2))
    values, small = np.linalg.eigh(Q.transpose(0, 2, 1) @ W @ Q)
    values, vectors = values[:, -V.shape[2] :], Q @ small[:, :, -V.shape[2] :]
    return _positive_part(values, vectors), vectors


def _positive_part(values: np.ndarray, vectors: np.ndarray) -> Float[np.ndarray, "K n n"]:
    return (vectors * np.maximum(values, 0)[:, None, :]) @ vectors.transpose(0, 2, 1)


def _lower_bound(s: _State, C: np.ndarray, trace: float) -> float:
    """A value below the optimum, from any multipliers: weak duality with a shifted spectrum."""
    t, u, N = -2 * s.rho * s.alpha, -4 * s.rho * s.v, -s.rho * s.V
    slack = C - _spread(t, u / 2) - N
    smallest = np.linalg.eigvalsh(slack)[:, 0]
    # Eq. (13)
    return float(trace * (t + smallest).sum() + u.sum())


def _gap(s: _State, C: np.ndarray, trace: float) -> float:
    """What the rounded solution costs above the lower bound."""
    labels = s.Y.sum(2).argmax(0)
    if len(np.unique(labels)) < len(C):
        return np.inf
    value = (C * membership_matrices(labels, len(C))).sum()
    return float(value - _lower_bound(s, C, trace))
