"""Checks of arguments that several parts share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse

from mixbook.core.validation import as_matrix, check_integer

TINY = 1e-7
"""Vectors shorter than this are taken as zero: items or queries without a place."""


def as_interactions(R: Any, name: str = "R") -> sparse.csr_array:
    """A 0-1 table of queries by items; every positive entry counts once.

    Raises
    ------
    TypeError
        If it is no matrix of numbers.
    ValueError
        If it is empty, not two-dimensional, or has negative or non-finite entries.
    """
    try:
        table = sparse.csr_array(R, dtype=np.float64, copy=True)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be a sparse or dense matrix of queries by items, got {type(R).__name__}"
        ) from error
    if table.ndim != 2:
        raise ValueError(f"{name} must have shape (queries, items), got shape {table.shape}")
    if not np.isfinite(table.data).all() or (table.data < 0).any():
        raise ValueError(f"{name} must hold finite entries >= 0, got negative or non-finite ones")
    table.sum_duplicates()
    table.eliminate_zeros()
    if table.nnz == 0:
        raise ValueError(f"{name} must hold at least one positive entry, got none")
    table.data[:] = 1.0
    return table


def as_vectors(
    X: Any, name: str, *, n_rows: int | None = None, n_columns: int | None = None
) -> Float[np.ndarray, "n d"]:
    """A finite table of vectors in double precision, with the number of rows that is wanted."""
    found = as_matrix(X, name, dtype=torch.float64, n_columns=n_columns).numpy()
    if n_rows is not None and len(found) != n_rows:
        raise ValueError(f"{name} must have {n_rows} rows, got {len(found)}")
    return found


def unit_rows(X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each row scaled to length one; rows shorter than ``TINY`` become exactly zero."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    return np.where(length > TINY, X / np.maximum(length, TINY), 0.0)


def as_labels(
    labels: Any, n_items: int, n_clusters: int | None = None
) -> tuple[Int[np.ndarray, " n"], int]:
    """Cluster of each item, -1 for none; and the number of clusters."""
    found = np.asarray(labels)
    if found.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {found.dtype}")
    if found.shape != (n_items,):
        raise ValueError(f"labels must have shape ({n_items},), got {found.shape}")
    C = int(found.max()) + 1 if n_clusters is None else n_clusters
    if found.min() < -1 or found.max() >= C or C < 1:
        raise ValueError(
            f"labels must lie in -1 (no cluster) to {C - 1}, got {found.min()} to {found.max()}"
        )
    return found.astype(np.int64), C


def as_indices(q: Any, name: str, n: int) -> Int[np.ndarray, " m"]:
    """Indices of rows, at least one, all within ``0 .. n - 1``."""
    found = np.atleast_1d(np.asarray(q))
    if found.ndim != 1 or len(found) == 0:
        raise ValueError(f"{name} must be a non-empty list of indices, got shape {found.shape}")
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {found.dtype}")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(
            f"{name} must lie in 0 to {n - 1}, got {int(found.min())} to {int(found.max())}"
        )
    return found.astype(np.int64)


def as_neighbours(nbrs: Any, n: int) -> Int[np.ndarray, "n k"]:
    """A table of neighbours, one row a query."""
    found = np.asarray(nbrs)
    if found.dtype.kind not in "iu":
        raise TypeError(f"nbrs must hold integers, got dtype {found.dtype}")
    if found.ndim != 2 or found.shape[0] != n or found.shape[1] == 0:
        raise ValueError(f"nbrs must have shape ({n}, k) with k >= 1, got {found.shape}")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(f"nbrs must lie in 0 to {n - 1}, got {found.min()} to {found.max()}")
    return found.astype(np.int64)


def as_lists(lists: Any, name: str, n_items: int) -> Int[np.ndarray, "m n"]:
    """Retrieved lists, one row a query, without repeats."""
    found = np.asarray(lists)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {found.dtype}")
    if found.ndim != 2 or found.size == 0:
        raise ValueError(f"{name} must have shape (queries, n), got {found.shape}")
    if found.min() < 0 or found.max() >= n_items:
        raise ValueError(
            f"{name} must lie in 0 to {n_items - 1}, got {found.min()} to {found.max()}"
        )
    ordered = np.sort(found, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise ValueError(f"{name} must not list an item twice for a query")
    return found.astype(np.int64)


def check_budget(n: Any, name: str, free: Int[np.ndarray, " m"]) -> int:
    """A budget that every query can spend on items that it has not seen."""
    budget = check_integer(n, name, low=1)
    if budget > free.min():
        raise ValueError(
            f"{name} must be at most {int(free.min())}, the number of items that can be retrieved "
            f"and that every query asked for has not seen, got {budget}"
        )
    return budget
