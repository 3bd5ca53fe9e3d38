"""Checks of the arguments that several files share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mixbook.core.validation import as_matrix

__all__ = ["as_partition", "as_points", "as_scatters", "as_weights"]


def as_points(
    X: Any, name: str = "X", min_rows: int = 1, n_columns: int | None = None
) -> Float[np.ndarray, "n p"]:
    """A finite table of numbers in double precision."""
    matrix = as_matrix(X, name, dtype=torch.float64, min_rows=min_rows, n_columns=n_columns)
    return np.ascontiguousarray(matrix.numpy())


def as_weights(weights: Any, n: int, name: str = "sample_weight") -> Float[np.ndarray, " n"]:
    """How many points each row stands for; None means one."""
    if weights is None:
        return np.ones(n)
    vector = np.asarray(weights)
    if vector.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {vector.dtype}")
    if vector.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one entry a row, got {vector.shape}")
    if not (np.isfinite(vector).all() and (vector > 0).all()):
        raise ValueError(f"{name} must be finite and > 0, got values down to {vector.min()}")
    return vector.astype(np.float64)


def as_partition(labels: Any, n: int, name: str = "labels") -> Int[np.ndarray, " n"]:
    """Labels 0 ... k - 1, each in use, one a row."""
    vector = np.asarray(labels)
    if vector.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {vector.dtype}")
    if vector.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one entry a row, got {vector.shape}")
    used = np.unique(vector)
    if used[0] != 0 or used[-1] != len(used) - 1:
        raise ValueError(f"{name} must use each of 0 ... k - 1, got the values {used.tolist()}")
    return vector.astype(np.int64)


def as_scatters(scatters: Any, M: int, p: int) -> Float[np.ndarray, "M p p"] | None:
    """One symmetric scatter matrix for each row, or None."""
    if scatters is None:
        return None
    stack = np.asarray(scatters)
    if stack.dtype.kind not in "iuf":
        raise TypeError(f"scatters must hold real numbers, got dtype {stack.dtype}")
    if stack.shape != (M, p, p):
        raise ValueError(f"scatters must have shape ({M}, {p}, {p}), got {stack.shape}")
    if not np.isfinite(stack).all():
        raise ValueError("scatters must be finite, got NaN or infinity")
    return stack.astype(np.float64)
