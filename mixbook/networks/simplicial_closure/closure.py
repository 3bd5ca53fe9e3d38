"""How often configurations of three and four nodes close, by tie strength and edge count."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement
from math import comb

import numpy as np

from mixbook.core.simplices import TemporalSimplices
from mixbook.networks.simplicial_closure import _kernels
from mixbook.networks.simplicial_closure._index import (
    SimplexIndex,
    check_data,
    decode,
    distinct,
    encode,
    find,
    spans,
    subset_source,
)

__all__ = ["KEYS_3", "KEYS_4", "Counts", "closure_counts_3", "closure_counts_4"]

Key = tuple[int, ...]
Counts = dict[Key, tuple[int, int]]

KEYS_3: tuple[Key, ...] = tuple(combinations_with_replacement(range(3), 3))
KEYS_4: tuple[Key, ...] = (
    *((-3, -3, -3, a) for a in range(3)),
    *((-2, -2, -2, a) for a in range(3)),
    *((-1, -1, a, b) for a, b in combinations_with_replacement(range(3), 2)),
    *combinations_with_replacement(range(3), 4),
)
MAX_NODES_4 = 55_108  # n^4 must fit a signed 64-bit key


def closure_counts_3(old: TemporalSimplices, new: TemporalSimplices) -> Counts:
    """Open 3-node configurations in ``old``, and how many of them close in ``new``.

    Every 3-subset of the nodes of ``old`` that no old simplex covers has a type: its three edge
    weights, capped at 2 (0 absent, 1 weak, 2 strong) and sorted. Types with an absent edge are
    far too many to list; they follow from counts of edges, wedges and triangles.

    Parameters
    ----------
    old, new : TemporalSimplices
        The two sides of a time split, see :meth:`TemporalSimplices.split`.

    Returns
    -------
    dict[(a, b, c)] -> (n_open, n_closed)
        The ten types in sorted order. ``n_closed`` counts each 3-subset once.
    """
    index = SimplexIndex.build(check_data(old, "old"))
    n_open = _open_types_3(index)
    n_closed = _newly_closed_3(index, check_data(new, "new"))
    return {key: (n_open[key], n_closed[key]) for key in KEYS_3}


def _open_types_3(index: SimplexIndex) -> dict[Key, int]:
    """Count all 3-subsets by type, less the closed ones."""
    by_strong = _kernels.count_triangles(index.indptr, index.indices, index.ties - 1)
    # Eq. (8)
    triangles = {KEYS_3[6 + s]: int(by_strong[s]) for s in range(4)}
    wedges = _induced_wedges(index, triangles)
    edges = _induced_edges(index, wedges, triangles)
    counts = {**edges, **wedges, **triangles}
    counts[0, 0, 0] = comb(index.n, 3) - sum(counts.values())
    for key, closed in _count_types(_triple_types(index, index.closed_triples[0])).items():
        counts[key] -= closed
    return counts


def _induced_wedges(index: SimplexIndex, triangles: dict[Key, int]) -> dict[Key, int]:
    """Paths of two edges whose ends are not adjacent."""
    u, v = index.edge_nodes(np.arange(len(index.indices)))
    weak, strong = (
        np.bincount(np.concatenate([u[index.ties == a], v[index.ties == a]]), minlength=index.n)
        for a in (1, 2)
    )
    wedges: dict[Key, int] = {
        (0, 1, 1): int((weak * (weak - 1) // 2).sum()),
        (0, 1, 2): int((weak * strong).sum()),
        (0, 2, 2): int((strong * (strong - 1) // 2).sum()),
    }
    for ties, number in triangles.items():
        for pair in combinations(ties, 2):
            wedges[0, *pair] -= number
    return wedges


def _induced_edges(
    index: SimplexIndex, wedges: dict[Key, int], triangles: dict[Key, int]
) -> dict[Key, int]:
    """An edge and a third node that is adjacent to neither end."""
    counts: dict[Key, int] = {}
    for tie in (1, 2):
        edges = int((index.ties == tie).sum())
        inside = sum(k.count(tie) * c for k, c in (*wedges.items(), *triangles.items()))
        counts[0, 0, tie] = edges * (index.n - 2) - inside
    return counts


def _newly_closed_3(index: SimplexIndex, new: TemporalSimplices) -> dict[Key, int]:
    """Distinct 3-subsets of new simplices, all nodes old, that were not closed before."""
    counts = dict.fromkeys(KEYS_3, 0)
    source = subset_source(new, index.rank, index.n)
    for span in spans(3, source):
        keys = distinct(source.keys(3, *span))[0]
        keys = keys[~find(index.closed_triples[0], keys)[1]]
        for key, number in _count_types(_triple_types(index, keys)).items():
            counts[key] += number
    return counts


def _triple_types(index: SimplexIndex, keys: np.ndarray) -> np.ndarray:
    """Sorted tie classes of the three edges of each triple, shape (T, 3)."""
    a, b, c = decode(keys, index.n, 3)
    ties = np.stack([_tie(index, *pair) for pair in ((a, b), (a, c), (b, c))], axis=1)
    return np.sort(ties, axis=1)


def _tie(index: SimplexIndex, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Class of the edge between ranks u < v: 0 absent, 1 weak, 2 strong."""
    edge = index.lookup(u, v)
    return np.where(edge >= 0, np.append(index.ties, 0)[edge], 0)


def _count_types(types: np.ndarray) -> dict[Key, int]:
    """Tally rows of sorted small integers."""
    codes = (types + 3) @ 10 ** np.arange(types.shape[1])[::-1]
    values, first, numbers = np.unique(codes, return_index=True, return_counts=True)
    return {tuple(types[f].tolist()): int(number) for _, f, number in zip(values, first, numbers)}


def closure_counts_4(old: TemporalSimplices, new: TemporalSimplices) -> Counts:
    """Open 4-node configurations with at least one triangle in ``old``, and how many close.

    The key holds the *simplicial ties* of the triangles, sorted: 0 for an open triangle, 1 if the
    3-subset was in exactly one simplex, 2 if in more. With six edges there are four triangles,
    key (a, b, c, d); with five edges two, key (-1, -1, a, b); with four edges one, key
    (-2, -2, -2, a); with three edges one, key (-3, -3, -3, a).

    Parameters
    ----------
    old, new : TemporalSimplices
        The two sides of a time split.

    Returns
    -------
    dict[(a, b, c, d)] -> (n_open, n_closed)
        All 27 keys, in sorted order.

    Raises
    ------
    ValueError
        If ``old`` has more than 55,108 nodes.
    """
    index = SimplexIndex.build(check_data(old, "old"))
    if index.n > MAX_NODES_4:
        raise ValueError(f"old must have at most {MAX_NODES_4} nodes, got {index.n}")
    n_open = _all_types_4(index)
    n_closed = dict.fromkeys(KEYS_4, 0)
    for closed_before, keys in _quadruples(index, check_data(new, "new")):
        for key, number in _count_types(_quadruple_types(index, closed_before)).items():
            n_open[key] -= number
        keys = keys[~find(closed_before, keys)[1]]
        for key, number in _count_types(_quadruple_types(index, keys)).items():
            n_closed[key] += number
    return {key: (n_open[key], n_closed[key]) for key in KEYS_4}


def _all_types_4(index: SimplexIndex) -> dict[Key, int]:
    """Count 4-subsets with at least one triangle by type, closed ones included."""
    uv, uw, vw = index.triangle_edges()
    third = index.indices[uw].astype(np.int32)
    u, v = index.edge_nodes(uv)
    ties = index.triple_ties(encode(index.n, u, v, third)).astype(np.int8)
    start = np.searchsorted(uv, np.arange(len(index.indices) + 1)).astype(np.int64)
    cliques = _clique_types(_kernels.count_cliques(start, third, ties, uw, vw))
    at_edge = np.stack(
        [
            sum(np.bincount(e[ties == a], minlength=len(index.indices)) for e in (uv, uw, vw))
            for a in range(3)
        ]
    )
    diamonds = _diamond_types(at_edge, cliques)
    degrees = np.bincount(np.concatenate(index.edge_nodes(np.arange(len(index.indices)))))
    reach = (degrees[u] + degrees[v] + degrees[third] - 6).astype(np.int64)
    edges_out = [int(reach[ties == a].sum()) for a in range(3)]
    triangles = [int((ties == a).sum()) for a in range(3)]
    return _inclusion_exclusion_4(index.n, triangles, edges_out, diamonds, cliques)


def _clique_types(by_ties: np.ndarray) -> dict[Key, int]:
    """Turn counts by (number of weak, number of strong) ties into counts by key."""
    return {key: int(by_ties[key.count(1), key.count(2)]) for key in KEYS_4[12:]}


def _diamond_types(at_edge: np.ndarray, cliques: dict[Key, int]) -> dict[Key, int]:
    """Pairs of triangles on a common edge, less those inside a 4-clique (six each)."""
    counts: dict[Key, int] = {}
    for a, b in combinations_with_replacement(range(3), 2):
        pairs = at_edge[a] * (at_edge[b] - 1) // 2 if a == b else at_edge[a] * at_edge[b]
        counts[-1, -1, a, b] = int(pairs.sum())
    for key, number in cliques.items():
        for a, b in combinations(key, 2):
            counts[-1, -1, a, b] -= number
    return counts


def _inclusion_exclusion_4(
    n: int,
    triangles: list[int],
    edges_out: list[int],
    diamonds: dict[Key, int],
    cliques: dict[Key, int],
) -> dict[Key, int]:
    """From edges that leave a triangle to 4-subsets with three and four edges."""
    counts = {**diamonds, **cliques}
    for a in range(3):
        in_diamonds = sum(key[2:].count(a) * number for key, number in diamonds.items())
        in_cliques = sum(key.count(a) * number for key, number in cliques.items())
        # Eq. (9)
        paws = edges_out[a] - 2 * in_diamonds - 3 * in_cliques
        counts[-2, -2, -2, a] = paws
        counts[-3, -3, -3, a] = (n - 3) * triangles[a] - paws - in_diamonds - in_cliques
    return counts


def _quadruples(
    index: SimplexIndex, new: TemporalSimplices
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Distinct 4-subsets of old and of new simplices, a range of lowest ranks at a time."""
    source = subset_source(new, index.rank, index.n)
    for span in spans(4, index.source, source):
        yield index.source.keys(4, *span), source.keys(4, *span)


def _quadruple_types(index: SimplexIndex, keys: np.ndarray) -> np.ndarray:
    """Keys of 4-subsets that hold at least one triangle of the old graph, shape (Q, 4)."""
    ranks = decode(keys, index.n, 4)
    edges = {p: index.lookup(ranks[p[0]], ranks[p[1]]) >= 0 for p in combinations(range(4), 2)}
    is_triangle = [edges[a, b] & edges[a, c] & edges[b, c] for a, b, c in combinations(range(4), 3)]
    keep = np.any(is_triangle, axis=0)
    kept = [rank[keep] for rank in ranks]
    ties = [index.triple_ties(encode(index.n, *triple)) for triple in combinations(kept, 3)]
    types = np.sort(np.stack(ties, axis=1), axis=1)
    missing = 6 - np.sum(list(edges.values()), axis=0)[keep]
    for gaps, blanks in ((1, 2), (2, 3), (3, 3)):
        types[missing == gaps, :blanks] = -gaps
    return types
