"""The claims of the whole book, as the ledger page and ``claims.json`` show them."""

from collections import Counter
from pathlib import Path
from typing import Any

from mixbook import catalog, ledger
from mixbook.claims import DOES_NOT_HOLD, HOLDS, NEEDS_FULL

VERDICTS = (HOLDS, DOES_NOT_HOLD, NEEDS_FULL)
# The names that the style classes of a scorecard use.
KINDS = {HOLDS: "holds", DOES_NOT_HOLD: "fails", NEEDS_FULL: "full"}


def of_book(root: Path) -> list[dict[str, Any]]:
    """One row a claim, in the order of the catalogue; papers that are not finished have none."""
    order = {paper.slug: i for i, paper in enumerate(catalog.papers()) if paper.done}
    rows = [_shown(row) for row in ledger.collect(root) if row["paper"] in order]
    return sorted(rows, key=lambda row: order[row["paper"]])


def count_verdicts(rows: list[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(row["deciding"] for row in rows)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the ledger with the paper's name, its page, and the verdict that decides."""
    paper = catalog.paper(row["paper"])
    return row | {
        "name": paper.name,
        "page": paper.notebook,
        "anchor": f"claim-{row['id']}",
        "ours_ci": "" if row["verdict"] == NEEDS_FULL else row["measured"],
        "ours_full": row["full_measured"],
        # The longer run decides where there is one.
        "deciding": row["full_verdict"] or row["verdict"],
    }
