"""Scores for open triangles: local ones here, walks and Hodge scores through one door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_choice
from mixbook.networks.simplicial_closure import _kernels
from mixbook.networks.simplicial_closure._index import check_data, projected_graph
from mixbook.networks.simplicial_closure.hodge import simplicial_ppr_scores
from mixbook.networks.simplicial_closure.walks import katz_scores, ppr_scores

__all__ = ["SCORES", "edge_weights", "generalized_mean", "neighbour_counts", "score_triangles"]

DIGITS = 12  # scores that agree to this many digits are ties, whatever the rounding errors


def score_triangles(
    triangles: Any, old: TemporalSimplices, name: str, **keywords: Any
) -> Float[np.ndarray, " t"]:
    """Score triangles of the projected graph by how likely they seem to close.

    Parameters
    ----------
    triangles : int array-like of shape (T, 3)
        Node ids; each row must be a triangle of the projected graph of ``old``.
    old : TemporalSimplices
        What is known at prediction time.
    name : str
        With W the projected graph, d degrees, s simplex counts, N neighbour sets:

        - ``"harmonic"``, ``"geometric"``, ``"arithmetic"``: means of the three weights;
          ``"generalized"``: their mean M_p, keyword ``p`` (any real, ``inf``, ``-inf``);
        - ``"pa_degree"``, ``"pa_simplex"``: products of the d, of the s;
        - ``"common"``: size of the common neighbourhood of all three; ``"jaccard"``: the same
          over the size of the union; ``"adamic_adar"``: sum of 1 / log d over it;
        - ``"katz"``, ``"ppr"``: walks, keyword ``weighted`` (default False);
          ``ppr`` takes ``alpha`` (default 0.85);
        - ``"simplicial_ppr"``: walks on edges, keywords ``alpha`` and ``part`` ("comb", "grad",
          "curl", "harm").

    Returns
    -------
    float array of shape (T,)
        Rounded to 12 significant digits, so that equal scores are equal numbers.

    Raises
    ------
    TypeError
        If a keyword does not belong to the score.
    ValueError
        If ``name`` is unknown or a row is not a triangle of ``old``.
    """
    score = SCORES[check_choice(name, "name", SCORES)]
    w = projected_graph(check_data(old, "old"))
    rows = _check_triangles(triangles, w)
    return keep_ties(score(rows, old, w, **keywords))


def edge_weights(triangles: Int[np.ndarray, "t 3"], w: sparse.csr_array) -> Int[np.ndarray, "t 3"]:
    """Weights of edges (i, j), (i, k), (j, k) of each triangle (i, j, k); 0 where absent."""
    i, j, k = triangles.T
    return np.stack([_entries(w, a, b) for a, b in ((i, j), (i, k), (j, k))], axis=1)


def _entries(w: sparse.csr_array, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    edge = _kernels.lookup_edges(w.indptr.astype(np.int64), w.indices.astype(np.int64), a, b)
    return np.where(edge >= 0, np.append(w.data, 0)[edge], 0)


def generalized_mean(x: Any, p: float) -> Float[np.ndarray, " t"]:
    """Mean of order p of the rows of ``x``.

    .. math:: M_p(x) = \\Bigl(\\tfrac1k \\sum_{a=1}^k x_a^p\\Bigr)^{1/p}

    The limits are the minimum (p = -inf), the geometric mean (p = 0) and the maximum (p = inf).

    Parameters
    ----------
    x : array-like of shape (T, k)
        Positive numbers.
    p : float
        -1 is the harmonic, 1 the arithmetic mean.

    Raises
    ------
    ValueError
        If an entry is not positive or ``p`` is NaN.
    """
    values = np.sort(np.asarray(x, dtype=float), axis=1)  # one order, one rounding error
    if not (values > 0).all():
        raise ValueError(f"x must be positive to take its mean, got {values.min()}")
    if np.isnan(p):
        raise ValueError("p must be a number, inf or -inf, got nan")
    # Eq. (11)
    if np.isinf(p):
        return values[:, -1 if p > 0 else 0]
    if p == 0:
        return np.exp(np.log(values).mean(axis=1))
    largest = values[:, -1:]  # factored out, else a large |p| overflows
    return largest[:, 0] * ((values / largest) ** p).mean(axis=1) ** (1 / p)


def neighbour_counts(
    triangles: Int[np.ndarray, "t 3"], w: sparse.csr_array
) -> tuple[Int[np.ndarray, "t 4"], Float[np.ndarray, " t"]]:
    """Common neighbours of (i, j), (i, k), (j, k) and of all three, and the Adamic-Adar sum."""
    degrees = np.diff(w.indptr)
    weight = np.zeros(len(degrees))
    # Eq. (14): a common neighbour of three nodes has at least three neighbours
    weight[degrees > 1] = 1 / np.log(degrees[degrees > 1])
    indptr, indices = w.indptr.astype(np.int64), w.indices.astype(np.int64)
    return _kernels.common_neighbours(np.ascontiguousarray(triangles), indptr, indices, weight)


def simplex_counts(old: TemporalSimplices) -> Int[np.ndarray, " n"]:
    """Number of simplices of each node."""
    return np.bincount(old.members, minlength=old.n_nodes)


def keep_ties(scores: np.ndarray) -> Float[np.ndarray, " t"]:
    """Round to 12 significant digits: rounding errors must not order what is equal."""
    scores = np.asarray(scores, dtype=float)
    size = np.abs(scores, where=scores != 0, out=np.ones_like(scores))
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(size)))
    return np.round(scores * scale) / scale


def _means(p: float) -> Callable[..., np.ndarray]:
    return lambda t, old, w: generalized_mean(edge_weights(t, w), p)


def _generalized(t, old, w, *, p: float = 0.0) -> np.ndarray:
    return generalized_mean(edge_weights(t, w), p)


def _pa_degree(t, old, w) -> np.ndarray:
    # Eq. (12)
    return np.diff(w.indptr)[t].astype(float).prod(axis=1)


def _pa_simplex(t, old, w) -> np.ndarray:
    # Eq. (12)
    return simplex_counts(old)[t].astype(float).prod(axis=1)


def _common(t, old, w) -> np.ndarray:
    return neighbour_counts(t, w)[0][:, 3].astype(float)


def _jaccard(t, old, w) -> np.ndarray:
    counts = neighbour_counts(t, w)[0]
    # Eq. (13)
    union = np.diff(w.indptr)[t].sum(axis=1) - counts[:, :3].sum(axis=1) + counts[:, 3]
    return counts[:, 3] / union


def _adamic_adar(t, old, w) -> np.ndarray:
    return neighbour_counts(t, w)[1]


SCORES: dict[str, Callable[..., np.ndarray]] = {
    "harmonic": _means(-1),
    "geometric": _means(0),
    "arithmetic": _means(1),
    "generalized": _generalized,
    "pa_degree": _pa_degree,
    "pa_simplex": _pa_simplex,
    "common": _common,
    "jaccard": _jaccard,
    "adamic_adar": _adamic_adar,
    "katz": lambda t, old, w, **k: katz_scores(t, w, **k),
    "ppr": lambda t, old, w, **k: ppr_scores(t, w, **k),
    "simplicial_ppr": lambda t, old, w, **k: simplicial_ppr_scores(t, old, w, **k),
}


def _check_triangles(triangles: Any, w: sparse.csr_array) -> Int[np.ndarray, "t 3"]:
    rows = np.asarray(triangles)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f"triangles must have shape (T, 3), got {rows.shape}")
    if rows.dtype.kind not in "iu":
        raise TypeError(f"triangles must hold integer node ids, got dtype {rows.dtype}")
    rows = rows.astype(np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= w.shape[0]):
        raise ValueError(
            f"triangles must hold ids from 0 to {w.shape[0] - 1}, got {rows.min()} to {rows.max()}"
        )
    missing = (edge_weights(rows, w) == 0).any(axis=1)
    if missing.any():
        raise ValueError(
            "each row of triangles must be a triangle of the projected graph, "
            f"but {rows[np.argmax(missing)].tolist()} is not"
        )
    return rows
