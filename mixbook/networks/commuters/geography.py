"""Distances, areas, and who lives in between."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.networks.commuters._checks import as_array, check_square

__all__ = [
    "EARTH_RADIUS",
    "haversine_matrix",
    "intervening_population",
    "polygon_centroid_area",
    "travel_rank",
]

EARTH_RADIUS = 6371.0088  # km, mean radius of the Earth
BLOCK = 1 << 22  # entries of the distance matrix that are sorted at a time


def haversine_matrix(lonlat: Any) -> Float[np.ndarray, "n n"]:
    """Great-circle distances between all points, in km.

    .. math:: d = 2R \\arcsin \\sqrt{\\sin^2 \\tfrac{\\Delta\\phi}{2}
              + \\cos\\phi_i \\cos\\phi_j \\sin^2 \\tfrac{\\Delta\\lambda}{2}}

    with longitude lambda, latitude phi and R = 6371.0088 km.

    Parameters
    ----------
    lonlat : array-like of shape (n, 2)
        Degrees of longitude and latitude.

    Raises
    ------
    ValueError
        If the shape is wrong, an entry is not finite, or a latitude is beyond the poles.
    """
    points = as_array(lonlat, "lonlat", ndim=2)
    if points.shape[1] != 2:
        raise ValueError(f"lonlat must have 2 columns, got shape {points.shape}")
    if np.abs(points[:, 1]).max() > 90:
        raise ValueError("lonlat must hold latitudes from -90 to 90 degrees in its second column")
    lon, lat = np.radians(points.astype(np.float64)).T
    across = np.sin((lat[:, None] - lat) / 2) ** 2
    along = np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    # Eq. (2)
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(across + along, 0, 1)))


def polygon_centroid_area(geometry: dict[str, Any]) -> tuple[float, float, float]:
    """Centroid (of the largest ring) and area (of all rings, less holes) of a GeoJSON geometry.

    The shoelace formula in Lambert's equal-area cylindrical projection x = R lambda cos(phi_0),
    y = R sin(phi) / cos(phi_0), where phi_0 is the middle latitude: areas are those on the sphere.

    Parameters
    ----------
    geometry : dict
        GeoJSON "Polygon" or "MultiPolygon" in degrees.

    Returns
    -------
    longitude, latitude : float
        Degrees.
    area : float
        Square kilometres.

    Raises
    ------
    ValueError
        If the geometry is of another type, or a ring has fewer than four points.
    """
    rings = _rings(geometry)
    middle = np.radians(np.mean([ring[:, 1].mean() for ring, _ in rings]))
    sides = [_shoelace(_project(ring, middle)) for ring, _ in rings]
    area = sum(-abs(a) if hole else abs(a) for (a, _, _), (_, hole) in zip(sides, rings))
    _, x, y = max(sides, key=lambda side: abs(side[0]))
    latitude = np.arcsin(y * np.cos(middle) / EARTH_RADIUS)
    longitude = x / (EARTH_RADIUS * np.cos(middle))
    return float(np.degrees(longitude)), float(np.degrees(latitude)), float(area)


def _rings(geometry: dict[str, Any]) -> list[tuple[np.ndarray, bool]]:
    """All rings with a flag: is it a hole?"""
    kind = geometry.get("type") if isinstance(geometry, dict) else type(geometry).__name__
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"geometry must be a GeoJSON Polygon or MultiPolygon, got {kind!r}")
    parts = geometry["coordinates"]
    polygons = [parts] if kind == "Polygon" else parts
    rings = [(np.asarray(r, float)[:, :2], k > 0) for part in polygons for k, r in enumerate(part)]
    if not rings or min(len(ring) for ring, _ in rings) < 4:
        raise ValueError("geometry must have rings of at least four points, the last one the first")
    return rings


def _project(ring: np.ndarray, middle: float) -> np.ndarray:
    lon, lat = np.radians(ring).T
    return EARTH_RADIUS * np.stack([lon * np.cos(middle), np.sin(lat) / np.cos(middle)], axis=1)


def _shoelace(ring: np.ndarray) -> tuple[float, float, float]:
    """Signed area and centroid of a closed ring in the plane."""
    corner = ring[0]
    x, y = (ring - corner).T  # near the origin the sums lose no digits
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    # Eq. (3)
    area = cross.sum() / 2
    if area == 0:
        raise ValueError("geometry must have rings that enclose an area, got a flat one")
    centre = [((v[:-1] + v[1:]) @ cross) / (6 * area) for v in (x, y)]
    return float(area), float(centre[0] + corner[0]), float(centre[1] + corner[1])


def travel_rank(distance: Any) -> Int[np.ndarray, "n n"]:
    """Rank of j among the others seen from i: 1 is the nearest; equal distances share the lowest.

    Parameters
    ----------
    distance : array-like of shape (n, n)
        Row i holds the distances from i; the diagonal is ignored, its rank is 0.
    """
    d = check_square(distance, "distance").copy()
    np.fill_diagonal(d, -1)
    order = np.argsort(d, axis=1, kind="stable")
    ordered = np.take_along_axis(d, order, axis=1)
    start = np.diff(ordered, axis=1, prepend=-2) != 0
    place = np.maximum.accumulate(np.where(start, np.arange(d.shape[1]), 0), axis=1)
    rank = np.empty(d.shape, dtype=np.int64)
    np.put_along_axis(rank, order, place, axis=1)
    return rank


def intervening_population(population: Any, distance: Any) -> Float[np.ndarray, "n n"]:
    """People who live at most as far from i as j does, without those of i and j.

    .. math:: s_{ij} = \\sum_{k \\ne i, j} m_k \\, [d_{ik} \\le d_{ij}]

    Each row is sorted once and its populations are summed up in that order, O(n² log n) in time;
    rows are taken in blocks, so that the working memory stays small.

    Parameters
    ----------
    population : array-like of shape (n,)
        At least 0.
    distance : array-like of shape (n, n)
        Row i holds the distances from i. Only exact ties count as ties.

    Returns
    -------
    float array of shape (n, n)
        Zero on the diagonal.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is negative or not finite.
    """
    m = as_array(population, "population", ndim=1, low=0.0)
    d = check_square(distance, "distance", len(m)).copy()
    np.fill_diagonal(d, 0)
    within = np.empty(d.shape)
    step = max(1, BLOCK // len(m))
    for start in range(0, len(m), step):
        within[start : start + step] = _population_within(m, d[start : start + step])
    # Eq. (8)
    between = np.maximum(within - m[:, None] - m, 0)
    np.fill_diagonal(between, 0)
    return between


def _population_within(m: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Sum of m over all k with d_ik <= d_ij."""
    order = np.argsort(d, axis=1, kind="stable")
    ordered = np.take_along_axis(d, order, axis=1)
    total = np.cumsum(m[order], axis=1)
    last = np.append(ordered[:, 1:] != ordered[:, :-1], np.ones((len(d), 1), bool), axis=1)
    # a run of ties takes the total at its end, which is the next end to the right
    end = np.where(last, np.arange(d.shape[1]), d.shape[1])
    end = np.minimum.accumulate(end[:, ::-1], axis=1)[:, ::-1]
    within = np.empty(d.shape)
    np.put_along_axis(within, order, np.take_along_axis(total, end, axis=1), axis=1)
    return within
