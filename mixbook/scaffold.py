"""Starting the chapter of a planned paper: module, notebook pair, test and benchmark."""

import re
import textwrap
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mixbook import catalog
from mixbook.chapters import (
    Chapter,
    MixbookError,
    atomic_write,
    catalogue,
    read_source,
    write_notebook,
)

__all__ = ["lay_down", "remaining_steps"]

TEMPLATES = Path(__file__).with_name("templates")


def lay_down(root: Path, slug: str) -> list[Path]:
    """Write the files of a new chapter from templates.

    Parameters
    ----------
    root : Path
        The checkout.
    slug : str
        A planned paper of its catalogue.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    MixbookError
        If the slug is unknown or done, or one of the files is there already; nothing is written.
    """
    paper = _planned(root, slug)
    chapter = Chapter(root, paper.family, slug)
    texts = {
        root.joinpath(*paper.module.split(".")).with_suffix(".py"): "module",
        chapter.script: "notebook",
        root / "tests" / paper.family / f"test_{slug}.py": "test",
        root / "benchmarks" / f"test_{slug}.py": "benchmark",
    }
    written = [*texts, chapter.notebook]
    if existing := [path for path in written if path.exists()]:
        names = ", ".join(path.relative_to(root).as_posix() for path in existing)
        raise MixbookError(f"nothing was written, because {names} exists already; remove it first")
    for path, template in texts.items():
        atomic_write(path, _filled(template, paper))
    write_notebook(chapter.notebook, read_source(chapter))
    if _add_to_toc(root, chapter):
        written.append(root / "_toc.yml")
    return written


def _planned(root: Path, slug: str) -> Any:
    papers = {paper.slug: paper for paper in catalogue(root).papers}
    if slug not in papers:
        near = get_close_matches(slug, papers, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see: mixbook list --status planned"
        raise MixbookError(f"the catalogue has no paper {slug!r}; {hint}")
    if papers[slug].status == "done":
        raise MixbookError(f"the chapter of {slug!r} is done already; see: mixbook check {slug}")
    return papers[slug]


def _filled(template: str, paper: Any) -> str:
    values = {
        "slug": paper.slug,
        "module": paper.module,
        "name": paper.name,
        "headline": paper.summary.rstrip("."),
        "title": paper.title,
        "authors": ", ".join(paper.authors),
        "venue": f"{paper.venue} {paper.year}",
        "about": textwrap.fill(paper.summary, 98),
        "imports": _imports(paper.module),
        "reference": _reference(paper),
        "bib": paper.bib,
        "install": catalog.install_cell(paper.slug),
    }
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return re.sub(r"@@(\w+)@@", lambda match: values[match[1]], text)


def _imports(module: str) -> str:
    """The notebook's imports from the package, in the order that the linter wants."""
    names = {
        "mixbook.core": "plots",
        "mixbook.core.seeds": "as_generator, pick_device",
        module: "mean_squared_error",
    }
    return "\n".join(f"from {name} import {names[name]}" for name in sorted(names))


def _reference(paper: Any) -> str:
    """Authors, title, venue, year and arXiv number, filled to the width of a docstring."""
    parts = [", ".join(paper.authors), f"*{paper.title}*", f"{paper.venue} {paper.year}"]
    if paper.arxiv:
        parts.append(f"arXiv:{paper.arxiv}")
    text = ". ".join(parts) + "."
    return textwrap.fill(text, 95, initial_indent="    ", subsequent_indent="    ")


def _add_to_toc(root: Path, chapter: Chapter) -> bool:
    """List the chapter under its part in ``_toc.yml``; False where that is not possible."""
    toc = root / "_toc.yml"
    if not toc.is_file():
        return False
    lines = toc.read_text(encoding="utf-8").splitlines()
    entry = f"notebooks/{chapter.family}/{chapter.name}"
    part = f"- file: notebooks/{chapter.family}/index"
    at = next((k for k, line in enumerate(lines) if line.strip() == part), None)
    if at is None or any(line.strip() == f"- file: {entry}" for line in lines):
        return False
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + 2)
    end = at + 1
    while end < len(lines) and lines[end].startswith(indent):
        end += 1
    heading = [] if end > at + 1 else [f"{indent}sections:"]
    lines[end:end] = [*heading, f"{indent}  - file: {entry}"]
    atomic_write(toc, "\n".join(lines) + "\n")
    return True


def remaining_steps(root: Path, slug: str) -> str:
    """What is left to do after `lay_down`, as numbered lines."""
    paper = {paper.slug: paper for paper in catalogue(root).papers}[slug]
    toc = root / "_toc.yml"
    listed = toc.is_file() and f"notebooks/{paper.family}/{slug}" in toc.read_text("utf-8")
    steps = [
        f"write the method in {paper.module.replace('.', '/')}.py and its tests "
        f"in tests/{paper.family}/test_{slug}.py",
        f"write the chapter in notebooks/{paper.family}/{slug}.py",
        f"execute it and store its outputs: mixbook run {slug} --save",
        f"check it: mixbook check {slug}",
        *([] if listed else [f"list notebooks/{paper.family}/{slug} in _toc.yml"]),
        f"fill its record in mixbook/papers.toml, set its status to done, and check that "
        f"book/references.bib has {paper.bib}",
        f"race it against its peers in benchmarks/test_{slug}.py, then run: make test",
    ]
    return "\n".join(["What remains:", *(f"  {k}. {step}" for k, step in enumerate(steps, 1))])
