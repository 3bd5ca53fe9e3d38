"""How far a predicted population is from the true one, and two predictions without a network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator
from torch import Tensor

from mixbook.core.transport import mmd_rbf, wasserstein_1, wasserstein_2
from mixbook.core.validation import as_matrix, check_integer

__all__ = ["LocalMean", "ShiftOfMeans", "population_metrics"]


def population_metrics(pred: Any, true: Any) -> dict[str, float]:
    """Distances between a predicted and a true population.

    Parameters
    ----------
    pred, true : array-like of shape (n, D), (m, D)

    Returns
    -------
    dict
        ``w1``, ``w2``: exact Wasserstein distances; ``mmd``: squared, averaged over six kernels;
        ``mean``, ``median``: root mean squared difference of means and medians over the features;
        for D >= 3 also ``corr_r2``: squared correlation between all pairwise correlations of
        features in one population and in the other (NaN if a feature is constant).
    """
    x = as_matrix(pred, "pred", dtype=torch.float64)
    y = as_matrix(true, "true", dtype=torch.float64, n_columns=x.shape[1])
    found = {"w1": wasserstein_1(x, y), "w2": wasserstein_2(x, y), "mmd": mmd_rbf(x, y)}
    a, b = x.numpy(), y.numpy()
    for name, center in (("mean", np.mean), ("median", np.median)):
        gap = center(a, axis=0) - center(b, axis=0)
        found[name] = float(np.sqrt((gap**2).mean()))
    if x.shape[1] >= 3:
        found["corr_r2"] = _correlation_match(a, b)
    return found


def _correlation_match(x: np.ndarray, y: np.ndarray) -> float:
    upper = np.triu_indices(x.shape[1], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = (np.corrcoef(z.T)[upper] for z in (x, y))
        return float(np.corrcoef(a, b)[0, 1] ** 2)


class LocalMean(BaseEstimator):
    """Move each point to the mean of its nearest neighbours in the source population.

    A model of nothing but noise removal, with one number to learn: how many neighbours. It is
    chosen from ``choices`` by the mean W1 over the training pairs.

    Attributes
    ----------
    k_ : int
        Points in the mean, the point itself included.
    """

    def __init__(self, choices: Sequence[int] = (1, 5, 10, 15, 20, 30, 40, 60)) -> None:
        self.choices = choices

    def fit(self, pairs: Sequence[Any], conditions: Any = None) -> "LocalMean":
        """Choose the number of neighbours; each item is (x0, x1, ...)."""
        for k in self.choices:
            check_integer(k, "choices", low=1)
        clouds = _as_pairs(pairs)
        usable = [k for k in self.choices if k <= min(len(x0) for x0, _ in clouds)]
        errors = [
            np.mean([wasserstein_1(_local_mean(x0, k), x1) for x0, x1 in clouds]) for k in usable
        ]
        self.k_ = usable[int(np.argmin(errors))]
        return self

    def predict_all(self, populations: Sequence[Any], conditions: Any = None) -> list:
        """Several populations, one by one."""
        return [self.predict(x0) for x0 in populations]

    def predict(self, x0: Any, condition: Any = None) -> Any:
        """The source with each point moved, (n, D)."""
        x = as_matrix(x0, "x0", min_rows=self.k_)
        return _like(_local_mean(x, self.k_), x0)


def _local_mean(x: Tensor, k: int) -> Tensor:
    near = cKDTree(x.numpy()).query(x.numpy(), k)[1].reshape(len(x), k)
    return x[torch.from_numpy(near)].mean(1)


class ShiftOfMeans(BaseEstimator):
    """Move all points of a population alike, by ridge regression on the mean of the population.

    With ``alpha = inf`` the shift is the same for all populations: the mean of those in training.

    Parameters
    ----------
    alpha : float
        Strength of the ridge penalty on the slopes.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(self, pairs: Sequence[Any], conditions: Any = None) -> "ShiftOfMeans":
        """Learn the shift from the means of training pairs (x0, x1, ...)."""
        clouds = _as_pairs(pairs)
        m0, m1 = (torch.stack([c[i].mean(0) for c in clouds]) for i in (0, 1))
        self.center_, self.shift_ = m0.mean(0), (m1 - m0).mean(0)
        M = m0 - self.center_
        penalty = torch.eye(M.shape[1]) * min(self.alpha, 1e30)
        self.slopes_ = torch.linalg.solve(M.T @ M + penalty, M.T @ (m1 - m0 - self.shift_))
        return self

    def predict_all(self, populations: Sequence[Any], conditions: Any = None) -> list:
        """Several populations, one by one."""
        return [self.predict(x0) for x0 in populations]

    def predict(self, x0: Any, condition: Any = None) -> Any:
        """The source, shifted, (n, D)."""
        x = as_matrix(x0, "x0", n_columns=len(self.center_))
        return _like(x + self.shift_ + (x.mean(0) - self.center_) @ self.slopes_, x0)


def _as_pairs(pairs: Any) -> list[tuple[Tensor, Tensor]]:
    """Check a list of (x0, x1, ...) and hand the first two of each on as tensors."""
    if not isinstance(pairs, Sequence) or isinstance(pairs, str) or not len(pairs):
        raise ValueError(
            f"pairs must be a non-empty list of (x0, x1), got {type(pairs).__name__}"
            + (" of length 0" if isinstance(pairs, Sequence) else "")
        )
    clouds: list[tuple[Tensor, Tensor]] = []
    for i, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) < 2:
            raise ValueError(f"pairs[{i}] must be (x0, x1), got {type(pair).__name__}")
        x0 = as_matrix(pair[0], f"pairs[{i}][0]", n_columns=clouds[0][0].shape[1] if i else None)
        clouds.append((x0, as_matrix(pair[1], f"pairs[{i}][1]", n_columns=x0.shape[1])))
    return clouds


def _like(result: Tensor, given: Any) -> Any:
    """A tensor for a tensor, on its device, else a NumPy array."""
    return result.to(given.device) if isinstance(given, Tensor) else result.cpu().numpy()
