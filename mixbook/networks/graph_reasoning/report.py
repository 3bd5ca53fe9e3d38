"""What to make of a graph without a language model: gaps, and a report on a path."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
from scipy import sparse

from mixbook.core.validation import check_choice, check_integer
from mixbook.networks.graph_reasoning._networkx import as_graph, nx
from mixbook.networks.graph_reasoning.embedding import NodeEmbedder, vectors_of
from mixbook.networks.graph_reasoning.measures import bridging_centrality, communities
from mixbook.networks.graph_reasoning.paths import PathResult, short_title, triangles

__all__ = ["SCORES", "path_report", "suggest_missing_links"]

SCORES = ("adamic_adar", "common_neighbours", "embedding")


def suggest_missing_links(
    G: nx.Graph,
    emb: NodeEmbedder | dict[Any, Any] | None = None,
    k: int = 10,
    by: str = "adamic_adar",
) -> list[tuple[Any, Any, float]]:
    """Gaps in what is known: pairs that share neighbours and are not joined.

    Parameters
    ----------
    G : networkx.Graph
    emb : NodeEmbedder or dict of node to vector, optional
        Needed for ``by="embedding"``.
    k : int
        How many.
    by : {"adamic_adar", "common_neighbours", "embedding"}
        Sum of 1 / log(degree) over the shared neighbours; their number; or the cosine of the names.

    Returns
    -------
    list of (u, w, score)
        Best first.
    """
    check_integer(k, "k", low=1)
    check_choice(by, "by", SCORES)
    nodes = list(as_graph(G, "G", min_nodes=1))
    A = nx.to_scipy_sparse_array(G, weight=None, dtype=float, format="csr")
    degree = A.sum(axis=1)
    share = 1 / np.log(np.maximum(degree, 2)) if by == "adamic_adar" else np.ones(len(nodes))
    # Eq. (23)
    score = sparse.triu(A @ sparse.diags_array(share) @ A, k=1).tocoo()
    free = np.asarray(A[score.row, score.col]).ravel() == 0
    u, w, value = score.row[free], score.col[free], score.data[free]
    if by == "embedding":
        if emb is None:
            raise ValueError("emb must be given to rank by embedding")
        value = _cosines(vectors_of(emb, nodes), u, w)
    best = np.argsort(-value, kind="stable")[:k]
    return [(nodes[u[i]], nodes[w[i]], float(value[i])) for i in best]


def _cosines(vectors: Any, u: np.ndarray, w: np.ndarray) -> np.ndarray:
    a, b = vectors[u], vectors[w]
    return np.asarray((a.multiply(b) if sparse.issparse(a) else a * b).sum(axis=1)).ravel()


def path_report(
    G: nx.Graph,
    result: PathResult,
    *,
    groups: list[set] | None = None,
    bridging: dict[Any, float] | None = None,
) -> str:
    """What a language model would be given, as plain facts in Markdown.

    Parameters
    ----------
    G : networkx.Graph
    result : PathResult
    groups : list of set, optional
        Communities; Louvain's by default.
    bridging : dict, optional
        Bridging centrality by node; computed by default.

    Returns
    -------
    str
        The steps with their relations, the communities crossed, the strongest bridge, pairs on the
        path that the corpus never joins, and triangles around it.
    """
    path = result.path
    groups = communities(as_graph(G, "G")) if groups is None else groups
    bridging = bridging_centrality(G) if bridging is None else bridging
    home = {node: k for k, group in enumerate(groups) for node in group}
    crossed = [home[path[0]], *(home[v] for u, v in pairwise(path) if home[u] != home[v])]
    inner = path[1:-1] or path
    novel = [(u, v) for u, v in combinations(dict.fromkeys(path), 2) if not G.has_edge(u, v)]
    around = triangles(result.subgraph)
    steps = zip(result.elements[::2], result.elements[1::2], result.elements[2::2])
    lines = [f"**From {path[0]} to {path[-1]}** in {len(result)} steps:", ""]
    lines += [
        f"{k}. {a} — *{short_title(title) or 'related'}* — {b}"
        for k, (a, title, b) in enumerate(steps, 1)
    ]
    lines += ["", f"Communities crossed: {' → '.join(str(k + 1) for k in crossed)}."]
    lines += [f"Strongest bridge on the way: {max(inner, key=lambda v: (bridging[v], str(v)))}."]
    shown = "; ".join(f"{u} and {v}" for u, v in novel[:5]) or "none"
    lines += [f"Pairs on the path that no document joins ({len(novel)}): {shown}."]
    lines += [f"Triangles in the subgraph around it: {len(around)}."]
    return "\n".join(lines)
