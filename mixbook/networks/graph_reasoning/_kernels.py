"""Shortest paths from many sources at once, compiled with numba."""

from __future__ import annotations

import numpy as np

from mixbook.core.compiled import kernel


@kernel
def brandes(ptr, idx, sources, betweenness, distance_sum, reached):
    """Add up, over the sources, each node's share of shortest paths and its distances.

    ``ptr, idx`` are those of a CSR adjacency matrix. ``betweenness`` gets the dependency of each
    source on each node; ``distance_sum`` and ``reached`` get, for each source, the sum of its
    distances and the number of nodes that it reaches.
    """
    n = ptr.size - 1
    paths, depend = np.zeros(n), np.zeros(n)
    distance = np.empty(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    for s in sources:
        distance[:] = -1
        paths[:] = 0.0
        depend[:] = 0.0
        distance[s], paths[s], queue[0] = 0, 1.0, s
        head, tail = 0, 1
        while head < tail:
            u = queue[head]
            head += 1
            for e in range(ptr[u], ptr[u + 1]):
                v = idx[e]
                if distance[v] < 0:
                    distance[v] = distance[u] + 1
                    queue[tail] = v
                    tail += 1
                if distance[v] == distance[u] + 1:
                    paths[v] += paths[u]
        for k in range(tail - 1, 0, -1):
            v = queue[k]
            distance_sum[s] += distance[v]
            for e in range(ptr[v], ptr[v + 1]):
                u = idx[e]
                if distance[u] == distance[v] - 1:
                    depend[u] += paths[u] / paths[v] * (1.0 + depend[v])
            betweenness[v] += depend[v]
        reached[s] = tail
