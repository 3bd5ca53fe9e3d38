"""The closed forms of LightSB as plain functions of (log_alpha, r, S, epsilon).

``S`` is either (K, D), the diagonals, or (K, D, D), full symmetric positive definite matrices.
Every public function takes tensors and raises a TypeError or ValueError that names the argument
when one has the wrong kind, shape or range. All are differentiable in every tensor.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.gaussians import log_sum_exp, mixture_log_prob
from mixbook.core.validation import as_matrix, check_number

LogAlpha: TypeAlias = Float[Tensor, " K"]
Centres: TypeAlias = Float[Tensor, "K D"]
Scales: TypeAlias = Float[Tensor, "K D"] | Float[Tensor, "K D D"]
Points: TypeAlias = Float[Tensor, "n D"]

LOG2_E = math.log2(math.e)
MAX_ELEMENTS = 4_000_000  # largest (rows, K, D) block of the drift at mixed times


def log_potential(
    y: Points, log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float
) -> Float[Tensor, " n"]:
    r"""Adjusted Schrödinger potential :math:`\log v(y)`, Eq. (3); not normalised."""
    check(log_alpha, r, S, epsilon, y=y)
    # Eq. (3)
    return mixture_log_prob(y, log_alpha, r, epsilon * S)


def tilted_log_weights(
    x: Points, log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float
) -> Float[Tensor, "n K"]:
    r"""Log-weights :math:`\log\tilde\alpha_k(x)` of the components of the plan at x, Eq. (4)."""
    check(log_alpha, r, S, epsilon, x=x)
    # Eq. (4)
    return log_alpha + (0.5 * _quadratic(x, S) + x @ r.T) / epsilon


def log_normaliser(
    x: Points, log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float
) -> Float[Tensor, " n"]:
    r"""Log-normaliser :math:`\log c(x)` of the conditional plan, Eq. (5)."""
    # Eq. (5), the closed form of the integral in Eq. (2)
    return log_sum_exp(tilted_log_weights(x, log_alpha, r, S, epsilon), dim=1)


def light_sb_loss(
    log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float, x0: Points, x1: Float[Tensor, "m D"]
) -> Float[Tensor, ""]:
    r"""The loss :math:`E_{p_0}\log c(x_0) - E_{p_1}\log v(x_1)`, Eq. (7).

    Only differences of this loss carry meaning: by Eq. (8) its excess over the minimum is the KL
    divergence from the true plan (and process) to the model's. It is unchanged when all
    ``log_alpha`` are shifted by a constant. Differentiable in every tensor argument.

    Parameters
    ----------
    log_alpha : Tensor of shape (K,)
        Log-weights of the potential; they need not be normalised.
    r : Tensor of shape (K, D)
        Centres.
    S : Tensor of shape (K, D) or (K, D, D)
        Diagonals or full matrices; the potential's covariances are ``epsilon * S``.
    epsilon : float
        Variance of the reference Brownian motion over unit time, positive.
    x0, x1 : Tensor of shape (n, D), (m, D)
        Independent samples of the two populations; no pairing is used.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind, shape or range, or is not finite.
    """
    check(log_alpha, r, S, epsilon, x0=x0, x1=x1)
    log_c = log_normaliser(x0, log_alpha, r, S, epsilon)
    log_v = log_potential(x1, log_alpha, r, S, epsilon)
    # Eq. (7)
    return log_c.mean() - log_v.mean()


def with_squares(x: Points) -> Float[Tensor, "n two_D"]:
    """The columns (x^2, x), in which log alpha~_k(x) and log N(x | r_k, eps S_k) are affine."""
    return torch.cat([x.square(), x], dim=1)


class DiagonalLoss(torch.autograd.Function):
    """Eq. (7) for diagonal S, of one model or of several whose components follow one another.

    ``DiagonalLoss.apply(log_alpha, r, log_s, epsilon, f0, f1, origin, n_models)`` with
    ``f0 = with_squares(x0)`` and ``f1 = with_squares(x1 - origin)`` gives the loss of each model,
    (n_models,). The value is that of :func:`light_sb_loss` in fewer operations: one matrix product
    for each term, and one for its gradient, which is a difference of two weighted moments: those of
    x0 under the weights of Eq. (6), and those of x1 under the posterior of the mixture of Eq. (3).
    """

    @staticmethod
    def forward(
        ctx: Any,
        log_alpha: Tensor,
        r: Tensor,
        log_s: Tensor,
        epsilon: float,
        f0: Tensor,
        f1: Tensor,
        origin: Tensor,
        n_models: int,
    ) -> Tensor:
        D = r.shape[1]
        S, centre = log_s.exp(), r - origin
        precision = 1 / (epsilon * S)
        pull = centre * precision
        # Eqs. (4) and (5)
        tilted = torch.addmm(log_alpha, f0, torch.cat([S, 2 * r], dim=1).T, alpha=0.5 / epsilon)
        # Eq. (3)
        constant = log_alpha - 0.5 * (centre * pull + log_s).sum(1)
        terms = torch.addmm(constant, f1, torch.cat([-0.5 * precision, pull], dim=1).T)
        rows = torch.cat([tilted, terms]).unflatten(1, (n_models, -1))
        highest = rows.amax(2, keepdim=True)
        w = ((rows - highest) * LOG2_E).exp2()  # exp is slow where it underflows
        total = w.sum(2, keepdim=True)
        log_sums = (total.log() + highest)[:, :, 0]
        w = (w / total).flatten(1)
        n0 = len(f0)
        w0, w1, log_c, log_v = w[:n0], w[n0:], log_sums[:n0], log_sums[n0:]
        m0, moments0 = w0.mean(0), w0.T @ f0 / n0
        m1, moments1 = w1.mean(0), w1.T @ f1 / len(f1)
        square0, mean0, square1, mean1 = (
            part for m in (moments0, moments1) for part in (m[:, :D], m[:, D:])
        )
        weight = m1[:, None]
        spread = square1 - 2 * centre * mean1 + centre.square() * weight
        ctx.gradients = (
            m0 - m1,
            mean0 / epsilon - precision * (mean1 - centre * weight),
            0.5 * (S * square0 / epsilon - precision * spread + weight),
        )
        # Eq. (7)
        return log_c.mean(0) - log_v.mean(0) + 0.5 * D * math.log(2 * math.pi * epsilon)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        log_alpha, r, log_s = ctx.gradients
        each = outer[0].repeat_interleave(len(log_alpha) // len(outer[0]))
        return each * log_alpha, each[:, None] * r, each[:, None] * log_s, *[None] * 5


def conditional_mean(
    x: Points, log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float
) -> Float[Tensor, "n D"]:
    """Mean of the conditional plan, E[y | x], from Eq. (6)."""
    w = torch.softmax(tilted_log_weights(x, log_alpha, r, S, epsilon), dim=1)
    if S.ndim == 2:
        return w @ r + (w @ S) * x
    return w @ r + torch.einsum("nk,kde,ne->nd", w, S, x)


def conditional_moments(
    x: Points, log_alpha: LogAlpha, r: Centres, S: Scales, epsilon: float
) -> tuple[Float[Tensor, "n D"], Float[Tensor, "n D D"]]:
    """Mean and covariance of the conditional plan, from Eq. (6)."""
    w = torch.softmax(tilted_log_weights(x, log_alpha, r, S, epsilon), dim=1)
    means = component_means(x, r, S)
    mean = torch.einsum("nk,nkd->nd", w, means)
    spread = w.sqrt()[:, :, None] * (means - mean[:, None])
    within = torch.diag_embed(w @ S) if S.ndim == 2 else torch.einsum("nk,kde->nde", w, S)
    return mean, epsilon * within + spread.transpose(1, 2) @ spread


def component_means(x: Points, r: Centres, S: Scales) -> Float[Tensor, "n K D"]:
    """Means r_k + S_k x of the conditional plan's components."""
    if S.ndim == 2:
        # Eq. (6)
        return r + S * x[:, None]
    return r + torch.einsum("kde,ne->nkd", S, x)


def drift(
    x: Points,
    t: float | Float[Tensor, " n"],
    log_alpha: LogAlpha,
    r: Centres,
    S: Scales,
    epsilon: float,
) -> Float[Tensor, "n D"]:
    r"""Drift g(x, t) of the bridge :math:`dX = g\,dt + \sqrt\varepsilon\,dB`, Eqs. (9) and (10).

    Times lie in [0, 1), or are a tensor with one time a row. One time for all rows and diagonal
    ``S`` cost two matrix products each; any other case works in the eigenbasis of each component,
    a block of rows at a time.
    """
    check(log_alpha, r, S, epsilon, x=x)
    t = check_time(t, x)
    if S.ndim == 3 or isinstance(t, Tensor):
        return _drift_in_blocks(x, t, log_alpha, r, S, epsilon)
    B = t * S + (1 - t)
    slope, offset = (S - 1) / B, r / B
    square = x.square() @ slope.T + 2 * x @ offset.T - t * (r * offset).sum(1)
    # Eq. (9)
    log_u = log_alpha - 0.5 * B.log().sum(1) + square / (2 * epsilon)
    w = torch.softmax(log_u, dim=1)
    # Eq. (10)
    return (w @ slope) * x + w @ offset


def _drift_in_blocks(
    x: Tensor, t: float | Tensor, log_alpha: Tensor, r: Tensor, S: Tensor, epsilon: float
) -> Tensor:
    times = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))
    rows = max(1, MAX_ELEMENTS // r.numel())
    blocks = zip(x.split(rows), times.split(rows))
    return torch.cat([_drift_mixed_times(xb, tb, log_alpha, r, S, epsilon) for xb, tb in blocks])


def _drift_mixed_times(
    x: Tensor, t: Tensor, log_alpha: Tensor, r: Tensor, S: Tensor, epsilon: float
) -> Tensor:
    s, x, r, rotate_back = _eigenbasis(x, r, S)
    t = t[:, None, None]
    B = t * s + (1 - t)  # (n, K, D)
    pull = ((s - 1) * x + r) / B
    square = (x * (pull + r / B) - t * r.square() / B).sum(2)
    # Eq. (9)
    log_u = log_alpha - 0.5 * B.log().sum(2) + square / (2 * epsilon)
    w = torch.softmax(log_u, dim=1)
    # Eq. (10)
    return torch.einsum("nk,nkd->nd", w, rotate_back(pull))


def _eigenbasis(
    x: Tensor, r: Tensor, S: Tensor
) -> tuple[Tensor, Tensor, Tensor, Callable[[Tensor], Tensor]]:
    """Spectrum (K, D), points (n, K, D) and centres (K, D) in each component's own axes."""
    if S.ndim == 2:
        return S, x[:, None], r, lambda pull: pull
    s, Q = torch.linalg.eigh(S)
    x = torch.einsum("kde,nd->nke", Q, x)
    r = torch.einsum("kde,kd->ke", Q, r)
    return s, x, r, lambda pull: torch.einsum("kde,nke->nkd", Q, pull)


def _quadratic(x: Tensor, S: Tensor) -> Tensor:
    """x' S_k x for every row and component, (n, K); one matrix product if diagonal."""
    if S.ndim == 2:
        return x.square() @ S.T
    return torch.einsum("nd,kde,ne->nk", x, S, x)


def check(log_alpha: Tensor, r: Tensor, S: Tensor, epsilon: float, **points: Tensor) -> None:
    """Refuse parameters and named points of wrong kind, shape, sign or symmetry.

    Raises
    ------
    TypeError
        If ``epsilon`` is no number, or another argument is not a floating-point tensor.
    ValueError
        If ``epsilon`` is not positive, shapes disagree, a value is not finite, or an ``S_k`` is not
        positive definite.
    """
    check_number(epsilon, "epsilon", low=0, low_open=True)
    for name, value in {"log_alpha": log_alpha, "r": r, "S": S, **points}.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            raise TypeError(f"{name} must be a floating-point tensor, got {_describe(value)}")
    K, D = _check_shapes(log_alpha, r, S)
    for name, value in {"log_alpha": log_alpha, "r": r, "S": S}.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    if not _is_positive(S.detach()):
        wanted = "positive" if S.ndim == 2 else "symmetric positive definite"
        raise ValueError(f"S must be {wanted} for each of the {K} components in {D} dimensions")
    for name, value in points.items():
        as_matrix(value, name, dtype=value.dtype, device=value.device, n_columns=D)


def check_time(t: Any, x: Tensor) -> float | Tensor:
    """One time in [0, 1) as a number, or one for each row of ``x`` as a tensor."""
    if np.ndim(t) == 0:
        t = t.item() if isinstance(t, Tensor | np.ndarray | np.generic) else t
        return check_number(t, "t", low=0, high=1, high_open=True)
    times = torch.as_tensor(t, dtype=x.dtype, device=x.device)
    if times.shape != (len(x),):
        raise ValueError(
            f"t must be a number or have shape ({len(x)},), one time a row of x, "
            f"got shape {tuple(times.shape)}"
        )
    if not ((times >= 0) & (times < 1)).all():
        raise ValueError(f"t must lie in [0, 1), got values from {times.min()} to {times.max()}")
    return times


def _check_shapes(log_alpha: Tensor, r: Tensor, S: Tensor) -> tuple[int, int]:
    if log_alpha.ndim != 1 or len(log_alpha) == 0:
        raise ValueError(f"log_alpha must have shape (K,), K >= 1, got {tuple(log_alpha.shape)}")
    K = len(log_alpha)
    if r.ndim != 2 or r.shape[0] != K or r.shape[1] == 0:
        raise ValueError(f"r must have shape ({K}, D), one row a component, got {tuple(r.shape)}")
    D = r.shape[1]
    if tuple(S.shape) not in {(K, D), (K, D, D)}:
        raise ValueError(f"S must have shape ({K}, {D}) or ({K}, {D}, {D}), got {tuple(S.shape)}")
    return K, D


def _is_positive(S: Tensor) -> bool:
    if S.ndim == 2:
        return bool((S > 0).all())
    symmetric = torch.allclose(S, S.transpose(1, 2), rtol=1e-4, atol=1e-6)
    return symmetric and bool((torch.linalg.cholesky_ex(S).info == 0).all())


def _describe(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ + (f" of dtype {dtype}" if dtype is not None else "")
