"""Analogies: the same pattern of relations in two graphs, node by node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from mixbook.core.validation import check_integer, check_number
from mixbook.networks.graph_reasoning._networkx import as_graph, nx
from mixbook.networks.graph_reasoning.embedding import NodeEmbedder

__all__ = ["Analogy", "find_isomorphic_subgraphs", "grow_pattern", "map_edges"]


@dataclass(frozen=True)
class Analogy:
    """One way to find a pattern again.

    Attributes
    ----------
    mapping : dict
        Node of the pattern G2 -> node of G1.
    score : float
        Mean modularity of the greedy communities of both images.
    likeness : float or None
        Mean cosine of the names mapped onto each other; None without an embedder.
    """

    mapping: dict[Any, Any]
    score: float
    likeness: float | None = None


def find_isomorphic_subgraphs(
    G1: nx.Graph,
    G2: nx.Graph,
    max_iter: int = 100,
    min_avg_degree: float = 2,
    min_component: int = 10,
    emb: NodeEmbedder | None = None,
    *,
    distinct: bool = True,
    rank: bool = True,
) -> list[Analogy]:
    """Where the pattern G2 occurs in G1 as an induced subgraph.

    A depth-first search over partial maps, as in VF2: the pattern's nodes are placed one after the
    other, each where all edges and non-edges to those placed before agree. Sets of candidates are
    bits of one integer, so that a step is a few machine operations.

    The candidates are ranked by modularity, as in the paper. Isomorphic graphs have equal degrees,
    components and best modularity, so that the two thresholds test G2 alone and the ranking tells
    apart at most how ties were broken; with an embedder the candidates of equal score are
    ranked by the likeness of names, least alike first: the farther analogy.

    Parameters
    ----------
    G1 : networkx.Graph
        The graph searched.
    G2 : networkx.Graph
        The pattern.
    max_iter : int
        Most candidates.
    min_avg_degree, min_component : float, int
        Patterns of lower average degree, or without a component of that size, yield nothing.
    emb : NodeEmbedder, optional
    distinct : bool
        One map for each set of nodes found, whatever the pattern's own symmetries; False lists all.
    rank : bool
        False spares the communities of each image, which cost more than the search, and gives all
        the pattern's own modularity as score.

    Returns
    -------
    list of Analogy
        Best first.

    Raises
    ------
    TypeError, ValueError
        If an argument is no graph, the pattern is empty, or a limit is out of range.
    """
    as_graph(G1, "G1")
    as_graph(G2, "G2", min_nodes=1)
    check_integer(max_iter, "max_iter", low=1)
    check_number(min_avg_degree, "min_avg_degree", low=0)
    check_integer(min_component, "min_component", low=1)
    # Eq. (22)
    average = 2 * G2.number_of_edges() / len(G2)
    if average < min_avg_degree or max(map(len, nx.connected_components(G2))) < min_component:
        return []
    maps = _distinct(_matches(_core(G1, G2), G2, twins=distinct), distinct)
    own = _modularity(G2)
    found = [
        Analogy(m, _score(G1, m, own) if rank else own, _likeness(m, emb))
        for m in islice(maps, max_iter)
    ]
    return sorted(found, key=lambda a: (-round(a.score, 9), a.likeness or 0.0))


def _matches(G1: nx.Graph, G2: nx.Graph, twins: bool) -> Iterator[dict[Any, Any]]:
    """All maps of G2 onto induced subgraphs of G1; of ``twins``, only in one order."""
    hosts = list(G1)
    bit = {v: 1 << k for k, v in enumerate(hosts)}
    around = [sum(bit[v] for v in G1[u] if v != u) for u in hosts]
    order = _search_order(G2)
    fits = [sum(bit[u] for u in hosts if G1.degree(u) >= G2.degree(p)) for p in order]
    links = [[(q, G2.has_edge(p, order[q])) for q in range(k)] for k, p in enumerate(order)]
    after = [_last_twin(G2, order, k) if twins else -1 for k in range(len(order))]
    image = [0] * len(order)

    def place(k: int) -> Iterator[dict[Any, Any]]:
        if k == len(order):
            yield {p: hosts[u] for p, u in zip(order, image)}
            return
        free = fits[k]
        for q, joined in links[k]:
            # Eq. (24)
            free &= around[image[q]] if joined else ~(around[image[q]] | 1 << image[q])
        if after[k] >= 0:
            free &= -1 << image[after[k]]
        while free:
            lowest = free & -free
            free ^= lowest
            image[k] = lowest.bit_length() - 1
            yield from place(k + 1)

    yield from place(0)


def _search_order(G2: nx.Graph) -> list[Any]:
    """The node of highest degree first, then always one with most links to those before."""
    order: list[Any] = []
    rest = list(G2)
    while rest:
        best = max(rest, key=lambda p: (sum(q in G2[p] for q in order), G2.degree(p)))
        order.append(best)
        rest.remove(best)
    return order


def _last_twin(G2: nx.Graph, order: list[Any], k: int) -> int:
    """The nearest earlier node that swaps with this one and changes nothing; -1 for none."""
    p = order[k]
    for q in range(k - 1, -1, -1):
        if set(G2[p]) - {order[q]} == set(G2[order[q]]) - {p}:
            return q
    return -1


def _distinct(maps: Iterator[dict[Any, Any]], distinct: bool) -> Iterator[dict[Any, Any]]:
    seen: set[frozenset] = set()
    for m in maps:
        image = frozenset(m.values())
        if not distinct or image not in seen:
            seen.add(image)
            yield m


def _core(G1: nx.Graph, G2: nx.Graph) -> nx.Graph:
    """G1 without nodes that no match can use: those outside the core of G2's smallest degree."""
    plain = nx.Graph((u, v) for u, v in G1.edges if u != v)
    plain.add_nodes_from(G1)
    return nx.k_core(plain, min(d for _, d in G2.degree))


def _modularity(G: nx.Graph) -> float:
    groups = nx.community.greedy_modularity_communities(G)
    return nx.community.modularity(G, groups, weight=None)


def _score(G1: nx.Graph, mapping: dict[Any, Any], own: float) -> float:
    return (own + _modularity(G1.subgraph(mapping.values()))) / 2


def _likeness(mapping: dict[Any, Any], emb: NodeEmbedder | None) -> float | None:
    if emb is None:
        return None
    a, b = emb.transform(list(mapping)), emb.transform(list(mapping.values()))
    product = a.multiply(b).sum() if hasattr(a, "multiply") else np.sum(a * b)
    return float(product) / len(mapping)


def map_edges(
    G1: nx.Graph, G2: nx.Graph, mapping: dict[Any, Any]
) -> dict[tuple[Any, Any], tuple[tuple[Any, Any], str, str]]:
    """Which edge of G1 each edge of the pattern G2 is, with both titles.

    Parameters
    ----------
    G1, G2 : networkx.Graph
    mapping : dict
        Node of G2 -> node of G1, as in :class:`Analogy`.

    Returns
    -------
    dict of (u, v) to ((u', v'), title in G2, title in G1)

    Raises
    ------
    ValueError
        If a node of G2 is not mapped, or an edge has no counterpart.
    """
    out = {}
    for u, v, data in as_graph(G2, "G2").edges(data=True):
        if u not in mapping or v not in mapping:
            raise ValueError(f"mapping must name every node of G2, it lacks {u!r} or {v!r}")
        image = (mapping[u], mapping[v])
        if not as_graph(G1, "G1").has_edge(*image):
            raise ValueError(f"mapping sends the edge {(u, v)!r} to {image!r}, no edge of G1")
        out[u, v] = (image, data.get("title", ""), G1.edges[image].get("title", ""))
    return out


def grow_pattern(G: nx.Graph, start: Any, size: int = 12) -> nx.Graph:
    """A connected induced subgraph: from one node on, add the neighbour with most links to it.

    Of equals, the one of lower degree in the graph, so that the pattern is no mere star of a hub.

    Raises
    ------
    ValueError
        If the start's component is smaller than ``size``.
    """
    check_integer(size, "size", low=1)
    inside = [start]
    while len(inside) < size:
        links: dict[Any, int] = {}
        for u in inside:
            for v in as_graph(G, "G")[u]:
                links[v] = links.get(v, 0) + 1
        rim = [v for v in links if v not in inside]
        if not rim:
            raise ValueError(
                f"size must be at most {len(inside)}, the component's size, got {size}"
            )
        inside.append(max(rim, key=lambda v: (links[v], -G.degree(v), str(v))))
    return G.subgraph(inside).copy()
