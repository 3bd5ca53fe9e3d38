"""The structure of a chapter: what every finished one has, checked without running it.

`check_chapter` returns one `Problem` for each thing that is missing or wrong, with what to do
about it. The words of a check come from ``CONTRIBUTING.md``; what only a run can tell (does a
verdict still hold?) is left to the tests that execute the notebooks.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixbook import catalog, freshness
from mixbook.chapters import (
    Chapter,
    MixbookError,
    catalogue,
    headings,
    pair_problems,
    read_notebook,
    tags,
)
from mixbook.ledger import claims_payload

__all__ = ["SECTIONS", "Problem", "check_chapter"]

SECTIONS = (
    "In one picture",
    "The problem",
    "The idea",
    "The method",
    "Experiments",
    "Scorecard",
    "What we scaled down",
    "Use it on your own data",
    "Exercises",
    "References",
)
PARAMETERS = {"profile": "ci", "seed": 0, "device": "auto"}
WORDS = (1100, 2800)  # we aim at 1,200 to 2,500
FIGURES = (4, 8)
EXERCISES = (2, 4)
MEGABYTES = 2.5
SLIDER = re.compile(r'class="animation"|id="mixbook-(slider|graph)-')
EQUATION = re.compile(r"\bEqs?\.\s*(\([\w.']+\)(?:\s*(?:,|and|,\s*and|to|-|–)\s*\([\w.']+\))*)")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a chapter. ``cell`` counts all cells from 1; None means the whole."""

    file: str
    cell: int | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = "" if self.cell is None else f"cell {self.cell}: "
        return f"{self.file}: {where}{self.problem}: {self.remedy}"


Finding = tuple[int | None, str, str]  # cell from 0 or None, problem, what to do


def check_chapter(path: Path, *, executed: bool = True) -> list[Problem]:
    """Check one chapter.

    Parameters
    ----------
    path : Path
        Either half of the pair in ``notebooks/<family>/``.
    executed : bool
        False leaves out what only an executed and written-out chapter can satisfy: outputs,
        scorecard, counts of words and figures, freshness.

    Returns
    -------
    list of Problem
        Empty when all is well. The opening page of a part is checked for its outputs only.
    """
    chapter = Chapter.at(path)
    missing = [half for half in (chapter.script, chapter.notebook) if not half.is_file()]
    if missing:
        remedy = f"run: mixbook check {chapter.slug} --fix"
        return [Problem(chapter.relative, None, f"{missing[0].name} is missing", remedy)]
    try:
        notebook = read_notebook(chapter.notebook)
        findings = list(_findings(chapter, notebook, executed))
    except (MixbookError, SyntaxError) as error:
        return [Problem(chapter.relative, None, str(error), "repair the file")]
    return [
        Problem(chapter.relative, None if cell is None else cell + 1, problem, remedy)
        for cell, problem, remedy in findings
    ]


def _findings(chapter: Chapter, notebook: Any, executed: bool) -> Iterator[Finding]:
    checks: list[Callable[[Chapter, Any], Iterator[Finding]]] = [_pair]
    if not chapter.is_index:
        checks += [_title, _sections, _install, _parameters, _card, _thumbnail, _say, _solutions]
        checks += [_verdict_cell, _equations, _references]
    if executed:
        checks += [_outputs, _alt_text, _size, _fresh]
    if executed and not chapter.is_index:
        checks += [_scorecard, _counts]
    for check in checks:
        yield from check(chapter, notebook)


# --- text and code --------------------------------------------------------------------------------


def _pair(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    for cell, problem in pair_problems(chapter):
        yield cell, problem, f"run: mixbook check {chapter.slug} --fix, then mixbook run --save"


def _title(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    titles = [(cell, text) for cell, level, text in headings(notebook) if level == 1]
    if len(titles) != 1:
        yield None, f"{len(titles)} headings of level 1", "keep exactly one, the title"
        return
    (cell, text) = titles[0]
    paper = {p.slug: p for p in catalogue(chapter.root).papers}.get(chapter.slug)
    if paper is None:
        yield cell, f"the catalogue has no paper {chapter.slug!r}", "add it to mixbook/papers.toml"
    elif not text.startswith(f"{paper.name}: "):
        yield cell, f"the title is {text!r}", f"start it with {paper.name + ': '!r}"


def _sections(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    found = [(cell, text) for cell, level, text in headings(notebook) if level == 2]
    for k, (wanted, have) in enumerate(zip(SECTIONS, [*found, *[(None, "")] * len(SECTIONS)])):
        if have[1] != wanted:
            problem = f"section {k + 1} is {have[1] or 'missing'!r}"
            yield have[0], problem, f"it must be '## {wanted}' (see mixbook/checks.py for all)"
            return
    if len(found) > len(SECTIONS):
        cell, text = found[len(SECTIONS)]
        yield (
            cell,
            f"'## {text}' stands after the references",
            "make it a level-3 heading or move it",
        )


def _code_cells(notebook: Any) -> list[tuple[int, Any]]:
    return [(k, cell) for k, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def _install(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    cells = _code_cells(notebook)
    if not cells or "install" not in tags(cells[0][1]):
        yield None, "the first code cell is not tagged 'install'", "put the install cell first"
        return
    k, cell = cells[0]
    if "hide-input" not in tags(cell):
        yield k, "the install cell is not folded", "add the tag 'hide-input'"
    if cell.source.strip() != catalog.install_cell(chapter.slug).strip():
        yield (
            k,
            "the install cell is not the catalogue's",
            f"paste what mixbook.catalog.install_cell({chapter.slug!r}) returns",
        )


def _parameters(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    tagged = [(k, cell) for k, cell in _code_cells(notebook) if "parameters" in tags(cell)]
    if len(tagged) != 1:
        yield None, f"{len(tagged)} cells are tagged 'parameters'", "tag exactly one"
        return
    k, cell = tagged[0]
    values = {
        target.id: node.value.value
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, value in PARAMETERS.items():
        if values.get(name) != value:
            yield k, f"the parameters cell does not set {name} = {value!r}", "add that line"


def _card(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    call = f'mixbook.card("{chapter.slug}")'
    if not any(call in cell.source for _, cell in _code_cells(notebook)):
        yield None, "no cell shows the paper card", f"add a cell with {call} below the imports"


def _section_cells(notebook: Any, section: str) -> list[tuple[int, Any]]:
    """The cells from a level-2 heading to the next one."""
    starts = [(cell, text) for cell, level, text in headings(notebook) if level == 2]
    for (first, text), following in zip(starts, [*starts[1:], (len(notebook.cells), "")]):
        if text == section:
            return [(k, notebook.cells[k]) for k in range(first, max(following[0], first + 1))]
    return []


def _thumbnail(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    tagged = [k for k, cell in _code_cells(notebook) if "thumbnail" in tags(cell)]
    inside = {k for k, _ in _section_cells(notebook, "In one picture")}
    if len(tagged) != 1 or tagged[0] not in inside:
        yield (
            tagged[0] if tagged else None,
            f"{len(tagged)} cells are tagged 'thumbnail'",
            "tag exactly one, the figure cell of 'In one picture'",
        )


def _say(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    for k, cell in _code_cells(notebook):
        if "mixbook.say(" in cell.source and "remove-input" not in tags(cell):
            yield k, "the code of a measured sentence is shown", "add the tag 'remove-input'"


def _solutions(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    cells = _section_cells(notebook, "Exercises")
    solutions = 0
    for (k, cell), (_, following) in zip(cells, [*cells[1:], (None, None)]):
        if cell.cell_type != "markdown" or "**Solution" not in cell.source:
            continue
        solutions += 1
        code = following is not None and following.cell_type == "code"
        if not code or "hide-input" not in tags(following):
            yield k, "no folded code follows the solution", "add a code cell tagged 'hide-input'"
    low, high = EXERCISES
    if cells and not low <= solutions <= high:
        remedy = f"give {low} to {high} exercises, each with a line '**Solution.**'"
        yield cells[0][0], f"{solutions} exercises have a solution", remedy


def _verdict_cells(notebook: Any) -> list[tuple[int, Any]]:
    return [
        (k, cell)
        for k, cell in _code_cells(notebook)
        if ".verdicts()" in cell.source and "nbval-check-output" in tags(cell)
    ]


def _verdict_cell(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    if not _verdict_cells(notebook):
        yield (
            None,
            "no checked cell prints the verdicts",
            "add print(<scorecard>.verdicts()) in a cell tagged 'nbval-check-output'",
        )


def equations(text: str) -> set[str]:
    """Numbers of the equations that a text names as ``Eq. (3)`` or ``Eqs. (3) and (4)``."""
    return {
        number for group in EQUATION.findall(text) for number in re.findall(r"\(([\w.']+)\)", group)
    }


def _equations(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    files = _module_files(chapter)
    if not files:
        yield None, f"there is no module {chapter.module}", "write it"
        return
    known = equations("\n".join(_comments(file) for file in files)) | _shared_equations(chapter)
    cited: list[tuple[int | None, set[str]]]
    cited = [(k, equations(c.source)) for k, c in enumerate(notebook.cells) if _is_text(c)]
    payload = claims_payload(notebook) or {"claims": []}
    cited += [(None, equations(f"{c['claim']} {c['where']}")) for c in payload["claims"]]
    for k, numbers in cited:
        for number in sorted(numbers - known):
            remedy = f"write '# Eq. ({number})' above the line of {chapter.module} that computes it"
            yield k, f"Eq. ({number}) is cited and not marked in the module", remedy


def _comments(file: Path) -> str:
    return "\n".join(re.findall(r"#.*", file.read_text(encoding="utf-8")))


def _shared_equations(chapter: Chapter) -> set[str]:
    """Equations that a block of the core computes: marked there as ``# <slug>: Eq. (7)``."""
    files = (chapter.root / "mixbook" / "core").rglob("*.py")
    lines = (line for file in files for line in _comments(file).splitlines())
    return equations("\n".join(x for x in lines if x.startswith(f"# {chapter.name}: ")))


def _is_text(cell: Any) -> bool:
    return cell.cell_type == "markdown"


def _module_files(chapter: Chapter) -> list[Path]:
    base = chapter.root.joinpath(*chapter.module.split("."))
    file = base.with_suffix(".py")
    return [file] if file.is_file() else sorted(base.rglob("*.py"))


def _references(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    cells = _section_cells(notebook, "References")
    cited = set(re.findall(r"\{cite\w*(?::\w+)?\}`([^`]+)`", "\n".join(c.source for _, c in cells)))
    keys = {key.strip() for group in cited for key in group.split(",")}
    if cells and not keys:
        yield (
            cells[0][0],
            "no reference is cited",
            "list them as '- Authors. *Title*. {cite}`key`.'",
        )
    bibliography = chapter.root / "book" / "references.bib"
    if bibliography.is_file():
        known = set(re.findall(r"^@\w+\{\s*([^,\s]+)", bibliography.read_text("utf-8"), re.M))
        for key in sorted(keys - known):
            yield cells[0][0], f"{key!r} is not in book/references.bib", "add it there"


# --- outputs --------------------------------------------------------------------------------------


def _outputs(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    run = f"run: mixbook run {chapter.slug} --save"
    if all(cell.execution_count is None for _, cell in _code_cells(notebook)):
        yield None, "no cell was executed", run
        return
    for k, cell in _code_cells(notebook):
        if not cell.source.strip():
            yield k, "the cell is empty", "delete it"
        elif cell.execution_count is None:
            yield k, "the cell was not executed", run
        for output in cell.outputs:
            if output.output_type == "error":
                yield k, f"the cell shows {output.ename}", "repair it and " + run
            if output.output_type == "stream" and output.name == "stderr" and _shown(cell):
                line = (output.text.strip().splitlines() or [""])[0][:60]
                yield k, f"the cell shows a warning ({line})", "remove its cause and " + run


def _shown(cell: Any) -> bool:
    return not {"remove-output", "remove-stderr", "remove-cell"} & set(tags(cell))


def shows_figure(cell: Any) -> bool:
    """Whether a cell's outputs hold a picture, a slider figure or a picture of a graph."""
    return any(
        key.startswith("image/") or (key == "text/html" and SLIDER.search(value))
        for output in cell.get("outputs", [])
        for key, value in output.get("data", {}).items()
    )


def _alt_text(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    for k, cell in _code_cells(notebook):
        pictures = any(
            key.startswith("image/") for output in cell.outputs for key in output.get("data", {})
        )
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if pictures and len(alt.split()) < 3:
            remedy = 'say what it shows: # %% mystnb={"image": {"alt": "..."}} in the .py'
            yield k, "the figure has no alt text", remedy


def _size(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    megabytes = chapter.notebook.stat().st_size / 1e6
    if megabytes >= MEGABYTES:
        remedy = "save figures with fewer points or a lower resolution"
        yield None, f"the notebook has {megabytes:.1f} MB, at most {MEGABYTES} are wanted", remedy


def _fresh(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    for change in freshness.stale(chapter.notebook):
        remedy = f"run: mixbook run {chapter.slug} --save"
        yield None, f"the stored outputs are stale, {change}", remedy


def _scorecard(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    payload = claims_payload(notebook)
    remedy = "end a cell with the Scorecard and " + f"run: mixbook run {chapter.slug} --save"
    if payload is None or not payload["claims"]:
        yield None, "no scorecard is shown", remedy
        return
    if (payload["slug"], payload["profile"]) != (chapter.slug, "ci"):
        shown = f"{payload['slug']} ({payload['profile']})"
        yield None, f"the scorecard shown is that of {shown}", remedy
    ids = [claim["id"] for claim in payload["claims"]]
    numbers = sorted({int(re.sub(r"\D", "", id)) for id in ids})
    if numbers != list(range(1, len(numbers) + 1)):
        yield None, f"the claims are {', '.join(ids)}", "number them C1, C2, ... without a gap"
    lines = "\n".join(f"{claim['id']} {claim['verdict']}" for claim in payload["claims"])
    for k, cell in _verdict_cells(notebook):
        printed = "".join(output.get("text", "") for output in cell.outputs)
        if printed.strip() != lines:
            yield k, "the printed verdicts are not those of the scorecard", remedy


def _counts(chapter: Chapter, notebook: Any) -> Iterator[Finding]:
    words = count_words(notebook)
    if not WORDS[0] <= words <= WORDS[1]:
        yield None, f"the text has {words} words", f"aim at {WORDS[0]} to {WORDS[1]}"
    figures = sum(shows_figure(cell) for cell in notebook.cells)
    if not FIGURES[0] <= figures <= FIGURES[1]:
        yield None, f"{figures} cells show figures", f"aim at {FIGURES[0]} to {FIGURES[1]}"


def count_words(notebook: Any) -> int:
    """Words of the text and of its measured sentences; formulas, code and references left out."""
    texts = [cell.source for cell in notebook.cells if _is_text(cell)]
    texts += [
        output["data"]["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]
    text = "\n".join(re.split(r"^## References", text, flags=re.M)[0] for text in texts)
    for pattern in (r"```.*?```", r"\$\$.*?\$\$", r"\$[^$]*\$", r"<[^>]+>", r"`[^`]*`"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))
