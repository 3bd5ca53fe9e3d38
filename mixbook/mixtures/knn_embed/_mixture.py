"""A query as a mixture of interests: clusters, weights, components, and their smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from sklearn.cluster import kmeans_plusplus

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.mixtures.knn_embed._checks import (
    as_indices,
    as_interactions,
    as_labels,
    as_neighbours,
    as_vectors,
    unit_rows,
)

__all__ = [
    "POOLS",
    "component_vectors",
    "knn_queries",
    "mixture_weights",
    "smooth_weights",
    "spherical_kmeans",
]

POOLS = ("items", "components")


def spherical_kmeans(
    X: Any,
    n_clusters: int,
    n_init: int = 1,
    max_iter: int = 50,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, "C d"], Int[np.ndarray, " n"]]:
    """Clusters of directions, Eq. (11): centres of length one, items join the most similar centre.

    Seeded by k-means++ on the unit vectors, whose squared distance is twice one minus the cosine. A
    cluster that runs empty takes the item that fits its own centre least.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Rows are scaled to length one; zero rows take no part.
    n_clusters : int
        At most the number of rows that are not zero.
    n_init : int
        Number of starts; the best is kept.
    max_iter : int
    random_state : int, numpy.random.Generator or None

    Returns
    -------
    centers : float array of shape (n_clusters, d)
    labels : int array of shape (n,)
        -1 for zero rows.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    unit = unit_rows(as_vectors(X, "X"))
    placed = np.flatnonzero(unit.any(axis=1))
    if len(placed) == 0:
        raise ValueError("X must have at least one row that is not zero, got none")
    n_clusters = check_integer(n_clusters, "n_clusters", low=1, high=len(placed))
    n_init = check_integer(n_init, "n_init", low=1)
    max_iter = check_integer(max_iter, "max_iter", low=1)
    rng = as_rng(random_state)
    runs = [_lloyd(unit[placed], n_clusters, max_iter, rng) for _ in range(n_init)]
    _, centers, found = max(runs, key=lambda run: run[0])
    labels = np.full(len(unit), -1)
    labels[placed] = found
    return centers, labels


def _lloyd(
    X: Float[np.ndarray, "n d"], C: int, max_iter: int, rng: np.random.Generator
) -> tuple[float, Float[np.ndarray, "C d"], Int[np.ndarray, " n"]]:
    centers, _ = kmeans_plusplus(X, C, random_state=int(rng.integers(2**31)))
    labels = np.full(len(X), -1)
    for _ in range(max_iter):
        before, (fit, labels) = labels, _assign(X, centers)
        if (labels == before).all():
            break
        # Eq. (11)
        centers = unit_rows(_sums(X, labels, C))
        empty = np.flatnonzero(~centers.any(axis=1))
        centers[empty] = X[np.argsort(fit)[: len(empty)]]
    fit, labels = _assign(X, centers)
    return float(fit.sum()), centers, labels


def _assign(
    X: Float[np.ndarray, "n d"], centers: Float[np.ndarray, "C d"]
) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    scores = X @ centers.T
    return scores.max(axis=1), scores.argmax(axis=1)


def _sums(
    X: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], C: int
) -> Float[np.ndarray, "C d"]:
    one_hot = sparse.csr_array((np.ones(len(X)), (labels, np.arange(len(X)))), shape=(C, len(X)))
    return one_hot @ X


def mixture_weights(R: Any, labels: Any, C: int | None = None) -> Float[np.ndarray, "nq C"]:
    """The share of each query's items that lies in each cluster, Eq. (2).

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    labels : int array of shape (nt,)
        Cluster of each item; items with -1 are not counted.
    C : int, optional
        Number of clusters; default the largest label plus one.

    Returns
    -------
    float array of shape (nq, C)
        Rows sum to one, or to zero for a query none of whose items has a cluster.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    table = as_interactions(R)
    C = None if C is None else check_integer(C, "C", low=1)
    found, C = as_labels(labels, table.shape[1], C)
    item = np.flatnonzero(found >= 0)
    one_hot = sparse.csr_array((np.ones(len(item)), (item, found[item])), shape=(table.shape[1], C))
    counts = (table @ one_hot).toarray()
    # Eq. (2)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def knn_queries(Q: Any, k: int, block: int = 2048) -> Int[np.ndarray, "nq k"]:
    """The ``k`` nearest queries of each by cosine, itself first, then from near to far.

    A query without a vector (a zero row) has no neighbours: its row repeats itself ``k`` times.
    Cosines are taken in single precision.

    Parameters
    ----------
    Q : array-like of shape (nq, d)
    k : int
        Including the query itself, so ``k = 1`` is no neighbour at all.
    block : int
        Rows of the similarity matrix held at a time.

    Raises
    ------
    TypeError, ValueError
        If ``Q`` is no finite table, or ``k`` is not in 1 .. nq.
    """
    unit = unit_rows(as_vectors(Q, "Q")).astype(np.float32)
    k = check_integer(k, "k", low=1, high=len(unit))
    block = check_integer(block, "block", low=1)
    if k == 1:
        return np.arange(len(unit))[:, None]
    nbrs = np.concatenate([_nearest(unit, s, min(s + block, len(unit)), k)
                           for s in range(0, len(unit), block)])  # fmt: skip
    return np.where(unit.any(axis=1, keepdims=True), nbrs, np.arange(len(unit))[:, None])


def _nearest(
    unit: Float[np.ndarray, "n d"], start: int, stop: int, k: int
) -> Int[np.ndarray, "b k"]:
    distance = unit[start:stop] @ -unit.T
    distance[np.arange(stop - start), np.arange(start, stop)] = -np.inf
    near = np.argpartition(distance, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(distance, near, axis=1), axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)


def smooth_weights(P: Any, nbrs: Any) -> Float[np.ndarray, "nq C"]:
    """Weights averaged over the nearest queries, Eq. (4).

    A query whose neighbours have no weights at all gets the average of all queries.

    Parameters
    ----------
    P : array-like of shape (nq, C)
        Non-negative; rows sum to one, or to zero where nothing is known.
    nbrs : int array of shape (nq, k)
        As `knn_queries` gives them.

    Returns
    -------
    float array of shape (nq, C)
        Rows sum to one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    weights = as_vectors(P, "P")
    if (weights < 0).any() or not weights.any():
        raise ValueError("P must hold weights >= 0, not all of them zero")
    around = as_neighbours(nbrs, len(weights))
    # Eq. (4)
    smoothed = averaging_matrix(around) @ weights / around.shape[1]
    smoothed[~smoothed.any(axis=1)] = weights.sum(axis=0)
    return smoothed / smoothed.sum(axis=1, keepdims=True)


def averaging_matrix(nbrs: Int[np.ndarray, "m k"], n: int | None = None) -> sparse.csr_array:
    """Row i has a one for each neighbour of query i."""
    m, k = nbrs.shape
    starts = np.arange(0, m * k + 1, k)
    return sparse.csr_array((np.ones(m * k), nbrs.ravel(), starts), shape=(m, n or m))


class Atoms:
    """What is added up into components: vectors that belong to queries and to clusters.

    Attributes
    ----------
    owners : csr_array of shape (nq, n_atoms)
        Weight with which a query holds an atom.
    clusters : int array of shape (n_atoms,)
    vectors : float array of shape (n_atoms, d)
    """

    def __init__(
        self,
        owners: sparse.csr_array,
        clusters: Int[np.ndarray, " a"],
        vectors: Float[np.ndarray, "a d"],
        C: int,
    ) -> None:
        self.owners, self.clusters, self.vectors, self.C = owners, clusters, vectors, C

    @classmethod
    def of_items(
        cls,
        R: sparse.csr_array,
        I: Float[np.ndarray, "nt d"],
        labels: Int[np.ndarray, " nt"],
        C: int,
    ) -> Atoms:
        """Each item that has a cluster is an atom; a query holds those on its list."""
        placed = np.flatnonzero(labels >= 0)
        return cls(sparse.csr_array(R[:, placed]), labels[placed], I[placed], C)

    def as_components(self) -> Atoms:
        """Each component of a query becomes an atom, held with its weight; for Eq. (6)."""
        every = np.arange(self.owners.shape[0])
        q, c, vectors = self.pool(every[:, None])
        counts = self._per_cluster(self.owners)
        weights = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shape = (len(every), len(q))
        owners = sparse.csr_array((weights[q, c], (q, np.arange(len(q)))), shape=shape)
        return Atoms(owners, c, vectors, self.C)

    def _per_cluster(self, owners: sparse.csr_array) -> Float[np.ndarray, "m C"]:
        n = len(self.clusters)
        return (
            owners
            @ sparse.csr_array((np.ones(n), (np.arange(n), self.clusters)), shape=(n, self.C))
        ).toarray()

    def pool(
        self, nbrs: Int[np.ndarray, "m k"]
    ) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"], Float[np.ndarray, "p d"]]:
        """The component of each query (row of ``nbrs``) and cluster: row, cluster, unit vector."""
        # Eq. (3) without neighbours; Eq. (5) where the atoms are items, Eq. (6) where components
        held = sparse.coo_array(averaging_matrix(nbrs, self.owners.shape[0]) @ self.owners)
        row, atom = held.coords
        keys, place = np.unique(row * self.C + self.clusters[atom], return_inverse=True)
        sums = sparse.csr_array((held.data, (place, atom)), shape=(len(keys), len(self.clusters)))
        return keys // self.C, keys % self.C, unit_rows(sums @ self.vectors)


def component_vectors(
    R: Any, I: Any, labels: Any, nbrs: Any, q: int, pool: str = "items"
) -> dict[int, Float[np.ndarray, " d"]]:
    """The components of one query, Eq. (5) or (6); with ``k = 1`` neighbour Eq. (3).

    Parameters
    ----------
    R : sparse or dense matrix of shape (nq, nt)
    I : array-like of shape (nt, d)
        Vectors of the items.
    labels : int array of shape (nt,)
    nbrs : int array of shape (nq, k)
    q : int
        The query.
    pool : {"items", "components"}
        What is averaged over neighbours: all their items, or their components by weight.

    Returns
    -------
    dict
        Cluster -> vector of length one, for the clusters that occur.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    check_choice(pool, "pool", POOLS)
    table = as_interactions(R)
    vectors = unit_rows(as_vectors(I, "I", n_rows=table.shape[1]))
    found, C = as_labels(labels, table.shape[1])
    around = as_neighbours(nbrs, table.shape[0])
    row = as_indices(check_integer(q, "q"), "q", table.shape[0])
    atoms = Atoms.of_items(table, vectors, found, C)
    if pool == "components":
        atoms = atoms.as_components()
    _, clusters, mu = atoms.pool(around[row])
    return dict(zip(clusters.tolist(), mu))
