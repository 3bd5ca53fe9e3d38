"""The claims of the whole book, as the ledger page and ``claims.json`` show them."""

from collections import Counter
from pathlib import Path
from typing import Any

from mixbook import catalog, ledger
from mixbook.claims import DOES_NOT_HOLD, HOLDS, NEEDS_FULL

from .check import document

VERDICTS = (HOLDS, DOES_NOT_HOLD, NEEDS_FULL)
NOT_RUN = {"measured": None, "text": "", "verdict": "", "versions": {}}


def of_book(root: Path) -> list[dict[str, Any]]:
    """One row a claim, in the order of the catalogue."""
    order = {paper.slug: i for i, paper in enumerate(catalog.papers())}
    rows = [_row(record) for record in ledger.collect(root)]
    return sorted(rows, key=lambda row: order[row["slug"]])


def count_verdicts(rows: list[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(row["verdict"] for row in rows)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _run(record: dict[str, Any] | None) -> dict[str, Any]:
    """What one profile measured."""
    if not record:
        return NOT_RUN
    shown = "" if record["measured"] is None else record["measured_text"]
    return {
        "measured": record["measured"],
        "text": shown,
        "verdict": record["verdict"],
        "versions": record.get("versions", {}),
    }


def _row(record: dict[str, Any]) -> dict[str, Any]:
    paper = catalog.paper(record["slug"])
    ci, full = _run(record.get("ci")), _run(record.get("full"))
    return {
        "slug": paper.slug,
        "name": paper.name,
        "family": paper.family,
        "id": record["id"],
        "claim": record["claim"],
        "paper_value": record["paper"],
        "where": record.get("where", ""),
        "unit": record.get("unit", ""),
        "criterion": record["criterion"],
        "note": record.get("note", ""),
        "ci": ci,
        "full": full,
        # The longer run decides where there is one.
        "verdict": full["verdict"] or ci["verdict"],
        "page": document(paper),
        "anchor": f"claim-{record['id']}",
        "module": paper.module,
    }
