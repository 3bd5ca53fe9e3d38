"""Each gate is seen to fail: what must stop a merge does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import assertions
import fake_checkout
import nbformat
import pytest

from mixbook.cli import main

REPO = fake_checkout.REPO


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A checkout with three chapters, executed and stored, and the settings of the tests."""
    root = fake_checkout.make(tmp_path_factory.mktemp("gates") / "checkout", toy="", one="", two="")
    shutil.copy(REPO / "conftest.py", root)
    shutil.copy(REPO / "pyproject.toml", root)
    with pytest.MonkeyPatch.context() as patch:
        fake_checkout.enter(patch, root)
        assert main(["run", "--all", "--save"]) == 0
    return root


@pytest.fixture
def checkout(saved, tmp_path):
    """A copy of that checkout, free to be spoiled."""
    return shutil.copytree(saved, tmp_path / "checkout")


def nbval(root: Path, *options: str) -> str:
    """Run the notebooks as tests; returns what pytest prints, colours left out."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "notebooks", "--color=no", *options],
        cwd=root,
        env=fake_checkout.environment(root),
        capture_output=True,
        text=True,
    )
    return re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


def rewrite(root: Path, slug: str, old: str, new: str) -> None:
    path = root / "notebooks" / "flows" / f"{slug}.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_failing_cell_and_a_changed_stored_verdict_fail_and_the_others_pass(checkout):
    rewrite(checkout, "one", "time.sleep(pause)", "raise RuntimeError('broken')")
    rewrite(checkout, "two", '"C1 holds\\n"', '"C1 does not hold\\n"')
    out = nbval(checkout, "-n", "2", "--dist", "loadfile")
    failed = set(re.findall(r"^FAILED \S*?(\w+)\.ipynb::Cell (\d+)", out, re.MULTILINE))
    # once the imports of chapter one failed, its other cells fail too
    assert ("one", "1") in failed
    assert {cell for slug, cell in failed if slug == "two"} == {"5"}
    assert "toy" not in {slug for slug, _ in failed}
    assert re.search(r"-?C1 does not hold", out)
    # the table at the end, which must also work across workers: seconds, MB, cells, failures
    for slug, failures in (("toy", "0"), ("two", "1")):
        row = re.search(rf"([\d.]+) +(\d+) +6 +{failures}  notebooks/flows/{slug}\.ipynb", out)
        assert row, out
        assert int(row[2]) > 20


def test_a_changed_implementation_that_flips_a_verdict_fails(checkout):
    module = checkout / "mixbook" / "flows" / "toy.py"
    module.write_text(module.read_text().replace("divide(x, 2)", "divide(x, 2.5)"))
    out = nbval(checkout, "-k", "toy")
    assert "2 failed, 4 passed" in out
    assert "C1 does not hold" in out


@pytest.mark.parametrize(
    ("setting", "message"),
    [("chapter_seconds=0", "its budget is 0 s"), ("chapter_peak_mb=1", "its budget is 1 MB")],
)
def test_a_chapter_over_its_budget_fails_once(saved, setting, message):
    out = nbval(saved, "-k", "toy", "-o", setting)
    assert "Over budget" in out
    assert message in out
    assert "1 failed, 5 passed" in out


def test_kernels_are_pinned_to_one_thread_and_see_no_gpu(checkout):
    probe = "import os; print([os.environ[k] for k in ('OMP_NUM_THREADS', 'CUDA_VISIBLE_DEVICES')])"
    rewrite(checkout, "toy", "time.sleep(pause)", probe.replace('"', '\\"'))
    path = checkout / "notebooks" / "flows" / "toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if "OMP_NUM_THREADS" in cell.source)
    cell.metadata["tags"] = ["nbval-check-output"]
    cell.outputs = [nbformat.v4.new_output("stream", text="['1', '']\n")]
    nbformat.write(notebook, path)
    assert "6 passed" in nbval(checkout, "-k", "toy")


def check(root: Path, *options: str) -> subprocess.CompletedProcess:
    return fake_checkout.mixbook(root, "check", "toy", *options)


def test_a_stale_output_fails(checkout):
    assert "stale" not in check(checkout).stdout
    module = checkout / "mixbook" / "core" / "numbers.py"
    module.write_text(module.read_text().replace("a / b", "a / b * 1"))
    done = check(checkout)
    assert done.returncode == 1
    assert "stale, mixbook.core.numbers changed: run: mixbook run toy --save" in done.stdout


def test_a_broken_pair_fails_and_is_mended(checkout):
    script = checkout / "notebooks" / "flows" / "toy.py"
    script.write_text(script.read_text().replace("half(4 + seed)", "half(6 + seed)"))
    done = check(checkout)
    assert done.returncode == 1
    assert "its source differs from toy.py" in done.stdout
    fixed = check(checkout, "--fix").stdout
    assert "differs" not in fixed
    # the changed cell has lost its output, the others keep theirs, and all is known to be stale
    assert "cell 5: the cell was not executed" in fixed
    assert fixed.count("was not executed") == 1
    assert "stale, the cells changed" in fixed


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("x = 1", True),
        ("assert True", True),
        ("print(1 == 2)", True),
        ("check_chapter('file')", True),
        ("assert x == 1", False),
        ("with pytest.raises(ValueError): f()", False),
        ("np.testing.assert_allclose(1, 1)", False),
        ("helper()", False),
        ("other()", True),
    ],
)
def test_an_assert_free_test_is_found(tmp_path, body, found):
    path = tmp_path / "test_it.py"
    helpers = "def helper():\n    assert f() == 1\n\ndef other():\n    f()\n"
    path.write_text(f"{helpers}\ndef test_it():\n    {body}\n")
    assert assertions.assert_free(path) == (["test_it"] if found else [])


def test_no_test_of_the_project_is_assert_free():
    files = assertions.modules_with_tests(REPO)
    assert Path(__file__) in files
    found = {str(file.relative_to(REPO)): assertions.assert_free(file) for file in files}
    assert {name: tests for name, tests in found.items() if tests} == {}


def test_a_warning_of_the_book_build_fails(tmp_path):
    (tmp_path / "_config.yml").write_text("title: small\nexecute: {execute_notebooks: 'off'}\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: one\nchapters:\n  - file: two\n")
    (tmp_path / "two.md").write_text("# Two\n\nText.\n")
    codes = {}
    for name, link in (("good", "two.md"), ("bad", "three.md")):
        (tmp_path / "one.md").write_text(f"# One\n\nSee [the other page]({link}).\n")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-n", "-W"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        codes[name] = done.returncode
    assert codes["good"] == 0, done.stdout + done.stderr
    assert codes["bad"] != 0
    assert "three.md" in done.stdout + done.stderr
