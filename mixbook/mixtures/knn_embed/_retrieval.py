"""Spending a budget: how many items each component may fetch, and which ones it fetches."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.mixtures.knn_embed._checks import (
    as_interactions,
    as_vectors,
    check_budget,
    unit_rows,
)
from mixbook.mixtures.knn_embed._kernels import take_best, take_listed

__all__ = ["INDICES", "METHODS", "Catalogue", "allocate", "unimodal_retrieve"]

METHODS = ("largest_remainder", "multinomial")
INDICES = ("exact", "faiss")
BLOCK = 512
"""Components scored at a time; at 17,000 items a block takes 35 MB."""


def allocate(
    p: Any,
    budget: int,
    method: str = "largest_remainder",
    generator: int | np.random.Generator | None = None,
) -> Int[np.ndarray, "*rows C"]:
    """Split a budget in proportion to weights, Eq. (7).

    Parameters
    ----------
    p : array-like of shape (C,) or (rows, C)
        Non-negative weights; each row is scaled to sum to one.
    budget : int
        At least 0.
    method : {"largest_remainder", "multinomial"}
        Round down and give what is left to the largest remainders (ties: lower cluster); or draw.
    generator : int, numpy.random.Generator or None
        For the draw.

    Returns
    -------
    int array of the shape of ``p``
        Each row sums to ``budget``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    check_choice(method, "method", METHODS)
    budget = check_integer(budget, "budget", low=0)
    given = np.asarray(p)
    rows = as_vectors(given[None] if given.ndim == 1 else given, "p")
    total = rows.sum(axis=1, keepdims=True)
    if (rows < 0).any() or (total <= 0).any():
        raise ValueError("p must hold weights >= 0 with a positive sum in each row")
    share = rows / total
    if method == "multinomial":
        counts = as_rng(generator).multinomial(budget, share)
    else:
        counts = _largest_remainder(share, budget)
    return counts.reshape(given.shape)


def _largest_remainder(share: Float[np.ndarray, "m C"], budget: int) -> Int[np.ndarray, "m C"]:
    # Eq. (7); remainders are rounded, so that ties are ties in spite of floating point
    counts = np.floor(budget * share).astype(np.int64)
    left = budget - counts.sum(axis=1, keepdims=True)
    remainder = np.round(budget * share - counts, 9)
    rank = np.argsort(np.argsort(-remainder, axis=1, kind="stable"), axis=1)
    return counts + (rank < left)


class Catalogue:
    """The items that can be retrieved, searched in full or through a faiss index.

    Parameters
    ----------
    vectors : float array of shape (nt, d)
        Unit vectors; zero rows are never retrieved.
    index : {"exact", "faiss"}
    n_probe : int
        Cells of the faiss index that are searched.
    seed : int
    """

    def __init__(
        self, vectors: Float[np.ndarray, "nt d"], index: str, n_probe: int = 16, seed: int = 0
    ) -> None:
        self.items = np.flatnonzero(vectors.any(axis=1))
        self.vectors = np.ascontiguousarray(vectors[self.items], dtype=np.float32)
        self.faiss: Any = _build_index(self.vectors, n_probe, seed) if index == "faiss" else None

    def seen_by(self, R: sparse.csr_array) -> sparse.csr_array:
        """What queries have already, in the numbering of the catalogue."""
        return sparse.csr_array(R[:, self.items])

    def fill(
        self,
        q: Float[np.ndarray, "c d"],
        first: Int[np.ndarray, " m1"],
        quota: Int[np.ndarray, " c"],
        seen: sparse.csr_array,
        n: int,
    ) -> Int[np.ndarray, "m n"]:
        """Lists of queries whose components ``first[u]`` to ``first[u + 1] - 1`` choose in turn."""
        lists = np.empty((len(first) - 1, n), dtype=np.int64)
        q = np.ascontiguousarray(q, dtype=np.float32)
        if self.faiss is None:
            todo = np.arange(len(lists))
        else:
            todo = self._fill_from_index(q, first, quota, seen, lists)
        for users in _blocks(todo, first):
            rows, starts = _components_of(users, first)
            part = seen[users]
            found = np.empty((len(users), n), dtype=np.int64)
            take_best(
                q[rows] @ self.vectors.T, starts, quota[rows], part.indptr, part.indices, found
            )
            lists[users] = found
        return self.items[lists]

    def _fill_from_index(
        self,
        q: Float[np.ndarray, "c d"],
        first: Int[np.ndarray, " m1"],
        quota: Int[np.ndarray, " c"],
        seen: sparse.csr_array,
        lists: Int[np.ndarray, "m n"],
    ) -> Int[np.ndarray, " short"]:
        """Fill what the index can fill; return the queries for which it gave too few."""
        need = np.diff(seen.indptr) + lists.shape[1]  # no component looks further down than this
        width = np.minimum(2 ** np.ceil(np.log2(need)), len(self.items)).astype(np.int64)
        short = []
        for m in np.unique(width):
            users = np.flatnonzero(width == m)
            rows, starts = _components_of(users, first)
            _, candidates = self.faiss.search(q[rows], int(m))
            part = seen[users]
            found = np.empty((len(users), lists.shape[1]), dtype=np.int64)
            failed = take_listed(
                candidates, starts, quota[rows], part.indptr, part.indices, len(self.items), found
            )
            lists[users] = found
            short.append(users[failed])
        return np.concatenate(short)


def _build_index(vectors: Float[np.ndarray, "nt d"], n_probe: int, seed: int) -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            'index="faiss" needs faiss-cpu: pip install "mixbook[mixtures]"'
        ) from error
    n, d = vectors.shape
    n_cells = max(1, min(round(n**0.5), n // 40))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, n_cells, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed
    index.train(vectors)
    index.add(vectors)
    index.nprobe = min(n_probe, n_cells)
    return index


def _blocks(users: Int[np.ndarray, " u"], first: Int[np.ndarray, " m1"]) -> list[Any]:
    """Queries in groups of at most about ``BLOCK`` components."""
    if len(users) == 0:
        return []
    group = np.cumsum(np.diff(first)[users]) // BLOCK
    return np.split(users, np.flatnonzero(np.diff(group)) + 1)


def _components_of(
    users: Int[np.ndarray, " u"], first: Int[np.ndarray, " m1"]
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " u1"]]:
    counts = first[users + 1] - first[users]
    starts = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(starts[-1]) - np.repeat(starts[:-1] - first[users], counts)
    return rows, starts


def unimodal_retrieve(
    q: Any, item_emb: Any, seen: Any, n: int, index: str = "exact", n_probe: int = 16
) -> Int[np.ndarray, "m n"]:
    """The usual way: the ``n`` unseen items nearest to one vector of each query.

    Parameters
    ----------
    q : array-like of shape (m, d)
        One vector a query; their length does not matter.
    item_emb : array-like of shape (nt, d)
        Scaled to length one; zero rows are never retrieved.
    seen : sparse or dense matrix of shape (m, nt)
        Items to skip.
    n : int
    index : {"exact", "faiss"}
    n_probe : int
        Cells of the faiss index that are searched.

    Returns
    -------
    int array of shape (m, n)
        Best first; ties by lower id.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    ImportError
        If faiss is asked for and missing.
    """
    check_choice(index, "index", INDICES)
    n_probe = check_integer(n_probe, "n_probe", low=1)
    items = as_vectors(item_emb, "item_emb")
    vectors = as_vectors(q, "q", n_columns=items.shape[1])
    table = as_interactions(seen, "seen")
    if table.shape != (len(vectors), len(items)):
        raise ValueError(f"seen must have shape {(len(vectors), len(items))}, got {table.shape}")
    catalogue = Catalogue(unit_rows(items), index, n_probe)
    known = catalogue.seen_by(table)
    n = check_budget(n, "n", len(catalogue.items) - np.diff(known.indptr))
    first = np.arange(len(vectors) + 1)
    return catalogue.fill(vectors, first, np.full(len(vectors), n), known, n)
