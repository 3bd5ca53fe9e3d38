"""Open and closed triangles, and the statistics of a network built on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int
from scipy import stats

from mixbook.core.seeds import as_rng
from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_number
from mixbook.networks.simplicial_closure import _kernels
from mixbook.networks.simplicial_closure._index import (
    SimplexIndex,
    check_data,
    encode,
    find,
    projected_graph,
)

__all__ = [
    "LinearFit",
    "average_degree",
    "count_triangles",
    "edge_density",
    "fraction_open",
    "open_triangles",
    "openness_fit",
    "random_configuration",
    "summary_statistics",
]


def count_triangles(data: TemporalSimplices) -> tuple[int, int]:
    """Number of open and of closed triangles.

    A triangle of the projected graph is closed if one simplex holds its three nodes. The triples
    in a simplex are listed (the closed ones), all triangles are counted, and the difference is
    the open ones: nothing is enumerated node by node.

    Returns
    -------
    n_open, n_closed : int
    """
    index = SimplexIndex.build(check_data(data))
    strong = np.zeros(len(index.indices), dtype=np.int64)
    total = int(_kernels.count_triangles(index.indptr, index.indices, strong).sum())
    n_closed = len(index.closed_triples[0])
    return total - n_closed, n_closed


def fraction_open(n_open: float, n_closed: float) -> float:
    """``n_open / (n_open + n_closed)``; NaN where there is no triangle."""
    n_open = check_number(n_open, "n_open", low=0)
    n_closed = check_number(n_closed, "n_closed", low=0)
    # Eq. (2)
    return n_open / (n_open + n_closed) if n_open + n_closed else float("nan")


def open_triangles(data: TemporalSimplices) -> Int[np.ndarray, "t 3"]:
    """All open triangles, as rows of 0-based node ids.

    Returns
    -------
    int array of shape (T, 3)
        Each row sorted, rows in lexicographic order.
    """
    index = SimplexIndex.build(check_data(data))
    uv, uw, _ = index.triangle_edges()
    u, v = index.edge_nodes(uv)
    w = index.indices[uw]
    is_open = ~find(index.closed_triples[0], encode(index.n, u, v, w))[1]
    triples = np.stack([index.nodes[x[is_open]] for x in (u, v, w)], axis=1)
    triples.sort(axis=1)
    return triples[np.lexsort(triples.T[::-1])]


def edge_density(data: TemporalSimplices) -> float:
    """``nnz(W) / (n^2 - n)`` with n the number of nodes seen; NaN below two nodes."""
    n = len(check_data(data).nodes)
    # Eq. (3)
    return projected_graph(data).nnz / (n * n - n) if n > 1 else float("nan")


def average_degree(density: float, n_nodes: float) -> float:
    """Mean number of neighbours, ``density * (n - 1)``."""
    density = check_number(density, "density", low=0, high=1)
    # Eq. (3)
    return density * (check_number(n_nodes, "n_nodes", low=1) - 1)


def random_configuration(
    data: TemporalSimplices, random_state: int | np.random.Generator | None = None
) -> TemporalSimplices:
    """Shuffle nodes among simplices of equal size.

    Each node keeps the number of k-node simplices it is in, for every k. Where a shuffle puts a
    node into a simplex twice, the simplex keeps it once (and is smaller by one), which leaves the
    projected graph and the triangles as they are.

    Parameters
    ----------
    data : TemporalSimplices
        The authors apply this to the backbone.
    random_state : int, numpy.random.Generator or None
    """
    check_data(data)
    rng = as_rng(random_state)
    members = data.members.copy()
    slot_size = np.repeat(data.sizes, data.sizes)
    for size in np.unique(data.sizes):
        slots = np.flatnonzero(slot_size == size)
        members[slots] = members[rng.permutation(slots)]
    owner = np.repeat(np.arange(data.n_simplices), data.sizes)
    pairs = np.unique(np.stack([owner, members], axis=1), axis=0)
    sizes = np.bincount(pairs[:, 0], minlength=data.n_simplices)
    return TemporalSimplices.from_arrays(
        pairs[:, 1],
        sizes,
        data.times,
        one_based=False,
        n_nodes=data.n_nodes,
        node_labels=data.node_labels,
        name=data.name,
    )


def summary_statistics(
    data: TemporalSimplices, random_state: int | np.random.Generator | None = None
) -> pd.DataFrame:
    """The authors' summary statistics, for all simplices and for 3-node simplices only.

    Parameters
    ----------
    data : TemporalSimplices
    random_state : int, numpy.random.Generator or None
        For the random configuration (the four ``*config*`` columns).

    Returns
    -------
    pandas.DataFrame with rows "all" and "3-node"
        Columns have the names of the published files. ``nbbnodes`` is, as there, the number of
        *simplices* of the backbone. Means are exact (the published mean size is rounded).
    """
    rng = as_rng(random_state)
    rows = {"all": _statistics(check_data(data), rng), "3-node": None}
    rows["3-node"] = _statistics(data.filter_size(3, 3), rng)
    return pd.DataFrame.from_dict(rows, orient="index")


def _statistics(data: TemporalSimplices, rng: np.random.Generator) -> dict[str, float]:
    if not data.n_simplices:
        return {}
    backbone = data.backbone()
    config = random_configuration(backbone, rng)
    n_open, n_closed = count_triangles(data)
    config_open, config_closed = count_triangles(config)
    return {
        "nnodes": len(data.nodes),
        "nsimps": data.n_simplices,
        "nconns": len(data.members),
        "meansimpsize": data.sizes.mean(),
        "maxsimpsize": data.sizes.max(),
        "meanprojweight": _mean_weight(data),
        "projdensity": edge_density(data),
        "nclosedtri": n_closed,
        "nopentri": n_open,
        "nbbnodes": backbone.n_simplices,
        "nbbconns": len(backbone.members),
        "meanbbsimpsize": backbone.sizes.mean(),
        "meanbbprojweight": _mean_weight(backbone),
        "meanbbconfigweight": _mean_weight(config),
        "bbconfigdensity": edge_density(config),
        "nbbconfigclosedtri": config_closed,
        "nbbconfigopentri": config_open,
    }


def _mean_weight(data: TemporalSimplices) -> float:
    w = projected_graph(data)
    return float(w.data.mean()) if w.nnz else float("nan")


class LinearFit(NamedTuple):
    """Least squares ``y = intercept + slope * log(x)``, with its coefficient of determination."""

    intercept: float
    slope: float
    r2: float


def openness_fit(average_degrees: Any, fractions_open: Any) -> LinearFit:
    """Regress the fraction of open triangles on log average degree (Fig. 2D and 2E).

    Parameters
    ----------
    average_degrees : array-like of shape (m,)
        Positive, one a network.
    fractions_open : array-like of shape (m,)
        Between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than three networks, lengths differ, or a value is out of range.
    """
    x = np.asarray(average_degrees, dtype=float)
    y = np.asarray(fractions_open, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 3:
        raise ValueError(
            "average_degrees and fractions_open must be vectors of one length >= 3, "
            f"got shapes {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x) & (x > 0)).all():
        raise ValueError("average_degrees must be finite and positive to take their logarithm")
    if not ((y >= 0) & (y <= 1)).all():
        raise ValueError("fractions_open must lie between 0 and 1")
    # Eq. (4)
    fit = stats.linregress(np.log(x), y)
    return LinearFit(float(fit.intercept), float(fit.slope), float(fit.rvalue**2))
