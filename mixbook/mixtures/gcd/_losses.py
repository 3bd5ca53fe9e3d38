"""The losses that train the encoder, and the concentration of the prototypes."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from mixbook.core.validation import check_number
from mixbook.mixtures.gcd._checks import as_assignment, as_points

__all__ = ["gpc_loss", "infonce_loss", "proto_loss", "prototype_concentration", "supcon_loss"]


def prototype_concentration(
    X: Any, centers: Any, assign: Any, tau: float = 1.0
) -> Float[Tensor, " K"]:
    r"""Temperature of each prototype: small where its members are close, Eq. (10).

    .. math:: \phi_c = \frac{1}{n_c \log(n_c + 10)} \sum_{i \in c} \lVert z_i - c \rVert

    Clusters of one point or none get the largest value; then all are clipped to the 10th and 90th
    percentile, and scaled to the mean ``tau``. Where clusters without any spread make the 10th
    percentile zero, the least positive value takes its place: a temperature must be positive.

    Parameters
    ----------
    X : array-like of shape (n, d)
    centers : array-like of shape (K, d)
    assign : array-like of int, shape (n,)
    tau : float
        Mean of the result, positive.

    Returns
    -------
    Tensor of shape (K,), float64
    """
    points = torch.as_tensor(as_points(X, "X"))
    C = torch.as_tensor(as_points(centers, "centers", points.shape[1]))
    a = torch.as_tensor(as_assignment(assign, "assign", len(points), len(C)))
    tau = check_number(tau, "tau", low=0, low_open=True)
    distance = (points - C[a]).norm(dim=1)
    counts = torch.bincount(a, minlength=len(C)).double()
    # Eq. (10)
    phi = torch.zeros(len(C), dtype=torch.float64).index_add_(0, a, distance)
    phi = phi / (counts.clamp(min=1) * torch.log(counts + 10))
    several = counts > 1
    phi = torch.where(several, phi, phi[several].max() if several.any() else torch.tensor(1.0))
    low, high = torch.quantile(phi, torch.tensor([0.1, 0.9], dtype=torch.float64))
    if (phi <= 0).all():
        return torch.full_like(phi, tau)
    floor = torch.maximum(low, phi[phi > 0].min())
    phi = phi.clamp(floor, torch.maximum(floor, high))
    return tau * phi / phi.mean()


def proto_loss(
    z: Float[Tensor, "n d"],
    prototypes: Float[Tensor, "K d"],
    conc: Float[Tensor, " K"],
    target: Int[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Cross-entropy of the assigned prototype against all prototypes, Eq. (11).

    Parameters
    ----------
    z : Tensor of shape (n, d)
        Features of length one (one view; average over views outside).
    prototypes : Tensor of shape (K, d)
        Of length one.
    conc : Tensor of shape (K,)
        Temperatures, positive, from :func:`prototype_concentration`.
    target : int Tensor of shape (n,)
    """
    if not (conc > 0).all():
        raise ValueError("conc must be positive")
    # Eq. (11)
    return F.cross_entropy(z @ prototypes.T / conc, target.long())


def supcon_loss(
    feats: Float[Tensor, "b v d"], labels: Int[Tensor, " b"], temperature: float = 0.07
) -> Float[Tensor, ""]:
    """Supervised contrastive loss (Khosla et al., 2020), Eq. (12).

    For each of the b v views, the mean log-probability of the other views with the same label,
    among all views but itself.

    Parameters
    ----------
    feats : Tensor of shape (b, v, d)
        Features of length one of v >= 2 views.
    labels : int Tensor of shape (b,)
    temperature : float
    """
    b, v, _ = feats.shape
    if b == 0 or v < 2:
        raise ValueError(f"feats must hold a sample and two views, got shape {tuple(feats.shape)}")
    z, y = feats.flatten(0, 1), labels.repeat_interleave(v)
    itself = torch.eye(b * v, dtype=torch.bool, device=z.device)
    same = (y[:, None] == y[None]) & ~itself
    logits = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    # Eq. (12)
    return -(log_p.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()


def infonce_loss(feats: Float[Tensor, "n d"], tau: float = 1.0) -> Float[Tensor, ""]:
    """Contrastive loss of two views, Eq. (13); the second half of the rows are the second view.

    Parameters
    ----------
    feats : Tensor of shape (2 b, d)
        Of length one.
    tau : float
        Temperature (1.0 in the authors' program, high for this loss).
    """
    n = len(feats)
    if n == 0 or n % 2:
        raise ValueError(f"feats must hold an even number of rows, got {n}")
    logits = feats @ feats.T / tau
    logits = logits.masked_fill(torch.eye(n, dtype=torch.bool, device=feats.device), -torch.inf)
    # Eq. (13)
    return F.cross_entropy(logits, torch.arange(n, device=feats.device).roll(n // 2))


def gpc_loss(
    z: Float[Tensor, "n d"],
    projected: Float[Tensor, "n e"],
    labels: Int[Tensor, " b"],
    labelled: Bool[Tensor, " b"],
    prototypes: tuple[Tensor, Tensor] | None = None,
    target: Int[Tensor, " b"] | None = None,
    *,
    supcon_weight: float = 0.35,
    tau: float = 1.0,
    supcon_temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """The loss of the M-step on a batch of b images in two views, Eq. (18).

    Parameters
    ----------
    z, projected : Tensor of shapes (2 b, d) and (2 b, e)
        Features and projections of length one; the second half is the second view.
    labels : int Tensor of shape (b,)
        Classes; used where ``labelled``.
    labelled : bool Tensor of shape (b,)
    prototypes : (Tensor of shape (K, d), Tensor of shape (K,)), optional
        Prototypes and their concentration; left out, the loss is that of the baseline.
    target : int Tensor of shape (b,), optional
        The prototype of each image.
    """
    loss = (1 - supcon_weight) * infonce_loss(projected, tau)
    if labelled.any():
        views = torch.stack(projected.chunk(2), dim=1)[labelled]
        loss = loss + supcon_weight * supcon_loss(views, labels[labelled], supcon_temperature)
    if prototypes is None:
        return loss
    if target is None:
        raise ValueError("target must be given with prototypes")
    # Eq. (18)
    return loss + proto_loss(z, *prototypes, target.repeat(2))
