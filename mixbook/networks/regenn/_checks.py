"""Checks of arrays that several files of this module share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["as_panel", "as_positions", "check_same_shape"]


def as_panel(
    x: Any,
    name: str,
    *,
    min_steps: int = 1,
    n_variables: int | None = None,
    n_steps: int | None = None,
) -> np.ndarray:
    """A finite float64 array with axes samples, time and variables, none of them empty.

    Raises
    ------
    TypeError
        If ``x`` does not hold real numbers.
    ValueError
        If it has other axes, too few steps, other variables, or holds NaN or infinity.
    """
    array = as_reals(x, name)
    if array.ndim != 3 or array.size == 0:
        raise ValueError(
            f"{name} must have the axes samples, time and variables, none empty, "
            f"got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite, but {bad} of its entries are NaN or infinite")
    steps, variables = array.shape[1:]
    if n_steps is not None and steps != n_steps:
        raise ValueError(f"{name} must have {n_steps} steps, got {steps}")
    if steps < min_steps:
        raise ValueError(f"{name} must have at least {min_steps} steps, got {steps}")
    if n_variables is not None and variables != n_variables:
        raise ValueError(f"{name} must have {n_variables} variables, got {variables}")
    return array


def as_positions(pos: Any, nodes: Sequence[Any], name: str = "pos") -> np.ndarray:
    """Positions of the given nodes, from a mapping or from an array indexed by node number."""
    if isinstance(pos, dict):
        if missing := [node for node in nodes if node not in pos]:
            raise ValueError(f"{name} must hold every node, but {missing[0]!r} is missing")
        pos = [pos[node] for node in nodes]
    else:
        pos = _rows(as_reals(pos, name), nodes, name)
    array = as_reals(pos, name)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must hold two coordinates a node, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return array


def _rows(array: np.ndarray, nodes: Sequence[Any], name: str) -> np.ndarray:
    numbers = [node for node in nodes if isinstance(node, int | np.integer)]
    if len(numbers) != len(nodes) or not all(0 <= i < len(array) for i in numbers):
        raise ValueError(
            f"{name} must be a mapping from node to coordinates, unless the nodes are the numbers "
            f"of its rows, 0 to {len(array) - 1}"
        )
    return array[np.array(numbers, dtype=int)]


def as_reals(x: Any, name: str) -> np.ndarray:
    """A float64 array of real numbers, from an array, a tensor or nested lists."""
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(f"{name} must be a rectangular array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array.astype(np.float64)


def check_same_shape(prediction: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two finite arrays of one shape, not empty."""
    a, b = as_reals(prediction, "prediction"), as_reals(target, "target")
    if a.shape != b.shape or a.size == 0:
        raise ValueError(
            f"prediction and target must have the same shape and entries, got {a.shape}, {b.shape}"
        )
    for name, array in (("prediction", a), ("target", b)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return a, b
