"""Checks of the arguments that the functions of this method share."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from mixbook.core.validation import as_matrix


def as_points(X: Any, name: str = "X", n_columns: int | None = None) -> Float[np.ndarray, "n d"]:
    """Check a table of finite numbers, not empty, and hand it on in single precision."""
    table = as_matrix(X, name, dtype=torch.float32, min_rows=1, n_columns=n_columns)
    return np.ascontiguousarray(table.numpy())


def as_vector(x: Any, name: str, n: int | None = None) -> Float[np.ndarray, " n"]:
    """Check a finite vector of numbers, of length ``n`` if given."""
    array = _numbers(x, name).astype(np.float64)
    if array.ndim != 1 or (n is not None and len(array) != n):
        raise ValueError(f"{name} must have shape ({'n' if n is None else n},), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array


def as_bags(
    bag_id: Any, bag_count: Any, n: int | None = None
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Check that each instance has a bag 0, ..., m - 1, none empty, with counts that can be."""
    ids = _numbers(bag_id, "bag_id")
    if ids.ndim != 1 or len(ids) == 0 or (n is not None and len(ids) != n):
        raise ValueError(f"bag_id must have shape ({n or 'n'},), not empty, got {ids.shape}")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"bag_id must hold integers, got dtype {ids.dtype}")
    ids = ids.astype(np.int64)
    counts = as_vector(bag_count, "bag_count")
    if ids.min() < 0 or ids.max() >= len(counts):
        raise ValueError(
            f"bag_id must be between 0 and {len(counts) - 1}, as bag_count names {len(counts)} "
            f"bags, got {ids.min()} to {ids.max()}"
        )
    sizes = np.bincount(ids, minlength=len(counts))
    if (sizes == 0).any():
        raise ValueError(f"bag_id must leave no bag empty, but bag {int(sizes.argmin())} is")
    wrong = (counts < 0) | (counts > sizes)
    if wrong.any():
        s = int(wrong.argmax())
        raise ValueError(
            f"bag_count must be between 0 and the bag's size: bag {s} has {sizes[s]} instances "
            f"and the count {counts[s]:g}"
        )
    return ids, counts


def as_graph(
    edges: Any, weights: Any, n: int, name: str = "edges"
) -> tuple[Int[np.ndarray, "E 2"], Float[np.ndarray, " E"]]:
    """Check pairs of different instances below ``n``, with one finite number each."""
    pairs = _numbers(edges, name)
    if pairs.size == 0:
        pairs = np.zeros((0, 2), np.int64)
    if pairs.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {pairs.dtype}")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"{name} must have shape (E, 2), got {pairs.shape}")
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
        raise ValueError(f"{name} must lie between 0 and {n - 1}, got {pairs.min()}, {pairs.max()}")
    if (pairs[:, 0] == pairs[:, 1]).any():
        raise ValueError(f"{name} must join two different instances, got a loop")
    return pairs.astype(np.int64), as_vector(weights, f"weights of {name}", len(pairs))


def as_labels(y: Any, n: int | None = None, name: str = "y") -> Int[np.ndarray, " n"]:
    """Check a vector of zeros and ones."""
    labels = as_vector(y, name, n)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"{name} must hold 0 and 1 only, got {np.unique(labels)[:5].tolist()}")
    return labels.astype(np.int64)


def _numbers(x: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError as error:  # ragged
        raise TypeError(f"{name} must be a rectangular array of numbers: {error}") from error
    if array.size == 0:
        return array
    if array.dtype.kind not in "iufb":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array.astype(np.int64) if array.dtype.kind == "b" else array
