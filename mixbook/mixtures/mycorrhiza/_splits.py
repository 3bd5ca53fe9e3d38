"""A weighted system of circular splits, what it says about each individual, and its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mixbook.core.validation import check_number
from mixbook.mixtures.mycorrhiza._checks import as_distances
from mixbook.mixtures.mycorrhiza._ordering import canonical, circular_order
from mixbook.mixtures.mycorrhiza._weights import induced_distances, split_weights

GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class SplitSystem:
    """Bipartitions of N individuals, each an arc of one circular order, with weights.

    Attributes
    ----------
    order : int array of shape (N,)
        The circular order.
    splits : bool array of shape (S, N)
        The side that does not hold individual 0.
    weights : array of shape (S,)
        Positive.
    fit : float
        One minus the squares of the distances left unexplained, as a share of all: Eq. (13).
    """

    order: Int[np.ndarray, " N"]
    splits: Bool[np.ndarray, "S N"]
    weights: Float[np.ndarray, " S"]
    fit: float

    def __len__(self) -> int:
        return len(self.weights)

    def distances(self) -> Float[np.ndarray, "N N"]:
        """For each pair of individuals, the sum of the weights of the splits between them."""
        side = self.splits.astype(np.float64)
        # Eq. (7)
        one_way = (side * self.weights[:, None]).T @ (1 - side)
        return one_way + one_way.T

    def nontrivial(self) -> SplitSystem:
        """Only the splits with at least two individuals on either side."""
        size = self.splits.sum(1)
        keep = (size > 1) & (size < len(self.order) - 1)
        return SplitSystem(self.order, self.splits[keep], self.weights[keep], self.fit)

    def renamed(self, names: Int[np.ndarray, " N"]) -> SplitSystem:
        """The same system once individual i is called ``names[i]``."""
        splits = np.empty_like(self.splits)
        splits[:, names] = self.splits
        return SplitSystem(
            canonical(names[self.order]), splits ^ splits[:, :1], self.weights, self.fit
        )

    def cuts(self) -> tuple[Int[np.ndarray, " S"], Int[np.ndarray, " S"]]:
        """Each split as (a, b): it holds places a + 1, ..., b, counted from individual 0."""
        start = int(np.flatnonzero(self.order == 0)[0])
        placed = self.splits[:, np.roll(self.order, -start)]
        first = placed.argmax(1)
        return first - 1, first + placed.sum(1) - 1


def neighbor_net(D: Any, *, cutoff: float = 1e-6, solver: str = "exact") -> SplitSystem:
    """The split system of a distance matrix: order, then weights.

    Parameters
    ----------
    D : array-like of shape (N, N)
        Distances: symmetric, non-negative, zero diagonal.
    cutoff : float
        Only splits of a larger weight are kept.
    solver : {"exact", "loose"}
        See :func:`split_weights`.

    Raises
    ------
    TypeError, ValueError
        If an argument is malformed.
    """
    D = as_distances(D)
    cutoff = check_number(cutoff, "cutoff", low=0)
    order = circular_order(D)
    W = split_weights(D, order, solver=solver)
    a, b = np.nonzero(np.triu(W, 1) > cutoff)
    place = np.argsort(order)
    splits = (place > a[:, None]) & (place <= b[:, None])
    d = D[np.ix_(order, order)]
    # Eq. (13)
    left = ((d - induced_distances(W)) ** 2).sum() / ((d**2).sum() or 1.0)
    return SplitSystem(order, splits, W[a, b], float(np.clip(1 - left, 0, 1)))


def split_features(system: SplitSystem) -> UInt8[np.ndarray, "N S"]:
    """For each individual, its side (0 or 1) of each split that is not trivial.

    Weights play no part, and which side is called 1 is arbitrary (here: the one without
    individual 0).
    """
    # Eq. (14)
    return system.nontrivial().splits.T.astype(np.uint8)


@dataclass(frozen=True)
class NetworkLayout:
    """A planar drawing of a split system.

    Attributes
    ----------
    taxa : array of shape (N, 2)
        Where each individual hangs.
    edges : array of shape (E, 2, 2)
        End points. All edges of one split are parallel, and as long as its weight.
    split : int array of shape (E,)
        The split that each edge stands for.
    """

    taxa: Float[np.ndarray, "N 2"]
    edges: Float[np.ndarray, "E 2 2"]
    split: Int[np.ndarray, " E"]


def network_layout(system: SplitSystem) -> NetworkLayout:
    """Draw the network of a split system in the plane.

    The individuals stand on a circle and each split is a chord. The chords cut the disc into
    regions, which become the nodes; an edge joins two regions that one chord parts. The way
    between two individuals along the edges is as long as their induced distance. Takes
    O(S^2 log S) time for S splits.
    """
    N = len(system.order)
    a, b = system.cuts()
    step = system.weights[:, None] * _directions(a, b, N)
    ends = _chord_ends(a, b, N)
    pieces = [_along_chord(s, ends, step, N) for s in range(len(system))]
    edges = np.concatenate([np.zeros((0, 2, 2)), *pieces])
    owner = np.repeat(np.arange(len(system)), [len(piece) for piece in pieces])
    return NetworkLayout(system.splits.T.astype(float) @ step, edges, owner)


def _directions(a: np.ndarray, b: np.ndarray, N: int) -> Float[np.ndarray, "S 2"]:
    """Each split points to the middle of its arc."""
    middle = np.pi * (a + 1 + b) / N
    return np.stack([np.cos(middle), np.sin(middle)], axis=1)


def _chord_ends(a: np.ndarray, b: np.ndarray, N: int) -> Float[np.ndarray, "S 2"]:
    """Places on the circle, in [0, N), of the two ends of each chord; those that meet in one cut
    are set apart so that they do not cross."""
    S = len(a)
    cut = np.concatenate([a, b])
    length = np.concatenate([(b - a) % N, (a - b) % N])
    rank = np.lexsort((-length, cut))
    position = np.empty(2 * S)
    counts = np.bincount(cut, minlength=N)
    before = np.arange(2 * S) - np.repeat(counts.cumsum() - counts, counts)
    share = (before + 1 + 0.3 * np.modf(GOLDEN * np.arange(2 * S))[0]) / (counts[cut[rank]] + 2)
    position[rank] = cut[rank] + share  # between place a and place a + 1
    return position.reshape(2, S).T


def _along_chord(s: int, ends: np.ndarray, step: np.ndarray, N: int) -> Float[np.ndarray, "E 2 2"]:
    """The edges of one split, from crossing to crossing along its chord."""
    lo, hi = ends[s]
    p, q = ends.T
    first_in, second_in = (lo < p) & (p < hi), (lo < q) & (q < hi)
    crossing = np.flatnonzero(first_in != second_in)
    # the place of individual t is t, and the arc of a split lies between its ends
    inside = (p < lo) & (lo < q)
    start = step[inside].sum(0)
    where = _meeting(ends[s], ends[crossing], N)
    crossing = crossing[np.argsort(where, kind="stable")]
    turn = np.where(inside[crossing], -1.0, 1.0)[:, None] * step[crossing]
    base = start + np.concatenate([np.zeros((1, 2)), turn.cumsum(0)])
    return np.stack([base, base + step[s]], axis=1)


def _meeting(chord: np.ndarray, others: np.ndarray, N: int) -> Float[np.ndarray, " C"]:
    """How far along a chord, from 0 to 1, the other chords meet it."""
    P, Q = (
        np.stack([np.cos(x), np.sin(x)], -1) for x in (2 * np.pi * e / N for e in (chord, others))
    )
    along, across = P[1] - P[0], Q[:, 1] - Q[:, 0]
    return _cross(Q[:, 0] - P[0], across) / _cross(along, across)


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
