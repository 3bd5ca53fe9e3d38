"""RSS for linear rules: projected sub-gradient descent on the sphere, several problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from mixbook.core.seeds import as_rng
from mixbook.core.validation import as_matrix, check_integer, check_number
from mixbook.mixtures.ood_unlabeled._checks import as_signs, check_batch
from mixbook.mixtures.ood_unlabeled._gaussians import as_covariance

__all__ = ["LinearFit", "LinearProblems", "RSSLinear", "fit_directions"]


@dataclass(frozen=True)
class LinearFit:
    """Linear rules fitted to B problems.

    Attributes
    ----------
    theta : Tensor of shape (B, d)
        Unit vectors.
    intercept : Tensor of shape (B,)
    objective : Tensor of shape (n_iter + 1, B)
        Eq. (2) at the start and after each iteration.
    """

    theta: Float[Tensor, "B d"]
    intercept: Float[Tensor, " B"]
    objective: Float[Tensor, "steps B"]


class LinearProblems:
    r"""The objective of RSS, Eq. (2), for B labelled samples that share one unlabelled set.

    Parameters
    ----------
    X : Tensor of shape (B, m, d)
    y : Tensor of shape (B, m)
        -1 and +1; 0 marks a row of X that doesn't exist (samples of different sizes are padded).
    U : Tensor of shape (n, d) or None
        None leaves the second term out: distributionally robust learning.
    gamma, gamma_u, lam : float or Tensor of shape (B,)
        As in `rss_objective`, one value for all samples or one each.

    Raises
    ------
    TypeError, ValueError
        If shapes disagree, values are not finite, or a price is negative.
    """

    def __init__(
        self,
        X: Float[Tensor, "B m d"],
        y: Float[Tensor, "B m"],
        U: Float[Tensor, "n d"] | None,
        gamma: float | Tensor = 0.3,
        gamma_u: float | Tensor = 0.3,
        lam: float | Tensor = 10.0,
    ) -> None:
        check_batch(X, y, U)
        self.X, self.y = X, y
        self.weight = y.abs() / y.abs().sum(1, keepdim=True)
        self.gamma, self.gamma_u = _one_each(gamma, "gamma", X), _one_each(gamma_u, "gamma_u", X)
        self.lam = _one_each(lam, "lam", X)
        self.U = X.new_zeros(1, X.shape[2]) if U is None else U
        if U is None:
            self.lam = torch.zeros_like(self.lam)
        self._gamma_y = self.gamma[:, None] * y
        self._u_weight = (self.lam * self.gamma_u / len(self.U))[:, None]

    def objective_and_gradient(
        self, theta: Float[Tensor, "B d"]
    ) -> tuple[Float[Tensor, " B"], Float[Tensor, "B d"]]:
        r"""Eq. (2) at unit vectors, and the sub-gradient of Eq. (15).

        .. math:: -\frac\gamma m\sum_{0<1-\gamma t_i<1}y_iX_i
                  -\frac{\lambda\gamma'}n\sum_{\gamma'|s_j|<1}\mathrm{sign}(s_j)X'_j

        The part of the gradient along ``theta`` is still in it; `fit_directions` takes it out.
        """
        ramp = 1 - self._gamma_y * (self.X @ theta[:, :, None])[:, :, 0]
        score = self.U @ theta.T
        tent = 1 - self.gamma_u * score.abs()
        value = (self.weight * ramp.clamp(0, 1)).sum(1) + self.lam * tent.clamp(min=0).mean(0)
        pull = self.weight * self._gamma_y * ((ramp > 0) & (ramp < 1))
        push = score.sign() * (tent > 0)
        # Eq. (15)
        labelled, unlabelled = (pull[:, None] @ self.X)[:, 0], push.T @ self.U
        return value, -labelled - self._u_weight * unlabelled


def fit_directions(
    X: Float[Tensor, "B m d"],
    y: Float[Tensor, "B m"],
    U: Float[Tensor, "n d"] | None,
    gamma: float | Tensor = 0.3,
    gamma_u: float | Tensor = 0.3,
    lam: float | Tensor = 10.0,
    *,
    n_iter: int = 400,
    lr: float = 0.3,
    momentum: float = 0.9,
    intercept: bool = False,
    start: Float[Tensor, "B d"] | None = None,
) -> LinearFit:
    r"""Minimise Eq. (2) over unit vectors, for B labelled samples and one unlabelled set.

    Starts at the labelled mean of :math:`y_iX_i`, Eq. (14), follows the sub-gradient of Eq. (15)
    along the sphere, Eq. (16), with momentum and a step that falls linearly to zero, and returns
    the best point visited. The unlabelled points are read twice an iteration, whatever B is:
    O(B n d) operations, and hardly more time for a few problems than for one.

    Parameters
    ----------
    X, y, U, gamma, gamma_u, lam
        As for `LinearProblems`.
    n_iter : int
    lr : float
        First step, in units of the sphere: it is divided by ``gamma + lam * gamma_u``, the largest
        weight that a point's gradient can have.
    momentum : float
        In [0, 1).
    intercept : bool
        Fit an intercept too, whose size is free while ``theta`` keeps the length one.
    start : Tensor of shape (B, d), optional
        Other starting directions than those of Eq. (14).

    Raises
    ------
    TypeError, ValueError
        If shapes disagree, values are not finite, a setting is out of range, the start is zero, or
        a class is missing that the intercept needs.
    """
    check_integer(n_iter, "n_iter", low=1)
    check_number(lr, "lr", low=0, low_open=True)
    check_number(momentum, "momentum", low=0, high=1, high_open=True)
    check_batch(X, y, U)
    B, _, d = X.shape
    theta = _start(X, y, start, intercept)
    if intercept:
        X, U = _with_ones(X), None if U is None else _with_ones(U)
    problems = LinearProblems(X, y, U, gamma, gamma_u, lam)
    scale = lr / (problems.gamma + problems.lam * problems.gamma_u).clamp(min=1e-12)[:, None]
    velocity = torch.zeros_like(theta)
    best, best_value, history = theta, X.new_full((B,), torch.inf), []
    for step in range(n_iter + 1):
        value, gradient = problems.objective_and_gradient(theta)
        history.append(value)
        better = value < best_value
        best_value = torch.where(better, value, best_value)
        best = torch.where(better[:, None], theta, best)
        if step == n_iter:
            break
        velocity = momentum * velocity + _tangent(gradient, theta, d)
        # Eq. (16)
        theta = theta - (1 - step / n_iter) * scale * velocity
        theta = theta / theta[:, :d].norm(dim=1, keepdim=True)
    offset = best[:, d] if intercept else X.new_zeros(B)
    return LinearFit(best[:, :d], offset, torch.stack(history))


def _with_ones(points: Tensor) -> Tensor:
    return torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)


def _start(X: Tensor, y: Tensor, start: Tensor | None, intercept: bool) -> Tensor:
    """Unit vectors to start from; with an intercept (a last column), the middle of the classes."""
    B, _, d = X.shape
    if start is not None and (start.shape != (B, d) or not torch.isfinite(start).all()):
        raise ValueError(f"start must have shape ({B}, {d}) and be finite, got {start.shape}")
    if intercept and not ((y > 0).any(1) & (y < 0).any(1)).all():
        raise ValueError("y must hold both classes in each sample for an intercept")
    # Eq. (14)
    mean = (y[:, :, None] * X).sum(1) / y.abs().sum(1, keepdim=True)
    sides = [((y == s).to(X)[:, :, None] * X).sum(1) / (y == s).sum(1)[:, None] for s in (1, -1)]
    theta = start if start is not None else sides[0] - sides[1] if intercept else mean
    length = theta.norm(dim=1, keepdim=True)
    if not (length > 0).all():
        raise ValueError("start must not be zero (without one: the labelled mean must not)")
    theta = theta / length
    if not intercept:
        return theta
    middle = (sides[0] + sides[1]) / 2
    return torch.cat([theta, -(theta * middle).sum(1, keepdim=True)], dim=1)


def _tangent(gradient: Tensor, theta: Tensor, d: int) -> Tensor:
    """The gradient without its part along the direction (an intercept is not on the sphere)."""
    direction = theta[:, :d]
    radial = (gradient[:, :d] * direction).sum(1, keepdim=True)
    if theta.shape[1] == d:
        return gradient - radial * direction
    return torch.cat([gradient[:, :d] - radial * direction, gradient[:, d:]], dim=1)


def _one_each(value: float | Tensor, name: str, like: Tensor) -> Float[Tensor, " B"]:
    values = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    if values.shape not in ((), (len(like),)) or not (values >= 0).all() or values.isinf().any():
        raise ValueError(f"{name} must be one number >= 0, or one for each of {len(like)} samples")
    return values.expand(len(like))


class RSSLinear(ClassifierMixin, BaseEstimator):
    r"""Robust self-supervised training of a linear rule with the 0-1 loss.

    Minimises Eq. (2): the ramp loss of few labelled points plus ``lam`` times the tent loss of many
    unlabelled ones, which may come from a shifted distribution. Without unlabelled points, or with
    ``lam=0``, it is distributionally robust learning.

    Parameters
    ----------
    gamma, gamma_u : float
        Prices of the two terms, at least 0, in inverse units of the data: the labelled ramp and
        the unlabelled tent reach 1/gamma and 1/gamma_u from the boundary. A tent narrower than the
        clusters sees little of them.
    lam : float
        Weight of the unlabelled term. Below about 1 a few labels in high dimension can be
        overfitted by their own term.
    n_iter : int
    lr : float
    momentum : float
        See `fit_directions`.
    fit_intercept : bool
        Off by default, as in the theory: the boundary runs through the origin (centre the data).
        With it, a heavy unlabelled term may push the boundary out of the data altogether.
    random_state : int, numpy Generator or None
        Draws the start if the labelled mean is exactly zero; nothing else is random.
    cov : array-like of shape (d, d), optional
        Covariance of the classes, where it is known: distances are then measured as
        :math:`\|\Sigma^{-1/2}(Z - X)\|`, and points are whitened before the fit.

    Attributes
    ----------
    coef_ : array of shape (d,)
        The direction, of length one.
    intercept_ : float
    objective_ : array of shape (n_iter + 1,)
        Eq. (2) on the way; the least value belongs to ``coef_``.
    classes_ : array of shape (2,)
        The labels as given: -1 and 1, or 0 and 1.
    n_features_in_ : int
    """

    def __init__(
        self,
        gamma: float = 0.3,
        gamma_u: float = 0.3,
        lam: float = 10.0,
        n_iter: int = 400,
        lr: float = 0.3,
        momentum: float = 0.9,
        fit_intercept: bool = False,
        random_state: int | np.random.Generator | None = None,
        cov: Any = None,
    ) -> None:
        self.gamma = gamma
        self.gamma_u = gamma_u
        self.lam = lam
        self.n_iter = n_iter
        self.lr = lr
        self.momentum = momentum
        self.fit_intercept = fit_intercept
        self.random_state = random_state
        self.cov = cov

    def fit(self, X: Any, y: Any, X_unlabelled: Any = None) -> RSSLinear:
        """Fit the rule.

        Parameters
        ----------
        X : array-like of shape (m, d)
        y : array-like of shape (m,)
            Labels -1 and 1, or 0 and 1; one class alone is enough without an intercept.
        X_unlabelled : array-like of shape (n, d), optional

        Raises
        ------
        TypeError, ValueError
            If an argument is malformed.
        """
        settings = self._settings()
        X = as_matrix(X, "X")
        signs, self.classes_ = check_labels(y, len(X), both=self.fit_intercept)
        d = X.shape[1]
        U = None
        if X_unlabelled is not None:
            U = as_matrix(X_unlabelled, "X_unlabelled", n_columns=d)
        whiten = None
        if self.cov is not None:
            whiten = torch.from_numpy(_inverse_root(as_covariance(self.cov, d))).to(X)
            X, U = X @ whiten, None if U is None else U @ whiten
        start = self._random_start(X, signs)
        fitted = fit_directions(X[None], signs[None].to(X), U, start=start, **settings)
        theta = fitted.theta[0] if whiten is None else whiten @ fitted.theta[0]
        length = theta.norm()
        self.coef_ = (theta / length).double().numpy()
        self.intercept_ = float(fitted.intercept[0] / length)
        self.objective_ = fitted.objective[:, 0].numpy()
        self.n_features_in_ = d
        return self

    def decision_function(self, X: Any) -> Float[np.ndarray, " n"]:
        """Signed distances from the boundary."""
        check_is_fitted(self, "coef_")
        table = as_matrix(X, "X", dtype=torch.float64, n_columns=self.n_features_in_).numpy()
        return table @ self.coef_ + self.intercept_

    def predict(self, X: Any) -> Int[np.ndarray, " n"]:
        """The predicted labels, of the kind given to ``fit``; on the boundary the greater one."""
        score = self.decision_function(X)
        return self.classes_[(score >= 0).astype(int)]

    def _settings(self) -> dict[str, Any]:
        if not isinstance(self.fit_intercept, bool | np.bool_):
            raise TypeError(f"fit_intercept must be True or False, got {self.fit_intercept!r}")
        return {
            "gamma": check_number(self.gamma, "gamma", low=0),
            "gamma_u": check_number(self.gamma_u, "gamma_u", low=0),
            "lam": check_number(self.lam, "lam", low=0),
            "n_iter": check_integer(self.n_iter, "n_iter", low=1),
            "lr": check_number(self.lr, "lr", low=0, low_open=True),
            "momentum": check_number(self.momentum, "momentum", low=0, high=1, high_open=True),
            "intercept": bool(self.fit_intercept),
        }

    def _random_start(self, X: Tensor, signs: Tensor) -> Tensor | None:
        """A random direction where the labels of Eq. (14) give none."""
        if self.fit_intercept:
            difference = X[signs > 0].mean(0) - X[signs < 0].mean(0)
        else:
            difference = (signs[:, None].to(X) * X).mean(0)
        if difference.norm() > 0:
            return None
        return torch.from_numpy(as_rng(self.random_state).standard_normal((1, X.shape[1]))).to(X)


def check_labels(y: Any, n: int, *, both: bool) -> tuple[Float[Tensor, " n"], np.ndarray]:
    """Labels as -1 and +1, and the pair of names that they came with."""
    signs = as_signs(y, n)
    names = torch.as_tensor(np.asarray(y))
    if both and len(signs.unique()) < 2:
        raise ValueError("y must hold both classes, got only one")
    return signs, np.array([0, 1]) if (names == 0).any() else np.array([-1, 1])


def _inverse_root(cov: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    values, vectors = np.linalg.eigh(cov)
    return (vectors / np.sqrt(values)) @ vectors.T
