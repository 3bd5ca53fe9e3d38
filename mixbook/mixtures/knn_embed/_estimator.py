"""The whole method as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer
from mixbook.mixtures.knn_embed._checks import (
    as_indices,
    as_interactions,
    as_vectors,
    check_budget,
    unit_rows,
)
from mixbook.mixtures.knn_embed._embeddings import svd_embeddings
from mixbook.mixtures.knn_embed._mixture import (
    POOLS,
    Atoms,
    knn_queries,
    mixture_weights,
    smooth_weights,
    spherical_kmeans,
)
from mixbook.mixtures.knn_embed._retrieval import INDICES, METHODS, Catalogue, allocate

__all__ = ["KNNEmbed"]


class KNNEmbed(BaseEstimator):
    """Retrieval with a smoothed mixture of interests instead of one vector a query.

    Parameters
    ----------
    n_clusters : int
        Number of interests C into which the items are clustered. 1 gives one component: the mean of
        the items (with ``k = 1``).
    k : int
        Queries averaged over, itself included; 1 is the plain mixture without smoothing.
    n_candidates : int
        Length of the lists where `retrieve` is not told another.
    index : {"exact", "faiss"}
        Score all items, or look them up in an inverted file of faiss (approximate).
    pool : {"items", "components"}
        What is averaged over neighbours, Eq. (5) or (6).
    allocation : {"largest_remainder", "multinomial"}
        How the budget is split, Eq. (7), or drawn.
    dim : int
        Dimensions of the default SVD vectors, used where `fit` is given none.
    n_probe : int
        Cells of the faiss index that are searched.
    random_state : int, numpy.random.Generator or None

    Attributes
    ----------
    query_vectors_, item_vectors_ : float arrays of shapes (nq, d) and (nt, d)
        Of unit length; zero where nothing is known.
    centers_ : float array of shape (C, d)
    labels_ : int array of shape (nt,)
        Interest of each item; -1 for items without a vector, which are never retrieved.
    neighbours_ : int array of shape (nq, k)
    weights_ : float array of shape (nq, C)
        Smoothed weights, Eq. (4).
    """

    def __init__(
        self,
        n_clusters: int = 64,
        k: int = 5,
        n_candidates: int = 50,
        index: str = "exact",
        pool: str = "items",
        allocation: str = "largest_remainder",
        dim: int = 64,
        n_probe: int = 16,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.k = k
        self.n_candidates = n_candidates
        self.index = index
        self.pool = pool
        self.allocation = allocation
        self.dim = dim
        self.n_probe = n_probe
        self.random_state = random_state

    def fit(self, R: Any, item_emb: Any = None, query_emb: Any = None) -> KNNEmbed:
        """Cluster the items, find neighbours, smooth.

        Parameters
        ----------
        R : sparse or dense matrix of shape (nq, nt)
            Positive where query and item are joined: the training pairs.
        item_emb : array-like of shape (nt, d), optional
            Default: `svd_embeddings` of ``R``.
        query_emb : array-like of shape (nq, d), optional
            Default: the SVD's where the items are the SVD's, else the mean of each query's items.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        ImportError
            If faiss is asked for and missing.
        """
        check_choice(self.index, "index", INDICES)
        check_choice(self.pool, "pool", POOLS)
        check_choice(self.allocation, "allocation", METHODS)
        check_integer(self.n_candidates, "n_candidates", low=1)
        n_probe = check_integer(self.n_probe, "n_probe", low=1)
        table = as_interactions(R)
        k = check_integer(self.k, "k", low=1, high=table.shape[0])
        rng = as_rng(self.random_state)
        self._embed(table, item_emb, query_emb, rng)
        self.centers_, self.labels_ = spherical_kmeans(
            self.item_vectors_, self.n_clusters, random_state=rng
        )
        self._plain = mixture_weights(table, self.labels_, self.n_clusters)
        if not self._plain.any():
            raise ValueError("R must join a query with an item that has a vector, got none")
        self._nearest = knn_queries(self.query_vectors_, k)
        self._smooth(k)
        atoms = Atoms.of_items(table, self.item_vectors_, self.labels_, self.n_clusters)
        self._atoms = atoms.as_components() if self.pool == "components" else atoms
        seed = int(rng.integers(2**31))
        self._catalogue = Catalogue(self.item_vectors_, self.index, n_probe, seed)
        self._seen = self._catalogue.seen_by(table)
        return self

    def _embed(self, table: Any, item_emb: Any, query_emb: Any, rng: np.random.Generator) -> None:
        nq, nt = table.shape
        if item_emb is None:
            if query_emb is not None:
                raise ValueError("query_emb was given without item_emb; give both or neither")
            dim = check_integer(self.dim, "dim", low=1, high=min(nq, nt))
            self.query_vectors_, self.item_vectors_ = svd_embeddings(table, dim, rng)
            return
        items = unit_rows(as_vectors(item_emb, "item_emb", n_rows=nt))
        queries = table @ items
        if query_emb is not None:
            queries = as_vectors(query_emb, "query_emb", n_rows=nq)
        self.query_vectors_, self.item_vectors_ = unit_rows(queries), items

    def resmooth(self, k: int) -> KNNEmbed:
        """Average over another number of neighbours, with everything else as fitted.

        Parameters
        ----------
        k : int
            Including the query itself.

        Raises
        ------
        TypeError, ValueError
            If ``k`` is not in 1 .. nq.
        NotFittedError
            If `fit` has not been called.
        """
        self._check_fitted()
        self._smooth(check_integer(k, "k", low=1, high=len(self.weights_)))
        self.k = k
        return self

    def _smooth(self, k: int) -> None:
        if k > self._nearest.shape[1]:
            self._nearest = knn_queries(self.query_vectors_, k)
        self.neighbours_ = self._nearest[:, :k]
        self.weights_ = smooth_weights(self._plain, self.neighbours_)

    def components(self, q_idx: Any) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"], Any]:
        """The smoothed components of queries: position in ``q_idx``, cluster, unit vector.

        A query whose neighbourhood holds no located item gets the cluster centres.

        Raises
        ------
        TypeError, ValueError
            If ``q_idx`` is no list of queries.
        NotFittedError
            If `fit` has not been called.
        """
        rows = self._rows(q_idx)
        user, cluster, mu = self._atoms.pool(self.neighbours_[rows])
        bare = np.setdiff1d(np.arange(len(rows)), user)
        C = len(self.centers_)
        return (
            np.concatenate([user, np.repeat(bare, C)]),
            np.concatenate([cluster, np.tile(np.arange(C), len(bare))]),
            np.concatenate([mu, np.tile(self.centers_, (len(bare), 1))]),
        )

    def retrieve(
        self,
        q_idx: Any,
        n: int | None = None,
        random_state: int | np.random.Generator | None = None,
    ) -> Int[np.ndarray, "m n"]:
        """Lists of ``n`` items that the queries do not have yet.

        Clusters choose in the order of decreasing weight, each from the whole catalogue.

        Parameters
        ----------
        q_idx : int or list of int
            Queries, as rows of the training table.
        n : int, optional
            Default: ``n_candidates``.
        random_state : int, numpy.random.Generator or None
            For ``allocation="multinomial"``.

        Returns
        -------
        int array of shape (len(q_idx), n)
            Without repeats; the items of the heaviest interest first.

        Raises
        ------
        TypeError, ValueError
            If ``q_idx`` is no list of queries, or fewer than ``n`` unseen items exist.
        NotFittedError
            If `fit` has not been called.
        """
        rows = self._rows(q_idx)
        seen = self._seen[rows]
        free = len(self._catalogue.items) - np.diff(seen.indptr)
        n = check_budget(self.n_candidates if n is None else n, "n", free)
        # Eq. (1), read as a budget: a component fetches its share of the list
        quota = allocate(self.weights_[rows], n, self.allocation, random_state)
        user, cluster, mu = self.components(rows)
        # heaviest first; equal weights by lower cluster
        order = np.lexsort((cluster, -self.weights_[rows][user, cluster].round(12), user))
        order = order[quota[user[order], cluster[order]] > 0]
        user, cluster, mu = user[order], cluster[order], mu[order]
        first = np.searchsorted(user, np.arange(len(rows) + 1))
        return self._catalogue.fill(mu, first, quota[user, cluster], seen, n)

    def _rows(self, q_idx: Any) -> Int[np.ndarray, " m"]:
        self._check_fitted()
        return as_indices(q_idx, "q_idx", len(self.weights_))

    def _check_fitted(self) -> None:
        if not hasattr(self, "weights_"):
            raise NotFittedError("this KNNEmbed is not fitted yet; call fit first")
