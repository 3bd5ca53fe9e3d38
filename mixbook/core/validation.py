"""Checks of arguments: each error names the argument, what came and what is wanted."""

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["as_matrix", "check_choice", "check_integer", "check_number"]


def as_matrix(
    x: Any,
    name: str,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    min_rows: int = 1,
    n_columns: int | None = None,
) -> Tensor:
    """Check that ``x`` is a finite (n, d) table of numbers and hand it on as a tensor.

    Parameters
    ----------
    x : array-like of shape (n, d)
        NumPy array, tensor, data frame or nested list.
    name : str
        The argument's name, used in errors.
    min_rows : int
        Smallest number of rows allowed.
    n_columns : int, optional
        Number of columns wanted.

    Raises
    ------
    TypeError
        If ``x`` is not a table of real numbers.
    ValueError
        If ``x`` has the wrong number of axes, rows or columns, or holds NaN or infinity.
    """
    tensor = _to_tensor(x, name)
    if tensor.ndim != 2:
        raise ValueError(f"{name} must have shape (n, d), got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    if rows < min_rows:
        raise ValueError(f"{name} must have at least {min_rows} row(s), got {rows}")
    if columns == 0 or (n_columns is not None and columns != n_columns):
        wanted = "at least 1" if n_columns is None else str(n_columns)
        raise ValueError(f"{name} must have {wanted} column(s), got {columns}")
    tensor = tensor.to(device=device, dtype=dtype)
    if not torch.isfinite(tensor).all():
        raise ValueError(
            f"{name} must be finite, but {int((~torch.isfinite(tensor)).sum())} of its "
            f"{tensor.numel()} entries are NaN or infinite"
        )
    return tensor


def check_number(
    x: Any,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    high_open: bool = False,
) -> float:
    """Check that ``x`` is a finite real number within ``[low, high]`` (or open ends).

    Raises
    ------
    TypeError
        If ``x`` is not a real number (booleans are refused).
    ValueError
        If ``x`` is NaN, infinite or out of range.
    """
    if isinstance(x, bool | np.bool_) or not isinstance(x, Real):
        raise TypeError(f"{name} must be a real number, got {type(x).__name__} {x!r}")
    value = float(x)
    below = low is not None and (value <= low if low_open else value < low)
    above = high is not None and (value >= high if high_open else value > high)
    if not np.isfinite(value) or below or above:
        raise ValueError(f"{name} must be {_range_text(low, high, low_open, high_open)}, got {x!r}")
    return value


def check_integer(x: Any, name: str, *, low: int | None = None, high: int | None = None) -> int:
    """Check that ``x`` is an integer within ``[low, high]``.

    Raises
    ------
    TypeError
        If ``x`` is not an integer (booleans and floats are refused).
    ValueError
        If ``x`` is out of range.
    """
    if isinstance(x, bool | np.bool_) or not isinstance(x, Integral):
        raise TypeError(f"{name} must be an integer, got {type(x).__name__} {x!r}")
    value = int(x)
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(
            f"{name} must be an integer {_range_text(low, high, False, False)}, got {x!r}"
        )
    return value


def check_choice(x: Any, name: str, choices: Collection[str]) -> str:
    """Check that ``x`` is one of ``choices``.

    Raises
    ------
    ValueError
        If it is not; the message lists the choices.
    """
    if not isinstance(x, str) or x not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {x!r}")
    return x


def _to_tensor(x: Any, name: str) -> Tensor:
    if isinstance(x, Tensor):
        if x.is_complex() or x.dtype == torch.bool:
            raise TypeError(f"{name} must hold real numbers, got dtype {x.dtype}")
        return x
    try:
        array = np.asarray(x)
    except ValueError as error:  # ragged nested lists
        raise TypeError(f"{name} must be a rectangular table of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name} must hold real numbers, got {type(x).__name__} of dtype {array.dtype}"
        )
    return torch.from_numpy(np.array(array, dtype=np.float64))


def _range_text(low: Any, high: Any, low_open: bool, high_open: bool) -> str:
    parts = []
    if low is not None:
        parts.append(f"{'>' if low_open else '>='} {low}")
    if high is not None:
        parts.append(f"{'<' if high_open else '<='} {high}")
    return " and ".join(parts) or "finite"
