"""A picture of a graph to explore: alive in a page, in Colab and offline, without a kernel."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from mixbook.core.plots import PALETTE

__all__ = ["GraphFigure", "graph_figure"]

MAX_BYTES = 600_000
COLOURS = [PALETTE[c] for c in ("blue", "orange", "green", "red", "purple", "sky", "yellow")]
OTHER = PALETTE["grey"]
WIDTH, HEIGHT, MARGIN = 900, 600, 30


class GraphFigure:
    """A drawing of nodes and edges; displays itself in a page, in Colab and offline.

    Attributes
    ----------
    data : dict
        What the page's script gets: names, places, sizes, groups, edges and titles.
    """

    def __init__(self, data: dict[str, Any], label: str, start: int) -> None:
        self.data, self.label, self.start = data, label, start

    def __repr__(self) -> str:
        n, m = len(self.data["names"]), len(self.data["edges"])
        return f"GraphFigure({self.label!r}, {n} nodes, {m} edges)"

    def _repr_html_(self) -> str:
        # "</" must not end the script early
        data = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False).replace(
            "</", "<\\/"
        )
        text = _template().replace("@LABEL@", html.escape(self.label, quote=True))
        text = text.replace("@SIZE@", f"{WIDTH} {HEIGHT}").replace("@START@", str(self.start))
        text = text.replace("@UID@", f"mixbook-graph-{uuid.uuid4().hex[:8]}")
        return text.replace("@DATA@", data)


def graph_figure(
    positions: Any,
    edges: Any,
    names: Sequence[str],
    label: str,
    *,
    titles: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
    group_names: Sequence[str] | None = None,
    sizes: Any = None,
    n_labels: int = 25,
    start: int | None = None,
) -> GraphFigure:
    """Draw a graph that the reader can search, zoom and walk through, with mouse or keyboard.

    Choosing a node shows its neighbours and what joins them; each is a button that leads on.

    Parameters
    ----------
    positions : array-like of shape (n, 2)
        Places of the nodes, in any unit.
    edges : array-like of int, shape (m, 2)
        Ends of each edge.
    names : sequence of str, length n
    label : str
        What the picture shows, read out by screen readers.
    titles : sequence of str, optional
        What each edge says.
    groups : sequence of int, optional
        Colour of each node: 0 to 6 have one each, higher ones are grey.
    group_names : sequence of str, optional
        Names of the groups for the legend.
    sizes : array-like of shape (n,), optional
        Areas of the nodes, >= 0; default the degree.
    n_labels : int
        How many of the largest nodes carry their name.
    start : int, optional
        Node chosen at first; default the largest.

    Returns
    -------
    GraphFigure

    Raises
    ------
    ValueError
        If lengths or shapes do not fit, a place is not finite, an edge names no node, or the
        picture weighs more than 600 kB.
    """
    xy, ends = np.asarray(positions, dtype=float), np.asarray(edges, dtype=np.int64).reshape(-1, 2)
    n = len(names)
    if xy.shape != (n, 2) or n == 0 or not np.isfinite(xy).all():
        raise ValueError(f"positions must be finite of shape ({n}, 2), n >= 1, got {xy.shape}")
    if ends.size and (ends.min() < 0 or ends.max() >= n):
        raise ValueError(f"edges must name nodes 0 to {n - 1}, got {ends.min()} to {ends.max()}")
    area = np.bincount(ends.ravel(), minlength=n) if sizes is None else np.asarray(sizes, float)
    for what, values, length in (("titles", titles, len(ends)), ("groups", groups, n)):
        if values is not None and len(values) != length:
            raise ValueError(f"{what} must have length {length}, got {len(values)}")
    if area.shape != (n,) or (area < 0).any():
        raise ValueError(f"sizes must be >= 0 of shape ({n},), got shape {area.shape}")
    chosen = int(np.argmax(area)) if start is None else start
    if not 0 <= chosen < n:
        raise ValueError(f"start must be a node 0 to {n - 1}, got {start}")
    group = [min(int(g), len(COLOURS)) for g in groups] if groups is not None else [0] * n
    data = {
        "names": [str(name) for name in names],
        "xy": _places(xy),
        "r": np.round(3 + 13 * np.sqrt(area / max(area.max(), 1e-12)), 1).tolist(),
        "groups": group,
        "colours": [*COLOURS, OTHER],
        "legend": [str(name) for name in group_names or []],
        "edges": ends.tolist(),
        "titles": [str(title) for title in titles] if titles is not None else [],
        "labelled": np.argsort(-area, kind="stable")[:n_labels].tolist(),
    }
    figure = GraphFigure(data, label, chosen)
    weight = len(figure._repr_html_().encode())
    if weight > MAX_BYTES:
        raise ValueError(
            f"the picture weighs {weight / 1000:.0f} kB, more than {MAX_BYTES // 1000} kB; "
            "use fewer nodes or edges, or shorter titles"
        )
    return figure


@cache
def _template() -> str:
    return (files("mixbook.core") / "graph_figure.html").read_text("utf-8")


def _places(xy: np.ndarray) -> list[list[float]]:
    """Scaled into the picture, with one decimal."""
    low, span = xy.min(axis=0), np.maximum(np.ptp(xy, axis=0), 1e-12)
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    return np.round(MARGIN + (xy - low) / span * room, 1).tolist()
