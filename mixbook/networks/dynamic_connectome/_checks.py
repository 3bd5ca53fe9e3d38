"""Checks of arrays that several files of this module share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mixbook.core.validation import as_matrix

__all__ = ["as_graph", "as_labels", "as_mask", "as_real"]


def as_real(x: Any, name: str, shape: str, *, finite: bool = True) -> np.ndarray:
    """A non-empty float64 array with as many axes as ``shape`` has letters.

    Parameters
    ----------
    shape : str
        What the axes are, as errors name them, e.g. ``"(W, N, T)"``.
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(f"{name} must be a rectangular array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != shape.count(",") + 1 or array.size == 0:
        raise ValueError(
            f"{name} must have shape {shape} with at least one entry, got shape {array.shape}"
        )
    array = array.astype(np.float64)
    if finite and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite, but {bad} of its entries are NaN or infinite")
    return array


def as_mask(mask: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A boolean array that can be broadcast to ``shape``; True marks what was recorded."""
    array = np.asarray(mask)
    if array.dtype != bool:
        raise TypeError(f"{name} must be boolean (True where recorded), got dtype {array.dtype}")
    try:
        full = np.broadcast_to(array, shape)
    except ValueError as error:
        raise ValueError(
            f"{name} must be broadcastable to shape {shape}, got shape {array.shape}"
        ) from error
    if not full.any():
        raise ValueError(f"{name} must leave at least one entry, but all are missing")
    return full


def as_graph(W: Any, name: str = "W") -> np.ndarray:
    """A symmetric, non-negative (n, n) matrix of weights with an empty diagonal.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it is not square, not finite, negative somewhere, not symmetric, or has loops.
    """
    array = as_matrix(W, name, dtype=torch.float64).numpy()
    if array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} must have shape (n, n), got shape {array.shape}")
    if array.min() < 0:
        raise ValueError(f"{name} must be >= 0, got an entry {array.min():g}")
    if np.diag(array).any():
        raise ValueError(f"{name} must have an empty diagonal (no loops), got loops")
    if not np.allclose(array, array.T, rtol=1e-10, atol=0):
        raise ValueError(
            f"{name} must be symmetric (an undirected graph), got a matrix that is not"
        )
    return (array + array.T) / 2


def as_labels(b: Any, name: str, n: int) -> np.ndarray:
    """Groups of ``n`` nodes as integers 0, 1, ... without gaps."""
    array = np.asarray(b)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers (one group a node), got dtype {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), got shape {array.shape}")
    return np.unique(array, return_inverse=True)[1].ravel().astype(np.int64)
