"""Checks of the arguments that the functions of this method share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def as_floats(x: Any, name: str, ndim: int | None = None) -> Tensor:
    """Hand on ``x`` as a tensor of finite floating-point numbers (a float tensor unchanged).

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it holds NaN or infinity, or has the wrong number of axes.
    """
    tensor = x if isinstance(x, Tensor) else _from_numbers(x, name)
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise TypeError(f"{name} must hold real numbers, got dtype {tensor.dtype}")
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.float64)
    if ndim is not None and (tensor.ndim != ndim or tensor.numel() == 0):
        axes = ", ".join("md"[:ndim]) if ndim == 2 else "n,"
        raise ValueError(
            f"{name} must have shape ({axes}), none of them 0, got {tuple(tensor.shape)}"
        )
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return tensor


def as_signs(y: Any, n: int) -> Float[Tensor, " n"]:
    """Labels as -1 and +1, from -1 and +1 or from 0 and 1, in double precision.

    Raises
    ------
    TypeError, ValueError
        If ``y`` does not hold ``n`` labels of one of the two kinds.
    """
    labels = as_floats(y, "y")
    same_rows(labels, n, "y")
    if labels.ndim != 1:
        raise ValueError(f"y must have shape ({n},), got {tuple(labels.shape)}")
    found = set(np.unique(labels.detach().cpu().numpy()).tolist())
    if found <= {-1.0, 1.0}:
        return labels.to(torch.float64)
    if found <= {0.0, 1.0}:
        return 2 * labels.to(torch.float64) - 1
    raise ValueError(f"y must hold the labels -1 and +1, or 0 and 1, got {sorted(found)[:6]}")


def same_columns(x: Tensor, d: int, name: str) -> None:
    if x.shape[-1] != d:
        raise ValueError(f"{name} must have {d} column(s), got shape {tuple(x.shape)}")


def same_rows(x: Tensor, n: int, name: str) -> None:
    if x.ndim < 1 or len(x) != n:
        raise ValueError(f"{name} must have {n} row(s), as X has, got shape {tuple(x.shape)}")


def _from_numbers(x: Any, name: str) -> Tensor:
    try:
        array = np.asarray(x)
    except ValueError as error:  # ragged
        raise TypeError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    return torch.from_numpy(np.ascontiguousarray(array))


def check_batch(X: Tensor, y: Tensor, U: Tensor | None) -> None:
    """Refuse samples that are not of shapes (B, m, d), (B, m) and (n, d), or hold NaN.

    Raises
    ------
    TypeError, ValueError
    """
    for values, name in ((X, "X"), (y, "y"), (U, "U")):
        if name == "U" and U is None:
            continue
        if not isinstance(values, Tensor) or not values.is_floating_point():
            raise TypeError(f"{name} must be a tensor of floating-point numbers")
        if values.numel() == 0 or not torch.isfinite(values).all():
            raise ValueError(f"{name} must be finite and not empty, got {tuple(values.shape)}")
    if X.ndim != 3 or y.shape != X.shape[:2]:
        raise ValueError(
            "X and y must have shapes (B, m, d) and (B, m), got "
            f"{tuple(X.shape)} and {tuple(y.shape)}"
        )
    if not torch.isin(y, torch.tensor([-1.0, 0.0, 1.0]).to(y)).all() or not y.any(dim=1).all():
        raise ValueError("y must hold -1, +1 (and 0 for missing rows), and a label in each sample")
    if U is not None and (U.ndim != 2 or U.shape[1] != X.shape[2]):
        raise ValueError(f"U must have shape (n, {X.shape[2]}), got {tuple(U.shape)}")
