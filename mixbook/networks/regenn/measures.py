"""How far a forecast is off."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixbook.networks.regenn._checks import check_same_shape

__all__ = ["mae", "msle", "rmse"]


def mae(prediction: Any, target: Any) -> float:
    """Mean absolute error, Eq. (20), over all entries of two arrays of one shape."""
    a, b = check_same_shape(prediction, target)
    # Eq. (20)
    return float(np.abs(a - b).mean())


def rmse(prediction: Any, target: Any) -> float:
    """Root of the mean squared error, over all entries of two arrays of one shape."""
    a, b = check_same_shape(prediction, target)
    return float(np.sqrt(((a - b) ** 2).mean()))


def msle(prediction: Any, target: Any) -> float:
    """Mean squared error of log(1 + value), Eq. (21).

    Negative predictions count as 0; negative targets are refused, since counts are meant.
    """
    a, b = check_same_shape(prediction, target)
    if b.min() < 0:
        raise ValueError(f"target must be >= 0 for a logarithmic error, got {b.min():g}")
    # Eq. (21)
    return float(((np.log1p(np.maximum(a, 0)) - np.log1p(b)) ** 2).mean())
