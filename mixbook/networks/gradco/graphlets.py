"""What follows from the orbit adjacencies by summing, and a count by brute force."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Int
from scipy import sparse

from mixbook.networks.gradco._formulas import Kind
from mixbook.networks.gradco._sparse import as_adjacency
from mixbook.networks.gradco.counting import GRAPHLET_KINDS, ORBIT_KINDS, OrbitCounter

__all__ = [
    "EDGE_KINDS",
    "brute_force_orbit_adjacencies",
    "edge_graphlet_degree_vectors",
    "graphlet_adjacencies",
    "graphlet_degree_vectors",
]

EDGE_KINDS: tuple[Kind, ...] = tuple(k for k in ORBIT_KINDS if k[0] == 1 and 0 < k[1] <= k[2])
"""The 12 positions that an edge can have in a graphlet of three or four nodes."""

# Orbit o: a one-hop kind whose row is o, and how many neighbours on the other orbit o has.
_GDV_KINDS = (
    ((1, 0, 0), 1),
    ((1, 1, 2), 1),
    ((1, 2, 1), 2),
    ((1, 3, 3), 2),
    ((1, 4, 5), 1),
    ((1, 5, 5), 1),
    ((1, 6, 7), 1),
    ((1, 7, 6), 3),
    ((1, 8, 8), 2),
    ((1, 9, 11), 1),
    ((1, 10, 10), 1),
    ((1, 11, 9), 1),
    ((1, 12, 13), 2),
    ((1, 13, 12), 2),
    ((1, 14, 14), 3),
)
MAX_BRUTE_FORCE = 64


def graphlet_adjacencies(A: Any) -> list[sparse.csr_array]:
    """For each graphlet G0 to G8, in how many of its copies two nodes sit together.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)

    Returns
    -------
    list of 9 csr_arrays of shape (n, n), int64
        The sum of the graphlet's orbit adjacencies.
    """
    counter = OrbitCounter(A)
    # Eq. (20)
    return [sum_of([counter.matrix(kind) for kind in kinds]) for kinds in GRAPHLET_KINDS]


def sum_of(matrices: list[sparse.csr_array]) -> sparse.csr_array:
    """Sum of sparse matrices."""
    total = matrices[0]
    for matrix in matrices[1:]:
        total = total + matrix
    return total


def graphlet_degree_vectors(A: Any) -> Int[np.ndarray, "n 15"]:
    """How often each node sits on each of the orbits 0 to 14.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)

    Returns
    -------
    int array of shape (n, 15)
        Only one-hop matrices are formed, so this never fills up.
    """
    counter = OrbitCounter(A)
    vectors = np.empty((counter.n_nodes, 15), dtype=np.int64)
    for orbit, (kind, partners) in enumerate(_GDV_KINDS):
        # Eq. (21)
        vectors[:, orbit] = counter.matrix(kind).sum(axis=1) // partners
    return vectors


def edge_graphlet_degree_vectors(A: Any) -> tuple[Int[np.ndarray, "m 2"], Int[np.ndarray, "m 12"]]:
    """How often each edge takes each of the 12 positions of :data:`EDGE_KINDS`.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)

    Returns
    -------
    edges : int array of shape (m, 2)
        Rows ``u < v``, in lexicographic order.
    counts : int array of shape (m, 12)
    """
    counter = OrbitCounter(A)
    u, v = sparse.triu(counter.A, format="csr").nonzero()
    counts = np.empty((len(u), len(EDGE_KINDS)), dtype=np.int64)
    for column, kind in enumerate(EDGE_KINDS):
        matrix = counter.matrix(kind)
        # Eq. (22)
        both = matrix if kind[1] == kind[2] else matrix + matrix.T
        # A has an entry at each edge, so the sum lists all of them in order.
        counts[:, column] = sparse.triu(counter.A + both, format="csr").data - 1
    return np.stack([u, v], axis=1).astype(np.int64), counts


# What the degrees inside a connected induced subgraph say: (nodes, edges, largest degree) -> orbit
# of each degree.
_ORBITS = {
    (2, 1, 1): {1: 0},
    (3, 2, 2): {1: 1, 2: 2},
    (3, 3, 2): {2: 3},
    (4, 3, 2): {1: 4, 2: 5},
    (4, 3, 3): {1: 6, 3: 7},
    (4, 4, 2): {2: 8},
    (4, 4, 3): {1: 9, 2: 10, 3: 11},
    (4, 5, 3): {2: 12, 3: 13},
    (4, 6, 3): {3: 14},
}


def brute_force_orbit_adjacencies(A: Any) -> dict[Kind, sparse.csr_array]:
    """The same 28 matrices by looking at every set of two, three and four nodes.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        At most 64 nodes: the work grows as n^4.

    Returns
    -------
    dict of kind to csr_array of shape (n, n), int64

    Raises
    ------
    ValueError
        If the graph is too large.
    """
    matrix = as_adjacency(A)
    n = matrix.shape[0]
    if n > MAX_BRUTE_FORCE:
        raise ValueError(f"A must have at most {MAX_BRUTE_FORCE} nodes for brute force, got {n}")
    joined = matrix.toarray().astype(bool)
    counts = {kind: np.zeros((n, n), dtype=np.int64) for kind in ORBIT_KINDS}
    for size in (2, 3, 4):
        for nodes in combinations(range(n), size):
            _count_subset(joined[np.ix_(nodes, nodes)], nodes, counts)
    return {kind: sparse.csr_array(count) for kind, count in counts.items()}


def _count_subset(
    inside: np.ndarray, nodes: tuple[int, ...], counts: dict[Kind, np.ndarray]
) -> None:
    """Add one to the pairs of an induced subgraph, if it is connected."""
    hops = _distances(inside)
    degrees = inside.sum(axis=1)
    if hops.max() >= len(nodes):
        return
    orbit = _ORBITS[len(nodes), int(degrees.sum()) // 2, int(degrees.max())]
    for i, u in enumerate(nodes):
        for j, v in enumerate(nodes):
            if i != j:
                counts[int(hops[i, j]), orbit[int(degrees[i])], orbit[int(degrees[j])]][u, v] += 1


def _distances(inside: np.ndarray) -> np.ndarray:
    """Steps between the nodes of a small graph (as many as there are nodes: not connected)."""
    size = len(inside)
    hops = np.where(np.eye(size, dtype=bool), 0, np.where(inside, 1, size))
    for middle in range(size):
        hops = np.minimum(hops, hops[:, [middle]] + hops[[middle], :])
    return np.minimum(hops, size)
