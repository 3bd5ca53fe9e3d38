"""The directives: each fills one template from the catalogue or the scorecards."""

from pathlib import Path
from typing import Any

import jinja2
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from mixbook import catalog

from . import api, claims, thumbnails
from .drawing import method_map

ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")

templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def done_first(papers: tuple[catalog.Paper, ...]) -> list[catalog.Paper]:
    """Finished chapters before planned ones, in the order of the parts."""
    return sorted(papers, key=lambda paper: not paper.done)


def thumbnail_text(root: Path, paper: catalog.Paper) -> str:
    """The alternative text that the notebook gives its first picture."""
    notebook = thumbnails.read_notebook(root, paper) or {"cells": []}
    for cell in thumbnails.tagged_cells(notebook, "thumbnail"):
        if text := cell["metadata"].get("mystnb", {}).get("image", {}).get("alt"):
            return text
    return f"What {paper.name} does, in one picture"


class Page(SphinxDirective):
    """A directive whose output is one filled template."""

    @property
    def root(self) -> Path:
        return Path(self.env.srcdir)

    def to(self, docname: str) -> str:
        """Address of another page, seen from this one."""
        return self.env.app.builder.get_relative_uri(self.env.docname, docname)

    def to_file(self, path: str) -> str:
        """Address of a file in the output folder, seen from this page."""
        return "../" * self.env.docname.count("/") + path

    def fill(self, template: str, **values: Any) -> list[nodes.Node]:
        self.env.note_reread()  # what is shown comes from other files than the page
        html = templates.get_template(template).render(to=self.to, to_file=self.to_file, **values)
        return [nodes.raw("", html, format="html")]


class Gallery(Page):
    """Cards for all papers, with a filter."""

    def run(self) -> list[nodes.Node]:
        papers = done_first(catalog.papers())
        return self.fill(
            "gallery.html",
            papers=papers,
            families={family.slug: family for family in catalog.families()},
            roman=ROMAN,
            alt={p.slug: thumbnail_text(self.root, p) for p in papers if p.done},
        )


class Part(Page):
    """The map and the table of one family: ``{part} flows``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        slug = self.arguments[0]
        if slug not in {family.slug for family in catalog.families()}:
            raise self.error(f"part: there is no family {slug!r} in the catalogue")
        papers = [p for p in done_first(catalog.papers()) if p.family == slug]
        return self.fill(
            "part.html",
            done=[p for p in papers if p.done],
            planned=[p for p in papers if not p.done],
            map=method_map(papers, lambda paper: self.to(paper.notebook)),
        )


class Ledger(Page):
    """Every claim of every paper, with a filter and sortable columns."""

    def run(self) -> list[nodes.Node]:
        rows = claims.of_book(self.root)
        used = {row["family"] for row in rows}
        return self.fill(
            "ledger.html",
            rows=rows,
            families=[family for family in catalog.families() if family.slug in used],
            verdicts=claims.VERDICTS,
            kinds=claims.KINDS,
            counts=claims.count_verdicts(rows),
        )


class Install(SphinxDirective):
    """The command that installs the package, with the address from the configuration."""

    def run(self) -> list[nodes.Node]:
        address = self.config.html_theme_options["repository_url"]
        command = f'pip install "git+{address}"'
        return [nodes.literal_block(command, command, language="bash")]


DIRECTIVES = {
    "api": api.Api,
    "gallery": Gallery,
    "install": Install,
    "ledger": Ledger,
    "part": Part,
}
