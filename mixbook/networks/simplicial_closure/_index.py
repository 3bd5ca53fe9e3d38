"""Simplices and projected graph with nodes renamed by degree rank, ready for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from scipy import sparse

from mixbook.core.simplices import TemporalSimplices
from mixbook.networks.simplicial_closure import _kernels

CHUNK = 1 << 23  # keys held at a time when subsets of simplices are listed


def incidence(data: TemporalSimplices) -> sparse.csr_array:
    """Node-by-simplex incidence matrix A.

    Parameters
    ----------
    data : TemporalSimplices

    Returns
    -------
    scipy.sparse.csr_array of shape (n, m), dtype int64
        ``A[i, s] = 1`` if node i is in simplex s.
    """
    check_data(data)
    owner = np.repeat(np.arange(data.n_simplices), data.sizes)
    ones = np.ones(len(data.members), dtype=np.int64)
    shape = (data.n_nodes, data.n_simplices)
    return sparse.csr_array((ones, (data.members, owner)), shape=shape)


def projected_graph(data: TemporalSimplices) -> sparse.csr_array:
    """Weighted projected graph W: in how many simplices two nodes occur together.

    .. math:: W = A A^\\top - \\mathrm{diag}(A A^\\top)

    Repeated simplices count each time.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n), dtype int64
        Symmetric, with an empty diagonal and sorted rows.
    """
    check_data(data)
    first, times_seen = np.unique(data.identity, return_index=True, return_counts=True)[1:]
    a = incidence(data.select(first))
    # Eq. (1)
    gram = sparse.csr_array(a.multiply(times_seen[None, :])) @ a.T
    gram.setdiag(0)
    w = sparse.csr_array(gram, dtype=np.int64)
    w.eliminate_zeros()
    w.sort_indices()
    return w


def check_data(data: TemporalSimplices, name: str = "data") -> TemporalSimplices:
    """Raise TypeError unless ``data`` is a TemporalSimplices."""
    if not isinstance(data, TemporalSimplices):
        raise TypeError(f"{name} must be a TemporalSimplices, got {type(data).__name__}")
    return data


@dataclass(frozen=True)
class SubsetSource:
    """Distinct simplices in ranks, and every place where a subset of them can start."""

    indptr: np.ndarray  # (m + 1,)
    members: np.ndarray  # (total,) ranks, sorted within a simplex
    repeat: np.ndarray  # (m,) bool: occurred more than once
    n: int  # number of ranks

    @cached_property
    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(simplex, position, rank) of each incidence, ordered by rank."""
        sizes = np.diff(self.indptr)
        simplex = np.repeat(np.arange(len(sizes)), sizes)
        position = np.arange(len(self.members)) - self.indptr[simplex]
        order = np.argsort(self.members, kind="stable")
        return simplex[order], position[order], self.members[order]

    def work(self, k: int) -> np.ndarray:
        """Number of k-subsets that start at each entry."""
        simplex, position, _ = self.entries
        left = np.diff(self.indptr)[simplex] - position - 1
        table = np.array([comb(r, k - 1) for r in range(int(left.max(initial=0)) + 1)])
        return table[left].astype(np.int64)

    def keys(self, k: int, low: int, high: int) -> np.ndarray:
        """Sorted keys of the k-subsets whose lowest rank is in [low, high).

        For k = 3 a key occurs once if the triple was in one simplex, else at least twice.
        For k = 4 keys are distinct.
        """
        simplex, position, rank = self.entries
        part = slice(*np.searchsorted(rank, [low, high]))
        simplex, position = simplex[part], position[part]
        out = np.empty(int(self.work(k)[part].sum()) * (2 if k == 3 else 1), dtype=np.int64)
        if k == 3:
            arguments = (simplex, position, self.indptr, self.members, self.repeat, self.n, out)
            return np.sort(out[: _kernels.emit_triples(*arguments)])
        used = _kernels.emit_quadruples(simplex, position, self.indptr, self.members, self.n, out)
        return np.unique(out[:used])


@dataclass(frozen=True)
class SimplexIndex:
    """What the counters need to know about one network.

    Attributes
    ----------
    nodes : int array of shape (n,)
        Original id of each rank; only nodes that occur in a simplex have one.
    rank : int array of shape (n_nodes,)
        Rank of each id, -1 for unseen ids.
    indptr, indices, weights : int arrays
        Forward projected graph in ranks: row u lists its neighbours v > u.
    source : SubsetSource
        The distinct simplices.
    """

    nodes: np.ndarray
    rank: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    source: SubsetSource

    @classmethod
    def build(cls, data: TemporalSimplices) -> SimplexIndex:
        """Rank nodes by degree and store the forward graph."""
        w = projected_graph(data)
        degrees = np.diff(w.indptr)[data.nodes]
        nodes = data.nodes[np.argsort(degrees, kind="stable")]
        rank = np.full(data.n_nodes, -1, dtype=np.int64)
        rank[nodes] = np.arange(len(nodes))
        forward = sparse.csr_array(sparse.triu(w[nodes][:, nodes], k=1))
        forward.sort_indices()
        return cls(
            nodes,
            rank,
            forward.indptr.astype(np.int64),
            forward.indices.astype(np.int64),
            forward.data,
            subset_source(data, rank, len(nodes)),
        )

    @property
    def n(self) -> int:
        """Number of nodes seen."""
        return len(self.nodes)

    @property
    def ties(self) -> np.ndarray:
        """1 for a weak, 2 for a strong edge; aligned with ``indices``."""
        return np.minimum(self.weights, 2)

    def triangle_edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Edge numbers (u, v), (u, w), (v, w) of all triangles u < v < w, in order."""
        strong = np.zeros(len(self.indices), dtype=np.int64)
        total = int(_kernels.count_triangles(self.indptr, self.indices, strong).sum())
        uv, uw, vw = np.empty((3, total), dtype=np.int32)
        _kernels.list_triangles(self.indptr, self.indices, uv, uw, vw)
        return uv, uw, vw

    def edge_nodes(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ranks of both ends of forward edges."""
        sources = np.repeat(np.arange(self.n), np.diff(self.indptr))
        return sources[edges], self.indices[edges]

    def lookup(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Edge numbers of rank pairs with u < v, -1 where there is no edge."""
        return _kernels.lookup_edges(self.indptr, self.indices, u, v)

    @cached_property
    def closed_triples(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorted keys of all triples in a simplex, and whether each is strong (two or more)."""
        parts = [distinct(self.source.keys(3, *span)) for span in spans(3, self.source)]
        if not parts:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        keys, strong = zip(*parts)
        return np.concatenate(keys), np.concatenate(strong)

    def triple_ties(self, keys: np.ndarray) -> np.ndarray:
        """Simplicial tie of triples: 0 never together, 1 in one simplex, 2 in more."""
        known, strong = self.closed_triples
        where, found = find(known, keys)
        ties = found.astype(np.int64)
        ties[found] += strong[where[found]]
        return ties


def subset_source(data: TemporalSimplices, rank: np.ndarray, n: int) -> SubsetSource:
    """Distinct simplices of ``data`` in ranks; nodes without a rank are left out."""
    first, times_seen = np.unique(data.identity, return_index=True, return_counts=True)[1:]
    unique = data.select(first)
    known = np.full(max(data.n_nodes, len(rank)), -1, dtype=np.int64)
    known[: len(rank)] = rank
    ranks = known[unique.members]
    owner = np.repeat(np.arange(len(first)), unique.sizes)[ranks >= 0]
    ranks = ranks[ranks >= 0]
    ranks = ranks[np.lexsort((ranks, owner))]
    sizes = np.bincount(owner, minlength=len(first))
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return SubsetSource(indptr, ranks, times_seen > 1, n)


def spans(k: int, *sources: SubsetSource) -> Iterator[tuple[int, int]]:
    """Ranges [low, high) of the lowest rank that keep each listing near ``CHUNK`` keys."""
    n = sources[0].n
    load = np.zeros(n, dtype=np.int64)
    for source in sources:
        load += np.bincount(source.entries[2], source.work(k), minlength=n).astype(np.int64)
    low, total = 0, np.cumsum(load)
    while low < n:
        done = total[low - 1] if low else 0
        high = max(low + 1, int(np.searchsorted(total, done + CHUNK, side="right")))
        yield low, high
        low = high


def distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of a sorted array, and whether each occurs more than once."""
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
    return keys[starts], np.diff(np.append(starts, len(keys))) > 1


def find(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each key sits in the sorted array ``known``, and whether it is there."""
    where = np.searchsorted(known, keys)
    inside = where < len(known)
    found = np.zeros(len(keys), dtype=bool)
    found[inside] = known[where[inside]] == keys[inside]
    return where, found


def decode(keys: np.ndarray, n: int, k: int) -> list[np.ndarray]:
    """The k ranks of each key, lowest first."""
    parts = []
    for _ in range(k):
        keys, last = np.divmod(keys, n)
        parts.append(last)
    return parts[::-1]


def encode(n: int, *ranks: np.ndarray) -> np.ndarray:
    """Keys of rank tuples (each array sorted against the next: lowest first)."""
    key = ranks[0].astype(np.int64)
    for rank in ranks[1:]:
        key = key * n + rank
    return key
