"""The streets of a town: intersections and segments of Ji-Paraná, Brazil."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from mixbook.data.registry import fetch

__all__ = ["StreetNetwork", "load_street_network"]


@dataclass(frozen=True)
class StreetNetwork:
    """Intersections and the street segments between them; connected, no loops, no double segment.

    Attributes
    ----------
    nodes : float array of shape (532, 2)
        Latitude and longitude of each intersection, degrees; its row is its number.
    edges : pandas.DataFrame of shape (863, 4)
        source, target (numbers of intersections), length (metres), road_class.
    """

    nodes: Float[np.ndarray, "n 2"]
    edges: pd.DataFrame


def load_street_network() -> StreetNetwork:
    """Load the streets of Ji-Paraná: 532 intersections, 863 segments in four road classes.

    From the repository gabrielspadon/StreetContinuity (GPL-3.0); map data (c) OpenStreetMap
    contributors, ODbL. Two files, 46 kB. The names of streets in the file are running numbers and
    are left out.

    Returns
    -------
    StreetNetwork

    Raises
    ------
    DataError
        If a file cannot be had.
    """
    nodes = pd.read_csv(
        fetch("street_network/test-nodes.csv"), header=None, names=["id", "lat", "lon"]
    ).sort_values("id")
    columns = ["id", "source", "target", "length", "name", "road_class"]
    edges = pd.read_csv(fetch("street_network/test-edges.csv"), header=None, names=columns)
    return StreetNetwork(
        nodes=nodes[["lat", "lon"]].to_numpy(float),
        edges=edges[["source", "target", "length", "road_class"]],
    )
