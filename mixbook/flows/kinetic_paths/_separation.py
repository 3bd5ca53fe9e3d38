"""How well a noisy point identifies its source: the data separation function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator
from torch import Tensor

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_integer, check_number

TABLE = 2**20
"""Entries of a table of noisy samples by data points that is handled at a time."""


def normalize_data(
    X: Any,
) -> tuple[Float[np.ndarray, "n d"], tuple[Float[np.ndarray, " d"], float]]:
    """Shift to mean zero and divide by one number, so that the mean squared length is d.

    Returns
    -------
    X_norm : ndarray of shape (n, d)
    (mean, scale) : ndarray of shape (d,) and float
        ``X = X_norm * scale + mean``.

    Raises
    ------
    ValueError
        If all points are equal.
    """
    table = as_matrix(X, "X", dtype=torch.float64).numpy()
    mean = table.mean(0)
    scale = float(np.sqrt(np.mean((table - mean) ** 2)))
    if scale <= 1e-12 * max(1.0, float(np.abs(mean).max())):
        raise ValueError("X must hold at least two different points, got one")
    return (table - mean) / scale, (mean, scale)


def snr_grid(n: int = 40, s_max: float = 1000.0) -> Float[np.ndarray, " m"]:
    """Signal-to-noise ratios: ``n`` with equal steps of arctan s, and a geometric tail to s_max.

    The error of 1 - lambda is multiplied by 1 + s^2 in gamma, so a curve of gamma needs nodes that
    are even in the angle; the tail finds where the points of a finite set come apart.
    """
    n = check_integer(n, "n", low=4)
    body = np.tan(np.linspace(0, np.pi / 2, n + 1)[1:-1])
    s_max = check_number(s_max, "s_max", low=float(body[-1]))
    tail = np.geomspace(body[-1], s_max, max(n // 4, 2))[1:]
    return np.concatenate([[0.0], body, tail])


def data_separation(
    X: Any,
    s: Any,
    n_mc: int = 2000,
    random_state: int | np.random.Generator | None = None,
    *,
    chunk: int | None = None,
    normalize: bool = True,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    r"""Monte Carlo estimate of the data separation of a finite set, Eqs. (5) and (8).

    Draws sources from ``X`` (each equally often) and noise once, for all ``s``. The table of
    squared distances and the table of products with the noise are made once; each further ``s``
    costs an exponential of the table and one product with ``X``. Time O(n_mc n d) per s, memory
    O(chunk n).

    Where nearly all samples are told apart, what is left of the error is carried by a few of them,
    and the standard error is too small by as much as these few are missed.

    Parameters
    ----------
    X : array-like of shape (n, d)
    s : array-like of shape (m,)
        Signal-to-noise ratios, at least 0.
    n_mc : int
        Number of noisy samples.
    chunk : int, optional
        Noisy samples handled at a time; by default as many as make a table of a million entries.
    normalize : bool
        Normalise ``X`` first; otherwise it is taken as it is.

    Returns
    -------
    lam, stderr : ndarray of shape (m,)
        The estimates and one standard error of each.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    points = as_matrix(X, "X", dtype=torch.float64, min_rows=2)
    if normalize:
        points = torch.from_numpy(normalize_data(points)[0])
    ratios = _as_ratios(s)
    n_mc = check_integer(n_mc, "n_mc", low=20)
    chunk = check_integer(chunk or max(16, TABLE // len(points)), "chunk", low=1)
    rng = as_rng(random_state)
    source = _balanced(len(points), n_mc, rng)
    noise = torch.from_numpy(rng.standard_normal((n_mc, points.shape[1])))
    parts = [
        _errors_and_controls(points, points[j], z, ratios)
        for j, z in zip(torch.from_numpy(source).split(chunk), noise.split(chunk))
    ]
    return _with_controls(torch.cat(parts, 1).numpy())


def data_separation_from_denoiser(
    denoiser: Callable[[Tensor, float], Tensor],
    X: Any,
    s: Any,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The same estimate where the posterior mean is known, e.g. for a density in closed form.

    Parameters
    ----------
    denoiser : callable
        ``denoiser(y, s)`` is the mean of x given ``y = s x + z``, for y of shape (k, d).
    X : array-like of shape (k, d)
        Draws from the density, normalised in expectation; each gets one noise vector.
    """
    x1 = as_matrix(X, "X", dtype=torch.float64, min_rows=20)
    z = torch.from_numpy(as_rng(random_state).standard_normal(tuple(x1.shape)))
    rows = [_statistics(x1, z, denoiser(ratio * x1 + z, ratio), ratio) for ratio in _as_ratios(s)]
    return _with_controls(torch.stack(rows).numpy())


def data_separation_gaussian(eigvals: Any, s: Any) -> Float[np.ndarray, " m"]:
    """Exact data separation of a centred Gaussian, Eq. (7).

    Parameters
    ----------
    eigvals : array-like of shape (d,)
        Eigenvalues of the covariance; for normalised data their mean is one.
    s : array-like of shape (m,)

    Raises
    ------
    ValueError
        If an eigenvalue is negative or not finite.
    """
    v = np.atleast_1d(np.asarray(eigvals, dtype=np.float64))
    if v.ndim != 1 or not len(v) or not np.isfinite(v).all() or (v < 0).any():
        raise ValueError(f"eigvals must be a list of finite numbers >= 0, got {eigvals!r}")
    square = _as_ratios(s)[:, None] ** 2
    return np.mean(v**2 * square / (1 + v * square), axis=1)  # Eq. (7)


class SeparationCurve:
    r"""A data separation function through given values; call it at any ``s``.

    Interpolates :math:`\gamma(\theta)`, Eq. (9), by a monotone cubic in the angle :math:`\theta=
    \arctan s`, and keeps it constant after the last value: zero for a Gaussian, one for a finite
    set whose points have come apart.

    Parameters
    ----------
    s : array-like of shape (m,)
        Increasing, at least 0; a node at s = 0 with lambda = 0 is added where it is missing.
    lam : array-like of shape (m,)

    Raises
    ------
    ValueError
        If shapes differ, ``s`` does not increase, or ``lam`` is outside [0, 1] by more than 0.1.
    """

    def __init__(self, s: Any, lam: Any) -> None:
        ratios, values = _as_ratios(s), np.asarray(lam, dtype=np.float64)
        if values.shape != ratios.shape or len(ratios) < 2:
            raise ValueError(
                f"s and lam must have the same shape (m,) with m >= 2, got {ratios.shape} and "
                f"{values.shape}"
            )
        if (np.diff(ratios) <= 0).any():
            raise ValueError("s must increase strictly")
        if not (np.abs(values - 0.5) <= 0.6).all():  # room for Monte Carlo error; refuses NaN
            raise ValueError("lam must lie in [0, 1], got values outside or NaN")
        theta = np.arctan(ratios)
        gamma = 1 - (1 - values) * (1 + ratios**2)  # Eq. (9)
        if ratios[0] > 0:
            theta, gamma = np.append(0.0, theta), np.append(0.0, gamma)
        self.theta_, self.gamma_ = theta, gamma
        self._curve = PchipInterpolator(theta, gamma)

    def gamma(self, theta: Any) -> Any:
        r""":math:`\gamma(\theta)`; it may dip below zero by Monte Carlo error."""
        return self._curve(np.clip(theta, self.theta_[0], self.theta_[-1]))

    def __call__(self, s: Any) -> Any:
        theta = np.arctan(s)
        return 1 - np.cos(theta) ** 2 * (1 - self.gamma(theta))

    def defect(self) -> float:
        r"""The integral of :math:`1-\lambda` over all s, taken as that of :math:`1-\gamma` over the
        angle."""
        last = self.theta_[-1]
        inner = float(self._curve.integrate(0.0, last))
        return float(np.pi / 2 - inner - (np.pi / 2 - last) * self.gamma_[-1])  # Eq. (14)


def theorem41_gap(
    X: Any, n_mc: int = 2000, random_state: int | np.random.Generator | None = None
) -> tuple[float, float]:
    """Both sides of Eq. (15): the integral of 1 - lambda, and 3 n / sqrt(d)."""
    points = as_matrix(X, "X", dtype=torch.float64, min_rows=2)
    s = snr_grid()
    lam, _ = data_separation(points, s, n_mc, random_state)
    n, d = points.shape
    return SeparationCurve(s, lam).defect(), 3 * n / math.sqrt(d)  # Eq. (15)


def _errors_and_controls(
    points: Float[Tensor, "n d"], x1: Float[Tensor, "k d"], z: Float[Tensor, "k d"], ratios: Any
) -> Float[Tensor, "m k c"]:
    """Statistics of one chunk of noisy samples at every signal-to-noise ratio."""
    half = points.square().sum(1) / 2
    distance = (half + x1.square().sum(1, keepdim=True) / 2 - x1 @ points.T).clamp_(min=0).float()
    product = (z @ points.T - (z * x1).sum(1, keepdim=True)).float()
    table = points.float()
    rows = []
    for s in ratios:
        # log-weight against the source's own: -|s(x_i - x_1) - z|^2 / 2 + |z|^2 / 2
        weight = torch.addcmul(s * product, distance, distance.new_tensor(1.0), value=-(s**2))
        weight = softmax_rows(weight)
        rows.append(_statistics(x1, z, (weight @ table).double(), float(s)))
    return torch.stack(rows)


def softmax_rows(logits: Float[Tensor, "k n"]) -> Float[Tensor, "k n"]:
    """Softmax of each row, in place; exp2 is several times faster than exp where it underflows."""
    logits.sub_(logits.amax(1, keepdim=True)).mul_(math.log2(math.e)).exp2_()
    return logits.div_(logits.sum(1, keepdim=True))


def _statistics(
    x1: Float[Tensor, "k d"], z: Float[Tensor, "k d"], mean: Float[Tensor, "k d"], s: float
) -> Float[Tensor, "k c"]:
    """Per sample: the squared error of the posterior mean, then controls with expectation zero."""
    d = x1.shape[1]
    size = x1.square().sum(1)
    columns = [
        (x1 - mean).square().sum(1) / d,
        ((x1 - mean) * mean).sum(1) / d,  # the error is orthogonal to the posterior mean
        size / d - 1,
        (x1 * z).sum(1) / d,
        z.square().sum(1) / d - 1,
    ]
    # Stein's identity: E<z, mean> is s times the trace of the posterior covariance
    columns.append((z * mean).sum(1) / d - s * columns[0])
    return torch.stack(columns, 1)


def _with_controls(
    statistics: Float[np.ndarray, "m k c"],
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Mean error less a multiple of the controls, Eq. (8).

    The multiple for one half of the samples is fitted on the other half, so no bias comes in.
    """
    lam, stderr = [], []
    half = statistics.shape[1] // 2
    for table in statistics:
        rest = np.concatenate(
            [
                this[:, 0] - this[:, 1:] @ _regress(other)
                for this, other in ((table[:half], table[half:]), (table[half:], table[:half]))
            ]
        )
        lam.append(1 - rest.mean())  # Eq. (5) by Eq. (8)
        stderr.append(rest.std() / math.sqrt(len(rest) - 1))
    return np.array(lam), np.array(stderr)


def _regress(table: Float[np.ndarray, "k c"]) -> Float[np.ndarray, " w"]:
    """Least-squares weights of the controls in the error."""
    centred = table - table.mean(0)
    return np.linalg.lstsq(centred[:, 1:], centred[:, 0], rcond=1e-10)[0]


def _balanced(n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """k indices below n, each as often as any other up to one."""
    rounds = [rng.permutation(n) for _ in range(-(-k // n))]
    return np.concatenate(rounds)[:k]


def _as_ratios(s: Any) -> Float[np.ndarray, " m"]:
    try:
        ratios = np.atleast_1d(np.asarray(s, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise TypeError(f"s must hold numbers, got {type(s).__name__}") from error
    if ratios.ndim != 1 or not len(ratios) or not np.isfinite(ratios).all() or (ratios < 0).any():
        raise ValueError("s must be a non-empty list of finite numbers >= 0")
    return ratios
