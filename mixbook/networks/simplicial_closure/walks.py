"""Long-range scores: Katz and personalised PageRank on the projected graph."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse import linalg

from mixbook.core.validation import check_number

__all__ = ["katz_matrix", "katz_scores", "ppr_matrix", "ppr_scores", "spectral_norm"]

DENSE_LIMIT = 6_000  # up to this many nodes, one dense inverse; above, sparse solves
BLOCK = 256  # columns of the inverse that a sparse solve holds at a time


def katz_matrix(w: sparse.csr_array, *, weighted: bool = False) -> tuple[sparse.csr_array, float]:
    """The matrix ``I - beta W`` whose inverse, less I, holds the Katz scores; and beta.

    .. math:: K = (I - \\beta W)^{-1} - I, \\qquad \\beta = \\min(1 / (4 \\sigma_1(W)), 1/2)
    """
    graph = _graph(w, weighted)
    # Eq. (15)
    beta = min(0.25 / spectral_norm(graph), 0.5) if graph.nnz else 0.5
    return sparse.csr_array(sparse.eye_array(w.shape[0]) - beta * graph), beta


def ppr_matrix(
    w: sparse.csr_array, *, weighted: bool = False, alpha: float = 0.85
) -> sparse.csr_array:
    """The matrix ``(I - alpha W D^-1) / (1 - alpha)`` whose inverse is PageRank's F.

    .. math:: F = (1 - \\alpha)(I - \\alpha W D^{-1})^{-1}

    Column j of F is the personalised PageRank of restarts at j; columns of connected nodes sum
    to 1.
    """
    alpha = check_number(alpha, "alpha", low=0, high=1, high_open=True)
    graph = _graph(w, weighted)
    degrees = graph.sum(axis=0)
    scale = np.divide(1.0, degrees, out=np.zeros(len(degrees)), where=degrees > 0)
    # Eq. (16)
    walk = alpha * (graph @ sparse.diags_array(scale))
    return sparse.csr_array((sparse.eye_array(w.shape[0]) - walk) / (1 - alpha))


def katz_scores(
    triangles: Int[np.ndarray, "t 3"], w: sparse.csr_array, *, weighted: bool = False
) -> Float[np.ndarray, " t"]:
    """Sum of Katz's K over the six ordered pairs of each triangle."""
    matrix, _ = katz_matrix(w, weighted=weighted)
    return pair_sums(triangles, matrix)


def ppr_scores(
    triangles: Int[np.ndarray, "t 3"],
    w: sparse.csr_array,
    *,
    weighted: bool = False,
    alpha: float = 0.85,
) -> Float[np.ndarray, " t"]:
    """Sum of PageRank's F over the six ordered pairs of each triangle."""
    return pair_sums(triangles, ppr_matrix(w, weighted=weighted, alpha=alpha))


def pair_sums(
    triples: Int[np.ndarray, "t 3"], matrix: sparse.csr_array, *, absolute: bool = False
) -> Float[np.ndarray, " t"]:
    """Sum of the entries of ``matrix^-1`` over the six ordered pairs of each triple."""
    i, j, k = triples.T
    rows, columns = np.concatenate([i, j, i, k, j, k]), np.concatenate([j, i, k, i, k, j])
    entries = inverse_entries(matrix, rows, columns)
    return (np.abs(entries) if absolute else entries).reshape(6, -1).sum(axis=0)


def inverse_entries(
    matrix: sparse.csr_array, rows: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, " k"]:
    """Entries of the inverse of a sparse matrix, without forming it where it is large."""
    n = matrix.shape[0]
    if n <= DENSE_LIMIT:
        return np.linalg.inv(matrix.toarray())[rows, columns]
    factors = linalg.splu(sparse.csc_array(matrix))
    entries = np.empty(len(rows))
    order = np.argsort(columns, kind="stable")
    wanted, starts = np.unique(columns[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    for first in range(0, len(wanted), BLOCK):
        block = wanted[first : first + BLOCK]
        right = np.zeros((n, len(block)))
        right[block, np.arange(len(block))] = 1
        solved = factors.solve(right)
        part = order[starts[first] : ends[first + len(block) - 1]]
        entries[part] = solved[rows[part], np.searchsorted(block, columns[part])]
    return entries


def spectral_norm(graph: sparse.csr_array) -> float:
    """Largest singular value of a symmetric matrix."""
    if graph.shape[0] <= 500:
        return float(np.abs(np.linalg.eigvalsh(graph.toarray())).max())
    start = np.ones(graph.shape[0])
    return float(abs(linalg.eigsh(graph, k=1, v0=start, return_eigenvectors=False)[0]))


def _graph(w: sparse.csr_array, weighted: bool) -> sparse.csr_array:
    if not isinstance(weighted, bool | np.bool_):
        raise TypeError(f"weighted must be True or False, got {weighted!r}")
    graph = sparse.csr_array(w.astype(float))
    if not weighted:
        graph.data[:] = 1
    return graph
