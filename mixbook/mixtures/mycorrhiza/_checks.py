"""Checks of the arguments that the functions of this method share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from mixbook.core.validation import as_matrix


def as_codes(G: Any, missing: Any = None) -> Int[np.ndarray, "N L ploidy"]:
    """Alleles as numbers 0, 1, ... in the order of their codes, and -1 where not typed."""
    codes, untyped = _readable(G, missing)
    values, inverse = np.unique(codes, return_inverse=True)
    numbers = np.where(untyped, -1, inverse.reshape(codes.shape))
    del values
    return numbers if numbers.ndim == 3 else numbers[:, :, None]


def _readable(G: Any, missing: Any) -> tuple[np.ndarray, np.ndarray]:
    """Integer codes and where they mean *not typed*."""
    try:
        array = np.asarray(G)
    except ValueError as error:  # ragged
        raise TypeError(f"G must be a rectangular table of alleles: {error}") from error
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"G must have shape (N, loci) or (N, loci, ploidy), none empty, got {array.shape}"
        )
    if array.dtype.kind in "iu":
        standing = array < 0
    elif array.dtype.kind in "US":
        array = array.astype("U")
        if array.dtype.itemsize > np.dtype("U1").itemsize:
            raise ValueError("G must hold single characters or integers, got longer strings")
        standing = array == "N"
    else:
        raise TypeError(f"G must hold integers or single characters, got dtype {array.dtype}")
    untyped = standing | np.isin(array, np.atleast_1d([] if missing is None else missing))
    if array.dtype.kind == "U":
        array = np.ascontiguousarray(array).view(np.uint32).astype(np.int64)
    return array, untyped


def as_distances(D: Any, name: str = "D") -> Float[np.ndarray, "N N"]:
    """Check that ``D`` is symmetric, non-negative and has a zero diagonal."""
    table = as_matrix(D, name, dtype=torch.float64, min_rows=2).numpy()
    if table.shape[0] != table.shape[1]:
        raise ValueError(f"{name} must have shape (N, N), got {table.shape}")
    if table.min() < 0:
        raise ValueError(f"{name} must hold no negative distance, got {table.min():.3g}")
    if np.diagonal(table).any():
        raise ValueError(f"{name} must have zeros on its diagonal")
    if not np.allclose(table, table.T, rtol=1e-9, atol=1e-12):
        raise ValueError(f"{name} must be symmetric")
    return (table + table.T) / 2


def as_order(order: Any, N: int) -> Int[np.ndarray, " N"]:
    """Check that ``order`` is a permutation of 0, ..., N - 1."""
    array = np.asarray(order)
    if array.dtype.kind not in "iu":
        raise TypeError(f"order must hold integers, got dtype {array.dtype}")
    if array.shape != (N,) or not np.array_equal(np.sort(array), np.arange(N)):
        raise ValueError(f"order must be a permutation of 0, ..., {N - 1}")
    return array.astype(np.int64)


def as_labels(y: Any, N: int) -> np.ndarray:
    """Check that ``y`` has one population (number or string) for each individual."""
    array = np.asarray(y)
    if array.dtype.kind not in "iuUS":
        raise TypeError(f"y must hold integers or strings, got dtype {array.dtype}")
    if array.shape != (N,):
        raise ValueError(f"y must have shape ({N},), got {array.shape}")
    return array


def as_mask(labelled: Any, y: np.ndarray) -> Bool[np.ndarray, " N"]:
    """Check that ``labelled`` says of each individual whether its label may be used."""
    mask = np.asarray(labelled)
    if mask.dtype != np.bool_:
        raise TypeError(f"labelled must hold booleans, got dtype {mask.dtype}")
    if mask.shape != y.shape:
        raise ValueError(f"labelled must have shape {y.shape}, got {mask.shape}")
    if len(np.unique(y[mask])) < 2:
        raise ValueError("the labelled individuals must come from at least two populations")
    return mask


def known_labels(y: np.ndarray) -> Bool[np.ndarray, " N"]:
    """Where ``y`` is not -1 (or "" or "-1", for strings)."""
    return ~np.isin(y, ["", "-1"]) if y.dtype.kind in "US" else y != -1
