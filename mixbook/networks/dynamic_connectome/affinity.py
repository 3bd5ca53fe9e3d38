"""From traces to a tensor: how strongly does each pair of neurons change together, and when?"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.dynamic_connectome._checks import as_mask, as_real

__all__ = [
    "KINDS",
    "concurrence",
    "differential_affinity",
    "pair_indices",
    "pair_mask",
    "pair_vector_to_matrix",
]

KINDS = ("differential", "product", "min", "correlation")


def differential_affinity(
    traces: Any,
    kind: str = "differential",
    sigma_d: float = 2.0,
    sigma_s: float = 4.0,
    mask: Any = None,
    *,
    window: int = 20,
) -> tuple[Float[np.ndarray, "T W P"], Int[np.ndarray, "P 2"]]:
    r"""Affinity of each pair of neurons at each moment in each animal.

    With :math:`g_i`, the slope of trace i in units of its own spread (Eq. 1), and
    :math:`m = \min(|g_i|, |g_j|) / \max(|g_i|, |g_j|)`,

    .. math:: a_{ij}(t) = \sqrt{g_i g_j}\; m \text{ if } g_i g_j > 0, \text{ else } 0,

    smoothed over time. It is symmetric and non-negative, does not change when a constant is added
    to a trace or a trace is multiplied by a positive number, and equals :math:`|g|` where both
    slopes agree.

    Parameters
    ----------
    traces : array-like of shape (W, N, T)
        Animals, neurons (matched across animals), frames. NaN is allowed where ``mask`` is False.
    kind : str
        ``"differential"``; ``"product"``, max(0, g_i g_j); ``"min"``, min(\|g_i\|, \|g_j\|) where
        the signs agree; or ``"correlation"``, the positive part of Pearson's correlation in a
        sliding window of the traces themselves, which is a baseline and is not smoothed again.
    sigma_d, sigma_s : float
        Widths (frames) of the derivative filter and of the smoothing; ``sigma_s`` may be 0.
    mask : array-like of bool, shape (W, N), optional
        False where a neuron was not identified in an animal: its pairs get 0
        (see :func:`pair_mask`).
    window : int
        Frames in a window of ``"correlation"``.

    Returns
    -------
    tensor : array of shape (T, W, P)
        P = N (N - 1) / 2 pairs.
    pairs : array of shape (P, 2)
        The two neurons of each pair, i < j.

    Raises
    ------
    TypeError, ValueError
        If traces are no finite numbers of that shape, there are fewer than two neurons or frames,
        or another argument is out of range.
    """
    traces = as_real(traces, "traces", "(W, N, T)", finite=False)
    check_choice(kind, "kind", KINDS)
    check_number(sigma_d, "sigma_d", low=0, low_open=True)
    check_number(sigma_s, "sigma_s", low=0)
    check_integer(window, "window", low=2)
    n_animals, n_neurons, n_frames = traces.shape
    if n_neurons < 2 or n_frames < 2:
        raise ValueError(f"traces must have at least 2 neurons and 2 frames, got {traces.shape}")
    known = as_mask(True if mask is None else mask, "mask", (n_animals, n_neurons))
    if not np.isfinite(traces[known]).all():
        raise ValueError("traces must be finite where mask is True, got NaN or infinite entries")
    traces = np.where(known[:, :, None], traces, 0.0)  # no slope, hence no affinity
    pairs = pair_indices(n_neurons)
    tensor = np.empty((n_frames, n_animals, len(pairs)))
    for animal, x in enumerate(traces):
        if kind == "correlation":
            tensor[:, animal] = _sliding_correlation(x, pairs, window).T
        else:
            a = concurrence(slopes_of(x, sigma_d), pairs, kind)
            # Eq. (3)
            tensor[:, animal] = (gaussian_filter1d(a, sigma_s, mode="nearest") if sigma_s else a).T
    return tensor, pairs


def pair_indices(n_neurons: int) -> Int[np.ndarray, "P 2"]:
    """All pairs i < j of ``n_neurons``, row by row."""
    check_integer(n_neurons, "n_neurons", low=2)
    return np.stack(np.triu_indices(n_neurons, 1), axis=1)


def pair_mask(mask: Any) -> Bool[np.ndarray, "W P"]:
    """Which pairs were recorded in which animal, given the neurons that were, (W, N)."""
    known = np.asarray(mask)
    if known.dtype != bool or known.ndim != 2:
        raise ValueError(
            f"mask must be boolean of shape (W, N), got dtype {known.dtype} and shape {known.shape}"
        )
    i, j = pair_indices(known.shape[1]).T
    return known[:, i] & known[:, j]


def pair_vector_to_matrix(v: Any, n: int) -> Float[np.ndarray, "n n"]:
    """Symmetric matrix with an empty diagonal from one number a pair.

    Parameters
    ----------
    v : array-like of shape (n (n - 1) / 2,)
        In the order of :func:`pair_indices`.
    n : int
        Number of nodes.
    """
    check_integer(n, "n", low=2)
    values = as_real(v, "v", "(P)")
    if len(values) != n * (n - 1) // 2:
        raise ValueError(f"v must hold {n * (n - 1) // 2} pairs of {n} nodes, got {len(values)}")
    matrix = np.zeros((n, n))
    i, j = pair_indices(n).T
    matrix[i, j] = matrix[j, i] = values
    return matrix


def slopes_of(x: np.ndarray, sigma: float) -> np.ndarray:
    """Slope of each trace (last axis) in units of its spread; 0 for a constant trace."""
    # Eq. (1)
    g = gaussian_filter1d(x, sigma, order=1, mode="nearest")
    spread = g.std(axis=-1, keepdims=True)
    flat = spread <= 1e-12 * (1 + np.abs(x).max(axis=-1, keepdims=True))
    return np.where(flat, 0.0, g / np.where(flat, 1.0, spread))


def concurrence(g: np.ndarray, pairs: np.ndarray, kind: str) -> np.ndarray:
    """How strongly pairs change together at each instant, Eq. (2), before smoothing.

    Parameters
    ----------
    g : array of shape (N, T)
        Slopes, in units of their standard deviation.
    pairs : int array of shape (P, 2)
    kind : {"differential", "product", "min"}

    Returns
    -------
    array of shape (P, T)
        At least 0, and 0 where the slopes have different signs.
    """
    first, second = g[pairs[:, 0]], g[pairs[:, 1]]
    product = np.maximum(first * second, 0.0)
    if kind == "product":
        return product
    low, high = np.minimum(np.abs(first), np.abs(second)), np.maximum(np.abs(first), np.abs(second))
    if kind == "min":
        return np.where(product > 0, low, 0.0)
    # Eq. (2)
    return np.sqrt(product) * np.divide(low, high, out=np.zeros_like(low), where=product > 0)


def _sliding_correlation(x: np.ndarray, pairs: np.ndarray, window: int) -> np.ndarray:
    """(P, T) positive part of Pearson's correlation in a centred window."""

    def mean(y: np.ndarray) -> np.ndarray:
        return uniform_filter1d(y, window, mode="nearest")

    x = x - x.mean(axis=-1, keepdims=True)
    centre = mean(x)
    spread = np.sqrt(np.maximum(mean(x * x) - centre**2, 0.0))
    i, j = pairs.T
    covariance = mean(x[i] * x[j]) - centre[i] * centre[j]
    scale = spread[i] * spread[j]
    ok = scale > 1e-12 * (1 + np.abs(x).max()) ** 2
    r = np.divide(covariance, scale, out=np.zeros_like(scale), where=ok)
    return np.clip(r, 0.0, 1.0)
