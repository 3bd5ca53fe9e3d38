"""Robust losses: the closed forms of a linear rule, and gradient ascent for smooth losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.ood_unlabeled._checks import as_floats, as_signs, same_columns, same_rows

__all__ = [
    "ascend_points",
    "ramp_loss",
    "robust_loss",
    "rss_objective",
    "tent_loss",
    "worst_case_error",
    "worst_points",
]

LossFn = Callable[[Tensor, Tensor], Tensor]


def ramp_loss(margin: Any, gamma: float) -> Tensor:
    r"""Robust 0-1 loss of a linear rule, Eq. (3): what an adversary earns at a point.

    .. math:: \phi_\gamma = \min\{1, \max(0, 1 - \gamma t)\},\qquad
              t = y\langle\theta, X\rangle / \|\theta\|

    A point on the wrong side pays 1 already. To move another one to the boundary costs
    :math:`\gamma` times its distance, which is worth it up to the distance :math:`1/\gamma`.

    Parameters
    ----------
    margin : array-like of any shape
        Signed distances t from the boundary, positive where the point is classified rightly.
    gamma : float
        Price of moving a point by one unit, at least 0.

    Returns
    -------
    Tensor of the same shape
        In [0, 1].

    Raises
    ------
    TypeError, ValueError
        If an argument is not numeric, or ``gamma`` is negative or not finite.
    """
    gamma = check_number(gamma, "gamma", low=0)
    # Eq. (3)
    return (1 - gamma * as_floats(margin, "margin")).clamp(0, 1)


def tent_loss(score: Any, gamma: float) -> Tensor:
    r"""Robust loss of an unlabelled point with its own predicted label, Eq. (4).

    .. math:: \phi_\gamma(X', h_\theta(X')) = \max(0, 1 - \gamma |s|),\qquad
              s = \langle\theta, X'\rangle / \|\theta\|

    It is the ramp of :math:`|s|`: a tent over the boundary with the half-width
    :math:`1/\gamma`, so that its mean counts the mass close to the boundary.

    Parameters
    ----------
    score : array-like of any shape
        Signed distances from the boundary.
    gamma : float
        At least 0.

    Returns
    -------
    Tensor of the same shape
        In [0, 1].
    """
    gamma = check_number(gamma, "gamma", low=0)
    # Eq. (4)
    return (1 - gamma * as_floats(score, "score").abs()).clamp(min=0)


def rss_objective(
    theta: Any, X: Any, y: Any, U: Any, gamma: float, gamma_u: float, lam: float
) -> Float[Tensor, ""]:
    r"""The objective of RSS for a linear rule and the 0-1 loss, Eq. (2).

    .. math:: \frac1m\sum_i \phi_\gamma(X_i, y_i; \theta)
              + \frac{\lambda}{n}\sum_j \phi_{\gamma'}(X'_j, h_\theta(X'_j); \theta)

    Does not depend on the length of ``theta`` and is differentiable in it almost everywhere.

    Parameters
    ----------
    theta : array-like of shape (d,)
        Not zero.
    X : array-like of shape (m, d)
    y : array-like of shape (m,)
        Labels -1 and +1, or 0 and 1.
    U : array-like of shape (n, d) or None
        Unlabelled points; None leaves the second term out.
    gamma, gamma_u, lam : float
        Prices of the labelled and the unlabelled term, and the weight of the latter; all >= 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed or shapes disagree.
    """
    lam = check_number(lam, "lam", low=0)
    theta, X = as_floats(theta, "theta", ndim=1), as_floats(X, "X", ndim=2)
    same_columns(X, len(theta), "X")
    signs = as_signs(y, len(X)).to(X)
    norm = theta.norm()
    if not norm > 0:
        raise ValueError("theta must not be zero: a direction is wanted")
    direction = theta / norm
    # Eq. (2)
    objective = ramp_loss(signs * (X.to(direction) @ direction), gamma).mean()
    if U is None:
        return objective
    U = as_floats(U, "U", ndim=2)
    same_columns(U, len(theta), "U")
    return objective + lam * tent_loss(U.to(direction) @ direction, gamma_u).mean()


def worst_points(theta: Any, X: Any, y: Any, gamma: float) -> Float[Tensor, "m d"]:
    r"""Where the adversary of Eq. (3) moves the points.

    A rightly classified point nearer to the boundary than :math:`1/\gamma` goes to its foot on
    the boundary; all others stay.

    Parameters
    ----------
    theta : array-like of shape (d,)
    X : array-like of shape (m, d)
    y : array-like of shape (m,)
    gamma : float
    """
    gamma = check_number(gamma, "gamma", low=0)
    theta, X = as_floats(theta, "theta", ndim=1), as_floats(X, "X", ndim=2)
    same_columns(X, len(theta), "X")
    direction = (theta / theta.norm()).to(X)
    score = X @ direction
    margin = as_signs(y, len(X)).to(X) * score
    moved = (margin > 0) & (gamma * margin < 1)
    return X - (moved * score)[:, None] * direction


def worst_case_error(margin: Any, epsilon: float) -> tuple[float, float]:
    r"""Largest error of a linear rule over all distributions within the distance epsilon.

    .. math:: \sup_{W(P', P) \le \epsilon} P'(\text{error})
              = \min_{\gamma \ge 0} \{\gamma\epsilon + \mathrm E_P\,\phi_\gamma\}

    The left side moves the cheapest points to the boundary until the budget is spent, the last
    one perhaps in part (a fractional knapsack, solved by sorting); the price at which it stops is
    the minimiser on the right, Eq. (5).

    Parameters
    ----------
    margin : array-like of shape (m,)
        Signed distances from the boundary.
    epsilon : float
        Mean distance by which the points may be moved, at least 0.

    Returns
    -------
    risk : float
        The worst error.
    gamma : float
        The price that belongs to it: 0 if the budget suffices to move all points, and otherwise
        infinity for epsilon = 0.
    """
    epsilon = check_number(epsilon, "epsilon", low=0)
    t = as_floats(margin, "margin", ndim=1).detach().double().numpy()
    if len(t) == 0:
        raise ValueError("margin must hold at least one point, got none")
    right = np.sort(t[t > 0])
    spent = np.cumsum(right) / len(t)
    whole = int(np.searchsorted(spent, epsilon, side="right"))  # points that can be moved entirely
    error = (len(t) - len(right) + whole) / len(t)
    if whole == len(right):
        return error, 0.0
    left = epsilon - (spent[whole - 1] if whole else 0.0)
    gamma = 1 / right[whole] if epsilon > 0 else np.inf
    # Eq. (5)
    return float(error + left / right[whole]), float(gamma)


def robust_loss(
    loss_fn: LossFn,
    X: Any,
    y: Any,
    gamma: float,
    cost: str = "l2sq",
    steps: int = 15,
    lr: float = 0.1,
) -> tuple[Float[Tensor, " B"], Float[Tensor, B * d]]:
    r"""Robust loss of any differentiable loss by ascent on the points, Eq. (1).

    .. math:: \phi_\gamma(X, y) = \sup_Z\ \ell(Z, y) - \gamma\, c(Z, X)

    The supremum is approached from below by `ascend_points`. For the squared cost the problem is
    concave, and the supremum finite, if :math:`2\gamma` exceeds the largest curvature of the loss.

    Parameters
    ----------
    loss_fn : callable
        Maps points (B, ...) and labels (B,) to losses (B,), each from its own point only.
    X : Tensor of shape (B, d) or (B, ...)
        Images are allowed; distances run over all axes but the first.
    y : Tensor of shape (B,)
        Handed to ``loss_fn`` as it is.
    gamma : float
        At least 0.
    cost : {"l2sq", "l2"}
        Squared Euclidean distance, or the distance itself.
    steps : int
        Steps of the ascent; 0 gives the plain loss.
    lr : float
        Step size.

    Returns
    -------
    phi : Tensor of shape (B,)
        Carries the gradient with respect to the parameters inside ``loss_fn`` (by the envelope
        theorem that of the loss at ``Z_star``); none flows through the ascent.
    Z_star : Tensor of the shape of X
        The best points found, detached.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed, or ``loss_fn`` doesn't return one loss a point.
    """
    X = as_floats(X, "X")
    Z_star = ascend_points(loss_fn, X, y, gamma, cost, steps, lr)
    # Eq. (1)
    phi = loss_fn(Z_star, torch.as_tensor(y, device=X.device)) - gamma * _cost(Z_star - X, cost)
    return phi, Z_star


def ascend_points(
    loss_fn: LossFn,
    X: Any,
    y: Any,
    gamma: float,
    cost: str = "l2sq",
    steps: int = 15,
    lr: float = 0.1,
) -> Float[Tensor, B * d]:
    r"""Points that a priced adversary finds by proximal gradient ascent, one for each row of X.

    .. math:: Z \leftarrow X + \mathrm{prox}_{\eta\gamma c}\big(Z + \eta\nabla\ell(Z) - X\big)

    Each step goes up the gradient of the loss and then back towards X by the proximal map of the
    cost, Eqs. (6) and (7). The explicit step
    :math:`Z + \eta(\nabla\ell(Z) - 2\gamma(Z - X))` overshoots and
    runs away once :math:`\eta\gamma > 1`; here no price is too large for the step. The best point
    on the way is kept, so the loss minus the price there is never below the loss at X.

    Parameters
    ----------
    loss_fn, X, y, gamma, cost, steps, lr
        As for `robust_loss`.

    Returns
    -------
    Tensor of the shape of X
        Detached.

    Raises
    ------
    TypeError, ValueError
        As for `robust_loss`.
    """
    gamma, lr = _check_ascent(gamma, cost, steps, lr)
    X, y = _points_and_labels(X, y)
    Z, Z_star = X, X
    best = torch.full((len(X),), -torch.inf, dtype=X.dtype, device=X.device)
    for step in range(steps + 1):
        loss, gradient = _slope(loss_fn, Z, y)
        value = loss - gamma * _cost(Z - X, cost)
        better = value > best
        best = torch.where(better, value, best)
        Z_star = torch.where(_as_column(better, X), Z, Z_star)
        if step < steps:
            Z = X + _proximal(Z + lr * gradient - X, lr * gamma, cost)
    return Z_star


def _check_ascent(gamma: float, cost: str, steps: int, lr: float) -> tuple[float, float]:
    check_choice(cost, "cost", ("l2sq", "l2"))
    check_integer(steps, "steps", low=0)
    return check_number(gamma, "gamma", low=0), check_number(lr, "lr", low=0, low_open=True)


def _points_and_labels(X: Any, y: Any) -> tuple[Tensor, Tensor]:
    X = as_floats(X, "X").detach()
    if X.ndim < 2:
        raise ValueError(f"X must have shape (B, d) or more axes, got {tuple(X.shape)}")
    y = torch.as_tensor(y, device=X.device)
    same_rows(y, len(X), "y")
    return X, y


def _slope(loss_fn: LossFn, Z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Losses at Z, one a point, and their gradients with respect to Z."""
    with torch.enable_grad():
        Z = Z.detach().requires_grad_()
        loss = loss_fn(Z, y)
        if loss.shape != (len(Z),):
            raise ValueError(
                f"loss_fn must return one loss a point, shape ({len(Z)},), got {tuple(loss.shape)}"
            )
        (gradient,) = torch.autograd.grad(loss.sum(), Z)
    return loss.detach(), gradient


def _cost(shift: Tensor, cost: str) -> Tensor:
    square = shift.flatten(1).square().sum(1)
    return square if cost == "l2sq" else square.sqrt()


def _proximal(shift: Tensor, weight: float, cost: str) -> Tensor:
    r"""Minimiser over D of :math:`\|D - shift\|^2/2 + weight\, c(D)`."""
    if cost == "l2sq":
        # Eq. (6)
        return shift / (1 + 2 * weight)
    length = _as_column(_cost(shift, "l2"), shift)
    # Eq. (7)
    return shift * (1 - weight / length.clamp(min=1e-30)).clamp(min=0)


def _as_column(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))
