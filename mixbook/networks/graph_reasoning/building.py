"""From triples to a graph, and from two graphs to one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mixbook.core.validation import check_integer, check_number
from mixbook.networks.graph_reasoning._networkx import as_graph, nx
from mixbook.networks.graph_reasoning.extraction import Extractor, Triple, split_text
from mixbook.networks.graph_reasoning.merging import join_edges, merge_similar_nodes

if TYPE_CHECKING:
    from mixbook.networks.graph_reasoning.embedding import NodeEmbedder

__all__ = ["add_text", "build_graph", "compose", "giant_component", "remove_small_fragments"]

PROXIMITY = "contextual proximity"
COUNT = 4  # what a triple counts; a shared chunk counts 1


def build_graph(
    triples: Iterable[Triple], contextual_proximity: bool = False, official_overwrite: bool = False
) -> nx.Graph:
    """One undirected graph of all triples.

    An edge has ``title``, its relations joined by commas, and ``weight``, the number of triples on
    it; with ``contextual_proximity`` also a quarter of the number of chunks that two terms share.

    Parameters
    ----------
    triples : iterable of Triple
    contextual_proximity : bool
        Join terms that share at least two chunks, under the title "contextual proximity".
    official_overwrite : bool
        Where triples run both ways between two terms, keep only those whose head is the later one
        in alphabetical order, as the authors' code does; the default adds both up.

    Returns
    -------
    networkx.Graph

    Raises
    ------
    TypeError
        If an element is no triple.

    Examples
    --------
    >>> G = build_graph([Triple("a", "is", "b", "0"), Triple("a", "has", "b", "0")])
    >>> G["a"]["b"]
    {'title': 'is,has', 'weight': 2.0}
    """
    checked = [_as_triple(triple) for triple in triples]
    titles: dict[tuple[str, str], list[str]] = defaultdict(list)
    counts: Counter[tuple[str, str]] = Counter()
    for head, relation, tail, _ in checked:
        titles[head, tail].append(relation)
        # Eq. (1)
        counts[head, tail] += COUNT
    if contextual_proximity:
        for pair, chunks in _shared_chunks(checked).items():
            titles[pair].append(PROXIMITY)
            counts[pair] += chunks
    G = nx.Graph()
    G.add_nodes_from(name for triple in checked for name in (triple.head, triple.tail))
    for pair in sorted(titles) if official_overwrite else titles:
        edge = {"title": ",".join(titles[pair]), "weight": counts[pair] / COUNT}
        if not official_overwrite and G.has_edge(*pair):
            edge = join_edges(G.edges[pair], edge)
        G.add_edge(*pair, **edge)
    return G


def _as_triple(triple: Any) -> Triple:
    if not isinstance(triple, tuple) or len(triple) != 4:
        raise TypeError(f"triples must hold (head, relation, tail, chunk_id), got {triple!r}")
    return Triple(*triple)


def _shared_chunks(triples: Iterable[Triple]) -> dict[tuple[str, str], int]:
    """How many chunks two terms share, for those that share two or more."""
    terms: dict[str, set[str]] = defaultdict(set)
    for triple in triples:
        terms[triple.chunk_id] |= {triple.head, triple.tail}
    pairs = Counter(pair for names in terms.values() for pair in combinations(sorted(names), 2))
    # Eq. (2)
    return {pair: count for pair, count in pairs.items() if count > 1}


def compose(G: nx.Graph, H: nx.Graph) -> nx.Graph:
    """The union of two graphs; what both say about an edge is joined."""
    both = as_graph(G, "G").copy()
    both.add_nodes_from(as_graph(H, "H").nodes(data=True))
    for u, v, new in H.edges(data=True):
        both.add_edge(u, v, **(join_edges(both.edges[u, v], new) if both.has_edge(u, v) else new))
    return both


def remove_small_fragments(G: nx.Graph, size: int = 10) -> nx.Graph:
    """The components of at least ``size`` nodes."""
    check_integer(size, "size", low=0)
    parts = nx.connected_components(as_graph(G, "G"))
    return G.subgraph([node for part in parts if len(part) >= size for node in part]).copy()


def giant_component(G: nx.Graph) -> nx.Graph:
    """The largest component.

    Raises
    ------
    ValueError
        If the graph is empty.
    """
    return G.subgraph(max(nx.connected_components(as_graph(G, "G", min_nodes=1)), key=len)).copy()


def add_text(
    G: nx.Graph,
    text: str | Sequence[str],
    extractor: Extractor,
    emb: NodeEmbedder,
    *,
    threshold: float = 0.95,
    min_fragment: int = 10,
    chunk_size: int = 10_000,
    only_giant: bool = False,
) -> tuple[nx.Graph, dict[str, str]]:
    """Read a new text into a graph: extract, unite, merge synonyms, clean.

    Parameters
    ----------
    G : networkx.Graph
    text : str or sequence of str
    extractor : Extractor
    emb : NodeEmbedder
        Fitted; it embeds the names of both graphs.
    threshold : float
        Cosine above which two nodes become one.
    min_fragment : int
        Smaller components are removed.
    chunk_size : int
    only_giant : bool
        Keep the largest component only.

    Returns
    -------
    (networkx.Graph, dict of str to str)
        The graph, and which node each merged one went into.
    """
    check_number(threshold, "threshold", low=-1, high=1)
    texts = [text] if isinstance(text, str) else list(text)
    chunks = [chunk for t in texts for chunk in split_text(t, chunk_size)]
    triples = [t for k, chunk in enumerate(chunks) for t in extractor.extract(chunk, f"new:{k}")]
    both = compose(G, build_graph(triples))
    merged, mapping = merge_similar_nodes(both, emb, threshold)
    kept = remove_small_fragments(merged, min_fragment)
    return (giant_component(kept) if only_giant else kept), mapping
