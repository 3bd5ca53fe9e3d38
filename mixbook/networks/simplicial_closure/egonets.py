"""Tell the domain of a network from the neighbourhood of one of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from tqdm.auto import tqdm

from mixbook.core.seeds import as_rng
from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import as_matrix, check_integer
from mixbook.networks.simplicial_closure._index import SimplexIndex, check_data
from mixbook.networks.simplicial_closure.triangles import (
    average_degree,
    count_triangles,
    edge_density,
    fraction_open,
)

__all__ = ["EGONET_FEATURES", "EgonetScores", "classify_egonets", "egonet_features"]

EGONET_FEATURES = ("log_average_degree", "log_density", "fraction_open")


def egonet_features(
    data: TemporalSimplices,
    n_egos: int = 100,
    random_state: int | np.random.Generator | None = None,
    *,
    progress: bool = True,
) -> Float[np.ndarray, "n 3"]:
    """Three features of the egonets of random nodes that are in at least one triangle.

    Parameters
    ----------
    data : TemporalSimplices
    n_egos : int
        Number of egos, drawn without replacement.
    random_state : int, numpy.random.Generator or None
    progress : bool
        Show a progress bar.

    Returns
    -------
    float array of shape (n_egos, 3)
        Columns :data:`EGONET_FEATURES`.

    Raises
    ------
    ValueError
        If fewer than ``n_egos`` nodes are in a triangle.
    """
    n_egos = check_integer(n_egos, "n_egos", low=1)
    backbone = check_data(data).backbone()  # the features ignore how often a simplex occurs
    eligible = _nodes_in_triangles(backbone)
    if len(eligible) < n_egos:
        raise ValueError(
            f"n_egos must be at most {len(eligible)}, the eligible nodes, got {n_egos}"
        )
    egos = as_rng(random_state).choice(eligible, size=n_egos, replace=False)
    bar = tqdm(egos.tolist(), desc=f"egonets of {data.name}", disable=not progress)
    return np.array([_features(backbone.egonet(ego)) for ego in bar])


def _nodes_in_triangles(data: TemporalSimplices) -> Int[np.ndarray, " n"]:
    index = SimplexIndex.build(data)
    uv, uw, _ = index.triangle_edges()
    inside = np.zeros(index.n, dtype=bool)
    for ranks in (*index.edge_nodes(uv), index.indices[uw]):
        inside[ranks] = True
    return np.sort(index.nodes[inside])


def _features(egonet: TemporalSimplices) -> tuple[float, float, float]:
    density = edge_density(egonet)
    degree = average_degree(density, len(egonet.nodes))
    return np.log(degree), np.log(density), fraction_open(*count_triangles(egonet))


class EgonetScores(NamedTuple):
    """Test accuracy of each repeat, and the accuracy of guessing by class frequencies."""

    accuracy: Float[np.ndarray, " repeats"]
    random_rate: float


def classify_egonets(
    x: Any,
    y: Any,
    features: Sequence[str] = EGONET_FEATURES,
    *,
    n_repeats: int = 20,
    random_state: int | np.random.Generator | None = None,
) -> EgonetScores:
    """Multinomial logistic regression on 80 % of each domain's egonets, tested on the rest.

    Parameters
    ----------
    x : array-like of shape (n, 3)
        Rows of :func:`egonet_features`.
    y : array-like of shape (n,)
        Domain of each row, at least two different ones.
    features : sequence of str
        Which of :data:`EGONET_FEATURES` to use.
    n_repeats : int
        Number of random splits.

    Returns
    -------
    EgonetScores
        ``random_rate`` is :math:`\\sum_c p_c^2` over the class frequencies :math:`p_c`.

    Raises
    ------
    ValueError
        If shapes disagree, a feature is unknown, or a domain has fewer than two egonets.
    """
    table = as_matrix(x, "x", dtype=torch.float64, n_columns=len(EGONET_FEATURES)).numpy()
    labels = np.asarray(y)
    if labels.shape != (len(table),):
        raise ValueError(f"y must have one label a row of x, got {labels.shape} for {len(table)}")
    columns = _feature_columns(features)
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) < 2 or sizes.min() < 2:
        raise ValueError(f"y must hold at least two domains with two egonets each, got {sizes}")
    rng = as_rng(random_state)
    accuracy = [
        _split_accuracy(table[:, columns], labels, rng)
        for _ in range(check_integer(n_repeats, "n_repeats", low=1))
    ]
    # Eq. (22)
    return EgonetScores(np.array(accuracy), float(((sizes / sizes.sum()) ** 2).sum()))


def _feature_columns(features: Sequence[str]) -> list[int]:
    unknown = [f for f in features if f not in EGONET_FEATURES]
    if unknown or len(features) == 0:
        raise ValueError(f"features must be among {EGONET_FEATURES}, got {list(features)}")
    return [EGONET_FEATURES.index(f) for f in features]


def _split_accuracy(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
    train = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        train[rows[: min(round(0.8 * len(rows)), len(rows) - 1)]] = True
    model = LogisticRegression(C=10, solver="newton-cg", max_iter=10_000)
    return float(model.fit(x[train], y[train]).score(x[~train], y[~train]))
