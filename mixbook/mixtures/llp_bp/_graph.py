"""The graph of nearest neighbours on which labels are taken to be smooth."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.mixtures.llp_bp._checks import as_points

__all__ = ["knn_graph"]

EXACT_UP_TO = 50_000  # above, neighbours are searched in the nearest cells only


def knn_graph(
    Z: Any,
    k: int,
    metric: str = "cosine",
    kernel: str = "matern12",
    length: float = 1.0,
    *,
    search: str = "auto",
    sources: Any = None,
) -> tuple[Int[np.ndarray, "E 2"], Float[np.ndarray, " E"]]:
    """Undirected edges to the k nearest neighbours, each pair once, weighted by a kernel.

    Neighbours are found by ``metric``, but Eq. (4) takes the Euclidean distance of the vectors as
    they are, as the authors' code does.

    Parameters
    ----------
    Z : array-like of shape (n, d)
    k : int
        Number of neighbours of each point, itself excluded; below n.
    metric : {"cosine", "euclidean"}
        A vector of length zero has cosine 0 with everything.
    kernel : {"matern12", "one"}
        Eq. (4), or 1 for each edge.
    length : float
        The kernel's length, in units of ``Z``.
    search : {"auto", "exact", "cells"}
        "exact" compares all pairs, O(n^2 d). "cells" looks into the nearest of some
        :math:`4\\sqrt n` cells only, O(n^1.5 d), and misses some neighbours. "auto" is "exact" up
        to 50,000 points.
    sources : bool array-like of shape (n,), optional
        Points whose own neighbours count; others have an edge only as somebody's neighbour.

    Returns
    -------
    edges : int array of shape (E, 2)
        ``edges[:, 0] < edges[:, 1]``, in lexical order.
    weights : float array of shape (E,)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    """
    Z = as_points(Z, "Z")
    n = len(Z)
    k = check_integer(k, "k", low=1, high=n - 1)
    check_choice(metric, "metric", ("cosine", "euclidean"))
    check_choice(kernel, "kernel", ("matern12", "one"))
    check_choice(search, "search", ("auto", "exact", "cells"))
    length = check_number(length, "length", low=0, low_open=True)
    mask = np.ones(n, bool) if sources is None else np.asarray(sources)
    if mask.shape != (n,) or mask.dtype != bool:
        raise ValueError(f"sources must be a bool array of shape ({n},), got {mask.shape}")
    exact = search == "exact" or (search == "auto" and n <= EXACT_UP_TO)
    found = _neighbours(_unit_rows(Z) if metric == "cosine" else Z, k, metric, exact)
    edges = _undirected(found, mask)
    if kernel == "one":
        return edges, np.ones(len(edges))
    # Eq. (4)
    return edges, np.exp(-_distances(Z, edges) / length)


def _unit_rows(Z: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z / np.where(norm > 0, norm, 1)


def _neighbours(Z: np.ndarray, k: int, metric: str, exact: bool) -> np.ndarray:
    """(n, k) nearest others of each row; -1 where a search by cells found fewer."""
    index = _index(Z, metric, exact)
    _, found = index.search(Z, k + 1)
    rows = np.arange(len(Z))[:, None]
    found[found == rows] = -1  # oneself; among more than k equal rows it may not be listed
    keep = np.argsort(found < 0, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, keep, axis=1)


def _index(Z: np.ndarray, metric: str, exact: bool) -> Any:
    try:
        import faiss
    except ImportError as error:  # pragma: no cover - depends on the installation
        raise ImportError('knn_graph needs faiss: pip install "mixbook[mixtures]"') from error
    n, d = Z.shape
    kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    flat = faiss.IndexFlatIP(d) if metric == "cosine" else faiss.IndexFlatL2(d)
    if exact:
        flat.add(Z)
        return flat
    cells = max(1, min(int(4 * np.sqrt(n)), n // 39))  # faiss wants 39 points a cell
    index = faiss.IndexIVFFlat(flat, d, cells, kind)
    index.nprobe = min(8, cells)
    index.cp.niter = 6
    index.cp.max_points_per_centroid = 64
    index.train(Z)
    index.add(Z)
    return index


def _undirected(found: np.ndarray, mask: np.ndarray) -> np.ndarray:
    n = len(found)
    here = np.repeat(np.arange(n), found.shape[1])
    there = found.ravel()
    keep = (there >= 0) & mask[here]
    here, there = here[keep], there[keep]
    codes = np.unique(np.minimum(here, there) * n + np.maximum(here, there))
    return np.stack([codes // n, codes % n], axis=1).astype(np.int64)


def _distances(Z: np.ndarray, edges: np.ndarray, block: int = 1_000_000) -> np.ndarray:
    """Euclidean lengths of the edges, a block at a time."""
    out = np.empty(len(edges))
    for a in range(0, len(edges), block):
        i, j = edges[a : a + block].T
        out[a : a + block] = np.linalg.norm(Z[i].astype(np.float64) - Z[j], axis=1)
    return out
