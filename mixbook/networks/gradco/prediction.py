"""Node labels from embeddings, with the embedding chosen inside the training folds."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from tqdm.auto import tqdm

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_integer, check_number

__all__ = ["LabelScores", "leave_one_out_labels", "predict_labels"]


@dataclass(frozen=True)
class LabelScores:
    """How well labels were predicted, one entry a repeat and fold.

    Attributes
    ----------
    macro_f1, accuracy : float arrays of shape (n_repeats, n_folds)
    chosen : list of (name, dim)
        What was selected in each training fold, in the same order.
    """

    macro_f1: Float[np.ndarray, "repeats folds"]
    accuracy: Float[np.ndarray, "repeats folds"]
    chosen: list[tuple[Hashable, int]]


def predict_labels(
    embeddings: Mapping[Any, Any],
    labels: Any,
    *,
    dims: Collection[int] | None = None,
    n_folds: int = 5,
    n_repeats: int = 10,
    random_state: int | np.random.Generator | None = None,
    progress: bool = False,
) -> LabelScores:
    """Repeated stratified cross-validation of logistic regression on standardised embeddings.

    With several embeddings or dimensions, each training fold chooses one of them for itself: the
    one whose leave-one-out predictions by a ridge classifier, a closed form, have the best macro
    F1. The test fold takes no part in the choice.

    Parameters
    ----------
    embeddings : mapping of name to array of shape (n, d)
        Columns in order of importance: dimension k means the first k columns.
    labels : array-like of shape (n,)
    dims : collection of int, optional
        Dimensions to choose from; default each embedding's own. Those beyond an embedding's width
        are cut to it.
    n_folds, n_repeats : int
    random_state : int, numpy.random.Generator or None
        Shuffles the folds: equal integers give equal folds, so that scores can be compared in
        pairs.
    progress : bool

    Returns
    -------
    LabelScores

    Raises
    ------
    TypeError, ValueError
        If there is no embedding, sizes differ, a class has fewer members than there are folds, or
        a number is out of range.
    """
    tables, y = _checked(embeddings, labels, check_integer(n_folds, "n_folds", low=2))
    check_integer(n_repeats, "n_repeats", low=1)
    candidates = _candidates(tables, dims)
    rng, scores, chosen = as_rng(random_state), [], []
    for _ in tqdm(range(n_repeats), disable=not progress):
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
        for train, test in folds.split(y, y):
            name, dim = _choose(candidates, tables, y, train)
            scores.append(_fit_and_score(tables[name][:, :dim], y, train, test))
            chosen.append((name, dim))
    macro_f1, accuracy = np.array(scores).T.reshape(2, n_repeats, n_folds)
    return LabelScores(macro_f1, accuracy, chosen)


def _candidates(
    tables: dict[Any, np.ndarray], dims: Collection[int] | None
) -> list[tuple[Hashable, int]]:
    if dims is None:
        return [(name, X.shape[1]) for name, X in tables.items()]
    wanted = sorted({check_integer(dim, "dims", low=1) for dim in dims})
    if not wanted:
        raise ValueError("dims must hold at least one dimension, got none")
    return list(dict.fromkeys((n, min(d, X.shape[1])) for n, X in tables.items() for d in wanted))


def _checked(
    embeddings: Any, labels: Any, n_folds: int
) -> tuple[dict[Any, np.ndarray], Int[np.ndarray, " n"]]:
    if not isinstance(embeddings, Mapping):
        kind = type(embeddings).__name__
        raise TypeError(f"embeddings must map names to arrays of shape (n, d), got {kind}")
    if not embeddings:
        raise ValueError("embeddings must hold at least one embedding, got none")
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"labels must have shape (n,), got shape {array.shape}")
    tables = {
        name: as_matrix(X, f"embeddings[{name!r}]").numpy().astype(float)
        for name, X in embeddings.items()
    }
    for name, X in tables.items():
        if len(X) != len(array):
            raise ValueError(
                f"embeddings[{name!r}] must have a row for each of the {len(array)} labels, "
                f"got {len(X)}"
            )
    classes, y, sizes = np.unique(array, return_inverse=True, return_counts=True)
    if len(classes) < 2 or sizes.min() < n_folds:
        raise ValueError(
            f"labels must have at least 2 classes with {n_folds} members or more (one a fold), "
            f"got {len(classes)} class(es), the smallest with {sizes.min()}"
        )
    return tables, y.astype(np.int64)


def _choose(
    candidates: list[tuple[Any, int]],
    tables: dict[Any, np.ndarray],
    y: np.ndarray,
    train: np.ndarray,
) -> tuple[Any, int]:
    if len(candidates) == 1:
        return candidates[0]
    truth = y[train]
    quality = [
        _macro_f1(truth, leave_one_out_labels(tables[name][train, :dim], truth))
        for name, dim in candidates
    ]
    return candidates[int(np.argmax(quality))]


def leave_one_out_labels(X: Any, labels: Any, ridge: float = 1.0) -> np.ndarray:
    """Label of each row as a ridge classifier predicts it that was trained on all other rows.

    Columns are standardised, targets are +1 for the own class and -1 for the others. With the hat
    matrix H, leaving out row i changes its fitted value to ``(fit_i - H_ii t_i) / (1 - H_ii)``, so
    one solve serves all rows.

    Parameters
    ----------
    X : array-like of shape (n, d)
    labels : array-like of shape (n,)
    ridge : float
        Penalty on the squared weights; the intercept is free.

    Returns
    -------
    array of shape (n,)
    """
    table = as_matrix(X, "X").numpy().astype(float)
    check_number(ridge, "ridge", low=0, low_open=True)
    classes, y = np.unique(np.asarray(labels), return_inverse=True)
    if y.shape != (len(table),):
        raise ValueError(f"labels must have shape ({len(table)},), got {np.shape(labels)}")
    Z = _standardise(table, table)
    targets = np.where(y[:, None] == np.arange(len(classes)), 1.0, -1.0)
    return classes[_left_out(Z, targets, ridge).argmax(axis=1)]


def _left_out(Z: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Prediction of each row by ridge regression on all others; columns of Z have mean zero."""
    solved = np.linalg.solve(Z.T @ Z + ridge * np.eye(Z.shape[1]), Z.T)
    leverage = (np.einsum("nd,dn->n", Z, solved) + 1 / len(Z))[:, None]
    fitted = targets.mean(axis=0) + Z @ (solved @ targets)
    # Eq. (29)
    return (fitted - leverage * targets) / (1 - leverage)


def _fit_and_score(
    X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[float, float]:
    model = LogisticRegression(max_iter=1000, tol=1e-3)
    model.fit(_standardise(X[train], X[train]), y[train])
    guess = model.predict(_standardise(X[test], X[train]))
    return _macro_f1(y[test], guess), float((guess == y[test]).mean())


def _standardise(X: np.ndarray, reference: np.ndarray) -> np.ndarray:
    spread = reference.std(axis=0)
    return (X - reference.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """scikit-learn's, without the checks that would take most of the time for small folds."""
    k = int(max(truth.max(), guess.max())) + 1
    table = np.bincount(truth * k + guess, minlength=k * k).reshape(k, k)
    hits, total = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    return float(np.mean(2 * hits[total > 0] / total[total > 0]))
