"""The protocol of generalised category discovery, its accuracies, and data with known classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from mixbook.core.clustering import match_labels
from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.gcd._checks import as_labels

__all__ = ["GCDSplit", "gcd_accuracy", "gcd_split", "make_separated_classes"]


class GCDSplit(NamedTuple):
    """Positions of labelled and unlabelled points, and which of the latter are of old classes."""

    labelled: Int[np.ndarray, " m"]
    unlabelled: Int[np.ndarray, " n"]
    old_mask: Bool[np.ndarray, " n"]


def gcd_accuracy(y_true: Any, y_pred: Any, old_mask: Any) -> tuple[float, float, float]:
    """Accuracy over all points, those of old and those of new classes, Eq. (14).

    Clusters are matched with classes *once*, over all points, so that both groups compete for the
    clusters. Classes and clusters without a partner count as wrong.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        Labels of any kind.
    old_mask : array-like of bool, shape (n,)
        Whether a point's class is among the labelled ones.

    Returns
    -------
    tuple of float
        All, Old, New; NaN for a group without points.
    """
    classes = np.unique(as_labels(y_true, "y_true"), return_inverse=True)[1]
    clusters = as_labels(y_pred, "y_pred", len(classes))
    old = np.asarray(old_mask)
    if old.dtype != bool or old.shape != classes.shape:
        raise ValueError(
            f"old_mask must be boolean of shape {classes.shape}, got {old.dtype} of {old.shape}"
        )
    if not len(classes):
        raise ValueError("y_true must hold at least one label")
    # Eq. (14)
    right = match_labels(classes, clusters) == classes
    groups = (right, right[old], right[~old])
    all_, old_, new_ = (float(g.mean()) if len(g) else float("nan") for g in groups)
    return all_, old_, new_


def gcd_split(y: Any, old_classes: Any, frac: float = 0.5, random_state: Any = None) -> GCDSplit:
    """Label a share of the points of each old class; everything else is unlabelled.

    Parameters
    ----------
    y : array-like of shape (n,)
    old_classes : sequence
        Labels that are known; all must occur in ``y``.
    frac : float
        Share of each old class to label, between 0 and 1 (rounded, at least one point).
    random_state : int, Generator or None
    """
    labels = as_labels(y, "y")
    frac = check_number(frac, "frac", low=0, high=1, low_open=True)
    missing = [c for c in np.asarray(old_classes).tolist() if c not in labels]
    if missing:
        raise ValueError(f"old_classes must occur in y, but {missing} do not")
    rng = as_rng(random_state)
    chosen = []
    for c in np.unique(old_classes):
        points = np.flatnonzero(labels == c)
        chosen.append(rng.permutation(points)[: max(1, round(frac * len(points)))])
    labelled = np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
    unlabelled = np.setdiff1d(np.arange(len(labels)), labelled)
    return GCDSplit(labelled, unlabelled, np.isin(labels[unlabelled], old_classes))


def make_separated_classes(
    n_classes: int = 10,
    d: int = 4,
    per_class: int = 100,
    separation: float = 8.0,
    box: float = 20.0,
    random_state: Any = None,
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Unit Gaussians whose centres are drawn in a box until all are far enough from each other.

    Parameters
    ----------
    n_classes, d, per_class : int
    separation : float
        Least distance of two centres, in standard deviations.
    box : float
        Side of the cube of centres.
    random_state : int, Generator or None

    Raises
    ------
    ValueError
        If no room is found for a centre in 10,000 draws.
    """
    n_classes = check_integer(n_classes, "n_classes", low=1)
    d, per_class = check_integer(d, "d", low=1), check_integer(per_class, "per_class", low=1)
    separation = check_number(separation, "separation", low=0)
    box = check_number(box, "box", low=0)
    rng = as_rng(random_state)
    centers: list[np.ndarray] = []
    for _ in range(10_000):
        c = rng.uniform(0, box, d)
        if all(np.linalg.norm(c - other) >= separation for other in centers):
            centers.append(c)
        if len(centers) == n_classes:
            break
    else:
        raise ValueError(f"box = {box:g} has no room for {n_classes} centres {separation:g} apart")
    y = np.repeat(np.arange(n_classes), per_class)
    return np.array(centers)[y] + rng.normal(size=(len(y), d)), y
