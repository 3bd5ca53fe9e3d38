"""The weekly comparison finds changed verdicts, moved values and missing runs."""

import importlib.util
import json

import pytest

from mixbook import catalog
from mixbook.claims import MIME, Measured, Scorecard

from .conftest import ROOT

spec = importlib.util.spec_from_file_location("drift", ROOT / ".github" / "drift.py")
drift = importlib.util.module_from_spec(spec)
spec.loader.exec_module(drift)

PAPERS = [paper for paper in catalog.papers() if paper.done]


def notebook(slug: str, **measured) -> str:
    """A notebook whose only output is a scorecard with one claim: error < 1."""
    card = Scorecard(slug)
    card.claim("C1", "It is small", measured=measured, criterion="error < 1")
    cell = {"outputs": [{"data": {MIME: card.to_dict()}}]}
    return json.dumps({"cells": [cell]})


@pytest.fixture
def two_runs(tmp_path):
    """Committed outputs and new runs of every finished chapter, with the values given."""

    def lay(old: dict, new: dict):
        (tmp_path / "_runs").mkdir(exist_ok=True)
        for paper in PAPERS:
            path = tmp_path / f"{paper.notebook}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebook(paper.slug, **old))
            run = tmp_path / "_runs" / f"{paper.slug}-ci-seed7.ipynb"
            run.write_text(notebook(paper.slug, **new))
        return tmp_path

    return lay


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        (0.50, 0.51, False),
        (0.50, 0.60, True),
        (Measured(0.50, 0.05), Measured(0.60, 0.05), False),
        (Measured(0.50, 0.01), Measured(0.60, 0.01), True),
        (Measured(0.50, 0.01), 0.51, False),
        (0.0, 0.0, False),
        (0.0, 1e-9, True),
    ],
)
def test_a_value_moves_only_beyond_its_noise(two_runs, old, new, moved):
    report = drift.compare(two_runs({"error": old}, {"error": new}), "ci", 7)
    assert [row[2] for row in report.values] == ["error"] * moved * len(PAPERS)
    assert (report.missing, report.verdicts) == ([], [])


def test_a_changed_verdict_is_reported(two_runs):
    report = drift.compare(two_runs({"error": 0.9}, {"error": 1.1}), "ci", 7)
    assert [row[2:4] for row in report.verdicts] == [("holds", "does not hold")] * len(PAPERS)
    text = drift.as_markdown(report, "ci", 7)
    row = f"| {PAPERS[0].slug} | C1 | holds | does not hold | error < 1 |"
    assert row in text.splitlines()


def test_numbers_within_lists_are_compared(two_runs):
    old = {"error": 0.5, "curve": [1.0, 2.0]}
    report = drift.compare(two_runs(old, {"error": 0.5, "curve": [1.0, 3.0]}), "ci", 7)
    assert {row[2] for row in report.values} == {"curve[1]"}
    report = drift.compare(two_runs(old, {"error": 0.5, "curve": [1.0]}), "ci", 7)
    assert {row[2:] for row in report.values} == {("curve[1]", "2", "absent")}


def test_a_chapter_without_a_new_run_fails(two_runs, monkeypatch, capsys):
    root = two_runs({"error": 0.5}, {"error": 0.5})
    monkeypatch.setattr(drift, "ROOT", root)
    assert drift.main(["--seed", "7"]) == 0
    (root / "_runs" / f"{PAPERS[0].slug}-ci-seed7.ipynb").unlink()
    assert drift.main(["--seed", "7"]) == 1
    assert f"Without a complete new run: {PAPERS[0].slug}." in capsys.readouterr().out
