"""Where the map misleads: nearest facility in a straight line against nearest along streets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from mixbook.core.validation import check_choice, check_integer
from mixbook.networks.regenn._checks import as_positions
from mixbook.networks.regenn._kernels import move_scores
from mixbook.networks.regenn.streets import haversine

__all__ = [
    "DIRECTIONS",
    "Relocation",
    "inconsistency_groups",
    "inconsistent_nodes",
    "network_distances",
    "relocate_facilities",
    "straight_distances",
    "street_graph",
]

DIRECTIONS = ("to", "from", "both")
TIE = 1e-6  # metres within which two distances count as equal


def street_graph(edges: pd.DataFrame) -> nx.Graph:
    """The undirected primal graph of a table with columns source, target and length (metres)."""
    if missing := {"source", "target", "length"} - set(getattr(edges, "columns", ())):
        raise ValueError(f"edges must have the column(s) {', '.join(sorted(missing))}")
    return nx.from_pandas_edgelist(edges, edge_attr="length")


def network_distances(G: nx.Graph, sources: Iterable[Any], direction: str = "to") -> np.ndarray:
    """Length of the shortest path between each of the sources and every node.

    Parameters
    ----------
    G : networkx.Graph or DiGraph
        Edges carry a positive ``length``.
    sources : iterable of nodes
    direction : {"to", "from", "both"}
        From every node *to* the source, *from* it, or there and back, halved.

    Returns
    -------
    float array of shape (len(sources), n)
        Columns follow ``list(G)``; infinite where there is no path.
    """
    check_choice(direction, "direction", DIRECTIONS)
    nodes = _nodes_of(G)
    rows = _indices(nodes, sources, "sources")
    return _along(_lengths(G, nodes), rows, direction)


def _along(W: sparse.csr_array, rows: np.ndarray, direction: str) -> np.ndarray:
    if direction == "both":
        return (_along(W, rows, "to") + _along(W, rows, "from")) / 2
    return np.atleast_2d(dijkstra(W.T.tocsr() if direction == "to" else W, indices=rows))


def straight_distances(a: Any, b: Any, metric: str = "haversine") -> Float[np.ndarray, "p q"]:
    """Straight-line distances between two sets of points.

    Parameters
    ----------
    a, b : float arrays of shape (p, 2) and (q, 2)
    metric : {"haversine", "euclidean"}
        Latitudes and longitudes in degrees, or plane coordinates.
    """
    check_choice(metric, "metric", ("haversine", "euclidean"))
    a, b = np.asarray(a, float), np.asarray(b, float)
    if metric == "haversine":
        return np.asarray(haversine(a[:, None], b[None]))
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def inconsistent_nodes(
    G: nx.Graph,
    pos: Any,
    facilities: Iterable[Any],
    direction: str = "to",
    *,
    metric: str = "haversine",
) -> pd.DataFrame:
    """Nodes whose nearest facility on the map is not the nearest one along the streets.

    Parameters
    ----------
    G : networkx.Graph or DiGraph
        Edges carry a positive ``length``.
    pos : dict or array of shape (n, 2)
        Coordinates of the nodes; an array is indexed by node number.
    facilities : iterable of nodes
        At least one, all different.
    direction : {"to", "from", "both"}
        Which way people travel, see :func:`network_distances`.
    metric : {"haversine", "euclidean"}

    Returns
    -------
    pandas.DataFrame
        Index: nodes in the order of ``list(G)``. Columns: ``straight`` and ``network``, the nearest
        facility either way (the first of equals; None for ``network`` where none is reached),
        ``straight_distance``, ``network_distance``, ``detour`` (ratio of the path to, and the
        straight line to, the facility that is nearest along the streets; 1 at the facility),
        ``inconsistent`` (no facility is nearest in both senses; ties do not count as
        inconsistent, nor do nodes that reach no facility) and ``reached``.
    """
    nodes = _nodes_of(G)
    chosen = list(facilities)
    rows = _facility_rows(nodes, chosen)
    xy = as_positions(pos, nodes)
    network = network_distances(G, chosen, direction)
    straight = straight_distances(xy[rows], xy, metric)
    reached = np.isfinite(network).any(axis=0)
    # Eq. (15): e(v) and n(v)
    e, n = straight.argmin(axis=0), network.argmin(axis=0)
    column = np.arange(len(nodes))
    path, line = network[n, column], straight[n, column]
    # Eq. (16)
    detour = np.divide(path, line, out=np.ones_like(path), where=line > 0)
    names = np.empty(len(chosen), dtype=object)
    names[:] = chosen
    return pd.DataFrame(
        {
            "straight": names[e],
            "network": np.where(reached, names[n], None),
            "straight_distance": straight.min(axis=0),
            "network_distance": path,
            "detour": detour,
            "inconsistent": reached & ~_agree(straight, network),
            "reached": reached,
        },
        index=pd.Index(nodes, name="node", tupleize_cols=False),
    )


def _agree(straight: np.ndarray, network: np.ndarray) -> np.ndarray:
    """Whether some facility (row) is nearest in both senses, up to ties."""
    with np.errstate(invalid="ignore"):
        near = straight <= straight.min(axis=0) + TIE
        return (near & (network <= network.min(axis=0) + TIE) & np.isfinite(network)).any(axis=0)


def inconsistency_groups(G: nx.Graph, table: pd.DataFrame) -> list[set[Any]]:
    """Connected groups of inconsistent nodes, largest first.

    Parameters
    ----------
    G : networkx.Graph or DiGraph
    table : pandas.DataFrame
        From :func:`inconsistent_nodes`.
    """
    part = nx.Graph(G.subgraph(table.index[table.inconsistent]))
    return sorted(map(set, nx.connected_components(part)), key=len, reverse=True)


@dataclass(frozen=True)
class Relocation:
    """What a greedy relocation did.

    Attributes
    ----------
    facilities : tuple
        Where they stand in the end, in the order given.
    inconsistent : tuple of int
        Number of inconsistent nodes before the first and after each move.
    access : tuple of float
        Mean distance to the nearest facility, over the nodes that reach one, at the same moments.
    moves : tuple of (old, new)
    """

    facilities: tuple[Any, ...]
    inconsistent: tuple[int, ...]
    access: tuple[float, ...]
    moves: tuple[tuple[Any, Any], ...]


def relocate_facilities(
    G: nx.Graph,
    pos: Any,
    facilities: Iterable[Any],
    candidates: Iterable[Any] | None = None,
    *,
    direction: str = "to",
    keep_access: bool = True,
    max_moves: int = 100,
    min_gain: int = 1,
    metric: str = "haversine",
    distances: tuple[np.ndarray, np.ndarray] | None = None,
) -> Relocation:
    """Move one facility at a time so that as few nodes as possible are inconsistent.

    Each move is the best one among all pairs of a facility and a free candidate (of equally good
    ones, that with the shortest mean distance). Fewer inconsistent nodes are no merit in itself:
    facilities that stand together, or that nobody can reach, have none. With ``keep_access`` a move
    is therefore allowed only if every node that reached a facility at the start still does, and the
    mean distance to the nearest one, over those nodes, is not longer than at the start.

    Parameters
    ----------
    G, pos, facilities, direction, metric
        As for :func:`inconsistent_nodes`.
    candidates : iterable of nodes, optional
        Where facilities may go; default every node. Distances are kept for all of them, so memory
        is len(candidates) times n.
    keep_access : bool
    max_moves : int
    min_gain : int
        Stop when no allowed move saves so many inconsistent nodes, at least 1.
    distances : (array, array), optional
        Network and straight-line distances between all nodes, each (n, n) in the order of
        ``list(G)``, from :func:`network_distances` and :func:`straight_distances`; saves most of
        the time when many sets of facilities are moved on one map. Rows are facilities.

    Returns
    -------
    Relocation
    """
    nodes, chosen = _nodes_of(G), list(facilities)
    _facility_rows(nodes, chosen)
    max_moves = check_integer(max_moves, "max_moves", low=0)
    min_gain = check_integer(min_gain, "min_gain", low=1)
    pool = nodes if candidates is None else list(dict.fromkeys([*chosen, *candidates]))
    rows = _indices(nodes, pool, "candidates")
    if distances is None:
        xy = as_positions(pos, nodes)
        network = network_distances(G, pool, direction)
        straight = straight_distances(xy[rows], xy, metric)
    else:
        network, straight = (_square(d, len(nodes))[rows] for d in distances)
    search = _Search(network, straight, keep_access)
    at = _indices(pool, chosen, "facilities").tolist()
    inconsistent, access, moves = search.run(at, max_moves, min_gain)
    return Relocation(
        tuple(pool[c] for c in search.at),
        tuple(inconsistent),
        tuple(access),
        tuple((pool[a], pool[b]) for a, b in moves),
    )


class _Search:
    """Greedy moves; facilities are the rows ``at`` of two tables of distances."""

    def __init__(self, network: np.ndarray, straight: np.ndarray, keep_access: bool) -> None:
        self.network, self.straight, self.keep_access = network, straight, keep_access
        self.at: list[int] = []

    def run(
        self, at: list[int], max_moves: int, min_gain: int
    ) -> tuple[list[int], list[float], list[tuple[int, int]]]:
        self.at, k = list(at), len(at)
        self.must_reach = np.isfinite(self.network[self.at]).any(axis=0)
        now, mean = self._state()
        inconsistent, access = [now], [mean]
        moves: list[tuple[int, int]] = []
        while len(moves) < max_moves and now:
            scores = [self._scores(slot, access[0]) for slot in range(k)]
            best = [np.lexsort((mean, count))[0] for count, mean in scores]
            slot = min(range(k), key=lambda s: (scores[s][0][best[s]], scores[s][1][best[s]]))
            if now - scores[slot][0][best[slot]] < min_gain:
                break
            moves.append((self.at[slot], int(best[slot])))
            self.at[slot] = int(best[slot])
            now, mean = self._state()
            inconsistent.append(now)
            access.append(mean)
        return inconsistent, access, moves

    def _state(self) -> tuple[int, float]:
        network, straight = self.network[self.at], self.straight[self.at]
        reached = np.isfinite(network).any(axis=0)
        count = int((reached & ~_agree(straight, network)).sum())
        nearest = network.min(axis=0)[reached]
        return count, float(nearest.mean()) if reached.any() else np.inf

    def _scores(self, slot: int, limit: float) -> tuple[np.ndarray, np.ndarray]:
        """Inconsistent nodes and mean distance if the slot's facility stood at each candidate."""
        others = np.array([c for s, c in enumerate(self.at) if s != slot], dtype=np.int64)
        count, mean, lost = move_scores(
            self.network, self.straight, others, self.must_reach, self.keep_access, TIE
        )
        count[self.at] = np.inf
        if self.keep_access:
            count[lost | (mean > limit * (1 + 1e-12))] = np.inf
        return count, mean


def _nodes_of(G: Any) -> list[Any]:
    if not isinstance(G, nx.Graph) or G.is_multigraph():
        raise TypeError(f"G must be a networkx Graph or DiGraph, got {type(G).__name__}")
    if not len(G):
        raise ValueError("G must have at least one node, got none")
    return list(G)


def _lengths(G: nx.Graph, nodes: list[Any]) -> sparse.csr_array:
    for u, v, length in G.edges(data="length"):
        if length is None:
            raise ValueError(f"edges of G must carry a length, but ({u!r}, {v!r}) has none")
        if not 0 < length < np.inf:
            raise ValueError(f"lengths of edges of G must be positive and finite, got {length!r}")
    return nx.to_scipy_sparse_array(G, nodelist=nodes, weight="length", dtype=float, format="csr")


def _indices(nodes: list[Any], wanted: Iterable[Any], name: str) -> np.ndarray:
    index = {v: i for i, v in enumerate(nodes)}
    wanted = list(wanted)
    if unknown := [v for v in wanted if v not in index]:
        raise ValueError(f"{name} must be nodes of G, but {unknown[0]!r} is none")
    if not wanted:
        raise ValueError(f"{name} must hold at least one node, got none")
    return np.array([index[v] for v in wanted])


def _square(distances: Any, n: int) -> np.ndarray:
    array = np.ascontiguousarray(distances, dtype=float)
    if array.shape != (n, n) or np.isnan(array).any() or array.min() < 0:
        raise ValueError(
            f"distances must hold two arrays ({n}, {n}) >= 0 without NaN, got one of {array.shape}"
        )
    return array


def _facility_rows(nodes: list[Any], facilities: list[Any]) -> np.ndarray:
    rows = _indices(nodes, facilities, "facilities")
    if len(set(rows)) < len(rows):
        raise ValueError("facilities must stand at different nodes, got one twice")
    return rows
