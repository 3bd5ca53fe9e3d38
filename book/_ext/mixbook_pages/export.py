"""The book's data for programs, and the whole book in one file for reading offline."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from mixbook import catalog

from . import claims

ZIP = "mixbook-offline.zip"
# A fixed date makes the archive a function of its content.
DATE = (1980, 1, 1, 0, 0, 0)
NOT_IN_ZIP = {".buildinfo", ZIP}


def code_path(paper: catalog.Paper, root: Path) -> str:
    """The file that implements a finished paper, from the root of the repository."""
    base = paper.module.replace(".", "/")
    return f"{base}/__init__.py" if (root / base).is_dir() else f"{base}.py"


def paper_record(paper: catalog.Paper, root: Path) -> dict[str, Any]:
    """One paper as ``papers.json`` gives it; only a finished one has a page and code."""
    places = {
        "page": f"{paper.notebook}.html",
        "notebook": f"{paper.notebook}.ipynb",
        "module": paper.module,
        "code_path": code_path(paper, root),
    }
    return asdict(paper) | {key: value if paper.done else None for key, value in places.items()}


def claim_record(row: dict[str, Any]) -> dict[str, Any]:
    """One claim as ``claims.json`` gives it."""
    kept = [
        "paper",
        "id",
        "claim",
        "paper_value",
        "where",
        "unit",
        "criterion",
        "note",
        "notebook",
        "versions",
    ]
    return {key: row[key] for key in kept} | {
        "verdict": row["deciding"],
        "ours": {
            "ci": {k: row[k] for k in ("measured", "verdict", "date", "device")},
            "full": {k: row[f"full_{k}"] for k in ("measured", "verdict", "date", "device")},
        },
        "cell": f"{row['page']}.html#{row['anchor']}",
        "code_path": row["code"],
    }


def llms_lines(repository: str) -> Iterator[str]:
    """``llms.txt``: what the site holds, one link a line."""
    yield "# mixbook"
    yield ""
    yield "> Research papers on mixtures and networks: for each a Python module, a teaching"
    yield "> notebook and a scorecard of claims that are measured again."
    yield ""
    yield f"Source: {repository}"
    yield ""
    yield "## Data"
    yield "- [papers.json](papers.json): every paper of the catalogue, finished or planned"
    yield "- [claims.json](claims.json): every claim with criterion, measured values, verdict"
    yield f"- [{ZIP}]({ZIP}): the whole book for offline reading"
    for family in catalog.families():
        papers = [p for p in catalog.papers() if p.family == family.slug and p.done]
        yield ""
        yield f"## {family.title}"
        yield f"- [About this part]({family.notebook}.html): {family.summary}"
        for paper in papers:
            yield f"- [{paper.name}]({paper.notebook}.html): {paper.summary}"


def write_json(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_zip(site: Path) -> None:
    """Pack every file of the site, in a fixed order."""
    files = sorted(p for p in site.rglob("*") if p.is_file() and p.name not in NOT_IN_ZIP)
    with zipfile.ZipFile(site / ZIP, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"mixbook/{path.relative_to(site).as_posix()}", DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def write_all(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    root, site = Path(app.srcdir).resolve(), Path(app.outdir)
    repository = app.config.html_theme_options.get("repository_url", "")
    write_json(site / "papers.json", [paper_record(paper, root) for paper in catalog.papers()])
    write_json(site / "claims.json", [claim_record(row) for row in claims.of_book(root)])
    (site / "llms.txt").write_text("\n".join(llms_lines(repository)) + "\n", encoding="utf-8")
    write_zip(site)
