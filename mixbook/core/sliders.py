"""Figures with a slider that need no kernel: every frame is drawn beforehand."""

import base64
import html
import io
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from mixbook.core.validation import check_integer

__all__ = ["SliderFigure", "slider_figure"]

MAX_BYTES = 600_000


class SliderFigure:
    """A sequence of pictures with a slider; displays itself in a page, in Colab and offline.

    Attributes
    ----------
    frames : list of bytes
        One PNG a value.
    captions : list of str
        What each frame shows; read out by screen readers.
    """

    def __init__(self, frames: list[bytes], captions: list[str], label: str, start: int) -> None:
        self.frames, self.captions, self.label, self.start = frames, captions, label, start

    def __repr__(self) -> str:
        return f"SliderFigure({self.label!r}, {len(self.frames)} frames)"

    def _repr_html_(self) -> str:
        uid = f"mixbook-slider-{uuid.uuid4().hex[:8]}"
        sources = [base64.b64encode(frame).decode() for frame in self.frames]
        images = ",".join(f'"{source}"' for source in sources)
        captions = ",".join(f'"{html.escape(c, quote=True)}"' for c in self.captions)
        return _TEMPLATE.format(
            uid=uid,
            first=sources[self.start],
            caption=html.escape(self.captions[self.start], quote=True),
            label=html.escape(self.label),
            last=len(sources) - 1,
            start=self.start,
            images=images,
            captions=captions,
        )


def slider_figure(
    draw: Callable[[Any], Figure],
    values: Sequence[Any],
    label: str,
    *,
    describe: Callable[[Any], str] | None = None,
    start: int | None = None,
    dpi: int = 80,
    colours: int = 64,
) -> SliderFigure:
    """Draw one figure for each value and bind them to a slider.

    Parameters
    ----------
    draw : callable
        ``draw(value)`` returns a matplotlib figure; it is closed afterwards.
    values : sequence
        The slider's stops, at least two.
    label : str
        Name of the parameter, with its unit.
    describe : callable, optional
        ``describe(value)`` is the frame's caption and alternative text; the default is
        ``"label = value"``.
    start : int, optional
        Index of the frame shown first; default the middle one.
    dpi, colours : int
        Resolution and size of each frame's palette; both set the page's weight.

    Raises
    ------
    ValueError
        If there are fewer than two values, or the frames weigh more than 600 kB together.
    """
    if len(values) < 2:
        raise ValueError(f"values must hold at least two stops for a slider, got {len(values)}")
    start = len(values) // 2 if start is None else start
    check_integer(start, "start", low=0, high=len(values) - 1)
    describe = describe or (lambda value: f"{label} = {value}")
    frames = [_render(draw(value), dpi, colours) for value in values]
    weight = sum(4 * len(frame) // 3 for frame in frames)
    if weight > MAX_BYTES:
        raise ValueError(
            f"the slider's frames weigh {weight / 1000:.0f} kB, more than {MAX_BYTES // 1000} kB; "
            "use fewer stops, a smaller dpi or fewer colours"
        )
    return SliderFigure(frames, [describe(value) for value in values], label, start)


def _render(figure: Figure, dpi: int, colours: int) -> bytes:
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=dpi)
    plt.close(figure)
    image = Image.open(raw).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True)
    return small.getvalue()


_TEMPLATE = """\
<figure class="mixbook-slider" id="{uid}" style="margin:0;max-width:100%">
<img src="data:image/png;base64,{first}" alt="{caption}" style="max-width:100%;background:#fff">
<figcaption style="display:flex;gap:.75em;align-items:center;flex-wrap:wrap">
<label for="{uid}-range">{label}</label>
<input id="{uid}-range" type="range" min="0" max="{last}" value="{start}" step="1"
 style="flex:1;min-width:10em" aria-valuetext="{caption}">
<output for="{uid}-range" aria-live="polite">{caption}</output>
</figcaption>
<script>
(function () {{
  const root = document.getElementById("{uid}");
  const images = [{images}];
  const captions = [{captions}];
  const range = root.querySelector("input");
  range.addEventListener("input", function () {{
    const i = Number(range.value);
    const image = root.querySelector("img");
    image.src = "data:image/png;base64," + images[i];
    image.alt = captions[i];
    range.setAttribute("aria-valuetext", captions[i]);
    root.querySelector("output").textContent = captions[i];
  }});
}})();
</script>
</figure>"""
