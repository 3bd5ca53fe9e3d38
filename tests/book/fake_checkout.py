"""A small checkout of the book with tiny chapters, for the tests of the machinery."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

CATALOGUE = """
[[family]]
slug = "flows"
part = 1
title = "Flows"
summary = "A family."
colour = "#cc751f"
"""

PAPER = """
[[paper]]
slug = "{slug}"
family = "flows"
name = "{slug}"
title = "Title of {slug}"
authors = ["Ada Example"]
venue = "Venue 2024"
year = 2024
code = ""
code_licence = ""
bib = "example2024{slug}"
summary = "Halves a number."
tags = ["halves", "toys"]
data = []
extra = ""
status = "{status}"
reproduces = "Its only number."
input = "number"
assumes = "nothing"
cost = "none"
use_when = "never"
"""

MODULE = '''"""Halving, the method of the toy paper."""

from mixbook.core import numbers


def half(x):
    """Half of a number."""
    # Eq. (1)
    return numbers.divide(x, 2)
'''

CORE = '''"""Numbers."""


def divide(a, b):
    """The quotient."""
    return a / b
'''

SCRIPT = """# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {slug}: a chapter

# %% tags=["parameters"]
profile = "ci"
seed = 0
device = "auto"
pause = 0.0

# %%
import os
import time

import mixbook
from mixbook.flows.toy import half

time.sleep(pause)

# %%
mixbook.card("{slug}")

# %% tags=["nbval-check-output"]
print(half(4 + seed))
{extra}
# %%
card = mixbook.Scorecard("{slug}", profile=profile, seed=seed)
card.claim("C1", "Halves", measured=dict(x=half(4)), criterion="x == 2")
full = dict(x=half(8)) if profile == "full" else None
card.claim("C2", "Halves more", measured=full, criterion="x == 4")
card

# %% tags=["nbval-check-output"]
print(card.verdicts())
"""


def make(root: Path, **chapters: str) -> Path:
    """Lay down a checkout; each keyword is a chapter's slug with more cells for it (py:percent)."""
    package = root / "mixbook"
    for folder in (package / "flows", package / "core", root / "notebooks" / "flows"):
        folder.mkdir(parents=True)
    for path in (REPO / "mixbook").glob("*.py"):
        shutil.copy(path, package)
    shutil.copytree(REPO / "mixbook" / "templates", package / "templates")
    chapters = chapters or {"toy": ""}
    slugs = [PAPER.format(slug=slug, status="done") for slug in chapters]
    planned = PAPER.format(slug="later", status="planned")
    (package / "papers.toml").write_text(CATALOGUE + "".join(slugs) + planned)
    (package / "flows" / "__init__.py").write_text('"""Flows."""\n')
    (package / "core" / "__init__.py").write_text('"""Core."""\n')
    (package / "core" / "numbers.py").write_text(CORE)
    (package / "flows" / "toy.py").write_text(MODULE)
    (root / "_config.yml").write_text("title: toy\n")
    for slug, extra in chapters.items():
        script = root / "notebooks" / "flows" / f"{slug}.py"
        script.write_text(SCRIPT.format(slug=slug, extra=extra))
    return root


def mixbook(root: Path, *arguments: str, timeout: float = 100) -> subprocess.CompletedProcess:
    """Run a command of the checkout's own package inside it."""
    return subprocess.run(
        command(*arguments),
        cwd=root,
        env=environment(root),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def command(*arguments: str) -> list[str]:
    """The command line with these arguments."""
    return [sys.executable, "-m", "mixbook.cli", *arguments]


def environment(root: Path) -> dict[str, str]:
    """Variables under which the checkout's package wins over an installed one."""
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}


def enter(monkeypatch, root: Path) -> None:
    """Make a checkout the working directory and its catalogue the one that is read."""
    from mixbook import catalog

    monkeypatch.chdir(root)
    shipped = catalog.load(root / "mixbook" / "papers.toml")
    monkeypatch.setattr(catalog, "_shipped", lambda: shipped)
