"""Compiled loops: the best unseen items of several components, one after the other."""

import numpy as np

from mixbook.core.compiled import kernel

__all__ = ["take_best", "take_listed"]


@kernel
def take_best(scores, first, quota, seen_start, seen, out):
    """Fill each user's list from full rows of scores.

    Components ``first[u]`` to ``first[u + 1] - 1`` belong to user u, in the order in which they
    choose; component c takes ``quota[c]`` items that are neither seen nor taken, best first, ties
    by lower id. The quotas of a user sum to the width of ``out``.
    """
    mark = np.full(scores.shape[1], -1)
    for u in range(len(first) - 1):
        for i in range(seen_start[u], seen_start[u + 1]):
            mark[seen[i]] = u
        filled = 0
        for c in range(first[u], first[u + 1]):
            m = quota[c]
            if m == 0:
                continue
            best = out[u, filled : filled + m]
            value = np.empty(m)
            have, low = 0, -np.inf
            for t in range(scores.shape[1]):
                s = scores[c, t]
                if s > low and mark[t] != u:
                    j = min(have, m - 1)
                    while j > 0 and value[j - 1] < s:
                        value[j], best[j] = value[j - 1], best[j - 1]
                        j -= 1
                    value[j], best[j] = s, t
                    have = min(have + 1, m)
                    if have == m:
                        low = value[m - 1]
            for i in range(m):
                mark[best[i]] = u
            filled += m


@kernel
def take_listed(candidates, first, quota, seen_start, seen, n_items, out):
    """The same from sorted candidates (-1: none); returns which users could not be filled."""
    mark = np.full(n_items, -1)
    short = np.zeros(len(first) - 1, dtype=np.bool_)
    for u in range(len(first) - 1):
        for i in range(seen_start[u], seen_start[u + 1]):
            mark[seen[i]] = u
        filled = 0
        for c in range(first[u], first[u + 1]):
            taken = 0
            for t in candidates[c]:
                if taken == quota[c]:
                    break
                if t >= 0 and mark[t] != u:
                    mark[t] = u
                    out[u, filled + taken] = t
                    taken += 1
            if taken < quota[c]:
                short[u] = True
                break
            filled += taken
    return short
