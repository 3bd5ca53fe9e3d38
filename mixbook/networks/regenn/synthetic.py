"""Worlds with a known truth: a panel whose variables are coupled, and a town on a grid."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from jaxtyping import Float

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.networks.regenn._checks import as_reals

__all__ = ["coupled_panel", "edge_auc", "perturbed_grid", "ring_with_chord", "var_weights"]

KEEP, PASS = 0.6, 0.35  # own memory and influence of the neighbours
PULSE_RATE, PULSE_SIZE = 0.05, 2.0


def ring_with_chord(
    n_vars: int, random_state: int | np.random.Generator | None = None
) -> Float[np.ndarray, "v v"]:
    """Adjacency (0 or 1, symmetric) of a ring through all variables in random order, and a chord.

    Parameters
    ----------
    n_vars : int
        At least 4, so that there is a chord to draw.
    """
    n, rng = check_integer(n_vars, "n_vars", low=4), as_rng(random_state)
    order = rng.permutation(n)
    R = np.zeros((n, n))
    R[order, np.roll(order, 1)] = R[np.roll(order, 1), order] = 1
    free = np.argwhere(np.triu(R == 0, 1))
    i, j = free[rng.integers(len(free))]
    R[i, j] = R[j, i] = 1
    return R


def coupled_panel(
    n_samples: int = 60,
    n_vars: int = 6,
    n_steps: int = 120,
    *,
    drive: str = "constant",
    noise: float = 0.05,
    random_state: int | np.random.Generator | None = None,
) -> tuple[Float[np.ndarray, "n t v"], Float[np.ndarray, "v v"]]:
    """Samples that share one graph of their variables, Eq. (22).

    x_{t+1} = max(0, (0.6 I + 0.35 R) x_t + u_t + noise), with the rows of the adjacency R divided
    by their sums.

    Parameters
    ----------
    n_samples, n_vars, n_steps : int
    drive : {"constant", "pulses"}
        u is drawn from U(0, 1) once for each sample and variable; the panel then climbs to rest.
        Or u is 0 except for rare kicks (rate 0.05) from U(0, 2), so that it never rests.
    noise : float
        Standard deviation.
    random_state : int, Generator or None

    Returns
    -------
    panel : array of shape (n_samples, n_steps, n_vars)
        Starts at U(0, 1).
    R : array of shape (n_vars, n_vars)
        The adjacency, 0 or 1.
    """
    check_integer(n_samples, "n_samples", low=1)
    check_integer(n_steps, "n_steps", low=2)
    check_choice(drive, "drive", ("constant", "pulses"))
    check_number(noise, "noise", low=0)
    rng = as_rng(random_state)
    R = ring_with_chord(n_vars, rng)
    A = KEEP * np.eye(n_vars) + PASS * R / R.sum(axis=1, keepdims=True)
    x = np.empty((n_samples, n_steps, n_vars))
    x[:, 0] = rng.random((n_samples, n_vars))
    u = rng.random((n_samples, n_vars))
    for t in range(n_steps - 1):
        if drive == "pulses":
            kicked = rng.random(u.shape) < PULSE_RATE
            u = np.where(kicked, PULSE_SIZE * rng.random(u.shape), 0.0)
        # Eq. (22)
        x[:, t + 1] = np.maximum(0, x[:, t] @ A.T + u + noise * rng.standard_normal(u.shape))
    return x, R


def var_weights(panel: Any) -> Float[np.ndarray, "v v"]:
    """One-step linear influence of each variable (column) on each (row), pooled over samples.

    Least squares of x_{t+1} on x_t after each sample's mean is taken off.
    """
    x = as_reals(panel, "panel")
    if x.ndim != 3 or x.shape[1] < 3:
        raise ValueError(
            f"panel must have shape (samples, steps, variables) with 3 steps, got {x.shape}"
        )
    now, after = (a - a.mean(axis=1, keepdims=True) for a in (x[:, :-1], x[:, 1:]))
    V = x.shape[2]
    return np.linalg.lstsq(now.reshape(-1, V), after.reshape(-1, V), rcond=None)[0].T


def edge_auc(weights: Any, truth: Any) -> float:
    """Chance that a random true link outweighs, in size, a random absent one, Eq. (23).

    Off the diagonal only; equal weights count one half.

    Parameters
    ----------
    weights, truth : arrays of shape (V, V)
    """
    w, R = np.abs(as_reals(weights, "weights")), as_reals(truth, "truth")
    if w.ndim != 2 or w.shape != R.shape or w.shape[0] != w.shape[1]:
        raise ValueError(f"weights and truth must be square alike, got {w.shape} and {R.shape}")
    off = ~np.eye(len(w), dtype=bool)
    yes, no = w[off & (R > 0)], w[off & (R == 0)]
    if not len(yes) or not len(no):
        raise ValueError("truth must have both links and gaps off the diagonal")
    gap = yes[:, None] - no[None]
    # Eq. (23)
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def perturbed_grid(
    side: int = 20,
    *,
    spacing: float = 100.0,
    jitter: float = 0.0,
    closed: float = 0.0,
    random_state: int | np.random.Generator | None = None,
) -> tuple[nx.Graph, dict[int, tuple[float, float]]]:
    """A town on a grid: intersections moved at random, some streets closed.

    Parameters
    ----------
    side : int
        Intersections a row, at least 2.
    spacing : float
        Metres.
    jitter : float
        Standard deviation of the moves, as a share of the spacing.
    closed : float
        Share of street segments that are taken away, in [0, 1). No segment is taken whose loss
        would cut the town in two, so the share is only reached while there are others.
    random_state : int, Generator or None

    Returns
    -------
    G : networkx.Graph
        Edges carry their straight ``length``; connected.
    pos : dict
        Node to plane coordinates in metres.
    """
    side, rng = check_integer(side, "side", low=2), as_rng(random_state)
    check_number(spacing, "spacing", low=0, low_open=True)
    check_number(jitter, "jitter", low=0)
    check_number(closed, "closed", low=0, high=1, high_open=True)
    G = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side), ordering="sorted")
    place = spacing * np.stack(np.divmod(np.arange(side**2), side)[::-1], axis=1).astype(float)
    place += spacing * jitter * rng.standard_normal(place.shape)
    edges = list(G.edges)
    tree = nx.minimum_spanning_edges(_with_random_weights(G, rng), data=False)
    spare = sorted({tuple(sorted(e)) for e in edges} - {tuple(sorted(e)) for e in tree})
    gone = rng.permutation(len(spare))[: round(closed * len(edges))]
    G.remove_edges_from([spare[k] for k in gone])
    for u, v, data in G.edges(data=True):
        data.clear()
        data["length"] = float(np.linalg.norm(place[u] - place[v]))
    return G, {v: (float(x), float(y)) for v, (x, y) in enumerate(place)}


def _with_random_weights(G: nx.Graph, rng: np.random.Generator) -> nx.Graph:
    table = pd.DataFrame(list(G.edges), columns=["source", "target"])
    return nx.from_pandas_edgelist(table.assign(weight=rng.random(len(table))), edge_attr="weight")
