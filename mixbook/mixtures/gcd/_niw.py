"""Marginal likelihood of a Gaussian cluster under its conjugate prior, and the Hastings ratios."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_triangular
from scipy.special import digamma, gammaln, multigammaln

from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.gcd._checks import as_labelled, as_points

__all__ = [
    "NIWPrior",
    "critical_separation",
    "log_merge_ratio",
    "log_split_ratio",
    "mixing_weights",
    "within_class_variance",
]


class NIWPrior:
    r"""Normal-inverse-Wishart prior of the mean and covariance of a Gaussian in d dimensions.

    .. math:: \Sigma \sim IW(\nu_0, \Psi_0), \qquad \mu \mid \Sigma \sim N(m_0, \Sigma / \kappa_0)

    Parameters
    ----------
    m0 : array-like of shape (d,)
    kappa0 : float
        Weight of ``m0`` in points, positive.
    nu0 : float
        Degrees of freedom, above d - 1.
    Psi0 : array-like of shape (d, d)
        Scale, positive definite. The prior mean of the covariance is ``Psi0 / (nu0 - d - 1)``.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.
    """

    def __init__(self, m0: Any, kappa0: float, nu0: float, Psi0: Any) -> None:
        self.m0 = as_points(np.atleast_2d(np.asarray(m0)), "m0")[0]
        d = len(self.m0)
        self.kappa0 = check_number(kappa0, "kappa0", low=0, low_open=True)
        self.nu0 = check_number(nu0, "nu0", low=d - 1, low_open=True)
        self.Psi0 = as_points(Psi0, "Psi0", d, min_rows=d)
        if self.Psi0.shape != (d, d) or not np.allclose(self.Psi0, self.Psi0.T):
            raise ValueError(f"Psi0 must be symmetric of shape ({d}, {d})")
        if (smallest := float(np.linalg.eigvalsh(self.Psi0)[0])) <= 0:
            raise ValueError(f"Psi0 must be positive definite, got the eigenvalue {smallest:.3g}")

    @classmethod
    def from_data(
        cls, X: Any, kappa0: float = 1e-4, nu0: float | None = None, scale: float = 0.005
    ) -> NIWPrior:
        """Prior around the mean of the data with ``Psi0 = scale * I`` and ``nu0 = d + 2``.

        With the default ``nu0`` the prior mean of the covariance is ``scale * I``, so that
        ``scale`` is the variance within a cluster that one expects in each coordinate.
        """
        points = as_points(X, "X")
        d = points.shape[1]
        scale = check_number(scale, "scale", low=0, low_open=True)
        return cls(points.mean(0), kappa0, d + 2 if nu0 is None else nu0, scale * np.eye(d))

    @cached_property
    def _factor(self) -> Float[np.ndarray, "d d"]:
        return np.linalg.cholesky(self.Psi0)

    @cached_property
    def _log_det_psi0(self) -> float:
        return 2 * float(np.log(np.diag(self._factor)).sum())

    def log_marginal(self, X: Any) -> float:
        r"""Log of the density of the points with mean and covariance integrated out, Eq. (4).

        Costs O(n d min(n, d)) besides whitening by the prior: the determinant is taken of an
        (n + 1, n + 1) matrix where there are fewer points than dimensions.
        """
        X = as_points(X, "X", len(self.m0))
        n, d = X.shape
        mean = X.mean(0)
        # Eq. (3)
        kappa, nu = self.kappa0 + n, self.nu0 + n
        pull = math.sqrt(self.kappa0 * n / kappa) * (mean - self.m0)
        rows = np.vstack([X - mean, pull])  # Psi* = Psi0 + rows' rows
        white = solve_triangular(self._factor, rows.T, lower=True)
        log_det = self._log_det_psi0 + _log_det_one_plus(white)
        # Eq. (4)
        return float(
            -0.5 * n * d * math.log(math.pi)
            + multigammaln(nu / 2, d)
            - multigammaln(self.nu0 / 2, d)
            + 0.5 * self.nu0 * self._log_det_psi0
            - 0.5 * nu * log_det
            + 0.5 * d * (math.log(self.kappa0) - math.log(kappa))
        )

    def posterior(self, X: Any) -> dict[str, Any]:
        """Parameters of the posterior and its mode, Eqs. (3) and (5).

        Returns
        -------
        dict
            ``m``, ``kappa``, ``nu``, ``Psi`` of the posterior; ``mean`` and ``covariance``, the
            joint mode.
        """
        X = as_points(X, "X", len(self.m0))
        n, d = X.shape
        mean = X.mean(0)
        kappa, nu = self.kappa0 + n, self.nu0 + n
        away = mean - self.m0
        Psi = self.Psi0 + (X - mean).T @ (X - mean)
        Psi = Psi + self.kappa0 * n / kappa * np.outer(away, away)
        # Eq. (5)
        m = (n * mean + self.kappa0 * self.m0) / kappa
        covariance = Psi / (nu + d + 2)
        return {"m": m, "kappa": kappa, "nu": nu, "Psi": Psi, "mean": m, "covariance": covariance}


def _log_det_one_plus(white: Float[np.ndarray, "d n"]) -> float:
    """Log-determinant of I + W W', by I + W' W where that is smaller."""
    gram = white @ white.T if white.shape[0] <= white.shape[1] else white.T @ white
    gram[np.diag_indices_from(gram)] += 1
    return 2 * float(np.log(np.diag(np.linalg.cholesky(gram))).sum())


def log_split_ratio(X1: Any, X2: Any, prior: NIWPrior, alpha: float = 1.0) -> float:
    r"""Log of the Hastings ratio for splitting one cluster into these two, Eq. (6).

    .. math:: H_s = \log\alpha + \log\Gamma(N_1) + \log p(X_1) + \log\Gamma(N_2) + \log p(X_2)
                    - \log\Gamma(N) - \log p(X_1 \cup X_2)

    Parameters
    ----------
    X1, X2 : array-like of shapes (n1, d) and (n2, d)
        At least one point each.
    prior : NIWPrior
    alpha : float
        Concentration of the Dirichlet process, positive; larger values favour more clusters.
    """
    if not isinstance(prior, NIWPrior):
        raise TypeError(f"prior must be a NIWPrior, got {type(prior).__name__}")
    alpha = check_number(alpha, "alpha", low=0, low_open=True)
    X1, X2 = as_points(X1, "X1"), as_points(X2, "X2")
    both = np.vstack([X1, as_points(X2, "X2", X1.shape[1])])
    parts = [gammaln(len(X)) + prior.log_marginal(X) for X in (X1, X2, both)]
    # Eq. (6)
    return float(math.log(alpha) + parts[0] + parts[1] - parts[2])


def log_merge_ratio(X1: Any, X2: Any, prior: NIWPrior, alpha: float = 1.0) -> float:
    """Log of the Hastings ratio for merging two clusters, Eq. (7): minus that of the split."""
    # Eq. (7)
    return -log_split_ratio(X1, X2, prior, alpha)


def mixing_weights(counts: Any, concentration: float = 0.1) -> Float[np.ndarray, " k"]:
    """Mixing proportions of the components, smoothed by a Dirichlet prior, Eq. (16).

    Parameters
    ----------
    counts : array-like of shape (k,)
        Points in each component, not all zero.
    concentration : float
        Added to each *share*, as the authors' program does.
    """
    c = as_points(np.atleast_2d(np.asarray(counts)), "counts")[0]
    if (c < 0).any() or c.sum() == 0:
        raise ValueError("counts must be non-negative and not all zero")
    a = check_number(concentration, "concentration", low=0)
    # Eq. (16)
    raised = c / c.sum() + a
    return raised / raised.sum()


def within_class_variance(X_l: Any, y_l: Any) -> float:
    """Variance within the labelled classes, pooled and averaged over the coordinates, Eq. (8).

    Raises
    ------
    ValueError
        If there are no more points than classes, or no spread within any class.
    """
    X = as_points(X_l, "X_l")
    X, codes, classes = as_labelled(X, y_l, X.shape[1])
    if len(X) <= len(classes):
        raise ValueError("X_l must hold a class with two points or more")
    means = np.array([X[codes == c].mean(0) for c in range(len(classes))])
    # Eq. (8)
    variance = float(((X - means[codes]) ** 2).sum() / (X.shape[1] * (len(X) - len(classes))))
    if variance == 0:
        raise ValueError("X_l has no spread within its classes")
    return variance


def critical_separation(n: int, d: int, kappa0: float = 1e-4, *, leading: bool = False) -> float:
    r"""Distance from which two unit spheres of n points each are worth two components, Eq. (15).

    Where :math:`H_s` of Eq. (6) is zero for a prior with the right scale, :math:`\Psi_0 = I` and
    :math:`\nu_0 = d + 2`, and every log-determinant at its expectation under the Wishart
    distribution, :math:`E\log|W_m| = d\log 2 + \sum_{i<d} \psi((m - i) / 2) =: \lambda_m`:

    .. math:: (n + \tfrac{\nu_0}{2}) \log(1 + s^2/4)
        = \log\frac{\Gamma(2n)}{\Gamma(n)^2}
        + \tfrac d2 \log\frac{(\kappa_0 + n)^2}{\kappa_0 (\kappa_0 + 2n)}
        + \log\frac{\Gamma_d(\nu_0/2 + n)\, \Gamma_d(\nu_0/2)}{\Gamma_d((\nu_0 + n)/2)^2}
        + (\nu_0 + n) \lambda_n - (\tfrac{\nu_0}{2} + n) \lambda_{2n}

    Parameters
    ----------
    n, d : int
        Points in each sphere, and dimensions.
    kappa0 : float
    leading : bool
        Keep the leading terms for many points only, Eq. (19):

        .. math:: n \log(1 + s^2/4) = 2 n \log 2 + \tfrac{d (d + 3)}{4} \log n
                  - \tfrac{d}{2} \log \kappa_0

    Returns
    -------
    float
        In standard deviations.
    """
    n, d = check_integer(n, "n", low=2), check_integer(d, "d", low=1)
    kappa0 = check_number(kappa0, "kappa0", low=0, low_open=True)
    if leading:
        # Eq. (19)
        cost = 2 * n * math.log(2) + d * (d + 3) / 4 * math.log(n) - d / 2 * math.log(kappa0)
        return 2 * math.sqrt(math.expm1(cost / n))
    if n < d:
        raise ValueError(f"n must be at least d = {d} unless leading=True, got {n}")
    nu = d + 2
    sizes = gammaln(2 * n) - 2 * gammaln(n)
    mean = d / 2 * math.log((kappa0 + n) ** 2 / (kappa0 * (kappa0 + 2 * n)))
    covariance = multigammaln(nu / 2 + n, d) + multigammaln(nu / 2, d)
    covariance -= 2 * multigammaln((nu + n) / 2, d)
    covariance += (nu + n) * _mean_log_det(n, d) - (nu / 2 + n) * _mean_log_det(2 * n, d)
    # Eq. (15)
    return 2 * math.sqrt(math.expm1((sizes + mean + covariance) / (n + nu / 2)))


def _mean_log_det(m: int, d: int) -> float:
    """Expected log-determinant of a Wishart matrix with identity scale and m degrees of freedom."""
    return d * math.log(2) + float(digamma((m - np.arange(d)) / 2).sum())
