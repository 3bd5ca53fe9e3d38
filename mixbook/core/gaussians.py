r"""Mixtures of Gaussians: log-density and sampling, in log space, diagonal or full covariance."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.seeds import as_generator

__all__ = ["component_log_prob", "log_sum_exp", "mixture_log_prob", "sample_mixture"]


def component_log_prob(
    y: Float[Tensor, "n d"],
    means: Float[Tensor, "k d"],
    covariances: Float[Tensor, "k d"] | Float[Tensor, "k d d"],
) -> Float[Tensor, "n k"]:
    r"""Log-density of every point under every component, :math:`\log N(y_i \mid r_k, C_k)`.

    The diagonal case expands the square and uses two matrix products, so that no (n, k, d)
    tensor is built; the full case solves with the Cholesky factor of each component.

    Parameters
    ----------
    y : Tensor of shape (n, d)
    means : Tensor of shape (k, d)
    covariances : Tensor of shape (k, d) (variances) or (k, d, d) (positive definite)
    """
    constant = y.shape[1] * math.log(2 * math.pi)
    if covariances.ndim == 2:
        precision = 1 / covariances
        centre = means.mean(0)  # shift first: the expansion loses digits far from the origin
        y, means = y - centre, means - centre
        square = y.square() @ precision.T - 2 * y @ (means * precision).T
        square = square + (means.square() * precision).sum(1)
        return -0.5 * (square + covariances.log().sum(1) + constant)
    factor = torch.linalg.cholesky(covariances)
    white = torch.linalg.solve_triangular(
        factor, (y[None] - means[:, None]).transpose(1, 2), upper=False
    )
    log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1)
    return -0.5 * (white.square().sum(1).T + log_det + constant)


def mixture_log_prob(
    y: Float[Tensor, "n d"],
    log_weights: Float[Tensor, " k"],
    means: Float[Tensor, "k d"],
    covariances: Float[Tensor, "k d"] | Float[Tensor, "k d d"],
) -> Float[Tensor, " n"]:
    r"""Log of :math:`\sum_k w_k N(y \mid r_k, C_k)`; the weights need not sum to one."""
    return log_sum_exp(log_weights + component_log_prob(y, means, covariances), dim=1)


def log_sum_exp(x: Tensor, dim: int) -> Tensor:
    """``torch.logsumexp`` along one axis, several times faster on a CPU for mixtures.

    There, ``exp`` is slow where it underflows, as it does for each component far from a point, and
    ``exp2`` is not; ``torch.logsumexp`` also takes the exponential anew in its gradient.

    Parameters
    ----------
    x : Tensor
        Finite, or minus infinity for terms of zero; a slice of nothing else gives minus infinity
        (and no gradient).
    dim : int
    """
    highest = x.detach().amax(dim, keepdim=True)
    shift = highest.nan_to_num(neginf=0.0)  # a slice of zeros: no inf - inf
    total = ((x - shift) * math.log2(math.e)).exp2().sum(dim, keepdim=True)
    return (total.log() + highest).squeeze(dim)


def sample_mixture(
    n: int,
    log_weights: Float[Tensor, " k"],
    means: Float[Tensor, "k d"],
    covariances: Float[Tensor, "k d"] | Float[Tensor, "k d d"],
    generator: int | torch.Generator | None = None,
) -> Float[Tensor, "n d"]:
    """Draw ``n`` points from the (normalised) mixture."""
    generator = as_generator(generator, means.device)
    weights = torch.softmax(log_weights, 0)
    k = torch.multinomial(weights, n, replacement=True, generator=generator)
    noise = torch.randn(
        n, means.shape[1], generator=generator, dtype=means.dtype, device=means.device
    )
    if covariances.ndim == 2:
        return means[k] + covariances[k].sqrt() * noise
    factor = torch.linalg.cholesky(covariances)
    return means[k] + (factor[k] @ noise[:, :, None])[:, :, 0]
