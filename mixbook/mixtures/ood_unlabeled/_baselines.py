"""What RSS must be compared with: cheap uses of the same points, several problems at once."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.ood_unlabeled._checks import check_batch

__all__ = ["em_direction", "mean_direction", "self_training", "spectral_direction"]


def mean_direction(X: Float[Tensor, "B m d"], y: Float[Tensor, "B m"]) -> Float[Tensor, "B d"]:
    r"""Labelled means of :math:`y_i X_i`, the maximum-likelihood direction from labels alone.

    For two Gaussians of one round covariance with centres that mirror each other. ``y`` is -1, +1,
    or 0 for a row that does not exist.
    """
    check_batch(X, y, None)
    # Eq. (17)
    return (y[:, :, None] * X).sum(1) / y.abs().sum(1, keepdim=True)


def self_training(
    X: Float[Tensor, "B m d"], y: Float[Tensor, "B m"], U: Float[Tensor, "n d"], rounds: int = 50
) -> Float[Tensor, "B d"]:
    r"""Label the unlabelled points by the current rule, take the mean of all, and repeat.

    .. math:: \theta \leftarrow \frac1{m+n}\Big(\sum_i y_iX_i
              + \sum_j \mathrm{sign}\langle\theta, X'_j\rangle\, X'_j\Big)

    ``rounds=1`` is pseudo-labelling; more rounds stop when no label changes any more.
    """
    rounds = check_integer(rounds, "rounds", low=1)
    check_batch(X, y, U)
    labelled, m = (y[:, :, None] * X).sum(1), y.abs().sum(1, keepdim=True)
    theta, signs = labelled, None
    for _ in range(rounds):
        new = (U @ theta.T).sign()
        if signs is not None and torch.equal(new, signs):
            break
        signs = new
        # Eq. (18)
        theta = (labelled + signs.T @ U) / (m + len(U))
    return theta


def em_direction(
    X: Float[Tensor, "B m d"],
    y: Float[Tensor, "B m"],
    U: Float[Tensor, "n d"],
    sigma: float = 1.0,
    n_iter: int = 50,
) -> Float[Tensor, "B d"]:
    r"""EM for the mixture of :math:`N(\pm\theta, \sigma^2I)`, started from the labels.

    .. math:: \theta \leftarrow \frac1{m+n}\Big(\sum_i y_iX_i
              + \sum_j \tanh(\langle\theta, X'_j\rangle/\sigma^2)\, X'_j\Big)

    It knows the true model, unlike RSS, so it should not be worse where that model is right.
    """
    sigma = check_number(sigma, "sigma", low=0, low_open=True)
    n_iter = check_integer(n_iter, "n_iter", low=1)
    check_batch(X, y, U)
    labelled, m = (y[:, :, None] * X).sum(1), y.abs().sum(1, keepdim=True)
    theta = labelled / m
    for _ in range(n_iter):
        # Eq. (19)
        theta = (labelled + torch.tanh(U @ theta.T / sigma**2).T @ U) / (m + len(U))
    return theta


def spectral_direction(
    X: Float[Tensor, "B m d"], y: Float[Tensor, "B m"], U: Float[Tensor, "n d"]
) -> Float[Tensor, "B d"]:
    r"""Leading right singular vector of U, with the sign that fits the labels better.

    It maximises :math:`\mathrm{mean}\,\langle\theta,X'\rangle^2` over unit vectors, as a wide tent
    maximises the mean of :math:`|\langle\theta,X'\rangle|`.
    """
    check_batch(X, y, U)
    # Eq. (20)
    top = torch.linalg.eigh(U.T @ U).eigenvectors[:, -1]
    side = (mean_direction(X, y) @ top).sign()
    return torch.where(side == 0, 1.0, side)[:, None] * top
