"""How clustered is a cloud of points, and how compact are its clusters?"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import davies_bouldin_score, silhouette_score
from sklearn.neighbors import NearestNeighbors

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.mixtures.ppp._checks import as_partition, as_points

__all__ = ["compactness", "hopkins", "separation"]


def hopkins(
    X: Any, m: int | None = None, random_state: int | np.random.Generator | None = None
) -> float:
    r"""Hopkins statistic: about 0.5 for uniform points, towards 1 for clustered ones.

    .. math:: H = \frac{\sum_i u_i^p}{\sum_i u_i^p + \sum_i w_i^p}

    with the distances u from m places drawn uniformly in the bounding box to the nearest point,
    and the distances w from m points, drawn without replacement, to their nearest other point.
    One draw is noisy: for m = 30 its standard deviation is about 0.1.

    Parameters
    ----------
    X : array-like of shape (n, p)
        At least two rows.
    m : int, optional
        Default a tenth of the points, at least 1.
    random_state : int, Generator or None

    Returns
    -------
    float
        In [0, 1]; 0.5 if all points coincide.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X, min_rows=2)
    n, p = X.shape
    m = max(1, n // 10) if m is None else check_integer(m, "m", low=1, high=n)
    rng = as_rng(random_state)
    places = rng.uniform(X.min(0), X.max(0), (m, p))
    drawn = X[rng.choice(n, m, replace=False)]
    near = NearestNeighbors(n_neighbors=2).fit(X)
    u = near.kneighbors(places, n_neighbors=1)[0][:, 0]
    w = near.kneighbors(drawn)[0][:, 1]
    largest = max(u.max(), w.max())
    if largest == 0:
        return 0.5
    # Eq. (13)
    up, wp = ((u / largest) ** p).sum(), ((w / largest) ** p).sum()
    return float(up / (up + wp))


def separation(X: Any, labels: Any) -> float:
    r"""Smallest gap between two clusters, in standard deviations along the line between them.

    .. math:: \min_{a<b} \frac{|\mu_a - \mu_b|}{\sigma_{a} + \sigma_{b}}

    with the standard deviation of each cluster in the direction of :math:`\mu_a - \mu_b`.

    Parameters
    ----------
    X : array-like of shape (n, p)
    labels : int array-like of shape (n,)
        Values 0 ... k - 1, each in use.

    Returns
    -------
    float
        NaN for a single cluster.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X)
    labels = as_partition(labels, len(X))
    parts = [X[labels == c] for c in range(labels.max() + 1)]
    gaps = [_gap(a, b) for a, b in combinations(parts, 2)]
    return min(gaps, default=float("nan"))


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    line = a.mean(0) - b.mean(0)
    distance = np.linalg.norm(line)
    if distance == 0:
        return 0.0
    spread = (a @ line).std() + (b @ line).std()
    # Eq. (15)
    return float(distance**2 / spread) if spread > 0 else float("inf")


def compactness(X: Any, labels: Any) -> dict[str, float]:
    """Four measures of a partition.

    Parameters
    ----------
    X : array-like of shape (n, p)
    labels : int array-like of shape (n,)
        Values 0 ... k - 1, each in use.

    Returns
    -------
    dict
        ``sse_ratio``, within-cluster over total sum of squares; ``davies_bouldin`` (small is
        compact); ``silhouette``; ``separation``. The last three are NaN for a single cluster or if
        each point is one.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X, min_rows=2)
    labels = as_partition(labels, len(X))
    centres = _means(X, labels)
    total = ((X - X.mean(0)) ** 2).sum()
    within = ((X - centres[labels]) ** 2).sum()
    defined = 1 < len(centres) < len(X)
    return {
        "sse_ratio": float(within / total) if total > 0 else 0.0,
        "davies_bouldin": float(davies_bouldin_score(X, labels)) if defined else float("nan"),
        "silhouette": float(silhouette_score(X, labels)) if defined else float("nan"),
        "separation": separation(X, labels) if defined else float("nan"),
    }


def _means(X: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"]) -> Float[np.ndarray, "k p"]:
    return np.array([X[labels == c].mean(0) for c in range(labels.max() + 1)])
