"""The map of a part: its methods on the left, what they have in common on the right."""

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from mixbook import catalog

ROW, WIDTH, LEFT, RIGHT = 30, 660, 250, 430


def shared_tags(papers: Sequence[catalog.Paper]) -> list[str]:
    """Tags that at least two methods carry, the commonest first."""
    counts = Counter(tag for paper in papers for tag in paper.tags)
    return [tag for tag, n in counts.most_common() if n > 1]


def spread(n: int, height: int) -> list[float]:
    """Heights of n rows, evenly over the drawing."""
    return [height * (i + 0.5) / n for i in range(n)]


def curve(y0: float, y1: float) -> str:
    middle = (LEFT + RIGHT) / 2
    path = f"M{LEFT} {y0:.1f} C{middle} {y0:.1f} {middle} {y1:.1f} {RIGHT} {y1:.1f}"
    return f'<path class="link" d="{path}"/>'


def method(paper: catalog.Paper, y: float, href: str | None) -> str:
    label = f'<text x="{LEFT - 12}" y="{y + 5:.1f}" text-anchor="end">{escape(paper.name)}</text>'
    if href:
        label = f'<a href="{escape(href)}">{label}</a>'
    return f'{label}<circle class="{paper.status}" cx="{LEFT}" cy="{y:.1f}" r="5"/>'


def tag_label(tag: str, y: float) -> str:
    return f'<text x="{RIGHT + 10}" y="{y + 5:.1f}">{escape(tag)}</text>'


def describe(papers: Sequence[catalog.Paper], tags: Sequence[str]) -> str:
    """The map in words, for readers who do not see it."""
    lines = (f"{t}: {', '.join(p.name for p in papers if t in p.tags)}" for t in tags)
    return "Which methods share what. " + "; ".join(lines) + "."


def method_map(papers: Sequence[catalog.Paper], href: Callable[[catalog.Paper], str]) -> str:
    """SVG source of the map; empty when the methods share no tag."""
    tags = shared_tags(papers)
    if not tags:
        return ""
    height = ROW * max(len(papers), len(tags))
    ys, yt = spread(len(papers), height), dict(zip(tags, spread(len(tags), height), strict=True))
    body = [curve(y, yt[t]) for p, y in zip(papers, ys, strict=True) for t in tags if t in p.tags]
    for p, y in zip(papers, ys, strict=True):
        body.append(method(p, y, href(p) if p.done else None))
    body += [tag_label(t, y) for t, y in yt.items()]
    return (
        f'<svg class="mixbook-map" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(describe(papers, tags))}">{"".join(body)}</svg>'
    )
