"""Assignment from allele frequencies, and a forest on the genotypes themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.mycorrhiza._assign import forest_mixture
from mixbook.mixtures.mycorrhiza._checks import as_labels, as_mask, known_labels
from mixbook.mixtures.mycorrhiza._distances import allele_counts


def likelihood_assignment(
    G: Any, y: Any, labelled: Any = None, *, missing: Any = None, prior: float = 1.0
) -> Float[np.ndarray, "N K"]:
    r"""Posterior of the population, from allele frequencies in Hardy-Weinberg proportions.

    The assignment test of Rannala and Mountain in its simple form, which is naive Bayes on counts
    of alleles. With J alleles at a locus and counts n among the labelled of population k,

    .. math:: \hat p_{ka} = \frac{n_{ka} + \alpha / J}{n_k + \alpha}, \qquad
              P(k \mid i) \propto \prod_a \hat p_{ka}^{c_{ia}}

    Parameters
    ----------
    G : array-like of shape (N, loci) or (N, loci, ploidy)
    y : array-like of shape (N,)
    labelled : array-like of bool, shape (N,), optional
        Default: where ``y`` is not -1.
    missing : code or list of codes, optional
    prior : float
        The pseudo-count alpha of a locus.

    Returns
    -------
    array of shape (N, K)
        Rows sum to 1; columns in the sorted order of the labelled populations.
    """
    X, _, P = _counts_and_frequencies(G, y, labelled, missing, prior)
    # Eq. (18)
    score = X @ np.log(P).T
    return np.exp(score - logsumexp(score, axis=1, keepdims=True))


def admixture_proportions(
    G: Any,
    y: Any,
    labelled: Any = None,
    *,
    missing: Any = None,
    prior: float = 1.0,
    n_iter: int = 200,
) -> Float[np.ndarray, "N K"]:
    r"""Mixture proportions by maximum likelihood, with the allele frequencies of the labelled.

    The model of STRUCTURE and Admixture with known source populations: each allele of individual
    i comes from population k with probability :math:`q_{ik}`. EM:

    .. math:: q_{ik} \leftarrow \frac1{n_i} \sum_a c_{ia}
              \frac{q_{ik}\hat p_{ka}}{\sum_l q_{il}\hat p_{la}}

    Parameters and result as for :func:`likelihood_assignment`; ``n_iter`` is the number of steps.
    An individual without a typed allele gets equal shares.
    """
    check_integer(n_iter, "n_iter", low=1)
    X, _, P = _counts_and_frequencies(G, y, labelled, missing, prior)
    Q = np.full((len(X), len(P)), 1 / len(P))
    typed = X.sum(1, keepdims=True)
    for _ in range(n_iter):
        # Eq. (19)
        Q = np.where(typed > 0, Q * ((X / (Q @ P)) @ P.T) / np.maximum(typed, 1), Q)
    return Q


def raw_forest_mixture(
    G: Any,
    y: Any,
    labelled: Any = None,
    *,
    missing: Any = None,
    n_estimators: int = 60,
    random_state: int | np.random.Generator | None = None,
) -> Float[np.ndarray, "N K"]:
    """Class shares of a random forest on the counts of alleles, without any network.

    Parameters and result as for :func:`likelihood_assignment`.
    """
    X, _ = allele_counts(G, missing=missing)
    y = as_labels(y, len(X))
    mask = as_mask(known_labels(y) if labelled is None else labelled, y)
    return forest_mixture([X], y, mask, n_estimators, random_state)


def _counts_and_frequencies(
    G: Any, y: Any, labelled: Any, missing: Any, prior: float
) -> tuple[Float[np.ndarray, "N A"], Int[np.ndarray, " A"], Float[np.ndarray, "K A"]]:
    """Counts of alleles, their loci, and smoothed frequencies among the labelled."""
    prior = check_number(prior, "prior", low=0, low_open=True)
    X, locus = allele_counts(G, missing=missing)
    y = as_labels(y, len(X))
    mask = as_mask(known_labels(y) if labelled is None else labelled, y)
    n = np.stack([X[mask & (y == k)].sum(0) for k in np.unique(y[mask])])
    names, place, J = np.unique(locus, return_inverse=True, return_counts=True)
    at_locus = (place == np.arange(len(names))[:, None]).astype(float)
    whole = (n @ at_locus.T)[:, place]
    # Eq. (18)
    return X, locus, (n + prior / J[place]) / (whole + prior)
