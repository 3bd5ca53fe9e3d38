"""Genotypes of individuals from known populations: gypsy moths and a fungus of bananas."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mixbook.data.registry import fetch

__all__ = ["Genotypes", "load_gypsy_moth", "load_m_fijiensis", "load_myco"]

NOT_TYPED = -9


@dataclass(frozen=True)
class Genotypes:
    """Alleles of N individuals at L loci, and the population that each was sampled in.

    Attributes
    ----------
    G : array of shape (N, L) or (N, L, ploidy)
        Allele codes: letters with "N" for *not typed*, or integers with a negative number for it.
        Both alleles of a locus stand side by side, so that a choice of loci keeps them together.
    y : array of shape (N,)
        Populations.
    ids : array of str, shape (N,)
        Names of the individuals.
    loci : array of shape (L,)
        Names or positions of the loci.
    """

    G: np.ndarray
    y: np.ndarray
    ids: np.ndarray
    loci: np.ndarray

    @property
    def ploidy(self) -> int:
        """Alleles a locus: 1 or 2."""
        return 1 if self.G.ndim == 2 else self.G.shape[2]

    def __len__(self) -> int:
        return len(self.G)

    def take(self, individuals: Any = None, loci: Any = None) -> Genotypes:
        """Only these individuals and loci (indices or masks; None keeps all)."""
        rows = slice(None) if individuals is None else np.asarray(individuals)
        columns = slice(None) if loci is None else np.asarray(loci)
        return Genotypes(self.G[rows][:, columns], self.y[rows], self.ids[rows], self.loci[columns])


def load_myco(path: str | PathLike, diploid: bool, microsatellite: bool) -> Genotypes:
    """Read a file in the format of the package *mycorrhiza*.

    One line a haplotype, separated by white space: name of the individual, population, a flag (not
    used), then one allele a locus. A diploid individual has two lines in a row.

    Parameters
    ----------
    path : path-like
    diploid : bool
        Whether an individual has two lines.
    microsatellite : bool
        Alleles are integers, 000 or a negative number for *not typed* (stored as -9); otherwise
        they are letters, N for *not typed*.

    Returns
    -------
    Genotypes

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the lines do not have that form.
    """
    lines = Path(path).read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    _check_rows(rows, path)
    ids, pops = (np.array([row[i] for row in rows]) for i in (0, 1))
    G = _alleles([row[3:] for row in rows], microsatellite, path)
    loci = np.arange(G.shape[1])
    if not diploid:
        return Genotypes(G, pops, ids, loci)
    if len(G) % 2 or (ids[::2] != ids[1::2]).any() or (pops[::2] != pops[1::2]).any():
        raise ValueError(
            f"{path} must hold two lines in a row with one name and population for each diploid "
            "individual; is it haploid?"
        )
    return Genotypes(np.stack([G[::2], G[1::2]], axis=2), pops[::2], ids[::2], loci)


def load_gypsy_moth() -> Genotypes:
    """The gypsy moth *Lymantria dispar*: 90 diploids, 2,327 SNPs, 8 populations of 10 to 12.

    Picq et al., Evolutionary Applications 11:325-339, 2018, as distributed with the code of
    Georges-Filteau et al. 2020 (repository jgeofil/mycorrhiza, GPL-3.0, no separate licence for
    the data). 5.8% of the alleles are not typed. Heterozygotes of a locus are always written in
    the same order. One text file, 840 kB.

    Returns
    -------
    Genotypes
        With ``G`` of shape (90, 2327, 2), letters.

    Raises
    ------
    DataError
        If the file cannot be had, or does not have the registered checksum.
    """
    return load_myco(fetch("gypsy_moth/gipsy.myc"), diploid=True, microsatellite=False)


def load_m_fijiensis() -> Genotypes:
    """The banana fungus *Mycosphaerella fijiensis*: 678 haploids, 21 microsatellites, 21 places.

    Robert et al., Molecular Ecology 21:1098-1114, 2012, as distributed with the code of
    Georges-Filteau et al. 2020 (repository jgeofil/mycorrhiza, GPL-3.0, no separate licence for
    the data). 12 to 66 individuals a population, 5.3% of the alleles not typed, 585 different
    genotypes. One text file, 65 kB.

    Returns
    -------
    Genotypes
        With ``G`` of shape (678, 21), integers.

    Raises
    ------
    DataError
        If the file cannot be had, or does not have the registered checksum.
    """
    return load_myco(fetch("m_fijiensis/myco.myc"), diploid=False, microsatellite=True)


def _check_rows(rows: list[list[str]], path: Any) -> None:
    if not rows:
        raise ValueError(f"{path} must hold at least one line of alleles, got none")
    widths = {len(row) for row in rows}
    if len(widths) > 1 or min(widths) < 4:
        raise ValueError(
            f"each line of {path} must hold a name, a population, a flag and the same number of "
            f"alleles, got lines of {', '.join(map(str, sorted(widths)))} fields"
        )


def _alleles(rows: list[list[str]], microsatellite: bool, path: Any) -> np.ndarray:
    text = np.array(rows)
    if microsatellite:
        try:
            sizes = text.astype(np.int64)
        except ValueError as error:
            raise ValueError(f"alleles of {path} must be integers: {error}") from error
        return np.where(sizes <= 0, NOT_TYPED, sizes)
    if text.dtype.itemsize != np.dtype("U1").itemsize:
        raise ValueError(f"alleles of {path} must be single letters; are they microsatellites?")
    return text
