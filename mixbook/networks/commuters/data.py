"""Regions with indicators and the commuters between them: a container, New York, a toy country."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit
from scipy.stats import skew

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.data import NYCommuting, load_ny_commuting
from mixbook.networks.commuters._checks import as_array, check_square
from mixbook.networks.commuters.geography import haversine_matrix, polygon_centroid_area

__all__ = ["CommuterData", "ny_counties", "synthetic_cities", "three_towns"]


class CommuterData:
    """Regions, what is known about each, and how many people commute between them.

    Parameters
    ----------
    regions : sequence of str
        Names of the n regions.
    indicators : array-like of shape (n, q)
        u_i, the indicators of each region.
    indicator_names : sequence of str
        q names.
    centroids : array-like of shape (n, 2)
        Degrees of longitude and latitude; or kilometres on a plane if ``distance`` is given.
    population : array-like of shape (n,)
        m_i > 0, inhabitants.
    flows : array-like of shape (n, n)
        F_ij >= 0, commuters from i to j. The diagonal (people who stay) is kept and never used.
    distance : array-like of shape (n, n), optional
        d_ij in km; default: great-circle distances between the centroids.

    Attributes
    ----------
    outflow : float array of shape (n,)
        O_i, all who leave i.
    heavy_tailed : bool array of shape (q,)
        Indicators that are positive and less skewed after taking logarithms.

    Raises
    ------
    TypeError
        If an array does not hold numbers.
    ValueError
        If shapes do not match, or an entry is out of range or not finite.
    """

    def __init__(
        self,
        regions: Sequence[str],
        indicators: Any,
        indicator_names: Sequence[str],
        centroids: Any,
        population: Any,
        flows: Any,
        distance: Any = None,
    ) -> None:
        self.regions = tuple(regions)
        n = len(self.regions)
        self.indicators = as_array(indicators, "indicators", ndim=2)
        self.indicator_names = tuple(indicator_names)
        self.centroids = as_array(centroids, "centroids", ndim=2)
        self.population = as_array(population, "population", ndim=1, low=0.0)
        self.flows = check_square(flows, "flows", n)
        self._check_sizes(n)
        self.distance = (
            haversine_matrix(self.centroids)
            if distance is None
            else check_square(distance, "distance", n)
        )

    def _check_sizes(self, n: int) -> None:
        q = len(self.indicator_names)
        for name, shape in (("indicators", (n, q)), ("centroids", (n, 2)), ("population", (n,))):
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {found}")
        if n < 2:
            raise ValueError(f"regions must name at least 2 regions, got {n}")
        if self.population.min() <= 0:
            raise ValueError("population must be > 0 in each region, got 0")

    def __repr__(self) -> str:
        n, q = self.indicators.shape
        return f"CommuterData({n} regions, {q} indicators, {int(self.links.sum())} links)"

    @property
    def links(self) -> Bool[np.ndarray, "n n"]:
        """Where F_ij > 0, i != j."""
        return (self.flows > 0) & ~np.eye(len(self.regions), dtype=bool)

    @property
    def outflow(self) -> Float[np.ndarray, " n"]:
        """Commuters who leave each region."""
        return self.flows.sum(axis=1) - np.diag(self.flows)

    @property
    def heavy_tailed(self) -> Bool[np.ndarray, " q"]:
        """Positive indicators whose logarithm is less skewed than they are."""
        x = self.indicators
        heavy = (x.min(axis=0) > 0) & (np.ptp(x, axis=0) > 0)
        heavy[heavy] = np.abs(skew(np.log(x[:, heavy]))) < np.abs(skew(x[:, heavy]))
        return heavy


def three_towns() -> CommuterData:
    """The worked example: towns at 0, 10 and 30 km on a line, with 10, 20 and 70 people.

    5, 4 and 6 commuters leave them, in the proportions of the radiation model, rounded.
    """
    place = np.array([0.0, 10.0, 30.0])
    return CommuterData(
        regions=("A", "B", "C"),
        indicators=[[10.0], [20.0], [70.0]],
        indicator_names=("population",),
        centroids=np.stack([place, np.zeros(3)], axis=1),
        population=[10, 20, 70],
        flows=[[0, 4, 1], [2, 0, 2], [1, 5, 0]],
        distance=np.abs(place[:, None] - place),
    )


def ny_counties(raw: NYCommuting | None = None) -> CommuterData:
    """The 62 counties of New York State with twelve indicators.

    population (2011), area (km²), density (people per km²), labour force, employed, unemployed,
    unemployment rate (%, 2016), participation rate (labour force per inhabitant), sex ratio (men
    per woman), and the shares of minority, Black and Hispanic people.

    Parameters
    ----------
    raw : NYCommuting, optional
        Default: :func:`mixbook.data.load_ny_commuting`.
    """
    raw = load_ny_commuting() if raw is None else raw
    lon, lat, area = np.array([polygon_centroid_area(shape) for shape in raw.shapes]).T
    labour, groups = raw.labour, raw.groups
    indicators = {
        "population": raw.population,
        "area": area,
        "density": raw.population / area,
        "labour force": labour.labour_force,
        "employed": labour.employed,
        "unemployed": labour.unemployed,
        "unemployment rate": labour.unemployment_rate,
        "participation rate": labour.labour_force / raw.population,
        "sex ratio": groups.male / groups.female,
        "minority share": groups.minority / groups.total,
        "Black share": groups.black / groups.total,
        "Hispanic share": groups.hispanic / groups.total,
    }
    return CommuterData(
        regions=[name.removesuffix(" County") for name in raw.names],
        indicators=np.stack([np.asarray(column, float) for column in indicators.values()], axis=1),
        indicator_names=list(indicators),
        centroids=np.stack([lon, lat], axis=1),
        population=raw.population,
        flows=raw.flows,
    )


SIZES = {  # name: exponent of population
    "hospital beds": 0.8,
    "schools": 0.9,
    "births": 1.0,
    "deaths": 1.0,
    "vehicles": 1.1,
    "GDP": 1.15,
    "crimes": 1.2,
}
WEALTH_RATES = {  # name: sign of wealth
    "literacy": 1,
    "income share": 1,
    "sanitation": 1,
    "poverty": -1,
    "child mortality": -1,
}
URBAN_RATES = {"urban share": 1, "services share": 1, "farm share": -1, "homicide rate": 1}


def synthetic_cities(
    n: int,
    random_state: int | np.random.Generator | None = None,
    *,
    log10_constant: float = -3.0,
) -> CommuterData:
    """A country of cities whose commuters follow a known law.

    Positions are uniform in a square of 1000 km, log10 of the population is N(4.2, 0.55) clipped at
    3; wealth w and urbanity v are N(0, 1) and hidden. The 22 indicators are the population itself,
    seven quantities that scale with it, unemployment and five more rates that show the wealth, four
    rates that show the urbanity, and four of pure noise. Flows are

    .. math:: \\log_{10} F_{ij} = c + 0.9 \\log_{10} m_i + 0.8 \\log_{10} m_j
              - 2.2 \\log_{10}(d_{ij} + 5) + 0.25 (w_j - w_i) + r_i
              - 0.8 [d_{ij} > 120] (\\log_{10} d_{ij} - 2.08) + N(0, 0.25^2)

    with the unemployment r_i; flows below 1 are no links, others are rounded. About 8 % of all
    pairs are links at c = -3.

    Parameters
    ----------
    n : int
        Number of cities, at least 2.
    log10_constant : float
        c: one more makes all flows ten times larger.
    """
    check_integer(n, "n", low=2)
    check_number(log10_constant, "log10_constant")
    rng = as_rng(random_state)
    place = rng.uniform(0, 1000, (n, 2))
    population = np.round(10 ** np.maximum(rng.normal(4.2, 0.55, n), 3))
    wealth, urbanity = rng.normal(size=(2, n))
    columns = _synthetic_indicators(population, wealth, urbanity, rng)
    distance = np.linalg.norm(place[:, None] - place, axis=2)
    law = log10_constant + _law(population, distance, wealth, columns["unemployment"])
    return CommuterData(
        regions=[f"city {i}" for i in range(n)],
        indicators=np.stack(list(columns.values()), axis=1),
        indicator_names=list(columns),
        centroids=place,
        population=population,
        flows=_draw_flows(law, rng),
        distance=distance,
    )


def _synthetic_indicators(
    population: np.ndarray, wealth: np.ndarray, urbanity: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    def noise(scale: float) -> np.ndarray:
        return scale * rng.normal(size=len(population))

    columns = {"population": population}
    for name, power in SIZES.items():
        columns[name] = population**power * np.exp(0.3 * wealth + noise(0.2))
    columns["unemployment"] = expit(-0.8 * wealth + noise(0.3))
    for name, sign in WEALTH_RATES.items():
        columns[name] = expit(sign * wealth + noise(0.3))
    for name, sign in URBAN_RATES.items():
        columns[name] = expit(sign * urbanity + noise(0.3))
    return columns | {f"noise {k}": noise(1.0) for k in range(1, 5)}


def _law(m: np.ndarray, d: np.ndarray, wealth: np.ndarray, unemployment: np.ndarray) -> np.ndarray:
    log_m, log_d = np.log10(m), np.log10(np.maximum(d, 1.0))
    # Eq. (17)
    return (
        0.9 * log_m[:, None]
        + 0.8 * log_m
        - 2.2 * np.log10(d + 5)
        + 0.25 * (wealth - wealth[:, None])
        + 0.2 * 5 * unemployment[:, None]
        - 0.8 * (d > 120) * (log_d - 2.08)
    )


def _draw_flows(law: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    log_flow = law + rng.normal(0, 0.25, law.shape)
    flows = np.where(log_flow >= 0, np.round(10**log_flow), 0.0)
    np.fill_diagonal(flows, 0.0)
    return flows
