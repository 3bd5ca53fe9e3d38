"""Sphinx extension of the book: directives fed by the catalogue, and the files for programs.

``{gallery}``, ``{part}``, ``{ledger}`` and ``{api}`` write pages from ``mixbook.catalog`` and the
scorecards of the executed notebooks; after the build come ``papers.json``, ``claims.json``,
``llms.txt``, the thumbnails and a zip of the whole book. What does not fit together, such as a
finished paper without a notebook, is a Sphinx warning, and the build treats warnings as errors.
"""

from typing import Any

from sphinx.application import Sphinx

from . import api, check, directives, export, offline, thumbnails


def setup(app: Sphinx) -> dict[str, Any]:
    for name, directive in directives.DIRECTIVES.items():
        app.add_directive(name, directive)
    app.add_css_file("mixbook.css")
    app.add_js_file("mixbook.js", loading_method="defer")
    app.connect("autodoc-process-signature", api.shorten_types)
    app.connect("autodoc-skip-member", api.skip_foreign_members)
    app.connect("doctree-read", api.add_home_anchors)
    app.connect("env-check-consistency", check.warn_of_gaps)
    app.connect("html-page-context", offline.drop_thebe, priority=900)
    # The zip holds the finished site, so it comes last (Sphinx copies its static files before).
    app.connect("build-finished", thumbnails.write_all, priority=600)
    app.connect("build-finished", export.write_all, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
