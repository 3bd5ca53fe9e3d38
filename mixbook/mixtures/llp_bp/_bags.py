"""Bags: random ones, their order in memory, and a classifier that sees their means only."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.mixtures.llp_bp._checks import as_bags, as_labels, as_points

__all__ = ["bag_mean_classifier", "bag_order", "make_bags"]


def make_bags(
    y: Any, size: int, random_state: int | np.random.Generator | None = None
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """Random bags of one size, and the number of ones in each.

    Parameters
    ----------
    y : array-like of shape (n,)
        Zeros and ones.
    size : int
        Instances a bag, at most n. If n is not a multiple of it, the last bag is smaller (the
        paper drops such instances).
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    bag_id : int array of shape (n,)
    bag_count : int array of shape (m,)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or range.
    """
    labels = as_labels(y)
    n = len(labels)
    size = check_integer(size, "size", low=1, high=n)
    bag_id = np.empty(n, np.int64)
    bag_id[as_rng(random_state).permutation(n)] = np.arange(n) // size
    return bag_id, np.bincount(bag_id, labels).astype(np.int64)


def bag_order(ids: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m1"]]:
    """Instances sorted by bag, and where each bag starts (with n at the end)."""
    order = np.argsort(ids, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(ids))])


def bag_mean_classifier(X: Any, bag_id: Any, bag_count: Any) -> LogisticRegression:
    """Logistic regression on the means of bags: the simplest thing that uses both x and counts.

    Each bag's mean enters twice, as a one with weight :math:`B_s` and as a zero with weight
    :math:`|S_s| - B_s`.

    Parameters
    ----------
    X : array-like of shape (n, d)
    bag_id, bag_count
        As in :func:`~mixbook.mixtures.llp_bp.log_gibbs`.

    Returns
    -------
    sklearn.linear_model.LogisticRegression
        Fitted; it is applied to instances.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or all labels must be equal.
    """
    X = as_points(X)
    ids, counts = as_bags(bag_id, bag_count, len(X))
    sizes = np.bincount(ids)
    if counts.sum() in (0, len(X)):
        raise ValueError("bag_count must leave room for both classes, got all or none")
    order, start = bag_order(ids)
    means: Float[np.ndarray, "m d"] = np.add.reduceat(X[order], start[:-1]) / sizes[:, None]
    return LogisticRegression(max_iter=1000).fit(
        np.concatenate([means, means]),
        np.repeat([1, 0], len(counts)),
        sample_weight=np.concatenate([counts, sizes - counts]),
    )
