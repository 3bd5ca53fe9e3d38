"""What makes stored outputs stale, and what does not."""

import os
import subprocess
import sys
from pathlib import Path

import fake_checkout
import nbformat
import pytest

from mixbook import freshness
from mixbook.chapters import Chapter, read_source, write_notebook

REPO = fake_checkout.REPO


@pytest.fixture
def chapter(tmp_path):
    """A chapter whose notebook holds the hashes of its present sources (and no outputs)."""
    chapter = Chapter(fake_checkout.make(tmp_path), "flows", "toy")
    notebook = read_source(chapter)
    notebook.metadata["mixbook"] = {"sources": freshness.current(chapter)}
    write_notebook(chapter.notebook, notebook)
    return chapter


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_changed_is_fresh(chapter):
    assert freshness.is_fresh(chapter.notebook)
    assert freshness.stale(chapter.notebook) == []


def test_the_modules_are_those_reached_by_imports_without_the_presentation(chapter):
    assert set(freshness.current(chapter)) == {
        "cells",
        "mixbook.claims",
        "mixbook.core",
        "mixbook.core.numbers",
        "mixbook.flows",
        "mixbook.flows.toy",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        # the chapter itself
        ("notebooks/flows/toy.py", "half(4 + seed)", "half(5 + seed)", ["the cells changed"]),
        ("notebooks/flows/toy.py", "a chapter", "the chapter", ["the cells changed"]),
        ("notebooks/flows/toy.py", '"nbval-check-output"', '"other"', ["the cells changed"]),
        # a module of a family: every character, because the page shows it
        ("mixbook/flows/toy.py", "x, 2", "x, 3", ["mixbook.flows.toy changed"]),
        ("mixbook/flows/toy.py", "Half of", "One half of", ["mixbook.flows.toy changed"]),
        ("mixbook/flows/toy.py", "# Eq. (1)", "# Eq. (2)", ["mixbook.flows.toy changed"]),
        # another module: its code alone
        ("mixbook/core/numbers.py", "a / b", "a // b", ["mixbook.core.numbers changed"]),
        ("mixbook/core/numbers.py", "a / b", "a / b + 0.0", ["mixbook.core.numbers changed"]),
        ("mixbook/core/numbers.py", "The quotient", "A quotient", []),
        ("mixbook/core/numbers.py", "a / b", "a / b  # a comment", []),
        ("mixbook/core/numbers.py", "a / b", "(a / b)", ["mixbook.core.numbers changed"]),
        ("mixbook/core/numbers.py", '"""Numbers."""', '"""Numbers.\n\nMore."""\n\n\n', []),
        # presentation, and what the chapter does not use
        ("mixbook/notebook.py", "import ast", "import ast\nx = 1", []),
        ("mixbook/__init__.py", "0.1.0", "0.2.0", []),
    ],
)
def test_what_counts(chapter, file, old, new, stale):
    edit(chapter.root / file, old, new)
    found = freshness.stale(chapter.notebook)
    assert found == stale
    assert freshness.is_fresh(chapter.notebook) == (not stale)


def test_imports_beside_magics_and_by_attribute_are_seen(chapter):
    notebook = read_source(chapter)
    cell = next(cell for cell in notebook.cells if "import mixbook" in cell.source)
    cell.source = "import mixbook\nif 0:\n    %time pass\nmixbook.core.numbers.divide(1, 1)"
    used = freshness.used_modules(notebook, chapter.root)
    assert "mixbook.core.numbers" in used
    assert "mixbook.claims" in used
    assert "mixbook.flows.toy" not in used


def test_a_module_that_comes_or_goes_is_named(chapter):
    (chapter.root / "mixbook" / "core" / "more.py").write_text("ONE = 1\n")
    edit(chapter.root / "mixbook/core/numbers.py", '"""Numbers."""', "from . import more")
    assert freshness.stale(chapter.notebook) == [
        "mixbook.core.numbers changed",
        "mixbook.core.more is used now and was not then",
    ]
    edit(chapter.script, "from mixbook.flows.toy import half", "half = 2 .__truediv__")
    assert "mixbook.flows.toy was used then and is not now" in freshness.stale(chapter.notebook)


def test_weights_count(chapter):
    weights = chapter.root / "mixbook" / "flows" / "toy_ci.safetensors"
    weights.write_bytes(b"one")
    one = freshness.source_hash(chapter.notebook)
    weights.write_bytes(b"two")
    assert freshness.source_hash(chapter.notebook) != one


def test_outputs_and_injected_parameters_do_not_count(chapter):
    import nbformat

    notebook = read_source(chapter)
    plain = freshness.cells_hash(notebook)
    injected = nbformat.v4.new_code_cell("seed = 1", metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(2, injected)
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="out")]
    notebook.cells[3].execution_count = 3
    assert freshness.cells_hash(notebook) == plain
    notebook.cells[3].source += "\nx = 1"
    assert freshness.cells_hash(notebook) != plain


def test_a_notebook_without_a_hash_is_stale(chapter):
    write_notebook(chapter.notebook, read_source(chapter))
    assert "holds no source hash" in freshness.stale(chapter.notebook)[0]


TRICKY = '''"""Doc."""
# comment
import re


class A:
    """Doc."""

    x: int = 1
    """About x."""

    def f(self, a, *, b="\\N{BULLET} # no comment"):
        """Doc."""
        return f"{a!r:>{10}} {b["k"] if b else f'{a}{{}}'} # text" f"""two
lines {a}
"""


def g(): "doc"; return rb"\\x00", 1_000, 0XFF
'''


def test_code_hash_sees_code_and_nothing_else():
    text = TRICKY.replace('b["k"]', "b['k']")
    bare = "\n".join(line for line in text.splitlines() if line.strip() != "# comment")
    bare = bare.replace('    """About x."""\n', "").replace('"""Doc."""', '"""Other."""')
    assert freshness.code_hash(bare) == freshness.code_hash(text)
    for old, new in (
        ("# no comment", "# comment"),
        ("{a!r:>{10}}", "{a!r:>{11}}"),
        ("lines {a}", "lines  {a}"),
        ("# text", "# texts"),
        ("int = 1", "int = 2"),
        ("    def f", "    async def f"),
    ):
        assert old in text
        assert freshness.code_hash(text.replace(old, new)) != freshness.code_hash(text), old


def test_the_hash_is_the_same_on_every_python():
    text = TRICKY.replace('b["k"]', "b['k']")
    assert freshness.code_hash(text)[:16] == "e0b1fee331d0d3fb"


def test_indentation_is_code():
    one = "if a:\n    b()\n    c()\n"
    other = "if a:\n    b()\nc()\n"
    assert freshness.code_hash(one) != freshness.code_hash(other)
    assert freshness.code_hash(one) == freshness.code_hash(one.replace("    ", "  "))


def other_pythons() -> list[str]:
    """Other versions of Python on this machine that the package supports."""
    found = []
    for name in ("python3.11", "python3.12", "python3.13"):
        try:
            code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
            done = subprocess.run([name, "-c", code], capture_output=True, text=True)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.split()[0] != "{}.{}".format(*sys.version_info):
            found.append(name)
    return found


def test_every_python_gives_the_same_hash():
    code = (
        "import sys; from mixbook.freshness import code_hash; "
        "print(*[code_hash(open(p, encoding='utf-8').read()) for p in sys.argv[1:]])"
    )
    paths = [str(path) for path in sorted((REPO / "mixbook").rglob("*.py"))]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONDONTWRITEBYTECODE": "1"}
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python on this machine")
    here = [freshness.code_hash(Path(path).read_text(encoding="utf-8")) for path in paths]
    for python in pythons:
        done = subprocess.run(
            [python, "-c", code, *paths], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == here, python


def test_a_loader_more_in_the_data_package_makes_no_other_chapter_stale(tmp_path):
    """A chapter depends on the modules of the loaders that it names, not on the package."""
    root = fake_checkout.make(tmp_path)
    data = root / "mixbook" / "data"
    data.mkdir()
    (data / "one.py").write_text("def load_one():\n    return 1\n")
    (data / "two.py").write_text("def load_two():\n    return 2\n")
    (data / "__init__.py").write_text("from mixbook.data.one import load_one\n")
    cell = nbformat.v4.new_code_cell("from mixbook.data import load_one")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    before = freshness.sources(notebook, root, "flows", "toy")
    assert {name for name in before if "data" in name} == {"mixbook.data.one"}
    with (data / "__init__.py").open("a") as file:
        file.write("from mixbook.data.two import load_two\n")
    assert freshness.sources(notebook, root, "flows", "toy") == before
    edit(data / "one.py", "return 1", "return 3")
    assert freshness.sources(notebook, root, "flows", "toy") != before


@pytest.mark.parametrize("source", ["import mixbook.data", "from mixbook import data"])
def test_the_whole_data_package_counts_when_it_is_imported_whole(tmp_path, source):
    root = fake_checkout.make(tmp_path)
    data = root / "mixbook" / "data"
    data.mkdir()
    (data / "one.py").write_text("def load_one():\n    return 1\n")
    (data / "__init__.py").write_text("from mixbook.data.one import load_one\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    found = freshness.sources(notebook, root, "flows", "toy")
    assert {"mixbook.data", "mixbook.data.one"} <= set(found)
