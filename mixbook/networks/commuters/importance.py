"""What does a fitted model lean on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import clone, is_classifier

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.networks.commuters._checks import as_array
from mixbook.networks.commuters.features import Folds

__all__ = [
    "drop_group_importance",
    "grouped_impurity_importance",
    "grouped_permutation_importance",
    "partial_dependence_curve",
    "rank_of",
]

Groups = Mapping[str, Sequence[int]]
BATCH = 1 << 23  # entries of the shuffled tables that are predicted at once


def _check_groups(groups: Any, width: int) -> dict[str, np.ndarray]:
    if not isinstance(groups, Mapping) or not groups:
        raise TypeError(f"groups must be a non-empty mapping, got {type(groups).__name__}")
    columns = {name: np.asarray(list(group), dtype=np.int64) for name, group in groups.items()}
    for name, group in columns.items():
        if not len(group) or group.min() < 0 or group.max() >= width:
            raise ValueError(
                f"groups[{name!r}] must hold columns from 0 to {width - 1}, got {group.tolist()}"
            )
    return columns


def grouped_permutation_importance(
    model: Any,
    X: Any,
    y: Any,
    groups: Groups,
    n_repeats: int = 10,
    random_state: int | np.random.Generator | None = None,
) -> dict[str, Float[np.ndarray, " repeats"]]:
    """Loss of score when the columns of a group are shuffled together.

    .. math:: I_g = \\mathrm{score}(X, y) - \\mathrm{score}(X^{\\pi(g)}, y)

    One permutation of the rows moves all columns of the group, so they keep their relation to
    each other and lose it to the rest. Give held-out pairs: importances on training pairs measure
    what was memorised.

    Parameters
    ----------
    model : fitted classifier or regressor
        The score is the accuracy or R².
    X : array-like of shape (m, p)
    y : array-like of shape (m,)
    groups : mapping of str to sequence of int
        Columns; groups may overlap.
    n_repeats : int
        Shuffles of each group.

    Returns
    -------
    dict of str to float array of shape (n_repeats,)

    Raises
    ------
    ValueError
        If a group is empty or names a column that X does not have.
    """
    X, y = as_array(X, "X", ndim=2), as_array(y, "y", ndim=1)
    columns = _check_groups(groups, X.shape[1])
    check_integer(n_repeats, "n_repeats", low=1)
    rng = as_rng(random_state)
    (base,) = _scores(model, X[None], y)
    # Eq. (16)
    return {k: base - _shuffled_scores(model, X, y, g, n_repeats, rng) for k, g in columns.items()}


def _shuffled_scores(
    model: Any,
    X: np.ndarray,
    y: np.ndarray,
    group: np.ndarray,
    n_repeats: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Scores after shuffling; several shuffles share one call of ``predict``, which is faster."""
    at_once = max(1, BATCH // X.size)
    scores = []
    for start in range(0, n_repeats, at_once):
        tables = np.repeat(X[None], min(at_once, n_repeats - start), axis=0)
        for table in tables:
            table[:, group] = X[rng.permutation(len(X))][:, group]
        scores.append(_scores(model, tables, y))
    return np.concatenate(scores)


def _scores(model: Any, tables: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Accuracy or R² for each table of a stack (repeats, m, p)."""
    guess = model.predict(tables.reshape(-1, tables.shape[2])).reshape(len(tables), -1)
    if is_classifier(model):
        return (guess == y).mean(axis=1)
    return 1 - ((guess - y) ** 2).sum(axis=1) / ((y - y.mean()) ** 2).sum()


def grouped_impurity_importance(model: Any, groups: Groups) -> dict[str, float]:
    """Impurity importances of a fitted forest or tree, added up over each group.

    Shares of the total decrease of impurity on *training* pairs. They favour columns with many
    distinct values and divide credit among correlated ones.

    Raises
    ------
    TypeError
        If the fitted learner has no ``feature_importances_``.
    """
    learner = model.estimator_[-1]
    if not hasattr(learner, "feature_importances_"):
        raise TypeError(f"model must be a fitted forest or tree, got {type(learner).__name__}")
    shares = learner.feature_importances_
    return {k: float(shares[g].sum()) for k, g in _check_groups(groups, len(shares)).items()}


def drop_group_importance(
    model: Any, X: Any, y: Any, groups: Groups, folds: Folds
) -> dict[str, Float[np.ndarray, " folds"]]:
    """Loss of held-out score when a model is fitted again without the columns of a group.

    Small where other columns carry the same information, however important the group is to a
    model that has it.

    Returns
    -------
    dict of str to float array of shape (n_folds,)
    """
    X, y = as_array(X, "X", ndim=2), as_array(y, "y", ndim=1)
    columns = _check_groups(groups, X.shape[1])
    base = _fold_scores(model, X, y, folds)
    kept = {k: np.setdiff1d(np.arange(X.shape[1]), group) for k, group in columns.items()}
    if empty := [name for name, rest in kept.items() if not len(rest)]:
        raise ValueError(f"groups[{empty[0]!r}] must leave at least one column")
    return {k: base - _fold_scores(model, X[:, rest], y, folds) for k, rest in kept.items()}


def _fold_scores(model: Any, X: np.ndarray, y: np.ndarray, folds: Folds) -> np.ndarray:
    return np.array([clone(model).fit(X[a], y[a]).score(X[b], y[b]) for a, b in folds])


def partial_dependence_curve(
    model: Any, X: Any, column: int, grid: Any
) -> Float[np.ndarray, " points"]:
    """Mean prediction when one column is set to each value of ``grid`` in all rows.

    .. math:: \\bar f(z) = \\frac{1}{m} \\sum_r f(x_{r1}, \\ldots, z, \\ldots, x_{rp})

    It describes the model, not the world: it also averages over pairs that do not exist.

    Returns
    -------
    float array of shape (len(grid),)
        Mean probability of a link, or mean log10 flow.
    """
    X, grid = as_array(X, "X", ndim=2).copy(), as_array(grid, "grid", ndim=1)
    check_integer(column, "column", low=0, high=X.shape[1] - 1)
    curve = np.empty(len(grid))
    for k, value in enumerate(grid):
        X[:, column] = value
        # Eq. (18)
        curve[k] = _mean_prediction(model, X)
    return curve


def _mean_prediction(model: Any, X: np.ndarray) -> float:
    if hasattr(model, "predict_proba"):
        return float(model.predict_proba(X)[:, 1].mean())
    return float(model.predict(X).mean())


def rank_of(importance: Mapping[str, Any], name: str) -> int:
    """Place of a group by mean importance, 1 for the largest; ties count against it.

    Raises
    ------
    ValueError
        If there is no such group.
    """
    if name not in importance:
        raise ValueError(f"name must be one of {', '.join(importance)}, got {name!r}")
    means = {key: float(np.mean(value)) for key, value in importance.items()}
    return sum(value >= means[name] for value in means.values())
