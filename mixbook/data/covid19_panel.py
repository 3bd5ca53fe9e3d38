"""Cumulative COVID-19 counts of countries, the public panel of the ReGENN paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mixbook.core.validation import check_choice
from mixbook.data.registry import DataError, fetch

__all__ = ["PANELS", "CovidPanel", "load_covid19_panel"]

PANELS = {
    120: ("covid19_panel/D2-120-COVID19.pth", (188, 120, 3)),
    105: ("covid19_panel/D1-105-COVID19.pth", (187, 105, 3)),
}


@dataclass(frozen=True)
class CovidPanel:
    """Counts per country, day and variable, from January 2020 on.

    The published files name neither countries nor days nor variables. Variables 0 and 1 are equal
    entry by entry, so there are two different ones. By their totals (4,996,472 and 1,897,466 on the
    last of 120 days) they are confirmed and recovered cases; ``names`` follows that reading.

    Attributes
    ----------
    counts : float32 array of shape (countries, days, 3)
        Cumulative, not negative, and not always monotone: some counts were revised downwards.
    names : tuple of str
    """

    counts: np.ndarray
    names: tuple[str, ...] = ("confirmed", "confirmed again", "recovered")

    @property
    def distinct(self) -> np.ndarray:
        """The two different variables: shape (countries, days, 2)."""
        return self.counts[..., [0, 2]]


def load_covid19_panel(days: int = 120) -> CovidPanel:
    """Load the panel of 188 countries over 120 days, or that of 187 over 105.

    Derived by the authors of ReGENN from the repository of Johns Hopkins CSSE (2020); repository
    gabrielspadon/ReGENN, GPL-3.0. One file of 0.27 MB, read with ``weights_only=True``.

    Parameters
    ----------
    days : {120, 105}

    Returns
    -------
    CovidPanel

    Raises
    ------
    ValueError
        If there is no panel of that length.
    DataError
        If the file cannot be had.
    """
    check_choice(str(days), "days", [str(d) for d in PANELS])
    name, shape = PANELS[int(days)]
    counts = torch.load(fetch(name), weights_only=True, map_location="cpu").numpy()
    if counts.shape != shape:
        raise DataError(f"data file {name!r} must hold an array {shape}, got {counts.shape}")
    return CovidPanel(counts)
