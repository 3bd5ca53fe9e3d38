"""Compare a new run of the chapters with the committed outputs; prints a Markdown report.

Usage: ``python .github/drift.py --seed 7 --profile ci`` after ``mixbook run --all --seed 7``.
Exits with 1 if a verdict changed or a chapter has no new run.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mixbook import catalog
from mixbook.ledger import claims_payload

ROOT = Path(__file__).resolve().parents[1]
# Without standard errors a value has moved when it changed by more than this share.
SHARE = 0.05
# With them, when the two runs lie this many joint standard errors apart.
ERRORS = 3.0


class Number(NamedTuple):
    """A measured number with its standard error, if it has one."""

    value: float
    se: float | None

    def __str__(self) -> str:
        return f"{self.value:.4g}" + (f" ± {self.se:.2g}" if self.se is not None else "")


class Report(NamedTuple):
    """What changed: rows of cells for the three tables of the report."""

    missing: list[str]
    verdicts: list[tuple[str, ...]]
    values: list[tuple[str, ...]]


def numbers(measured: Any, name: str) -> Iterator[tuple[str, Number]]:
    """The numbers within one measured value, each with a name."""
    if isinstance(measured, list):
        for i, item in enumerate(measured):
            yield from numbers(item, f"{name}[{i}]")
    elif isinstance(measured, dict) and isinstance(measured["value"], int | float):
        yield name, Number(measured["value"], measured["se"])
    elif isinstance(measured, int | float) and not isinstance(measured, bool):
        yield name, Number(measured, None)


def all_numbers(claim: dict[str, Any]) -> dict[str, Number]:
    measured = claim["measured"] or {}
    return dict(pair for name, value in measured.items() for pair in numbers(value, name))


def has_moved(old: Number, new: Number) -> bool:
    """Whether the difference is more than the noise that is known of, or more than 5 %."""
    gap = abs(new.value - old.value)
    if old.se is not None and new.se is not None:
        return gap > ERRORS * (old.se**2 + new.se**2) ** 0.5
    return gap > SHARE * max(abs(old.value), abs(new.value))


def read_claims(path: Path) -> dict[str, dict[str, Any]] | None:
    """The claims of an executed notebook by id; None if there is no such notebook."""
    if not path.is_file():
        return None
    payload = claims_payload(json.loads(path.read_text(encoding="utf-8"))) or {"claims": []}
    return {claim["id"]: claim for claim in payload["claims"]}


def compare_claim(slug: str, old: dict[str, Any], new: dict[str, Any], report: Report) -> None:
    """Note a changed verdict and every number that moved."""
    where = (slug, old["id"])
    if old["verdict"] != new["verdict"]:
        report.verdicts.append((*where, old["verdict"], new["verdict"], old["criterion"]))
    before, after = all_numbers(old), all_numbers(new)
    for name in before.keys() & after.keys():
        if has_moved(before[name], after[name]):
            report.values.append((*where, name, str(before[name]), str(after[name])))
    for name in sorted(before.keys() ^ after.keys()):
        shown = (str(side.get(name, "absent")) for side in (before, after))
        report.values.append((*where, name, *shown))


def compare(root: Path, profile: str, seed: int) -> Report:
    """Compare every finished chapter with its new run."""
    report = Report([], [], [])
    for paper in (paper for paper in catalog.papers() if paper.done):
        old = read_claims(root / f"{paper.notebook}.ipynb")
        new = read_claims(root / "_runs" / f"{paper.slug}-{profile}-seed{seed}.ipynb")
        if old is None or new is None or old.keys() != new.keys():
            report.missing.append(paper.slug)
            continue
        for id in old:
            compare_claim(paper.slug, old[id], new[id], report)
    return report


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *sorted(rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_markdown(report: Report, profile: str, seed: int) -> str:
    parts = [f"# Drift of the {profile} profile, seed {seed}"]
    if report.missing:
        parts.append("Without a complete new run: " + ", ".join(report.missing) + ".")
    parts.append(f"## Verdicts that changed: {len(report.verdicts)}")
    if report.verdicts:
        head = ("chapter", "claim", "committed", "now", "criterion")
        parts.append(table(head, report.verdicts))
    parts.append(f"## Values that moved: {len(report.values)}")
    if report.values:
        parts.append(table(("chapter", "claim", "value", "committed", "now"), report.values))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--profile", choices=("ci", "full"), default="ci")
    given = parser.parse_args(arguments)
    report = compare(ROOT, given.profile, given.seed)
    print(as_markdown(report, given.profile, given.seed))
    return 1 if report.verdicts or report.missing else 0


if __name__ == "__main__":
    sys.exit(main())
