"""Splits and measures: recall, diversity by vectors and by tags, entropy of interests."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer, check_number
from mixbook.mixtures.knn_embed._checks import as_interactions, as_lists, as_vectors, unit_rows

__all__ = ["interest_entropy", "leave_out_split", "list_diversity", "recall_at", "tag_diversity"]

BLOCK = 512
"""Lists compared by tags at a time."""


def leave_out_split(
    R: Any,
    keep: int | None = None,
    frac: float | None = None,
    random_state: int | np.random.Generator | None = None,
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Hide a part of each query's items at random.

    Give ``keep`` (items that stay, the rest is tested) or ``frac`` (share that is tested, rounded,
    at least one item). Every query keeps at least one item for training; a query with no more than
    ``keep`` items has none for testing.

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    keep : int, optional
    frac : float, optional
        In (0, 1).
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    train, test : csr_arrays of the shape of ``R``
        They sum to the 0-1 table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or not exactly one of the two is given.
    """
    if (keep is None) == (frac is None):
        raise ValueError(f"give either keep or frac, got keep={keep!r} and frac={frac!r}")
    table = as_interactions(R)
    degree = np.diff(table.indptr)
    if keep is not None:
        stay = np.minimum(check_integer(keep, "keep", low=1), degree)
    else:
        share = check_number(frac, "frac", low=0, high=1, low_open=True, high_open=True)
        hidden = np.maximum(np.round(share * degree), 1).astype(np.int64)
        stay = np.maximum(degree - hidden, np.minimum(degree, 1))
    row = np.repeat(np.arange(len(degree)), degree)
    order = np.lexsort((as_rng(random_state).random(table.nnz), row))
    rank = np.arange(table.nnz) - table.indptr[row]
    trained = np.empty(table.nnz, dtype=bool)
    trained[order] = rank < stay[row]

    def part(chosen: np.ndarray) -> sparse.csr_array:
        where = (row[chosen], table.indices[chosen])
        return sparse.csr_array((np.ones(chosen.sum()), where), shape=table.shape)

    return part(trained), part(~trained)


def recall_at(lists: Any, test: Any) -> Float[np.ndarray, " m"]:
    """The share of each query's hidden items that its list holds, Eq. (12).

    Parameters
    ----------
    lists : int array of shape (m, n)
        As retrieved.
    test : sparse or dense matrix of shape (m, nt)
        Hidden items, one row a list; each row holds at least one.

    Returns
    -------
    float array of shape (m,)
        Recall@n is its mean.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    hidden = as_interactions(test, "test")
    found = as_lists(lists, "lists", hidden.shape[1])
    if len(found) != hidden.shape[0]:
        raise ValueError(f"test must have {len(found)} rows, one a list, got {hidden.shape[0]}")
    degree = np.diff(hidden.indptr)
    if (degree == 0).any():
        raise ValueError(f"test must hold an item in each row, but row {degree.argmin()} has none")
    # Eq. (12)
    return _indicator(found, hidden.shape[1]).multiply(hidden).sum(axis=1) / degree


def _indicator(found: Int[np.ndarray, "m n"], n_items: int) -> sparse.csr_array:
    m, n = found.shape
    starts = np.arange(0, m * n + 1, n)
    return sparse.csr_array((np.ones(m * n), found.ravel(), starts), shape=(m, n_items))


def list_diversity(lists: Any, item_emb: Any) -> Float[np.ndarray, " m"]:
    """Mean cosine distance between the items of each list, Eq. (13).

    Parameters
    ----------
    lists : int array of shape (m, n)
        ``n`` at least 2.
    item_emb : array-like of shape (nt, d)
        Scaled to length one; a zero row counts as at right angles to everything.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    items = unit_rows(as_vectors(item_emb, "item_emb"))
    found = _lists_of_two(lists, len(items))
    n = found.shape[1]
    inside = _indicator(found, len(items))
    # Eq. (13): the sum over pairs is the squared length of the sum, less the diagonal
    total = ((inside @ items) ** 2).sum(axis=1) - inside @ (items**2).sum(axis=1)
    return 1 - total / (n * (n - 1))


def _lists_of_two(lists: Any, n_items: int) -> Int[np.ndarray, "m n"]:
    found = as_lists(lists, "lists", n_items)
    if found.shape[1] < 2:
        raise ValueError("lists must hold at least 2 items each, got 1")
    return found


def tag_diversity(lists: Any, tags: Any) -> Float[np.ndarray, " m"]:
    """Mean Jaccard distance of the tag sets of the items of each list, Eq. (16).

    It knows nothing of the vectors with which lists are made. Items without tags are left out.

    Parameters
    ----------
    lists : int array of shape (m, n)
    tags : sparse or dense matrix of shape (nt, n_tags)
        Positive where an item has a tag.

    Returns
    -------
    float array of shape (m,)
        NaN for a list with fewer than two tagged items.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(tags, "tags")
    found = _lists_of_two(lists, table.shape[0])
    blocks = range(0, len(found), BLOCK)
    return np.concatenate([_mean_jaccard(found[b : b + BLOCK], table) for b in blocks])


def _mean_jaccard(
    found: Int[np.ndarray, "m n"], table: sparse.csr_array
) -> Float[np.ndarray, " m"]:
    pairs = np.triu_indices(found.shape[1], 1)
    a, b = (found[:, side].ravel() for side in pairs)
    size = np.diff(table.indptr)
    common = table[a].multiply(table[b]).sum(axis=1)
    tagged = (size[a] > 0) & (size[b] > 0)
    # Eq. (16)
    distance = np.where(tagged, 1 - common / np.maximum(size[a] + size[b] - common, 1), 0.0)
    total, count = (x.reshape(len(found), -1).sum(axis=1) for x in (distance, tagged))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interest_entropy(P: Any) -> Float[np.ndarray, " m"]:
    """Entropy of weights in nats, Eq. (17); zero for a single interest.

    Parameters
    ----------
    P : array-like of shape (m, C)
        Non-negative; rows are scaled to sum to one.

    Raises
    ------
    TypeError, ValueError
        If ``P`` is no such table.
    """
    weights = as_vectors(P, "P")
    total = weights.sum(axis=1, keepdims=True)
    if (weights < 0).any() or (total <= 0).any():
        raise ValueError("P must hold weights >= 0 with a positive sum in each row")
    p = weights / total
    # Eq. (17)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=1)
