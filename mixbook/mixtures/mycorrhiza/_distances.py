"""From genotypes to genetic distances, and to counts of alleles."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.validation import check_choice
from mixbook.mixtures.mycorrhiza._checks import as_codes

KINDS = ("jc", "hamming")
HAPLOTYPES = ("both", "first")
SATURATED = 1e-3  # least argument of the logarithm in Eq. (2): distances end at 5.2


def genetic_distance(
    G: Any, kind: str = "jc", *, missing: Any = None, haplotypes: str = "both"
) -> Float[np.ndarray, "N N"]:
    r"""Distances of all pairs of individuals.

    .. math:: p_{ij} = \frac{\#\{\text{sites typed in both that differ}\}}
              {\#\{\text{sites typed in both}\}},
              \qquad d_{ij} = -\tfrac34 \ln\big(1 - \tfrac43 p_{ij}\big)

    Parameters
    ----------
    G : array-like of shape (N, loci) or (N, loci, ploidy)
        Allele codes: integers or single characters. The alleles of a locus are compared in the
        order in which they are stored, so heterozygotes must be written in one order
        (``np.sort(G, axis=2)``).
    kind : {"jc", "hamming"}
        ``"hamming"`` is the share p, for microsatellites; ``"jc"`` corrects it for repeated
        mutations after Jukes and Cantor. As p reaches 3/4 the correction is infinite; it is cut
        at a distance of 5.2.
    missing : code or list of codes, optional
        Codes for *not typed*, besides "N" among characters and negative numbers among integers.
    haplotypes : {"both", "first"}
        All alleles of a locus, or the first only, as the authors' code does.

    Returns
    -------
    array of shape (N, N)
        Symmetric with a zero diagonal; 0 for a pair without a common site.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    check_choice(kind, "kind", KINDS)
    check_choice(haplotypes, "haplotypes", HAPLOTYPES)
    return distances_of_codes(as_codes(G, missing), kind, haplotypes)


def distances_of_codes(
    codes: Int[np.ndarray, "N L ploidy"], kind: str, haplotypes: str
) -> Float[np.ndarray, "N N"]:
    """The same for alleles that are numbers 0, 1, ... already, with -1 for *not typed*."""
    sites = codes[:, :, 0] if haplotypes == "first" else codes.reshape(len(codes), -1)
    typed = (sites >= 0).astype(np.float32)  # counts stay exact below 2^24 sites
    same = np.zeros((len(sites), len(sites)), dtype=np.float32)
    for allele in np.unique(sites[sites >= 0]):
        has = (sites == allele).astype(np.float32)
        same += has @ has.T
    common = (typed @ typed.T).astype(np.float64)
    # Eq. (1)
    p = np.where(common > 0, 1 - same / np.maximum(common, 1), 0.0)
    np.fill_diagonal(p, 0)
    if kind == "hamming":
        return p
    # Eq. (2)
    return -0.75 * np.log(np.maximum(1 - 4 * p / 3, SATURATED)) + 0.0


def allele_counts(
    G: Any, *, missing: Any = None
) -> tuple[Float[np.ndarray, "N A"], Int[np.ndarray, " A"]]:
    """How often each individual carries each allele: a one-hot code without phase.

    Parameters
    ----------
    G : array-like of shape (N, loci) or (N, loci, ploidy)
    missing : code or list of codes, optional
        See :func:`genetic_distance`.

    Returns
    -------
    counts : array of shape (N, A)
        One column for each allele found at each locus; 0 to ploidy.
    locus : array of shape (A,)
        The locus of each column, increasing.
    """
    codes = as_codes(G, missing)
    N, L = codes.shape[:2]
    width = int(codes.max()) + 1
    key = codes + width * np.arange(L)[:, None]
    who = np.broadcast_to(np.arange(N)[:, None, None], codes.shape)
    typed = codes >= 0
    names, column = np.unique(key[typed], return_inverse=True)
    counts = np.bincount(who[typed] * len(names) + column, minlength=N * len(names))
    return counts.reshape(N, len(names)).astype(np.float64), names // max(width, 1)
