"""The 28 orbit adjacency matrices of graphlets with up to four nodes, by sparse algebra."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from scipy import sparse
from tqdm.auto import tqdm

from mixbook.core.validation import check_integer
from mixbook.networks.gradco._formulas import FORMULAS, Kind, Parts
from mixbook.networks.gradco._sparse import as_adjacency

__all__ = [
    "GRAPHLET_KINDS",
    "ORBIT_KINDS",
    "OrbitCounter",
    "check_kind",
    "orbit_adjacencies",
]

ORBIT_KINDS: tuple[Kind, ...] = (
    (1, 0, 0),
    (1, 1, 2),
    (1, 2, 1),
    (1, 3, 3),
    (1, 4, 5),
    (1, 5, 4),
    (1, 5, 5),
    (1, 6, 7),
    (1, 7, 6),
    (1, 8, 8),
    (1, 9, 11),
    (1, 11, 9),
    (1, 10, 10),
    (1, 10, 11),
    (1, 11, 10),
    (1, 12, 13),
    (1, 13, 12),
    (1, 13, 13),
    (1, 14, 14),
    (2, 1, 1),
    (2, 4, 5),
    (2, 5, 4),
    (2, 6, 6),
    (2, 8, 8),
    (2, 9, 10),
    (2, 10, 9),
    (2, 12, 12),
    (3, 4, 4),
)
"""The 28 kinds ``(hop, orbit of the row's node, orbit of the column's node)``."""

_GRAPHLET_OF_ORBIT = (0, 1, 1, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7, 7, 8)

GRAPHLET_KINDS: tuple[tuple[Kind, ...], ...] = tuple(
    tuple(kind for kind in ORBIT_KINDS if _GRAPHLET_OF_ORBIT[kind[1]] == graphlet)
    for graphlet in range(9)
)
"""The kinds that belong to each of the graphlets G0 to G8."""


def check_kind(kind: Any, name: str = "kind") -> Kind:
    """Check that ``kind`` is one of :data:`ORBIT_KINDS`.

    Raises
    ------
    TypeError
        If it is not a triple of integers.
    ValueError
        If there is no such orbit adjacency.
    """
    try:
        triple = tuple(check_integer(part, name) for part in kind)
    except TypeError:
        raise TypeError(f"{name} must be (hop, orbit, orbit), got {kind!r}") from None
    if triple not in ORBIT_KINDS:
        raise ValueError(
            f"{name} must be one of the 28 in ORBIT_KINDS such as (1, 5, 5) or (2, 6, 6), "
            f"got {kind!r}"
        )
    return triple


def orbit_adjacencies(
    A: Any, kinds: Collection[Any] | None = None, *, progress: bool = False
) -> dict[Kind, sparse.csr_array]:
    """Count how often two nodes sit together on each pair of orbits.

    Entry ``[u, v]`` of kind ``(h, a, b)`` is the number of induced graphlets in which u is on orbit
    a, v on orbit b, and the two are h steps apart *inside the graphlet*.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        Undirected, 0-1, no loops.
    kinds : collection of (hop, orbit, orbit), optional
        Which matrices are wanted; default all 28. Products that no wanted kind needs are not
        formed: ``(3, 4, 4)`` alone may hold a good part of all n^2 pairs.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict of kind to csr_array of shape (n, n), int64
        In the order of :data:`ORBIT_KINDS`.

    Raises
    ------
    TypeError, ValueError
        If ``A`` is not a simple undirected graph, or a kind does not exist.

    See Also
    --------
    OrbitCounter : one matrix, or a block of its rows, at a time.

    Examples
    --------
    >>> import networkx as nx
    >>> both = orbit_adjacencies(nx.path_graph(4), kinds=[(1, 5, 5), (3, 4, 4)])
    >>> both[3, 4, 4].toarray()[0].tolist()
    [0, 0, 0, 1]
    """
    if kinds is None:
        wanted = set(ORBIT_KINDS)
    elif isinstance(kinds, str) or not isinstance(kinds, Collection):
        raise TypeError(f"kinds must be a collection of (hop, orbit, orbit), got {kinds!r}")
    else:
        wanted = {check_kind(kind, "kinds") for kind in kinds}
    counter = OrbitCounter(A)
    ordered = [kind for kind in ORBIT_KINDS if kind in wanted]
    return {kind: counter.matrix(kind) for kind in tqdm(ordered, disable=not progress)}


class OrbitCounter:
    """Orbit adjacencies of one graph, each computed when it is asked for.

    Intermediate products are kept, finished matrices are not: whoever walks through the kinds one
    at a time never holds more than one of the dense ones, and :meth:`blocks` not even that.

    Parameters
    ----------
    A : networkx.Graph, sparse or dense matrix of shape (n, n)
        Undirected, 0-1, no loops.

    Attributes
    ----------
    A : csr_array of shape (n, n)
    n_nodes : int
    """

    def __init__(self, A: Any) -> None:
        self.A = as_adjacency(A)
        self.n_nodes = self.A.shape[0]
        self._parts = Parts(self.A)

    def matrix(self, kind: Any) -> sparse.csr_array:
        """The orbit adjacency of one kind, an int64 csr_array of shape (n, n)."""
        return self._rows(check_kind(kind), slice(0, self.n_nodes))

    def blocks(self, kind: Any, size: int = 1024) -> Iterator[tuple[int, sparse.csr_array]]:
        """The matrix of one kind in blocks of rows, for graphs whose dense kinds fill the memory.

        Parameters
        ----------
        kind : (hop, orbit, orbit)
        size : int
            Rows in a block.

        Returns
        -------
        iterator of (start, block)
            Row of the whole matrix at which the block begins, and a csr_array of shape
            (at most size, n), int64.
        """
        kind, size = check_kind(kind), check_integer(size, "size", low=1)
        starts = range(0, self.n_nodes, size)
        return ((k, self._rows(kind, slice(k, min(k + size, self.n_nodes)))) for k in starts)

    def _rows(self, kind: Kind, rows: slice) -> sparse.csr_array:
        hop, a, b = kind
        if kind in FORMULAS:
            return FORMULAS[kind](self._parts, rows)
        mirrored = FORMULAS[hop, b, a](self._parts, slice(0, self.n_nodes))
        transposed = sparse.csr_array(mirrored[:, rows].T)
        transposed.sort_indices()
        return transposed
