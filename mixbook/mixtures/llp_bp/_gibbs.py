"""The Gibbs law over the labels, its pairwise form, and its marginals by enumeration."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from mixbook.core.validation import check_number
from mixbook.mixtures.llp_bp._bags import bag_order
from mixbook.mixtures.llp_bp._checks import as_bags, as_graph

__all__ = ["exact_marginals", "gibbs_potentials", "log_gibbs"]

MOST_PAIRS = 100_000_000
MOST_ENUMERATED = 20


def log_gibbs(
    y: Any,
    edges: Any,
    weights: Any,
    bag_id: Any,
    bag_count: Any,
    lam_bag: float,
    lam_sim: float,
) -> np.ndarray:
    """The logarithm of Eq. (1), without its normaliser.

    Parameters
    ----------
    y : array-like of shape (..., n)
        Zeros and ones.
    edges : int array-like of shape (E, 2)
    weights : array-like of shape (E,)
    bag_id : int array-like of shape (n,)
        The bag 0, ..., m - 1 of each instance.
    bag_count : array-like of shape (m,)
        Number of ones in each bag.
    lam_bag, lam_sim : float
        Weights of the counts and of the edges, at least 0.

    Returns
    -------
    float array of shape (...)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    y = np.asarray(y, dtype=np.float64)
    ids, counts, edges, weights, lam_bag, lam_sim = _check(
        edges, weights, bag_id, bag_count, lam_bag, lam_sim
    )
    if y.ndim < 1 or y.shape[-1] != len(ids):
        raise ValueError(f"y must have shape (..., {len(ids)}), got {y.shape}")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("y must hold 0 and 1 only")
    order, start = bag_order(ids)
    ones = np.add.reduceat(y[..., order], start[:-1], axis=-1)
    differ = y[..., edges[:, 0]] - y[..., edges[:, 1]]
    # Eq. (1)
    return -lam_bag * ((ones - counts) ** 2).sum(-1) - lam_sim * (weights * differ**2).sum(-1)


def gibbs_potentials(
    edges: Any, weights: Any, bag_id: Any, bag_count: Any, lam_bag: float, lam_sim: float
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, "P 2"], Float[np.ndarray, " P"]]:
    """Eq. (1) as a pairwise law: :math:`\\sum_i u_i y_i + \\sum_{ij} w_{ij} y_i y_j` + constant.

    Follows from :math:`y^2 = y`. A pair that is an edge *and* in one bag gets the sum of both.

    Parameters
    ----------
    edges, weights, bag_id, bag_count, lam_bag, lam_sim
        As in :func:`log_gibbs`. Edges may be listed in any order; repeated ones add up.

    Returns
    -------
    u : float array of shape (n,)
    pair_index : int array of shape (P, 2)
        ``pair_index[:, 0] < pair_index[:, 1]``, each pair once, in lexical order.
    pair_w : float array of shape (P,)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or the bags hold more than
        100 million pairs.
    """
    ids, counts, edges, weights, lam_bag, lam_sim = _check(
        edges, weights, bag_id, bag_count, lam_bag, lam_sim
    )
    n = len(ids)
    u = -lam_sim * strengths(edges, weights, n)
    if lam_bag == 0:
        inside = np.zeros((0, 2), np.int64)
    else:
        inside = _bag_pairs(ids)
        u -= lam_bag * (1 - 2 * counts[ids])  # Eq. (2)
    codes = np.concatenate([edges.min(1) * n + edges.max(1), inside[:, 0] * n + inside[:, 1]])
    # Eq. (3)
    values = np.concatenate([2 * lam_sim * weights, np.full(len(inside), -2 * lam_bag)])
    codes, where = np.unique(codes, return_inverse=True)
    w = np.bincount(where, values, minlength=len(codes))
    return u, np.stack([codes // n, codes % n], axis=1), w


def exact_marginals(
    edges: Any, weights: Any, bag_id: Any, bag_count: Any, lam_bag: float, lam_sim: float
) -> Float[np.ndarray, " n"]:
    """:math:`P(y_i = 1)` under Eq. (1), by a sum over all :math:`2^n` labellings, n at most 20.

    Parameters
    ----------
    edges, weights, bag_id, bag_count, lam_bag, lam_sim
        As in :func:`log_gibbs`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or there are more than 20 instances.
    """
    ids, *_ = _check(edges, weights, bag_id, bag_count, lam_bag, lam_sim)
    n = len(ids)
    if n > MOST_ENUMERATED:
        raise ValueError(f"bag_id must have at most {MOST_ENUMERATED} instances, got {n}")
    y = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    logs = np.concatenate(
        [
            log_gibbs(part, edges, weights, bag_id, bag_count, lam_bag, lam_sim)
            for part in np.array_split(y, max(1, 2**n // 2**14))
        ]
    )
    return np.exp(logs - logsumexp(logs)) @ y


def strengths(edges: np.ndarray, weights: np.ndarray, n: int) -> np.ndarray:
    """Sum of the weights of each instance's edges."""
    return np.bincount(edges[:, 0], weights, n) + np.bincount(edges[:, 1], weights, n)


def _bag_pairs(ids: np.ndarray) -> np.ndarray:
    """All pairs i < j of the same bag; bags of one size are written down together."""
    order, start = bag_order(ids)
    sizes = np.diff(start)
    total = int((sizes * (sizes - 1) // 2).sum())
    if total > MOST_PAIRS:
        raise ValueError(
            f"bag_id makes {total:,} pairs within bags, more than {MOST_PAIRS:,}; "
            'for bags so large use bp_bags(method="cardinality")'
        )
    parts = []
    for b in np.unique(sizes):
        rows = order[start[:-1][sizes == b][:, None] + np.arange(b)]
        i, j = np.triu_indices(b, 1)
        parts.append(np.stack([rows[:, i].ravel(), rows[:, j].ravel()], axis=1))
    return np.concatenate(parts)


def _check(
    edges: Any, weights: Any, bag_id: Any, bag_count: Any, lam_bag: float, lam_sim: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float, float]:
    ids, counts = as_bags(bag_id, bag_count)
    edges, weights = as_graph(edges, weights, len(ids))
    lam_bag = check_number(lam_bag, "lam_bag", low=0)
    return ids, counts, edges, weights, lam_bag, check_number(lam_sim, "lam_sim", low=0)
