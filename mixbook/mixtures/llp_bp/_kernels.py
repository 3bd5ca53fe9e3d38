"""One round of messages, compiled: over pairs, and over whole bags."""

import numpy as np

from mixbook.core.compiled import kernel

__all__ = ["bag_round", "pair_round"]

NEGLIGIBLE = 1e-30  # share of the largest probability below which the ends of a law are cut
LEAST = 1e-300


@kernel
def pair_round(total, pairs, w, messages, damping, next_total):
    """Update the messages of all pairs in place; returns the largest change before damping.

    ``total`` holds the log-odds of each instance under the old messages. ``messages[p, 0]`` goes to
    ``pairs[p, 0]``. Every new message is added to ``next_total``, which starts at the rest.
    """
    largest = 0.0
    for p in range(len(pairs)):
        i, j, x = pairs[p, 0], pairs[p, 1], w[p]
        for side in range(2):
            c = total[i] - messages[p, 0] if side == 1 else total[j] - messages[p, 1]
            # Eq. (5): softplus(c + w) - softplus(c)
            a = c + x
            new = (max(a, 0.0) + np.log1p(np.exp(-abs(a)))) - (
                max(c, 0.0) + np.log1p(np.exp(-abs(c)))
            )
            if side == 1:
                to_j = new
            else:
                to_i = new
        largest = max(largest, abs(to_i - messages[p, 0]), abs(to_j - messages[p, 1]))
        # Eq. (6)
        messages[p, 0] = damping * messages[p, 0] + (1 - damping) * to_i
        messages[p, 1] = damping * messages[p, 1] + (1 - damping) * to_j
        next_total[i] += messages[p, 0]
        next_total[j] += messages[p, 1]
    return largest


@kernel
def bag_round(total, order, start, count, lam, theta, messages, damping, next_total):
    """The same for messages from bags; ``theta`` keeps each bag's tilt for the next round."""
    widest = 0
    for s in range(len(count)):
        widest = max(widest, start[s + 1] - start[s])
    levels = 1
    while (1 << (levels - 1)) < widest:
        levels += 1
    law = np.empty((levels, 2 * widest + 1))
    low, high = np.empty((levels, widest + 1), np.int64), np.empty((levels, widest + 1), np.int64)
    back, front = np.empty(2 * widest + 1), np.empty(2 * widest + 1)
    c, new = np.empty(widest), np.empty(widest)
    largest = 0.0
    for s in range(len(count)):
        b = start[s + 1] - start[s]
        members = order[start[s] : start[s + 1]]
        for i in range(b):
            c[i] = total[members[i]] - messages[members[i]]
        theta[s] = _tilt(c[:b], count[s], lam, theta[s])
        top = _up(c[:b], theta[s], law, low, high)
        _down(b, count[s], lam, theta[s], top, law, low, high, back, front, new)
        for i in range(b):
            v = members[i]
            largest = max(largest, abs(new[i] - messages[v]))
            # Eq. (6)
            messages[v] = damping * messages[v] + (1 - damping) * new[i]
            next_total[v] += messages[v]
    return largest


@kernel
def _tilt(c, count, lam, start):
    """The root of Eq. (9) by Newton's method within a bracket (any value near it will do)."""
    low, high = -2 * lam * (len(c) - count), 2 * lam * count
    theta = min(max(start, low), high)
    for _ in range(100):
        mean, var = 0.0, 0.0
        for x in c:
            p = 1 / (1 + np.exp(-(x + theta)))
            mean += p
            var += p * (1 - p)
        # Eq. (9)
        h = theta + 2 * lam * (mean - count)
        if abs(h) <= 0.02 * lam * (1 + np.sqrt(var)):
            break
        if h > 0:
            high = theta
        else:
            low = theta
        theta -= h / (1 + 2 * lam * var)
        if not low < theta < high:
            theta = (low + high) / 2
    return theta


@kernel
def _up(c, theta, law, low, high):
    """Laws of the number of ones in halves, quarters, ... of a bag; returns the level of the root.

    At level l, node t covers instances t 2^l up to (t + 1) 2^l; its law starts at t (2^l + 1), and
    is kept for numbers of ones from ``low`` to ``high``.
    """
    b = len(c)
    for i in range(b):
        p = 1 / (1 + np.exp(-(c[i] + theta)))
        law[0, 2 * i], law[0, 2 * i + 1] = 1 / (1 + np.exp(c[i] + theta)), p
        low[0, i], high[0, i] = 0, 1
    level, nodes = 0, b
    while nodes > 1:
        size = 1 << level
        for t in range((nodes + 1) // 2):
            at = t * (2 * size + 1)
            left, right = 2 * t, 2 * t + 1
            if right == nodes:  # no sibling
                low[level + 1, t], high[level + 1, t] = low[level, left], high[level, left]
                for k in range(low[level, left], high[level, left] + 1):
                    law[level + 1, at + k] = law[level, left * (size + 1) + k]
                continue
            first, last = (
                low[level, left] + low[level, right],
                high[level, left] + high[level, right],
            )
            out = law[level + 1, at : at + last + 1]
            out[first:] = 0.0
            # Eq. (11)
            for j in range(low[level, right], high[level, right] + 1):
                a = law[level, right * (size + 1) + j]
                k0, k1 = low[level, left], high[level, left]
                source = law[level, left * (size + 1) + k0 : left * (size + 1) + k1 + 1]
                goal = out[k0 + j : k1 + j + 1]
                for k in range(len(source)):
                    goal[k] += a * source[k]
            bound = NEGLIGIBLE * out[first:].max()
            while out[first] < bound:
                first += 1
            while out[last] < bound:
                last -= 1
            low[level + 1, t], high[level + 1, t] = first, last
        nodes = (nodes + 1) // 2
        level += 1
    return level


@kernel
def _down(b, count, lam, theta, top, law, low, high, back, front, out):
    """From the factor at the root to the message of each instance.

    Where a law is kept from ``low`` to ``high``, its backward message is kept for one number more
    on either side, since leaving one instance out moves the others' number by at most one.
    """
    kappa = count - theta / (2 * lam)  # Eq. (10)
    nearest = min(max(np.round(kappa), 0.0), float(b))
    best = lam * (nearest - kappa) ** 2
    for k in range(max(low[top, 0] - 1, 0), min(high[top, 0] + 1, b) + 1):
        front[k] = np.exp(best - lam * (k - kappa) ** 2)  # Eq. (10)
    for level in range(top - 1, -1, -1):
        size = 1 << level
        nodes = (b + size - 1) // size
        for t in range(nodes):
            width = min(size, b - t * size)
            k0, k1 = max(low[level, t] - 1, 0), min(high[level, t] + 1, width)
            goal = back[t * (size + 1) + k0 : t * (size + 1) + k1 + 1]
            parent, other = t // 2, t ^ 1
            at = parent * (2 * size + 1)
            if other >= nodes:
                for k in range(k0, k1 + 1):
                    goal[k - k0] = front[at + k]
                continue
            whole = min(2 * size, b - parent * 2 * size)
            first = max(low[level + 1, parent] - 1, 0)
            last = min(high[level + 1, parent] + 1, whole)
            goal[:] = 0.0
            # Eq. (12)
            for j in range(low[level, other], high[level, other] + 1):
                a = law[level, other * (size + 1) + j]
                e0, e1 = max(k0, first - j), min(k1, last - j)
                if e1 < e0:
                    continue
                source = front[at + e0 + j : at + e1 + j + 1]
                part = goal[e0 - k0 : e1 - k0 + 1]
                for k in range(len(source)):
                    part[k] += a * source[k]
        back, front = front, back
    for i in range(b):
        # Eq. (8)
        out[i] = theta + np.log(max(front[2 * i + 1], LEAST)) - np.log(max(front[2 * i], LEAST))
