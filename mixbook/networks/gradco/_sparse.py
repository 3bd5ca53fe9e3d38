"""Graphs as 0-1 matrices, and integer sparse algebra on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int
from scipy import sparse

from mixbook.networks.gradco import _kernels

__all__ = ["as_adjacency", "off_graph", "on_graph", "pairs", "tidy", "weigh_columns"]


def as_adjacency(A: Any, name: str = "A") -> sparse.csr_array:
    """Check a simple undirected graph and hand it on as a 0-1 matrix.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        A graph's nodes keep the order in which networkx lists them, and weights are ignored. A
        matrix must be symmetric, hold only 0 and 1, and have an empty diagonal.

    Returns
    -------
    csr_array of shape (n, n), int64
        Sorted rows, no stored zeros; never the caller's own object.

    Raises
    ------
    TypeError
        If ``A`` is no graph and no numeric matrix.
    ValueError
        If it is empty, directed, has parallel edges, loops, weights, or is not symmetric.
    """
    matrix = _from_networkx(A, name) if hasattr(A, "is_multigraph") else _from_matrix(A, name)
    if matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(f"{name} must be square with at least one node, got shape {matrix.shape}")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if (matrix.data != 1).any():
        raise ValueError(f"{name} must hold only 0 and 1, got {matrix.data[matrix.data != 1][0]}")
    if matrix.diagonal().any():
        raise ValueError(f"{name} must have no loops, got {int(matrix.diagonal().sum())} of them")
    if (matrix != matrix.T).nnz:
        raise ValueError(
            f"{name} must be symmetric (an undirected graph), got a matrix that is not"
        )
    return _int64(matrix)


def _from_networkx(graph: Any, name: str) -> sparse.csr_array:
    import networkx as nx

    if graph.is_directed() or graph.is_multigraph():
        raise ValueError(f"{name} must be an undirected simple graph, got {type(graph).__name__}")
    if len(graph) == 0:
        raise ValueError(f"{name} must have at least one node, got an empty graph")
    return sparse.csr_array(nx.to_scipy_sparse_array(graph, weight=None, dtype=np.int64))


def _from_matrix(A: Any, name: str) -> sparse.csr_array:
    if sparse.issparse(A):
        if A.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold numbers, got dtype {A.dtype}")
        return sparse.csr_array(A, dtype=float, copy=True)
    try:
        dense = np.asarray(A)
    except ValueError as error:  # ragged nested lists
        raise TypeError(f"{name} must be a graph or a rectangular matrix: {error}") from error
    if dense.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be a networkx graph or a numeric matrix, got {type(A).__name__}"
        )
    if dense.ndim != 2:
        raise ValueError(f"{name} must have shape (n, n), got shape {dense.shape}")
    return sparse.csr_array(dense.astype(float))


def _int64(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix, dtype=np.int64)
    matrix.sort_indices()
    return matrix


def on_graph(A: sparse.csr_array, X: sparse.csr_array, Y: sparse.csr_array) -> sparse.csr_array:
    """``A o (X Y)``: the product on the edges only, never formed elsewhere."""
    Yt = sparse.csr_array(Y.T)
    values = _kernels.product_on(A.indptr, A.indices, *_arrays(X), *_arrays(Yt), max(X.shape[1], 1))
    return tidy(sparse.csr_array((values, A.indices.copy(), A.indptr.copy()), shape=A.shape))


def off_graph(
    A: sparse.csr_array,
    X: sparse.csr_array,
    Y: sparse.csr_array,
    minus: sparse.csr_array | None = None,
    rows: slice | None = None,
) -> sparse.csr_array:
    """``non(X Y - minus)``: the product on pairs u != v that are no edge, for some rows.

    The work and the memory are those of the rows asked for.
    """
    n = A.shape[0]
    start, stop, _ = (rows or slice(None)).indices(n)
    minus = sparse.csr_array((n, n), dtype=np.int64) if minus is None else minus
    sizes = np.zeros(stop - start, dtype=np.int64)
    empty = np.empty(0, dtype=A.indices.dtype), np.empty(0, dtype=np.int64)
    call = (A.indptr, A.indices, *_arrays(X), *_arrays(Y), *_arrays(minus), start, stop, sizes)
    _kernels.product_off(*call, empty)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    out = np.empty(indptr[-1], dtype=A.indices.dtype), np.empty(indptr[-1], dtype=np.int64)
    if indptr[-1]:
        _kernels.product_off(*call, out)
    return sparse.csr_array((out[1], out[0], indptr), shape=(stop - start, n))


def weigh_columns(X: sparse.csr_array, weights: Int[np.ndarray, " n"]) -> sparse.csr_array:
    """``X diag(weights)``, which for a 0-1 matrix is ``X o (1 weights^T)``."""
    return tidy(
        sparse.csr_array(
            (X.data * weights[X.indices], X.indices.copy(), X.indptr.copy()), shape=X.shape
        )
    )


def pairs(X: sparse.csr_array) -> sparse.csr_array:
    """``c2(X) = X o (X - 1) / 2``, the number of pairs among X things."""
    return tidy(
        sparse.csr_array((X.data * (X.data - 1) // 2, X.indices.copy(), X.indptr.copy()), X.shape)
    )


def tidy(X: sparse.csr_array) -> sparse.csr_array:
    """Drop stored zeros, in place."""
    X.eliminate_zeros()
    return X


def _arrays(X: sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return X.indptr, X.indices, X.data
