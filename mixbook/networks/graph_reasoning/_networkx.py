"""networkx, which is an extra, and the check of a graph given."""

from __future__ import annotations

from typing import Any

try:
    import networkx as nx
except ImportError as error:  # pragma: no cover - depends on the installation
    raise ImportError('graphs need networkx: pip install "mixbook[networks]"') from error

__all__ = ["as_graph", "check_node", "nx"]


def as_graph(G: Any, name: str, min_nodes: int = 0) -> nx.Graph:
    """Check that ``G`` is a simple undirected graph with enough nodes.

    Raises
    ------
    TypeError
        If it is no graph, or a directed or multigraph.
    ValueError
        If it has too few nodes.
    """
    if not isinstance(G, nx.Graph) or G.is_directed() or G.is_multigraph():
        raise TypeError(f"{name} must be an undirected networkx.Graph, got {type(G).__name__}")
    if len(G) < min_nodes:
        raise ValueError(f"{name} must have at least {min_nodes} node(s), got {len(G)}")
    return G


def check_node(G: nx.Graph, node: Any, name: str) -> Any:
    """Check that ``node`` is in the graph.

    Raises
    ------
    ValueError
        If it is not.
    """
    if node not in G:
        raise ValueError(f"{name} must be a node of the graph, got {node!r}")
    return node
