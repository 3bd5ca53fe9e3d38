"""How far apart populations are, and how wrong mixture proportions are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mixbook.core.validation import as_matrix
from mixbook.mixtures.mycorrhiza._checks import as_labels
from mixbook.mixtures.mycorrhiza._distances import allele_counts


def fst(G: Any, y: Any, *, missing: Any = None) -> float:
    r"""Nei's fixation index: how much of the heterozygosity lies between populations.

    .. math:: F_{ST} = 1 - \frac{H_S}{H_T}, \qquad
              H_S = \frac1K \sum_k \Big(1 - \sum_a p_{ka}^2\Big), \qquad
              H_T = 1 - \sum_a \bar p_a^2

    Both are summed over loci before the ratio is taken; :math:`\bar p` is the plain mean over
    populations. No correction for small samples. Loci that are not typed in some population are
    left out.

    Parameters
    ----------
    G : array-like of shape (N, loci) or (N, loci, ploidy)
    y : array-like of shape (N,)
        Populations, at least two.
    missing : code or list of codes, optional

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed, or no locus varies.
    """
    X, locus = allele_counts(G, missing=missing)
    y = as_labels(y, len(X))
    populations = np.unique(y)
    if len(populations) < 2:
        raise ValueError("y must name at least two populations")
    n = np.stack([X[y == k].sum(0) for k in populations])
    starts = np.flatnonzero(np.diff(locus, prepend=-1))
    whole = np.add.reduceat(n, starts, axis=1)
    typed = (whole > 0).all(0)
    p = n / np.maximum(whole, 1)[:, np.cumsum(np.diff(locus, prepend=-1) > 0) - 1]
    # Eq. (17)
    within = 1 - np.add.reduceat(p**2, starts, axis=1).mean(0)
    total = 1 - np.add.reduceat(p.mean(0) ** 2, starts)
    if not total[typed].sum() > 0:
        raise ValueError("G must hold at least one locus that varies and is typed everywhere")
    return float(1 - within[typed].sum() / total[typed].sum())


def mixture_error(Q_true: Any, Q_est: Any) -> float:
    r"""Mean squared distance of mixture proportions.

    .. math:: \frac1N \sum_i \sum_k (q_{ik} - \hat q_{ik})^2

    Parameters
    ----------
    Q_true, Q_est : array-like of shape (N, K)

    Raises
    ------
    TypeError, ValueError
        If they are not tables of one shape.
    """
    truth, found = (
        as_matrix(Q, name, dtype=torch.float64).numpy()
        for Q, name in ((Q_true, "Q_true"), (Q_est, "Q_est"))
    )
    if truth.shape != found.shape:
        raise ValueError(f"Q_est must have shape {truth.shape} as Q_true, got {found.shape}")
    # Eq. (16)
    return float(((truth - found) ** 2).sum(1).mean())
