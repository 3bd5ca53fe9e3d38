"""Other ways to find clusters and their number: G-means, and classics with a search over K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_ndtr
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.ppp._checks import as_points

__all__ = ["anderson_darling", "g_means", "kmeans_bic", "kmeans_silhouette", "mixture_bic"]

Seed = int | np.random.Generator | None


def anderson_darling(x: Float[np.ndarray, " n"]) -> float:
    r"""Statistic of normality with estimated mean and variance, corrected for small n.

    .. math:: A^2 = -n - \frac1n\sum_{i=1}^n (2i-1)\big[\log\Phi(z_{(i)})
              + \log(1-\Phi(z_{(n+1-i)}))\big],\qquad A^2_* = A^2(1 + 4/n - 25/n^2)

    Parameters
    ----------
    x : array of shape (n,)
        At least two different values.
    """
    n = len(x)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    odd = 2 * np.arange(1, n + 1) - 1
    # Eq. (16)
    square = -n - (odd * (log_ndtr(z) + log_ndtr(-z[::-1]))).mean()
    return float(square * (1 + 4 / n - 25 / n**2))


def g_means(
    X: Any,
    critical: float = 1.8692,
    min_size: int = 8,
    max_clusters: int = 100,
    random_state: Seed = None,
) -> Int[np.ndarray, " n"]:
    """G-means (Hamerly and Elkan, NeurIPS 2003): split until each cluster looks Gaussian.

    Each cluster is split in two along its first principal axis; the split stays if the points,
    projected on the line between the two centres, fail the Anderson-Darling test. After each round
    k-means runs on all points.

    Parameters
    ----------
    X : array-like of shape (n, p)
    critical : float
        Critical value of the statistic; 1.8692 is the paper's, for a level of 0.0001.
    min_size : int
        Smaller clusters stay whole.
    max_clusters : int
        Stop at so many.
    random_state : int, Generator or None

    Returns
    -------
    int array of shape (n,)
    """
    X = as_points(X, min_rows=2)
    check_number(critical, "critical", low=0)
    check_integer(min_size, "min_size", low=4)
    check_integer(max_clusters, "max_clusters", low=1)
    rng = as_rng(random_state)
    centres, labels = X.mean(0)[None], np.zeros(len(X), dtype=np.int64)
    while len(centres) <= max_clusters:
        parts = [X[labels == c] for c in range(len(centres))]
        grown = [_halves(part, critical, min_size, rng) for part in parts]
        found = np.concatenate(grown)
        if len(found) == len(centres):
            break
        model = KMeans(len(found), init=found, n_init=1).fit(X)
        centres, labels = model.cluster_centers_, model.labels_.astype(np.int64)
    return np.unique(labels, return_inverse=True)[1]


def _halves(
    part: np.ndarray, critical: float, min_size: int, rng: np.random.Generator
) -> Float[np.ndarray, "c p"]:
    mean = part.mean(0)[None]
    if len(part) < min_size or np.ptp(part, axis=0).max() == 0:
        return mean
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(part.T)))
    step = vectors[:, -1] * np.sqrt(2 * values[-1] / np.pi)
    seed = int(rng.integers(2**31 - 1))
    halves = KMeans(2, init=mean + [step, -step], n_init=1, random_state=seed).fit(part)
    line = part @ (halves.cluster_centers_[0] - halves.cluster_centers_[1])
    if np.ptp(line) == 0 or anderson_darling(line) <= critical:
        return mean
    return halves.cluster_centers_


def kmeans_silhouette(
    X: Any, ks: Sequence[int] = range(2, 16), n_init: int = 20, random_state: Seed = None
) -> Int[np.ndarray, " n"]:
    """k-means for each K of ``ks`` (at least 2), and the one with the largest mean silhouette."""
    X = as_points(X, min_rows=3)
    models = _kmeans_models(X, _checked(ks, 2, len(X) - 1), n_init, random_state)
    best = max(models, key=lambda model: silhouette_score(X, model.labels_))
    return best.labels_.astype(np.int64)


def kmeans_bic(
    X: Any, ks: Sequence[int] = range(1, 16), n_init: int = 20, random_state: Seed = None
) -> Int[np.ndarray, " n"]:
    r"""k-means for each K of ``ks``, and the one with the smallest BIC.

    The score of X-means (Pelleg and Moore, ICML 2000): each point belongs to one of K spheres with
    a common variance :math:`\sigma^2 = \mathrm{SSE}/(np)`.

    .. math:: \mathrm{BIC} = np\,(1 + \log 2\pi\sigma^2) - 2\sum_c n_c\log\frac{n_c}n
              + (K + Kp)\log n
    """
    X = as_points(X, min_rows=2)
    models = _kmeans_models(X, _checked(ks, 1, len(X)), n_init, random_state)
    return min(models, key=lambda model: _spherical_bic(X, model)).labels_.astype(np.int64)


def _checked(ks: Sequence[int], low: int, high: int) -> list[int]:
    if len(ks) == 0:
        raise ValueError("ks must name at least one number of clusters, got none")
    return [check_integer(k, "ks", low=low, high=high) for k in ks]


def _kmeans_models(X: np.ndarray, ks: Sequence[int], n_init: int, seed: Seed) -> list[KMeans]:
    seeds = as_rng(seed).integers(2**31 - 1, size=len(ks))
    return [KMeans(k, n_init=n_init, random_state=int(s)).fit(X) for k, s in zip(ks, seeds)]


def _spherical_bic(X: np.ndarray, model: KMeans) -> float:
    n, p = X.shape
    size, K = np.bincount(model.labels_), model.n_clusters
    variance = max(model.inertia_ / (n * p), np.finfo(float).tiny)
    spread = n * p * (1 + np.log(2 * np.pi * variance))
    # Eq. (17)
    return float(spread - 2 * size @ np.log(size / n) + (K + K * p) * np.log(n))


def mixture_bic(
    X: Any,
    ks: Sequence[int] = range(1, 16),
    n_init: int = 3,
    random_state: Seed = None,
    **options: Any,
) -> tuple[Int[np.ndarray, " n"], GaussianMixture]:
    """A mixture with full covariances for each K of ``ks``, and the one with the smallest BIC.

    ``options`` are handed to scikit-learn's ``GaussianMixture``.
    """
    X, rng = as_points(X, min_rows=2), as_rng(random_state)
    options["n_init"] = n_init
    models = [
        GaussianMixture(k, random_state=int(rng.integers(2**31 - 1)), **options).fit(X)
        for k in _checked(ks, 1, len(X))
    ]
    best = min(models, key=lambda model: model.bic(X))
    return best.predict(X).astype(np.int64), best
