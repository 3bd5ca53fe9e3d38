"""Kinetic energy of a path: through the data separation, directly, and a floor under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import trapezoid
from scipy.special import expit, logit
from torch import Tensor

from mixbook.core.flow_matching import GaussianPath, velocity_from_denoiser
from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_integer, check_number
from mixbook.flows.kinetic_paths._separation import TABLE, softmax_rows


def energy_density(
    path: GaussianPath, lam_fn: Callable[[Any], Any], t: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    r"""The integrand of Eq. (6), :math:`E|u_t(x_t)|^2/d`, at times with sigma > 0."""
    a, m, da, dm = (f(t) for f in (path.alpha, path.sigma, path.d_alpha, path.d_sigma))
    beta = da - a * dm / m
    return da**2 + dm**2 - beta**2 * (1 - lam_fn(a / m))  # Eq. (6)


def kinetic_energy(
    path: GaussianPath, lam_fn: Callable[[Any], Any], n_t: int = 2001, *, cutoff: float = 1e-6
) -> float:
    """Kinetic energy of a path through the data separation, Eq. (6).

    The trapezoidal rule in logit t, with times from ``cutoff`` to ``1 - cutoff``: schedules with
    infinite derivatives at an end are integrated as well as smooth ones. For a finite set, the
    energy of `VP` grows without end as the cutoff falls, by log(10) beta_min / 4 a decade.

    Parameters
    ----------
    path : GaussianPath
    lam_fn : callable
        Data separation at an array of s, e.g. a `SeparationCurve`.
    n_t : int
        Number of times.
    """
    t = _times(n_t, cutoff)
    return float(trapezoid(energy_density(path, lam_fn, t) * t * (1 - t), logit(t)))


def conditional_kinetic_energy(
    path: GaussianPath, n_t: int = 2001, *, cutoff: float = 1e-6
) -> float:
    """Energy of the conditional paths, the first two terms of Eq. (6): lambda = 1."""
    return kinetic_energy(path, np.ones_like, n_t, cutoff=cutoff)


def posterior_mean(x: Any, a: float, m: float, X: Any) -> Any:
    r"""Mean of the source, a point of ``X``, given ``x = a x_1 + m z``: a softmax, Eq. (3).

    Parameters
    ----------
    x : array-like of shape (B, d)
    a, m : float
        Signal and noise, m > 0.
    X : array-like of shape (n, d)

    Returns
    -------
    array or Tensor of shape (B, d)
        In the kind and precision of ``x``.
    """
    m = check_number(m, "m", low=0, low_open=True)
    dtype = x.dtype if isinstance(x, Tensor) and x.is_floating_point() else torch.float64
    device = x.device if isinstance(x, Tensor) else "cpu"
    queries = as_matrix(x, "x", dtype=dtype, device=device)
    points = as_matrix(X, "X", dtype=dtype, device=device, n_columns=queries.shape[1])
    half = a * points.square().sum(1) / 2
    blocks = queries.split(max(16, TABLE // len(points)))
    # Eq. (3), less the part that is equal for all points
    means = [softmax_rows((b @ points.T - half) * (a / m**2)) @ points for b in blocks]
    mean = torch.cat(means)
    return mean if isinstance(x, Tensor) else mean.numpy()


def marginal_velocity(x: Any, t: float, path: GaussianPath, X: Any) -> Any:
    """Exact velocity of the path for the finite set ``X``, Eq. (2).

    Parameters
    ----------
    x : array-like of shape (B, d)
    t : float
        In [0, 1); times before ``path.t_first`` are taken as that time.
    X : array-like of shape (n, d)
        The data, normalised or not.

    Returns
    -------
    array or Tensor of shape (B, d)

    Raises
    ------
    ValueError
        If t is 1, where the field is singular.
    """
    t = max(check_number(t, "t", low=0, high=1, high_open=True), path.t_first)
    mean = posterior_mean(x, path.alpha(t), path.sigma(t), X)
    u = velocity_from_denoiser(path, torch.as_tensor(x), t, torch.as_tensor(mean))  # Eq. (2)
    return u if isinstance(x, Tensor) else u.numpy()


def direct_kinetic_energy(
    path: GaussianPath,
    X: Any,
    t: Any,
    n_mc: int = 1000,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Mean squared velocity per dimension at drawn points of the path, the integrand of Eq. (4).

    Knows nothing of the data separation; it is what Eq. (6) is checked against.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Normalised data.
    t : array-like of shape (m,)
        Times in [0, 1).

    Returns
    -------
    mean, stderr : ndarray of shape (m,)
    """
    points = as_matrix(X, "X", dtype=torch.float64, min_rows=2)
    n_mc, rng = check_integer(n_mc, "n_mc", low=2), as_rng(random_state)
    rows = []
    for time in np.atleast_1d(np.asarray(t, dtype=np.float64)).tolist():
        x1 = points[torch.from_numpy(rng.integers(len(points), size=n_mc))]
        x0 = torch.from_numpy(rng.standard_normal(tuple(x1.shape)))
        x = path.alpha(time) * x1 + path.sigma(time) * x0  # Eq. (1)
        speed = marginal_velocity(x, time, path, points).square().mean(1)  # Eq. (4)
        rows.append((float(speed.mean()), float(speed.std()) / n_mc**0.5))
    mean, stderr = np.array(rows).T
    return mean, stderr


def transport_floor(
    X: Any, n_fresh: int = 20_000, random_state: int | np.random.Generator | None = None
) -> tuple[float, float]:
    """A lower bound on the energy of any path, Gaussian or not, Eq. (17).

    Solves the assignment of as many noise vectors as there are points exactly (POT), and evaluates
    its dual potential on fresh noise: a bound for the true, semi-discrete problem, whatever the
    sample. It is not tight in high dimension.

    Returns
    -------
    floor, stderr : float
        Per dimension.
    """
    import ot  # slow to import, and for this function alone

    points = as_matrix(X, "X", dtype=torch.float64, min_rows=2).numpy()
    n_fresh, rng = check_integer(n_fresh, "n_fresh", low=2), as_rng(random_state)
    n, d = points.shape
    cost = ot.dist(rng.standard_normal((n, d)), points)
    uniform = np.full(n, 1 / n)
    potential = ot.emd(uniform, uniform, cost, log=True, numItermax=10_000_000)[1]["v"]
    least = np.concatenate(
        [
            (ot.dist(rng.standard_normal((k, d)), points) - potential).min(1)
            for k in (len(part) for part in np.array_split(np.arange(n_fresh), 1 + n_fresh // 500))
        ]
    )
    floor = (least.mean() + potential.mean()) / d  # Eq. (17)
    return float(floor), float(least.std() / n_fresh**0.5 / d)


def _times(n_t: int, cutoff: float) -> Float[np.ndarray, " n"]:
    n_t = check_integer(n_t, "n_t", low=3)
    cutoff = check_number(cutoff, "cutoff", low=0, high=0.1, low_open=True)
    return expit(np.linspace(logit(cutoff), -logit(cutoff), n_t))
