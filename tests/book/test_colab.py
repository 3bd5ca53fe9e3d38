"""Installing mixbook in Colab changes no package that Colab ships."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Colab's torch is a build of its own without these requirements of the published one.
OVERRIDES = ("nvidia-nccl-cu13",)
# Extras that a chapter's install cell may name; the others are for building the book.
EXTRAS = sorted(set(PROJECT["optional-dependencies"]) - {"cli", "book", "dev"})


def read_pins(text: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.\-]+)(?:\[[^\]]*\])?==([\w.+!]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.fixture(scope="module")
def shipped() -> Path:
    path = Path(os.environ.get("MIXBOOK_DATA_DIR", "")) / "colab" / "constraints.txt"
    if not path.is_file():
        pytest.skip("Colab's package list (colab/constraints.txt) is not in MIXBOOK_DATA_DIR")
    return path


def test_each_lower_bound_admits_what_colab_ships(shipped):
    pins = read_pins(shipped.read_text("utf-8"))
    wanted = [*PROJECT["dependencies"]]
    for extra in EXTRAS:
        wanted += PROJECT["optional-dependencies"][extra]
    refused = [
        f"{text} (Colab has {pins[name]})"
        for text in wanted
        if (name := canonicalize_name((need := Requirement(text)).name)) in pins
        and pins[name] not in need.specifier
    ]
    assert not refused
    assert "torch" in pins, "the list of Colab's packages was not read"


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_the_install_changes_nothing_that_colab_ships(shipped, extra, tmp_path):
    pins = read_pins(shipped.read_text("utf-8"))
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])
    needs = tmp_path / "requirements.in"
    needs.write_text("\n".join(wanted))
    overrides = tmp_path / "overrides.txt"
    overrides.write_text("\n".join(f"{name}=={pins[name]}" for name in OVERRIDES))
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
    options = ["--python-version", "3.13", "--constraint", str(shipped)]
    options += ["--override", str(overrides), "--only-binary", ":all:"]
    done = subprocess.run([*command, *options, str(needs)], capture_output=True, text=True)
    if done.returncode and re.search("fetch|connect|dns|network", done.stderr, re.IGNORECASE):
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stderr
    resolved = read_pins(done.stdout)
    assert {"torch", "numpy", "scipy"} <= set(resolved)
    assert {n: v for n, v in resolved.items() if pins.get(n, v) != v} == {}
