"""NeighborNet, first part: a circular order of the individuals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mixbook.mixtures.mycorrhiza._checks import as_distances

TIE = 1e-12


def circular_order(D: Any) -> Int[np.ndarray, " N"]:
    """Arrange the individuals on a circle so that close ones are neighbours.

    The agglomeration of Bryant and Moulton (2004). Clusters hold one or two nodes; the two closest
    clusters are linked by an edge between two of their nodes, and a node with two neighbours is
    smoothed away, three nodes becoming two. At the end the smoothing is undone. For a metric that
    fits on a circle, the order found is one on which it does. Takes O(N^3) time.

    Parameters
    ----------
    D : array-like of shape (N, N)
        Distances: symmetric, non-negative, zero diagonal.

    Returns
    -------
    int array of shape (N,)
        A permutation. It starts with individual 0, in the direction in which the second entry is
        below the last. Of clusters that tie, the closer pair is linked, then that of the lowest
        index: without the first rule the result would depend on the numbering even of generic
        distances, as of four clusters two pairs always tie in Eq. (4). Individuals that do not
        differ at all still stand in the order in which they come.

    Raises
    ------
    TypeError, ValueError
        If ``D`` is malformed.
    """
    D = as_distances(D)
    if len(D) <= 3:
        return np.arange(len(D))
    state = _Agglomeration(D)
    while state.n_nodes > 3 and state.m > 2:
        state.merge()
    return canonical(state.unwind())


def agglomeration_criterion(C: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m m"]:
    """Small for two of the m clusters that are close to each other and far from all others.

    ``C`` has the mean distances of clusters; the diagonal of the result is infinite.
    """
    total = C.sum(1)
    # Eq. (4)
    Q = (len(C) - 2) * C - (total[:, None] + total)
    np.fill_diagonal(Q, np.inf)
    return Q


def smooth_chain(d: Float[np.ndarray, "n n"], x: int, y: int, z: int) -> None:
    """Replace three linked nodes x - y - z by two, which take the places of x and z in ``d``."""
    between = (d[x, y] + d[x, z] + d[y, z]) / 3
    # Eq. (6)
    u, v = (2 * d[x] + d[y]) / 3, (2 * d[z] + d[y]) / 3
    d[x], d[:, x], d[z], d[:, z] = u, u, v, v
    d[x, x] = d[z, z] = 0
    d[x, z] = d[z, x] = between


class _Agglomeration:
    """Clusters of one or two nodes. Cluster k holds the nodes in slots ``one[k]``, ``two[k]``
    (equal for a single node); ``d`` has the distances of slots and ``C`` those of clusters."""

    def __init__(self, D: np.ndarray) -> None:
        N = len(D)
        self.d, self.C = D.copy(), D.copy()
        self.one, self.two = np.arange(N), np.arange(N)
        self.name = list(range(N))  # of the node in each slot; new nodes get new names
        self.m = self.n_nodes = self.next_name = N
        self.stack: list[tuple[int, int, int, int, int]] = []

    def merge(self) -> None:
        """Link the two closest clusters by the best pair of their nodes."""
        i, j = self._closest_clusters()
        x, y = self._closest_nodes(i, j)
        left = [s for s in self._slots(i) if s != x] + [x]
        right = [y] + [s for s in self._slots(j) if s != y]
        self._replace(i, j, self._smooth(left + right))

    def _slots(self, k: int) -> list[int]:
        return list(dict.fromkeys((int(self.one[k]), int(self.two[k]))))

    def _closest_clusters(self) -> tuple[int, int]:
        m = self.m
        C = self.C[:m, :m]
        tied = _least(agglomeration_criterion(C), C.sum(1).max())
        i, j = divmod(int(np.where(tied, C, np.inf).argmin()), m)
        return i, j

    def _to_clusters(self, x: int) -> Float[np.ndarray, " m"]:
        """Mean distances of a node to the nodes of each cluster."""
        # Eq. (3)
        return (self.d[x, self.one[: self.m]] + self.d[x, self.two[: self.m]]) / 2

    def _closest_nodes(self, i: int, j: int) -> tuple[int, int]:
        ours, theirs = self._slots(i), self._slots(j)
        inside = ours + theirs
        rest = np.delete(np.arange(self.m), [i, j])
        # Eq. (5)
        R = {x: self._to_clusters(x)[rest].sum() + self.d[x, inside].sum() for x in inside}
        mh = self.m + len(inside) - 2
        pairs = [(x, y) for x in ours for y in theirs]
        value = np.array([(mh - 2) * self.d[x, y] - R[x] - R[y] for x, y in pairs])
        return pairs[int(_least(value, max(R.values())).argmax())]

    def _smooth(self, chain: list[int]) -> list[int]:
        """Reduce a chain of linked nodes to two. A chain of four is reduced from the end whose two
        nodes are closer, so that the numbering plays no part; the paper leaves that open."""
        if self.d[chain[0], chain[1]] > self.d[chain[-1], chain[-2]]:
            chain = chain[::-1]
        while len(chain) > 2:
            x, y, z = chain[:3]
            smooth_chain(self.d, x, y, z)
            names = self.next_name, self.next_name + 1
            self.stack.append((*names, self.name[x], self.name[y], self.name[z]))
            self.name[x], self.name[z] = names
            self.next_name += 2
            self.n_nodes -= 1
            chain = [x, z, *chain[3:]]
        return chain

    def _replace(self, i: int, j: int, pair: list[int]) -> None:
        """Cluster i becomes the pair, cluster j (the later one) goes."""
        m = self.m
        self.C[j : m - 1, :m] = self.C[j + 1 : m, :m]
        self.C[: m - 1, j : m - 1] = self.C[: m - 1, j + 1 : m]
        for slots in (self.one, self.two):
            slots[j : m - 1] = slots[j + 1 : m]
        self.m = m - 1
        self.one[i], self.two[i] = pair
        row = (self._to_clusters(pair[0]) + self._to_clusters(pair[1])) / 2
        row[i] = 0
        self.C[i, : self.m] = self.C[: self.m, i] = row

    def unwind(self) -> Int[np.ndarray, " N"]:
        """The cycle of the last nodes, with every smoothing undone."""
        after = np.zeros(self.next_name, dtype=np.int64)
        before = after.copy()

        def link(*chain: int) -> None:
            for a, b in pairwise(chain):
                after[a], before[b] = b, a

        last = self._last_cycle()
        link(*last, last[0])
        for u, v, x, y, z in reversed(self.stack):
            if after[u] == v:
                link(int(before[u]), x, y, z, int(after[v]))
            else:  # v comes before u
                link(int(before[v]), z, y, x, int(after[u]))
        order = [0]
        while after[order[-1]] != 0:
            order.append(int(after[order[-1]]))
        return np.array(order)

    def _last_cycle(self) -> list[int]:
        nodes = [s for k in range(self.m) for s in self._slots(k)]
        if len(nodes) == 4:  # two pairs: the cheaper way round
            p, pp, q, qq = nodes
            d = self.d
            straight = d[p, q] + d[pp, qq] <= d[p, qq] + d[pp, q]
            nodes = [pp, p, q, qq] if straight else [pp, p, qq, q]
        return [self.name[s] for s in nodes]


def _least(values: np.ndarray, scale: float) -> np.ndarray:
    """Where the least value stands, up to rounding. Of four clusters two pairs always tie in
    Eq. (4), of three all."""
    return values <= values.min() + TIE * scale


def canonical(order: np.ndarray) -> Int[np.ndarray, " N"]:
    """Rotate and reflect a cycle so that it starts with 0 and a lower neighbour follows."""
    order = np.roll(order, -int(np.flatnonzero(order == 0)[0]))
    return np.roll(order[::-1], 1) if order[1] > order[-1] else order
