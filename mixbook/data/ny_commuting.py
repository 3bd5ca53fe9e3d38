"""Commuting between the counties of New York State, with county indicators."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mixbook.data.registry import fetch

__all__ = ["NYCommuting", "load_ny_commuting"]

LABOUR = {
    "Labor Force": "labour_force",
    "Employed": "employed",
    "Unemployed": "unemployed",
    "Unemployment Rate (%)": "unemployment_rate",
}
GROUPS = {
    "TOT_POP": "total",
    "TOT_MALE": "male",
    "TOT_FEMALE": "female",
    "Not_NHWhite_Alone": "minority",
    "Black": "black",
    "Hispanic": "hispanic",
}


@dataclass(frozen=True)
class NYCommuting:
    """Who commutes between which of the 62 counties of New York State.

    The parts are of different years: flows and shapes of 2011, labour of 2016, and the groups of
    an unstated later year (their total is 0.4 % above that of ``population``).

    Attributes
    ----------
    fips : tuple of str
        Federal codes of the counties, ascending; all arrays below follow this order.
    names : tuple of str
        "Albany County", ...
    flows : int array of shape (62, 62)
        Commuters from row to column; the diagonal holds those who work at home in their county.
        1,892 of the 3,782 pairs off the diagonal are non-zero; the sum with it is 8,831,941.
    population : float array of shape (62,)
        Inhabitants, as in the file of shapes.
    shapes : tuple of dict
        GeoJSON geometries (Polygon or MultiPolygon), degrees of longitude and latitude.
    labour : pandas.DataFrame of shape (62, 4)
        labour_force, employed, unemployed (people) and unemployment_rate (per cent), 2016.
    groups : pandas.DataFrame of shape (62, 6)
        People: total, male, female, minority (all but non-Hispanic white), black, hispanic.
    """

    fips: tuple[str, ...]
    names: tuple[str, ...]
    flows: np.ndarray
    population: np.ndarray
    shapes: tuple[dict[str, Any], ...]
    labour: pd.DataFrame
    groups: pd.DataFrame


def load_ny_commuting() -> NYCommuting:
    """Load commuting between the counties of New York State.

    Flows, shapes and populations: scikit-mobility/scikit-mobility on GitHub (BSD-3-Clause; data
    of the US Census Bureau). Labour (US Bureau of Labor Statistics) and groups: plotly/datasets
    (MIT). 0.9 MB in four files, each pinned to a commit.

    Raises
    ------
    DataError
        If a file cannot be had.
    """
    shapes = _read_shapes()
    groups = pd.read_csv(fetch("ny_commuting/minoritymajority.csv"))
    groups = groups.set_index(groups.FIPS.map("{:05d}".format)).loc[list(shapes)]
    return NYCommuting(
        fips=tuple(shapes),
        names=tuple(groups.CTYNAME),
        flows=_read_flows(list(shapes)),
        population=np.array(
            [shape["properties"]["population"] for shape in shapes.values()], float
        ),
        shapes=tuple(shape["geometry"] for shape in shapes.values()),
        labour=_read_labour().loc[list(shapes)],
        groups=groups[list(GROUPS)].rename(columns=GROUPS).astype(float),
    )


def _read_shapes() -> dict[str, dict[str, Any]]:
    """GeoJSON features by FIPS code, ascending."""
    text = fetch("ny_commuting/NY_counties_2011.geojson").read_text("utf-8")
    features = json.loads(text)["features"]
    return {f["properties"]["tile_id"]: f for f in sorted(features, key=_code)}


def _code(feature: dict[str, Any]) -> str:
    return feature["properties"]["tile_id"]


def _read_flows(fips: list[str]) -> np.ndarray:
    rows = pd.read_csv(fetch("ny_commuting/NY_commuting_flows_2011.csv"), dtype={"flow": np.int64})
    place = pd.Series(range(len(fips)), index=[int(code) for code in fips])
    flows = np.zeros((len(fips), len(fips)), dtype=np.int64)
    flows[place[rows.origin], place[rows.destination]] = rows.flow
    return flows


def _read_labour() -> pd.DataFrame:
    """Counts come as text with commas and blanks."""
    table = pd.read_csv(fetch("ny_commuting/laucnty16.csv"), dtype=str, encoding="latin1")
    table.columns = [name.strip() for name in table.columns]
    table.index = table["State FIPS Code"] + table["County FIPS Code"]
    numbers = table[list(LABOUR)].apply(lambda column: column.str.replace(",", "").str.strip())
    return numbers.apply(pd.to_numeric, errors="coerce").rename(columns=LABOUR)
