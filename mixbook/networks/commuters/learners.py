"""Tabular learners for links and flows, and predictions for pairs held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice
from mixbook.networks.commuters._checks import as_array
from mixbook.networks.commuters.features import Folds

__all__ = ["MODELS", "FlowRegressor", "LinkReconstructor", "out_of_fold"]

LEARNERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "constant": (DummyClassifier, DummyRegressor, {}),
    "logit": (LogisticRegression, LinearRegression, {}),
    "knn": (KNeighborsClassifier, KNeighborsRegressor, {"n_neighbors": 15, "weights": "distance"}),
    "tree": (DecisionTreeClassifier, DecisionTreeRegressor, {"min_samples_leaf": 10}),
    "rf": (
        RandomForestClassifier,
        RandomForestRegressor,
        {"n_estimators": 200, "max_features": 1 / 3, "min_samples_leaf": 2},
    ),
    "extra": (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        {"n_estimators": 200, "max_features": 1 / 3, "min_samples_leaf": 2},
    ),
    "hgb": (HistGradientBoostingClassifier, HistGradientBoostingRegressor, {}),
    "mlp": (
        MLPClassifier,
        MLPRegressor,
        {"hidden_layer_sizes": (64, 32), "alpha": 1e-2, "early_stopping": True, "max_iter": 500},
    ),
}
MODELS = (*LEARNERS, "xgb")
SCALED = ("logit", "knn", "mlp")
PARALLEL = ("knn", "rf", "extra", "xgb")


class _PairLearner(BaseEstimator):
    """What the two tasks share: building the learner, checking the table, fitting."""

    _place = 0  # in LEARNERS

    def __init__(
        self,
        model: str = "hgb",
        *,
        params: dict[str, Any] | None = None,
        n_jobs: int | None = 1,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.model = model
        self.params = params
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, X: Any, y: np.ndarray) -> None:
        check_choice(self.model, "model", MODELS)
        X = as_array(X, "X", ndim=2)
        if len(X) != len(y):
            raise ValueError(f"X and y must have the same number of rows, got {len(X)}, {len(y)}")
        learner = self._build()
        steps = [StandardScaler(), learner] if self.model in SCALED else [learner]
        self.estimator_ = make_pipeline(*steps).fit(X, y)
        self.n_features_in_ = X.shape[1]

    def _build(self) -> Any:
        if self.model == "xgb":
            kind, defaults = _xgboost(self._place), {"n_estimators": 200, "learning_rate": 0.1}
        else:
            kind, defaults = LEARNERS[self.model][self._place], LEARNERS[self.model][2]
        known = kind().get_params()
        usable: dict[str, Any] = {"n_jobs": self.n_jobs} if self.model in PARALLEL else {}
        if "random_state" in known:
            usable["random_state"] = int(as_rng(self.random_state).integers(2**31))
        if unknown := set(self.params or {}) - set(known):
            raise ValueError(
                f"params holds {', '.join(sorted(unknown))}, which {kind.__name__} does not have"
            )
        return kind(**usable | defaults | (self.params or {}))

    def _table(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        X = as_array(X, "X", ndim=2)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have {self.n_features_in_} columns, got {X.shape[1]}")
        return X


def _xgboost(place: int) -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise ImportError(
            'model "xgb" needs xgboost: pip install "mixbook[boosting]"; "hgb" is much like it'
        ) from error
    return (xgboost.XGBClassifier, xgboost.XGBRegressor)[place]


class LinkReconstructor(ClassifierMixin, _PairLearner):
    """Task 1: is there a link from i to j? A classifier on pair features.

    Parameters
    ----------
    model : str
        "constant", "logit" (logistic regression), "knn", "tree", "rf" (random forest), "extra"
        (extremely randomised trees), "hgb" (histogram gradient boosting), "mlp" or "xgb" (needs
        the extra "boosting"). Features are standardised where the learner needs it.
    params : dict, optional
        Arguments of the scikit-learn (or XGBoost) class that override the defaults of this module.
    n_jobs : int or None
        Threads, where the learner has that argument.
    random_state : int, Generator or None

    Attributes
    ----------
    estimator_ : Pipeline
        The fitted learner is its last step.
    classes_ : array of shape (2,)
    """

    _place = 0

    def fit(self, X: Any, y: Any) -> LinkReconstructor:
        """Fit to pair features (m, p) and labels 0 and 1.

        Raises
        ------
        TypeError
            If X does not hold numbers.
        ValueError
            If an argument has a wrong shape or value, or y holds only one class.
        """
        y = as_array(y, "y", ndim=1)
        if not np.array_equal(np.unique(y), [0, 1]):
            raise ValueError(f"y must hold 0 and 1, both, got the values {np.unique(y)[:5]}")
        self.classes_ = np.array([0, 1])
        self._fit(X, y.astype(np.int64))
        return self

    def predict_proba(self, X: Any) -> Float[np.ndarray, "m 2"]:
        """Probabilities of no link and of a link."""
        X = self._table(X)
        return np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)

    def predict(self, X: Any) -> Int[np.ndarray, " m"]:
        """1 where a link is the more likely answer."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(np.int64)


class FlowRegressor(RegressorMixin, _PairLearner):
    """Task 2: log10 of the commuters from i to j, on links. A regressor on pair features.

    Parameters and attributes are those of :class:`LinkReconstructor`; "logit" is linear
    regression here and "constant" the mean.
    """

    _place = 1

    def fit(self, X: Any, y: Any) -> FlowRegressor:
        """Fit to pair features (m, p) and log10 flows (m,).

        Raises
        ------
        TypeError
            If X or y does not hold numbers.
        ValueError
            If an argument has a wrong shape or value.
        """
        self._fit(X, as_array(y, "y", ndim=1))
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " m"]:
        """log10 flows."""
        X = self._table(X)
        return np.asarray(self.estimator_.predict(X), dtype=np.float64)


def out_of_fold(
    model: LinkReconstructor | FlowRegressor,
    X: Any,
    y: Any,
    folds: Folds,
    *,
    progress: bool = True,
) -> Float[np.ndarray, " m"]:
    """Predict each pair by a model that was fitted without it.

    Parameters
    ----------
    model : LinkReconstructor or FlowRegressor
        A fresh copy is fitted in each fold.
    X, y
        As for ``model.fit``.
    folds : list of (train, test)
        See :func:`pair_folds`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    float array of shape (m,)
        Probability of a link, or log10 flow; NaN where a pair is in no test part.
    """
    if not isinstance(model, _PairLearner):
        raise TypeError(
            f"model must be a LinkReconstructor or FlowRegressor, got {type(model).__name__}"
        )
    X, y = as_array(X, "X", ndim=2), as_array(y, "y", ndim=1)
    found = np.full(len(y), np.nan)
    for train, test in tqdm(folds, desc=model.model, disable=not progress, leave=False):
        fitted = clone(model).fit(X[train], y[train])
        found[test] = _prediction(fitted, X[test])
    return found


def _prediction(fitted: Any, X: np.ndarray) -> np.ndarray:
    return fitted.predict_proba(X)[:, 1] if hasattr(fitted, "classes_") else fitted.predict(X)
