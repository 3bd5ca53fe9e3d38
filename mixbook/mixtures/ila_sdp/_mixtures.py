"""The simulated mixtures of the chapter, with their true covariances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number


@dataclass(frozen=True)
class Clusters:
    """A labelled sample of a Gaussian mixture.

    Attributes
    ----------
    X : array of shape (n, p)
    y : int array of shape (n,)
        True clusters.
    means, covariances : arrays of shapes (K, p), (K, p, p)
        Of the distributions that were drawn from.
    """

    X: Float[np.ndarray, "n p"]
    y: Int[np.ndarray, " n"]
    means: Float[np.ndarray, "K p"]
    covariances: Float[np.ndarray, "K p p"]


def make_parallel(
    n: int = 60, offset: float = 2.4, random_state: int | np.random.Generator | None = None
) -> Clusters:
    """Two long parallel clusters in the plane: standard deviations 0.35 and 4, side by side."""
    offset = check_number(offset, "offset")
    covs = np.array([np.diag([0.35**2, 16.0])] * 2)
    return _sample(_shares(n, 2), np.array([[0.0, 0.0], [offset, 0.0]]), covs, random_state)


def make_three_shapes(
    n: int = 75, random_state: int | np.random.Generator | None = None
) -> Clusters:
    """A tall, a wide and a small round cluster in the plane, of equal size."""
    covs = np.array([np.diag([0.09, 16.0]), np.diag([16.0, 0.09]), 0.25 * np.eye(2)])
    means = np.array([[0.0, 0.0], [6.0, 5.0], [4.0, -3.0]])
    return _sample(_shares(n, 3), means, covs, random_state)


def make_crossing(
    n: int = 60,
    p: int = 8,
    gap: float = 1.2,
    share: float = 0.5,
    random_state: int | np.random.Generator | None = None,
) -> Clusters:
    """Two clusters in p dimensions, each wide (3) in the half where the other is narrow (0.5).

    Parameters
    ----------
    n, p : int
        Points, and dimensions (even).
    gap : float
        Distance of the means in every coordinate.
    share : float
        Share of the first cluster, between 0 and 1.
    """
    p, gap = check_integer(p, "p", low=2), check_number(gap, "gap")
    if p % 2:
        raise ValueError(f"p must be even, got {p}")
    share = check_number(share, "share", low=0, high=1, low_open=True, high_open=True)
    first = min(max(round(share * check_integer(n, "n", low=2)), 1), n - 1)
    wide = np.repeat([3.0, 0.5], p // 2)
    covs = np.array([np.diag(wide**2), np.diag(wide[::-1] ** 2)])
    means = np.array([np.zeros(p), np.full(p, gap)])
    return _sample(np.array([first, n - first]), means, covs, random_state)


def make_spherical(
    n: int,
    p: int,
    K: int,
    distance: float,
    random_state: int | np.random.Generator | None = None,
) -> Clusters:
    """K unit spheres of equal size, all centres at the same distance from each other (K <= p)."""
    K, p = check_integer(K, "K", low=1), check_integer(p, "p", low=1)
    if p < K:
        raise ValueError(f"K must be at most p = {p}, got {K}")
    distance = check_number(distance, "distance", low=0)
    means = distance / np.sqrt(2) * np.eye(K, p)
    return _sample(_shares(n, K), means, np.array([np.eye(p)] * K), random_state)


def _shares(n: int, K: int) -> np.ndarray:
    n = check_integer(n, "n", low=K)
    return np.diff(np.linspace(0, n, K + 1).round().astype(int))


def _sample(sizes: np.ndarray, means: np.ndarray, covs: np.ndarray, random_state: Any) -> Clusters:
    rng = as_rng(random_state)
    y = np.repeat(np.arange(len(sizes)), sizes)
    noise = rng.standard_normal((len(y), means.shape[1]))
    factors = np.linalg.cholesky(covs)
    return Clusters(means[y] + np.einsum("ipq,iq->ip", factors[y], noise), y, means, covs)
