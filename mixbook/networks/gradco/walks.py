"""What walks see: powers of the adjacency matrix as sums of orbit adjacencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from scipy import sparse

from mixbook.core.validation import check_integer
from mixbook.networks.gradco._formulas import Kind
from mixbook.networks.gradco._sparse import as_adjacency
from mixbook.networks.gradco.counting import OrbitCounter, check_kind

__all__ = [
    "WalkTwins",
    "rw_cooccurrence",
    "seen_by_walks",
    "walk_counts",
    "walk_decomposition",
    "walk_twins",
]

# Walks whose nodes are all different.
_PATHS: dict[int, dict[Kind, int]] = {
    1: {(1, 0, 0): 1},
    # Eq. (23)
    2: {(2, 1, 1): 1, (1, 3, 3): 1},
    # Eq. (24)
    3: {
        (3, 4, 4): 1,
        (1, 8, 8): 1,
        (2, 9, 10): 1,
        (2, 10, 9): 1,
        (2, 12, 12): 2,
        (1, 12, 13): 1,
        (1, 13, 12): 1,
        (1, 14, 14): 2,
    },
}
# Walks of three steps that come back to a node: d_u + d_v - 1 on each edge, written in kinds.
# Eq. (25)
_RETURNS: dict[Kind, int] = {(1, 0, 0): 1, (1, 1, 2): 1, (1, 2, 1): 1, (1, 3, 3): 2}


def walk_counts(A: Any, length: int) -> sparse.csr_array:
    """Number of walks of a given length between each pair of nodes, ``A^length``.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
    length : int
        Number of steps, at least 1.

    Returns
    -------
    csr_array of shape (n, n), int64
    """
    matrix, length = as_adjacency(A), check_integer(length, "length", low=1)
    power = matrix
    for _ in range(length - 1):
        power = power @ matrix
    return sparse.csr_array(power)


def walk_decomposition(length: int, *, paths_only: bool = False) -> dict[Kind, int]:
    """Coefficients with which walks blend orbit adjacencies.

    Off the diagonal, ``A^length = sum_kind coefficient * orbit adjacency``.

    Parameters
    ----------
    length : int
        1, 2 or 3 steps.
    paths_only : bool
        Count only walks whose nodes are all different.

    Returns
    -------
    dict of kind to int
    """
    length = check_integer(length, "length", low=1, high=3)
    blend = dict(_PATHS[length])
    if length == 3 and not paths_only:
        for kind, times in _RETURNS.items():
            blend[kind] = blend.get(kind, 0) + times
    return blend


def seen_by_walks(max_length: int = 3) -> set[Kind]:
    """Kinds that appear in some power of A up to ``max_length`` (1, 2 or 3)."""
    max_length = check_integer(max_length, "max_length", low=1, high=3)
    return {kind for length in range(1, max_length + 1) for kind in walk_decomposition(length)}


@dataclass(frozen=True)
class WalkTwins:
    """Pairs of nodes grouped by what short walks say about them.

    Attributes
    ----------
    pairs : int array of shape (p, 2)
        All pairs ``u < v``.
    classes : int array of shape (p,)
        Pairs in one class have equal walk counts and equal degrees.
    values : int array of shape (p,)
        Orbit adjacency of each pair, ``B_uv + B_vu`` where its orbits differ.
    """

    pairs: Int[np.ndarray, "p 2"]
    classes: Int[np.ndarray, " p"]
    values: Int[np.ndarray, " p"]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.classes.max()) + 1

    @property
    def split(self) -> Int[np.ndarray, " k"]:
        """Classes within which the orbit adjacency takes more than one value."""
        low, high = np.full(self.n_classes, np.iinfo(np.int64).max), np.zeros(self.n_classes)
        np.minimum.at(low, self.classes, self.values)
        np.maximum.at(high, self.classes, self.values)
        return np.flatnonzero(low < high)


def walk_twins(A: Any, kind: Any, max_length: int = 3) -> WalkTwins:
    """Which pairs of nodes walks cannot tell apart, and what an orbit adjacency says about them.

    Two pairs are in one class if ``(A^l)_uv`` agrees for every ``l <= max_length`` and so do the
    degrees of their two nodes.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        At least two nodes; all n (n - 1) / 2 pairs are listed.
    kind : (hop, orbit, orbit)
    max_length : int
        Longest walk, at least 1.

    Returns
    -------
    WalkTwins
    """
    counter, kind = OrbitCounter(A), check_kind(kind)
    check_integer(max_length, "max_length", low=1)
    if counter.n_nodes < 2:
        raise ValueError("A must have at least two nodes to form a pair, got 1")
    u, v = np.triu_indices(counter.n_nodes, 1)
    degrees = np.asarray(counter.A.sum(axis=1))
    ends = np.sort(np.stack([degrees[u], degrees[v]]), axis=0)
    walks = [walk_counts(counter.A, l).toarray()[u, v] for l in range(1, max_length + 1)]
    _, classes = np.unique(np.stack([*walks, *ends], axis=1), axis=0, return_inverse=True)
    B = counter.matrix(kind).toarray()
    values = B[u, v] if kind[1] == kind[2] else B[u, v] + B[v, u]
    return WalkTwins(np.stack([u, v], axis=1), classes.ravel(), values)


def rw_cooccurrence(A: Any, window: int) -> sparse.csr_array:
    """How often two nodes occur within a window of a long random walk.

    ``B = D R`` with ``R = (1/L) sum_{l=1..L} P^l`` and ``P = D^-1 A``: proportional to the expected
    number of times that v follows u by at most L steps.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        Isolated nodes get an empty row.
    window : int
        L, the largest number of steps; at least 1.

    Returns
    -------
    csr_array of shape (n, n)
        Symmetric; its rows sum to the degrees.
    """
    matrix, window = as_adjacency(A), check_integer(window, "window", low=1)
    degrees = np.asarray(matrix.sum(axis=1)).astype(float)
    inverse = np.divide(1.0, degrees, out=np.zeros_like(degrees), where=degrees > 0)
    P = sparse.diags_array(inverse) @ matrix
    total = P
    for _ in range(window - 1):  # Horner's scheme: P + P^2 + ... = P + P (P + ...)
        if sparse.issparse(total) and 10 * total.nnz > np.prod(total.shape):
            total = total.toarray()  # nearly full: faster from here
        total = P @ total + P
    # Eq. (26)
    B = sparse.csr_array(sparse.diags_array(degrees) @ total) / window
    return sparse.csr_array((B + B.T) / 2)
