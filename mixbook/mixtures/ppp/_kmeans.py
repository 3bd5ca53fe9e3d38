"""Many k-means runs at once, and how far they agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.mixtures.ppp._checks import as_points, as_weights

__all__ = [
    "Restarts",
    "aligned_votes",
    "lloyd",
    "pairwise_ari",
    "principal_start",
    "repeatability",
    "seed_centres",
]

BLOCK = 2**20  # entries of the distance tables that are held at once


class Restarts(NamedTuple):
    """What :func:`repeatability` returns.

    Attributes
    ----------
    rho : float
        Mean adjusted Rand index over all pairs of runs, Eq. (2).
    labels : int array of shape (R, n)
    sse : array of shape (R,)
        Weighted sum of squared distances to the nearest centre, Eq. (1).
    centres : array of shape (R, k, p)
    """

    rho: float
    labels: Int[np.ndarray, "R n"]
    sse: Float[np.ndarray, " R"]
    centres: Float[np.ndarray, "R k p"]

    @property
    def best(self) -> int:
        """The run with the smallest sum of squares."""
        return int(self.sse.argmin())


def repeatability(
    X: Any,
    k: int,
    n_restarts: int = 12,
    *,
    n_init: int = 3,
    sample_weight: Any = None,
    with_principal: bool = False,
    random_state: int | np.random.Generator | None = None,
) -> Restarts:
    r"""Run k-means from many starts and measure how well the answers agree.

    Each of the R runs is the best of ``n_init`` k-means++ starts. All starts are iterated
    together, as one stack of centres.

    Parameters
    ----------
    X : array-like of shape (n, p)
    k : int
        Number of clusters, at least 1 and at most n.
    n_restarts : int
        R, at least 2.
    n_init : int
        Starts in each run.
    sample_weight : array-like of shape (n,), optional
        How many points each row stands for; default 1.
    with_principal : bool
        Add one run that does not depend on the seed, from :func:`principal_start`.
    random_state : int, Generator or None

    Returns
    -------
    Restarts
        ``(rho, labels, sse, centres)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X)
    k = check_integer(k, "k", low=1, high=len(X))
    R = check_integer(n_restarts, "n_restarts", low=2)
    n_init = check_integer(n_init, "n_init", low=1)
    w, rng = as_weights(sample_weight, len(X)), as_rng(random_state)
    labels, sse, centres = lloyd(X, seed_centres(X, k, R * n_init, w, rng), w)
    run = np.arange(R)
    best = sse.reshape(R, n_init).argmin(1) + n_init * run
    labels, sse, centres = labels[best], sse[best], centres[best]
    if with_principal:
        extra = lloyd(X, principal_start(X, k, w)[None], w)
        parts = zip((labels, sse, centres), extra)
        labels, sse, centres = (np.concatenate(pair) for pair in parts)
    table = pairwise_ari(labels, k, w)
    # Eq. (2)
    rho = table[np.triu_indices(len(table), 1)].mean()
    return Restarts(float(rho), labels, sse, centres)


def seed_centres(
    X: Float[np.ndarray, "n p"],
    k: int,
    B: int,
    w: Float[np.ndarray, " n"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "B k p"]:
    """k-means++ for B independent starts: each centre is drawn in proportion to w D²."""
    Z = X - np.average(X, axis=0, weights=w)
    chosen = np.empty((B, k), dtype=np.int64)
    mass = np.broadcast_to(w, (B, len(X)))
    nearest = np.full((B, len(X)), np.inf)
    for c in range(k):
        chosen[:, c] = _draw_rows(mass, rng)
        nearest = np.minimum(nearest, _square_distances(Z, Z[chosen[:, c]]))
        mass = w * nearest
        mass[mass.sum(1) == 0] = w  # all points coincide with a centre
    return X[chosen]


def _draw_rows(mass: Float[np.ndarray, "B n"], rng: np.random.Generator) -> Int[np.ndarray, " B"]:
    ladder = mass.cumsum(1)
    target = rng.random(len(mass)) * ladder[:, -1]
    return (ladder <= target[:, None]).sum(1).clip(max=mass.shape[1] - 1)


def _square_distances(
    X: Float[np.ndarray, "n p"], C: Float[np.ndarray, "b p"]
) -> Float[np.ndarray, "b n"]:
    square = (C**2).sum(1)[:, None] + (X**2).sum(1) - 2 * C @ X.T
    return square.clip(min=0)


def principal_start(
    X: Float[np.ndarray, "n p"], k: int, w: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "k p"]:
    """Means of k slices of equal weight along the first principal axis: a start without a seed."""
    centred = X - np.average(X, axis=0, weights=w)
    axis = np.linalg.eigh((w * centred.T) @ centred)[1][:, -1]
    order = np.argsort(centred @ axis, kind="stable")
    share = (w[order].cumsum() - w[order] / 2) / w.sum()
    slices = np.minimum((k * share).astype(int), k - 1)
    return np.array([_slice_mean(X[order], w[order], slices == c) for c in range(k)])


def _slice_mean(X: np.ndarray, w: np.ndarray, inside: np.ndarray) -> np.ndarray:
    return np.average(X[inside], axis=0, weights=w[inside]) if inside.any() else X[0]


def lloyd(
    X: Float[np.ndarray, "n p"],
    centres: Float[np.ndarray, "B k p"],
    w: Float[np.ndarray, " n"],
    max_iter: int = 300,
) -> tuple[Int[np.ndarray, "B n"], Float[np.ndarray, " B"], Float[np.ndarray, "B k p"]]:
    """Lloyd's iteration for a stack of starts, until no label changes.

    A centre that loses all its points stays where it is. The starts are handled in blocks that
    fit into the cache; one that has converged drops out of its block.
    """
    B, k, _ = centres.shape
    shift = np.average(X, axis=0, weights=w)  # the expanded square keeps its digits at the mean
    Z, centres = X - shift, centres - shift
    labels = np.empty((B, len(X)), dtype=np.int64)
    size = max(1, BLOCK // (k * len(X)))
    for first in range(0, B, size):
        block = slice(first, min(first + size, B))
        labels[block] = _lloyd_block(Z, centres[block], w, max_iter)
    # Eq. (1)
    sse = np.array([w @ ((Z - c[l]) ** 2).sum(1) for c, l in zip(centres, labels)])
    return labels, sse, centres + shift


def _lloyd_block(
    Z: np.ndarray, centres: np.ndarray, w: np.ndarray, max_iter: int
) -> Int[np.ndarray, "b n"]:
    """Iterate one block; ``centres`` is changed in place."""
    active = np.arange(len(centres))
    labels = _nearest(Z, centres)
    for _ in range(max_iter):
        centres[active] = _means(Z, labels[active], centres[active], w)
        new = _nearest(Z, centres[active])
        moved = (new != labels[active]).any(1)
        labels[active] = new
        active = active[moved]
        if not len(active):
            break
    return labels


def _nearest(Z: np.ndarray, centres: Float[np.ndarray, "b k p"]) -> Int[np.ndarray, "b n"]:
    b, k, p = centres.shape
    score = 0.5 * (centres**2).sum(2)[:, :, None] - (centres.reshape(b * k, p) @ Z.T).reshape(
        b, k, len(Z)
    )
    return score.argmin(1)


def _means(
    Z: np.ndarray, labels: Int[np.ndarray, "b n"], old: Float[np.ndarray, "b k p"], w: np.ndarray
) -> Float[np.ndarray, "b k p"]:
    b, k, p = old.shape
    member = _one_hot(labels, k) * w
    mass = member.sum(2)[:, :, None]
    sums = (member.reshape(b * k, -1) @ Z).reshape(b, k, p)
    return np.where(mass > 0, sums / np.where(mass > 0, mass, 1), old)


def _one_hot(labels: Int[np.ndarray, "b n"], k: int) -> Float[np.ndarray, "b k n"]:
    return (labels[:, None] == np.arange(k)[:, None]).astype(np.float64)


def pairwise_ari(
    labels: Int[np.ndarray, "R n"], k: int, w: Float[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, "R R"]:
    r"""Adjusted Rand index of every pair of labellings, all contingency tables in one product.

    .. math:: \mathrm{ARI} = \frac{\sum_{ab}\binom{n_{ab}}2 - E}
              {\tfrac12\big(\sum_a\binom{n_a}2 + \sum_b\binom{n_b}2\big) - E},\qquad
              E = \sum_a\binom{n_a}2\sum_b\binom{n_b}2 \Big/ \binom n2

    Parameters
    ----------
    labels : int array of shape (R, n)
        Values 0 ... k - 1.
    k : int
    w : array of shape (n,), optional
        How many points each column stands for.

    Returns
    -------
    array of shape (R, R)
        One where both labellings are constant.
    """
    tables = _contingencies(labels, labels, k, w)
    sizes = np.diagonal(tables, axis1=0, axis2=1).diagonal(axis1=0, axis2=1)  # (R, k)
    n = sizes[0].sum()
    together, alone = _pairs(tables).sum((2, 3)), _pairs(sizes).sum(1)
    # Eq. (3)
    expected = alone[:, None] * alone / (_pairs(n) or 1.0)
    most = (alone[:, None] + alone) / 2
    spread = most - expected
    flat = np.abs(spread) <= 1e-12 * np.abs(most)
    return np.where(flat, 1.0, (together - expected) / np.where(flat, 1.0, spread))


def _pairs(count: Any) -> Any:
    return count * (count - 1) / 2


def _contingencies(
    a: Int[np.ndarray, "R n"], b: Int[np.ndarray, "S n"], k: int, w: np.ndarray | None
) -> Float[np.ndarray, "R S k k"]:
    left, right = (_one_hot(x, k).reshape(len(x) * k, -1) for x in (a, b))
    if w is not None:
        left = left * w
    return (left @ right.T).reshape(len(a), k, len(b), k).transpose(0, 2, 1, 3)


def aligned_votes(
    labels: Int[np.ndarray, "R n"],
    best: int,
    k: int,
    w: Float[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, " n"]:
    """Share of runs that give each point the label of run ``best``, names matched first."""
    tables = _contingencies(labels, labels[best : best + 1], k, w)[:, 0]
    votes = np.zeros(labels.shape[1])
    for row, table in zip(labels, tables):
        rename = np.empty(k, dtype=np.int64)
        own, other = linear_sum_assignment(table, maximize=True)
        rename[own] = other
        votes += rename[row] == labels[best]
    # Eq. (11)
    return votes / len(labels)
