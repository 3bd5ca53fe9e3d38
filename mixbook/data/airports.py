"""Air-traffic networks whose airports are labelled by activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from scipy import sparse

from mixbook.core.validation import check_choice
from mixbook.data.graphs import adjacency_of
from mixbook.data.registry import fetch

__all__ = ["AIRPORTS", "Airports", "load_airports"]

AIRPORTS = ("brazil", "europe", "usa")


@dataclass(frozen=True)
class Airports:
    """One network of airports.

    Attributes
    ----------
    name : str
    adjacency : csr_array of shape (n, n), int64
        1 where commercial flights joined two airports; symmetric, no loops.
    labels : int array of shape (n,)
        Quartile of activity, 0 to 3; mean degrees say that 0 is the busiest.
    node_ids : int array of shape (n,)
        The ids of the original files.
    """

    name: str
    adjacency: sparse.csr_array
    labels: Int[np.ndarray, " n"]
    node_ids: Int[np.ndarray, " n"]


def load_airports(name: str) -> Airports:
    """The airports of Brazil (131), Europe (399) or the USA (1,190), with four activity classes.

    Edges are commercial flights in 2016; the label is the quartile of an airport's activity,
    measured in landings and take-offs (Brazil, Europe) or passengers (USA). Source: Ribeiro,
    Saverese and Figueiredo, *struc2vec*, KDD 2017, repository leoribeiro/struc2vec (MIT).

    Parameters
    ----------
    name : {"brazil", "europe", "usa"}

    Returns
    -------
    Airports

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If the files cannot be had.
    """
    check_choice(name, "name", AIRPORTS)
    pairs = np.loadtxt(fetch(f"airports/{name}-airports.edgelist"), dtype=np.int64)
    table = np.loadtxt(fetch(f"airports/labels-{name}-airports.txt"), dtype=np.int64, skiprows=1)
    table = table[np.argsort(table[:, 0])]
    adjacency = adjacency_of(np.searchsorted(table[:, 0], pairs), len(table))
    return Airports(name, adjacency, table[:, 1], table[:, 0])
