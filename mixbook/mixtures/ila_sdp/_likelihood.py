"""The profile likelihood of a partition, its costs per pair, and the covariance update."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.validation import check_number
from mixbook.mixtures.ila_sdp._checks import as_costs, as_covariances, as_partition, as_points


def mahalanobis_cost(X: Any, covs: Any, *, reg: float = 0.0) -> Float[np.ndarray, "K n n"]:
    r"""Cost matrices :math:`C_k` of the likelihood adjusted SDP.

    .. math:: (C_k)_{ij} = \log|\Sigma_k| + \lambda\,\mathrm{tr}\,\Sigma_k^{-1}
              + \tfrac12 (x_i - x_j)^\top \Sigma_k^{-1} (x_i - x_j)

    Parameters
    ----------
    X : array-like of shape (n, p)
    covs : array-like of shape (K, p, p)
        Symmetric positive definite.
    reg : float
        The penalty :math:`\lambda \ge 0` of Eq. (8), in squared units of the data.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    X = as_points(X)
    covs = as_covariances(covs, X.shape[1])
    reg = check_number(reg, "reg", low=0)
    factors = np.linalg.cholesky(covs)
    white = np.linalg.solve(
        factors, np.broadcast_to(X.T - X.T.mean(1, keepdims=True), (len(covs), *X.T.shape))
    )
    norms = (white**2).sum(1)
    # Eq. (4)
    half = 0.5 * (norms[:, :, None] + norms[:, None, :]) - white.transpose(0, 2, 1) @ white
    return np.maximum(half, 0) + _height(covs, reg)[:, None, None]


def _height(covs: Float[np.ndarray, "K p p"], reg: float) -> Float[np.ndarray, " K"]:
    """What one point pays for being in cluster k, wherever it lies."""
    traces = np.linalg.inv(covs).trace(axis1=1, axis2=2) if reg else 0.0
    return np.linalg.slogdet(covs)[1] + reg * traces


def profile_nll(X: Any, labels: Any, covs: Any = None, *, reg: float = 0.0) -> float:
    r"""Minus twice the log-likelihood of a partition, less the constant :math:`np\log 2\pi`.

    .. math:: \sum_k \Big[|G_k| \log|\Sigma_k| + \sum_{i \in G_k}
              (x_i - \bar x_k)^\top \Sigma_k^{-1} (x_i - \bar x_k)\Big]

    Parameters
    ----------
    X : array-like of shape (n, p)
    labels : array-like of int, shape (n,)
        Clusters 0, ..., K - 1, none empty.
    covs : array-like of shape (K, p, p), optional
        Default: the minimiser, which is each cluster's sample covariance plus ``reg`` times the
        identity.
    reg : float
        Adds the penalty :math:`\lambda |G_k| \mathrm{tr}\,\Sigma_k^{-1}` of Eq. (8).

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed, or a sample covariance is singular.
    """
    X = as_points(X)
    labels = as_partition(labels, len(X))
    reg = check_number(reg, "reg", low=0)
    if covs is None:
        covs = cluster_covariances(X, labels, reg=reg)
        if np.linalg.matrix_rank(covs).min() < X.shape[1]:
            raise ValueError(
                f"labels give a cluster with a singular covariance in {X.shape[1]} dimensions "
                f"(sizes {np.bincount(labels).tolist()}); pass covs, or reg > 0"
            )
    covs = as_covariances(covs, X.shape[1])
    if labels.max() >= len(covs):
        raise ValueError(f"labels must be below {len(covs)}, as covs says, got {labels.max()}")
    sizes = np.bincount(labels, minlength=len(covs))
    scatter = sizes[:, None, None] * _scatter(X, labels, len(covs))
    # Eq. (1)
    distances = np.trace(np.linalg.solve(covs, scatter), axis1=1, axis2=2)
    return float((sizes * _height(covs, reg) + distances).sum())


def cluster_covariances(
    X: Any, labels: Any, *, reg: float = 0.0, covariance_type: str = "full"
) -> Float[np.ndarray, "K p p"]:
    r"""Sample covariance of each cluster, divided by its size, plus ``reg`` times the identity.

    Parameters
    ----------
    X : array-like of shape (n, p)
    labels : array-like of int, shape (n,)
        Clusters 0, ..., K - 1, none empty.
    reg : float
        The penalty :math:`\lambda` of Eq. (8), whose minimiser this is.
    covariance_type : {"full", "diag"}
        ``"diag"`` keeps the variances only.
    """
    X = as_points(X)
    labels = as_partition(labels, len(X))
    # Eq. (8)
    covs = _scatter(X, labels, int(labels.max()) + 1) + reg * np.eye(X.shape[1])
    return covs * np.eye(X.shape[1]) if covariance_type == "diag" else covs


def _scatter(X: np.ndarray, labels: np.ndarray, K: int) -> Float[np.ndarray, "K p p"]:
    centred = [X[labels == k] - X[labels == k].mean(0) for k in range(K) if (labels == k).any()]
    found = np.unique(labels)
    covs = np.zeros((K, X.shape[1], X.shape[1]))
    covs[found] = [c.T @ c / len(c) for c in centred]
    return covs


def cluster_means(X: np.ndarray, labels: np.ndarray) -> Float[np.ndarray, "K p"]:
    """The mean of each cluster; none may be empty."""
    return np.array([X[labels == k].mean(0) for k in range(labels.max() + 1)])


def soft_covariances(X: Any, Z: Any, *, reg: float = 0.0) -> Float[np.ndarray, "K p p"]:
    r"""The covariance update for a fractional solution.

    .. math:: \Sigma_k = \frac{1}{2\,\mathbf 1^\top Z_k \mathbf 1}
              \sum_{ij} (Z_k)_{ij} (x_i - x_j)(x_i - x_j)^\top

    For a partition it is the sample covariance of each cluster.

    Parameters
    ----------
    X : array-like of shape (n, p)
    Z : array-like of shape (K, n, n)
        Membership matrices.
    reg : float
        Added to the diagonal.
    """
    X, Z = as_points(X), as_costs(Z)
    rows = Z.sum(2)
    spread = np.einsum("ip,ki,iq->kpq", X, rows, X) - X.T @ Z @ X
    # Eq. (7)
    return spread / rows.sum(1)[:, None, None] + reg * np.eye(X.shape[1])


def membership_matrices(labels: Int[np.ndarray, " n"], K: int) -> Float[np.ndarray, "K n n"]:
    """The lifted partition, :math:`Z_k = 1_{G_k} 1_{G_k}^T / |G_k|` (zero for an empty cluster)."""
    one_hot = (np.asarray(labels) == np.arange(K)[:, None]).astype(float)
    sizes = np.maximum(one_hot.sum(1), 1)
    # Eq. (3)
    return one_hot[:, :, None] * one_hot[:, None, :] / sizes[:, None, None]
