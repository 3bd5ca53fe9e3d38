"""Warnings for whatever the catalogue promises and the book does not hold."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from mixbook import catalog

from . import thumbnails

log = logging.getLogger(__name__)


def gaps(paper: catalog.Paper, root: Path, documents: set[str]) -> list[str]:
    """What is wrong with one paper, in words."""
    page, in_book = paper.notebook, paper.notebook in documents
    if not paper.done:
        return [f"{paper.slug} is planned, yet {page} is in _toc.yml"] if in_book else []
    if not (root / f"{page}.ipynb").exists():
        return [f"{paper.slug} is done, but {page}.ipynb does not exist"]
    found = [] if in_book else [f"{paper.slug} is done, but {page} is not in _toc.yml"]
    if thumbnails.of_paper(root, paper) is None:
        found.append(f"{page}.ipynb has no picture in a cell tagged 'thumbnail'")
    return found


def warn_of_gaps(app: Sphinx, env: BuildEnvironment) -> None:
    for paper in catalog.papers():
        for gap in gaps(paper, Path(app.srcdir), set(env.found_docs)):
            log.warning("mixbook: %s", gap, type="mixbook")
