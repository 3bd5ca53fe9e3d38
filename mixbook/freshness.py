"""Do stored outputs belong to the sources beside them?

A notebook's metadata holds one hash for its cells and one for each module of the package that it
reaches through static imports, so that a stale output is found without running anything and the
message can name what changed.

Modules of a family are hashed by their whole text, because the page shows their source. Every
other module (``core``, ``data``, ``claims``) is hashed by its code alone: comments, docstrings and
layout do not count. Modules that only present (this one, the command line, the paper card, ...)
are left out.
"""

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mixbook.chapters import Chapter, read_notebook, read_source, tags

__all__ = [
    "cells_hash",
    "code_hash",
    "is_fresh",
    "source_hash",
    "sources",
    "stale",
    "used_modules",
]

PACKAGE = "mixbook"
PRESENTATION = frozenset(
    f"{PACKAGE}.{name}"
    for name in (
        "catalog",
        "chapters",
        "checks",
        "cli",
        "execution",
        "freshness",
        "ledger",
        "notebook",
        "runs",
        "scaffold",
        "stamp",
    )
) | {PACKAGE}
BY_CODE = ("core", "data", "claims")
# Packages that only hand on names: a chapter depends on the module that a name comes from, so a
# loader more in the package makes no chapter stale.
HAND_ON = frozenset({f"{PACKAGE}.data"})


def sources(notebook: Any, root: Path, family: str, name: str) -> dict[str, str]:
    """One hash for the cells and one for each module and weights file that a chapter uses.

    Parameters
    ----------
    notebook : NotebookNode
        The chapter's cells; outputs and an injected parameter cell do not count.
    root : Path
        The checkout.
    family, name : str
        The chapter's family and slug.

    Returns
    -------
    dict of str to str
        ``"cells"`` and dotted module names (or file paths) to sha256 hex digests.
    """
    found = {"cells": cells_hash(notebook)}
    for module, path in sorted(used_modules(notebook, root).items()):
        text = path.read_text(encoding="utf-8")
        found[module] = code_hash(text) if _by_code(module) else _sha(text)
    for path in sorted((root / PACKAGE / family).rglob(f"{name}*.safetensors")):
        key = path.relative_to(root).as_posix()
        found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def source_hash(notebook_path: Path, root: Path | None = None) -> str:
    """One sha256 over everything in `sources` for the chapter at ``notebook_path``."""
    chapter = Chapter.at(notebook_path)
    return combined(current(chapter, root))


def current(chapter: Chapter, root: Path | None = None) -> dict[str, str]:
    """The `sources` of a chapter as its files are now (text from the .py)."""
    return sources(read_source(chapter), root or chapter.root, chapter.family, chapter.name)


def combined(hashes: dict[str, str]) -> str:
    """One digest of a dict of digests."""
    return _sha("\n".join(f"{key} {hashes[key]}" for key in sorted(hashes)))


def stale(notebook_path: Path, root: Path | None = None) -> list[str]:
    """What changed since the outputs of a notebook were stored, in words; empty when fresh."""
    chapter = Chapter.at(notebook_path)
    stored = read_notebook(chapter.notebook).metadata.get("mixbook", {}).get("sources")
    if not stored:
        return ["the notebook holds no source hash (its outputs were not stored by mixbook run)"]
    now = current(chapter, root)
    changed = [k for k in now if k in stored and stored[k] != now[k]]
    return [
        *(_changed(key) for key in changed),
        *(f"{key} is used now and was not then" for key in now if key not in stored),
        *(f"{key} was used then and is not now" for key in stored if key not in now),
    ]


def _changed(key: str) -> str:
    return "the cells changed" if key == "cells" else f"{key} changed"


def is_fresh(notebook_path: Path, root: Path | None = None) -> bool:
    """Whether the stored outputs of a notebook belong to its present sources."""
    return not stale(notebook_path, root)


def cells_hash(notebook: Any) -> str:
    """sha256 over type, tags and source of each cell."""
    parts = [
        "\0".join((cell["cell_type"], ",".join(sorted(tags(cell))), cell["source"].strip("\n")))
        for cell in notebook["cells"]
        if "injected-parameters" not in tags(cell)
    ]
    return _sha("\1".join(parts))


def code_hash(text: str) -> str:
    """sha256 over the code of a module: no comment, docstring, blank line or layout.

    Works on tokens, and puts f-strings together again, so that every Python version gives the
    same digest.
    """
    return _sha("\0".join(token for line in _statements(text) for token in line))


def _statements(text: str) -> Iterator[list[str]]:
    """The logical lines of a source as lists of tokens, bare strings left out."""
    line: list[str] = []
    bare = True
    for kind, string in _tokens(text):
        line.append(string)
        if kind in (tokenize.INDENT, tokenize.DEDENT):
            continue
        if kind == tokenize.NEWLINE:
            yield [t for t in line if t in _LAYOUT] if bare else line
            line, bare = [], True
        elif kind != tokenize.STRING or _is_formatted(string):
            bare = False
    yield line


_LAYOUT = ("<indent>", "<dedent>")


def _is_formatted(string: str) -> bool:
    return "f" in string[: string.find(string[-1])].lower()


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    """Tokens as (kind, text) the same way on every Python: an f-string is one STRING."""
    lines = text.splitlines(keepends=True)
    starts = (getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "TSTRING_START", -1))
    ends = (getattr(tokenize, "FSTRING_END", -1), getattr(tokenize, "TSTRING_END", -1))
    depth, begin = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in starts:
            begin, depth = (begin if depth else token.start), depth + 1
        elif token.type in ends:
            depth -= 1
            if not depth:
                yield tokenize.STRING, _between(lines, begin, token.end)
        elif not depth and token.type not in _IGNORED:
            yield token.type, _spelling(token)


_IGNORED = (tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER, tokenize.ENCODING)


def _spelling(token: tokenize.TokenInfo) -> str:
    names = {
        tokenize.INDENT: "<indent>",
        tokenize.DEDENT: "<dedent>",
        tokenize.NEWLINE: "<newline>",
    }
    return names.get(token.type, token.string)


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    middle = lines[first : last - 1]
    return "".join([lines[first - 1][left:], *middle, lines[last - 1][:right]])


def _by_code(module: str) -> bool:
    return module.split(".")[1] in BY_CODE


def used_modules(notebook: Any, root: Path) -> dict[str, Path]:
    """The modules of the package that a notebook reaches through imports, with their files."""
    found: dict[str, Path] = {}
    queue = [name for cell in notebook["cells"] for name in _cell_imports(cell, root)]
    while queue:
        name = queue.pop()
        path = _module_file(name, root)
        if path is None or name in found or name in PRESENTATION:
            continue
        found[name] = path
        is_package = path.name == "__init__.py"
        queue += _imports(path.read_text(encoding="utf-8"), name, is_package, root)
    return found


def _cell_imports(cell: Any, root: Path) -> list[str]:
    if cell["cell_type"] != "code":
        return []
    plain = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", cell["source"], flags=re.MULTILINE)
    try:
        names = _imports(plain, "__main__", False, root)
    except SyntaxError:
        return []
    # `import mixbook` gives the notebook the scorecard without naming its module
    return [*names, f"{PACKAGE}.claims"] if PACKAGE in names else names


def _imports(text: str, module: str, is_package: bool, root: Path) -> list[str]:
    """Dotted names of all modules of the package that a source imports, parents included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            if base in HAND_ON and module != base:
                names.update(_home(base, alias.name, root) for alias in node.names)
                continue
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            names.add(_dotted(node))
    return sorted(n for name in names for n in _prefixes(name) if _module_file(n, root))


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of attributes on a plain name, else ""."""
    if isinstance(node, ast.Name):
        return node.id
    base = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{base}.{node.attr}" if base and isinstance(node, ast.Attribute) else ""


def _prefixes(name: str) -> list[str]:
    """The packages on the way to a module, and the module, without those that only hand on."""
    parts = name.split(".")
    found = [".".join(parts[:k]) for k in range(1, len(parts) + 1)]
    return [prefix for prefix in found if prefix == name or prefix not in HAND_ON]


def _home(package: str, name: str, root: Path) -> str:
    """The module that a package has ``name`` from; the package where that cannot be told."""
    path = _module_file(package, root)
    tree = ast.parse(path.read_text(encoding="utf-8")) if path else ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and name in {a.asname or a.name for a in node.names}:
            return _absolute(node, package, True)
    return f"{package}.{name}" if _module_file(f"{package}.{name}", root) else package


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _module_file(name: str, root: Path) -> Path | None:
    if name.split(".")[0] != PACKAGE:
        return None
    base = root.joinpath(*name.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
