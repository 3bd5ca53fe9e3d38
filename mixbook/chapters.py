"""The chapters of a checkout: where they lie, how they are read, written and kept in pairs.

A chapter is a pair of files in ``notebooks/<family>/``: ``<slug>.py`` (py:percent, the source of
truth for text and code) and ``<slug>.ipynb`` (the same cells with their executed outputs). The
executed opening page of a part, ``notebooks/<family>/index``, is such a pair too; its slug here is
``<family>/index``.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = [
    "Chapter",
    "MixbookError",
    "all_chapters",
    "atomic_write",
    "catalogue",
    "done_chapters",
    "find_chapters",
    "find_root",
    "pair_problems",
    "read_notebook",
    "read_source",
    "require",
    "sync_pair",
    "tags",
    "write_notebook",
    "write_script",
]

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}


class MixbookError(Exception):
    """Something the user can put right; the message says how."""


@dataclass(frozen=True)
class Chapter:
    """One notebook pair of a checkout."""

    root: Path
    family: str
    name: str

    @property
    def slug(self) -> str:
        """The paper's slug, or ``<family>/index`` for the opening page of a part."""
        return f"{self.family}/index" if self.is_index else self.name

    @property
    def is_index(self) -> bool:
        """Whether this is the opening page of a part."""
        return self.name == "index"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.root / "notebooks" / self.family / f"{self.name}.ipynb"

    @property
    def script(self) -> Path:
        """The text half of the pair."""
        return self.notebook.with_suffix(".py")

    @property
    def module(self) -> str:
        """The module that implements the chapter's paper."""
        return f"mixbook.{self.family}" if self.is_index else f"mixbook.{self.family}.{self.name}"

    @property
    def relative(self) -> str:
        """The notebook's path from the root, for messages."""
        return self.notebook.relative_to(self.root).as_posix()

    @classmethod
    def at(cls, path: Path) -> "Chapter":
        """The chapter that either half of a pair belongs to."""
        path = Path(path).resolve()
        if path.suffix not in (".ipynb", ".py") or path.parent.parent.name != "notebooks":
            raise MixbookError(
                f"{path} is not a chapter: chapters are notebooks/<family>/<slug>.ipynb or .py"
            )
        return cls(path.parent.parent.parent, path.parent.name, path.stem)


def require(module: str, extra: str = "cli") -> Any:
    """Import a module of an optional dependency set, or say which extra holds it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MixbookError(
            f"this command needs {package}, which is not installed; "
            f'run: pip install "mixbook[{extra}]"'
        ) from error


def find_root(start: Path | None = None) -> Path:
    """The checkout that holds ``start`` (default: the working directory).

    Raises
    ------
    MixbookError
        If no folder above holds ``_config.yml`` and ``mixbook/papers.toml``.
    """
    start = Path(start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "_config.yml").is_file() and (folder / "mixbook/papers.toml").is_file():
            return folder
    raise MixbookError(
        f"{start} is not inside a checkout of mixbook (no folder above it holds both _config.yml "
        "and mixbook/papers.toml); clone the repository and run this command there"
    )


def catalogue(root: Path) -> Any:
    """The catalogue of a checkout: an object with ``papers`` and ``families`` (tuples)."""
    from mixbook import catalog

    try:
        return catalog.load(root / "mixbook" / "papers.toml")
    except (OSError, ValueError) as error:
        raise MixbookError(f"the catalogue cannot be read: {error}") from error


def all_chapters(root: Path) -> list[Chapter]:
    """Every chapter on disk, families and slugs in alphabetical order, opening pages first."""
    pairs = {
        (path.parent.name, path.stem)
        for suffix in (".py", ".ipynb")
        for path in (root / "notebooks").glob(f"*/*{suffix}")
    }
    order = sorted(pairs, key=lambda pair: (pair[0], pair[1] != "index", pair[1]))
    return [Chapter(root, family, name) for family, name in order]


def done_chapters(root: Path) -> list[Chapter]:
    """The chapters of the papers that the catalogue calls done, and the opening pages on disk."""
    done = [Chapter(root, p.family, p.slug) for p in catalogue(root).papers if p.status == "done"]
    return [chapter for chapter in all_chapters(root) if chapter.is_index] + done


def find_chapters(root: Path, slugs: Sequence[str] = ()) -> list[Chapter]:
    """The chapters with these slugs, or all of them when none is given.

    A slug may also be the path of either half of the pair.

    Raises
    ------
    MixbookError
        If a slug has no chapter; the message names the nearest ones.
    """
    known = {chapter.slug: chapter for chapter in all_chapters(root)}
    if not slugs:
        return list(known.values())
    return [_find(root, known, slug) for slug in dict.fromkeys(slugs)]


def _find(root: Path, known: dict[str, Chapter], slug: str) -> Chapter:
    if slug.endswith((".ipynb", ".py")):
        chapter = Chapter.at(Path(slug))
        slug = chapter.slug if chapter.root == root else slug
    if slug in known:
        return known[slug]
    if slug in {paper.slug for paper in catalogue(root).papers}:
        raise MixbookError(
            f"the chapter {slug!r} is planned, not written; start it with: mixbook new {slug}"
        )
    near = get_close_matches(slug, known, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see: mixbook list"
    raise MixbookError(f"there is no chapter {slug!r}; {hint}")


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write a file so that at every moment either the old or the new one is there, whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def tags(cell: Any) -> list[str]:
    """The tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def read_notebook(path: Path) -> Any:
    """Read a notebook (nbformat 4).

    Raises
    ------
    MixbookError
        If the file is missing or is not a notebook.
    """
    nbformat = require("nbformat")
    try:
        return nbformat.read(str(path), as_version=4)
    except FileNotFoundError:
        raise MixbookError(f"{path} does not exist") from None
    except Exception as error:  # nbformat raises many kinds for a broken file
        raise MixbookError(f"{path} cannot be read as a notebook: {error}") from error


def read_source(chapter: Chapter) -> Any:
    """The chapter's cells without outputs: from the .py, or from the notebook where there is none.

    Cell ids depend on the cells' content alone, so that rewriting a notebook changes no line that
    need not change.
    """
    if chapter.script.is_file():
        notebook = require("jupytext").read(str(chapter.script), fmt="py:percent")
    else:
        notebook = read_notebook(chapter.notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,py:percent"},
        "kernelspec": dict(KERNEL),
        "language_info": dict(LANGUAGE),
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell, key in zip(notebook.cells, cell_ids(notebook.cells)):
        cell["id"] = key
    return require("nbformat").from_dict(notebook)


def cell_ids(cells: Iterable[Any]) -> Iterator[str]:
    """Ids made from the content of each cell, numbered where two cells are the same."""
    seen: dict[str, int] = {}
    for cell in cells:
        text = f"{cell['cell_type']}\0{cell['source']}"
        key = hashlib.sha256(text.encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        yield key if seen[key] == 1 else f"{key}-{seen[key]}"


def write_notebook(path: Path, notebook: Any) -> None:
    """Validate a notebook and write it atomically, with sorted keys and one indent."""
    nbformat = require("nbformat")
    nbformat.validate(notebook)
    atomic_write(path, nbformat.writes(notebook, version=4).rstrip("\n") + "\n")


def write_script(chapter: Chapter, notebook: Any) -> None:
    """Write the text half of a pair from a notebook."""
    jupytext = require("jupytext")
    copy = require("nbformat").from_dict(notebook)
    copy.metadata = {
        "jupytext": {
            "formats": "ipynb,py:percent",
            "notebook_metadata_filter": "kernelspec,jupytext",
        },
        "kernelspec": dict(KERNEL),
    }
    atomic_write(chapter.script, jupytext.writes(copy, fmt="py:percent"))


def pair_problems(chapter: Chapter) -> list[tuple[int | None, str]]:
    """Where the two halves of a pair differ: (cell of the notebook or None, what is wrong)."""
    for path in (chapter.script, chapter.notebook):
        if not path.is_file():
            return [(None, f"{path.name} is missing")]
    text = [_content(cell) for cell in read_source(chapter).cells]
    executed = [_content(cell) for cell in read_notebook(chapter.notebook).cells]
    problems: list[tuple[int | None, str]] = []
    if len(text) != len(executed):
        problems.append(
            (None, f"the notebook has {len(executed)} cells and {chapter.script.name} {len(text)}")
        )
    for k, (one, other) in enumerate(zip(text, executed)):
        if one != other:
            part = next(name for name, a, b in zip(_PARTS, one, other) if a != b)
            problems.append((k, f"its {part} differs from {chapter.script.name}"))
            break
    return problems


_PARTS = ("type", "source", "tags", "figure metadata")


def _content(cell: Any) -> tuple[str, str, list[str], Any]:
    """What both halves of a pair hold of a cell."""
    return (
        cell["cell_type"],
        cell["source"].strip("\n"),
        sorted(tags(cell)),
        cell.get("metadata", {}).get("mystnb", {}),
    )


def sync_pair(chapter: Chapter) -> str:
    """Bring the two halves of a pair together; returns what was done, or "".

    The text comes from the .py. Outputs of cells whose source did not change are kept. Where only
    the notebook exists, the .py is made from it.
    """
    if not chapter.script.is_file():
        if not chapter.notebook.is_file():
            return ""
        write_script(chapter, read_notebook(chapter.notebook))
        return f"wrote {chapter.script.name} from the notebook"
    if not pair_problems(chapter):
        return ""
    fresh = read_source(chapter)
    if chapter.notebook.is_file():
        _keep_outputs(fresh, read_notebook(chapter.notebook))
    write_notebook(chapter.notebook, fresh)
    return f"wrote the text of {chapter.script.name} into the notebook"


def _keep_outputs(fresh: Any, old: Any) -> None:
    """Give cells that did not change their old outputs and the notebook its old stamps."""
    stored: dict[str, list[Any]] = {}
    for cell in old.cells:
        if cell.cell_type == "code":
            stored.setdefault(cell.source.strip("\n"), []).append(cell)
    for cell in fresh.cells:
        same = stored.get(cell.source.strip("\n")) if cell.cell_type == "code" else None
        if same:
            match = same.pop(0)
            cell.outputs, cell.execution_count = match.outputs, match.execution_count
    if "mixbook" in old.metadata:
        fresh.metadata["mixbook"] = old.metadata["mixbook"]


def headings(notebook: Any) -> list[tuple[int, int, str]]:
    """The headings of a notebook: (cell, level, text), fenced code left out."""
    found = []
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        text = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.DOTALL | re.MULTILINE)
        found += [
            (k, len(marks), title.strip())
            for marks, title in re.findall(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", text, re.MULTILINE)
        ]
    return found
