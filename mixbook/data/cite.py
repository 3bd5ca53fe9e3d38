"""Single cells: blood stem cells measured on four days, as principal components."""

from dataclasses import dataclass

import numpy as np

from mixbook.data.registry import fetch

__all__ = ["DAYS", "CitePCA", "load_cite_pca50"]

DAYS = (2, 3, 4, 7)


@dataclass(frozen=True)
class CitePCA:
    """CITE-seq populations of human blood stem cells on culture days 2, 3, 4 and 7.

    Each cell is a row of 50 principal component scores of its gene expression. Measuring a cell
    destroys it, so rows of different days are different cells: the days are unpaired populations.

    Attributes
    ----------
    cells : dict of int to ndarray
        Day -> float32 array of shape (cells, 50): 6071, 7643, 8485 and 7195 cells.
    """

    cells: dict[int, np.ndarray]

    def scale(self, *days: int) -> float:
        """Standard deviation of the given days pooled, averaged over components.

        The LightSB experiment divides all days in use by this number before fitting and
        multiplies predictions by it before scoring.

        Raises
        ------
        ValueError
            If no day is given, or one was not measured.
        """
        if not days:
            raise ValueError(f"days must name at least one of {DAYS}, got none")
        return float(np.concatenate([self[day] for day in days]).std(axis=0).mean())

    def __getitem__(self, day: int) -> np.ndarray:
        """The cells of one day, shape (cells, 50)."""
        if day not in self.cells:
            raise ValueError(f"day must be one of {', '.join(map(str, self.cells))}, got {day!r}")
        return self.cells[day]


def load_cite_pca50() -> CitePCA:
    """Load the single-cell populations of the LightSB paper.

    CITE-seq part of the "Open Problems - Multimodal Single-Cell Integration" competition data,
    reduced to 50 principal components by the authors of LightSB. Four files of 1.2 to 1.7 MB from
    github.com/ngushchin/LightSB, whose licence is MIT; the competition data under them has terms
    of its own, which that repository does not restate.

    Returns
    -------
    CitePCA

    Raises
    ------
    DataError
        If a file cannot be downloaded, or does not have the registered checksum.
    """
    paths = {day: fetch(f"cite_pca50/full_cite_pcas_50_day_{day}.npy") for day in DAYS}
    return CitePCA({day: np.load(path, allow_pickle=False) for day, path in paths.items()})
