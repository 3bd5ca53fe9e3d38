"""Search for the partition of least description length: compiled, with incremental changes.

One set of kernels serves three models of the edges between groups, by ``kind``:

=====  ===================================================================
0      simple graph, not degree-corrected
1      simple graph, degree-corrected
2      multigraph of groups, an upper level of a hierarchy
=====  ===================================================================

A graph is a list of neighbours (``starts, ends, number, weight``; each edge stands twice) and
``loops``, edges of a node with itself. The state of a partition is ``n`` (sizes), ``M`` (edges
between groups, inside once), ``U`` (their weight) and ``deg`` (half-edges); groups may be empty.
``tables`` are log m!, log Gamma(m + alpha), and the numbers (weighted, alpha, beta, alpha log beta
- log Gamma(alpha), nested).
"""

import math

import numpy as np

from mixbook.core.compiled import kernel

__all__ = [
    "global_cost",
    "merge_delta",
    "merge_down",
    "move_delta",
    "state_cost",
    "state_of",
    "sweep",
]

LOG2 = math.log(2.0)
GAIN = -1e-9  # a change must gain more than rounding


@kernel
def pair_cost(kind, nr, ns, m, u, same, tables):
    """Cost of the edges, and of their weights, between two groups (or inside one)."""
    log_factorial, log_gamma, par = tables
    if nr == 0 or ns == 0:
        return 0.0
    if kind == 2:
        slots = nr * (nr + 1) // 2 if same else nr * ns
        return log_factorial[slots + m - 1] - log_factorial[m] - log_factorial[slots - 1]
    if m == 0:
        return 0.0
    cost = -log_factorial[m]
    if same:
        cost -= m * LOG2
    if par[0] > 0:
        cost -= log_gamma[m] + par[3] - (m + par[1]) * math.log(max(u, 0.0) + par[2])
    return cost


@kernel
def group_cost(kind, n, degree, log_factorial):
    """Cost that depends on the size and the half-edges of one group."""
    if n == 0:
        return 0.0
    cost = -log_factorial[n]
    if kind == 0:
        cost += degree * math.log(n)
    elif kind == 1:
        cost += log_factorial[n + degree - 1] - log_factorial[n - 1]
    return cost


@kernel
def global_cost(groups, nodes, edges, tables):
    """Cost that depends on the number of groups alone."""
    log_factorial, _, par = tables
    slots = groups * (groups + 1) // 2
    cost = log_factorial[nodes - 1] - log_factorial[groups - 1] - log_factorial[nodes - groups]
    cost += log_factorial[slots + edges - 1] - log_factorial[edges] - log_factorial[slots - 1]
    return cost + par[4] * math.log(groups)


@kernel
def corner(kind, n, m, u, degree, tables):
    """Cost of two groups by themselves; m and u hold: inside r, inside s, between."""
    cost = group_cost(kind, n[0], degree[0], tables[0])
    cost += group_cost(kind, n[1], degree[1], tables[0])
    for at in range(3):
        first = n[1] if at == 1 else n[0]
        second = n[0] if at == 0 else n[1]
        cost += pair_cost(kind, first, second, m[at], u[at], at < 2, tables)
    return cost


@kernel
def state_of(b, groups, graph):
    """Sizes, edges, weights and half-edges of the groups of a partition."""
    starts, ends, number, weight, loops = graph
    n = np.zeros(groups, np.int64)
    M, U = np.zeros((groups, groups), np.int64), np.zeros((groups, groups))
    deg = np.zeros(groups, np.int64)
    for i in range(len(b)):
        r = b[i]
        n[r] += 1
        M[r, r] += loops[i]
        deg[r] += 2 * loops[i]
        for at in range(starts[i], starts[i + 1]):
            s = b[ends[at]]
            deg[r] += number[at]
            if i < ends[at] or r != s:
                M[r, s] += number[at]
                U[r, s] += weight[at]
    return n, M, U, deg


@kernel
def state_cost(kind, state, nodes, edges, tables):
    """Cost of a state, up to what no partition changes."""
    n, M, U, deg = state
    cost, groups = 0.0, 0
    for r in range(len(n)):
        if n[r] > 0:
            groups += 1
            cost += group_cost(kind, n[r], deg[r], tables[0])
            for s in range(r + 1):
                cost += pair_cost(kind, n[r], n[s], M[r, s], U[r, s], r == s, tables)
    return cost + global_cost(groups, nodes, edges, tables)


@kernel
def fill_costs(kind, r, C, state, tables):
    """Row and column r of the table C of all :func:`pair_cost`."""
    n, M, U, _ = state
    for t in range(len(n)):
        C[r, t] = pair_cost(kind, n[r], n[t], M[r, t], U[r, t], r == t, tables)
        C[t, r] = C[r, t]


@kernel
def shifts(kind, g, r, kt, wt, C, state, tables, out):
    """Change of the cost between group g and each other one as a node of r leaves or joins g.

    ``kt`` and ``wt`` are the node's edges to each group, and their weight.
    """
    n, M, U, _ = state
    sign = -1 if g == r else 1
    for t in range(len(n)):
        out[t] = 0.0
        if n[t] > 0 and t != g and (kind == 2 or kt[t] > 0):
            m, u = M[g, t] + sign * kt[t], U[g, t] + sign * wt[t]
            out[t] = pair_cost(kind, n[g] + sign, n[t], m, u, g == t, tables) - C[g, t]


@kernel
def move_delta(kind, r, s, kt, wt, loop, leave, join, C, state, tables):
    """Change of the cost if a node goes from group r to s, but for :func:`global_cost`.

    ``leave`` are the :func:`shifts` of r; those of s are written into ``join``. C is the table of
    pair costs before the move.
    """
    n, M, U, deg = state
    shifts(kind, s, r, kt, wt, C, state, tables, join)
    delta, ki = 0.0, 2 * loop
    for t in range(len(n)):
        ki += kt[t]
        if t != r and t != s:
            delta += leave[t] + join[t]
    delta -= C[r, r] + C[s, s] + C[r, s]
    delta -= group_cost(kind, n[r], deg[r], tables[0]) + group_cost(kind, n[s], deg[s], tables[0])
    return delta + corner(
        kind, (n[r] - 1, n[s] + 1),
        (M[r, r] - kt[r] - loop, M[s, s] + kt[s] + loop, M[r, s] + kt[r] - kt[s]),
        (U[r, r] - wt[r], U[s, s] + wt[s], U[r, s] + wt[r] - wt[s]),
        (deg[r] - ki, deg[s] + ki), tables,
    )  # fmt: skip


@kernel
def move(r, s, kt, wt, loop, state):
    """Take a node with these edges from group r to s."""
    n, M, U, deg = state
    between = M[r, s] + kt[r] - kt[s], U[r, s] + wt[r] - wt[s]
    for g, sign in ((r, -1), (s, 1)):
        for t in range(len(n)):
            M[g, t] += sign * kt[t]
            U[g, t] = max(U[g, t] + sign * wt[t], 0.0)
            M[t, g] = M[g, t]
            U[t, g] = U[g, t]
            deg[g] += sign * kt[t]
        M[g, g] += sign * loop
        n[g] += sign
        deg[g] += 2 * sign * loop
    M[r, s], U[r, s] = between[0], max(between[1], 0.0)
    M[s, r], U[s, r] = M[r, s], U[r, s]


@kernel
def sweep(kind, b, order, grow, state, graph, tables, edges):
    """Move each node to its best group, in this order; the gain (at most 0).

    With ``grow`` a node may found a group, as long as there is an empty one.
    """
    starts, ends, number, weight, loops = graph
    n, nodes = state[0], len(b)
    kt, wt = np.zeros(len(n), np.int64), np.zeros(len(n))
    leave, join = np.zeros(len(n)), np.zeros(len(n))
    C = np.zeros((len(n), len(n)))
    groups, gain = 0, 0.0
    for r in range(len(n)):
        fill_costs(kind, r, C, state, tables)
        groups += n[r] > 0
    for i in order:
        r = b[i]
        kt[:] = 0
        wt[:] = 0.0
        for at in range(starts[i], starts[i + 1]):
            kt[b[ends[at]]] += number[at]
            wt[b[ends[at]]] += weight[at]
        shifts(kind, r, r, kt, wt, C, state, tables, leave)
        here = global_cost(groups, nodes, edges, tables)
        best, where, tried_empty = GAIN, -1, not grow
        for s in range(len(n)):
            if s == r or (n[s] == 0 and (tried_empty or n[r] == 1)):
                continue
            tried_empty = tried_empty or n[s] == 0
            delta = move_delta(kind, r, s, kt, wt, loops[i], leave, join, C, state, tables)
            then = groups + (n[s] == 0) - (n[r] == 1)
            if then != groups:
                delta += global_cost(then, nodes, edges, tables) - here
            if delta < best:
                best, where = delta, s
        if where >= 0:
            groups += (n[where] == 0) - (n[r] == 1)
            move(r, where, kt, wt, loops[i], state)
            for g in (r, where):
                fill_costs(kind, g, C, state, tables)
            b[i] = where
            gain += best
    return gain


@kernel
def merge_parts(kind, t, sign, D, state, tables):
    """Add to D[r, s], s < r, what edges to a third group t contribute to merging r and s.

    In a simple graph that is nothing unless both groups have edges to t.
    """
    n, M, U, _ = state
    for r in range(len(n)):
        if n[r] == 0 or r == t or (kind != 2 and M[r, t] == 0):
            continue
        alone = pair_cost(kind, n[r], n[t], M[r, t], U[r, t], r == t, tables)
        for s in range(r):
            if n[s] == 0 or s == t or (kind != 2 and M[s, t] == 0):
                continue
            m, u = M[r, t] + M[s, t], U[r, t] + U[s, t]
            part = pair_cost(kind, n[r] + n[s], n[t], m, u, s == t, tables) - alone
            part -= pair_cost(kind, n[s], n[t], M[s, t], U[s, t], s == t, tables)
            D[r, s] += sign * part


@kernel
def merge_own(kind, r, s, state, tables):
    """Change of the cost inside and between r and s if they merge."""
    n, M, U, deg = state
    before = corner(
        kind, (n[r], n[s]), (M[r, r], M[s, s], M[r, s]), (U[r, r], U[s, s], U[r, s]),
        (deg[r], deg[s]), tables,
    )  # fmt: skip
    after = group_cost(kind, n[r] + n[s], deg[r] + deg[s], tables[0])
    m, u = M[r, r] + M[s, s] + M[r, s], U[r, r] + U[s, s] + U[r, s]
    return after + pair_cost(kind, n[r] + n[s], n[r] + n[s], m, u, r != s, tables) - before


@kernel
def merge_delta(kind, r, s, state, tables):
    """Change of the cost if groups r and s become one, but for :func:`global_cost`."""
    n, M, U, _ = state
    delta = merge_own(kind, r, s, state, tables)
    for t in range(len(n)):
        if n[t] > 0 and t != r and t != s and (kind == 2 or M[r, t] * M[s, t] > 0):
            for g in (r, s):
                delta -= pair_cost(kind, n[g], n[t], M[g, t], U[g, t], g == t, tables)
            m, u = M[r, t] + M[s, t], U[r, t] + U[s, t]
            delta += pair_cost(kind, n[r] + n[s], n[t], m, u, r == t, tables)
    return delta


@kernel
def merge(r, s, b, state):
    """Put group s into r."""
    n, M, U, deg = state
    inside = M[r, r] + M[s, s] + M[r, s], U[r, r] + U[s, s] + U[r, s]
    for t in range(len(n)):
        M[r, t] += M[s, t]
        M[t, r] = M[r, t]
        U[r, t] += U[s, t]
        U[t, r] = U[r, t]
    M[s, :] = 0
    M[:, s] = 0
    U[s, :] = 0.0
    U[:, s] = 0.0
    M[r, r], U[r, r] = inside
    n[r] += n[s]
    deg[r] += deg[s]
    n[s] = 0
    deg[s] = 0
    for i in range(len(b)):
        if b[i] == s:
            b[i] = r


@kernel
def merge_down(kind, b, target, skip, luck, state, tables):
    """Merge the best two groups until ``target`` are left.

    ``skip`` is the chance that a candidate is passed over, which makes random starts differ. The
    table of all changes is kept up to date, so a merge costs time in the square of the groups.
    """
    n = state[0]
    D = np.zeros((len(n), len(n)))
    left, drawn = np.sum(n > 0), 0
    for r in range(len(n)):
        for s in range(r):
            if n[r] > 0 and n[s] > 0:
                D[r, s] = merge_delta(kind, r, s, state, tables)
    while left > target:
        best, x, y = np.inf, 0, 0
        for r in range(len(n)):
            for s in range(r):
                if n[r] > 0 and n[s] > 0 and D[r, s] < best:
                    drawn = (drawn + 1) % len(luck)
                    if x == 0 or luck[drawn] >= skip:
                        best, x, y = D[r, s], r, s
        for step in range(3):
            if step == 2:
                merge(x, y, b, state)
            t, sign = (y if step == 1 else x), (1 if step == 2 else -1)
            merge_parts(kind, t, sign, D, state, tables)
        left -= 1
        for s in range(len(n)):
            if n[s] > 0 and s != x:
                D[max(x, s), min(x, s)] = merge_delta(kind, max(x, s), min(x, s), state, tables)
