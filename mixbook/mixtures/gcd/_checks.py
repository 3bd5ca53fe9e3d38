"""Checks of the arguments that the functions of this method share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mixbook.core.validation import as_matrix, check_choice, check_number

__all__ = ["Labelled", "as_accept", "as_assignment", "as_labelled", "as_labels", "as_points"]

Labelled = tuple[Float[np.ndarray, "m d"], Int[np.ndarray, " m"], np.ndarray]


def as_points(
    X: Any, name: str, n_columns: int | None = None, min_rows: int = 1
) -> Float[np.ndarray, "n d"]:
    """Check a table of points and hand it on in double precision."""
    if isinstance(X, torch.Tensor):
        X = X.detach()
    table = as_matrix(X, name, dtype=torch.float64, min_rows=min_rows, n_columns=n_columns)
    return table.cpu().numpy()


def as_labels(y: Any, name: str, n: int | None = None) -> np.ndarray:
    """Check that ``y`` is one label for each point, of any kind that can be sorted."""
    labels = np.asarray(y.cpu() if isinstance(y, torch.Tensor) else y)
    if labels.ndim != 1 or (n is not None and len(labels) != n):
        wanted = "(n,)" if n is None else f"({n},)"
        raise ValueError(f"{name} must have shape {wanted}, got {labels.shape}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    if labels.dtype.kind not in "biufU":
        raise TypeError(f"{name} must hold numbers or strings, got dtype {labels.dtype}")
    return labels


def as_labelled(X_l: Any, y_l: Any, d: int) -> Labelled:
    """Points, class numbers 0, 1, ... and the classes of the labelled set, which may be None."""
    if X_l is None and y_l is None:
        return np.empty((0, d)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if X_l is None or y_l is None:
        raise ValueError("X_l and y_l must be given together or not at all")
    X = as_points(X_l, "X_l", d, min_rows=0)
    classes, codes = np.unique(as_labels(y_l, "y_l", len(X)), return_inverse=True)
    return X, codes.astype(np.int64), classes


def as_assignment(assign: Any, name: str, n: int, k: int) -> Int[np.ndarray, " n"]:
    """Check that each of n points has a cluster 0, ..., k - 1."""
    labels = as_labels(assign, name, n)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {labels.dtype}")
    if n and (labels.min() < 0 or labels.max() >= k):
        raise ValueError(f"{name} must lie in 0, ..., {k - 1}, got {labels.min()}..{labels.max()}")
    return labels.astype(np.int64)


def as_accept(accept: Any) -> str | float:
    """Check a rule of acceptance: "mh", "greedy" or a probability."""
    if isinstance(accept, str):
        return check_choice(accept, "accept", ("mh", "greedy"))
    return check_number(accept, "accept", low=0, high=1)
