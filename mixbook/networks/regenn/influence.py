"""Which intersections matter: centralities, how far they agree, and what their loss costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from mixbook.core.validation import check_integer
from mixbook.networks.regenn._checks import as_positions
from mixbook.networks.regenn.facilities import (
    _indices,
    _nodes_of,
    network_distances,
    straight_distances,
)

__all__ = ["efficiency", "efficiency_loss", "influence_table", "top_k_overlap"]

Frame = pd.DataFrame


def influence_table(G: nx.Graph, pos: Any, *, metric: str = "haversine") -> pd.DataFrame:
    """Degree, closeness, betweenness, straightness and PageRank of every node.

    Closeness, betweenness and straightness use the lengths of edges; PageRank and degree count
    edges. Straightness of a node that reaches no other is 0, and unreached nodes add 0.

    Parameters
    ----------
    G : networkx.Graph or DiGraph
        Edges carry a positive ``length``; at least two nodes.
    pos : dict or array of shape (n, 2)
    metric : {"haversine", "euclidean"}

    Returns
    -------
    pandas.DataFrame
        One row a node, in the order of ``list(G)``.
    """
    nodes = _nodes_of(G)
    if len(nodes) < 2:
        raise ValueError("G must have at least two nodes, got 1")
    xy = as_positions(pos, nodes)
    network = network_distances(G, nodes, "from")
    straight = straight_distances(xy, xy, metric)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(np.isfinite(network) & (network > 0), straight / network, 0.0)
    # Eq. (17)
    straightness = ratio.sum(axis=1) / (len(nodes) - 1)
    columns = {
        "degree": dict(G.degree()),
        "closeness": nx.closeness_centrality(G, distance="length"),
        "betweenness": nx.betweenness_centrality(G, weight="length"),
        "straightness": dict(zip(nodes, straightness)),
        "pagerank": nx.pagerank(G, weight=None),
    }
    values = {name: [measure[v] for v in nodes] for name, measure in columns.items()}
    return Frame(values, index=pd.Index(nodes, name="node", tupleize_cols=False), dtype=float)


def top_k_overlap(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """Jaccard index of the k highest nodes of each pair of measures, Eq. (18).

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`influence_table`. Of equal values the earlier node counts as higher.
    k : int
        Within 1 to the number of nodes.
    """
    k = check_integer(k, "k", low=1, high=len(table))
    order = np.argsort(-table.to_numpy(), axis=0, kind="stable")[:k]
    top = [set(column) for column in order.T]
    # Eq. (18)
    values = [[len(a & b) / len(a | b) for b in top] for a in top]
    return Frame(values, index=table.columns, columns=table.columns)


def efficiency(G: nx.Graph) -> float:
    """Mean of 1 / (shortest path length) over ordered pairs of nodes, in 1/m; Eq. (19)."""
    nodes = _nodes_of(G)
    if len(nodes) < 2:
        return 0.0
    distance = network_distances(G, nodes, "from")
    np.fill_diagonal(distance, np.inf)
    # Eq. (19)
    return float((1 / distance).sum() / (len(nodes) * (len(nodes) - 1)))


def efficiency_loss(G: nx.Graph, removed: Iterable[Any]) -> float:
    """Share of the efficiency among the other nodes that goes when some nodes are removed.

    Only pairs that stay are compared, before and after, so that a removal which blocks no way
    costs nothing.

    Parameters
    ----------
    G : networkx.Graph or DiGraph
    removed : iterable of nodes
        All but at least two of the nodes.
    """
    nodes, gone = _nodes_of(G), set(removed)
    _indices(nodes, gone, "removed")
    kept = [v for v in nodes if v not in gone]
    if len(kept) < 2:
        raise ValueError(f"removed must leave at least two nodes, it leaves {len(kept)}")
    index = _indices(nodes, kept, "removed")
    before = network_distances(G, kept, "from")[:, index]
    np.fill_diagonal(before, np.inf)
    whole = (1 / before).sum() / (len(kept) * (len(kept) - 1))
    return 1 - efficiency(nx.Graph.subgraph(G, kept)) / whole if whole else 0.0
