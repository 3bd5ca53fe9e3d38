"""The life of a triple of nodes: how its ties grow until it closes, if it does."""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Int

from mixbook.core.simplices import TemporalSimplices
from mixbook.core.validation import check_choice
from mixbook.networks.simplicial_closure import _kernels
from mixbook.networks.simplicial_closure._index import SimplexIndex, check_data

__all__ = ["STATES", "lifecycle", "lifecycle_transitions"]

# Sorted tie classes (2 means "two or more"), in the authors' order; the last state ends the life.
STATES: tuple[tuple[int, int, int] | str, ...] = (
    (0, 0, 0),
    (0, 0, 1),
    (0, 0, 2),
    (0, 1, 1),
    (0, 1, 2),
    (1, 1, 1),
    (0, 2, 2),
    (1, 1, 2),
    (1, 2, 2),
    (2, 2, 2),
    "closed",
)


def _state_table() -> Int[np.ndarray, "3 3 3"]:
    table = np.empty((3, 3, 3), dtype=np.int64)
    for weights in product(range(3), repeat=3):
        table[weights] = STATES.index(tuple(sorted(weights)))
    return table


def lifecycle(data: TemporalSimplices, triple: tuple[int, int, int]) -> list[str]:
    """The states that three nodes pass through, one after each simplex that holds two of them.

    A simplex with exactly two of the nodes adds 1 to the weight of that pair; the first with all
    three closes the triple. Simplices at the same time are taken in the order of the list.

    Parameters
    ----------
    data : TemporalSimplices
    triple : three distinct node ids

    Returns
    -------
    list of str
        Starts with ``"000"``; a digit 2 means two or more; ends with ``"closed"`` if it closed.

    Raises
    ------
    ValueError
        If ``triple`` does not hold three distinct ids of ``data``.
    """
    nodes = _check_triple(check_data(data), triple)
    in_order = data.select(np.argsort(data.times, kind="stable"))
    inside = np.stack([_has_node(in_order, node) for node in nodes], axis=1)
    weights, states = [0, 0, 0], ["000"]
    for row in inside[inside.sum(axis=1) >= 2]:
        if row.all():
            return [*states, "closed"]
        weights[int(np.argmin(row))] += 1
        states.append("".join(str(min(w, 2)) for w in sorted(weights)))
    return states


def lifecycle_transitions(data: TemporalSimplices, which: str = "all") -> Int[np.ndarray, "11 11"]:
    """Count the transitions between states over all triples that end as a triangle.

    Parameters
    ----------
    data : TemporalSimplices
    which : {"all", "closed", "open"}
        Triangles to follow: every one, or only those that are closed (open) at the end.

    Returns
    -------
    int array of shape (11, 11)
        Entry (i, j): number of steps from ``STATES[i]`` to ``STATES[j]``. The diagonal counts
        simplices that leave the state as it is (a weight grows beyond 2).
    """
    check_choice(which, "which", ("all", "closed", "open"))
    index = SimplexIndex.build(check_data(data))
    edges = np.stack(index.triangle_edges(), axis=1).astype(np.int64)
    start, event = _edge_events(data, index)
    closed, opened = np.zeros((2, 11, 11), dtype=np.int64)
    _kernels.walk_lifecycles(edges, start, event, _state_table(), closed, opened)
    return {"all": closed + opened, "closed": closed, "open": opened}[which]


def _edge_events(data: TemporalSimplices, index: SimplexIndex) -> tuple[np.ndarray, np.ndarray]:
    """For each forward edge, the increasing numbers (in time) of the simplices that hold it."""
    when = np.empty(data.n_simplices, dtype=np.int64)
    when[np.argsort(data.times, kind="stable")] = np.arange(data.n_simplices)
    edges, events = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for size in np.unique(data.sizes[data.sizes >= 2]):
        which = np.flatnonzero(data.sizes == size)
        rows = index.rank[data.members[data.offsets[which][:, None] + np.arange(size)]]
        a, b = np.triu_indices(size, k=1)
        low, high = np.minimum(rows[:, a], rows[:, b]), np.maximum(rows[:, a], rows[:, b])
        edges.append(index.lookup(low.ravel(), high.ravel()))
        events.append(np.repeat(when[which], len(a)))
    edge, event = np.concatenate(edges), np.concatenate(events)
    start = np.concatenate([[0], np.cumsum(np.bincount(edge, minlength=len(index.indices)))])
    return start.astype(np.int64), event[np.lexsort((event, edge))]


def _check_triple(data: TemporalSimplices, triple: tuple[int, int, int]) -> list[int]:
    nodes = np.asarray(triple)
    if nodes.shape != (3,) or nodes.dtype.kind not in "iu":
        raise ValueError(f"triple must hold three integer node ids, got {triple!r}")
    if len(set(nodes.tolist())) < 3 or nodes.min() < 0 or nodes.max() >= data.n_nodes:
        raise ValueError(
            f"triple must hold three distinct ids from 0 to {data.n_nodes - 1}, got {triple!r}"
        )
    return nodes.tolist()


def _has_node(data: TemporalSimplices, node: int) -> np.ndarray:
    has = np.zeros(data.n_simplices, dtype=bool)
    has[np.repeat(np.arange(data.n_simplices), data.sizes)[data.members == node]] = True
    return has
