"""The estimator: recursion, polish, core set, and the reduction of large data."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.special import softmax
from scipy.stats import chi2
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils.validation import check_is_fitted

from mixbook.core.gaussians import component_log_prob
from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.ppp._checks import as_points, as_weights
from mixbook.mixtures.ppp._kmeans import lloyd
from mixbook.mixtures.ppp._micro import micro_clusters
from mixbook.mixtures.ppp._mixture import Mixture, _m_step
from mixbook.mixtures.ppp._tree import Rules, grow_tree, is_certain

__all__ = ["PPP"]

CORE_QUANTILE = 0.99


class PPP(ClusterMixin, BaseEstimator):
    """Probabilistic partitive partitioning.

    A set of points is split by k-means only if the split comes back under many restarts and a
    Gaussian mixture that starts from it confirms it; the parts are treated in the same way. What
    cannot be split is a cluster, so their number is an output.

    k-means measures all directions with one ruler: standardise columns of different units first.

    Parameters
    ----------
    k_max : int
        Largest number of parts that is tried for a node, at least 2.
    n_restarts : int
        R, runs of k-means for each k.
    rho : float
        Least repeatability of a split (mean adjusted Rand index between runs), up to 1. A point is
        in the core only if as large a share of runs agrees on it.
    agreement : float
        Least share of points on which mixture and k-means agree, 0 to 1.
    tau : float
        Posterior that counts as agreement, 0 to 1.
    min_gain : float
        The BIC must improve by more than this; 10 is very strong evidence on the usual scale.
    n_init : int
        Starts (k-means++) in each run, of which the best is kept.
    n_direct : int
        More points than this are reduced to ``n_micro`` micro-clusters first.
    polish : bool
        End with k-means on all points, started from the means of the clusters.
    n_micro : int, optional
        Default min(2000, 10 √n).
    with_principal : bool
        Add one run to each node that does not depend on the seed.
    em_tol : float
        The mixture is fitted until an iteration of EM gains less than this in log-likelihood a
        point (or 100 iterations are done).
    reg : float
        Added to variances, in units of the mean variance of the columns.
    random_state : int, Generator or None

    Attributes
    ----------
    labels_ : int array of shape (n,)
    n_clusters_ : int
        K, found and not given.
    core_mask_ : bool array of shape (n,)
        The most separable set: points on which all runs and both methods agree, Eq. (12).
    tree_ : PartitionNode
        Nested nodes with ``k``, ``rho``, ``gain``, ``agreement``, ``size`` and ``sse``.
    cluster_centers_ : array of shape (K, p)
    covariances_ : array of shape (K, p, p)
    weights_ : array of shape (K,)
    micro_ : MicroClusters or None
        The reduction, if there was one; ``tree_`` then indexes micro-clusters.

    Examples
    --------
    >>> X, y = make_nested6(random_state=0)
    >>> PPP(random_state=0).fit(X).n_clusters_
    6
    """

    def __init__(
        self,
        k_max: int = 4,
        n_restarts: int = 12,
        rho: float = 0.9,
        agreement: float = 0.9,
        tau: float = 0.8,
        min_gain: float = 10.0,
        n_init: int = 3,
        n_direct: int = 5000,
        polish: bool = True,
        random_state: int | np.random.Generator | None = None,
        *,
        n_micro: int | None = None,
        with_principal: bool = False,
        em_tol: float = 1e-5,
        reg: float = 1e-4,
    ) -> None:
        self.k_max = k_max
        self.n_restarts = n_restarts
        self.rho = rho
        self.agreement = agreement
        self.tau = tau
        self.min_gain = min_gain
        self.n_init = n_init
        self.n_direct = n_direct
        self.polish = polish
        self.random_state = random_state
        self.n_micro = n_micro
        self.with_principal = with_principal
        self.em_tol = em_tol
        self.reg = reg

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> PPP:
        """Find the clusters.

        Parameters
        ----------
        X : array-like of shape (n, p)
            At least two rows.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            How many points each row stands for, > 0.

        Raises
        ------
        TypeError, ValueError
            If an argument or parameter is malformed.
        """
        rules = self._rules()
        X = as_points(X, min_rows=2)
        w, rng = as_weights(sample_weight, len(X)), as_rng(self.random_state)
        reg = self.reg * (_mean_variance(X, w) or 1.0)
        self.micro_ = None
        points, weights, scatters, assign = X, w, None, np.arange(len(X))
        if len(X) > self.n_direct:
            M = None if self.n_micro is None else min(self.n_micro, len(X))
            self.micro_ = micro_clusters(X, M, sample_weight=w, random_state=rng)
            points, weights, scatters, assign = self.micro_
        self.tree_ = grow_tree(points, weights, scatters, rules, reg, rng)
        leaf, certain = is_certain(self.tree_, len(points), self.rho)
        labels, self.cluster_centers_, self._nearest = _finish(points, weights, leaf, self.polish)
        self.n_clusters_ = len(self.cluster_centers_)
        self._set_gaussians(points, weights, scatters, labels, reg)
        self.labels_ = labels if self.micro_ is None else self.predict(X)
        agreed = certain[assign] & (self.labels_ == leaf[assign])
        self.core_mask_ = agreed & self._is_close(X, self.labels_)
        return self

    def _rules(self) -> Rules:
        check_integer(self.n_direct, "n_direct", low=1)
        check_number(self.reg, "reg", low=0, low_open=True)
        if self.n_micro is not None:
            check_integer(self.n_micro, "n_micro", low=2)
        for name in ("polish", "with_principal"):
            if not isinstance(value := getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name} must be True or False, got {value!r}")
        names = ("k_max", "n_restarts", "rho", "agreement", "tau", "min_gain", "n_init", "em_tol")
        values = {name: getattr(self, name) for name in names}
        return Rules(**values, with_principal=bool(self.with_principal))

    def _set_gaussians(
        self,
        points: np.ndarray,
        weights: np.ndarray,
        scatters: np.ndarray | None,
        labels: np.ndarray,
        reg: float,
    ) -> None:
        hard = (labels[:, None] == np.arange(self.n_clusters_)).astype(np.float64)
        fitted: Mixture = _m_step(points, weights, scatters, hard, "full", reg)
        self.weights_, self.covariances_ = fitted.weights, fitted.covariances

    def _is_close(self, X: np.ndarray, labels: np.ndarray) -> Any:
        """Whether a point lies in the ellipsoid that holds 99 % of its Gaussian."""
        close, limit = np.empty(len(X), dtype=bool), chi2.ppf(CORE_QUANTILE, X.shape[1])
        for c, (centre, cov) in enumerate(zip(self.cluster_centers_, self.covariances_)):
            away = X[labels == c] - centre
            close[labels == c] = (away * np.linalg.solve(cov, away.T).T).sum(1) <= limit
        return close

    def predict(self, X: Any) -> Int[np.ndarray, " m"]:
        """The cluster of each row: nearest centre, or way down the tree if not polished.

        Parameters
        ----------
        X : array-like of shape (m, p)
        """
        points = self._new_points(X)
        if self._nearest:
            return pairwise_distances_argmin(points, self.cluster_centers_).astype(np.int64)
        return self.tree_.descend(points)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "m k"]:
        """Posterior of each cluster under the Gaussians of the clusters.

        Its largest entry may name another cluster than :meth:`predict` for points in between.

        Parameters
        ----------
        X : array-like of shape (m, p)
        """
        points = torch.from_numpy(self._new_points(X))
        means, covs = map(torch.from_numpy, (self.cluster_centers_, self.covariances_))
        log_prob = component_log_prob(points, means, covs).numpy()
        return softmax(log_prob + np.log(self.weights_), axis=1)

    def _new_points(self, X: Any) -> Float[np.ndarray, "m p"]:
        check_is_fitted(self, "cluster_centers_")
        return as_points(X, n_columns=self.cluster_centers_.shape[1])


def _mean_variance(X: np.ndarray, w: np.ndarray) -> float:
    centred = X - np.average(X, axis=0, weights=w)
    return float(w @ (centred**2).sum(1) / w.sum() / X.shape[1])


def _finish(
    X: np.ndarray, w: np.ndarray, leaf: np.ndarray, polish: bool
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "k p"], bool]:
    """Labels, centres, and whether they come from a last k-means run that kept all clusters."""
    parts = [leaf == c for c in range(leaf.max() + 1)]
    means = np.array([np.average(X[part], axis=0, weights=w[part]) for part in parts])
    if polish:
        labels, _, centres = lloyd(X, means[None], w)
        if len(np.unique(labels[0])) == len(means):
            return labels[0], centres[0], True
    return leaf, means, False
