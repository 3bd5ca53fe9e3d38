"""Importing mixbook is light."""

import subprocess
import sys
import time

HEAVY = ("torch", "numpy", "matplotlib", "sklearn", "pandas", "IPython")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_import_loads_nothing_heavy():
    loaded = run("import sys, mixbook; print(*sys.modules)").split()
    assert "mixbook" in loaded
    assert not set(HEAVY) & set(loaded)


def test_import_takes_under_300_ms():
    bare, full = [], []
    for _ in range(5):
        for code, times in (("pass", bare), ("import mixbook", full)):
            start = time.perf_counter()
            run(code)
            times.append(time.perf_counter() - start)
    assert min(full) - min(bare) < 0.3
