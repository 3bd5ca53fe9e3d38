"""Each structure check finds what it is for, in a chapter that was sound before."""

import base64

import fake_checkout
import nbformat
import pytest

from mixbook import checks
from mixbook.chapters import Chapter, read_notebook, read_source, write_notebook, write_script
from mixbook.claims import MIME
from mixbook.scaffold import lay_down

PIXEL = base64.b64encode(b"a picture").decode()


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A laid-down chapter with made-up outputs, sound but for its stored hash."""
    root = fake_checkout.make(tmp_path)
    fake_checkout.enter(monkeypatch, root)
    monkeypatch.setattr(checks, "WORDS", (50, 500))
    monkeypatch.setattr(checks, "FIGURES", (1, 3))
    monkeypatch.setattr(checks.freshness, "stale", lambda path: [])
    lay_down(root, "later")
    chapter = Chapter(root, "flows", "later")
    notebook = read_notebook(chapter.notebook)
    for k, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        cell.execution_count = k + 1
    show(cell_with(notebook, "plt.show()"), {"image/png": PIXEL})
    claim = {"id": "C1", "claim": "It halves.", "where": "", "verdict": "holds"}
    payload = {"slug": "later", "profile": "ci", "claims": [claim]}
    show(cell_with(notebook, "scorecard.claim("), {MIME: payload})
    verdicts = cell_with(notebook, ".verdicts()")
    verdicts.outputs = [nbformat.v4.new_output("stream", text="C1 holds\n")]
    write_notebook(chapter.notebook, notebook)
    return chapter


def show(cell, data):
    count = cell.execution_count
    cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=count)]


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def found(chapter) -> list[str]:
    return [str(problem) for problem in checks.check_chapter(chapter.notebook)]


def test_a_sound_chapter_has_no_problem(chapter):
    assert found(chapter) == []


def drop_tag(text, tag):
    def spoil(notebook):
        cell_with(notebook, text).metadata["tags"].remove(tag)

    return spoil


def replace(text, new):
    def spoil(notebook):
        cell = cell_with(notebook, text)
        cell.source = cell.source.replace(text, new)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (replace("# later: ", "# Later: "), "the title is 'Later: "),
        (replace("# later: ", "### later: "), "0 headings of level 1"),
        (replace("## The idea", "## Idea"), "section 3 is 'Idea'"),
        (replace("## References", "### References"), "section 10 is 'missing'"),
        (replace('"--quiet"', '"-q"'), "the install cell is not the catalogue's"),
        (drop_tag("google.colab", "install"), "not tagged 'install'"),
        (drop_tag("google.colab", "hide-input"), "the install cell is not folded"),
        (drop_tag('profile = "ci"', "parameters"), "0 cells are tagged 'parameters'"),
        (replace("seed = 0", "seed = 1"), "does not set seed = 0"),
        (replace('mixbook.card("later")', 'mixbook.card("toy")'), "no cell shows the paper card"),
        (drop_tag("plt.show()", "thumbnail"), "0 cells are tagged 'thumbnail'"),
        (drop_tag("mixbook.say(", "remove-input"), "measured sentence is shown"),
        (drop_tag("mine + 1", "hide-input"), "no folded code follows the solution"),
        (replace("**Solution.** One", "One"), "1 exercises have a solution"),
        (drop_tag(".verdicts()", "nbval-check-output"), "no checked cell prints the verdicts"),
        (replace("Eq. (1) in code", "Eqs. (1) and (7) in code"), "Eq. (7) is cited and not marked"),
        (replace("{cite}`", "`"), "no reference is cited"),
    ],
)
def test_what_is_wrong_with_text_and_code_is_found(chapter, spoil, problem):
    notebook = read_source(chapter)
    spoil(notebook)
    write_script(chapter, notebook)
    write_notebook(chapter.notebook, read_source(chapter))
    lines = [str(p) for p in checks.check_chapter(chapter.notebook, executed=False)]
    assert len(lines) == 1, lines
    assert problem in lines[0]
    assert lines[0].startswith("notebooks/flows/later.ipynb: ")


def not_executed(notebook):
    cell_with(notebook, "clipped").execution_count = None


def an_error(notebook):
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="x", traceback=[])
    cell_with(notebook, "clipped").outputs = [error]


def a_warning(notebook):
    warning = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: x\n")
    cell_with(notebook, "clipped").outputs = [warning]


def a_picture_without_words(notebook):
    show(cell_with(notebook, "clipped"), {"image/png": PIXEL})


def many_pictures(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.outputs:
            show(cell, {"text/html": '<figure id="mixbook-slider-1">'})


def a_gap_in_the_claims(notebook):
    card = cell_with(notebook, "scorecard.claim(").outputs[0].data[MIME]
    card["claims"][0]["id"] = "C2"
    cell_with(notebook, ".verdicts()").outputs[0].text = "C2 holds\n"


def other_verdicts(notebook):
    cell_with(notebook, ".verdicts()").outputs[0].text = "C1 does not hold\n"


def no_scorecard(notebook):
    cell_with(notebook, "scorecard.claim(").outputs = []


def a_full_scorecard(notebook):
    cell_with(notebook, "scorecard.claim(").outputs[0].data[MIME]["profile"] = "full"


def an_equation_in_a_claim(notebook):
    card = cell_with(notebook, "scorecard.claim(").outputs[0].data[MIME]
    card["claims"][0]["where"] = "Eq. (9)"


def a_long_output(notebook):
    text = nbformat.v4.new_output("stream", text="x" * 2_600_000)
    cell_with(notebook, "clipped").outputs = [text]


def many_words(notebook):
    show(cell_with(notebook, "mixbook.say("), {"text/markdown": "word " * 600})


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (not_executed, "the cell was not executed"),
        (an_error, "the cell shows KeyError"),
        (a_warning, "the cell shows a warning (UserWarning: x)"),
        (a_picture_without_words, "the figure has no alt text"),
        (many_pictures, "cells show figures"),
        (a_gap_in_the_claims, "the claims are C2"),
        (other_verdicts, "the printed verdicts are not those of the scorecard"),
        (no_scorecard, "no scorecard is shown"),
        (a_full_scorecard, "the scorecard shown is that of later (full)"),
        (an_equation_in_a_claim, "Eq. (9) is cited and not marked"),
        (a_long_output, "the notebook has 2.6 MB"),
        (many_words, "words: aim at"),
    ],
)
def test_what_is_wrong_with_outputs_is_found(chapter, spoil, problem):
    notebook = read_notebook(chapter.notebook)
    spoil(notebook)
    write_notebook(chapter.notebook, notebook)
    lines = found(chapter)
    assert len(lines) == 1, lines
    assert problem in lines[0]


@pytest.mark.parametrize("half", ["script", "notebook"])
def test_a_missing_half_is_found(chapter, half):
    path = getattr(chapter, half)
    path.unlink()
    assert f"{path.name} is missing" in found(chapter)[0]


def test_a_key_that_the_bibliography_lacks_is_found(chapter):
    (chapter.root / "book").mkdir()
    bibliography = chapter.root / "book" / "references.bib"
    bibliography.write_text("@article{other2020key,\n}\n")
    assert "'example2024later' is not in book/references.bib" in found(chapter)[0]
    bibliography.write_text("@article{example2024later,\n}\n")
    assert found(chapter) == []


def test_equations_are_read_in_all_their_spellings():
    text = "By Eq. (3), Eqs. (4) and (5a), eq. (6), Eqs. (7)-(8), Eq. (A.1); not (9)."
    assert checks.equations(text) == {"3", "4", "5a", "7", "8", "A.1"}
