"""What walks see: powers of the adjacency matrix as sums of orbit adjacencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from mixbook.core.validation import check_integer
from mixbook.networks.gradco._formulas import Kind
from mixbook.networks.gradco._sparse import as_adjacency

__all__ = ["rw_cooccurrence", "seen_by_walks", "walk_counts", "walk_decomposition"]

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
    power, total = P, P
    for _ in range(window - 1):
        power = power @ P
        total = total + power
    # Eq. (26)
    B = sparse.csr_array(sparse.diags_array(degrees) @ total) / window
    return sparse.csr_array((B + B.T) / 2)
