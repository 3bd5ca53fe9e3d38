"""The ledger: every claim of every chapter, with what the paper says, ours, and the verdict.

The ``ci`` values come from the executed notebooks in the checkout, the ``full`` values from
``results/<slug>.json``.
"""

import csv
import io
import json
from pathlib import Path
from typing import Any

from mixbook.chapters import Chapter, MixbookError, all_chapters, read_notebook
from mixbook.claims import MIME

__all__ = ["COLUMNS", "as_csv", "claims_payload", "collect", "count_verdicts", "full_result"]

COLUMNS = (
    "paper",
    "family",
    "id",
    "claim",
    "paper_value",
    "where",
    "measured",
    "unit",
    "criterion",
    "verdict",
    "note",
    "full_measured",
    "full_verdict",
    "notebook",
    "link",
    "code",
    "versions",
    "date",
    "device",
    "full_date",
    "full_device",
)


def claims_payload(notebook: Any) -> dict[str, Any] | None:
    """What the last scorecard output of an executed notebook holds (None when there is none)."""
    found = None
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MIME, found)
    return found


def count_verdicts(payload: dict[str, Any] | None) -> dict[str, int]:
    """How many claims of a payload have each verdict."""
    counts: dict[str, int] = {}
    for claim in (payload or {}).get("claims", []):
        counts[claim["verdict"]] = counts.get(claim["verdict"], 0) + 1
    return counts


def full_result(root: Path, slug: str) -> dict[str, Any] | None:
    """The stored full run of a paper, or None.

    Raises
    ------
    MixbookError
        If the file is there and cannot be read.
    """
    path = Path(root) / "results" / f"{slug}.json"
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MixbookError(
            f"results/{slug}.json is not JSON ({error}); delete it or run: "
            f"mixbook run {slug} --profile full --force"
        ) from error


def collect(root: Path) -> list[dict[str, Any]]:
    """All claims of the checkout, one flat dict each with the keys in `COLUMNS`."""
    rows: list[dict[str, Any]] = []
    for chapter in all_chapters(Path(root)):
        if chapter.notebook.is_file() and not chapter.is_index:
            rows += _rows(chapter)
    return rows


def _rows(chapter: Chapter) -> list[dict[str, Any]]:
    notebook = read_notebook(chapter.notebook)
    payload = claims_payload(notebook) or {"claims": []}
    run = notebook.metadata.get("mixbook", {}).get("run", {})
    full = full_result(chapter.root, chapter.slug) or {}
    full_claims = {claim["id"]: claim for claim in full.get("claims", [])}
    return [_row(chapter, c, run, full, full_claims.get(c["id"], {})) for c in payload["claims"]]


def _row(chapter: Chapter, claim: Any, run: Any, full: Any, full_claim: Any) -> dict[str, Any]:
    page = chapter.relative.removesuffix(".ipynb") + ".html"
    return {
        "paper": chapter.slug,
        "family": chapter.family,
        "id": claim["id"],
        "claim": claim["claim"],
        "paper_value": claim["paper"],
        "where": claim["where"],
        "measured": claim["measured_text"],
        "unit": claim["unit"],
        "criterion": claim["criterion"],
        "verdict": claim["verdict"],
        "note": claim["note"],
        "full_measured": full_claim.get("measured_text", ""),
        "full_verdict": full_claim.get("verdict", ""),
        "notebook": chapter.relative,
        "link": f"{page}#scorecard",
        "code": _code_path(chapter),
        "versions": dict(run.get("versions", {})),
        "date": run.get("date", ""),
        "device": run.get("device", ""),
        "full_date": full.get("date", "") if full_claim else "",
        "full_device": full.get("device", "") if full_claim else "",
    }


def _code_path(chapter: Chapter) -> str:
    base = f"mixbook/{chapter.family}/{chapter.name}"
    return f"{base}/__init__.py" if (chapter.root / base).is_dir() else f"{base}.py"


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV with a header; versions as ``name=version`` pairs."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        pairs = " ".join(f"{name}={version}" for name, version in row["versions"].items())
        writer.writerow({**row, "versions": pairs})
    return text.getvalue()
