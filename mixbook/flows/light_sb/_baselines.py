"""Plans to compare with: entropic transport between the samples themselves, and no coupling."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mixbook.core.seeds import as_generator
from mixbook.core.validation import as_matrix, check_integer, check_number
from mixbook.flows.light_sb._estimator import Seed, _like, _noise

__all__ = ["IndependentPlan", "SinkhornPlan"]


class _DiscretePlan:
    """A plan whose end points are the rows of the sample X1, with weights that depend on x."""

    epsilon: float
    y_: Tensor

    def weights(self, x: Tensor) -> Tensor:
        """Probability of each row of X1 given each row of x, (n, m)."""
        raise NotImplementedError

    def predict(self, X0: Any) -> Any:
        """Conditional mean (barycentric projection) of each row, (n, D)."""
        x = self._points(X0)
        return _like(torch.cat([self.weights(b) @ self.y_ for b in x.split(1024)]), X0)

    def conditional_moments(self, x: Any) -> tuple[Any, Any]:
        """Mean (n, D) and covariance (n, D, D) of y given each row of x."""
        w = self.weights(self._points(x))
        mean = w @ self.y_
        pairs = (self.y_[:, :, None] * self.y_[:, None]).flatten(1)
        second = (w @ pairs).unflatten(1, 2 * (self.y_.shape[1],))
        return _like(mean, x), _like(second - mean[:, :, None] * mean[:, None], x)

    def sample(self, X0: Any, random_state: Seed = None) -> Any:
        """Draw one end point for each row, (n, D)."""
        x = self._points(X0)
        generator = as_generator(random_state)
        k = [torch.multinomial(self.weights(b), 1, generator=generator) for b in x.split(1024)]
        return _like(self.y_[torch.cat(k)[:, 0]], X0)

    def sample_at(self, X0: Any, t: float, random_state: Seed = None) -> Any:
        """Draw the Brownian bridge from x to a drawn end point at time t in [0, 1], Eq. (11)."""
        t = check_number(t, "t", low=0, high=1)
        x, generator = self._points(X0), as_generator(random_state)
        y = self.sample(x, generator)
        # Eq. (11)
        spread = (self.epsilon * t * (1 - t)) ** 0.5
        return _like((1 - t) * x + t * y + spread * _noise(x, generator), X0)

    def _points(self, X0: Any) -> Tensor:
        return as_matrix(X0, "X0", n_columns=self.y_.shape[1])


class IndependentPlan(_DiscretePlan):
    """End points drawn from X1 with no regard to where one starts."""

    def __init__(self, epsilon: float = 1.0) -> None:
        self.epsilon = check_number(epsilon, "epsilon", low=0, low_open=True)

    def fit(self, X0: Any, X1: Any) -> "IndependentPlan":
        """Keep the rows of X1; X0 is only checked."""
        self.y_ = as_matrix(X1, "X1")
        as_matrix(X0, "X0", n_columns=self.y_.shape[1])
        return self

    def weights(self, x: Tensor) -> Tensor:
        """Equal weights, (n, m)."""
        return torch.full((len(x), len(self.y_)), 1 / len(self.y_))


class SinkhornPlan(_DiscretePlan):
    """Entropic transport between two samples by POT, extended to new start points.

    Given the dual potential g of the sample, the plan at any x has weights proportional to
    ``exp((g_j - |x - y_j|^2 / 2) / epsilon)`` on the rows of X1.

    Parameters
    ----------
    epsilon : float
        Entropic regularisation for the cost ``|x - y|^2 / 2``; the bridge's variance.
    max_iter : int
        Sinkhorn iterations in log space at this epsilon. Before them it is halved step by step from
        the size of the largest cost, with ten iterations each: from a cold start, a small epsilon
        in many dimensions needs thousands.
    tol : float
        Stop when the end marginal is met this closely.

    Attributes
    ----------
    g_ : Tensor of shape (m,)
        Dual potential of the end sample.
    marginal_error_ : float
        Norm of the error of the end marginal when the iterations stopped.
    """

    def __init__(self, epsilon: float = 1.0, max_iter: int = 200, tol: float = 1e-4) -> None:
        self.epsilon = check_number(epsilon, "epsilon", low=0, low_open=True)
        self.max_iter = check_integer(max_iter, "max_iter", low=1)
        self.tol = check_number(tol, "tol", low=0)

    def fit(self, X0: Any, X1: Any) -> "SinkhornPlan":
        """Solve the discrete problem; needs ``pip install "mixbook[flows]"``."""
        x, y = as_matrix(X0, "X0"), as_matrix(X1, "X1")
        as_matrix(x, "X0", n_columns=y.shape[1])
        cost = 0.5 * torch.cdist(x, y).square().numpy()
        halvings = max(0, math.ceil(math.log2(max(float(cost.max()), 1e-30) / self.epsilon)))
        f, g = (np.zeros(n, dtype=cost.dtype) for n in cost.shape)
        for k in range(halvings, 0, -1):
            f, g, _ = _sinkhorn(cost, self.epsilon * 2.0**k, f, g, 10, 0.0)
        f, g, self.marginal_error_ = _sinkhorn(cost, self.epsilon, f, g, self.max_iter, self.tol)
        self.y_, self.g_ = y, torch.from_numpy(g)
        return self

    def weights(self, x: Tensor) -> Tensor:
        """Softmax weights on the rows of X1, (n, m)."""
        cost = 0.5 * torch.cdist(x, self.y_).square()
        return torch.softmax((self.g_ - cost) / self.epsilon, dim=1)


def _sinkhorn(
    cost: np.ndarray, epsilon: float, f: np.ndarray, g: np.ndarray, max_iter: int, tol: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Dual potentials after some more iterations of POT's solver, and the error of a marginal."""
    with np.errstate(over="ignore"):  # POT also forms the plain scalings; only logs are used here
        _, log = _import_ot().sinkhorn(
            [],
            [],
            cost,
            epsilon,
            method="sinkhorn_log",
            numItermax=max_iter,
            stopThr=tol,
            warmstart=(f / epsilon, g / epsilon),
            log=True,
            warn=False,
        )
    f, g = (epsilon * np.asarray(log[name], dtype=cost.dtype) for name in ("log_u", "log_v"))
    return f, g, float(log["err"][-1])


def _import_ot() -> Any:
    try:
        import ot
    except ImportError as error:
        raise ImportError(
            'SinkhornPlan needs POT; install it with: pip install "mixbook[flows]"'
        ) from error
    return ot
