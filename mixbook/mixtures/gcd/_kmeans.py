"""Semi-supervised k-means: labelled points stay with their class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.gcd._checks import as_assignment, as_labelled, as_points

__all__ = ["KMeansFit", "SemiSupKMeans", "best_of", "group_sums", "lloyd", "nearest_center"]


class KMeansFit(NamedTuple):
    """Centres, the clusters of the unlabelled points, and the sum of squared distances."""

    centers: Float[np.ndarray, "k d"]
    labels_u: Int[np.ndarray, " n"]
    inertia: float


def nearest_center(
    X: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "k d"]
) -> Int[np.ndarray, " n"]:
    """Index of the nearest centre by one matrix product; no (n, k, d) array is built."""
    shift = centers.mean(0)  # far from the origin the expanded square loses digits
    C = centers - shift
    return ((C**2).sum(1) - 2 * (X - shift) @ C.T).argmin(1)


def group_sums(
    X: Float[np.ndarray, "n d"], groups: Int[np.ndarray, " n"], k: int
) -> tuple[Float[np.ndarray, "k d"], Int[np.ndarray, " k"]]:
    """Sum and number of the points of each group."""
    member = np.zeros((k, len(X)))
    member[groups, np.arange(len(X))] = 1
    return member @ X, np.bincount(groups, minlength=k)


def lloyd(
    X_u: Any,
    X_l: Any,
    codes: Any,
    centers: Any,
    max_iter: int = 100,
    tol: float = 1e-4,
) -> KMeansFit:
    """Iterate assignment and means from the given centres, of which class c owns the c-th.

    A centre without members stays where it is. The loop ends when the squared sum of the lengths
    by which centres move falls below ``tol``.

    Parameters
    ----------
    X_u : array-like of shape (n, d)
    X_l : array-like of shape (m, d)
        May have no rows.
    codes : array-like of int, shape (m,)
        Class of each labelled point: 0, 1, ...
    centers : array-like of shape (k, d)
        One for each class at least.
    max_iter : int
    tol : float

    Returns
    -------
    KMeansFit
        ``centers``, ``labels_u`` and ``inertia``.

    Raises
    ------
    TypeError, ValueError
        If the input is malformed.
    """
    X_u = as_points(X_u, "X_u")
    X_l = as_points(X_l, "X_l", X_u.shape[1], min_rows=0)
    centers = as_points(centers, "centers", X_u.shape[1])
    k = len(centers)
    codes = as_assignment(codes, "codes", len(X_l), k)
    sums_l, counts_l = group_sums(X_l, codes, k)
    for _ in range(max_iter):
        # Eq. (1)
        labels = nearest_center(X_u, centers)
        sums, counts = group_sums(X_u, labels, k)
        sums, counts = sums + sums_l, counts + counts_l
        # Eq. (2)
        moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
        shift = np.linalg.norm(moved - centers, axis=1).sum() ** 2
        centers = moved
        if shift < tol:
            break
    labels = nearest_center(X_u, centers)
    inertia = ((X_u - centers[labels]) ** 2).sum() + ((X_l - centers[codes]) ** 2).sum()
    return KMeansFit(centers, labels, float(inertia))


def plus_plus(
    X: Float[np.ndarray, "n d"],
    given: Float[np.ndarray, "c d"],
    k: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "k d"]:
    """Add points of ``X`` to the given centres until there are k (k-means++).

    Each is drawn with probability proportional to its squared distance to the nearest centre so
    far, uniformly where there is none or all points lie on centres.
    """
    centers = list(given)
    distance = np.full(len(X), np.inf)
    for center in centers:
        distance = np.minimum(distance, ((X - center) ** 2).sum(1))
    while len(centers) < k:
        total = distance.sum()
        p = distance / total if 0 < total < np.inf else None
        centers.append(X[rng.choice(len(X), p=p)])
        distance = np.minimum(distance, ((X - centers[-1]) ** 2).sum(1))
    return np.array(centers).reshape(k, X.shape[1])


def best_of(
    X_u: Float[np.ndarray, "n d"],
    X_l: Float[np.ndarray, "m d"],
    codes: Int[np.ndarray, " m"],
    k: int,
    n_init: int,
    rng: np.random.Generator,
    max_iter: int = 100,
    tol: float = 1e-4,
) -> KMeansFit:
    """The restart with the least inertia; class means are the first centres of each."""
    n_classes = int(codes.max(initial=-1)) + 1
    sums, counts = group_sums(X_l, codes, n_classes)
    means = sums / counts[:, None]
    fits = [
        lloyd(X_u, X_l, codes, plus_plus(X_u, means, k, rng), max_iter, tol) for _ in range(n_init)
    ]
    return min(fits, key=lambda fit: fit.inertia)


class SemiSupKMeans(BaseEstimator):
    r"""K-means in which labelled points never leave their class.

    .. math:: \sum_{i \in U} \min_k \lVert x_i - \mu_k \rVert^2
              + \sum_{i \in L} \lVert x_i - \mu_{y_i} \rVert^2

    The first centres belong to the classes in sorted order and start at the class means; the others
    start by k-means++ *given* those.

    Parameters
    ----------
    n_clusters : int
        All clusters, those of the labelled classes included.
    n_init : int
        Restarts; the one with the least inertia is kept.
    max_iter : int
    tol : float
        The loop ends when the squared sum of the centres' shifts is below.
    random_state : int, Generator or None

    Attributes
    ----------
    classes_ : array of shape (c,)
        The labelled classes; class ``classes_[j]`` owns centre j.
    cluster_centers_ : array of shape (n_clusters, d)
    labels_u_, labels_l_ : int arrays
        Cluster of each unlabelled and labelled point.
    inertia_ : float

    Notes
    -----
    One iteration costs O((n + m) K d). Eq. (1) assigns and Eq. (2) averages.

    Examples
    --------
    >>> model = SemiSupKMeans(2, random_state=0)
    >>> model.fit([[0.0], [0.2], [5.0], [5.2]], [[0.1]], ["left"]).labels_u_
    array([0, 0, 1, 1])
    """

    def __init__(
        self,
        n_clusters: int,
        n_init: int = 10,
        max_iter: int = 100,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X_u: Any, X_l: Any = None, y_l: Any = None) -> SemiSupKMeans:
        """Cluster the unlabelled points with the help of the labelled ones.

        Parameters
        ----------
        X_u : array-like of shape (n, d)
        X_l : array-like of shape (m, d), optional
        y_l : array-like of shape (m,), optional
            Classes; numbers or strings.

        Raises
        ------
        TypeError, ValueError
            If the input is malformed, or there are fewer clusters than classes or more than points.
        """
        X = as_points(X_u, "X_u")
        labelled, codes, classes = as_labelled(X_l, y_l, X.shape[1])
        k = check_integer(self.n_clusters, "n_clusters", low=max(1, len(classes)))
        if k - len(classes) > len(X):
            raise ValueError(f"n_clusters must be at most {len(classes) + len(X)}, got {k}")
        fit = best_of(
            X,
            labelled,
            codes,
            k,
            check_integer(self.n_init, "n_init", low=1),
            as_rng(self.random_state),
            check_integer(self.max_iter, "max_iter", low=1),
            check_number(self.tol, "tol", low=0),
        )
        self.classes_ = classes
        self.cluster_centers_, self.labels_u_, self.inertia_ = fit
        self.labels_l_ = codes
        return self

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """Nearest centre of each point."""
        check_is_fitted(self)
        return nearest_center(as_points(X, "X", self.n_features_in_), self.cluster_centers_)

    @property
    def n_features_in_(self) -> int:
        """Number of coordinates seen in ``fit``."""
        return self.cluster_centers_.shape[1]
