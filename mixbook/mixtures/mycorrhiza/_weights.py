"""NeighborNet, second part: non-negative weights of all circular splits by least squares.

Cut a lies between the individuals in places a and a + 1 of the order (the last one before the first
again), and split (a, b) separates places a + 1, ..., b from the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

from mixbook.core.validation import check_choice
from mixbook.mixtures.mycorrhiza._checks import as_distances, as_order

SOLVERS = ("exact", "loose")
EXACT = 1e-9  # closed-form weights above minus this share of the largest distance count as zero
KKT = 1e-10  # tolerance of the gradient, as a share of its largest entry at zero weights
LOOSE = 1e-4  # of the loose solver: relative residual of each system, and least gradient
WORST = 0.6  # share of the negative weights that the loose solver sets to zero at once


def split_weights(
    D: Any, order: Any, nonneg: bool = True, *, solver: str = "exact"
) -> Float[np.ndarray, "N N"]:
    r"""Weights of the circular splits whose sum best explains the distances.

    .. math:: \min_{w \ge 0} \sum_{i<j} \Big(d_{ij} - \sum_{s\ \text{separates}\ i, j} w_s\Big)^2

    Without the sign constraint the answer is exact and in closed form; where it has no negative
    weight it is returned at once. Otherwise the sets of positive weights are searched (an active
    set method). The gradient is evaluated in O(N^2), and the equations of the current set of S
    splits are solved exactly in O(S^3); the N^4 / 4 entries of the design matrix are never formed.

    Parameters
    ----------
    D : array-like of shape (N, N)
        Distances.
    order : array-like of int, shape (N,)
        A circular order, see :func:`circular_order`.
    nonneg : bool
        False gives the exact solution with weights of any sign.
    solver : {"exact", "loose"}
        ``"loose"`` stops early, as SplitsTree4 does, the program that the authors run: conjugate
        gradients solve the equations up to a residual of 1e-4. It leaves many light splits that
        the minimum does not have, some of them between individuals that do not differ; for
        comparison only.

    Returns
    -------
    array of shape (N, N)
        Symmetric, zero diagonal: entry (a, b) is the weight of split (a, b).

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    D = as_distances(D)
    order = as_order(order, len(D))
    check_choice(solver, "solver", SOLVERS)
    d = D[np.ix_(order, order)]
    W = exact_weights(d)
    if not nonneg:
        return W
    if W.min() >= -EXACT * d.max():
        return np.maximum(W, 0)
    # Eq. (10)
    return _active_set(d) if solver == "exact" else _loose_active_set(d, W)


def exact_weights(d: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N N"]:
    """The weights, of any sign, that give these distances (in the places of the order)."""
    right, down = np.roll(d, -1, axis=1), np.roll(d, -1, axis=0)
    # Eq. (9)
    W = (d + np.roll(right, -1, axis=0) - right - down) / 2
    np.fill_diagonal(W, 0)
    return (W + W.T) / 2


def across(M: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N1 N1"]:
    """Sums of a symmetric matrix between intervals and their complements, in O(N^2).

    Entry (i, j), i < j <= N, is the sum over the rows i, ..., j - 1 and all other columns. The
    distances that weights W induce are ``across(W)[:-1, :-1]``, and the adjoint map of residuals
    R is ``across(R)[1:, 1:]``.
    """
    N = len(M)
    rows = np.concatenate([[0.0], M.sum(1).cumsum()])
    P = np.zeros((N + 1, N + 1))
    P[1:, 1:] = M.cumsum(0).cumsum(1)
    corner = np.diagonal(P)
    # Eq. (8)
    upper = np.triu(rows - rows[:, None] - (corner + corner[:, None] - 2 * P), 1)
    return upper + upper.T


def induced_distances(W: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N N"]:
    """Distances, in the places of the order, that cut weights induce: Eq. (7)."""
    return across(W)[:-1, :-1]


def gradient(W: Float[np.ndarray, "N N"], d: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N N"]:
    """Half the derivative of the sum of squares with respect to each weight."""
    # Eq. (11)
    return across(induced_distances(W) - d)[1:, 1:]


def gram(
    a: Int[np.ndarray, " S"], b: Int[np.ndarray, " S"], c: Int[np.ndarray, " T"],
    e: Int[np.ndarray, " T"], N: int,
) -> Float[np.ndarray, "S T"]:  # fmt: skip
    """For splits (a, b) and (c, e): the number of pairs that both separate."""
    n, m = (b - a)[:, None], e - c
    both = np.maximum(np.minimum(b[:, None], e) - np.maximum(a[:, None], c), 0)
    # Eq. (12)
    return (both * (N - n - m + both) + (n - both) * (m - both)).astype(np.float64)


def _active_set(d: Float[np.ndarray, "N N"]) -> Float[np.ndarray, "N N"]:
    N = len(d)
    a, b = np.triu_indices(N, 1)
    start = -gradient(np.zeros((N, N)), d)
    target = start[a, b]  # the right-hand side of the normal equations
    tol = KKT * target.max()
    w = np.zeros(len(a))
    W = np.zeros((N, N))
    free = np.zeros(len(a), dtype=bool)
    while True:
        g = gradient(W, d)
        new = _entering(g, tol)[a, b] & ~free
        if not new.any():
            return W
        free |= new
        _solve_on(w, free, a, b, target, N)
        W[a, b] = W[b, a] = w


def _entering(g: Float[np.ndarray, "N N"], tol: float) -> np.ndarray:
    """Cuts whose weight should grow: negative gradient, and no neighbour is steeper."""
    steepest = g.copy()
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            np.minimum(steepest, np.roll(g, (i, j), axis=(0, 1)), out=steepest)
    return (g < -tol) & (g <= steepest)


def _solve_on(
    w: np.ndarray, free: np.ndarray, a: np.ndarray, b: np.ndarray, target: np.ndarray, N: int
) -> None:
    """Least squares on the free splits, in place; those that come out negative are set to zero
    and freed no longer, as long as the sum of squares falls."""
    rows = np.flatnonzero(free)
    H = gram(a[rows], b[rows], a[rows], b[rows], N)
    h = target[rows]
    x = w[rows]
    while True:
        z = cho_solve(cho_factor(H, check_finite=False), h, check_finite=False)
        if z.min() > 0:
            break
        x, keep = _feasible(x, z, H, h)
        rows, H, h, x = rows[keep], H[np.ix_(keep, keep)], h[keep], x[keep]
    w[:], free[:] = 0, False
    w[rows], free[rows] = z, True


def _feasible(
    x: np.ndarray, z: np.ndarray, H: np.ndarray, h: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """From x >= 0 towards z: a point without a negative entry whose sum of squares is no larger,
    and which splits stay free."""
    clipped = np.maximum(z, 0)

    def half_squares(v: np.ndarray) -> float:
        return float(v @ (H @ v) / 2 - h @ v)

    if half_squares(clipped) < half_squares(x):
        return clipped, z > 0
    ratio = np.full(len(x), np.inf)
    ratio[z <= 0] = 0  # also where x and z are both zero
    falls = (z <= 0) & (x > 0)
    ratio[falls] = x[falls] / (x[falls] - z[falls])
    step = ratio.min()
    return np.maximum(x + step * (z - x), 0), ratio > step


def _loose_active_set(
    d: Float[np.ndarray, "N N"], W: Float[np.ndarray, "N N"]
) -> Float[np.ndarray, "N N"]:
    """From the exact weights: negative ones are set to zero, most of them at once and the last one
    by one, and freed again while the gradient says so. All equations are solved roughly."""
    free = ~np.eye(len(d), dtype=bool)
    enough = LOOSE**2 * (gradient(np.zeros_like(W), d) ** 2).sum()
    inside = np.ones_like(d)  # the last weights without a negative one
    for _ in d:  # rough solutions may free and bar the same splits for ever
        while (W < 0).any():
            worst = np.quantile(W[W < 0], WORST, method="higher")
            W = _conjugate_gradients(d, _bar(W, free, worst >= W), free, enough)
            if not (W < 0).any():
                break
            step = np.where(W < 0, inside / np.where(W < 0, inside - W, 1), np.inf)
            inside = np.where(free, inside + step.min() * (W - inside), 0)
            W = _conjugate_gradients(d, _bar(W, free, step == step.min()), free, enough)
        inside = W
        new = _entering(gradient(W, d), LOOSE) & ~free
        if not new.any():
            break
        free |= new
        W = _conjugate_gradients(d, W, free, enough)
    return inside


def _bar(W: np.ndarray, free: np.ndarray, at_zero: np.ndarray) -> np.ndarray:
    """Set weights to zero and keep them there; ``free`` changes in place."""
    free &= ~at_zero
    return np.where(free, W, 0)


def _conjugate_gradients(
    d: np.ndarray, W: np.ndarray, free: np.ndarray, enough: float
) -> np.ndarray:
    """Least squares on the free weights, from W until the squares of the residual are few."""
    r = p = np.where(free, -gradient(W, d), 0)
    rho, zero = (r**2).sum(), np.zeros_like(d)
    for _ in range(free.sum() // 2):
        if rho <= enough:
            break
        curved = np.where(free, gradient(p, zero), 0)
        alpha = rho / (p * curved).sum()
        W, r = W + alpha * p, r - alpha * curved
        rho, before = (r**2).sum(), rho
        p = r + rho / before * p
    return W
