"""Paths between concepts: shortest, guided by embeddings, randomised, and depth-first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from typing import Any

import numpy as np

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.graph_reasoning._networkx import as_graph, check_node, nx
from mixbook.networks.graph_reasoning.embedding import NodeEmbedder, distances_to

__all__ = [
    "COSTS",
    "PathResult",
    "find_concept",
    "heuristic_path",
    "n_simple_paths",
    "random_walk",
    "randomized_waypoint_path",
    "short_title",
    "shortest_concept_path",
    "triangles",
]

COSTS = ("weight", "inverse", "unit")
Embedding = NodeEmbedder | dict[Any, Any]


@dataclass(frozen=True)
class PathResult:
    """A path and what lies around it.

    Attributes
    ----------
    graph : networkx.Graph
    path : list of nodes
    hops : int
        How far the subgraph reaches beyond the path.
    """

    graph: nx.Graph
    path: list[Any]
    hops: int = 0

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.path) - 1

    @property
    def elements(self) -> list[str]:
        """Node, title of the edge, node, title, ..., node."""
        titles = [self.graph.edges[u, v].get("title", "") for u, v in pairwise(self.path)]
        both = [x for node, title in zip(self.path, titles) for x in (str(node), title)]
        return [*both, str(self.path[-1])]

    @property
    def text(self) -> str:
        """The elements in one line."""
        return " --> ".join(self.elements)

    @property
    def summary(self) -> str:
        """The text with each kind of relation once: ``Next_Operation (3)``."""
        parts = [x if k % 2 == 0 else short_title(x) for k, x in enumerate(self.elements)]
        return " --> ".join(parts)

    @cached_property
    def subgraph(self) -> nx.Graph:
        """The graph on the path's nodes and those within ``hops`` steps of them."""
        nodes = front = set(self.path)
        for _ in range(self.hops):
            front = {v for u in front for v in self.graph[u]} - nodes
            nodes = nodes | front
        return self.graph.subgraph(nodes).copy()


def short_title(title: str) -> str:
    """Each relation of a title once, the most frequent first, with its count if above 1."""
    counts = Counter(title.split(","))
    return ", ".join(f"{x} ({n})" if n > 1 else x for x, n in counts.most_common())


def find_concept(G: nx.Graph, keyword: str, emb: NodeEmbedder | None = None, rank: int = 0) -> str:
    """The node that a keyword means: itself if it is one, else the one with the nearest name.

    Parameters
    ----------
    G : networkx.Graph
    keyword : str
    emb : NodeEmbedder, optional
        Needed for keywords that are no nodes, and for ranks above 0.
    rank : int
        Take the node of this rank, from 0: another start gives another path.

    Raises
    ------
    ValueError
        If there is no such node, or no embedder to look it up.
    """
    check_integer(rank, "rank", low=0)
    if rank == 0 and keyword in as_graph(G, "G"):
        return keyword
    if emb is None:
        raise ValueError(f"{keyword!r} is no node of the graph; give emb to look up the nearest")
    ranked = [name for name, _ in emb.nearest(keyword, len(emb.names_)) if name in G]
    if rank >= len(ranked):
        raise ValueError(f"rank must be < {len(ranked)}, got {rank}")
    return ranked[rank]


def shortest_concept_path(
    G: nx.Graph,
    source: str,
    target: str,
    emb: NodeEmbedder | None = None,
    *,
    ranks: tuple[int, int] = (0, 0),
    hops: int = 1,
) -> PathResult | None:
    """The path of fewest steps between the nodes that two keywords mean.

    Parameters
    ----------
    G : networkx.Graph
    source, target : str
        Nodes or, with ``emb``, any keywords.
    emb : NodeEmbedder, optional
    ranks : (int, int)
        See :func:`find_concept`.
    hops : int
        Steps around the path that its subgraph takes in.

    Returns
    -------
    PathResult or None
        None where there is no path.
    """
    check_integer(hops, "hops", low=0)
    ends = [find_concept(G, word, emb, rank) for word, rank in zip((source, target), ranks)]
    return PathResult(G, nx.shortest_path(G, *ends), hops) if nx.has_path(G, *ends) else None


def heuristic_path(
    G: nx.Graph,
    source: Any,
    target: Any,
    emb: Embedding | None,
    top_k: int = 3,
    *,
    hops: int = 0,
    random_state: int | np.random.Generator | None = None,
) -> PathResult | None:
    """Walk towards a target by its embedding, never to the same node twice.

    From the current node, the unvisited neighbours are ranked by the distance of their embeddings
    to the target's; one of the best ``top_k`` is drawn. At a dead end the walk steps back.

    Parameters
    ----------
    G : networkx.Graph
    source, target : nodes
    emb : NodeEmbedder, dict of node to vector, or None
        None ranks nothing and draws from all unvisited neighbours: the same search without a guide.
    top_k : int
        1 is greedy.
    hops : int
    random_state : int, Generator or None

    Returns
    -------
    PathResult or None
        None where the target cannot be reached. Within one component the search always succeeds,
        since it is a depth-first search; what the embedding changes is how soon.
    """
    for node, name in ((source, "source"), (target, "target")):
        check_node(as_graph(G, "G"), node, name)
    check_integer(top_k, "top_k", low=1)
    rng, pick = as_rng(random_state), _ranking(G, target, emb, top_k)
    around = dict(G.adjacency())
    path, visited = [source], {source}
    while path and path[-1] != target:
        fresh = [node for node in around[path[-1]] if node not in visited]
        if not fresh:
            path.pop()
            continue
        best = pick(fresh)
        path.append(best[int(rng.integers(len(best)))])
        visited.add(path[-1])
    return PathResult(G, path, hops) if path else None


def _ranking(
    G: nx.Graph, target: Any, emb: Embedding | None, top_k: int
) -> Callable[[list[Any]], list[Any]]:
    """Which of some nodes are drawn from."""
    if emb is None:
        return lambda nodes: nodes
    away = dict(zip(G, distances_to(emb, list(G), target)))
    # Eq. (20)
    return lambda nodes: sorted(nodes, key=away.__getitem__)[:top_k]


def random_walk(
    G: nx.Graph,
    source: Any,
    target: Any,
    max_steps: int = 1_000_000,
    random_state: int | np.random.Generator | None = None,
) -> PathResult | None:
    """Step to a uniformly random neighbour until the target comes; None after ``max_steps``."""
    for node, name in ((source, "source"), (target, "target")):
        check_node(as_graph(G, "G"), node, name)
    check_integer(max_steps, "max_steps", low=1)
    rng, path, here = as_rng(random_state), [source], source
    around: dict[Any, list[Any]] = {}
    draws: list[float] = []
    while here != target and len(path) <= max_steps:
        if not draws:
            draws = rng.random(4096).tolist()
        if here not in around:
            around[here] = list(G[here])
        if not around[here]:
            return None
        here = around[here][int(draws.pop() * len(around[here]))]
        path.append(here)
    return PathResult(G, path) if here == target else None


def randomized_waypoint_path(
    G: nx.Graph,
    source: Any,
    target: Any,
    randomness: float = 0.5,
    n_waypoints: int = 3,
    cost: str = "inverse",
    *,
    hops: int = 0,
    random_state: int | np.random.Generator | None = None,
) -> PathResult | None:
    """A detour: shortest legs over random neighbours of a randomised shortest path.

    The lengths of edges get ``randomness`` times a uniform number on top, drawn anew for each look
    at an edge. Of the resulting path only the neighbours are used, as in the authors' code: random
    ones become waypoints, visited in random order. Nodes may repeat.

    Parameters
    ----------
    G : networkx.Graph
    source, target : nodes
    randomness : float
        0 is Dijkstra's shortest path.
    n_waypoints : int
        0 returns the randomised path itself.
    cost : {"inverse", "weight", "unit"}
        Length of an edge: 1 / weight, so that well-supported relations are short; the weight, as in
        the authors' code, where they are long; or 1.
    hops : int
    random_state : int, Generator or None

    Returns
    -------
    PathResult or None
        None where there is no path.
    """
    for node, name in ((source, "source"), (target, "target")):
        check_node(as_graph(G, "G"), node, name)
    check_number(randomness, "randomness", low=0)
    check_integer(n_waypoints, "n_waypoints", low=0)
    check_choice(cost, "cost", COSTS)
    rng = as_rng(random_state)
    path = _dijkstra(G, source, target, cost, randomness, rng)
    if path is None or n_waypoints == 0:
        return None if path is None else PathResult(G, path, hops)
    beside = sorted({v for u in path for v in G[u]} - set(path), key=str)
    stops = [beside[k] for k in rng.permutation(len(beside))[:n_waypoints]]
    tour = [source]
    for stop in [*stops, target]:
        leg = _dijkstra(G, tour[-1], stop, cost, 0.0, rng)
        assert leg is not None  # waypoints are joined to the path
        tour += leg[1:]
    return PathResult(G, tour, hops)


def _dijkstra(
    G: nx.Graph, source: Any, target: Any, cost: str, randomness: float, rng: np.random.Generator
) -> list[Any] | None:
    """Shortest path under lengths with noise; of equally short ones, a random one."""
    around: dict[Any, dict] = dict(G.adjacency())
    came_from: dict[Any, Any] = {}
    queue: list[tuple[float, float, int, Any, Any]] = [(0.0, 0.0, 0, source, None)]
    pushed = 0
    while queue:
        length, _, _, node, before = heapq.heappop(queue)
        if node in came_from:
            continue
        came_from[node] = before
        if node == target:
            return _trace(came_from, target)
        fresh = [(v, edge) for v, edge in around[node].items() if v not in came_from]
        noise = rng.random((len(fresh), 2)).tolist()
        for (v, edge), (extra, tie) in zip(fresh, noise):
            pushed += 1
            # Eq. (21)
            total = length + _edge_cost(edge, cost) + randomness * extra
            heapq.heappush(queue, (total, tie, pushed, v, node))
    return None


def _edge_cost(edge: dict[str, Any], cost: str) -> float:
    if cost == "unit":
        return 1.0
    weight = float(edge.get("weight", 1.0))
    return weight if cost == "weight" else 1.0 / weight


def _trace(came_from: dict[Any, Any], node: Any) -> list[Any]:
    path = [node]
    while came_from[path[-1]] is not None:
        path.append(came_from[path[-1]])
    return path[::-1]


def n_simple_paths(
    G: nx.Graph, source: Any, target: Any, n: int = 5, cutoff: int | None = None, *, hops: int = 0
) -> list[PathResult]:
    """The first ``n`` paths without repeated nodes, in depth-first order.

    Parameters
    ----------
    G : networkx.Graph
    source, target : nodes
    n : int
    cutoff : int, optional
        Most steps. Without it, first paths wander through much of the graph.
    hops : int
    """
    for node, name in ((source, "source"), (target, "target")):
        check_node(as_graph(G, "G"), node, name)
    check_integer(n, "n", low=1)
    if cutoff is not None:
        check_integer(cutoff, "cutoff", low=1)
    found = nx.all_simple_paths(G, source, target, cutoff=cutoff)
    return [PathResult(G, path, hops) for path in islice(found, n)]


def triangles(G: nx.Graph) -> list[tuple[Any, Any, Any]]:
    """All triples of nodes that are joined pairwise, each once, in the order of the nodes."""
    place = {node: k for k, node in enumerate(as_graph(G, "G"))}
    later = {u: {v for v in G[u] if place[v] > place[u]} for u in G}
    key = place.__getitem__
    return [
        (u, v, w)
        for u in G
        for v in sorted(later[u], key=key)
        for w in sorted(later[u] & later[v], key=key)
    ]
