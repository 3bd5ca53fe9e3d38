"""Clustering with known covariances (LASDP) and with unknown ones (ILASDP)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from mixbook.core.gaussians import component_log_prob
from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.ila_sdp._checks import as_covariances, as_partition, as_points
from mixbook.mixtures.ila_sdp._likelihood import (
    cluster_covariances,
    cluster_means,
    mahalanobis_cost,
    profile_nll,
)
from mixbook.mixtures.ila_sdp._rounding import round_memberships
from mixbook.mixtures.ila_sdp._solver import LASDPResult, solve_kmeans_sdp, solve_la_sdp

LOOSE = 3e-4  # enough while the partition still changes; only an accurate solution ends a start
MAX_ITER = 1000
GAP_TOL = 1e-5  # per point, in units of the mean absolute deviation of the costs


class _Classifier(ClusterMixin, BaseEstimator):
    """The quadratic discriminant of fitted weights, means and covariances."""

    means_: Float[np.ndarray, "K p"]
    covariances_: Float[np.ndarray, "K p p"]
    weights_: Float[np.ndarray, " K"]
    labels_: Int[np.ndarray, " n"]

    def predict(self, X: Any) -> Int[np.ndarray, " m"]:
        r"""The most probable cluster of new points under the fitted Gaussians.

        .. math:: \arg\max_k\ \log w_k + \log N(x \mid \mu_k, \Sigma_k)

        Parameters
        ----------
        X : array-like of shape (m, p)
        """
        check_is_fitted(self, "means_")
        points = as_points(X, n_columns=self.means_.shape[1])
        y, means, covs = map(torch.from_numpy, (points, self.means_, self.covariances_))
        # Eq. (15)
        log_prob = component_log_prob(y, means, covs).numpy() + np.log(self.weights_)
        return log_prob.argmax(1)

    def _set_means_and_weights(self, X: np.ndarray, labels: np.ndarray) -> None:
        self.means_ = cluster_means(X, labels)
        self.weights_ = np.bincount(labels) / len(labels)


class LASDP(_Classifier):
    r"""Clustering by one likelihood adjusted SDP, the covariances being known.

    Parameters
    ----------
    n_clusters : int
    covariances : array-like of shape (n_clusters, p, p)
    tol : float
        Tolerance of the solver.
    max_iter : int
        Most iterations of the solver.

    Attributes
    ----------
    labels_ : int array of shape (n,)
    memberships_ : array of shape (n_clusters, n, n)
    result_ : LASDPResult
        The solution with its lower bound and residuals.
    covariances_, means_, weights_ : arrays
        The given covariances; means and shares of the clusters found.
    """

    def __init__(
        self, n_clusters: int, covariances: Any, *, tol: float = 1e-5, max_iter: int = 3000
    ) -> None:
        self.n_clusters = n_clusters
        self.covariances = covariances
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None) -> LASDP:
        """Cluster the points; ``y`` is ignored.

        Raises
        ------
        TypeError, ValueError
            If an argument is malformed, or the solution leaves a cluster empty.
        """
        K = check_integer(self.n_clusters, "n_clusters", low=1)
        X = as_points(X, min_rows=max(K, 2))
        covs = as_covariances(self.covariances, X.shape[1], "covariances")
        if len(covs) != K:
            raise ValueError(f"covariances must hold n_clusters = {K} matrices, got {len(covs)}")
        C = mahalanobis_cost(X, covs)
        self.result_ = solve_la_sdp(C, tol=self.tol, max_iter=self.max_iter)
        self.memberships_ = self.result_.Z
        self.labels_ = round_memberships(self.memberships_)
        if len(np.unique(self.labels_)) < K:
            raise ValueError(f"the solution leaves a cluster empty; try fewer than {K} n_clusters")
        self.covariances_ = covs
        self._set_means_and_weights(X, self.labels_)
        return self


@dataclass
class _Run:
    """The partitions that one start led to."""

    labels: list[np.ndarray] = field(default_factory=list)
    objective: list[float] = field(default_factory=list)
    results: list[LASDPResult] = field(default_factory=list)

    def add(self, X: np.ndarray, labels: np.ndarray, covs: np.ndarray, reg: float) -> None:
        self.labels.append(labels)
        self.objective.append(profile_nll(X, labels, covs, reg=reg))

    def seen(self, labels: np.ndarray) -> bool:
        """Whether this partition occurred before, under any names."""
        return any(np.array_equal(_in_order(labels), _in_order(old)) for old in self.labels)

    @property
    def best(self) -> int:
        return int(np.argmin(self.objective))


class ILASDP(_Classifier):
    r"""Iterative likelihood adjusted SDP: clusters of unknown, different shapes.

    Alternates the covariances of the current clusters with the SDP for these covariances, and
    returns the partition with the least penalised profile likelihood on the way.

    Parameters
    ----------
    n_clusters : int
    init : {"sdp", "kmeans", "random"} or array-like of int, shape (n,)
        First labels: the K-means SDP, K-means (20 restarts), or a random partition.
    n_init : int
        Number of starts: the first is ``init``, each further one a random partition.
    max_iter : int
        Most rounds (SDPs) of a start.
    reg : float
        The penalty of Eq. (8) in units of the mean variance of the columns; it keeps the
        likelihood bounded.
    covariance_type : {"full", "diag"}
    subsample : int, optional
        Solve for that many random points and classify all others by ``predict``. The solver
        keeps about ten (n_clusters, n, n) arrays, so use it for more than about 500 points.
    tol : float
        Tolerance of the solver.
    random_state : int, numpy Generator or None

    Attributes
    ----------
    labels_ : int array of shape (n,)
    means_, covariances_, weights_ : arrays of shapes (K, p), (K, p, p), (K,)
        Of the clusters (in the subsample, where there is one); covariances include the penalty.
    memberships_ : array of shape (K, m, m) or None
        Solution of the SDP that gave the labels (m: points in the subsample); None if no SDP
        improved on the first labels.
    objective_path_ : list of float
        Penalised profile likelihood (times minus two) after each round of the best start.
    objective_ : float
        The least of them.
    n_iter_ : int
        Rounds of the best start.
    sample_indices_ : int array
        The points in the subsample (all without one).

    Notes
    -----
    A start ends when a partition comes again, or when a cluster falls below p + 1 points (2 for
    ``"diag"``), for which no covariance can be estimated.
    """

    def __init__(
        self,
        n_clusters: int,
        init: Any = "sdp",
        *,
        n_init: int = 1,
        max_iter: int = 10,
        reg: float = 1e-3,
        covariance_type: str = "full",
        subsample: int | None = None,
        tol: float = 1e-5,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.reg = reg
        self.covariance_type = covariance_type
        self.subsample = subsample
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ILASDP:
        """Cluster the points; ``y`` is ignored.

        Raises
        ------
        TypeError, ValueError
            If an argument is malformed, or there are too few points for a covariance a cluster.
        """
        X = self._check(X)
        rng = as_rng(self.random_state)
        self.sample_indices_ = self._choose(len(X), rng)
        inside = X[self.sample_indices_]
        reg = self.reg * float(inside.var(0).mean())
        runs = [self._run(inside, start, reg) for start in self._starts(inside, rng)]
        run = min(runs, key=lambda run: run.objective[run.best])
        self._set_result(inside, run, reg)
        if len(inside) < len(X):
            labels = self.predict(X)
            labels[self.sample_indices_] = self.labels_
            self.labels_ = labels
        return self

    def _check(self, X: Any) -> np.ndarray:
        K = check_integer(self.n_clusters, "n_clusters", low=1)
        check_integer(self.n_init, "n_init", low=1)
        check_integer(self.max_iter, "max_iter", low=1)
        check_number(self.reg, "reg", low=0, low_open=True)
        check_number(self.tol, "tol", low=0, low_open=True)
        check_choice(self.covariance_type, "covariance_type", ("full", "diag"))
        X = as_points(X, min_rows=2)
        needed = K * self._min_size(X.shape[1])
        if len(X) < needed:
            raise ValueError(
                f"X must have at least {needed} rows ({K} clusters, {X.shape[1]} columns, "
                f"{self.covariance_type} covariances), got {len(X)}"
            )
        if X.var(0).min() <= 0:
            raise ValueError("X must vary in each column, got a constant one; drop it")
        if self.subsample is not None:
            check_integer(self.subsample, "subsample", low=needed)
        if isinstance(self.init, str):
            check_choice(self.init, "init", ("sdp", "kmeans", "random"))
        elif self.subsample is not None and self.subsample < len(X):
            raise ValueError("init must be a name when subsample is given, got an array of labels")
        elif as_partition(self.init, len(X), "init").max() + 1 != K:
            raise ValueError(f"init must have n_clusters = {K} labels")
        elif np.bincount(self.init).min() < self._min_size(X.shape[1]):
            raise ValueError(
                f"init must give each cluster at least {self._min_size(X.shape[1])} points"
            )
        return X

    def _min_size(self, p: int) -> int:
        return p + 1 if self.covariance_type == "full" else 2

    def _choose(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if self.subsample is None or self.subsample >= n:
            return np.arange(n)
        return np.sort(rng.choice(n, self.subsample, replace=False))

    def _starts(self, X: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        first = self._first_labels(X, rng)
        if np.bincount(first, minlength=self.n_clusters).min() < self._min_size(X.shape[1]):
            first = self._random_labels(X, rng)
        yield first
        for _ in range(self.n_init - 1):
            yield self._random_labels(X, rng)

    def _first_labels(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not isinstance(self.init, str):
            return np.asarray(self.init)
        if self.init == "random":
            return self._random_labels(X, rng)
        if self.init == "kmeans":
            seed = int(rng.integers(2**31))
            return KMeans(self.n_clusters, n_init=20, random_state=seed).fit_predict(X)
        return kmeans_sdp_labels(X, self.n_clusters, random_state=rng)

    def _random_labels(self, X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random partition into clusters of sizes that differ by one at most."""
        return rng.permutation(np.arange(len(X)) % self.n_clusters)

    def _run(self, X: np.ndarray, labels: np.ndarray, reg: float) -> _Run:
        run = _Run()
        warm: LASDPResult | None = None
        covs = self._covariances(X, labels, reg)
        run.add(X, labels, covs, reg)
        for _ in range(self.max_iter):
            C = mahalanobis_cost(X, covs, reg=reg)
            for tol in (max(self.tol, LOOSE), self.tol):
                warm = solve_la_sdp(C, tol=tol, gap_tol=GAP_TOL, max_iter=MAX_ITER, warm_start=warm)
                labels = round_memberships(warm.Z)
                if not run.seen(labels):
                    break
            assert warm is not None
            run.results.append(warm)
            sizes = np.bincount(labels, minlength=self.n_clusters)
            if run.seen(labels) or sizes.min() < self._min_size(X.shape[1]):
                break
            covs = self._covariances(X, labels, reg)
            run.add(X, labels, covs, reg)
        return run

    def _covariances(self, X: np.ndarray, labels: np.ndarray, reg: float) -> np.ndarray:
        return cluster_covariances(X, labels, reg=reg, covariance_type=self.covariance_type)

    def _set_result(self, X: np.ndarray, run: _Run, reg: float) -> None:
        best = run.best
        self.labels_ = run.labels[best]
        self.memberships_ = run.results[best - 1].Z if best else None
        self.covariances_ = self._covariances(X, self.labels_, reg)
        self.objective_path_ = run.objective
        self.objective_ = run.objective[best]
        self.n_iter_ = len(run.results)
        self._set_means_and_weights(X, self.labels_)


def kmeans_sdp_labels(
    X: Any, n_clusters: int, *, random_state: int | np.random.Generator | None = 0
) -> Int[np.ndarray, " n"]:
    """Clusters of the K-means SDP of Peng and Wei, rounded by its leading eigenvectors.

    Parameters
    ----------
    X : array-like of shape (n, p)
    n_clusters : int
    random_state : int, numpy Generator or None
    """
    X = as_points(X, min_rows=2)
    C = mahalanobis_cost(X, np.eye(X.shape[1])[None])[0]
    Z = solve_kmeans_sdp(C, n_clusters, tol=1e-4).Z
    return round_memberships(Z, "spectral", n_clusters=n_clusters, random_state=random_state)


def _in_order(labels: np.ndarray) -> np.ndarray:
    """The clusters renamed in the order in which they first occur."""
    _, first, code = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code]
