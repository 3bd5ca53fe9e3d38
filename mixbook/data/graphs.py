"""What the loaders of graphs share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from scipy import sparse

__all__ = ["adjacency_of"]


def adjacency_of(pairs: Int[np.ndarray, "m 2"], n: int) -> sparse.csr_array:
    """Symmetric 0-1 adjacency matrix, int64 with sorted rows; loops and repeats are dropped.

    Parameters
    ----------
    pairs : int array of shape (m, 2)
        Ends of each edge, 0 to n - 1, in either order.
    n : int
        Number of nodes.
    """
    ends = pairs[pairs[:, 0] != pairs[:, 1]]
    ones = np.ones(len(ends), dtype=np.int64)
    directed = sparse.coo_array((ones, ends.T), shape=(n, n)).tocsr()
    adjacency = sparse.csr_array(((directed + directed.T) > 0).astype(np.int64))
    adjacency.sort_indices()
    return adjacency
