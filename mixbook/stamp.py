"""What a stored notebook says of its own run, and what it does not keep of it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from mixbook.chapters import require, tags

__all__ = ["stamp", "stamp_text", "tidy"]

STAMP = re.compile(r'(<span class="mixbook-stamp"[^>]*>).*?(</span>)', re.DOTALL)
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
SLIDER = re.compile(r"(mixbook-slider-)[0-9a-f]{8}\b")
PROGRESS_BAR = re.compile(r"\d+%\||\d+it \[|it/s|s/it")


def tidy(raw: dict[str, Any]) -> Any:
    """An executed notebook without what changes from run to run and means nothing."""
    nbformat = require("nbformat")
    notebook = nbformat.reads(json.dumps(raw), as_version=4)
    for key in ("papermill", "widgets"):
        notebook.metadata.pop(key, None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    markers = ("injected-parameters", "papermill-error-cell-tag")
    notebook.cells = [c for c in notebook.cells if not set(markers) & set(tags(c))]
    count = 0
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            _tidy_outputs(cell, count)
    return notebook


def _tidy_outputs(cell: Any, count: int) -> None:
    cell.execution_count = count
    cell.outputs = [output for output in cell.outputs if not _is_progress_bar(output)]
    for output in cell.outputs:
        if "execution_count" in output:
            output.execution_count = count
        data = output.get("data", {})
        if "text/plain" in data:
            data["text/plain"] = ADDRESS.sub("", data["text/plain"])
        if "text/html" in data:
            data["text/html"] = SLIDER.sub(rf"\g<1>cell-{count}", data["text/html"])


def _is_progress_bar(output: Any) -> bool:
    if output.output_type != "stream" or output.name != "stderr":
        return False
    lines = [line for line in re.split(r"[\r\n]+", output.text) if line.strip()]
    return all(PROGRESS_BAR.search(line) for line in lines)


def stamp(notebook: Any) -> None:
    """Put date, hardware, versions, seed and duration into the paper card."""
    text = stamp_text(notebook.metadata["mixbook"]["run"])
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html")
            if page:
                output.data["text/html"] = STAMP.sub(
                    lambda match: f"{match[1]}{text}{match[2]}", page
                )


def stamp_text(run: Mapping[str, Any]) -> str:
    """The run of a chapter in one line for its readers."""
    names = ", ".join(
        f"{'Python' if name == 'python' else name} {version}"
        for name, version in run["versions"].items()
    )
    return (
        f"{run['date'][:10]}, profile {run['profile']}, seed {run['seed']}, in "
        f"{run['seconds']:.0f} s with {run['peak_mb']:.0f} MB at most, on {run['hardware']}, "
        f"with {names}"
    )
