"""The compiled loop of the search for better places of facilities."""

import numpy as np

from mixbook.core.compiled import kernel

__all__ = ["move_scores"]


@kernel
def move_scores(network, straight, others, must_reach, only_those, tie):
    """What each candidate (row) would do in place of one facility, the ``others`` standing still.

    Returns the number of inconsistent nodes, the mean network distance to the nearest facility
    (over the nodes that must reach one, if ``only_those``) and whether a node that must reach a
    facility no longer does.
    """
    m, n = network.shape
    count, mean, lost = np.zeros(m), np.full(m, np.inf), np.zeros(m, np.bool_)
    nearest_path, nearest_line = np.full(n, np.inf), np.full(n, np.inf)
    agree_already = np.zeros(n, np.bool_)
    for v in range(n):
        for o in others:
            nearest_path[v] = min(nearest_path[v], network[o, v])
            nearest_line[v] = min(nearest_line[v], straight[o, v])
        for o in others:
            if network[o, v] <= nearest_path[v] + tie and straight[o, v] <= nearest_line[v] + tie:
                agree_already[v] = True
    for c in range(m):
        total, judged = 0.0, 0
        for v in range(n):
            path = min(nearest_path[v], network[c, v])
            line = min(nearest_line[v], straight[c, v])
            if path == np.inf:
                lost[c] = lost[c] or must_reach[v]
                continue
            if must_reach[v] or not only_those:
                total += path
                judged += 1
            if network[c, v] > nearest_path[v] + tie and straight[c, v] > nearest_line[v] + tie:
                agree = agree_already[v]  # too far away to change anything
            else:
                agree = network[c, v] <= path + tie and straight[c, v] <= line + tie
                for o in others:
                    if network[o, v] <= path + tie and straight[o, v] <= line + tie:
                        agree = True
            if not agree:
                count[c] += 1
        if judged:
            mean[c] = total / judged
    return count, mean, lost
