"""The mixture fitted to fixed features, and the search for K by a labelled probe."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from mixbook.core.clustering import clustering_error
from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.gcd._checks import as_accept, as_labelled, as_points
from mixbook.mixtures.gcd._kmeans import best_of, lloyd, nearest_center
from mixbook.mixtures.gcd._moves import (
    Proposal,
    SplitMergeResult,
    released_split_merge_step,
    split_merge_step,
)
from mixbook.mixtures.gcd._niw import NIWPrior, within_class_variance

__all__ = ["GPC", "estimate_k_by_probe", "unit_rows"]

MOST_DIMENSIONS = 32


def unit_rows(X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Rows scaled to length one; a row of zeros stays."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(length > 0, length, 1)


class GPC(BaseEstimator):
    """Semi-supervised Gaussian mixture whose number of components is found by split and merge.

    After a semi-supervised k-means with ``init_k`` centres come rounds of {k-means from the current
    centres, moves, removal of empty components}. The last ``n_greedy`` rounds accept improvements
    only. A fit ends early after two rounds without an accepted move.

    Parameters
    ----------
    init_k : int, optional
        Components at the start; by default one and a half times the number of classes.
    rounds : int
        0 leaves the semi-supervised k-means as it is.
    pca_dim : int, "auto" or None
        Features are projected to so many principal components first; "auto" keeps 90 % of the
        variance, at most 32 components.
    accept : {"mh", "greedy"} or float
        See :func:`split_merge_step`.
    prior_scale : float or "auto"
        Variance that the prior expects within a component; "auto" takes that within the labelled
        classes, Eq. (8). The authors' program has 0.005.
    kappa0, nu0 : float
        See :class:`NIWPrior`.
    alpha, min_size, split_labelled
        See :func:`split_merge_step`.
    bookkeeping : {"exact", "released"}
        "released" shows the fault of the authors' program, see :func:`released_split_merge_step`.
    normalize : {None, "l2"}
        Scale the features to length one first.
    n_greedy : int
    n_init : int
        Restarts of the first k-means.
    random_state : int, Generator or None

    Attributes
    ----------
    n_classes_ : int
        Components found, labelled classes included.
    classes_ : array of shape (c,)
        Labelled classes; they own the first components.
    prototypes_ : array of shape (K, d)
        Mean feature of each component, K = ``n_classes_`` of them (of length one with
        ``normalize="l2"``).
    labels_u_, labels_l_ : int arrays
        Component of each unlabelled and labelled point.
    k_history_ : list of int
        Components at the start and after each round.
    moves_ : list of list of Proposal
        The moves tried in each round.
    prior_ : NIWPrior

    Notes
    -----
    A round costs O(n K d) for each iteration of k-means, and O(n d min(n / K, d)) for all
    marginals.
    """

    def __init__(
        self,
        init_k: int | None = None,
        rounds: int = 10,
        pca_dim: int | str | None = None,
        accept: str | float = "mh",
        prior_scale: float | str = "auto",
        kappa0: float = 1e-4,
        nu0: float | None = None,
        alpha: float = 1.0,
        min_size: int = 5,
        split_labelled: bool = False,
        bookkeeping: str = "exact",
        normalize: str | None = None,
        n_greedy: int = 2,
        n_init: int = 10,
        random_state: Any = None,
    ) -> None:
        self.init_k = init_k
        self.rounds = rounds
        self.pca_dim = pca_dim
        self.accept = accept
        self.prior_scale = prior_scale
        self.kappa0 = kappa0
        self.nu0 = nu0
        self.alpha = alpha
        self.min_size = min_size
        self.split_labelled = split_labelled
        self.bookkeeping = bookkeeping
        self.normalize = normalize
        self.n_greedy = n_greedy
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X_u: Any, X_l: Any = None, y_l: Any = None) -> GPC:
        """Find the components of the unlabelled points, given some labelled ones.

        Parameters
        ----------
        X_u : array-like of shape (n, d)
        X_l, y_l : array-like of shapes (m, d) and (m,), optional

        Raises
        ------
        TypeError, ValueError
            If the input is malformed, or ``prior_scale="auto"`` without labels.
        """
        rng = as_rng(self.random_state)
        unlabelled = as_points(X_u, "X_u")
        labelled, codes, self.classes_ = as_labelled(X_l, y_l, unlabelled.shape[1])
        k = self._check(len(unlabelled), len(codes))
        self._fit_projection(np.vstack([unlabelled, labelled]))
        U, L = self._project(unlabelled), self._project(labelled)
        self.prior_ = self._prior(U, L, codes)
        start = best_of(U, L, codes, k, check_integer(self.n_init, "n_init", low=1), rng)
        self.k_history_: list[int] = [k]
        self.moves_: list[list[Proposal]] = []
        self.centers_ = self._rounds(U, L, codes, start.centers, rng)
        self.labels_u_, self.labels_l_ = nearest_center(U, self.centers_), codes
        self.n_classes_ = len(self.centers_)
        self.prototypes_ = self._prototypes(np.vstack([unlabelled, labelled]))
        return self

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """Component with the nearest centre, for each point."""
        check_is_fitted(self)
        points = as_points(X, "X", self.prototypes_.shape[1])
        return nearest_center(self._project(points), self.centers_)

    def _check(self, n: int, n_labelled: int) -> int:
        """Check the parameters; the number of components at the start."""
        c = len(self.classes_)
        check_integer(self.rounds, "rounds", low=0)
        check_integer(self.n_greedy, "n_greedy", low=0)
        as_accept(self.accept)
        check_choice(self.bookkeeping, "bookkeeping", ("exact", "released"))
        if self.normalize not in (None, "l2"):
            raise ValueError(f"normalize must be None or 'l2', got {self.normalize!r}")
        if isinstance(self.prior_scale, str):
            check_choice(self.prior_scale, "prior_scale", ("auto",))
            if n_labelled == 0 and self.rounds:
                raise ValueError("prior_scale='auto' needs labelled points; give a number instead")
        k = c + max(1, c // 2) if self.init_k is None else self.init_k
        return check_integer(k, "init_k", low=max(1, c), high=c + n)

    def _fit_projection(self, X: np.ndarray) -> None:
        """The principal components of the features, or None."""
        self.pca_ = None
        if self.pca_dim is None:
            return
        X = unit_rows(X) if self.normalize == "l2" else X
        most = min(X.shape)
        if isinstance(self.pca_dim, str):
            check_choice(self.pca_dim, "pca_dim", ("auto",))
            full = PCA(min(most, MOST_DIMENSIONS), svd_solver="full").fit(X)
            share = np.cumsum(full.explained_variance_ratio_)
            q = min(int(np.searchsorted(share, 0.9)) + 1, len(share))
        else:
            q = check_integer(self.pca_dim, "pca_dim", low=1, high=most)
        self.pca_ = PCA(q, svd_solver="full").fit(X)

    def _project(self, X: np.ndarray) -> np.ndarray:
        X = unit_rows(X) if self.normalize == "l2" else X
        if self.pca_ is None:
            return X
        return self.pca_.transform(X) if len(X) else np.empty((0, self.pca_.n_components_))

    def _prior(self, U: np.ndarray, L: np.ndarray, codes: np.ndarray) -> NIWPrior | None:
        if self.rounds == 0:
            return None
        scale = (
            within_class_variance(L, codes)
            if isinstance(self.prior_scale, str)
            else check_number(self.prior_scale, "prior_scale", low=0, low_open=True)
        )
        return NIWPrior.from_data(np.vstack([U, L]), self.kappa0, self.nu0, scale)

    def _rounds(
        self,
        U: np.ndarray,
        L: np.ndarray,
        codes: np.ndarray,
        centers: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        quiet = 0
        for t in range(self.rounds):
            centers = lloyd(U, L, codes, centers).centers
            accept = "greedy" if t >= self.rounds - self.n_greedy else self.accept
            step = self._step(U, L, codes, centers, self.prior_, accept, rng)
            self.moves_.append(step.proposals)
            centers = _without_empty(step.centers, step.assign_u, len(self.classes_))
            self.k_history_.append(len(centers))
            quiet = 0 if step.n_splits + step.n_merges else quiet + 1
            if quiet == 2:
                break
        centers = lloyd(U, L, codes, centers).centers
        return _without_empty(centers, nearest_center(U, centers), len(self.classes_))

    def _step(self, *given: Any) -> SplitMergeResult:
        options: dict[str, Any] = {"alpha": self.alpha, "min_size": self.min_size}
        if self.bookkeeping == "released":
            return released_split_merge_step(*given, **options)
        return split_merge_step(*given, **options, split_labelled=self.split_labelled)

    def _prototypes(self, X: np.ndarray) -> np.ndarray:
        X = unit_rows(X) if self.normalize == "l2" else X
        labels = np.concatenate([self.labels_u_, self.labels_l_])
        means = np.array([X[labels == k].mean(0) for k in range(self.n_classes_)])
        return unit_rows(means) if self.normalize == "l2" else means


def _without_empty(centers: np.ndarray, assign: np.ndarray, n_classes: int) -> np.ndarray:
    """Centres of the classes, and those others to which points belong."""
    used = np.bincount(assign, minlength=len(centers)) > 0
    used[:n_classes] = True
    return centers[used]


def estimate_k_by_probe(
    X_u: Any,
    X_l: Any,
    y_l: Any,
    k_max: int,
    search: str = "scan",
    n_init: int = 3,
    random_state: Any = None,
) -> tuple[int, dict[int, float]]:
    """Number of clusters with which plain k-means agrees best with the labels, Eq. (17).

    Labelled points are clustered among the others as if they had no labels, and their accuracy
    under the best matching is the score. This is how the baseline (Vaze et al., 2022) finds K.

    Parameters
    ----------
    X_u, X_l, y_l : array-like of shapes (n, d), (m, d), (m,)
    k_max : int
        Largest number tried; the smallest is the number of classes.
    search : {"scan", "brent"}
        Try all numbers, or let Brent's method choose, as the baseline does.
    n_init : int
        Restarts of k-means.
    random_state : int, Generator or None

    Returns
    -------
    int
        The best number, the smallest of equals.
    dict
        Accuracy of each number tried.
    """
    unlabelled = as_points(X_u, "X_u")
    labelled, codes, classes = as_labelled(X_l, y_l, unlabelled.shape[1])
    if len(codes) == 0:
        raise ValueError("X_l must hold at least one labelled point")
    X = np.vstack([unlabelled, labelled])
    k_max = check_integer(k_max, "k_max", low=len(classes) + 1, high=len(X))
    check_choice(search, "search", ("scan", "brent"))
    seed = int(as_rng(random_state).integers(2**31))
    scores: dict[int, float] = {}

    def loss(k: float) -> float:
        K = round(k)
        if K not in scores:
            fitted = KMeans(K, n_init=n_init, random_state=seed).fit(X)
            # Eq. (17)
            scores[K] = 1 - clustering_error(codes, fitted.labels_[len(unlabelled) :])
        return -scores[K]

    if search == "scan":
        for k in range(len(classes), k_max + 1):
            loss(k)
    else:
        minimize_scalar(
            loss, bounds=(len(classes), k_max), method="bounded", options={"xatol": 0.5}
        )
    return max(sorted(scores), key=scores.__getitem__), dict(sorted(scores.items()))
