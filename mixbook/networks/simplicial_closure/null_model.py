"""Random 3-node simplices, and how open their triangles are expected to be."""

from __future__ import annotations

from math import comb

import numpy as np

from mixbook.core.seeds import as_rng
from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_integer, check_number

__all__ = ["expected_density", "expected_open_closed", "simulate_random_simplices"]


def simulate_random_simplices(
    n: int, b: float, random_state: int | np.random.Generator | None = None
) -> TemporalSimplices:
    """Each 3-subset of n nodes is a simplex, independently, with probability ``n^-b``.

    The number of simplices is drawn from its binomial law, then that many distinct 3-subsets: the
    same distribution as one coin flip a subset, at a fraction of the cost.

    Parameters
    ----------
    n : int
        Number of nodes, at least 3.
    b : float
        Exponent, at least 0; the larger, the sparser.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    TemporalSimplices
        Times are 0, 1, 2, ...
    """
    n = check_integer(n, "n", low=3)
    b = check_number(b, "b", low=0)
    rng = as_rng(random_state)
    total = comb(n, 3)
    chosen = rng.choice(total, size=rng.binomial(total, n**-b), replace=False)
    triples = _unrank_triples(chosen, n)
    count = len(triples)
    return TemporalSimplices.from_arrays(
        triples.ravel(),
        np.full(count, 3),
        np.arange(count),
        one_based=False,
        n_nodes=n,
        name=f"random n={n} b={b:g}",
    )


def _unrank_triples(numbers: np.ndarray, n: int) -> np.ndarray:
    """The ``number``-th triple a < b < c in colexicographic order: C(c,3) + C(b,2) + a."""
    x = np.arange(n + 1)
    pairs, triples = x * (x - 1) // 2, x * (x - 1) * (x - 2) // 6
    c = np.searchsorted(triples, numbers, side="right") - 1
    left = numbers - triples[c]
    b = np.searchsorted(pairs, left, side="right") - 1
    return np.stack([left - pairs[b], b, c], axis=1).astype(np.int64)


def expected_open_closed(n: int, p: float) -> tuple[float, float]:
    """Expected number of open and of closed triangles of the random model.

    .. math:: E[n_{closed}] = \\binom n3 p, \\qquad
              E[n_{open}] = \\binom n3 (1-p)\\,\\bigl(1 - (1-p)^{n-3}\\bigr)^3

    Given that a triple is not a simplex, each of its edges is present if one of n - 3 other
    triples covers it; the three sets of triples are disjoint, so the edges are independent.

    Parameters
    ----------
    n : int
        Number of nodes, at least 3.
    p : float
        Probability of a simplex, in [0, 1].
    """
    n = check_integer(n, "n", low=3)
    p = check_number(p, "p", low=0, high=1)
    # Eq. (5)
    expected_closed = comb(n, 3) * p
    # Eq. (6)
    expected_open = comb(n, 3) * (1 - p) * (1 - (1 - p) ** (n - 3)) ** 3
    return expected_open, expected_closed


def expected_density(n: int, p: float) -> float:
    """Expected edge density of the random model, ``1 - (1 - p)^(n - 2)``."""
    n = check_integer(n, "n", low=3)
    return 1 - (1 - check_number(p, "p", low=0, high=1)) ** (n - 2)
