"""Node labels from embeddings, with the embedding chosen inside the training folds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from tqdm.auto import tqdm

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number

__all__ = ["LabelScores", "compare_families", "leave_one_out_labels", "predict_labels"]

CHOOSERS = ("cv", "ridge")
INNER_FOLDS = 3
Candidate = tuple[Any, int]
Judge = Callable[[Candidate], float]


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
    chooser: str = "cv",
    n_folds: int = 5,
    n_repeats: int = 10,
    random_state: int | np.random.Generator | None = None,
    progress: bool = False,
) -> LabelScores:
    """Repeated stratified cross-validation of logistic regression on standardised embeddings.

    With several embeddings or dimensions, each training fold chooses one of them for itself; see
    :func:`compare_families`, of which this is the case of one family.

    Parameters
    ----------
    embeddings : mapping of name to array of shape (n, d)
        Columns in order of importance: dimension k means the first k columns.
    labels : array-like of shape (n,)
    dims, chooser, n_folds, n_repeats, random_state, progress
        As in :func:`compare_families`.

    Returns
    -------
    LabelScores

    Raises
    ------
    TypeError, ValueError
        As in :func:`compare_families`.
    """
    tables, y = _checked(embeddings, labels, n_folds)
    return compare_families(
        tables, y, {"all": list(tables)}, dims=dims, chooser=chooser, n_folds=n_folds,
        n_repeats=n_repeats, random_state=random_state, progress=progress,
    )["all"]  # fmt: skip


def compare_families(
    embeddings: Mapping[Any, Any],
    labels: Any,
    families: Mapping[Any, Collection[Any]],
    *,
    dims: Collection[int] | None = None,
    chooser: str = "cv",
    n_folds: int = 5,
    n_repeats: int = 10,
    random_state: int | np.random.Generator | None = None,
    progress: bool = False,
) -> dict[Any, LabelScores]:
    """Families of embeddings on the same folds, each choosing its member in every training fold.

    The test fold takes no part in the choice. Scores of two families can be subtracted fold by
    fold, as their folds are the same.

    Parameters
    ----------
    embeddings : mapping of name to array of shape (n, d)
        Columns in order of importance: dimension k means the first k columns.
    labels : array-like of shape (n,)
    families : mapping of family to names of embeddings
        Families may overlap.
    dims : collection of int, optional
        Dimensions to choose from; default each embedding's own. Those beyond an embedding's width
        are cut to it.
    chooser : {"cv", "ridge"}
        What is maximised inside the training fold: the mean macro F1 of the same classifier over
        three inner folds, or, much faster, the macro F1 of leave-one-out predictions by ridge
        regression (:func:`leave_one_out_labels`).
    n_folds, n_repeats : int
    random_state : int, numpy.random.Generator or None
        Shuffles the folds: equal integers give equal folds.
    progress : bool

    Returns
    -------
    dict of family to LabelScores

    Raises
    ------
    TypeError, ValueError
        If there is no embedding or family, a family names no known embedding, sizes differ, a
        class has too few members for the folds, or an argument is out of range.
    """
    tables, y = _checked(embeddings, labels, n_folds)
    members = _candidates(tables, families, dims)
    check_integer(n_repeats, "n_repeats", low=1)
    check_choice(chooser, "chooser", CHOOSERS)
    if chooser == "cv" and any(len(own) > 1 for own in members.values()):
        _check_inner_folds(y, n_folds)
    rng = as_rng(random_state)
    results: dict[Any, list[tuple[Candidate, float, float]]] = {family: [] for family in members}
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for _ in tqdm(range(n_repeats), disable=not progress):
            seed = int(rng.integers(2**31))
            for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(
                y, y
            ):
                picks = _choose(members, partial(_judge, chooser, tables, y, train, seed))
                for family, (name, dim) in picks.items():
                    f1, accuracy = _fit_and_score(tables[name][:, :dim], y, train, test)
                    results[family].append(((name, dim), f1, accuracy))
    return {family: _collect(rows, n_folds) for family, rows in results.items()}


def _collect(rows: list[tuple[Candidate, float, float]], n_folds: int) -> LabelScores:
    chosen, f1, accuracy = zip(*rows)
    table = np.array([f1, accuracy]).reshape(2, -1, n_folds)
    return LabelScores(macro_f1=table[0], accuracy=table[1], chosen=list(chosen))


def _choose(
    members: Mapping[Any, list[Candidate]], make_judge: Callable[[], Judge]
) -> dict[Any, Candidate]:
    """The best candidate of each family; each candidate is judged once, a lone one never."""
    rivals = dict.fromkeys(c for own in members.values() if len(own) > 1 for c in own)
    quality = dict(zip(rivals, map(make_judge(), rivals))) if rivals else {}
    return {f: max(own, key=lambda c: quality.get(c, 0.0)) for f, own in members.items()}


def _judge(
    chooser: str, tables: dict[Any, np.ndarray], y: np.ndarray, train: np.ndarray, seed: int
) -> Judge:
    """How good a candidate looks on the training fold alone."""
    inner = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    folds = (
        [(train[a], train[b]) for a, b in inner.split(train, y[train])] if chooser == "cv" else []
    )

    def by_inner_folds(candidate: Candidate) -> float:
        X = tables[candidate[0]][:, : candidate[1]]
        return float(np.mean([_fit_and_score(X, y, *fold)[0] for fold in folds]))

    def by_ridge(candidate: Candidate) -> float:
        X = tables[candidate[0]][train, : candidate[1]]
        return _macro_f1(y[train], _left_out_classes(X, y[train], 1.0))

    return by_inner_folds if chooser == "cv" else by_ridge


def _check_inner_folds(y: np.ndarray, n_folds: int) -> None:
    smallest = int(np.bincount(y).min())
    left = smallest - -(-smallest // n_folds)
    if left < INNER_FOLDS:
        raise ValueError(
            f"labels must have classes of which a training fold holds {INNER_FOLDS} members or "
            f'more to choose by "cv", got one with {left} of {smallest}'
        )


def _candidates(
    tables: dict[Any, np.ndarray], families: Any, dims: Collection[int] | None
) -> dict[Any, list[Candidate]]:
    if not isinstance(families, Mapping) or not families:
        raise TypeError(f"families must map families to names of embeddings, got {families!r}")
    for family, names in families.items():
        if not names or any(name not in tables for name in names):
            raise ValueError(
                f"families[{family!r}] must name some of the embeddings, got {names!r}"
            )
    if dims is None:
        return {f: [(n, tables[n].shape[1]) for n in names] for f, names in families.items()}
    wanted = sorted({check_integer(dim, "dims", low=1) for dim in dims})
    if not wanted:
        raise ValueError("dims must hold at least one dimension, got none")
    return {
        f: list(dict.fromkeys((n, min(d, tables[n].shape[1])) for n in names for d in wanted))
        for f, names in families.items()
    }


def _checked(
    embeddings: Any, labels: Any, n_folds: Any
) -> tuple[dict[Any, np.ndarray], Int[np.ndarray, " n"]]:
    n_folds = check_integer(n_folds, "n_folds", low=2)
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
    return classes[_left_out_classes(table, y, ridge)]


def _left_out_classes(X: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
    targets = np.where(y[:, None] == np.arange(y.max() + 1), 1.0, -1.0)
    return _left_out(_standardise(X, X), targets, ridge).argmax(axis=1)


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
