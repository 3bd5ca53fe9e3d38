"""Embeddings of nodes: pointwise mutual information of a co-occurrence, factorised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.sparse.linalg import svds
from sklearn.base import BaseEstimator, TransformerMixin

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.networks.gradco._formulas import Kind
from mixbook.networks.gradco._sparse import as_adjacency
from mixbook.networks.gradco.counting import ORBIT_KINDS, OrbitCounter, check_kind
from mixbook.networks.gradco.walks import rw_cooccurrence

__all__ = ["UNORDERED_KINDS", "OrbitPMIEmbedding", "RandomWalkPMIEmbedding", "pmi"]

UNORDERED_KINDS: tuple[Kind, ...] = tuple(kind for kind in ORBIT_KINDS if kind[1] <= kind[2])
"""The 20 kinds that differ once (a, b) and (b, a) are added up."""


def pmi(B: Any, positive: bool = True) -> sparse.csr_array:
    """Pointwise mutual information of a co-occurrence matrix.

    ``PMI_uv = log(B_uv vol / (r_u c_v))`` with row sums r, column sums c and ``vol = sum B``; zero
    where ``B_uv = 0``. For a symmetric B, r = c.

    Parameters
    ----------
    B : sparse or dense matrix of shape (n, n)
        Non-negative.
    positive : bool
        Replace negative values by zero.

    Returns
    -------
    csr_array of shape (n, n)

    Raises
    ------
    TypeError
        If ``B`` is no numeric matrix.
    ValueError
        If it is not square, or has negative or non-finite entries.
    """
    counts = _as_counts(B)
    if counts.nnz == 0:
        return counts
    rows, columns = (np.asarray(counts.sum(axis=axis)) for axis in (1, 0))
    u = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    # Eq. (27)
    values = np.log(counts.data) + np.log(counts.sum())
    values -= np.log(rows[u]) + np.log(columns[counts.indices])
    if positive:
        values = np.maximum(values, 0)
    out = sparse.csr_array((values, counts.indices, counts.indptr), shape=counts.shape)
    out.eliminate_zeros()
    return out


def _as_counts(B: Any) -> sparse.csr_array:
    try:
        counts = sparse.csr_array(B, dtype=float, copy=True)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"B must be a sparse or dense matrix of numbers, got {type(B).__name__}"
        ) from error
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"B must have shape (n, n), got shape {counts.shape}")
    if not np.isfinite(counts.data).all() or (counts.data < 0).any():
        raise ValueError("B must hold finite counts >= 0, got negative or non-finite entries")
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return counts


def factorise(
    X: sparse.csr_array, dim: int, random_state: int | np.random.Generator | None = None
) -> tuple[Float[np.ndarray, "n dim"], Float[np.ndarray, " dim"]]:
    """``U_d sqrt(S_d)`` of a truncated singular value decomposition, and ``S_d``.

    Singular values fall, and the entry of largest size in each column is positive. Columns beyond
    the rank are zero.
    """
    if 3 * dim > min(X.shape):
        U, S, _ = np.linalg.svd(X.toarray(), full_matrices=False)
        U, S = U[:, :dim], S[:dim]
    else:
        start = as_rng(random_state).uniform(-1, 1, min(X.shape))
        U, S, _ = svds(X, k=dim, v0=start)
        order = np.argsort(-S)
        U, S = U[:, order], S[order]
    S = S * (S.max() * 1e-10 < S)
    signs = np.sign(U[np.abs(U).argmax(axis=0), np.arange(len(S))])
    # Eq. (28)
    return U * signs * np.sqrt(S), S


class _PMIEmbedding(TransformerMixin, BaseEstimator):
    """What the embeddings share: PMI matrices side by side, one factorisation."""

    dim: int
    random_state: int | np.random.Generator | None

    def fit(self, A: Any, y: None = None) -> _PMIEmbedding:
        """Embed the nodes of a graph; see :meth:`fit_transform`."""
        self.fit_transform(A)
        return self

    def fit_transform(self, A: Any, y: None = None) -> Float[np.ndarray, "n dim"]:
        """Embed the nodes of a graph.

        Parameters
        ----------
        A : networkx.Graph, sparse or dense matrix of shape (n, n)
        y : ignored

        Returns
        -------
        float array of shape (n, dim)

        Raises
        ------
        TypeError, ValueError
            If ``A`` is not a simple undirected graph, ``dim`` is not between 1 and n, or the
            ``kind`` or ``window`` does not exist.
        """
        matrix = self._checked(A)
        tables = [pmi(B) for B in self._cooccurrences(matrix)]
        n = matrix.shape[0]
        joined = sparse.csr_array(sparse.hstack(tables)) if tables else sparse.csr_array((n, n))
        if joined.nnz == 0:
            self.embedding_, self.singular_values_ = np.zeros((n, self.dim)), np.zeros(self.dim)
        else:
            self.embedding_, self.singular_values_ = factorise(joined, self.dim, self.random_state)
        return self.embedding_

    def _cooccurrences(self, A: sparse.csr_array) -> Iterable[sparse.csr_array]:
        raise NotImplementedError

    def _checked(self, A: Any) -> sparse.csr_array:
        matrix = as_adjacency(A)
        check_integer(self.dim, "dim", low=1)
        if self.dim > matrix.shape[0]:
            raise ValueError(
                f"dim must be at most the number of nodes, got {self.dim} for {matrix.shape[0]}"
            )
        return matrix


class OrbitPMIEmbedding(_PMIEmbedding):
    """GOPMI: nodes that often share a pair of orbits come to lie in similar directions.

    The orbit adjacency B of one kind, symmetrised ``B + B^T`` where its orbits differ, is turned
    into positive PMI, and that into ``X = U_d sqrt(S_d)``.

    Parameters
    ----------
    kind : (hop, orbit, orbit) or "all"
        Which co-occurrence. ``"all"`` puts the PMI matrices of all usable kinds side by side and
        factorises them together.
    dim : int
        d, at most the number of nodes.
    random_state : int, numpy.random.Generator or None
        Start of the iterative decomposition of large matrices. The result depends on it only in
        the last digits, unless singular values coincide, as they do in very symmetric graphs: then
        any basis of their common space is as good.

    Attributes
    ----------
    embedding_ : float array of shape (n, dim)
        Nodes on no such orbit get the zero vector. The first k columns are the embedding with
        ``dim=k``.
    singular_values_ : float array of shape (dim,)
    kinds_ : list
        Kinds that were used.
    dropped_kinds_ : list
        Kinds with fewer than n non-zero entries, whose PMI is noise. ``"all"`` leaves them out; a
        single kind is used all the same.
    """

    def __init__(
        self,
        kind: Any = (1, 5, 5),
        dim: int = 64,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.kind = kind
        self.dim = dim
        self.random_state = random_state

    def _cooccurrences(self, A: sparse.csr_array) -> Iterable[sparse.csr_array]:
        every = isinstance(self.kind, str) and self.kind == "all"
        wanted = UNORDERED_KINDS if every else (check_kind(self.kind),)
        counter = OrbitCounter(A)
        counts = {kind: _symmetric(counter.matrix(kind), kind) for kind in wanted}
        self.dropped_kinds_ = [k for k, B in counts.items() if B.nnz < A.shape[0]]
        self.kinds_ = [k for k in wanted if not every or k not in self.dropped_kinds_]
        return (counts[kind] for kind in self.kinds_)


def _symmetric(B: sparse.csr_array, kind: Kind) -> sparse.csr_array:
    return B if kind[1] == kind[2] else sparse.csr_array(B + B.T)


class RandomWalkPMIEmbedding(_PMIEmbedding):
    """RWPMI: nodes that often occur close together on random walks come to lie close together.

    The same factorisation of the co-occurrence that :func:`rw_cooccurrence` computes.

    Parameters
    ----------
    window : int
        L: 1 to 3 match graphlets of at most four nodes, 10 is DeepWalk's usual window.
    dim : int
        d, at most the number of nodes.
    random_state : int, numpy.random.Generator or None
        As in :class:`OrbitPMIEmbedding`.

    Attributes
    ----------
    embedding_ : float array of shape (n, dim)
    singular_values_ : float array of shape (dim,)
    """

    def __init__(
        self,
        window: int = 3,
        dim: int = 64,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.window = window
        self.dim = dim
        self.random_state = random_state

    def _cooccurrences(self, A: sparse.csr_array) -> Iterable[sparse.csr_array]:
        check_integer(self.window, "window", low=1)
        return [rw_cooccurrence(A, self.window)]
