"""The two-Gaussian setting of the theory: data, exact risks, and the two bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2, norm

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number

__all__ = [
    "bound_thm41",
    "bound_thm42",
    "gmm_accuracy",
    "gmm_pair",
    "gmm_robust_risk",
    "label_ceiling",
    "shift_ceiling",
]


def gmm_pair(
    m: int,
    n: int,
    d: int,
    alpha: float,
    mu_norm: float = 1.0,
    sigma: float = 1.0,
    sigma1: float | None = None,
    cov: Any = None,
    random_state: int | np.random.Generator | None = None,
    *,
    mu0: Any = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    r"""Labelled points of one two-Gaussian mixture, unlabelled points of a shifted one, Eq. (8).

    .. math:: X \mid y \sim N(y\mu_0, \sigma_0^2 I),\qquad
              X' \sim \tfrac12 N(\mu_1, \sigma_1^2 I) + \tfrac12 N(-\mu_1, \sigma_1^2 I),\qquad
              \mu_1 = \mu_0 + \alpha v

    with equally likely labels and independent random directions of :math:`\mu_0` and of the unit
    vector v.

    Parameters
    ----------
    m, n : int
        Numbers of labelled (at least 1) and unlabelled points (at least 0).
    d : int
        Dimension.
    alpha : float
        Length of the shift, at least 0. The paper's "different distribution" is half of
        ``mu_norm``.
    mu_norm : float
        Length of mu0; not used if ``mu0`` is given.
    sigma : float
        Standard deviation in every direction.
    sigma1 : float, optional
        That of the unlabelled points, ``sigma`` without one.
    cov : array-like of shape (d, d), optional
        A covariance for both instead of ``sigma**2`` I (unlabelled: times (sigma1/sigma)^2).
    random_state : int, numpy Generator or None
    mu0 : array-like of shape (d,), optional
        A fixed centre.

    Returns
    -------
    X : float32 array of shape (m, d)
    y : int array of shape (m,)
        -1 and +1.
    U : float32 array of shape (n, d)
    mu0, mu1 : float64 arrays of shape (d,)

    Raises
    ------
    TypeError, ValueError
        If a size or a scale is out of range, or ``cov`` is not symmetric positive definite.
    """
    m, n = check_integer(m, "m", low=1), check_integer(n, "n", low=0)
    d = check_integer(d, "d", low=1)
    alpha = check_number(alpha, "alpha", low=0)
    mu_norm = check_number(mu_norm, "mu_norm", low=0)
    sigma = check_number(sigma, "sigma", low=0, low_open=True)
    sigma1 = sigma if sigma1 is None else check_number(sigma1, "sigma1", low=0, low_open=True)
    factor = None if cov is None else np.linalg.cholesky(as_covariance(cov, d)).astype(np.float32)
    rng = as_rng(random_state)
    centre = mu_norm * _unit_vector(d, rng) if mu0 is None else _as_centre(mu0, d)
    # Eq. (8)
    mu1 = centre + alpha * _unit_vector(d, rng)
    y = rng.choice([-1, 1], size=m)
    hidden = rng.choice([-1, 1], size=n)
    X = _noise(m, d, sigma, 1.0, factor, rng)
    U = _noise(n, d, sigma1, sigma1 / sigma, factor, rng)
    X += y[:, None].astype(np.float32) * centre.astype(np.float32)
    U += hidden[:, None].astype(np.float32) * mu1.astype(np.float32)
    return X, y, U, centre, mu1


def gmm_accuracy(
    theta: Any, mu0: Any, sigma0: float = 1.0, cov: Any = None
) -> float | Float[np.ndarray, " B"]:
    r"""Exact accuracy of a linear rule through the origin on the mixture, Eq. (9).

    .. math:: \Phi\Big(\frac{\langle\theta,\mu_0\rangle}{\sqrt{\theta^T\Sigma\theta}}\Big),\qquad
              \Sigma = \sigma_0^2 I \text{ unless given}

    Parameters
    ----------
    theta : array-like of shape (d,) or (B, d)
        One or several directions of any length.
    mu0 : array-like of shape (d,)
    sigma0 : float
        Standard deviation, positive; not used if ``cov`` is given.
    cov : array-like of shape (d, d), optional

    Returns
    -------
    float, or array of shape (B,)
    """
    directions, mean, sd = _projected(theta, mu0, sigma0, cov)
    # Eq. (9)
    return _like(norm.cdf(mean / sd), directions)


def gmm_robust_risk(
    theta: Any, mu0: Any, sigma0: float, gamma: float
) -> float | Float[np.ndarray, " B"]:
    r"""Exact mean of the ramp loss on the isotropic mixture, Eq. (10).

    The margin of a point is :math:`N(a, \sigma_0^2)` with :math:`a = \langle\theta,\mu_0\rangle /
    \|\theta\|`, so with :math:`A = -a/\sigma_0` and :math:`B = (1/\gamma - a)/\sigma_0`

    .. math:: \mathrm E\,\phi_\gamma = \Phi(A) + (1 - \gamma a)\big(\Phi(B) - \Phi(A)\big)
              + \gamma\sigma_0\big(\varphi(B) - \varphi(A)\big).

    Parameters
    ----------
    theta : array-like of shape (d,) or (B, d)
    mu0 : array-like of shape (d,)
    sigma0 : float
    gamma : float
        At least 0; 0 gives 1, since nothing keeps the adversary from moving every point.
    """
    gamma = check_number(gamma, "gamma", low=0)
    directions, mean, sd = _projected(theta, mu0, sigma0, None)
    if gamma == 0:
        return _like(np.ones_like(mean), directions)
    A, B = -mean / sd, (1 / gamma - mean) / sd
    inside = norm.cdf(B) - norm.cdf(A)
    # Eq. (10)
    risk = norm.cdf(A) + (1 - gamma * mean) * inside + gamma * sd * (norm.pdf(B) - norm.pdf(A))
    return _like(risk, directions)


def shift_ceiling(alpha: float, mu_norm: float = 1.0, sigma: float = 1.0) -> float:
    r"""Accuracy on P_0 of the direction of mu1, for a shift orthogonal to mu0, Eq. (11).

    .. math:: \Phi\Big(\frac{\|\mu_0\|^2}{\sigma\sqrt{\|\mu_0\|^2+\alpha^2}}\Big)

    In high dimension a random shift is nearly orthogonal, and this is what unlabelled points alone
    can give, however many there are.
    """
    alpha = check_number(alpha, "alpha", low=0)
    mu_norm = check_number(mu_norm, "mu_norm", low=0, low_open=True)
    sigma = check_number(sigma, "sigma", low=0, low_open=True)
    # Eq. (11)
    return float(norm.cdf(mu_norm**2 / np.hypot(mu_norm, alpha) / sigma))


def label_ceiling(m: int, d: int, mu_norm: float = 1.0, sigma: float = 1.0) -> float:
    r"""Mean accuracy that m labelled points allow, for a centre in an unknown direction, Eq. (23).

    .. math:: \mathrm E\,\Phi\Big(\frac{\|\mu_0\|}\sigma\cos\angle(\bar\theta, \mu_0)\Big),\qquad
              \cos = \frac{\|\mu_0\| + sz}{\sqrt{(\|\mu_0\| + sz)^2 + s^2q}},\quad
              s = \frac\sigma{\sqrt m},\ z\sim N(0, 1),\ q\sim\chi^2_{d-1}

    It is the expected accuracy of the labelled mean :math:`\bar\theta`. If the direction of
    :math:`\mu_0` is uniformly random, the posterior of it falls off with the angle to
    :math:`\bar\theta`, so that no rule is better on average: with m labelled and n in-domain
    unlabelled points, none can exceed the value for m + n labels.

    Parameters
    ----------
    m : int
        At least 1.
    d : int
    mu_norm : float
        Length of the centre, known or not.
    sigma : float

    Returns
    -------
    float
        To about five digits (quadrature).
    """
    m, d = check_integer(m, "m", low=1), check_integer(d, "d", low=1)
    mu_norm = check_number(mu_norm, "mu_norm", low=0)
    s = check_number(sigma, "sigma", low=0, low_open=True) / np.sqrt(m)
    levels = (np.arange(400) + 0.5) / 400
    along = mu_norm + s * norm.ppf(levels)[:, None]
    across = s**2 * chi2.ppf(levels, d - 1) if d > 1 else np.zeros(1)
    # Eq. (23)
    cosine = along / np.sqrt(along**2 + across)
    return float(norm.cdf(mu_norm * cosine / sigma).mean())


def bound_thm41(
    m: Any,
    n: Any,
    d: Any,
    alpha: Any,
    gamma: float,
    mu0_norm: float = 1.0,
    sigma0: float = 1.0,
    delta: float = 0.05,
) -> Any:
    r"""Excess robust risk allowed by Theorem 4.1, its unknown constant set to 1, Eq. (12).

    .. math:: \gamma\sqrt{\frac{2d}m\Big(\alpha(\|\mu_0\|^2+\sigma_0^2) + \sqrt{\frac{2d}{2n+m}}
              + \sqrt{\frac{2\log(1/\delta)}{2n+m}}\Big)} + \sqrt{\frac{2\log(1/\delta)}m}

    Parameters
    ----------
    m, n, d, alpha : float or array
        Labelled and unlabelled points, dimension, size of the shift; arrays are broadcast.
    gamma : float
    mu0_norm, sigma0 : float
    delta : float
        Probability of failure, in (0, 1).

    Returns
    -------
    float, or array
        The order of the excess, not a guarantee: the theorem hides a constant. Its terms agree in
        their units only if lengths are measured so that the centre and the spread are of order one.
    """
    m, n, d, alpha, log_term = _bound_arguments(m, n, d, alpha, delta)
    gamma = check_number(gamma, "gamma", low=0)
    check_number(mu0_norm, "mu0_norm", low=0)
    check_number(sigma0, "sigma0", low=0)
    total = 2 * n + m
    shift = alpha * (mu0_norm**2 + sigma0**2)
    # Eq. (12)
    inside = 2 * d / m * (shift + np.sqrt(2 * d / total) + np.sqrt(log_term / total))
    return _plain(gamma * np.sqrt(inside) + np.sqrt(log_term / m))


def bound_thm42(
    m: Any,
    n: Any,
    d: Any,
    alpha: Any,
    mu0_norm: float = 1.0,
    sigma0: float = 1.0,
    mu1_norm: float | None = None,
    sigma1: float | None = None,
    delta: float = 0.05,
) -> Any:
    r"""Excess error allowed by Theorem 4.2, its unknown constant set to 1, Eq. (13).

    .. math:: \frac{e^{-\|\mu_0\|^2/4\sigma_0^2}}{\sqrt{2\sigma_0\sqrt{2\pi}}}
              \Big((\|\mu_1\|^2+\sigma_1^2)\frac{2d\alpha}m
              + \frac{4d}m\sqrt{\frac{2d+2\log(1/\delta)}{2n+m}}\Big)^{1/4}
              + \sqrt{\frac{2\log(1/\delta)}m}

    Parameters
    ----------
    m, n, d, alpha : float or array
        As for `bound_thm41`.
    mu0_norm, sigma0 : float
        ``sigma0`` is positive.
    mu1_norm, sigma1 : float, optional
        Those of the unlabelled points; without them those of the labelled ones.
    delta : float

    Returns
    -------
    float, or array
        The order of the excess, as for `bound_thm41`. Without unlabelled points it is of the order
        :math:`(d/m)^{3/8}`, weaker than the :math:`(d/m)^{1/2}` of labels alone.
    """
    m, n, d, alpha, log_term = _bound_arguments(m, n, d, alpha, delta)
    mu0_norm = check_number(mu0_norm, "mu0_norm", low=0)
    sigma0 = check_number(sigma0, "sigma0", low=0, low_open=True)
    mu1_norm = mu0_norm if mu1_norm is None else check_number(mu1_norm, "mu1_norm", low=0)
    sigma1 = sigma0 if sigma1 is None else check_number(sigma1, "sigma1", low=0)
    front = np.exp(-(mu0_norm**2) / (4 * sigma0**2)) / np.sqrt(2 * sigma0 * np.sqrt(2 * np.pi))
    shift = (mu1_norm**2 + sigma1**2) * 2 * d * alpha / m
    sampling = 4 * d / m * np.sqrt((2 * d + log_term) / (2 * n + m))
    # Eq. (13)
    return _plain(front * (shift + sampling) ** 0.25 + np.sqrt(log_term / m))


def as_covariance(cov: Any, d: int, name: str = "cov") -> Float[np.ndarray, "d d"]:
    """Check that ``cov`` is a symmetric positive definite (d, d) matrix."""
    array = np.asarray(cov)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if array.shape != (d, d):
        raise ValueError(f"{name} must have shape ({d}, {d}), got {array.shape}")
    if not np.isfinite(array).all() or not np.allclose(array, array.T):
        raise ValueError(f"{name} must be finite and symmetric")
    if (smallest := float(np.linalg.eigvalsh(array)[0])) <= 0:
        raise ValueError(f"{name} must be positive definite, got the eigenvalue {smallest:.3g}")
    return array


def _unit_vector(d: int, rng: np.random.Generator) -> Float[np.ndarray, " d"]:
    v = rng.standard_normal(d)
    return v / np.linalg.norm(v)


def _noise(
    rows: int,
    d: int,
    sigma: float,
    ratio: float,
    factor: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    noise = rng.standard_normal((rows, d), dtype=np.float32)
    if factor is None:
        return noise * np.float32(sigma)
    return noise @ factor.T * np.float32(ratio)


def _as_centre(mu0: Any, d: int) -> Float[np.ndarray, " d"]:
    centre = _as_numbers(mu0, "mu0")
    if centre.shape != (d,):
        raise ValueError(f"mu0 must have shape ({d},), got {centre.shape}")
    return centre


def _as_numbers(x: Any, name: str) -> np.ndarray:
    array = x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array.astype(np.float64)


def _projected(
    theta: Any, mu0: Any, sigma0: float, cov: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rules, and mean and standard deviation of y <theta, X> / |theta| under each."""
    directions, mu0 = _as_numbers(theta, "theta"), _as_numbers(mu0, "mu0")
    if mu0.ndim != 1 or directions.ndim not in (1, 2) or directions.shape[-1] != len(mu0):
        raise ValueError(
            "theta and mu0 must have shapes (d,) or (B, d) and (d,), got "
            f"{directions.shape} and {mu0.shape}"
        )
    unit = np.atleast_2d(directions)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    if not (length > 0).all():
        raise ValueError("theta must not be zero: a direction is wanted")
    unit = unit / length
    if cov is None:
        sd = np.full(len(unit), check_number(sigma0, "sigma0", low=0, low_open=True))
    else:
        sd = np.sqrt(((unit @ as_covariance(cov, len(mu0))) * unit).sum(1))
    return directions, unit @ mu0, sd


def _like(values: np.ndarray, directions: np.ndarray) -> Any:
    return float(values[0]) if directions.ndim == 1 else values


def _bound_arguments(
    m: Any, n: Any, d: Any, alpha: Any, delta: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    delta = check_number(delta, "delta", low=0, high=1, low_open=True, high_open=True)
    arrays = []
    for value, name, low in ((m, "m", 1), (n, "n", 0), (d, "d", 1), (alpha, "alpha", 0)):
        array = _as_numbers(value, name)
        if (array < low).any():
            raise ValueError(f"{name} must be >= {low}, got {value!r}")
        arrays.append(array)
    return (*arrays, 2 * np.log(1 / delta))


def _plain(values: Any) -> Any:
    return float(values) if np.ndim(values) == 0 else values
