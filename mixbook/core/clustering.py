"""Comparing a clustering with known labels, whatever the clusters are called."""

from typing import Any

import numpy as np
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

__all__ = ["clustering_error", "match_labels"]


def clustering_error(y: Any, y_pred: Any) -> float:
    r"""Share of points that remain wrong under the best one-to-one naming of the clusters.

    .. math:: 1 - \frac1n \max_\pi \sum_k |\{i : y_i = k,\ \hat y_i = \pi(k)\}|

    The maximum over matchings is a linear assignment problem (the Hungarian method). The numbers
    of classes and clusters may differ: those without a partner count as wrong.

    Parameters
    ----------
    y, y_pred : array-like of shape (n,)
        Labels of any kind (integers, strings), at least one.

    Returns
    -------
    float
        In [0, 1); 0 for the same partition.

    Raises
    ------
    ValueError
        If the two are not one-dimensional, differ in length, are empty or hold NaN.

    Examples
    --------
    >>> clustering_error([0, 0, 1, 1], ["b", "b", "a", "b"])
    0.25
    """
    classes, clusters = _as_labels(y, "y"), _as_labels(y_pred, "y_pred")
    _check_lengths(classes, clusters)
    table = contingency_matrix(classes, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(1 - table[rows, columns].sum() / len(classes))


def match_labels(y: Any, y_pred: Any) -> Int[np.ndarray, " n"]:
    """The clusters renamed to the classes that they match best, for drawing both alike.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        Classes.
    y_pred : array-like of shape (n,)
        Clusters. Those without a partner get new numbers above the largest class.

    Raises
    ------
    TypeError
        If ``y`` does not hold integers.
    ValueError
        As for :func:`clustering_error`.
    """
    classes, clusters = _as_labels(y, "y"), _as_labels(y_pred, "y_pred")
    if classes.dtype.kind not in "iu":
        raise TypeError(f"y must hold integers, got dtype {classes.dtype}")
    _check_lengths(classes, clusters)
    names, code = np.unique(clusters, return_inverse=True)
    table = contingency_matrix(classes, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    renamed = classes.max() + 1 + np.arange(len(names))
    renamed[columns] = np.unique(classes)[rows]
    return renamed[code]


def _as_labels(labels: Any, name: str) -> np.ndarray:
    array = np.asarray(labels)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) with n >= 1, got shape {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array


def _check_lengths(classes: np.ndarray, clusters: np.ndarray) -> None:
    if len(classes) != len(clusters):
        raise ValueError(
            f"y and y_pred must have the same length, got {len(classes)} and {len(clusters)}"
        )
