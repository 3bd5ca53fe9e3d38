"""The install cell: acts in Colab alone, and installs the package with the chapter's extra."""

import subprocess
import sys
import types

import pytest

from mixbook import catalog


@pytest.fixture
def calls(monkeypatch):
    made = []
    monkeypatch.setattr(subprocess, "run", lambda command, **options: made.append(command))
    return made


def run(slug: str) -> None:
    exec(compile(catalog.install_cell(slug), "cell", "exec"), {})


@pytest.mark.parametrize("paper", catalog.papers(), ids=lambda paper: paper.slug)
def test_it_does_nothing_outside_colab_and_installs_the_extra_inside(paper, calls, monkeypatch):
    run(paper.slug)
    assert calls == []
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    run(paper.slug)
    wanted = f"mixbook[{paper.extra}]" if paper.extra else "mixbook"
    (command,) = calls
    assert command[1:] == ["-m", "pip", "install", "--quiet", wanted]


def test_bad_slug_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="light_sb"):
        catalog.install_cell("light_sd")
