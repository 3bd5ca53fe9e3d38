"""Checks of the arguments that the functions of this method share."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mixbook.core.validation import as_matrix


def as_points(X: Any, min_rows: int = 1, n_columns: int | None = None) -> Float[np.ndarray, "n p"]:
    """Check a table of points and hand it on in double precision."""
    table = as_matrix(X, "X", dtype=torch.float64, min_rows=min_rows, n_columns=n_columns)
    return table.numpy()


def as_covariances(covs: Any, p: int, name: str = "covs") -> Float[np.ndarray, "K p p"]:
    """Check that ``covs`` holds symmetric positive definite (p, p) matrices."""
    array = _as_stack(covs, name)
    if array.shape[1:] != (p, p) or len(array) == 0:
        raise ValueError(f"{name} must have shape (K, {p}, {p}), got {array.shape}")
    if not np.allclose(array, array.transpose(0, 2, 1)):
        raise ValueError(f"{name} must be symmetric")
    if (smallest := float(np.linalg.eigvalsh(array).min())) <= 0:
        raise ValueError(f"{name} must be positive definite, got the eigenvalue {smallest:.3g}")
    return array


def as_costs(C: Any) -> Float[np.ndarray, "K n n"]:
    """Check that ``C`` holds one symmetric cost matrix for each cluster."""
    array = _as_stack(C, "C")
    K, n, m = array.shape
    if n != m or n < 2 or not 1 <= K <= n:
        raise ValueError(f"C must have shape (K, n, n) with n >= 2, 1 <= K <= n, got {array.shape}")
    if not np.allclose(array, array.transpose(0, 2, 1)):
        raise ValueError("C must be symmetric in its last two axes")
    return array


def as_partition(labels: Any, n: int, name: str = "labels") -> Int[np.ndarray, " n"]:
    """Check that ``labels`` names a cluster 0, ..., K - 1 for each point, none of them empty."""
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {array.dtype}")
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
    found = np.unique(array)
    if not np.array_equal(found, np.arange(len(found))):
        raise ValueError(f"{name} must be 0, ..., K - 1 without a gap, got {found[:10].tolist()}")
    return array.astype(np.int64)


def _as_stack(matrices: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(matrices)
    except ValueError as error:  # ragged
        raise TypeError(f"{name} must be a stack of matrices of one shape: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim != 3:
        raise ValueError(f"{name} must have three axes, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array.astype(np.float64)
