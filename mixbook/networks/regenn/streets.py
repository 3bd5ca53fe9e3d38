"""From a map to its dual graph: continuous streets as nodes, shared intersections as links."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from mixbook.core.validation import check_number
from mixbook.networks.regenn._checks import as_positions, as_reals

__all__ = ["EARTH_RADIUS", "DualGraph", "Street", "continuity_angle", "dual_graph", "haversine"]

EARTH_RADIUS = 6_371_009.0
COLUMNS = ("source", "target", "length", "road_class")
Point = tuple[float, float]


def haversine(p: Any, q: Any) -> Any:
    """Great-circle distance in metres between points given as latitude and longitude in degrees.

    Parameters
    ----------
    p, q : array-like of shape (..., 2)
        Broadcast against each other.

    Returns
    -------
    float, or array of the broadcast shape without its last axis

    Raises
    ------
    ValueError
        If the last axis is not a latitude within [-90, 90] and a longitude.
    """
    p, q = _as_points(p, "p"), _as_points(q, "q")
    (lat1, lon1), (lat2, lon2) = (np.moveaxis(np.radians(x), -1, 0) for x in (p, q))
    # Eq. (13)
    a = np.sin((lat2 - lat1) / 2) ** 2
    a = a + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    distance = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(a, 1)))
    return float(distance) if distance.ndim == 0 else distance


def _as_points(p: Any, name: str) -> np.ndarray:
    array = as_reals(p, name)
    if array.ndim == 0 or array.shape[-1] != 2:
        raise ValueError(f"{name} must end in an axis of 2 coordinates, got shape {array.shape}")
    if not np.isfinite(array).all() or (np.abs(array[..., 0]) > 90).any():
        raise ValueError(f"{name} must hold finite latitudes within [-90, 90] and longitudes")
    return array


def _metres(p: Point, q: Point) -> float:
    """Eq. (13) for one pair, in plain floats: ten times faster than arrays of length one."""
    (lat1, lon1), (lat2, lon2) = p, q
    lat1, lat2 = math.radians(lat1), math.radians(lat2)
    east = math.sin(math.radians(lon2 - lon1) / 2)
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * east**2
    return round(2 * EARTH_RADIUS * math.asin(math.sqrt(min(a, 1.0))), 2)


def continuity_angle(a: Any, b: Any, c: Any) -> float:
    """Angle at b between the segments to a and to c, in degrees; 180 is straight on.

    By the law of cosines on great-circle lengths rounded to a centimetre, as in the authors'
    program; 0 where b coincides with a or c.

    Parameters
    ----------
    a, b, c : (latitude, longitude) in degrees
    """
    points = [tuple(_as_points(p, name).tolist()) for p, name in ((a, "a"), (b, "b"), (c, "c"))]
    return _angle(*points)


def _angle(a: Point, b: Point, c: Point) -> float:
    ab, bc, ac = _metres(a, b), _metres(b, c), _metres(a, c)
    if ab * bc == 0:
        return 0.0
    # Eq. (14)
    cosine = (ab**2 + bc**2 - ac**2) / (2 * ab * bc)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@dataclass(frozen=True)
class Street:
    """One continuous street, a node of the dual graph.

    Attributes
    ----------
    nodes : tuple
        Intersections in the order in which one drives through them; a closed street repeats one.
    segments : tuple of int
        Rows of the table of edges, in the same order.
    length : float
        Metres.
    road_class : object
        Class of its segments; None where classes were ignored.
    """

    nodes: tuple[Any, ...]
    segments: tuple[int, ...]
    length: float
    road_class: Any


@dataclass(frozen=True)
class DualGraph:
    """Streets, and which of them meet.

    Attributes
    ----------
    streets : tuple of Street
    graph : networkx.Graph
        Nodes are the indices of streets; a link joins two streets that share an intersection.
    """

    streets: tuple[Street, ...]
    graph: nx.Graph

    @property
    def street_of_segment(self) -> np.ndarray:
        """Index of the street of each segment."""
        owner = {s: k for k, street in enumerate(self.streets) for s in street.segments}
        return np.array([owner[s] for s in range(len(owner))])


def dual_graph(
    nodes: Any, edges: Any, min_angle: float = 120.0, by_class: bool = True
) -> DualGraph:
    """Intersection continuity negotiation, plain (ICN) or with road classes (HICN).

    Each segment that is not used yet, in the order of the table, starts a street. In each round
    the unused segments at both ends are listed; those that lead to the street's other end, or are
    of another class, are no candidates. Then the source end, and after it the target end, takes
    the candidate with the largest continuity angle, Eq. (14), if that is ``>= min_angle``. A street
    is done when neither end grows. The work is linear in the number of segments.

    Parameters
    ----------
    nodes : array of shape (n, 2) or dict
        Latitude and longitude of each intersection.
    edges : data frame or sequence
        Columns or entries source, target, length (metres) and road_class (the last one may be left
        out if ``by_class`` is False). Segments of zero extent must not occur. Of parallel segments
        only the last can be grown into, as in the authors' program.
    min_angle : float
        Within (0, 180].
    by_class : bool
        True for HICN.

    Returns
    -------
    DualGraph

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    """
    check_number(min_angle, "min_angle", low=0, low_open=True, high=180)
    table = _edge_table(edges, by_class)
    ends = list(dict.fromkeys([*table.source, *table.target]))
    place = {v: tuple(p) for v, p in zip(ends, as_positions(nodes, ends, "nodes").tolist())}
    grower = _Grower(table, place, min_angle, by_class)
    streets = tuple(grower.grow(start) for start in range(len(table)) if start not in grower.used)
    return DualGraph(streets, _meetings(streets))


def _edge_table(edges: Any, by_class: bool) -> pd.DataFrame:
    if not isinstance(edges, pd.DataFrame):
        edges = pd.DataFrame([tuple(row) for row in edges])
        edges.columns = list(COLUMNS[: edges.shape[1]])
    wanted = COLUMNS if by_class else COLUMNS[:3]
    if missing := [c for c in wanted if c not in edges.columns]:
        raise ValueError(
            f"edges must have the columns {', '.join(wanted)}, {missing[0]} is missing"
        )
    if edges.empty:
        raise ValueError("edges must hold at least one segment, got none")
    lengths = as_reals(edges.length.to_numpy(), "edges.length")
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError("edges.length must be positive and finite")
    loops = edges.source == edges.target
    if loops.any():
        raise ValueError(
            f"edges must join different nodes, got a loop at {edges.source[loops].iloc[0]}"
        )
    return edges.reset_index(drop=True)


class _Grower:
    """Grows one street after the other over segments that no street has used."""

    def __init__(
        self, table: pd.DataFrame, place: dict[Any, Point], min_angle: float, by_class: bool
    ) -> None:
        self.place, self.min_angle = place, min_angle
        self.ends = list(zip(table.source.tolist(), table.target.tolist()))
        self.length = table.length.tolist()
        self.road_class = table.road_class.tolist() if by_class else [None] * len(table)
        self.used: set[int] = set()
        self.at: dict[Any, dict[Any, int]] = {}
        for segment, (u, v) in enumerate(self.ends):
            self.at.setdefault(u, {})[v] = segment
            self.at.setdefault(v, {})[u] = segment

    def grow(self, start: int) -> Street:
        self.used.add(start)
        nodes, segments = list(self.ends[start]), [start]
        grew = True
        while grew:
            source, target, inner = nodes[0], nodes[-1], nodes[-2]
            before = self._candidates(source, target, start)
            after = self._candidates(target, source, start)
            first = self._straightest(before, source, nodes[1])
            if first is not None:
                self._take(self.at[source][first], segments, 0)
                nodes.insert(0, first)
            after = [v for v in after if self.at[target][v] not in self.used]
            last = self._straightest(after, target, inner)
            if last is not None:
                self._take(self.at[target][last], segments, len(segments))
                nodes.append(last)
            grew = first is not None or last is not None
        length = sum(self.length[s] for s in segments)
        return Street(tuple(nodes), tuple(segments), length, self.road_class[start])

    def _candidates(self, end: Any, other_end: Any, start: int) -> list[Any]:
        return [
            v
            for v, segment in self.at[end].items()
            if v != other_end
            and segment not in self.used
            and self.road_class[segment] == self.road_class[start]
        ]

    def _straightest(self, candidates: list[Any], end: Any, inner: Any) -> Any:
        if not candidates:
            return None
        angles = [_angle(self.place[v], self.place[end], self.place[inner]) for v in candidates]
        best = max(range(len(angles)), key=angles.__getitem__)
        return candidates[best] if angles[best] >= self.min_angle else None

    def _take(self, segment: int, segments: list[int], where: int) -> None:
        self.used.add(segment)
        segments.insert(where, segment)


def _meetings(streets: Iterable[Street]) -> nx.Graph:
    """Links between streets with a common intersection, by way of the streets at each one."""
    through: dict[Any, list[int]] = {}
    graph = nx.Graph()
    for k, street in enumerate(streets):
        graph.add_node(k)
        for node in set(street.nodes):
            through.setdefault(node, []).append(k)
    for meeting in through.values():
        graph.add_edges_from(combinations(meeting, 2))
    return graph
