"""The catalogue of the book: nine families and one record for each paper.

Everything that lists papers reads it from here: the table of contents, the gallery, the paper
cards, the ledger, the command line and the bibliography check. The records live in
``papers.toml`` beside this module and are checked, field by field, when they are first read.

Only the standard library is imported, so that ``import mixbook.catalog`` takes milliseconds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

__all__ = [
    "Catalogue",
    "Family",
    "Paper",
    "families",
    "family",
    "install_cell",
    "load",
    "paper",
    "papers",
]

STATUSES = ("planned", "done")
SUMMARY_LENGTH = 110
DONE_FIELDS = ("reproduces", "input", "assumes", "cost", "use_when")


@dataclass(frozen=True)
class Family:
    """One part of the book.

    Attributes
    ----------
    slug : str
        Name of the sub-package and of the folder of notebooks, such as ``"flows"``.
    part : int
        Number of the part, from 1.
    title : str
        Title of the part.
    summary : str
        One or two sentences for its page.
    colour : str
        Hexadecimal colour, at least 3:1 against white.
    """

    slug: str
    part: int
    title: str
    summary: str
    colour: str

    @property
    def notebook(self) -> str:
        """Path of the part's page, without a suffix."""
        return f"notebooks/{self.slug}/index"


@dataclass(frozen=True)
class Paper:
    """One paper of the book and what its chapter does with it.

    Attributes
    ----------
    slug : str
        Name of the module, the notebook and the tests.
    family : str
        Slug of the family.
    name : str
        Short name of the method.
    title : str
        Title of the paper.
    authors : tuple of str
        All authors, in the order of the paper.
    venue : str
        Where it appeared, in short.
    year : int
        Year of that appearance.
    code : str
        Address of the official code; empty if there is none.
    code_licence : str
        Its licence, ``"none stated"`` if it states none; empty without code.
    bib : str
        Key in ``book/references.bib``.
    summary : str
        One line on what the method does, at most 110 characters.
    tags, data : tuple of str
        Topics, and the data sets that the chapter loads from :mod:`mixbook.data`.
    extra : str
        Extra of the package that the chapter needs; empty if none.
    status : {"planned", "done"}
        Whether the chapter is in the book.
    bundled : tuple of str
        Data sets that come with a library, as a reader would name them.
    arxiv, doi : str
        Identifiers without a prefix; empty if there is none.
    reproduces : str
        What the chapter reproduces.
    input, assumes, cost, use_when : str
        Cells of the table that compares the methods of a part. These and `reproduces` are
        required once the chapter is done.
    """

    slug: str
    family: str
    name: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    code: str
    code_licence: str
    bib: str
    summary: str
    tags: tuple[str, ...]
    data: tuple[str, ...]
    extra: str
    status: str
    bundled: tuple[str, ...] = ()
    arxiv: str = ""
    doi: str = ""
    reproduces: str = ""
    input: str = ""
    assumes: str = ""
    cost: str = ""
    use_when: str = ""

    @property
    def done(self) -> bool:
        """Whether the chapter is in the book."""
        return self.status == "done"

    @property
    def module(self) -> str:
        """Import path of the method, such as ``"mixbook.flows.light_sb"``."""
        return f"mixbook.{self.family}.{self.slug}"

    @property
    def notebook(self) -> str:
        """Path of the chapter, without a suffix, such as ``"notebooks/flows/light_sb"``."""
        return f"notebooks/{self.family}/{self.slug}"

    @property
    def arxiv_url(self) -> str:
        """Address of the arXiv page; empty if there is none."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""

    @property
    def doi_url(self) -> str:
        """Address that resolves the DOI; empty if there is none."""
        return f"https://doi.org/{self.doi}" if self.doi else ""

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Pairs (label, address) of what can be opened: arXiv, DOI, official code."""
        pairs = (("arXiv", self.arxiv_url), ("DOI", self.doi_url), ("Official code", self.code))
        return tuple((label, url) for label, url in pairs if url)


class Catalogue(NamedTuple):
    """The families, by part, and the papers, by part and then in the order of the file."""

    families: tuple[Family, ...]
    papers: tuple[Paper, ...]


def families() -> tuple[Family, ...]:
    """Return the families of the shipped catalogue, in the order of the parts."""
    return _shipped().families


def papers() -> tuple[Paper, ...]:
    """Return the papers of the shipped catalogue, in the order of the book."""
    return _shipped().papers


def family(slug: str) -> Family:
    """Return one family of the shipped catalogue.

    Parameters
    ----------
    slug : str
        Such as ``"flows"``.

    Returns
    -------
    Family

    Raises
    ------
    ValueError
        If no family has this slug; the message names the nearest ones.
    """
    return _find("family", slug, families())


def paper(slug: str) -> Paper:
    """Return one paper of the shipped catalogue.

    Parameters
    ----------
    slug : str
        Such as ``"light_sb"``.

    Returns
    -------
    Paper

    Raises
    ------
    ValueError
        If no paper has this slug; the message names the nearest ones.
    """
    return _find("paper", slug, papers())


def install_cell(slug: str) -> str:
    """Return the source of a chapter's first cell, which installs the package in Colab.

    It does nothing anywhere else, and in Colab it changes no package that is there already.

    Parameters
    ----------
    slug : str
        Such as ``"light_sb"``.

    Raises
    ------
    ValueError
        If no paper has this slug; the message names the nearest ones.
    """
    extra = paper(slug).extra
    wanted = f"mixbook[{extra}]" if extra else "mixbook"
    return (
        "import subprocess\n"
        "import sys\n"
        "\n"
        'if "google.colab" in sys.modules:\n'
        '    pip = [sys.executable, "-m", "pip", "install", "--quiet"]\n'
        f'    subprocess.run([*pip, "{wanted}"], check=True)'
    )


def load(path: str | Path | None = None) -> Catalogue:
    """Read and check a catalogue.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file with ``[[family]]`` and ``[[paper]]`` records; the shipped one by default.

    Returns
    -------
    Catalogue

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not TOML or a record is wrong. The message names the file, the record and
        the field.
    """
    path = Path(path) if path is not None else Path(__file__).with_name("papers.toml")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return _catalogue(tables)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@cache
def _shipped() -> Catalogue:
    return load()


Record = TypeVar("Record", Family, Paper)


def _find(kind: str, slug: str, records: tuple[Record, ...]) -> Record:
    for record in records:
        if record.slug == slug:
            return record
    import difflib  # only needed to say what may have been meant

    near = difflib.get_close_matches(str(slug), [r.slug for r in records], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "no slug is near it"
    raise ValueError(f"unknown {kind} {slug!r}: {hint}")


# --- reading and checking ---------------------------------------------------------------------


def _catalogue(tables: Mapping[str, Any]) -> Catalogue:
    if unknown := sorted(set(tables) - {"family", "paper"}):
        raise ValueError(f"unknown table {unknown[0]!r}, expected [[family]] and [[paper]]")
    all_families = sorted(_records("family", Family, tables), key=lambda f: f.part)
    _check_unique("family", all_families, ("slug", "part", "title", "colour"))
    part = {f.slug: f.part for f in all_families}

    all_papers = _records("paper", Paper, tables)
    for record in all_papers:
        if record.family not in part:
            expected = f"one of {', '.join(part)}"
            raise _wrong(f"paper {record.slug!r}", "family", record.family, expected)
    _check_unique("paper", all_papers, ("slug", "bib", "title", "arxiv", "doi"))
    return Catalogue(tuple(all_families), tuple(sorted(all_papers, key=lambda p: part[p.family])))


def _records(kind: str, cls: type[Record], tables: Mapping[str, Any]) -> list[Record]:
    rows = tables.get(kind, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{kind!r} must be a list of [[{kind}]] tables")
    return [_record(kind, cls, row, number) for number, row in enumerate(rows, start=1)]


def _record(kind: str, cls: type[Record], row: Mapping[str, Any], number: int) -> Record:
    slug = row.get("slug")
    where = f"{kind} {slug!r}" if isinstance(slug, str) and slug else f"{kind} number {number}"
    declared = {f.name: f for f in fields(cls)}
    if unknown := [key for key in row if key not in declared]:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}")
    required = [name for name, f in declared.items() if f.default is MISSING]
    if row.get("status") == "done":
        required += DONE_FIELDS
    if missing := [name for name in required if name not in row]:
        raise ValueError(f"{where}: field {missing[0]!r} is missing")

    values = {key: _typed(where, key, str(declared[key].type), row[key]) for key in row}
    for key, value in values.items():
        accepted, expected = _RULES.get(key, _TEXT if isinstance(value, str) else _ANYTHING)
        if not accepted(value):
            raise _wrong(where, key, value, expected)
    if kind == "paper":
        _check_paper(where, values)
    return cls(**values)


def _check_paper(where: str, values: Mapping[str, Any]) -> None:
    """Check what a rule for one field cannot see."""
    if len(values["summary"]) > SUMMARY_LENGTH:
        expected = f"at most {SUMMARY_LENGTH} characters, not {len(values['summary'])}"
        raise _wrong(where, "summary", values["summary"], expected)
    if bool(values["code"]) != bool(values["code_licence"]):
        expected = "a licence or 'none stated' with code, and an empty string without"
        raise _wrong(where, "code_licence", values["code_licence"], expected)


def _typed(where: str, key: str, declared: str, value: Any) -> Any:
    """Return the value with lists as tuples, after a check against the declared type."""
    if declared == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise _wrong(where, key, value, "an integer")
    if declared == "str":
        if isinstance(value, str):
            return value
        raise _wrong(where, key, value, "a string")
    if isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value):
        if len(set(value)) == len(value):
            return tuple(value)
        raise _wrong(where, key, value, "no entry twice")
    raise _wrong(where, key, value, "a list of non-empty strings")


def _wrong(where: str, key: str, value: Any, expected: str) -> ValueError:
    return ValueError(f"{where}: field {key!r} is {value!r}, expected {expected}")


def _check_unique(kind: str, records: Iterable[Record], keys: tuple[str, ...]) -> None:
    for key in keys:
        seen: dict[Any, str] = {}
        for record in records:
            value = getattr(record, key)
            if value in seen:
                raise ValueError(
                    f"{kind} {record.slug!r}: field {key!r} repeats {value!r}"
                    f" of {kind} {seen[value]!r}"
                )
            if value != "":
                seen[value] = record.slug


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


def _is_line(value: str) -> bool:
    return bool(value) and value == value.strip() and "\n" not in value


Rule = tuple[Callable[[Any], bool], str]

_ANYTHING: Rule = (lambda _: True, "")
_TEXT: Rule = (_is_line, "one non-empty line without blanks at its ends")
_NAME: Rule = (_matches(r"[a-z][a-z0-9_]*"), "lower-case letters, digits and underscores")
_RULES: dict[str, Rule] = {
    "slug": _NAME,
    "family": _NAME,
    "part": (lambda n: n >= 1, "a number from 1"),
    "colour": (_matches(r"#[0-9a-f]{6}"), "a colour such as '#4595e6'"),
    "authors": (lambda names: len(names) >= 1, "at least one author"),
    "year": (lambda n: 1900 <= n <= 2100, "a year"),
    "arxiv": (_matches(r"(\d{4}\.\d{4,5})?"), "an identifier such as '2310.01174'"),
    "doi": (_matches(r"(10\.\d{4,9}/\S+)?"), "an identifier such as '10.1073/pnas.1800683115'"),
    "code": (_matches(r"(https://\S+)?"), "an https address or an empty string"),
    "code_licence": (lambda text: text == "" or _is_line(text), "one line or an empty string"),
    "bib": (_matches(r"[a-z]+\d{4}[a-z]+"), "a key such as 'korotin2024light'"),
    "tags": (lambda tags: 2 <= len(tags) <= 5, "two to five tags"),
    "data": (lambda names: all(map(_NAME[0], names)), _NAME[1]),
    "extra": (_matches(r"([a-z]+)?"), "the name of an extra or an empty string"),
    "status": (lambda text: text in STATUSES, f"one of {', '.join(STATUSES)}"),
}
