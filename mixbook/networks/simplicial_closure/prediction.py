"""Higher-order link prediction: which open triangles close?"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.utils.validation import check_is_fitted

from mixbook.core.seeds import as_rng
from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_integer
from mixbook.networks.simplicial_closure._index import (
    check_data,
    find,
    projected_graph,
    spans,
    subset_source,
)
from mixbook.networks.simplicial_closure.scores import (
    edge_weights,
    neighbour_counts,
    simplex_counts,
)
from mixbook.networks.simplicial_closure.triangles import open_triangles

__all__ = [
    "HigherOrderLinkPredictor",
    "bootstrap_relative_auprc",
    "labeled_open_triangles",
    "relative_auprc",
    "released_script_labels",
    "triangle_features",
]


def labeled_open_triangles(
    data: TemporalSimplices, q1: float = 80, q2: float = 100
) -> tuple[Int[np.ndarray, "t 3"], Int[np.ndarray, " t"], TemporalSimplices]:
    """The prediction problem: open triangles at one time, and whether they close by another.

    Parameters
    ----------
    data : TemporalSimplices
    q1, q2 : float
        Percentiles of time, see :meth:`TemporalSimplices.split`.

    Returns
    -------
    triangles : int array of shape (T, 3)
        Open triangles of the old part.
    y : int array of shape (T,)
        1 where a new simplex holds all three nodes.
    old : TemporalSimplices
        The old part, from which to score.
    """
    old, new = check_data(data).split(q1, q2)
    triangles = open_triangles(old)
    return triangles, _is_covered(triangles, new).astype(np.int64), old


def _is_covered(triangles: np.ndarray, data: TemporalSimplices) -> np.ndarray:
    """Whether a simplex holds all three nodes; ids serve as ranks."""
    source = subset_source(data, np.arange(data.n_nodes), data.n_nodes)
    keys = (triangles[:, 0] * source.n + triangles[:, 1]) * source.n + triangles[:, 2]
    covered = np.zeros(len(triangles), dtype=bool)
    for span in spans(3, source):
        covered |= find(source.keys(3, *span), keys)[1]
    return covered


def released_script_labels(
    triangles: Int[np.ndarray, "t 3"], y: Int[np.ndarray, " t"], old: TemporalSimplices
) -> Int[np.ndarray, " t"]:
    """Labels as the authors' released script assigns them; for comparison only.

    The script lists a triangle from its node of lowest degree (earliest id among equals) and then
    looks that triple up among *sorted* triples that close. It finds it only where the node of
    lowest degree happens to have the smallest id, so most positives are labelled 0. The published
    performance of the generalised means follows from these labels.

    Parameters
    ----------
    triangles, y, old
        As returned by :func:`labeled_open_triangles`.

    Returns
    -------
    int array of shape (T,)
        ``y`` with the positives lost that the script loses.
    """
    degrees = np.diff(projected_graph(check_data(old, "old")).indptr)
    order = np.empty(len(degrees), dtype=np.int64)
    order[np.argsort(degrees, kind="stable")] = np.arange(len(degrees))
    return y * (order[triangles].argmin(axis=1) == 0)


def relative_auprc(y: Any, score: Any) -> float:
    """Average precision over the share of positives; 1 is as good as guessing.

    .. math:: \\frac{1}{\\bar y} \\sum_r (R_r - R_{r-1}) P_r

    over the distinct scores in decreasing order, with precision P and recall R.

    Parameters
    ----------
    y : array-like of shape (T,)
        0 or 1, at least one 1.
    score : array-like of shape (T,)
        Finite numbers; larger means more likely to close.

    Raises
    ------
    ValueError
        If shapes differ, a label is not 0 or 1, there is no positive, or a score is not finite.
    """
    labels, scores = _check_labels(y, score)
    # Eq. (20)
    return float(average_precision_score(labels, scores) / labels.mean())


def bootstrap_relative_auprc(
    y: Any,
    score: Any,
    n_repeats: int = 200,
    random_state: int | np.random.Generator | None = None,
) -> Float[np.ndarray, " repeats"]:
    """Relative AUC-PR under resampling of the triangles (Poisson bootstrap).

    Each triangle gets an independent Poisson(1) weight in each repeat. Triangles that share an
    edge are not independent, so the spread is a lower bound on the true uncertainty.

    Parameters
    ----------
    y, score
        As in :func:`relative_auprc`.
    n_repeats : int
        Number of resamples, at least 2.
    """
    labels, scores = _check_labels(y, score)
    n_repeats = check_integer(n_repeats, "n_repeats", low=2)
    rng = as_rng(random_state)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    positive = labels[order]
    return np.array([_weighted_relative(positive, ends, rng) for _ in range(n_repeats)])


def _weighted_relative(positive: np.ndarray, ends: np.ndarray, rng: np.random.Generator) -> float:
    weight = rng.poisson(1.0, len(positive))
    hits = np.cumsum(weight * positive)[ends]
    seen = np.cumsum(weight)[ends]
    precision = np.divide(hits, seen, out=np.zeros(len(ends)), where=seen > 0)
    if hits[-1] == 0:
        return float("nan")
    recall_steps = np.diff(hits, prepend=0) / hits[-1]
    return float(recall_steps @ precision / (hits[-1] / seen[-1]))


def triangle_features(
    triangles: Int[np.ndarray, "t 3"], old: TemporalSimplices
) -> Float[np.ndarray, "t 26"]:
    """The authors' 26 features of open triangles.

    Three weights, three degrees, three simplex counts, three pairwise counts of common
    neighbours, the triple count; the logarithm of the first nine, log(1 + x) of the other four.

    Returns
    -------
    float array of shape (T, 26)
    """
    w = projected_graph(check_data(old, "old"))
    first = np.concatenate(
        [edge_weights(triangles, w), np.diff(w.indptr)[triangles], simplex_counts(old)[triangles]],
        axis=1,
    ).astype(float)
    shared = neighbour_counts(triangles, w)[0].astype(float)
    # Eq. (21)
    return np.concatenate([first, shared, np.log(first), np.log1p(shared)], axis=1)


class HigherOrderLinkPredictor(BaseEstimator):
    """Learn from the triangles of 60 to 80 % of time which ones close after 80 %.

    Parameters
    ----------
    estimator : scikit-learn classifier, optional
        Must have ``predict_proba``. Default: logistic regression as the authors use it
        (liblinear, with intercept, features unscaled).
    train : tuple of two floats
        Percentiles between which training triangles close.
    test : tuple of two floats
        Percentiles used by :meth:`predict_scores`.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    n_features_in_ : int
        26.
    """

    def __init__(
        self,
        estimator: Any = None,
        train: tuple[float, float] = (60, 80),
        test: tuple[float, float] = (80, 100),
    ) -> None:
        self.estimator = estimator
        self.train = train
        self.test = test

    def fit(self, data: TemporalSimplices, y: Any = None) -> HigherOrderLinkPredictor:
        """Fit on the open triangles at the first training percentile.

        Raises
        ------
        ValueError
            If none or all of the training triangles close.
        """
        triangles, labels, old = labeled_open_triangles(data, *self.train)
        if len(np.unique(labels)) < 2:
            raise ValueError(
                "fit needs open triangles that close and some that do not between percentiles "
                f"{self.train}, got {int(labels.sum())} closing of {len(labels)}"
            )
        x = triangle_features(triangles, old)
        self.estimator_ = _default_classifier() if self.estimator is None else clone(self.estimator)
        self.estimator_.fit(x, labels)
        self.n_features_in_ = x.shape[1]
        return self

    def predict_scores(self, data: TemporalSimplices) -> Float[np.ndarray, " t"]:
        """Probability to close for each row of ``labeled_open_triangles(data, *test)``."""
        check_is_fitted(self)
        old, _ = check_data(data).split(*self.test)
        x = triangle_features(open_triangles(old), old)
        return self.estimator_.predict_proba(x)[:, 1]

    def score(self, data: TemporalSimplices, y: Any = None) -> float:
        """Relative AUC-PR on the test part of ``data``."""
        labels = labeled_open_triangles(data, *self.test)[1]
        return relative_auprc(labels, self.predict_scores(data))


def _default_classifier() -> LogisticRegression:
    return LogisticRegression(solver="liblinear", max_iter=1_000)


def _check_labels(y: Any, score: Any) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(y), np.asarray(score, dtype=float)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(
            f"y and score must be vectors of one length, got shapes {labels.shape} "
            f"and {scores.shape}"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("y must hold only 0 and 1")
    if not labels.any():
        raise ValueError("y must hold at least one positive, got none")
    if not np.isfinite(scores).all():
        raise ValueError("score must be finite, got NaN or infinity")
    return labels.astype(int), scores
