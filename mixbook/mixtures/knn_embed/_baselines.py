"""What a mixture has to beat: re-ranking for diversity, item neighbours, PureSVD, popularity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import svds

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.knn_embed._checks import (
    as_indices,
    as_interactions,
    as_lists,
    as_vectors,
    check_budget,
    unit_rows,
)
from mixbook.mixtures.knn_embed._kernels import take_best

BLOCK = 128
"""Queries handled at a time: what they need should stay in the processor's cache."""

__all__ = ["item_knn_retrieve", "mmr_rerank", "popularity_retrieve"]


def mmr_rerank(
    lists: Any, q: Any, item_emb: Any, n: int, trade_off: float = 0.5
) -> Int[np.ndarray, "m n"]:
    """Maximal marginal relevance: pick ``n`` from longer lists, one by one, Eq. (14).

    Parameters
    ----------
    lists : int array of shape (m, pool)
        Candidates of each query, e.g. of `unimodal_retrieve`.
    q : array-like of shape (m, d)
        Vectors of the queries.
    item_emb : array-like of shape (nt, d)
    n : int
        At most the length of the lists.
    trade_off : float
        Weight of relevance, in [0, 1]: 1 keeps the most similar items, 0 looks at diversity alone.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    items = unit_rows(as_vectors(item_emb, "item_emb"))
    found = as_lists(lists, "lists", len(items))
    query = unit_rows(as_vectors(q, "q", n_rows=len(found), n_columns=items.shape[1]))
    n = check_integer(n, "n", low=1, high=found.shape[1])
    trade_off = check_number(trade_off, "trade_off", low=0, high=1)
    blocks = range(0, len(found), BLOCK)
    return np.concatenate(
        [_mmr(found[b : b + BLOCK], query[b : b + BLOCK], items, n, trade_off) for b in blocks]
    )


def _mmr(
    found: Int[np.ndarray, "m pool"],
    query: Float[np.ndarray, "m d"],
    items: Float[np.ndarray, "nt d"],
    n: int,
    trade_off: float,
) -> Int[np.ndarray, "m n"]:
    inside = items[found]
    every = np.arange(len(found))

    def similarity(vectors: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m pool"]:
        return (inside @ vectors[:, :, None])[:, :, 0]

    relevance = similarity(query)
    best = relevance.argmax(axis=1)  # the first pick has nothing to be compared with
    redundancy = np.full_like(relevance, -np.inf)
    taken = np.zeros(relevance.shape, dtype=bool)
    picks = np.empty((len(found), n), dtype=np.int64)
    for step in range(n):
        picks[:, step] = found[every, best]
        taken[every, best] = True
        redundancy = np.maximum(redundancy, similarity(inside[every, best]))
        # Eq. (14)
        value = trade_off * relevance - (1 - trade_off) * redundancy
        best = np.where(taken, -np.inf, value).argmax(axis=1)
    return picks


def item_knn_retrieve(R: Any, q_idx: Any, n: int) -> Int[np.ndarray, "m n"]:
    """Items whose readers overlap most with those of the query's items, Eq. (15).

    Uses no vectors. All items count as neighbours, weighted by the cosine of their columns.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    q_idx : int or list of int
    n : int

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(R)
    degree = np.maximum(np.asarray(table.sum(axis=0)), 1)
    scaled = sparse.csr_array(table @ sparse.diags_array(degree**-0.5))
    # Eq. (15); the sum includes the query's own items, which are never retrieved
    return _best_unseen(lambda rows: (scaled[rows] @ table.T @ scaled).toarray(), table, q_idx, n)


def pure_svd_retrieve(
    R: Any,
    q_idx: Any,
    n: int,
    dim: int = 64,
    random_state: int | np.random.Generator | None = None,
) -> Int[np.ndarray, "m n"]:
    """Items with the largest entries in the table's best approximation of rank ``dim``, Eq. (18).

    Also known as PureSVD. Neither the table nor the vectors are scaled, so popular items are
    favoured; every item is scored.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    q_idx : int or list of int
    n : int
    dim : int
        Rank, less than the smaller side of ``R``.
    random_state : int, numpy.random.Generator or None
        For the random start of the decomposition.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(R)
    dim = check_integer(dim, "dim", low=1, high=min(table.shape) - 1)
    start = as_rng(random_state).uniform(-1, 1, min(table.shape))
    _, _, Vt = svds(table, k=dim, v0=start)
    # Eq. (18)
    return _best_unseen(lambda rows: (table[rows] @ Vt.T) @ Vt, table, q_idx, n)


def popularity_retrieve(R: Any, q_idx: Any, n: int) -> Int[np.ndarray, "m n"]:
    """The items on most lists that the query does not have.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    q_idx : int or list of int
    n : int

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(R)
    degree = np.asarray(table.sum(axis=0))
    return _best_unseen(lambda rows: np.tile(degree, (len(rows), 1)), table, q_idx, n)


def _best_unseen(
    score: Callable[[np.ndarray], np.ndarray], table: sparse.csr_array, q_idx: Any, n: int
) -> Int[np.ndarray, "m n"]:
    """The ``n`` best unseen items by scores that ``score`` gives for a block of rows."""
    rows = as_indices(q_idx, "q_idx", table.shape[0])
    n = check_budget(n, "n", table.shape[1] - np.diff(table.indptr)[rows])
    lists = np.empty((len(rows), n), dtype=np.int64)
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        seen = table[part]
        first, quota = np.arange(len(part) + 1), np.full(len(part), n)
        found = lists[start : start + BLOCK]
        take_best(score(part), first, quota, seen.indptr, seen.indices, found)
    return lists
