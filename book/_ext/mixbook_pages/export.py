"""The book's data for programs, and the whole book in one file for reading offline."""

import importlib.util
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from mixbook import catalog

from . import claims
from .check import document

ZIP = "mixbook-offline.zip"
# A fixed date makes the archive a function of its content.
DATE = (1980, 1, 1, 0, 0, 0)
NOT_IN_ZIP = {".buildinfo", ZIP}


def code_path(paper: catalog.Paper, root: Path) -> str | None:
    """The file that implements a finished paper, from the root of the repository."""
    spec = importlib.util.find_spec(paper.module) if paper.status == "done" else None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def paper_records(root: Path) -> list[dict[str, Any]]:
    """One record a paper, for ``papers.json``."""
    return [
        asdict(paper)
        | {
            "page": f"{document(paper)}.html" if paper.status == "done" else None,
            "notebook": f"{document(paper)}.ipynb" if paper.status == "done" else None,
            "module": paper.module if paper.status == "done" else None,
            "code_path": code_path(paper, root),
        }
        for paper in catalog.papers()
    ]


def claim_records(root: Path) -> list[dict[str, Any]]:
    """One record a claim, for ``claims.json``."""
    return [
        {
            "id": f"{row['slug']}/{row['id']}",
            "claim": row["claim"],
            "paper_value": row["paper_value"],
            "where": row["where"],
            "ours": {
                profile: {k: row[profile][k] for k in ("measured", "text", "verdict")}
                for profile in ("ci", "full")
                if row[profile]["verdict"]
            },
            "unit": row["unit"],
            "criterion": row["criterion"],
            "verdict": row["verdict"],
            "note": row["note"],
            "cell": f"{row['page']}.html#{row['anchor']}",
            "code_path": code_path(catalog.paper(row["slug"]), root),
            "versions": row["full"]["versions"] or row["ci"]["versions"],
        }
        for row in claims.of_book(root)
    ]


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
    yield "- [claims.json](claims.json): every claim with its criterion, measured values and verdict"
    yield f"- [{ZIP}]({ZIP}): the whole book for offline reading"
    for family in catalog.families():
        papers = [p for p in catalog.papers() if p.family == family.slug and p.status == "done"]
        yield ""
        yield f"## {family.title}"
        yield f"- [About this part](notebooks/{family.slug}/index.html): {family.summary}"
        for paper in papers:
            yield f"- [{paper.name}]({document(paper)}.html): {paper.summary}"


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
    write_json(site / "papers.json", paper_records(root))
    write_json(site / "claims.json", claim_records(root))
    (site / "llms.txt").write_text("\n".join(llms_lines(repository)) + "\n", encoding="utf-8")
    write_index(site, app.config.root_doc)
    write_zip(site)


def write_index(site: Path, first: str) -> None:
    """An entry page beside the pages, so that the unpacked zip opens where the site does."""
    target = f"{first}.html"
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>mixbook</title>'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>'
        f'<body><p><a href="{target}">mixbook</a></p></body></html>\n'
    )
    (site / "index.html").write_text(html, encoding="utf-8")
