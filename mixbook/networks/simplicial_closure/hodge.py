"""Simplicial personalised PageRank: walks on edges, and their Hodge decomposition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse import linalg

from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_choice, check_number
from mixbook.networks.simplicial_closure._index import SimplexIndex, check_data, decode
from mixbook.networks.simplicial_closure.walks import pair_sums

__all__ = ["PARTS", "EdgeComplex", "edge_complex", "hodge_operator", "hodge_parts"]

PARTS = ("comb", "grad", "curl", "harm")
DENSE_LIMIT = 6_000  # edges


class EdgeComplex(NamedTuple):
    """Edges and closed triangles of a network, with the two boundary maps between them.

    Attributes
    ----------
    edges : int array of shape (E, 2)
        Node ids a < b; edges point from a to b.
    gradient : sparse array of shape (E, n)
        -1 at a and +1 at b for edge (a, b).
    curl : sparse array of shape (T, E)
        For the closed triangle a < b < c: +1 at (a, b) and (b, c), -1 at (a, c).
    """

    edges: Int[np.ndarray, "e 2"]
    gradient: sparse.csr_array
    curl: sparse.csr_array


def edge_complex(data: TemporalSimplices) -> EdgeComplex:
    """Edges of the projected graph and closed triangles of ``data``."""
    index = SimplexIndex.build(check_data(data))
    edges = index.nodes[np.stack(index.edge_nodes(np.arange(len(index.indices))), axis=1)]
    edges = np.sort(edges, axis=1)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    ranks = decode(index.closed_triples[0], index.n, 3)
    triangles = np.sort(index.nodes[np.stack(ranks, axis=1)], axis=1)
    return EdgeComplex(edges, _gradient(edges, data.n_nodes), _curl(triangles, edges, data.n_nodes))


def _gradient(edges: np.ndarray, n_nodes: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(edges)), 2)
    values = np.tile([-1.0, 1.0], len(edges))
    return sparse.csr_array((values, (rows, edges.ravel())), shape=(len(edges), n_nodes))


def _curl(triangles: np.ndarray, edges: np.ndarray, n_nodes: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(triangles)), 3)
    values = np.tile([1.0, 1.0, -1.0], len(triangles))
    sides = edge_numbers(edges, n_nodes, triangles)[:, [0, 2, 1]]  # ab, bc, ac
    return sparse.csr_array((values, (rows, sides.ravel())), shape=(len(triangles), len(edges)))


def edge_numbers(edges: np.ndarray, n_nodes: int, triangles: np.ndarray) -> np.ndarray:
    """Numbers of edges (a, b), (a, c), (b, c) of sorted triangles, shape (T, 3)."""
    known = edges[:, 0] * n_nodes + edges[:, 1]
    a, b, c = triangles.T
    return np.searchsorted(known, np.stack([a * n_nodes + b, a * n_nodes + c, b * n_nodes + c], 1))


def hodge_operator(complex_: EdgeComplex) -> sparse.csr_array:
    """Normalised Hodge Laplacian on edges.

    .. math:: L = (G G^\\top + C^\\top C)\\, D^{-1}, \\qquad
              D_e = \\sum_t |C_{te}| + d_a + d_b \\quad\\text{for the edge } e = (a, b)

    with d the degrees in the projected graph.
    """
    edges, gradient, curl = complex_
    degrees = abs(gradient).sum(axis=0)
    # Eq. (17)
    scale = abs(curl).sum(axis=0) + degrees[edges[:, 0]] + degrees[edges[:, 1]]
    laplacian = gradient @ gradient.T + curl.T @ curl
    return sparse.csr_array(laplacian @ sparse.diags_array(1 / scale))


def hodge_parts(
    complex_: EdgeComplex, s: Float[np.ndarray, "e c"]
) -> dict[str, Float[np.ndarray, "e c"]]:
    """Split edge flows into gradient, curl and harmonic parts, which are mutually orthogonal.

    .. math:: S = G G^+ S + C^\\top (C^\\top)^+ S + S_{harm}

    Parameters
    ----------
    s : float array of shape (E, c)
        One flow a column.
    """
    # Eq. (19)
    grad = _project(complex_.gradient, s)
    curl = _project(sparse.csr_array(complex_.curl.T), s)
    return {"grad": grad, "curl": curl, "harm": s - grad - curl}


def _project(basis: sparse.csr_array, s: np.ndarray) -> np.ndarray:
    """Orthogonal projection of the columns of ``s`` onto the range of ``basis``."""
    if min(basis.shape) > DENSE_LIMIT:
        columns = [linalg.lsqr(basis, column, atol=1e-12, btol=1e-12)[0] for column in s.T]
        return basis @ np.stack(columns, axis=1)
    wide = basis.shape[0] <= basis.shape[1]
    gram = (basis @ basis.T if wide else basis.T @ basis).toarray()
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-9 * max(values.max(initial=0), 1)
    # the range is spanned by eigenvectors of B B^T, or by the images of those of B^T B
    span = vectors[:, kept] if wide else (basis @ vectors[:, kept]) / np.sqrt(values[kept])
    return span @ (span.T @ s)


def simplicial_ppr_scores(
    triangles: Int[np.ndarray, "t 3"],
    old: TemporalSimplices,
    w: sparse.csr_array,
    *,
    alpha: float = 0.85,
    part: str = "comb",
) -> Float[np.ndarray, " t"]:
    """Sum of |S| over the six ordered pairs of the three edges of each triangle.

    .. math:: S = \\beta_0 (\\beta_0 I + L)^{-1}, \\qquad \\beta_0 = 1/\\alpha - 1

    Parameters
    ----------
    alpha : float
        In (0, 1).
    part : {"comb", "grad", "curl", "harm"}
        All of S, or one part of its Hodge decomposition.
    """
    check_choice(part, "part", PARTS)
    alpha = check_number(alpha, "alpha", low=0, high=1, low_open=True, high_open=True)
    complex_ = edge_complex(old)
    beta0 = 1 / alpha - 1
    # Eq. (18)
    matrix = sparse.csr_array(sparse.eye_array(w.nnz // 2) + hodge_operator(complex_) / beta0)
    sides = edge_numbers(complex_.edges, old.n_nodes, np.sort(triangles, axis=1))
    if part == "comb":
        return pair_sums(sides, matrix, absolute=True)
    used, local = np.unique(sides, return_inverse=True)
    columns = _solve_columns(matrix, used)
    flow = hodge_parts(complex_, columns)[part]
    a, b, c = local.reshape(sides.shape).T
    pairs = ((a, b), (b, a), (a, c), (c, a), (b, c), (c, b))
    return np.sum([np.abs(flow[used[x], y]) for x, y in pairs], axis=0)


def _solve_columns(matrix: sparse.csr_array, columns: np.ndarray) -> np.ndarray:
    """Chosen columns of the inverse, shape (E, len(columns))."""
    if matrix.shape[0] <= DENSE_LIMIT:
        return np.linalg.inv(matrix.toarray())[:, columns]
    right = np.zeros((matrix.shape[0], len(columns)))
    right[columns, np.arange(len(columns))] = 1
    return linalg.splu(sparse.csc_array(matrix)).solve(right)
