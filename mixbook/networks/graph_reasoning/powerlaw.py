"""Is a degree distribution a power law? A fit, a test of the fit, and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.integrate import simpson
from scipy.optimize import minimize, minimize_scalar
from scipy.special import erfc, ndtr, zeta

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer

__all__ = ["ALTERNATIVES", "goodness_of_fit", "power_law_fit", "sample_power_law"]

ALTERNATIVES = ("exponential", "lognormal", "stretched_exponential", "truncated_power_law")
STEEPEST = 20.0

LogMass = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # (parameters, x, xmin) -> log p(x)


def power_law_fit(
    degrees: Any, xmin: int | None = None, against: Collection[str] = ALTERNATIVES
) -> dict[str, Any]:
    """Fit a discrete power law to the tail of a sample, and compare it with other laws.

    ``p(x) = x^-alpha / zeta(alpha, xmin)`` for x >= xmin; alpha by maximum likelihood, xmin where
    the fit is nearest to the data in the distance of Kolmogorov and Smirnov (Clauset, Shalizi and
    Newman 2009).

    Parameters
    ----------
    degrees : array-like of int, shape (n,)
        Zeros are left out.
    xmin : int, optional
        Fix where the tail begins.
    against : collection of str
        Which of :data:`ALTERNATIVES` to compare with, besides the exponential.

    Returns
    -------
    dict
        alpha, sigma (standard error (alpha - 1) / sqrt(n_tail)), xmin, ks, n_tail; R and p: the
        normalised log-likelihood ratio to an exponential, positive where the power law fits better,
        and its two-sided p-value (Vuong); scale_free: R > 0 and p < 0.05, the paper's rule;
        alternatives: law -> (R, p) for each law asked for. The truncated power law
        contains the power law, so its R is at most 0, and its p is that of the likelihood-ratio
        test with one degree of freedom.

    Raises
    ------
    TypeError, ValueError
        If the degrees are no integers >= 0, or the tail has fewer than two different values.
    """
    x = _check_degrees(degrees)
    if xmin is not None:
        check_integer(xmin, "xmin", low=1)
    for law in against:
        check_choice(law, "against", ALTERNATIVES)
    xmin, alpha, ks = _best_tail(x, xmin)
    values, counts = np.unique(x[x >= xmin], return_counts=True)
    n = int(counts.sum())
    log_power = _log_power(np.array([alpha]), values, xmin)
    laws = [law for law in ALTERNATIVES if law in {"exponential", *against}]
    compared = {law: _compare(law, log_power, values, counts, xmin, alpha) for law in laws}
    R, p = compared["exponential"]
    return {
        "alpha": alpha,
        # Eq. (16)
        "sigma": (alpha - 1) / n**0.5,
        "xmin": xmin,
        "ks": ks,
        "n_tail": n,
        "R": R,
        "p": p,
        "scale_free": bool(R > 0 and p < 0.05),
        "alternatives": compared,
    }


def goodness_of_fit(degrees: Any, repeats: int = 100, random_state: Any = None) -> dict[str, float]:
    """Could the tail come from a power law at all? Draw samples that do, and fit each anew.

    Each sample has as many values as the data: with the share that the data have in the tail, a
    draw from the fitted law; else one of the data's values below xmin.

    Parameters
    ----------
    degrees : array-like of int, shape (n,)
    repeats : int
    random_state : int, Generator or None

    Returns
    -------
    dict
        p: share of samples that are farther from their fit than the data are from theirs; a power
        law is ruled out where it is small (Clauset et al. take 0.1). ks: the data's distance.
    """
    x, rng = _check_degrees(degrees), as_rng(random_state)
    check_integer(repeats, "repeats", low=1)
    xmin, alpha, ks = _best_tail(x, None)
    body, n_tail = x[x < xmin], int((x >= xmin).sum())
    farther = 0
    for _ in range(repeats):
        k = rng.binomial(len(x), n_tail / len(x)) if len(body) else len(x)
        low = rng.choice(body, len(x) - k) if len(body) else body
        sample = np.concatenate([low, sample_power_law(k, alpha, xmin, rng)])
        farther += _best_tail(sample, None)[2] >= ks
    return {"p": farther / repeats, "ks": ks}


def sample_power_law(
    size: int, alpha: float, xmin: int = 1, random_state: Any = None
) -> Int[np.ndarray, " n"]:
    """Draw from the discrete power law, by bisection of its tail probabilities.

    Values above 2^40 come out as that.
    """
    check_integer(size, "size", low=0)
    check_integer(xmin, "xmin", low=1)
    tail = as_rng(random_state).random(size)  # P(X >= x) > tail has its largest x here
    low, high = np.full(size, xmin, dtype=np.int64), np.full(size, xmin + 1, dtype=np.int64)
    total = zeta(alpha, xmin)
    while (open_ := (zeta(alpha, high) / total > tail) & (high < 2**40)).any():
        low[open_] = high[open_]
        high[open_] *= 2
    while (high - low > 1).any():
        middle = (low + high) // 2
        above = zeta(alpha, middle) / total > tail
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low


def _check_degrees(degrees: Any) -> Int[np.ndarray, " n"]:
    x = np.asarray(list(degrees) if not isinstance(degrees, np.ndarray) else degrees)
    if x.ndim != 1 or x.dtype.kind not in "iuf" or (x != np.floor(x)).any():
        raise TypeError(f"degrees must be a list of whole numbers, got dtype {x.dtype}")
    if (x < 0).any():
        raise ValueError(f"degrees must be >= 0, got {x.min()}")
    x = x[x > 0].astype(np.int64)
    if len(np.unique(x)) < 2:
        raise ValueError("degrees must hold at least two different values > 0")
    return x


def _best_tail(x: Int[np.ndarray, " n"], xmin: int | None) -> tuple[int, float, float]:
    """(xmin, alpha, KS distance) of the tail that a power law fits best."""
    values, counts = np.unique(x, return_counts=True)
    starts = range(len(values) - 1) if xmin is None else [int(np.searchsorted(values, xmin))]
    best: tuple[int, float, float] | None = None
    for k in starts:
        if len(values) - k < 2:
            raise ValueError(f"degrees must hold two different values >= xmin = {xmin}")
        start = int(values[k]) if xmin is None else xmin
        alpha = _alpha(values[k:], counts[k:], start)
        ks = _distance(values[k:], counts[k:], start, alpha)
        if best is None or ks < best[2]:
            best = start, alpha, ks
    assert best is not None
    return best


def _alpha(values: np.ndarray, counts: np.ndarray, xmin: int) -> float:
    """Maximum likelihood: the root of d/da [a sum log x + n log zeta(a, xmin)]."""
    mean_log = float(counts @ np.log(values) / counts.sum())
    # Eq. (14)
    loss = lambda a: a * mean_log + np.log(zeta(a, xmin))  # noqa: E731
    found = minimize_scalar(loss, bounds=(1 + 1e-6, STEEPEST), method="bounded")
    return float(found.x)


def _distance(values: np.ndarray, counts: np.ndarray, xmin: int, alpha: float) -> float:
    """Largest gap between the two distribution functions, at the values of the sample."""
    empirical = np.cumsum(counts) / counts.sum()
    # Eq. (15)
    return float(np.abs(empirical - (1 - zeta(alpha, values + 1) / zeta(alpha, xmin))).max())


def _compare(
    law: str, log_power: np.ndarray, values: np.ndarray, counts: np.ndarray, xmin: int, alpha: float
) -> tuple[float, float]:
    """Normalised log-likelihood ratio and p-value of the power law against another law."""
    log_mass, starts = _laws(values, counts, xmin, alpha)[law]
    theta = _fit_law(log_mass, starts, values, counts, xmin)
    with np.errstate(over="ignore"):  # a stretched exponential may come near a power law: b -> 0
        gain = log_power - log_mass(theta, values, xmin)
    n, total = counts.sum(), float(counts @ gain)
    spread = float(np.sqrt(max(counts @ gain**2 / n - (total / n) ** 2, 0.0)))
    # Eq. (17)
    R = total / (spread * n**0.5) if spread > 1e-12 else 0.0
    if law == "truncated_power_law":  # nested: twice the gain is chi-squared
        return min(R, 0.0), float(erfc(max(-total, 0.0) ** 0.5))
    return R, float(erfc(abs(R) / 2**0.5))


def _laws(values: np.ndarray, counts: np.ndarray, xmin: int, alpha: float) -> dict[str, Any]:
    """Law -> (log mass, starting points); scales are logged so that they stay positive."""
    mean = float(counts @ values / counts.sum())
    logs = np.log(values)
    centre = float(counts @ logs / counts.sum())
    width = float(np.sqrt(counts @ (logs - centre) ** 2 / counts.sum()))
    rate = np.log1p(1 / (mean - xmin)) if mean > xmin else 1.0
    return {
        "exponential": (_log_exponential, [[np.log(rate)]]),
        "lognormal": (_log_lognormal, [[centre, np.log(width)], [-2.0, np.log(2 * width)]]),
        "stretched_exponential": (
            _log_stretched,
            [[np.log(rate), 0.0], [np.log(max(alpha - 1, 0.1)), -1.0]],
        ),
        "truncated_power_law": (_log_truncated, [[alpha, np.log(0.1 / mean)], [1.0, np.log(rate)]]),
    }


def _fit_law(
    log_mass: LogMass, starts: Sequence, values: np.ndarray, counts: np.ndarray, xmin: int
) -> Float[np.ndarray, " k"]:
    def loss(theta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            total = float(counts @ log_mass(theta, values, xmin))
        return -total if np.isfinite(total) else 1e12

    options = {"xatol": 1e-6, "fatol": 1e-8, "maxiter": 2000}
    tried = [minimize(loss, start, method="Nelder-Mead", options=options) for start in starts]
    return min(tried, key=lambda result: result.fun).x


def _log_power(theta: np.ndarray, x: np.ndarray, xmin: int) -> np.ndarray:
    return -theta[0] * np.log(x) - np.log(zeta(theta[0], xmin))


def _log_exponential(theta: np.ndarray, x: np.ndarray, xmin: int) -> np.ndarray:
    """(1 - e^-r) e^(-r (x - xmin))."""
    rate = np.exp(theta[0])
    # Eq. (18)
    return np.log(-np.expm1(-rate)) - rate * (x - xmin)


def _log_lognormal(theta: np.ndarray, x: np.ndarray, xmin: int) -> np.ndarray:
    """Lognormal mass between x - 1/2 and x + 1/2, of the mass above xmin - 1/2."""
    z = lambda y: (theta[0] - np.log(y)) / np.exp(theta[1])  # noqa: E731
    return np.log(ndtr(z(x - 0.5)) - ndtr(z(x + 0.5))) - np.log(ndtr(z(xmin - 0.5)))


def _log_stretched(theta: np.ndarray, x: np.ndarray, xmin: int) -> np.ndarray:
    """Mass between x - 1/2 and x + 1/2 under the tail e^-(r x)^b, of that above xmin - 1/2."""
    rate, b = np.exp(theta)
    tail = lambda y: (rate * y) ** b  # noqa: E731
    start = tail(xmin - 0.5)
    return start - tail(x - 0.5) + np.log(-np.expm1(tail(x - 0.5) - tail(x + 0.5)))


def _log_truncated(theta: np.ndarray, x: np.ndarray, xmin: int) -> np.ndarray:
    """x^-a e^(-r x), over its sum from xmin on (far terms as an integral over log x)."""
    a, rate = theta[0], np.exp(theta[1])
    log_mass = lambda y: -a * np.log(y) - rate * y  # noqa: E731
    near = np.arange(xmin, xmin + 1000)
    start = near[-1] + 0.5
    far = np.linspace(np.log(start), max(np.log(start), np.log(745 / rate)) + 1, 801)
    total = np.exp(log_mass(near)).sum() + simpson(np.exp(log_mass(np.exp(far)) + far), x=far)
    return log_mass(x) - np.log(total)
