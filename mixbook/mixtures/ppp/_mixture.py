"""Gaussian mixtures for weighted points and for micro-clusters, and the test that uses them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mixbook.core.gaussians import component_log_prob, log_sum_exp
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.ppp._checks import as_partition, as_points, as_scatters, as_weights

__all__ = ["Mixture", "Validation", "gmm_bic", "n_parameters", "validate_partition"]
__all__ += ["weighted_gmm_em"]

COVARIANCES = ("full", "diag")


@dataclass(frozen=True, eq=False)
class Mixture:
    """A fitted Gaussian mixture.

    Attributes
    ----------
    weights : array of shape (k,)
    means : array of shape (k, p)
    covariances : array of shape (k, p, p), or (k, p) for diagonal ones
    bounds : array of shape (n_iter,)
        The bound, Eq. (6), at the start of each iteration; for points it is the log-likelihood.
    proba : array of shape (M, k)
        Posterior of each row, Eq. (4), at the final parameters.
    """

    weights: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k p"]
    covariances: Float[np.ndarray, "k p p"] | Float[np.ndarray, "k p"]
    bounds: Float[np.ndarray, " n_iter"]
    proba: Float[np.ndarray, "M k"]

    @property
    def covariance_type(self) -> str:
        """``"full"`` or ``"diag"``."""
        return "full" if self.covariances.ndim == 3 else "diag"

    def log_joint(
        self, C: Float[np.ndarray, "M p"], scatters: Float[np.ndarray, "M p p"] | None = None
    ) -> Float[np.ndarray, "M k"]:
        r"""Log weight plus the mean log-density of the points of each row.

        .. math:: \log w_k + \log N(c_m\mid\mu_k, \Sigma_k)
                  - \tfrac12\mathrm{tr}\,\Sigma_k^{-1} S_m
        """
        means, covs = torch.from_numpy(self.means), torch.from_numpy(self.covariances)
        log_prob = component_log_prob(torch.from_numpy(C), means, covs)
        with np.errstate(divide="ignore"):  # a component of weight zero
            joint = log_prob.numpy() + np.log(self.weights)
        # Eq. (4)
        return joint if scatters is None else joint - 0.5 * _traces(self.covariances, scatters)


def _traces(covariances: np.ndarray, scatters: np.ndarray) -> Float[np.ndarray, "M k"]:
    M = len(scatters)
    if covariances.ndim == 2:
        return np.diagonal(scatters, axis1=1, axis2=2) @ (1 / covariances).T
    inverse = np.linalg.inv(covariances)
    return scatters.reshape(M, -1) @ inverse.reshape(len(inverse), -1).T


def weighted_gmm_em(
    C: Any,
    counts: Any = None,
    scatters: Any = None,
    k: int = 2,
    init: Any = None,
    *,
    covariance_type: str = "full",
    reg: float = 1e-4,
    max_iter: int = 100,
    tol: float = 1e-5,
) -> Mixture:
    r"""EM for a Gaussian mixture on points, weighted points or micro-clusters.

    Micro-cluster m stands for :math:`n_m` points with mean :math:`c_m` and scatter
    :math:`S_m = \frac1{n_m}\sum(x-c_m)(x-c_m)^\top`, which share one posterior. EM then maximises

    .. math:: \sum_m n_m \log\sum_k w_k N(c_m\mid\mu_k,\Sigma_k)\,
              e^{-\frac12\mathrm{tr}\,\Sigma_k^{-1}S_m}

    which by Jensen's inequality is at most the log-likelihood of the points, and equal to it if
    there is one component.

    Parameters
    ----------
    C : array-like of shape (M, p)
        Centroids, or points.
    counts : array-like of shape (M,), optional
        n_m > 0, default 1.
    scatters : array-like of shape (M, p, p), optional
        S_m, default 0.
    k : int
        Number of components.
    init : int array-like of shape (M,)
        A partition 0 ... k - 1; the first M-step uses it as posterior. May be left out for k = 1.
    covariance_type : {"full", "diag"}
    reg : float
        Added to the variances in each M-step.
    max_iter, tol : int, float
        Stop after so many iterations, or when the bound gains less than ``tol`` a point.

    Returns
    -------
    Mixture

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    C = as_points(C, "C")
    M, p = C.shape
    n, S = as_weights(counts, M, "counts"), as_scatters(scatters, M, p)
    k = check_integer(k, "k", low=1, high=M)
    labels = as_partition(np.zeros(M, int) if init is None else init, M, "init")
    if labels.max() + 1 != k:
        raise ValueError(f"init must hold k = {k} groups, got {labels.max() + 1}")
    check_choice(covariance_type, "covariance_type", COVARIANCES)
    check_number(reg, "reg", low=0)
    check_integer(max_iter, "max_iter", low=1)
    check_number(tol, "tol", low=0)
    return _em(C, n, S, labels, k, covariance_type, reg, max_iter, tol)


def _em(
    C: np.ndarray,
    n: np.ndarray,
    S: np.ndarray | None,
    labels: np.ndarray,
    k: int,
    covariance_type: str,
    reg: float,
    max_iter: int = 100,
    tol: float = 1e-5,
) -> Mixture:
    proba = (labels[:, None] == np.arange(k)).astype(np.float64)
    bounds: list[float] = []
    for _ in range(max_iter):
        fitted = _m_step(C, n, S, proba, covariance_type, reg)
        joint = torch.from_numpy(fitted.log_joint(C, S))
        evidence = log_sum_exp(joint, dim=1)
        proba = _normalised(joint, evidence)
        # Eq. (6)
        bounds.append(float(n @ evidence.numpy()))
        if k == 1 or (len(bounds) > 1 and bounds[-1] - bounds[-2] < tol * n.sum()):
            break
    return replace(fitted, bounds=np.array(bounds), proba=proba)


def _normalised(joint: Tensor, evidence: Tensor) -> Float[np.ndarray, "M k"]:
    return np.exp((joint - evidence[:, None]).numpy())


def _m_step(
    C: np.ndarray,
    n: np.ndarray,
    S: np.ndarray | None,
    proba: np.ndarray,
    covariance_type: str,
    reg: float,
) -> Mixture:
    weight = n[:, None] * proba
    N = weight.sum(0).clip(min=1e-10)
    means = weight.T @ C / N[:, None]
    # Eq. (5)
    if covariance_type == "diag":
        spread = [w @ (C - mu) ** 2 for w, mu in zip(weight.T, means)]
        covs = np.array(spread) / N[:, None] + reg
        if S is not None:
            covs += weight.T @ np.diagonal(S, axis1=1, axis2=2) / N[:, None]
    else:
        scatter = [(w * (C - mu).T) @ (C - mu) for w, mu in zip(weight.T, means)]
        covs = np.array(scatter) / N[:, None, None] + reg * np.eye(C.shape[1])
        if S is not None:
            flat = weight.T @ S.reshape(len(S), -1) / N[:, None]
            covs += flat.reshape(covs.shape)
    return Mixture(N / N.sum(), means, covs, np.zeros(0), proba)


def n_parameters(k: int, p: int, covariance_type: str) -> int:
    """Free parameters of a mixture of k components in p dimensions."""
    one = p * (p + 1) // 2 if covariance_type == "full" else p
    return k - 1 + k * p + k * one


def gmm_bic(mixture: Mixture, n: float) -> float:
    r"""Bayesian information criterion, smaller is better: :math:`-2\log L + d\log n`."""
    k, p = mixture.means.shape
    d = n_parameters(k, p, mixture.covariance_type)
    # Eq. (7)
    return -2 * float(mixture.bounds[-1]) + d * math.log(n)


@dataclass(frozen=True, eq=False)
class Validation:
    """What a mixture says about a partition.

    Attributes
    ----------
    gain : float
        BIC of one Gaussian less BIC of the mixture, Eq. (8).
    agreement : float
        Share of points that keep their label with a posterior of at least tau, Eq. (9).
    proba : array of shape (n, k)
        Posterior of each point.
    confident : bool array of shape (n,)
        The points counted in ``agreement``.
    mixture : Mixture
    """

    gain: float
    agreement: float
    proba: Float[np.ndarray, "n k"]
    confident: Any
    mixture: Mixture


def validate_partition(
    X: Any,
    labels: Any,
    tau: float = 0.8,
    covariance_type: str = "full",
    *,
    sample_weight: Any = None,
    scatters: Any = None,
    reg: float = 1e-4,
    tol: float = 1e-5,
) -> Validation:
    """Let a Gaussian mixture judge a partition from which it starts.

    Component c starts as cluster c, so names need no matching afterwards.

    Parameters
    ----------
    X : array-like of shape (n, p)
    labels : int array-like of shape (n,)
        Values 0 ... k - 1, each in use.
    tau : float
        Posterior that makes a point certain, between 0 and 1.
    covariance_type : {"full", "diag"}
    sample_weight, scatters, reg, tol
        As in :func:`weighted_gmm_em`.

    Returns
    -------
    Validation

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X, min_rows=2)
    labels = as_partition(labels, len(X))
    tau = check_number(tau, "tau", low=0, high=1)
    check_choice(covariance_type, "covariance_type", COVARIANCES)
    check_number(reg, "reg", low=0)
    check_number(tol, "tol", low=0)
    w, S = as_weights(sample_weight, len(X)), as_scatters(scatters, *X.shape)
    return _validate(X, labels, w, S, tau, covariance_type, reg, tol)


def _validate(
    X: np.ndarray,
    labels: Int[np.ndarray, " n"],
    w: np.ndarray,
    S: np.ndarray | None,
    tau: float,
    covariance_type: str,
    reg: float,
    tol: float,
) -> Validation:
    one = _em(X, w, S, np.zeros_like(labels), 1, covariance_type, reg)
    many = _em(X, w, S, labels, int(labels.max()) + 1, covariance_type, reg, tol=tol)
    # Eq. (8)
    gain = gmm_bic(one, w.sum()) - gmm_bic(many, w.sum())
    confident = (many.proba.argmax(1) == labels) & (many.proba.max(1) >= tau)
    # Eq. (9)
    agreement = float(w @ confident / w.sum())
    return Validation(gain, agreement, many.proba, confident, many)
