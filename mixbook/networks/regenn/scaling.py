"""Scaling of windows, with and without a look at the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.validation import check_integer
from mixbook.networks.regenn._checks import as_panel

__all__ = ["SCALES", "from_scale", "log_constant", "official_scale", "to_scale", "window_scale"]

SCALES = ("window", "log", "official_axis2")


def window_scale(x: Float[Tensor, "b w v"]) -> Float[Tensor, "b 1 v"]:
    """Largest value of each sample and variable within the window, at least 1, Eq. (10)."""
    # Eq. (10)
    return x.amax(dim=1, keepdim=True).clamp_min(1.0)


def log_constant(x: Float[Tensor, "b t v"]) -> float:
    """Largest log(1 + x) of the training period, at least 1; the c of Eq. (11)."""
    return max(float(torch.log1p(x).max()), 1.0)


def official_scale(panel: Any, axis: int = 2) -> Float[np.ndarray, "n t v"]:
    """The scale of the authors' program: the largest value along an axis, at least 1, Eq. (12).

    A prediction is multiplied by this scale *at the steps to be predicted*, so it holds what a
    forecaster cannot know: with axis 2 the largest variable of each future step, with axis 1
    the largest value of the whole series, with axis 0 the largest sample of each future step.

    Parameters
    ----------
    panel : array of shape (samples, steps, variables)
        All of it, test part included.
    axis : {0, 1, 2}

    Returns
    -------
    array
        With length 1 along the axis.
    """
    check_integer(axis, "axis", low=0, high=2)
    # Eq. (12)
    return np.maximum(as_panel(panel, "panel").max(axis=axis, keepdims=True), 1.0)


def to_scale(x: Float[Tensor, "b w v"], kind: str, constant: float) -> Float[Tensor, "b w v"]:
    """A window as the network sees it."""
    if kind == "window":
        return x / window_scale(x)
    if kind == "log":
        # Eq. (11)
        return torch.log1p(x) / constant
    return x / _largest_variable(x)


def from_scale(
    z: Float[Tensor, "b s v"],
    x: Float[Tensor, "b w v"],
    kind: str,
    constant: float,
    future: Float[Tensor, "b s v"] | None = None,
) -> Float[Tensor, "b s v"]:
    """What the network says, in the units of the panel.

    Parameters
    ----------
    z : Tensor of shape (B, s, V)
    x : Tensor of shape (B, w, V)
        The window before.
    future : Tensor of shape (B, s, V)
        The very values to be forecast, which only "official_axis2" needs; that is its leak.
    """
    if kind == "window":
        return z * window_scale(x)
    if kind == "log":
        return torch.expm1(z * constant)
    if future is None:
        raise ValueError(
            'future must be given with scale="official_axis2": its forecasts are multiplied by the '
            "largest variable of each future step"
        )
    return z * _largest_variable(future)


def _largest_variable(x: Float[Tensor, "b t v"]) -> Float[Tensor, "b t 1"]:
    return x.amax(dim=2, keepdim=True).clamp_min(1.0)
