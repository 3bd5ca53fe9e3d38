"""What a knowledge graph looks like: sizes, communities, centralities, bridges, spectrum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import eigsh

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.networks.graph_reasoning import _kernels
from mixbook.networks.graph_reasoning._networkx import as_graph, nx

__all__ = [
    "betweenness",
    "bridging_centrality",
    "bridging_coefficient",
    "closeness",
    "communities",
    "graph_statistics",
    "keep_top_betweenness",
    "modularity",
    "remove_top_bridging",
    "rewired",
    "spectrum_ends",
]

SAMPLED_ABOVE = 20_000


def graph_statistics(G: nx.Graph, random_state: int | None = 0) -> dict[str, float]:
    """The numbers with which the paper describes a graph.

    Parameters
    ----------
    G : networkx.Graph
        At least one node.
    random_state : int, optional
        Seed of the communities.

    Returns
    -------
    dict
        nodes, edges, average_degree, density, components, giant (nodes in the largest component),
        giant_share, communities, modularity, clustering (mean over nodes), max_degree.
    """
    n, m = len(as_graph(G, "G", min_nodes=1)), G.number_of_edges()
    giant = max(map(len, nx.connected_components(G)))
    groups = communities(G, random_state)
    return {
        "nodes": n,
        "edges": m,
        # Eq. (8)
        "average_degree": 2 * m / n,
        "density": 2 * m / (n * (n - 1)) if n > 1 else 0.0,
        "components": nx.number_connected_components(G),
        "giant": giant,
        "giant_share": giant / n,
        "communities": len(groups),
        "modularity": modularity(G, groups),
        "clustering": nx.average_clustering(G),
        "max_degree": max(d for _, d in G.degree),
    }


def communities(G: nx.Graph, random_state: int | None = 0, weight: str | None = None) -> list[set]:
    """Louvain communities, largest first; deterministic for a given seed and order of nodes."""
    groups = nx.community.louvain_communities(as_graph(G, "G"), weight=weight, seed=random_state)
    return sorted(groups, key=lambda group: (-len(group), min(map(str, group))))


def modularity(G: nx.Graph, groups: list[set], weight: str | None = None) -> float:
    """Share of edges inside groups, less what their degrees would give by chance."""
    # Eq. (9)
    return nx.community.modularity(G, groups, weight=weight) if G.number_of_edges() else 0.0


def rewired(G: nx.Graph, random_state: Any = None, swaps_per_edge: float = 5.0) -> nx.Graph:
    """A random simple graph with the same degrees: ends of pairs of edges are swapped.

    Parameters
    ----------
    G : networkx.Graph
    random_state : int, Generator or None
    swaps_per_edge : float
        Attempted swaps for each edge.

    Returns
    -------
    networkx.Graph
        Without attributes of edges.
    """
    rng, nodes = as_rng(random_state), list(as_graph(G, "G"))
    place = {node: k for k, node in enumerate(nodes)}
    ends = [(place[u], place[v]) for u, v in G.edges if u != v]
    linked: list[set[int]] = [set() for _ in nodes]
    for a, b in ends:
        linked[a].add(b)
        linked[b].add(a)
    attempts = int(swaps_per_edge * len(ends)) if len(ends) > 1 else 0
    picks = rng.integers(len(ends), size=(attempts, 2)).tolist() if attempts else []
    for (i, j), flip in zip(picks, (rng.random(attempts) < 0.5).tolist()):
        (a, b), (c, d) = ends[i], ends[j]
        c, d = (d, c) if flip else (c, d)
        if len({a, b, c, d}) < 4 or d in linked[a] or b in linked[c]:
            continue
        for x, y, z in ((a, b, d), (b, a, c), (c, d, b), (d, c, a)):
            linked[x].remove(y)
            linked[x].add(z)
        ends[i], ends[j] = (a, d), (c, b)
    H = nx.Graph()
    H.add_nodes_from(nodes)
    H.add_edges_from((nodes[a], nodes[b]) for a, b in ends)
    return H


def betweenness(
    G: nx.Graph, samples: int | None = None, random_state: Any = None
) -> dict[Any, float]:
    """Share of shortest paths that pass through a node, among pairs of other nodes.

    Parameters
    ----------
    G : networkx.Graph
        Edges count as steps, whatever their weight.
    samples : int, optional
        Start from that many random nodes only, and scale up. The default takes all nodes up to
        20,000 nodes, and 2,000 random ones above.
    random_state : int, Generator or None

    Returns
    -------
    dict of node to float
    """
    total, _, _, sources = _paths_from(G, samples, random_state)
    n = len(G)
    # Eq. (10)
    scale = n / len(sources) / max((n - 1) * (n - 2), 1)
    return dict(zip(G, (total * scale).tolist()))


def closeness(G: nx.Graph) -> dict[Any, float]:
    """Inverse mean distance to the nodes reached, times the share of nodes reached."""
    _, distance, reached, _ = _paths_from(G, len(as_graph(G, "G", min_nodes=1)), None)
    others = reached - 1
    value = np.divide(
        others**2, distance * max(len(G) - 1, 1), where=others > 0, out=0.0 * distance
    )
    return dict(zip(G, value.tolist()))


def _paths_from(G: nx.Graph, samples: int | None, random_state: Any) -> tuple[np.ndarray, ...]:
    n = len(as_graph(G, "G", min_nodes=1))
    if samples is None:
        samples = n if n <= SAMPLED_ABOVE else 2_000
    check_integer(samples, "samples", low=1)
    A = nx.to_scipy_sparse_array(G, weight=None, dtype=np.int64, format="csr")
    A.setdiag(0)
    A.eliminate_zeros()
    everyone = np.arange(n)
    sources = everyone if samples >= n else as_rng(random_state).choice(n, samples, replace=False)
    total, distance, reached = np.zeros(n), np.zeros(n), np.zeros(n)
    _kernels.brandes(A.indptr, A.indices, sources, total, distance, reached)
    return total, distance, reached, sources


def bridging_coefficient(G: nx.Graph, kind: str = "paper") -> dict[Any, float]:
    """How much a node stands between others of low degree.

    Parameters
    ----------
    G : networkx.Graph
    kind : {"paper", "hwang"}
        ``"paper"``: the mean of 1 / degree over the neighbours, as in the authors' code, which is
        large beside nodes of low degree. ``"hwang"``: the original of Hwang et al. (2006), which
        divides by that sum in place of multiplying and is large beside hubs.

    Returns
    -------
    dict of node to float
        0 for nodes without neighbours.
    """
    check_choice(kind, "kind", ("paper", "hwang"))
    d = dict(as_graph(G, "G").degree)
    sums = {v: sum(1 / d[u] for u in G[v]) for v in G}
    if kind == "hwang":
        return {v: 1 / d[v] / sums[v] if d[v] else 0.0 for v in G}
    # Eq. (11)
    return {v: sums[v] / d[v] if d[v] else 0.0 for v in G}


def bridging_centrality(
    G: nx.Graph, kind: str = "paper", samples: int | None = None, random_state: Any = None
) -> dict[Any, float]:
    """Betweenness times bridging coefficient, for each node.

    Parameters
    ----------
    G : networkx.Graph
    kind : {"paper", "hwang"}
        See :func:`bridging_coefficient`.
    samples, random_state
        See :func:`betweenness`.
    """
    coefficient = bridging_coefficient(G, kind)
    # Eq. (12)
    return {v: b * coefficient[v] for v, b in betweenness(G, samples, random_state).items()}


def remove_top_bridging(G: nx.Graph, k: int) -> nx.Graph:
    """The graph without the ``k`` nodes of highest bridging centrality."""
    gone = set(_top(G, bridging_centrality, k))
    return G.subgraph([v for v in G if v not in gone]).copy()


def keep_top_betweenness(G: nx.Graph, k: int) -> nx.Graph:
    """The subgraph of the ``k`` nodes of highest betweenness."""
    return G.subgraph(_top(G, betweenness, k)).copy()


def _top(G: nx.Graph, measure: Callable[[nx.Graph], dict[Any, float]], k: int) -> list:
    check_integer(k, "k", low=0)
    value = measure(G)
    return sorted(value, key=lambda v: (-value[v], str(v)))[:k]


def spectrum_ends(G: nx.Graph) -> dict[str, float]:
    """Ends of the spectrum of the Laplacian D - A, edges unweighted.

    Returns
    -------
    dict
        fiedler: the second smallest eigenvalue, 0 unless the graph is connected. gap: between the
        two largest eigenvalues.
    """
    n = len(as_graph(G, "G", min_nodes=2))
    L = nx.laplacian_matrix(G, weight=None).astype(float)
    if n <= 500:
        values: Float[np.ndarray, " n"] = np.linalg.eigvalsh(L.toarray())
        low, high = values[:2], values[-2:]
    else:
        start = np.sin(np.arange(n) + 1.0)
        low = np.sort(eigsh(L, k=2, sigma=-1e-3, v0=start, return_eigenvectors=False))
        high = np.sort(eigsh(L, k=2, which="LA", v0=start, return_eigenvectors=False))
    # Eq. (13)
    return {"fiedler": max(float(low[1]), 0.0), "gap": float(high[1] - high[0])}
