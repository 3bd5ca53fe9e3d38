"""What a chapter shows besides its own figures: the paper card, source code, measured sentences."""

import ast
import html
import inspect
import re
import sys
import textwrap
from typing import Any

from mixbook.catalog import Paper
from mixbook.catalog import paper as find_paper

__all__ = ["card", "say", "show_source"]


class _Display:
    """An object that Jupyter shows by its MIME bundle."""

    def __init__(self, **bundle: str) -> None:
        self.bundle = {key.replace("_", "/"): value for key, value in bundle.items()}

    def __repr__(self) -> str:
        return self.bundle["text/plain"]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.bundle


def card(slug: str) -> _Display:
    """The card of a paper: who wrote it, where it is, what the chapter reproduces, how it was run.

    Raises
    ------
    ValueError
        If the slug is not in the catalogue.
    """
    paper = find_paper(slug)
    rows = {
        "Paper": _paper_html(paper),
        "Official code": _link(paper.code, paper.code_licence) if paper.code else "none found",
        "Reproduced here": html.escape(paper.reproduces or "nothing yet: planned"),
        "Data": html.escape(", ".join([*paper.data, *paper.bundled]) or "simulated"),
        "Module": f"<code>{html.escape(paper.module)}</code>",
        "This page": '<span class="mixbook-stamp">a live session: not yet recorded</span>',
    }
    side = "text-align:left;vertical-align:top"
    body = "".join(
        f'<tr><th scope="row" style="{side};white-space:nowrap">{key}</th>'
        f'<td style="{side}">{value}</td></tr>'
        for key, value in rows.items()
    )
    table = f'<table class="mixbook-card"><tbody>{body}</tbody></table>'
    plain = f"{paper.title}. {', '.join(paper.authors)}. {paper.venue}."
    return _Display(text_html=table, text_plain=plain)


def say(text: str) -> _Display:
    """A sentence with measured values in it, shown as Markdown."""
    text = inspect.cleandoc(text)
    return _Display(text_markdown=text, text_plain=text)


def show_source(obj: Any, *, docstring: bool = False) -> _Display:
    """The source of a function, method or class of the package, highlighted.

    Parameters
    ----------
    obj : function, method or class
        Anything with Python source.
    docstring : bool
        Show docstrings too; they stand in the API pages, so the default leaves them out.

    Raises
    ------
    TypeError
        If ``obj`` has no Python source.
    """
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(obj)))
    except (TypeError, OSError) as error:
        raise TypeError(f"obj must be a function, method or class, got {obj!r}") from error
    source = source if docstring else _without_docstrings(source)
    name = f"{obj.__module__}.{obj.__qualname__}"
    heading = f"From `{name}`" if "google.colab" in sys.modules else _api_link(name)
    return _Display(text_markdown=f"{heading}\n\n```python\n{source}\n```", text_plain=source)


def _paper_html(paper: Paper) -> str:
    links = [_link(f"https://arxiv.org/abs/{paper.arxiv}", f"arXiv {paper.arxiv}")] * bool(
        paper.arxiv
    ) + [_link(f"https://doi.org/{paper.doi}", f"doi {paper.doi}")] * bool(paper.doi)
    return (
        f"<strong>{html.escape(paper.title)}</strong><br>{html.escape(', '.join(paper.authors))}"
        f"<br>{html.escape(paper.venue)}{''.join(', ' + link for link in links)}"
    )


def _link(url: str, text: str) -> str:
    shown = url.removeprefix("https://github.com/") if "github.com" in url else ""
    label = f"{shown} ({text})" if shown and text else shown or text or url
    return f'<a href="{html.escape(url, quote=True)}">{html.escape(label)}</a>'


def _api_link(name: str) -> str:
    name = re.sub(r"\._\w+", "", name)  # a private file of a method: the API lists the public name
    room = name.split(".")[1]
    return f'From <a href="../../book/api/{room}.html#{name}"><code>{name}</code></a>'


def _without_docstrings(source: str) -> str:
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        if len(node.body) > 1 and ast.get_docstring(node, clean=False) is not None:
            lines[first.lineno - 1 : first.end_lineno] = [_GONE] * (
                (first.end_lineno or first.lineno) - first.lineno + 1
            )
    kept = [line for line in lines if line is not _GONE]
    return "\n".join(kept).strip("\n")


_GONE = "\x00"
