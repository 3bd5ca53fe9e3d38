"""Small pictures for the gallery, cut from the output of the notebook's cell tagged "thumbnail"."""

import base64
import io
import json
from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx

from mixbook import catalog

SIZE = (480, 300)
PICTURES = ("image/png", "image/jpeg")


def tagged_cells(notebook: dict, tag: str) -> list[dict]:
    return [c for c in notebook["cells"] if tag in c["metadata"].get("tags", [])]


def picture(notebook: dict) -> bytes | None:
    """The first picture among the outputs of the cells tagged "thumbnail"."""
    for cell in tagged_cells(notebook, "thumbnail"):
        for output in cell.get("outputs", []):
            for mime in PICTURES:
                if mime in output.get("data", {}):
                    return base64.b64decode("".join(output["data"][mime]))
    return None


def shrink(picture: bytes) -> bytes:
    """A PNG that fits into ``SIZE``, on white."""
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    page = Image.new("RGBA", image.size, "white")
    page.alpha_composite(image)
    page.thumbnail(SIZE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    page.convert("RGB").quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


def read_notebook(root: Path, paper: catalog.Paper) -> dict | None:
    path = root / f"{paper.notebook}.ipynb"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def of_paper(root: Path, paper: catalog.Paper) -> bytes | None:
    notebook = read_notebook(root, paper)
    return picture(notebook) if notebook else None


def write_all(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    for paper in catalog.papers():
        if paper.done and (found := of_paper(Path(app.srcdir), paper)):
            (folder / f"{paper.slug}.png").write_bytes(shrink(found))
