"""Combinatorial loops, compiled with numba.

Nodes are *ranks* here: 0 is the node with the fewest neighbours (:mod:`._index`). The graph is a
CSR matrix of forward edges ``u < v`` whose rows are sorted, so each triangle is met once.
"""

from __future__ import annotations

import numpy as np

from mixbook.core.compiled import kernel


@kernel
def emit_triples(simplex, position, indptr, members, repeat, n, out):
    """Write the key ``(a n + b) n + c`` of each triple that starts at the given entries.

    Entry ``e`` is position ``position[e]`` of simplex ``simplex[e]``. A key is written twice where
    ``repeat`` says that the simplex occurred more than once.
    """
    t = 0
    for e in range(simplex.size):
        s = simplex[e]
        first = indptr[s] + position[e]
        for q in range(first + 1, indptr[s + 1]):
            base = (members[first] * n + members[q]) * n
            for r in range(q + 1, indptr[s + 1]):
                out[t] = base + members[r]
                t += 1
                if repeat[s]:
                    out[t] = base + members[r]
                    t += 1
    return t


@kernel
def emit_quadruples(simplex, position, indptr, members, n, out):
    """Write the key ``((a n + b) n + c) n + d`` of each 4-subset, as in :func:`emit_triples`."""
    t = 0
    for e in range(simplex.size):
        s = simplex[e]
        first = indptr[s] + position[e]
        for q in range(first + 1, indptr[s + 1]):
            for r in range(q + 1, indptr[s + 1]):
                base = ((members[first] * n + members[q]) * n + members[r]) * n
                for v in range(r + 1, indptr[s + 1]):
                    out[t] = base + members[v]
                    t += 1
    return t


@kernel
def lookup_edges(indptr, indices, u, v):
    """Position of the forward edge (u, v) with ``u < v``, or -1 where there is none."""
    where = np.empty(u.size, dtype=np.int64)
    for t in range(u.size):
        low, high = indptr[u[t]], indptr[u[t] + 1]
        while low < high:
            middle = (low + high) // 2
            if indices[middle] < v[t]:
                low = middle + 1
            else:
                high = middle
        found = low < indptr[u[t] + 1] and indices[low] == v[t]
        where[t] = low if found else -1
    return where


@kernel
def count_triangles(indptr, indices, strong):
    """Triangles by their number of strong edges, int array of shape (4,)."""
    counts = np.zeros(4, dtype=np.int64)
    mark = np.full(indptr.size - 1, -1, dtype=np.int64)
    for u in range(indptr.size - 1):
        for e in range(indptr[u], indptr[u + 1]):
            mark[indices[e]] = e
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            for f in range(indptr[v], indptr[v + 1]):
                g = mark[indices[f]]
                if g >= indptr[u]:
                    counts[strong[e] + strong[f] + strong[g]] += 1
    return counts


@kernel
def list_triangles(indptr, indices, edge_uv, edge_uw, edge_vw):
    """Fill in the three edges of each triangle u < v < w, in lexicographic order of (u, v, w)."""
    mark = np.full(indptr.size - 1, -1, dtype=np.int64)
    t = 0
    for u in range(indptr.size - 1):
        for e in range(indptr[u], indptr[u + 1]):
            mark[indices[e]] = e
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            for f in range(indptr[v], indptr[v + 1]):
                g = mark[indices[f]]
                if g >= indptr[u]:
                    edge_uv[t], edge_uw[t], edge_vw[t] = e, g, f
                    t += 1
    return t


@kernel
def count_cliques(start, third, tie, edge_uw, edge_vw):
    """4-cliques by (number of weak, number of strong) simplicial ties, shape (5, 5).

    ``start[e]`` is where the triangles begin whose two lowest nodes are edge ``e``; their third
    nodes ``third`` are sorted. Triangle (u, v, w) and a node x > w make a clique exactly when x
    is a third node of (u, v), of (u, w) and of (v, w): a three-way merge.
    """
    counts = np.zeros((5, 5), dtype=np.int64)
    for e in range(start.size - 1):
        for t in range(start[e], start[e + 1]):
            i, i_end = t + 1, start[e + 1]
            j, j_end = start[edge_uw[t]], start[edge_uw[t] + 1]
            k, k_end = start[edge_vw[t]], start[edge_vw[t] + 1]
            while i < i_end and j < j_end and k < k_end:
                x = max(third[i], third[j], third[k])
                if third[i] == x and third[j] == x and third[k] == x:
                    weak, strong = 0, 0
                    for q in (t, i, j, k):
                        weak += tie[q] == 1
                        strong += tie[q] == 2
                    counts[weak, strong] += 1
                    i += 1
                    j += 1
                    k += 1
                    continue
                while i < i_end and third[i] < x:
                    i += 1
                while j < j_end and third[j] < x:
                    j += 1
                while k < k_end and third[k] < x:
                    k += 1
    return counts


@kernel
def common_neighbours(triangles, indptr, indices, node_weight):
    """Pairwise and triple common neighbours of node triples in a symmetric CSR graph.

    Returns an int array (T, 4) with the counts for (i, j), (i, k), (j, k) and all three, and a
    float array (T,) with the sum of ``node_weight`` over the nodes common to all three.
    """
    counts = np.zeros((triangles.shape[0], 4), dtype=np.int64)
    total = np.zeros(triangles.shape[0])
    in_i = np.zeros(indptr.size - 1, dtype=np.bool_)
    in_j = np.zeros(indptr.size - 1, dtype=np.bool_)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        for e in range(indptr[i], indptr[i + 1]):
            in_i[indices[e]] = True
        for e in range(indptr[j], indptr[j + 1]):
            in_j[indices[e]] = True
            counts[t, 0] += in_i[indices[e]]
        for e in range(indptr[k], indptr[k + 1]):
            z = indices[e]
            counts[t, 1] += in_i[z]
            counts[t, 2] += in_j[z]
            if in_i[z] and in_j[z]:
                counts[t, 3] += 1
                total[t] += node_weight[z]
        for e in range(indptr[i], indptr[i + 1]):
            in_i[indices[e]] = False
        for e in range(indptr[j], indptr[j + 1]):
            in_j[indices[e]] = False
    return counts, total


@kernel
def walk_lifecycles(edges, start, event, state_of, closed, opened):
    """Add the transitions of each triangle to ``closed`` or ``opened``, both (11, 11).

    ``event[start[e] : start[e + 1]]`` are the increasing numbers of the simplices that hold both
    ends of edge ``e``. A simplex that occurs in all three lists closes the triangle.
    ``state_of[a, b, c]`` is the state with (capped) weights a, b, c.
    """
    path = np.empty(event.size + 2, dtype=np.int64)
    at, weight = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for t in range(edges.shape[0]):
        for q in range(3):
            at[q] = start[edges[t, q]]
            weight[q] = 0
        path[0], length, is_closed = 0, 1, False
        while not is_closed:
            now = -1
            for q in range(3):
                if at[q] < start[edges[t, q] + 1] and (now < 0 or event[at[q]] < now):
                    now = event[at[q]]
            if now < 0:
                break
            hits = 0
            for q in range(3):
                if at[q] < start[edges[t, q] + 1] and event[at[q]] == now:
                    at[q] += 1
                    weight[q] = min(weight[q] + 1, 2)
                    hits += 1
            is_closed = hits == 3
            path[length] = 10 if is_closed else state_of[weight[0], weight[1], weight[2]]
            length += 1
        for q in range(1, length):
            if is_closed:
                closed[path[q - 1], path[q]] += 1
            else:
                opened[path[q - 1], path[q]] += 1
