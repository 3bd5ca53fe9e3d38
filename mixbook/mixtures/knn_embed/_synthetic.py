"""Users with three interests each, drawn from a law that is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer
from mixbook.mixtures.knn_embed._checks import unit_rows

__all__ = ["MultiInterest", "make_multi_interest"]

SPREAD, SHARPNESS = 0.6, 12.0


@dataclass(frozen=True)
class MultiInterest:
    """Synthetic users and items.

    Attributes
    ----------
    item_vectors : float array of shape (nt, d)
        Of unit length.
    item_clusters : int array of shape (nt,)
    train, test : csr_arrays of shape (nq, nt)
        0-1.
    user_types : int array of shape (nq,)
    interests : int array of shape (nq, 3)
        The clusters around which each user's tastes lie.
    weights : float array of shape (nq, 3)
        Share of each interest; rows sum to one.
    """

    item_vectors: Float[np.ndarray, "nt d"]
    item_clusters: Int[np.ndarray, " nt"]
    train: sparse.csr_array
    test: sparse.csr_array
    user_types: Int[np.ndarray, " nq"]
    interests: Int[np.ndarray, "nq 3"]
    weights: Float[np.ndarray, "nq 3"]


def make_multi_interest(
    random_state: int | np.random.Generator | None = None,
    *,
    n_clusters: int = 20,
    n_items: int = 2000,
    n_types: int = 100,
    users_per_type: int = 20,
    n_train: int = 5,
    n_test: int = 15,
    dim: int = 32,
) -> MultiInterest:
    """Draw users with three interests each.

    Cluster centres are uniform on the sphere; an item is its centre plus noise of length about 0.6,
    scaled to length one. A *type* of user has a taste vector in each of three clusters, made like
    an item. A user has a type and weights from Dirichlet(1, 1, 1); inside interest a an item is
    chosen with probability proportional to ``exp(12 <e_i, taste_a>)``. Each user draws items
    without replacement; a random part of them is for training.

    Parameters
    ----------
    random_state : int, numpy.random.Generator or None
    n_clusters, n_items, n_types, users_per_type, n_train, n_test, dim : int
        At least 3 clusters.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    """
    n_clusters = check_integer(n_clusters, "n_clusters", low=3)
    sizes = {"n_types": n_types, "users_per_type": users_per_type, "n_train": n_train,
             "n_test": n_test, "dim": dim}  # fmt: skip
    for name, value in sizes.items():
        check_integer(value, name, low=1)
    n_drawn = n_train + n_test
    n_items = check_integer(n_items, "n_items", low=n_drawn)
    rng = as_rng(random_state)
    centres = unit_rows(rng.normal(size=(n_clusters, dim)))

    def around(clusters: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
        noise = rng.normal(size=(len(clusters), dim)) / np.sqrt(dim)
        return unit_rows(centres[clusters] + SPREAD * noise)

    item_clusters = rng.integers(n_clusters, size=n_items)
    items = around(item_clusters)
    of_type = rng.permuted(np.tile(np.arange(n_clusters), (n_types, 1)), axis=1)[:, :3]
    tastes = around(of_type.ravel())
    logits = SHARPNESS * tastes @ items.T
    inside = np.exp(logits - logits.max(axis=1, keepdims=True))
    inside = (inside / inside.sum(axis=1, keepdims=True)).reshape(n_types, 3, n_items)
    user_types = np.repeat(np.arange(n_types), users_per_type)
    weights = rng.dirichlet(np.ones(3), size=len(user_types))
    chance = np.einsum("ua,uai->ui", weights, inside[user_types])
    # The largest of log p + Gumbel noise are a sample without replacement.
    drawn = np.argsort(-(np.log(chance) + rng.gumbel(size=chance.shape)), axis=1)[:, :n_drawn]
    drawn = rng.permuted(drawn, axis=1)

    def table(columns: Int[np.ndarray, "nq n"]) -> sparse.csr_array:
        row = np.repeat(np.arange(len(columns)), columns.shape[1])
        where = (row, columns.ravel())
        return sparse.csr_array((np.ones(columns.size), where), shape=(len(columns), n_items))

    train, test = table(drawn[:, :n_train]), table(drawn[:, n_train:])
    return MultiInterest(
        items, item_clusters, train, test, user_types, of_type[user_types], weights
    )
