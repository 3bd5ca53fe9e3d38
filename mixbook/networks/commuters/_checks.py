"""Checks of arrays that several files of this module share."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_array", "check_pairs", "check_square"]


def as_array(x: Any, name: str, *, ndim: int, low: float | None = None) -> np.ndarray:
    """A finite array of real numbers with ``ndim`` axes, as float64 (float32 is kept).

    Raises
    ------
    TypeError
        If ``x`` does not hold real numbers.
    ValueError
        If it has other axes, is empty, not finite, or goes below ``low``.
    """
    array = _to_array(x, name)
    if array.ndim != ndim or array.size == 0:
        raise ValueError(
            f"{name} must have {ndim} axes and at least one entry, got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite, but {bad} of its entries are NaN or infinite")
    if low is not None and array.min() < low:
        raise ValueError(f"{name} must be >= {low:g}, got an entry {array.min():g}")
    return array


def _to_array(x: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(f"{name} must be a rectangular array of numbers: {error}") from error
    if array.dtype.kind not in "iufb":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def check_square(x: Any, name: str, n: int | None = None, low: float | None = 0.0) -> np.ndarray:
    """An (n, n) array with entries >= ``low``.

    Raises
    ------
    ValueError
        If it is not square, or not of the wanted size.
    """
    array = as_array(x, name, ndim=2, low=low)
    if array.shape[0] != array.shape[1] or (n is not None and len(array) != n):
        wanted = "(n, n)" if n is None else f"({n}, {n})"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return array


def check_pairs(I: Any, J: Any, n: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Two integer vectors of one length: origins and destinations below ``n``, never equal.

    Raises
    ------
    TypeError
        If they do not hold integers.
    ValueError
        If shapes differ, a node is out of range, or a pair joins a node to itself.
    """
    I, J = np.asarray(I), np.asarray(J)
    for name, ends in (("I", I), ("J", J)):
        if ends.dtype.kind not in "iu":
            raise TypeError(f"{name} must hold integers (indices of nodes), got dtype {ends.dtype}")
    if I.ndim != 1 or I.shape != J.shape or not len(I):
        raise ValueError(
            f"I and J must be vectors of one length >= 1, got shapes {I.shape} and {J.shape}"
        )
    low, high = min(I.min(), J.min()), max(I.max(), J.max())
    if low < 0 or (n is not None and high >= n):
        raise ValueError(f"I and J must hold nodes from 0 to {n} - 1, got {low} to {high}")
    if (I == J).any():
        raise ValueError(f"I and J must differ, got the pair ({I[I == J][0]}, {I[I == J][0]})")
    return I.astype(np.int64), J.astype(np.int64)
