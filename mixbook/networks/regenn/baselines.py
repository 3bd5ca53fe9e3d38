"""Cheap forecasters that any network should beat first.

The first three need nothing but the window. The pooled ones learn from all windows of a panel. Holt
and ARIMA are fitted to each series by itself (statsmodels, extra "networks").
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_is_fitted
from tqdm.auto import tqdm

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.regenn._checks import as_panel

__all__ = [
    "BoostedGrowth",
    "PooledAR",
    "last_value",
    "linear_trend",
    "log_linear_trend",
    "per_series",
]

Panel = Float[np.ndarray, "n s v"]


def last_value(history: Any, stride: int) -> Panel:
    """Repeat the last step of each window ``stride`` times."""
    x, stride = as_panel(history, "history"), check_integer(stride, "stride", low=1)
    return np.repeat(x[:, -1:], stride, axis=1)


def linear_trend(history: Any, stride: int) -> Panel:
    """Continue the least-squares line of each window, not below 0."""
    return np.maximum(_line(as_panel(history, "history", min_steps=2), stride), 0)


def log_linear_trend(history: Any, stride: int) -> Panel:
    """Continue the least-squares line of log(1 + x) in each window: exponential growth."""
    x = as_panel(history, "history", min_steps=2)
    if x.min() < 0:
        raise ValueError(f"history must be >= 0, got an entry {x.min():g}")
    return np.maximum(np.expm1(_line(np.log1p(x), stride)), 0)


def _line(x: np.ndarray, stride: int) -> np.ndarray:
    w, s = x.shape[1], check_integer(stride, "stride", low=1)
    design = np.column_stack([np.ones(w + s), np.arange(w + s)])
    weights = design[w:] @ np.linalg.pinv(design[:w])
    return np.einsum("st,ntv->nsv", weights, x)


def _pairs(x: np.ndarray, window: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """All windows of a panel, (pairs, window, V), and the steps after each, (pairs, stride, V)."""
    views = sliding_window_view(x, window + stride, axis=1)  # n, starts, V, window + stride
    rows = views.transpose(0, 1, 3, 2).reshape(-1, window + stride, x.shape[2])
    return rows[:, :window], rows[:, window:]


class _Pooled(BaseEstimator):
    """What the pooled forecasters share: all windows of all samples are rows of one table."""

    window: int
    stride: int

    def _training_pairs(self, panel: Any) -> tuple[np.ndarray, np.ndarray]:
        check_integer(self.window, "window", low=1)
        check_integer(self.stride, "stride", low=1)
        x = self._counts(panel, "panel", min_steps=self.window + self.stride)
        self.n_variables_ = x.shape[2]
        return _pairs(x, self.window, self.stride)

    def _history(self, history: Any) -> np.ndarray:
        check_is_fitted(self, "models_")
        return self._counts(history, "history", n_steps=self.window, n_variables=self.n_variables_)

    def _counts(self, x: Any, name: str, **wanted: Any) -> np.ndarray:
        array = as_panel(x, name, **wanted)
        if array.min() < 0:
            raise ValueError(f"{name} must be >= 0, got an entry {array.min():g}")
        return array


class PooledAR(_Pooled):
    """Ridge regression of each future step on the window, one for each variable.

    Parameters
    ----------
    window, stride : int
    log : bool
        Work on log(1 + x).
    cross : bool
        Use the windows of all variables and not only of the one that is predicted.
    alpha : float
        Strength of the ridge penalty; the intercept is free.
    """

    def __init__(
        self,
        window: int = 7,
        stride: int = 7,
        *,
        log: bool = True,
        cross: bool = False,
        alpha: float = 1e-3,
    ) -> None:
        self.window = window
        self.stride = stride
        self.log = log
        self.cross = cross
        self.alpha = alpha

    def fit(self, panel: Any) -> PooledAR:
        """Fit to all windows of a panel (samples, steps, variables) of values >= 0."""
        check_number(self.alpha, "alpha", low=0, low_open=True)
        x, y = (self._transform(a) for a in self._training_pairs(panel))
        self.models_ = [
            Ridge(alpha=self.alpha).fit(self._lags(x, v), y[..., v])
            for v in range(self.n_variables_)
        ]
        return self

    def predict(self, history: Any) -> Panel:
        """Forecasts (samples, stride, variables), not below 0."""
        x = self._transform(self._history(history))
        steps = [
            np.asarray(model.predict(self._lags(x, v))).reshape(len(x), self.stride)
            for v, model in enumerate(self.models_)
        ]
        found = np.stack(steps, axis=2)
        return np.maximum(np.expm1(found) if self.log else found, 0)

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return np.log1p(x) if self.log else x

    def _lags(self, x: np.ndarray, variable: int) -> np.ndarray:
        return x.reshape(len(x), -1) if self.cross else x[..., variable]


class BoostedGrowth(_Pooled):
    """Gradient boosting of the growth of log(1 + x) since the last step, one model a future step.

    The features are the daily growths within the window of the variable, its last level, the last
    level of each variable, and which variable it is.

    Parameters
    ----------
    window, stride : int
    max_iter : int
        Trees a model.
    max_rows : int or None
        Fit on so many rows drawn at random.
    random_state : int
    """

    def __init__(
        self,
        window: int = 7,
        stride: int = 7,
        *,
        max_iter: int = 100,
        max_rows: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.window = window
        self.stride = stride
        self.max_iter = max_iter
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, panel: Any) -> BoostedGrowth:
        """Fit to all windows of a panel (samples, steps, variables) of values >= 0."""
        check_integer(self.window, "window", low=2)
        x, y = (np.log1p(a) for a in self._training_pairs(panel))
        table = self._features(x)
        growth = (y - x[:, -1:]).transpose(0, 2, 1).reshape(-1, self.stride)
        if self.max_rows is not None:
            few = check_integer(self.max_rows, "max_rows", low=10)
            keep = np.random.default_rng(self.random_state).permutation(len(table))[:few]
            table, growth = table[keep], growth[keep]
        self.models_ = [
            HistGradientBoostingRegressor(
                max_iter=self.max_iter, random_state=self.random_state
            ).fit(table, growth[:, h])
            for h in range(self.stride)
        ]
        return self

    def predict(self, history: Any) -> Panel:
        """Forecasts (samples, stride, variables), not below 0."""
        x = np.log1p(self._history(history))
        table = self._features(x)
        growth = np.stack([model.predict(table) for model in self.models_], axis=1)
        growth = growth.reshape(len(x), self.n_variables_, self.stride).transpose(0, 2, 1)
        return np.maximum(np.expm1(x[:, -1:] + growth), 0)

    def _features(self, x: np.ndarray) -> np.ndarray:
        """Rows: samples times variables, the variable running faster."""
        n, w, V = x.shape
        steps = np.diff(x, axis=1).transpose(0, 2, 1).reshape(n * V, w - 1)
        level, which = x[:, -1].reshape(n * V, 1), np.tile(np.arange(V), n)[:, None]
        return np.hstack([steps, level, np.repeat(x[:, -1], V, axis=0), which])


def per_series(
    panel: Any, stride: int, method: str = "holt", *, log: bool = True, progress: bool = True
) -> Panel:
    """Forecast each series of a panel from its own past, with statsmodels.

    Parameters
    ----------
    panel : array of shape (samples, steps, variables)
        Everything up to the steps to be forecast; values >= 0 if ``log``.
    stride : int
    method : {"holt", "arima"}
        Holt's linear trend, damped; or ARIMA(1, 1, 0) with a drift.
    log : bool
        Work on log(1 + x).
    progress : bool

    Returns
    -------
    array of shape (samples, stride, variables)
        Not below 0. Constant series repeat their value, and so does a series on which the fit
        fails.
    """
    check_choice(method, "method", ("holt", "arima"))
    x, stride = as_panel(panel, "panel", min_steps=10), check_integer(stride, "stride", low=1)
    if log and x.min() < 0:
        raise ValueError(f"panel must be >= 0 with log=True, got an entry {x.min():g}")
    z = np.log1p(x) if log else x
    found = np.repeat(z[:, -1:], stride, axis=1)
    for i, v in tqdm(list(np.ndindex(z.shape[0], z.shape[2])), disable=not progress, leave=False):
        if np.ptp(z[i, :, v]) > 0:
            found[i, :, v] = _forecast(z[i, :, v], stride, method)
    return np.maximum(np.expm1(found) if log else found, 0)


def _forecast(series: np.ndarray, stride: int, method: str) -> np.ndarray:
    try:
        from statsmodels.tsa.api import ARIMA, Holt
    except ImportError as error:
        raise ImportError(
            f'method "{method}" needs statsmodels: pip install "mixbook[networks]"'
        ) from error
    with warnings.catch_warnings():  # statsmodels warns where an optimiser stops early
        warnings.simplefilter("ignore")
        try:
            if method == "holt":
                model = Holt(series, damped_trend=True, initialization_method="heuristic")
                guess = model.fit(use_brute=False).forecast(stride)
            else:
                guess = ARIMA(series, order=(1, 1, 0), trend="t").fit().forecast(stride)
        except (ValueError, np.linalg.LinAlgError):
            return np.full(stride, series[-1])
    return guess if np.isfinite(guess).all() else np.full(stride, series[-1])
