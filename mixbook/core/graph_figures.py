"""A picture of a graph to explore: alive in a page, in Colab and offline, without a kernel."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Sequence
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
        text = _TEMPLATE.replace("@LABEL@", html.escape(self.label, quote=True))
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


def _places(xy: np.ndarray) -> list[list[float]]:
    """Scaled into the picture, with one decimal."""
    low, span = xy.min(axis=0), np.maximum(np.ptp(xy, axis=0), 1e-12)
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    return np.round(MARGIN + (xy - low) / span * room, 1).tolist()


_TEMPLATE = """\
<figure class="mixbook-graph" id="@UID@" role="group" aria-label="@LABEL@">
<style>
#@UID@ { margin: 0; max-width: 100%; color: inherit; }
#@UID@ .bar { display: flex; flex-wrap: wrap; gap: .5em; align-items: center; margin-bottom: .4em; }
#@UID@ :is(button, select, input) { font: inherit; font-size: .92em; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: .3em; padding: .15em .5em; max-width: 100%; }
#@UID@ select option { color: #222; background: #fff; }
#@UID@ button:hover { text-decoration: underline; }
#@UID@ :is(button, select, svg):focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
#@UID@ svg { display: block; width: 100%; height: auto; border: 1px solid #8a8a8a; border-radius: .4em;
  cursor: grab; touch-action: pan-y; }
#@UID@ line { stroke: #8a8a8a; stroke-opacity: .35; }
#@UID@ line.on { stroke: currentColor; stroke-opacity: .9; stroke-width: 1.6; }
#@UID@ circle { stroke: #fff; stroke-width: .8; cursor: pointer; }
#@UID@ circle.on { stroke: currentColor; stroke-width: 2.5; }
#@UID@ circle.chosen { stroke: currentColor; stroke-width: 4; }
#@UID@ circle.off { fill-opacity: .25; }
#@UID@ text { fill: currentColor; pointer-events: none; font-family: sans-serif; }
#@UID@ ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3em .5em; margin: .4em 0 0; padding: 0; }
#@UID@ li { margin: 0; max-width: 100%; } #@UID@ li button { text-align: left; overflow-wrap: anywhere; }
#@UID@ .key { display: flex; flex-wrap: wrap; gap: .2em 1em; font-size: .9em; margin: .4em 0; }
#@UID@ .key i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .3em; }
#@UID@ .help { font-size: .9em; margin: .3em 0; }
</style>
<div class="bar">
<label for="@UID@-node">Node</label><select id="@UID@-node"></select>
<button type="button" data-act="in" aria-label="zoom in">+</button>
<button type="button" data-act="out" aria-label="zoom out">&minus;</button>
<button type="button" data-act="all">whole graph</button>
</div>
<svg viewBox="0 0 @SIZE@" tabindex="0" role="img" aria-label="@LABEL@"><g></g></svg>
<div class="key"></div>
<p class="help">Choose a node from the list, click it, or focus the picture and use the arrow keys; + and
&minus; zoom, 0 shows all.</p>
<p aria-live="polite" class="said"></p><ul></ul>
<script>
(function () {
  const root = document.getElementById("@UID@"), d = @DATA@;
  const svg = root.querySelector("svg"), layer = svg.querySelector("g"), list = root.querySelector("ul");
  const select = root.querySelector("select"), said = root.querySelector(".said");
  const NS = "http://www.w3.org/2000/svg", [W, H] = "@SIZE@".split(" ").map(Number), SHOWN = 12;
  let view = [0, 0, W, H], chosen = @START@;
  const make = (tag, attributes, parent) => {
    const e = document.createElementNS(NS, tag);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    return parent.appendChild(e);
  };
  const lines = d.edges.map(([u, v]) => make("line",
    {x1: d.xy[u][0], y1: d.xy[u][1], x2: d.xy[v][0], y2: d.xy[v][1]}, layer));
  const dots = d.names.map((name, i) => {
    const c = make("circle", {cx: d.xy[i][0], cy: d.xy[i][1], r: d.r[i], fill: d.colours[d.groups[i]]}, layer);
    make("title", {}, c).textContent = name;
    c.addEventListener("click", () => choose(i));
    return c;
  });
  const near = d.names.map(() => []);
  d.edges.forEach(([u, v], k) => { near[u].push([v, k]); near[v].push([u, k]); });
  near.forEach((list) => list.sort((a, b) => d.r[b[0]] - d.r[a[0]]));
  const texts = {};
  const write = (i) => {
    if (!texts[i]) {
      texts[i] = make("text", {x: d.xy[i][0], y: d.xy[i][1] - d.r[i] - 3, "text-anchor": "middle"}, layer);
      texts[i].textContent = d.names[i];
    }
    return texts[i];
  };
  d.names.map((name, i) => [name, i]).sort((a, b) => a[0].localeCompare(b[0])).forEach(([name, i]) => {
    const option = document.createElement("option");
    option.value = i; option.textContent = name; select.appendChild(option);
  });
  d.legend.forEach((name, g) => {
    const item = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = d.colours[Math.min(g, d.colours.length - 1)];
    item.append(dot, name); root.querySelector(".key").appendChild(item);
  });
  function look(v) {
    view = v; svg.setAttribute("viewBox", v.map((x) => x.toFixed(1)).join(" "));
    for (const i in texts) texts[i].setAttribute("font-size", Math.max(13 * v[2] / W, 4));
  }
  function zoom(f, at) {
    const w = Math.min(Math.max(view[2] * f, W / 12), W * 1.5), h = w * H / W;
    const [cx, cy] = at || d.xy[chosen];
    look([cx - (cx - view[0]) * w / view[2], cy - (cy - view[1]) * h / view[3], w, h]);
  }
  function choose(i) {
    chosen = i; select.value = i;
    const around = new Map(near[i]);
    dots.forEach((dot, j) => {
      dot.classList.toggle("chosen", j === i); dot.classList.toggle("on", around.has(j));
      dot.classList.toggle("off", j !== i && !around.has(j));
    });
    const bright = new Set(near[i].map(([, k]) => k));
    lines.forEach((line, k) => line.classList.toggle("on", bright.has(k)));
    const shown = new Set([i, ...near[i].slice(0, SHOWN).map(([j]) => j), ...d.labelled]);
    shown.forEach(write);
    for (const j in texts) texts[j].style.display =
      j == i || (around.has(+j) && shown.has(+j)) || d.labelled.includes(+j) ? "" : "none";
    const [x, y] = d.xy[i], inside = x > view[0] && x < view[0] + view[2] && y > view[1] && y < view[1] + view[3];
    look(inside ? view : [x - view[2] / 2, y - view[3] / 2, view[2], view[3]]);
    const more = near[i].length > SHOWN ? ", of which these are the largest" : "";
    said.textContent = d.names[i] + ": " + near[i].length + " neighbours in this picture" + more + ".";
    list.replaceChildren(...near[i].slice(0, SHOWN).map(([j, k]) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = (d.titles[k] ? d.titles[k] + " \\u2192 " : "") + d.names[j];
      button.addEventListener("click", () => { choose(j); svg.focus(); });
      item.appendChild(button); return item;
    }));
  }
  function step(dx, dy) {
    let best = -1, least = Infinity;
    d.xy.forEach(([x, y], j) => {
      const a = x - d.xy[chosen][0], b = y - d.xy[chosen][1], ahead = a * dx + b * dy;
      const side = Math.abs(a * dy - b * dx);
      if (j !== chosen && ahead > side) { const far = Math.hypot(a, b); if (far < least) { least = far; best = j; } }
    });
    if (best >= 0) choose(best);
  }
  const keys = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  svg.addEventListener("keydown", (e) => {
    if (keys[e.key]) step(...keys[e.key]);
    else if (e.key === "+" || e.key === "=") zoom(0.7);
    else if (e.key === "-") zoom(1 / 0.7);
    else if (e.key === "0") look([0, 0, W, H]);
    else return;
    e.preventDefault();
  });
  root.querySelector(".bar").addEventListener("click", (e) => {
    const act = e.target.dataset.act;
    if (act === "in") zoom(0.7); else if (act === "out") zoom(1 / 0.7); else if (act) look([0, 0, W, H]);
  });
  select.addEventListener("change", () => choose(Number(select.value)));
  let from = null;
  svg.addEventListener("pointerdown", (e) => { if (e.target === svg) from = [e.clientX, e.clientY, ...view]; });
  window.addEventListener("pointermove", (e) => {
    if (!from) return;
    const scale = view[2] / svg.clientWidth;
    look([from[2] - (e.clientX - from[0]) * scale, from[3] - (e.clientY - from[1]) * scale, view[2], view[3]]);
  });
  window.addEventListener("pointerup", () => { from = null; });
  choose(chosen);
})();
</script>
</figure>"""
