"""New chapters of every planned paper pass the linter as they are laid down."""

import shutil
import subprocess
import sys

import fake_checkout
import pytest

from mixbook import catalog
from mixbook.checks import check_chapter
from mixbook.scaffold import lay_down

REPO = fake_checkout.REPO


@pytest.fixture(scope="module")
def laid_down(tmp_path_factory):
    """A checkout with the real catalogue in which every planned paper was started."""
    root = tmp_path_factory.mktemp("planned")
    (root / "mixbook").mkdir()
    shutil.copy(REPO / "mixbook" / "papers.toml", root / "mixbook")
    shutil.copy(REPO / "mixbook" / "__init__.py", root / "mixbook")
    shutil.copy(REPO / "pyproject.toml", root)
    (root / "_config.yml").write_text("title: copy\n")
    slugs = [paper.slug for paper in catalog.papers() if not paper.done]
    return root, {slug: lay_down(root, slug) for slug in slugs}


def test_ruff_is_content(laid_down):
    root, _ = laid_down
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_static_checks_are_content(laid_down):
    root, written = laid_down
    for slug, paths in written.items():
        notebook = next(path for path in paths if path.suffix == ".ipynb")
        assert check_chapter(notebook, executed=False) == [], slug
        assert all(path.is_relative_to(root) for path in paths)
