"""The Gaussian Schrödinger bridge in closed form, with exact values of its loss and KL."""

from typing import TypedDict

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from mixbook.core.validation import as_matrix, check_number

__all__ = ["GaussianBridge", "gaussian_loss", "gaussian_sb", "plan_kl"]


class GaussianBridge(TypedDict):
    """What :func:`gaussian_sb` returns; all tensors are float64.

    The conditional plan is ``N(cond_mean_matrix @ x + cond_mean_offset, cond_cov)``.
    """

    cross_cov: Float[Tensor, "D D"]  # Cov(x, y) under the plan, rows for x
    cond_mean_matrix: Float[Tensor, "D D"]  # S of the one-component LightSB model
    cond_mean_offset: Float[Tensor, " D"]  # r of the one-component LightSB model
    cond_cov: Float[Tensor, "D D"]  # epsilon * S
    loss: float  # L*, the smallest value of the LightSB loss


def gaussian_sb(
    m0: ArrayLike, C0: ArrayLike, m1: ArrayLike, C1: ArrayLike, epsilon: float
) -> GaussianBridge:
    r"""Schrödinger bridge between N(m0, C0) and N(m1, C1), Eq. (13).

    .. math:: S = C_0^{-1/2}\big(C_0^{1/2}C_1C_0^{1/2}+\tfrac{\varepsilon^2}{4}I\big)^{1/2}
              C_0^{-1/2} - \tfrac{\varepsilon}{2}C_0^{-1},\qquad
              y\mid x \sim N\big(m_1 + S(x-m_0),\ \varepsilon S\big).

    Parameters
    ----------
    m0, m1 : array-like of shape (D,)
        Means.
    C0, C1 : array-like of shape (D, D)
        Covariances, symmetric positive definite.
    epsilon : float
        Variance of the reference Brownian motion over unit time, positive.

    Returns
    -------
    GaussianBridge
        A dict with ``cross_cov``, ``cond_mean_matrix``, ``cond_mean_offset``, ``cond_cov`` and
        ``loss``.

    Raises
    ------
    TypeError, ValueError
        If an argument is no finite array of numbers, the shapes disagree, a covariance is not
        symmetric positive definite, or ``epsilon`` is not positive.

    Examples
    --------
    >>> bridge = gaussian_sb([0.0], [[1.0]], [3.0], [[1.0]], epsilon=1.5)
    >>> bridge["cond_mean_matrix"].item()  # sqrt(1 + 1.5 ** 2 / 4) - 1.5 / 2
    0.5
    """
    epsilon = check_number(epsilon, "epsilon", low=0, low_open=True)
    (m0, C0), (m1, C1) = _check_gaussian(m0, C0, "0"), _check_gaussian(m1, C1, "1")
    if len(m0) != len(m1):
        raise ValueError(f"m1 must have {len(m0)} entries as m0 has, got {len(m1)}")
    root, inv_root = _power(C0, 0.5), _power(C0, -0.5)
    eye = torch.eye(len(m0), dtype=C0.dtype)
    # Eq. (13)
    middle = _power(root @ C1 @ root + epsilon**2 / 4 * eye, 0.5)
    S = inv_root @ middle @ inv_root - epsilon / 2 * torch.linalg.inv(C0)
    S = 0.5 * (S + S.T)
    r = m1 - S @ m0
    return GaussianBridge(
        cross_cov=C0 @ S,
        cond_mean_matrix=S,
        cond_mean_offset=r,
        cond_cov=epsilon * S,
        loss=_loss_value(r, S, epsilon, m0, C0, m1, C1),
    )


def gaussian_loss(
    r: ArrayLike,
    S: ArrayLike,
    epsilon: float,
    m0: ArrayLike,
    C0: ArrayLike,
    m1: ArrayLike,
    C1: ArrayLike,
) -> float:
    """Exact LightSB loss, Eq. (7), of the one-component model (r, S) between two Gaussians.

    Since the loss of one component is quadratic in the data, this is also the exact loss on a
    sample whose means and (biased) covariances are given.

    Parameters
    ----------
    r : array-like of shape (D,)
    S : array-like of shape (D, D)
    epsilon, m0, C0, m1, C1
        As in :func:`gaussian_sb`.
    """
    epsilon = check_number(epsilon, "epsilon", low=0, low_open=True)
    (m0, C0), (m1, C1) = _check_gaussian(m0, C0, "0"), _check_gaussian(m1, C1, "1")
    r, S = _check_gaussian(r, S, "", names=("r", "S"))
    if not len(m0) == len(m1) == len(r):
        raise ValueError(f"r, m0 and m1 must be equally long, got {len(r)}, {len(m0)}, {len(m1)}")
    return _loss_value(r, S, epsilon, m0, C0, m1, C1)


def _loss_value(
    r: Tensor, S: Tensor, epsilon: float, m0: Tensor, C0: Tensor, m1: Tensor, C1: Tensor
) -> float:
    log_c = (torch.trace(S @ C0) + m0 @ S @ m0 + 2 * r @ m0) / (2 * epsilon)
    d = m1 - r
    square = torch.trace(torch.linalg.solve(S, C1)) + d @ torch.linalg.solve(S, d)
    log_v = -0.5 * (square / epsilon + torch.logdet(2 * torch.pi * epsilon * S))
    # Eq. (7)
    return (log_c - log_v).item()


def plan_kl(
    true: GaussianBridge, r: ArrayLike, S: ArrayLike, epsilon: float, m0: ArrayLike, C0: ArrayLike
) -> float:
    r"""KL from the true Gaussian plan to the plan of the one-component model (r, S).

    Both plans share the first marginal N(m0, C0), so this is the mean over x of the KL between the
    conditional Gaussians; the other side of Eq. (8), computed without the loss.
    """
    epsilon = check_number(epsilon, "epsilon", low=0, low_open=True)
    m0, C0 = _check_gaussian(m0, C0, "0")
    r, S = _check_gaussian(r, S, "", names=("r", "S"))
    if not len(true["cond_mean_offset"]) == len(m0) == len(r):
        raise ValueError(f"r, m0 and the plan must be equally long, got {len(r)} and {len(m0)}")
    dM, dr = true["cond_mean_matrix"] - S, true["cond_mean_offset"] - r
    gap = dM @ m0 + dr
    second = dM @ C0 @ dM.T + torch.outer(gap, gap)  # E of (difference of means)(...)'
    ratio = torch.linalg.solve(epsilon * S, true["cond_cov"])
    mahalanobis = torch.trace(torch.linalg.solve(epsilon * S, second))
    # Eq. (8)
    return 0.5 * (torch.trace(ratio) - len(r) - torch.logdet(ratio) + mahalanobis).item()


def _power(C: Tensor, p: float) -> Tensor:
    values, vectors = torch.linalg.eigh(C)
    return (vectors * values**p) @ vectors.T


def _check_gaussian(
    m: ArrayLike, C: ArrayLike, tag: str, names: tuple[str, str] = ("m", "C")
) -> tuple[Tensor, Tensor]:
    m_name, C_name = names[0] + tag, names[1] + tag
    vector = np.asarray(m.detach().cpu() if isinstance(m, Tensor) else m)
    if vector.ndim != 1 or len(vector) == 0:
        raise ValueError(f"{m_name} must have shape (D,), D >= 1, got shape {vector.shape}")
    mean = as_matrix(vector[None], m_name, dtype=torch.float64)[0]
    D = len(mean)
    cov = as_matrix(C, C_name, dtype=torch.float64, n_columns=D).detach()
    symmetric = len(cov) == D and torch.allclose(cov, cov.T, rtol=1e-5, atol=1e-8)
    if not symmetric or torch.linalg.cholesky_ex(cov).info != 0:
        raise ValueError(
            f"{C_name} must be a symmetric positive definite ({D}, {D}) matrix as {m_name} has "
            f"{D} entries, got shape {tuple(cov.shape)}"
        )
    return mean, cov
