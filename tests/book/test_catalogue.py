"""The catalogue against the checkout: what it calls done is there, what is planned is not shown."""

import tomllib
from pathlib import Path

import pytest
import yaml

from mixbook import catalog

ROOT = Path(__file__).parents[2]
DONE = [paper for paper in catalog.papers() if paper.done]
PLANNED = [paper for paper in catalog.papers() if not paper.done]


def pages(node) -> set[str]:
    """Every file that a part of the table of contents names."""
    if isinstance(node, dict):
        own = {node["file"]} if "file" in node else set()
        return own | pages(list(node.values()))
    return set().union(*map(pages, node)) if isinstance(node, list) else set()


def missing(paper: catalog.Paper, root: Path = ROOT) -> list[str]:
    """What a done paper lacks."""
    module = root.joinpath(*paper.module.split("."))
    wanted = {
        "module": [module.with_suffix(".py"), module / "__init__.py"],
        "notebook": [root / f"{paper.notebook}.ipynb"],
        "source of the notebook": [root / f"{paper.notebook}.py"],
        "tests": [root / "tests" / paper.family / f"test_{paper.slug}.py"],
        "benchmark": [root / "benchmarks" / f"test_{paper.slug}.py"],
        "API page": [root / "book" / "api" / f"{paper.family}.md"],
    }
    found = [what for what, paths in wanted.items() if not any(p.is_file() for p in paths)]
    source = root / f"{paper.notebook}.py"
    if source.is_file() and f"{{cite}}`{paper.bib}`" not in source.read_text("utf-8"):
        found.append("citation")
    return found


@pytest.mark.parametrize("paper", DONE, ids=lambda paper: paper.slug)
def test_a_done_paper_has_everything(paper):
    assert missing(paper) == []
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert paper.extra in {"", *extras["project"]["optional-dependencies"]}


def test_the_contents_hold_the_done_papers_and_no_planned_one():
    listed = pages(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
    assert "book/ledger" in listed, "the table of contents was not read"
    assert {paper.notebook for paper in DONE} <= listed
    assert not {paper.notebook for paper in PLANNED} & listed


def test_no_planned_paper_shows_outputs():
    assert [p.slug for p in PLANNED if (ROOT / f"{p.notebook}.ipynb").exists()] == []


def test_an_empty_checkout_lacks_everything(tmp_path):
    names = ["module", "notebook", "source of the notebook", "tests", "benchmark", "API page"]
    assert missing(DONE[0], tmp_path) == names


def test_a_chapter_that_does_not_cite_its_paper_is_found(tmp_path):
    source = tmp_path / f"{DONE[0].notebook}.py"
    source.parent.mkdir(parents=True)
    source.write_text("# no citation")
    assert missing(DONE[0], tmp_path)[-1] == "citation"


def test_the_address_of_the_repository_stands_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    folders = ("mixbook", "notebooks", "book", "tests", "scripts")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*")]
    kinds = {".py", ".md", ".toml", ".ipynb", ".sh", ".js", ".html"}
    texts = [p for p in files if p.suffix in kinds and "mathjax" not in p.parts]
    assert [p.name for p in texts if address in p.read_text("utf-8")] == []
