"""From many points to a few micro-clusters that keep all first and second moments."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.mixtures.ppp._checks import as_points, as_weights

__all__ = ["MicroClusters", "micro_clusters"]

LEARN = 50_000  # centres are learnt from at most so many points
TREE = 8  # up to so many columns a k-d tree finds the nearest centre faster than a full search


class MicroClusters(NamedTuple):
    """What :func:`micro_clusters` returns.

    Attributes
    ----------
    centroids : array of shape (M, p)
    counts : array of shape (M,)
        How many points (or how much weight) each one holds.
    scatters : array of shape (M, p, p)
        Covariance of the points of each one, around their centroid.
    assign : int array of shape (n,)
        Micro-cluster of each point.
    """

    centroids: Float[np.ndarray, "M p"]
    counts: Float[np.ndarray, " M"]
    scatters: Float[np.ndarray, "M p p"]
    assign: Int[np.ndarray, " n"]


def default_size(n: int) -> int:
    """min(2000, 10 √n) micro-clusters for n points."""
    return max(1, min(2000, round(10 * math.sqrt(n)), n))


def micro_clusters(
    X: Any,
    M: int | None = None,
    *,
    sample_weight: Any = None,
    random_state: int | np.random.Generator | None = None,
) -> MicroClusters:
    r"""Reduce points to at most M micro-clusters by mini-batch k-means.

    .. math:: c_m = \frac1{n_m}\sum_{i \in m} x_i,\qquad
              S_m = \frac1{n_m}\sum_{i \in m} (x_i - c_m)(x_i - c_m)^\top

    The centres are learnt from at most 50,000 points, drawn at random; then each point goes to its
    nearest centre. With M = n every point is a micro-cluster of its own.

    Parameters
    ----------
    X : array-like of shape (n, p)
    M : int, optional
        Default min(2000, 10 √n).
    sample_weight : array-like of shape (n,), optional
    random_state : int, Generator or None

    Returns
    -------
    MicroClusters
        Empty ones are dropped.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X)
    n, p = X.shape
    M = default_size(n) if M is None else check_integer(M, "M", low=1, high=n)
    w, rng = as_weights(sample_weight, n), as_rng(random_state)
    if n == M:
        return MicroClusters(X, w, np.zeros((n, p, p)), np.arange(n))
    assign = _assign(X, M, w, rng)
    counts = np.bincount(assign, w)
    return MicroClusters(*_moments(X, assign, w, counts), assign)


def _assign(
    X: np.ndarray, M: int, w: np.ndarray, rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    model = MiniBatchKMeans(
        M,
        init="random",
        n_init=1,
        batch_size=4096,
        max_iter=min(max(LEARN // len(X), 1), 10),
        compute_labels=False,
        random_state=int(rng.integers(2**31 - 1)),
    )
    some = rng.choice(len(X), max(LEARN, M), replace=False) if len(X) > LEARN else slice(None)
    centres = model.fit(X[some], sample_weight=w[some]).cluster_centers_
    nearest = (
        cKDTree(centres).query(X)[1]
        if X.shape[1] <= TREE
        else pairwise_distances_argmin(X, centres)
    )
    return np.unique(nearest, return_inverse=True)[1]


def _moments(
    X: np.ndarray, assign: np.ndarray, w: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    M, p = len(counts), X.shape[1]
    # Eq. (14)
    centroids = np.stack([np.bincount(assign, w * x, M) for x in X.T], axis=1) / counts[:, None]
    scatters = np.empty((M, p, p))
    for i in range(p):
        first = w * (X[:, i] - centroids[assign, i])
        for j in range(i, p):
            product = first * (X[:, j] - centroids[assign, j])
            scatters[:, i, j] = scatters[:, j, i] = np.bincount(assign, product, M) / counts
    return centroids, counts, scatters
