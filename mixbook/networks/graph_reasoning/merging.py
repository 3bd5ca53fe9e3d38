"""Synonyms become one node."""

from __future__ import annotations

from typing import Any

from mixbook.core.validation import check_number
from mixbook.networks.graph_reasoning._networkx import as_graph, nx
from mixbook.networks.graph_reasoning.embedding import NodeEmbedder, similar_pairs, vectors_of

__all__ = ["join_edges", "merge_similar_nodes", "relabel"]


def merge_similar_nodes(
    G: nx.Graph, emb: NodeEmbedder | dict[Any, Any], threshold: float = 0.9
) -> tuple[nx.Graph, dict[str, str]]:
    """Merge nodes whose names have nearly the same embedding.

    Pairs with a cosine above the threshold are visited in the order of the nodes. The node of
    higher degree is kept (of equals, the first); a merged node is not used again. Chains are
    followed to their end: where a goes into b and b later into c, all three are c.

    Parameters
    ----------
    G : networkx.Graph
    emb : NodeEmbedder or dict of node to vector
        Vectors of length one.
    threshold : float
        Cosine above which two nodes are one; the paper takes 0.9.

    Returns
    -------
    (networkx.Graph, dict of str to str)
        A new graph, in which edges that fall together add up, and the node that each merged one
        went into.

    Raises
    ------
    TypeError, ValueError
        If the graph or the threshold is none, or a node has no vector.
    """
    nodes = list(as_graph(G, "G"))
    check_number(threshold, "threshold", low=-1, high=1)
    if not nodes:
        return G.copy(), {}
    degree, gone = dict(G.degree), {}
    for i, j in zip(*similar_pairs(vectors_of(emb, nodes), threshold)):
        a, b = nodes[i], nodes[j]
        if a in gone or b in gone:
            continue
        # Eq. (7)
        kept, merged = (a, b) if degree[a] >= degree[b] else (b, a)
        gone[merged] = kept
    mapping = {node: _end(gone, node) for node in gone}
    return relabel(G, mapping), mapping


def _end(gone: dict[str, str], node: str) -> str:
    while node in gone:
        node = gone[node]
    return node


def relabel(G: nx.Graph, mapping: dict[str, str]) -> nx.Graph:
    """Rename nodes; edges that fall together are joined, loops are dropped."""
    H = nx.Graph()
    H.add_nodes_from((node, data) for node, data in G.nodes(data=True) if node not in mapping)
    for u, v, data in G.edges(data=True):
        a, b = mapping.get(u, u), mapping.get(v, v)
        if a != b:
            H.add_edge(a, b, **(join_edges(H.edges[a, b], data) if H.has_edge(a, b) else data))
    return H


def join_edges(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What two edges say together: titles one after the other, weights added."""
    titles = [edge["title"] for edge in (old, new) if edge.get("title")]
    weight = old.get("weight", 1.0) + new.get("weight", 1.0)
    return {**old, **new, "title": ",".join(titles), "weight": weight}
