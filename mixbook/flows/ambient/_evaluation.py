"""Data of mixed noise, laws whose denoiser is known, distances, and the price of a noisy sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment
from sklearn.isotonic import isotonic_regression
from torch import Tensor

from mixbook.core.gaussians import component_log_prob, sample_mixture
from mixbook.core.seeds import as_generator, as_rng
from mixbook.core.transport import import_ot
from mixbook.core.validation import as_matrix, check_integer, check_number

__all__ = [
    "IsotropicMixture",
    "atom_error",
    "atomic_w1",
    "frechet_gaussian",
    "make_mixed_dataset",
    "price_estimate",
    "price_of_noise",
    "ring_of_gaussians",
]

Seed = int | torch.Generator | None
Rows = Float[Tensor, "n d"]


def make_mixed_dataset(
    X: Any,
    keep: float = 1.0,
    corruption: float = 0.9,
    sigma: float = 0.2,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[Tensor, "m d"], Float[Tensor, " m"]]:
    """Keep a part of the rows and put noise on a part of these, once and for all, Eq. (1).

    Parameters
    ----------
    X : array-like of shape (n, d)
        Clean rows.
    keep : float
        Part of the rows that is kept, in (0, 1]; at least one row.
    corruption : float
        Part of the kept rows that gets noise, in [0, 1].
    sigma : float
        Standard deviation of the noise.
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    x_tn : Tensor of shape (m, d)
        Clean rows first.
    sigma_tn : Tensor of shape (m,)
        0 or ``sigma``.
    """
    x = as_matrix(X, "X")
    keep = check_number(keep, "keep", low=0, high=1, low_open=True)
    corruption = check_number(corruption, "corruption", low=0, high=1)
    sigma = check_number(sigma, "sigma", low=0)
    rng = as_rng(random_state)
    m = max(1, round(keep * len(x)))
    clean = m - round(corruption * m)
    rows = x[torch.from_numpy(rng.permutation(len(x))[:m])]
    levels = torch.full((m,), sigma)
    levels[:clean] = 0.0
    noise = torch.from_numpy(rng.standard_normal(tuple(rows.shape))).float()
    # Eq. (1)
    return rows + levels[:, None] * noise, levels


class IsotropicMixture:
    """A mixture of Gaussians with one spherical spread: its denoiser is known at every level.

    Parameters
    ----------
    means : Tensor of shape (k, d)
    std : float
        Standard deviation of a coordinate of each component.
    weights : Tensor of shape (k,), optional
        Default equal.
    """

    def __init__(self, means: Any, std: float, weights: Any = None) -> None:
        self.means = as_matrix(means, "means")
        self.std = check_number(std, "std", low=0, low_open=True)
        k = len(self.means)
        w = np.full((k, 1), 1 / k) if weights is None else np.asarray(weights)[:, None]
        self.weights = as_matrix(w, "weights", n_columns=1)[:, 0]
        if len(self.weights) != k or not (self.weights > 0).all():
            raise ValueError(f"weights must be {k} positive numbers, got {self.weights.tolist()}")
        self.weights = self.weights / self.weights.sum()

    def sample(self, n: int, random_state: Seed = None) -> Rows:
        """Draw ``n`` clean rows."""
        n = check_integer(n, "n", low=1)
        variances = torch.full_like(self.means, self.std**2)
        return sample_mixture(n, self.weights.log(), self.means, variances, random_state)

    def denoise(self, x: Rows, sigma: Float[Tensor, " n"]) -> Rows:
        r"""Exact :math:`E[x_0\mid x_t]`: each component shrinks to its mean, then they vote."""
        means = self.means.to(x.dtype)
        variance = self.std**2 + sigma.square()
        square = x.square().sum(1)[:, None] - 2 * x @ means.T + means.square().sum(1)
        votes = torch.softmax(self.weights.log().to(x.dtype) - 0.5 * square / variance[:, None], 1)
        shrink = (self.std**2 / variance)[:, None]
        return votes @ means + shrink * (x - votes @ means)

    def log_prob(self, x: Rows, sigma: float = 0.0) -> Float[Tensor, " n"]:
        """Log-density of rows with extra noise ``sigma``."""
        variances = torch.full_like(self.means, self.std**2 + sigma**2)
        terms = self.weights.log() + component_log_prob(x, self.means, variances)
        return torch.logsumexp(terms, 1)

    def excess(
        self, denoiser: Any, levels: Any, n: int = 2000, random_state: Seed = None
    ) -> Float[np.ndarray, " m"]:
        r"""Mean squared distance of a denoiser from the exact one at each level.

        Parameters
        ----------
        denoiser : callable
            ``denoiser(x, sigma)`` on tensors.
        levels : sequence of float
        n : int
            Fresh rows a level.
        """
        generator = as_generator(random_state)
        errors = []
        with torch.no_grad():
            for level in levels:
                x = self.sample(n, generator)
                x = x + level * torch.randn(x.shape, generator=generator)
                sigma = torch.full((n,), float(level))
                gap = denoiser(x, sigma) - self.denoise(x, sigma)
                errors.append(gap.square().sum(1).mean().item())
        return np.array(errors)


def ring_of_gaussians(
    n_modes: int = 8, std: float = 0.05, coordinate_std: float = 0.5
) -> IsotropicMixture:
    """Equal Gaussians on a circle, scaled so that a coordinate has standard deviation 0.5.

    Parameters
    ----------
    n_modes : int
    std : float
        Spread of a mode in units of the radius.
    coordinate_std : float
        Standard deviation of a coordinate of the whole.
    """
    n_modes = check_integer(n_modes, "n_modes", low=2)
    std = check_number(std, "std", low=0, low_open=True)
    total = check_number(coordinate_std, "coordinate_std", low=0, low_open=True)
    angle = 2 * np.pi * np.arange(n_modes) / n_modes
    radius = total / np.sqrt(0.5 + std**2)
    return IsotropicMixture(radius * np.stack([np.cos(angle), np.sin(angle)], 1), radius * std)


def frechet_gaussian(X: Any, Y: Any) -> float:
    r"""Squared Fréchet distance between Gaussians with the moments of two samples, Eq. (19).

    What FID is in the features of a network, here in the coordinates as given.

    Parameters
    ----------
    X, Y : array-like of shape (n, d), (m, d)
        At least two rows each.
    """
    x = as_matrix(X, "X", dtype=torch.float64, min_rows=2).numpy()
    y = as_matrix(Y, "Y", dtype=torch.float64, min_rows=2, n_columns=x.shape[1]).numpy()
    A, B = (np.cov(z, rowvar=False).reshape(z.shape[1], z.shape[1]) for z in (x, y))
    root = np.real(sqrtm(A))
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ B @ root), 0)).sum()
    # Eq. (19)
    square = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(A) + np.trace(B) - 2 * cross
    return max(0.0, float(square))


def atomic_w1(means: Any, weights: Any, other_means: Any, other_weights: Any) -> float:
    """Exact 1-Wasserstein distance between two laws on a few atoms.

    Raises
    ------
    ImportError
        If POT is not installed.
    """
    a = as_matrix(means, "means", dtype=torch.float64)
    b = as_matrix(other_means, "other_means", dtype=torch.float64, n_columns=a.shape[1])
    p, q = _as_law(weights, "weights", len(a)), _as_law(other_weights, "other_weights", len(b))
    return float(import_ot().emd2(p, q, torch.cdist(a, b).numpy()))


def atom_error(means: Any, true_means: Any) -> float:
    """Mean distance of the true atoms from the estimated ones under the best matching."""
    a = as_matrix(means, "means", dtype=torch.float64)
    b = as_matrix(true_means, "true_means", dtype=torch.float64, n_columns=a.shape[1])
    if len(a) != len(b):
        raise ValueError(f"means must have {len(b)} rows like true_means, got {len(a)}")
    distance = torch.cdist(a, b).numpy()
    return float(distance[linear_sum_assignment(distance)].mean())


def price_of_noise(curve_clean: Any, curve_mixed: Any) -> tuple[float, float]:
    r"""Bracket the number of noisy samples that buy one clean one, Eq. (18).

    A mixed run counts as :math:`n_{clean} + n_{noisy}/price` clean samples. Its error lies between
    those of two all-clean runs, which bounds that count and so the price.

    Parameters
    ----------
    curve_clean : array-like of shape (m, 2)
        Rows ``(n, error)`` of all-clean runs. Errors that rise with n are pooled (isotonic
        regression).
    curve_mixed : array-like of shape (q, 3)
        Rows ``(n_clean, n_noisy, error)`` of mixed runs at one noise level.

    Returns
    -------
    lower, upper : float
        The prices that all mixed runs allow. Where runs contradict each other, the gap between
        their brackets. ``upper`` is infinite where a mixed run is no better than its clean part.

    Raises
    ------
    TypeError, ValueError
        If a curve is no finite table of that shape, or sizes are not positive.
    """
    n, error = _as_curve(curve_clean)
    lows, highs = [], []
    for n_clean, n_noisy, found in _as_runs(curve_mixed):
        better, worse = n[error <= found], n[error >= found]
        # Eq. (18)
        lows.append(n_noisy / (better[0] - n_clean) if len(better) and better[0] > n_clean else 0.0)
        most = worse[-1] - n_clean if len(worse) else -np.inf
        highs.append(n_noisy / most if most > 0 else np.inf)
        if len(better) and better[0] <= n_clean:
            lows[-1] = np.inf
    lower, upper = max(lows), min(highs)
    return (lower, upper) if lower <= upper else (upper, lower)


def price_estimate(curve_clean: Any, curve_mixed: Any) -> Float[np.ndarray, " q"]:
    """One price for each mixed run: where its error meets the clean curve, straight in log-log.

    NaN where the error is outside the curve, infinite where a run is no better than its clean part.
    """
    n, error = _as_curve(curve_clean)
    prices = []
    for n_clean, n_noisy, found in _as_runs(curve_mixed):
        if not error[-1] <= found <= error[0]:
            prices.append(np.nan)
            continue
        worth = np.exp(np.interp(-np.log(found), -np.log(error), np.log(n))) - n_clean
        # Eq. (18)
        prices.append(n_noisy / worth if worth > 0 else np.inf)
    return np.array(prices)


def _as_curve(curve: Any) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Sizes in rising order and errors that do not rise."""
    table = as_matrix(curve, "curve_clean", dtype=torch.float64, n_columns=2).numpy()
    if not (table > 0).all():
        raise ValueError("curve_clean must hold positive sizes and errors")
    table = table[table[:, 0].argsort()]
    return table[:, 0], isotonic_regression(table[:, 1], increasing=False)


def _as_runs(curve: Any) -> Float[np.ndarray, "q 3"]:
    table = as_matrix(curve, "curve_mixed", dtype=torch.float64, n_columns=3).numpy()
    if not ((table[:, 0] >= 0) & (table[:, 1:] > 0).all(1)).all():
        raise ValueError("curve_mixed must hold n_clean >= 0, n_noisy > 0 and error > 0")
    return table


def _as_law(weights: Any, name: str, k: int) -> Float[np.ndarray, " k"]:
    w = as_matrix(np.asarray(weights)[:, None], name, dtype=torch.float64, n_columns=1)[:, 0]
    if len(w) != k or (w < 0).any() or not w.sum() > 0:
        raise ValueError(f"{name} must be {k} numbers >= 0 that are not all zero")
    return (w / w.sum()).numpy()
