"""Losses that need no label of an instance: aggregate, DLLP, EasyLLP."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from mixbook.core.validation import check_number

__all__ = ["aggregate_loss", "bag_means", "dllp_loss", "easyllp_loss"]


def aggregate_loss(
    logits: Float[Tensor, " n"],
    labels: Float[Tensor, " n"],
    bag_logits: Float[Tensor, " m"],
    proportions: Float[Tensor, " m"],
    lam_agg: float,
) -> Float[Tensor, ""]:
    """Eq. (14): cross-entropy with pseudo-labels, plus that of the bags' proportions.

    Parameters
    ----------
    logits, labels : tensors of shape (n,)
        Instances; labels between 0 and 1.
    bag_logits, proportions : tensors of shape (m,)
        Bags.
    lam_agg : float
        Weight of the second term, at least 0.

    Raises
    ------
    ValueError
        If shapes do not fit or ``lam_agg`` is negative.
    """
    lam_agg = check_number(lam_agg, "lam_agg", low=0)
    for name, a, b in (("labels", labels, logits), ("proportions", proportions, bag_logits)):
        if a.shape != b.shape:
            raise ValueError(
                f"{name} must have the shape of their logits {tuple(b.shape)}, got {tuple(a.shape)}"
            )
    # Eq. (14)
    loss = F.binary_cross_entropy_with_logits(logits, labels)
    return loss + lam_agg * F.binary_cross_entropy_with_logits(bag_logits, proportions)


def dllp_loss(
    logits: Float[Tensor, " n"], bag_id: Int[Tensor, " n"], bag_count: Any
) -> Float[Tensor, ""]:
    """Eq. (15), averaged over bags: cross-entropy of a bag's proportion and mean probability.

    Ardehaly and Culotta, *Co-training for demographic classification using deep learning from
    label proportions*, 2017.

    Parameters
    ----------
    logits : Tensor of shape (n,)
    bag_id : int tensor of shape (n,)
        0, ..., m - 1, no bag empty.
    bag_count : tensor of shape (m,)

    Raises
    ------
    ValueError
        If shapes do not fit, a bag is empty or a count is impossible.
    """
    counts, sizes = _check_bags(logits, bag_id, bag_count)
    # Eq. (15), with log(mean p) and log(mean (1 - p)) from logarithms
    log_p = _log_mean(F.logsigmoid(logits), bag_id, sizes)
    log_q = _log_mean(F.logsigmoid(-logits), bag_id, sizes)
    share = counts / sizes
    return -(share * log_p + (1 - share) * log_q).mean()


def easyllp_loss(
    logits: Float[Tensor, " n"], bag_id: Int[Tensor, " n"], bag_count: Any, prior: float
) -> Float[Tensor, ""]:
    """Eq. (16), averaged over instances: unbiased for the cross-entropy if bags are random.

    Busa-Fekete and others, *Easy Learning from Label Proportions*, NeurIPS 2023. The surrogate
    labels may lie outside [0, 1], so the loss has no lower bound.

    Parameters
    ----------
    logits, bag_id, bag_count
        As in :func:`dllp_loss`.
    prior : float
        Share of ones in the population, between 0 and 1.

    Raises
    ------
    ValueError
        If shapes do not fit, a bag is empty, a count is impossible or ``prior`` is out of range.
    """
    prior = check_number(prior, "prior", low=0, high=1)
    counts, sizes = _check_bags(logits, bag_id, bag_count)
    # Eq. (16)
    surrogate = (sizes * (counts / sizes - prior) + prior)[bag_id]
    return (F.softplus(logits) - surrogate * logits).mean()


def bag_means(h: Float[Tensor, "n d"], bag_id: Int[Tensor, " n"], m: int) -> Float[Tensor, "m d"]:
    """Mean of the rows of each bag."""
    sums = h.new_zeros(m, h.shape[1]).index_add_(0, bag_id, h)
    return sums / torch.bincount(bag_id, minlength=m)[:, None]


def _log_mean(logs: Tensor, bag_id: Tensor, sizes: Tensor) -> Tensor:
    """log of the mean of exp(logs) in each bag, safe where all are tiny."""
    peak = torch.full_like(sizes, -torch.inf).scatter_reduce(0, bag_id, logs.detach(), "amax")
    sums = torch.zeros_like(sizes).index_add(0, bag_id, torch.exp(logs - peak[bag_id]))
    return peak + torch.log(sums / sizes)


def _check_bags(logits: Tensor, bag_id: Tensor, bag_count: Any) -> tuple[Tensor, Tensor]:
    if logits.ndim != 1 or logits.shape != bag_id.shape:
        raise ValueError(
            f"logits and bag_id must have one shape (n,), got {tuple(logits.shape)} and "
            f"{tuple(bag_id.shape)}"
        )
    counts = torch.as_tensor(bag_count, dtype=logits.dtype, device=logits.device)
    if counts.ndim != 1 or len(counts) == 0 or len(bag_id) == 0:
        raise ValueError(f"bag_count must have shape (m,), not empty, got {tuple(counts.shape)}")
    if int(bag_id.min()) < 0 or int(bag_id.max()) >= len(counts):
        raise ValueError(f"bag_id must be between 0 and {len(counts) - 1}")
    sizes = torch.bincount(bag_id, minlength=len(counts)).to(logits.dtype)
    if (sizes == 0).any():
        raise ValueError(f"bag_id must leave no bag empty, but bag {int(sizes.argmin())} is")
    if ((counts < 0) | (counts > sizes)).any():
        raise ValueError("bag_count must be between 0 and the size of the bag")
    return counts, sizes
