"""From a curve of performances to an intrinsic dimension, and what it says about compression."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_choice, check_integer, check_number
from mixbook.landscapes.intrinsic_dimension.training import (
    MakeModel,
    Runs,
    train_direct,
    train_subspace,
)

__all__ = [
    "IntrinsicDimensionEstimator",
    "bootstrap_dint",
    "compression_factor",
    "description_length",
    "intrinsic_dimension",
]


def intrinsic_dimension(
    d_list: Sequence[int],
    perf: ArrayLike,
    baseline: float,
    fraction: float = 0.9,
) -> float:
    """Smallest tested d whose mean performance over the seeds exceeds ``fraction * baseline``.

    Parameters
    ----------
    d_list : sequence of int, length n_d
        Tested dimensions, in any order, all different.
    perf : array of shape (n_d, n_seeds)
        Performance of each run, larger is better. A vector counts as one seed.
    baseline : float
        Performance of direct training (the network's own baseline), or 1.0 for an absolute bar.
    fraction : float
        0.9 gives the paper's d_int90.

    Returns
    -------
    float
        A member of ``d_list``, or infinity if none is good enough.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, a value is NaN, or a number is out of range.

    Notes
    -----
    Equation (8). The result is an upper bound (optimisation may fail where a solution exists) and
    is as coarse as ``d_list``: always show the curve with it.

    Examples
    --------
    >>> intrinsic_dimension([10, 20, 40], [[0.5, 0.6], [0.8, 1.0], [0.98, 0.99]], baseline=0.98)
    20.0
    """
    d, perf = _check_curve(d_list, perf)
    bar = _check_fraction(fraction) * check_number(baseline, "baseline", low=0, low_open=True)
    # Eq. (8)
    good = d[perf.mean(axis=1) > bar]
    return float(good.min()) if len(good) else math.inf


def bootstrap_dint(
    d_list: Sequence[int],
    perf: ArrayLike,
    baseline: float,
    fraction: float = 0.9,
    *,
    n_resamples: int = 100,
    random_state: int | np.random.Generator | None = 0,
) -> tuple[float, float]:
    """Mean and standard deviation of d_int when each d is represented by one of its runs.

    As in the official analysis, a resample picks one seed for each d independently. Resamples that
    never reach the bar are left out of both numbers (all of them: infinity and NaN).

    Parameters
    ----------
    n_resamples : int
        How many curves are put together.
    random_state : int, numpy Generator or None
        Draws them. Other parameters as in :func:`intrinsic_dimension`.

    Returns
    -------
    mean, std : float
    """
    d, perf = _check_curve(d_list, perf)
    bar = _check_fraction(fraction) * check_number(baseline, "baseline", low=0, low_open=True)
    n = check_integer(n_resamples, "n_resamples", low=1)
    pick = as_rng(random_state).integers(perf.shape[1], size=(n, len(d)))
    curves = np.take_along_axis(perf.T, pick.reshape(n, len(d)), axis=0)
    # Eq. (8), a resample a row
    found = np.where(curves > bar, d, np.inf).min(axis=1)
    found = found[np.isfinite(found)]
    return (float(found.mean()), float(found.std())) if len(found) else (math.inf, math.nan)


def description_length(d: int, bits: int = 32) -> int:
    """Bits that describe a trained network: ``d`` numbers and one random seed, Eq. (11).

    The seed rebuilds theta_0 and P, so nothing of size D has to be sent. The code of the network
    and of the generator is not counted.

    Examples
    --------
    >>> description_length(750)
    24032
    """
    d, bits = check_integer(d, "d", low=1), check_integer(bits, "bits", low=1)
    # Eq. (11)
    return bits * (d + 1)


def compression_factor(D: int, d: int) -> float:
    """``D / d``: how many times fewer numbers the subspace needs (the seed is not counted).

    Examples
    --------
    >>> round(compression_factor(199210, 750), 1)
    265.6
    """
    d = check_integer(d, "d", low=1)
    return check_integer(D, "D", low=d) / d


class IntrinsicDimensionEstimator(ClassifierMixin, BaseEstimator):
    """Measure the intrinsic dimension of a classification problem.

    ``fit`` trains the network directly, then in random subspaces of each dimension in ``d_grid``,
    and reads off the smallest that reaches ``fraction`` of the direct accuracy on held-out rows.

    Parameters
    ----------
    make_model : callable
        ``make_model(seed)`` returns a torch network with one output a class.
    d_grid : sequence of int
        Dimensions to try.
    projection : {"dense", "sparse", "fastfood"}
    n_seeds : int
        Runs a dimension.
    fraction : float
        Share of the baseline that counts as solved.
    baseline : float, optional
        Performance to compare with; default: measured by direct training.
    validation : float
        Share of the rows that is held out.
    n_steps, batch_size, lr, lr_direct, l2
        As in :func:`train_subspace` and :func:`train_direct`.
    random_state : int
        First seed; also splits the rows.
    device : str
    progress : bool

    Attributes
    ----------
    d_int_ : float
        The intrinsic dimension; infinity if no dimension of the grid is enough.
    baseline_ : float
        Performance of direct training (mean over the seeds), or what was given.
    curve_ : ndarray of shape (n_d, n_seeds)
        Held-out accuracy of each run, rows in the order of ``d_grid``.
    bootstrap_ : (float, float)
        Mean and standard deviation by :func:`bootstrap_dint`.
    D_ : int
        Number of parameters of the network.
    classes_ : ndarray
    """

    def __init__(
        self,
        make_model: MakeModel,
        d_grid: Sequence[int] = (10, 25, 50, 100, 200, 400),
        projection: str = "dense",
        n_seeds: int = 3,
        fraction: float = 0.9,
        *,
        baseline: float | None = None,
        validation: float = 0.25,
        n_steps: int = 600,
        batch_size: int = 128,
        lr: float = 3e-2,
        lr_direct: float = 1e-3,
        l2: float = 0.0,
        random_state: int = 0,
        device: str = "auto",
        progress: bool = True,
    ) -> None:
        self.make_model = make_model
        self.d_grid = d_grid
        self.projection = projection
        self.n_seeds = n_seeds
        self.fraction = fraction
        self.baseline = baseline
        self.validation = validation
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.lr = lr
        self.lr_direct = lr_direct
        self.l2 = l2
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def fit(self, X: Any, y: Any) -> "IntrinsicDimensionEstimator":
        """Train the baseline and the curve.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Labels of any kind; at least two classes, each with two rows or more.
        """
        self._check()
        X, labels = self._check_rows(X, y)
        rows = train_test_split(
            X.numpy(),
            labels,
            test_size=self.validation,
            stratify=labels,
            random_state=self.random_state,
        )
        data = [rows[0], rows[2], rows[1], rows[3]]
        shared: dict[str, Any] = {
            "seed": [self.random_state + i for i in range(self.n_seeds)],
            "n_steps": self.n_steps,
            "batch_size": self.batch_size,
            "l2": self.l2,
            "device": self.device,
            "progress": self.progress,
        }
        self.baseline_ = self._baseline(data, shared)
        self.runs_: Runs = train_subspace(
            self.make_model,
            *data,
            d=list(self.d_grid),
            projection=self.projection,
            lr=self.lr,
            **shared,
        )
        self.curve_, self.D_ = self.runs_.accuracy, self.runs_.D
        curve = (self.d_grid, self.curve_, self.baseline_, self.fraction)
        self.d_int_ = intrinsic_dimension(*curve)
        self.bootstrap_ = bootstrap_dint(*curve, random_state=self.random_state)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Labels by the first seed's network at ``d_int_``: a seed and d_int numbers.

        Raises
        ------
        ValueError
            If no dimension of the grid reached the bar.
        """
        if not math.isfinite(self.d_int_):
            raise ValueError("no dimension of d_grid was enough; try larger ones or more steps")
        X = as_matrix(X, "X", n_columns=self.n_features_in_)
        row = list(self.d_grid).index(int(self.d_int_))
        return self.classes_[self.runs_.predict(X, row).cpu().numpy()]

    def _baseline(self, data: list[np.ndarray], shared: dict[str, Any]) -> float:
        if self.baseline is not None:
            return float(self.baseline)
        direct = train_direct(self.make_model, *data, lr=self.lr_direct, **shared)
        return float(direct.accuracy.mean())

    def _check(self) -> None:
        check_integer(self.n_seeds, "n_seeds", low=1)
        check_choice(self.projection, "projection", ("dense", "sparse", "fastfood"))
        check_number(self.validation, "validation", low=0, high=1, low_open=True, high_open=True)
        _check_fraction(self.fraction)
        if self.baseline is not None:
            check_number(self.baseline, "baseline", low=0, low_open=True)

    def _check_rows(self, X: Any, y: Any) -> tuple[torch.Tensor, np.ndarray]:
        X = as_matrix(X, "X", min_rows=4)
        y = np.asarray(y)
        if y.shape != (len(X),):
            raise ValueError(f"y must have shape ({len(X)},), one label a row of X, got {y.shape}")
        self.classes_, labels, counts = np.unique(y, return_inverse=True, return_counts=True)
        if len(counts) < 2 or counts.min() < 2:
            raise ValueError(
                f"y must hold at least two classes with two rows each, got counts {counts.tolist()}"
            )
        self.n_features_in_ = X.shape[1]
        return X, labels


def _check_curve(d_list: Any, perf: Any) -> tuple[np.ndarray, np.ndarray]:
    d = np.array([check_integer(k, "d_list", low=1) for k in d_list])
    perf = np.asarray(perf, dtype=float)
    perf = perf[:, None] if perf.ndim == 1 else perf
    if len(d) == 0 or len(np.unique(d)) != len(d):
        raise ValueError(f"d_list must hold different dimensions, at least one, got {d.tolist()}")
    if perf.ndim != 2 or perf.shape[0] != len(d) or perf.shape[1] < 1:
        raise ValueError(f"perf must have shape ({len(d)}, n_seeds), got {perf.shape}")
    if not np.isfinite(perf).all():
        raise ValueError("perf must be finite, got NaN or infinity")
    return d, perf


def _check_fraction(fraction: float) -> float:
    return check_number(fraction, "fraction", low=0, low_open=True, high=1)
