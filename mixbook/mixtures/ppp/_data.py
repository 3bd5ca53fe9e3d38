"""Simulated points of the chapter, each with its true clusters."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number

__all__ = ["make_big", "make_blobs7", "make_nested6", "make_ring", "make_tri"]

Seed = int | np.random.Generator | None
Points = tuple[Float[np.ndarray, "n p"], Int[np.ndarray, " n"]]


def make_blobs7(n: int = 700, sd: float = 0.6, random_state: Seed = None) -> Points:
    """Seven round clusters with centres drawn uniformly in [-10, 10]²; two may fall together."""
    rng = as_rng(random_state)
    return _round(rng.uniform(-10, 10, (7, 2)), n, sd, rng)


def make_nested6(n: int = 600, sd: float = 0.5, random_state: Seed = None) -> Points:
    """Two groups, 20 apart, of three round clusters each, 4 apart."""
    corners = _ring(3, 4 / np.sqrt(3))
    centres = np.concatenate([corners, corners + [20.0, 0.0]])
    return _round(centres, n, sd, as_rng(random_state))


def make_tri(n: int = 300, sd: float = 0.5, random_state: Seed = None) -> Points:
    """Three round clusters, each 6 from the other two."""
    return _round(_ring(3, 6 / np.sqrt(3)), n, sd, as_rng(random_state))


def make_ring(K: int = 6, n: int = 600, sd: float = 0.5, random_state: Seed = None) -> Points:
    """K round clusters on a circle, neighbours 4 apart."""
    K = check_integer(K, "K", low=2)
    return _round(_ring(K, 2 / np.sin(np.pi / K)), n, sd, as_rng(random_state))


def make_big(
    n: int = 200_000, K: int = 12, p: int = 5, random_state: Seed = None
) -> tuple[Float[np.ndarray, "n p"], Int[np.ndarray, " n"]]:
    """K ellipsoids of unequal size, shape and direction.

    Centres are uniform in [-8, 8]^p, standard deviations along the axes of an ellipsoid uniform in
    [0.5, 2], directions random, shares from a Dirichlet distribution with parameter 10.
    """
    K, p, rng = check_integer(K, "K", low=1), check_integer(p, "p", low=1), as_rng(random_state)
    n = check_integer(n, "n", low=K)
    centres = rng.uniform(-8, 8, (K, p))
    axes = np.linalg.qr(rng.standard_normal((K, p, p)))[0]
    factors = axes * rng.uniform(0.5, 2, (K, 1, p))
    y = rng.choice(K, n, p=rng.dirichlet(np.full(K, 10.0)))
    X = rng.standard_normal((n, p))
    for k in range(K):
        X[y == k] = X[y == k] @ factors[k].T + centres[k]
    return X, y


def _ring(K: int, radius: float) -> Float[np.ndarray, "K 2"]:
    angle = 2 * np.pi * np.arange(K) / K + np.pi / 2
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _round(
    centres: Float[np.ndarray, "K 2"], n: int, sd: float, rng: np.random.Generator
) -> Points:
    n = check_integer(n, "n", low=len(centres))
    sd = check_number(sd, "sd", low=0)
    y = np.sort(np.arange(n) % len(centres))
    return centres[y] + sd * rng.standard_normal((n, 2)), y
