"""Sparse products that form only the entries wanted, compiled with numba.

Matrices come as the three arrays of a CSR matrix (``ptr``, ``idx``, ``val``).
"""

from __future__ import annotations

import numpy as np

from mixbook.core.compiled import kernel


@kernel
def product_on(ptr, idx, x_ptr, x_idx, x_val, yt_ptr, yt_idx, yt_val, width):
    """Entries of ``X Y`` at the positions ``ptr, idx``; ``yt`` is ``Y`` transposed, X has ``width``
    columns. Costs one pass over X and, for each position, over a column of Y."""
    out = np.zeros(idx.size, dtype=np.int64)
    row = np.zeros(width, dtype=np.int64)
    for u in range(ptr.size - 1):
        for e in range(x_ptr[u], x_ptr[u + 1]):
            row[x_idx[e]] = x_val[e]
        for p in range(ptr[u], ptr[u + 1]):
            v = idx[p]
            for e in range(yt_ptr[v], yt_ptr[v + 1]):
                out[p] += row[yt_idx[e]] * yt_val[e]
        for e in range(x_ptr[u], x_ptr[u + 1]):
            row[x_idx[e]] = 0
    return out


@kernel
def product_off(
    ptr, idx, x_ptr, x_idx, x_val, y_ptr, y_idx, y_val, s_ptr, s_idx, s_val, start, stop, sizes, out
):
    """Rows ``start`` to ``stop`` of ``X Y - S`` without the diagonal and the positions given.

    Call twice: with an empty ``out`` it only counts the non-zeros of each row into ``sizes``; then
    with ``out = (columns, values)`` of the right length it writes them, sorted.
    """
    columns, values = out
    n = ptr.size - 1
    total = np.zeros(n, dtype=np.int64)
    touched = np.empty(n, dtype=np.int64)
    state = np.full(n, -1, dtype=np.int64)  # 2 u: excluded in row u; 2 u + 1: touched in row u
    t = 0
    for u in range(start, stop):
        state[u] = 2 * u
        for p in range(ptr[u], ptr[u + 1]):
            state[idx[p]] = 2 * u
        count = 0
        for e in range(s_ptr[u], s_ptr[u + 1]):
            v = s_idx[e]
            if state[v] != 2 * u:
                state[v] = 2 * u + 1
                touched[count] = v
                count += 1
                total[v] = -s_val[e]
        for e in range(x_ptr[u], x_ptr[u + 1]):
            x, weight = x_idx[e], x_val[e]
            for f in range(y_ptr[x], y_ptr[x + 1]):
                v = y_idx[f]
                if state[v] == 2 * u + 1:
                    total[v] += weight * y_val[f]
                elif state[v] != 2 * u:
                    state[v] = 2 * u + 1
                    touched[count] = v
                    count += 1
                    total[v] = weight * y_val[f]
        if columns.size == 0:
            for c in range(count):
                sizes[u - start] += total[touched[c]] != 0
        elif 16 * count > n:  # a full row: one sweep is faster than a sort
            for v in range(n):
                if state[v] == 2 * u + 1 and total[v] != 0:
                    columns[t], values[t] = v, total[v]
                    t += 1
        else:
            for v in np.sort(touched[:count]):
                if total[v] != 0:
                    columns[t], values[t] = v, total[v]
                    t += 1
