"""How the chapters are run as tests: one thread, a budget of time and memory, a table at the end.

``pytest --nbval-lax notebooks`` executes every chapter in one kernel of its own, and compares the
cells tagged ``nbval-check-output`` with what is stored. A chapter that takes more time or memory
than the budget fails.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mixbook.execution import ONE_THREAD, peak_memory_mb, pinned_environment

ROOT = Path(__file__).parent
PEAK, SECONDS = "mixbook_peak_mb", "mixbook_seconds"
SLOWEST = 15


@dataclass
class Usage:
    """What a chapter has used so far."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    reported: bool = False


@dataclass
class Row:
    """One line of the table at the end."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    cells: int = 0
    failed: int = 0


def pytest_addoption(parser):
    parser.addini(
        "chapter_seconds", "longest time a chapter may take, in seconds (default: 90)", default="90"
    )
    parser.addini(
        "chapter_peak_mb", "most memory a chapter may use, in MB (default: 3000)", default="3000"
    )


def pytest_configure(config):
    for name in ONE_THREAD:
        os.environ[name] = "1"
    config.stash[chapters_key], config.stash[tests_key] = {}, {}
    # not handed on to the pytest runs that tests start
    config.stash[times_file_key] = os.environ.pop("MIXBOOK_TIMES_FILE", "")


chapters_key = pytest.StashKey[dict[str, Row]]()
tests_key = pytest.StashKey[dict[str, float]]()
times_file_key = pytest.StashKey[str]()
usage_key = pytest.StashKey[Usage]()


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a cell of a notebook."""
    return type(item).__name__ == "IPyNbCell"


@contextmanager
def kernel_environment() -> Iterator[None]:
    """The variables under which a kernel is started, for the time that it is."""
    before = dict(os.environ)
    os.environ.update(pinned_environment(ROOT, hide_gpu=True))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    if not is_cell(item):
        return (yield)
    with kernel_environment():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not is_cell(item):
        return (yield)
    usage = item.parent.stash.setdefault(usage_key, Usage())
    start = time.perf_counter()
    try:
        result = yield
    finally:
        usage.seconds += time.perf_counter() - start
        usage.peak_mb = max(usage.peak_mb, kernel_peak_mb(item))
        item.user_properties += [(PEAK, usage.peak_mb), (SECONDS, usage.seconds)]
    refuse_if_over_budget(item, usage)
    return result


def kernel_peak_mb(item: pytest.Item) -> float:
    """Peak memory of the kernel that runs a cell (0.0 once it is gone)."""
    manager = getattr(item.parent.kernel, "km", None)
    pid = getattr(getattr(manager, "provisioner", None), "pid", None)
    return peak_memory_mb(pid) if pid else 0.0


def refuse_if_over_budget(item: pytest.Item, usage: Usage) -> None:
    """Fail the cell with which a chapter goes over its budget (once a chapter)."""
    from nbval.plugin import NbCellError

    seconds = float(item.config.getini("chapter_seconds"))
    peak_mb = float(item.config.getini("chapter_peak_mb"))
    if usage.reported or (usage.seconds <= seconds and usage.peak_mb <= peak_mb):
        return
    usage.reported = True
    if usage.seconds > seconds:
        over = f"the chapter has taken {usage.seconds:.1f} s so far, its budget is {seconds:g} s"
    else:
        over = f"the chapter has used {usage.peak_mb:.0f} MB, its budget is {peak_mb:g} MB"
    raise NbCellError(item.cell_num, f"Over budget: {over}", item.cell.source)


def pytest_runtest_logreport(report):
    config = pytest_runtest_logreport.config
    properties = dict(report.user_properties)
    path = report.nodeid.split("::")[0]
    if path.endswith(".ipynb"):
        row = config.stash[chapters_key].setdefault(path, Row())
        row.seconds += report.duration
        row.peak_mb = max(row.peak_mb, properties.get(PEAK, 0.0))
        row.cells += report.when == "call"
        row.failed += report.failed
    else:
        times = config.stash[tests_key]
        times[report.nodeid] = times.get(report.nodeid, 0.0) + report.duration


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    pytest_runtest_logreport.config = session.config


def pytest_terminal_summary(terminalreporter, config):
    lines = [*chapter_lines(config.stash[chapters_key]), *slowest_lines(config.stash[tests_key])]
    if lines:
        terminalreporter.section("time and memory")
        for line in lines:
            terminalreporter.write_line(line)
    if path := config.stash[times_file_key]:
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def chapter_lines(rows: dict[str, Row]) -> list[str]:
    """The chapters, slowest first."""
    if not rows:
        return []
    lines = [f"{'seconds':>8}  {'peak MB':>8}  {'cells':>5}  {'failed':>6}  chapter"]
    for path, row in sorted(rows.items(), key=lambda pair: -pair[1].seconds):
        lines.append(
            f"{row.seconds:8.1f}  {row.peak_mb:8.0f}  {row.cells:5}  {row.failed:6}  {path}"
        )
    total = sum(row.seconds for row in rows.values())
    return [*lines, f"{total:8.1f}  in all {len(rows)} chapters", ""]


def slowest_lines(times: dict[str, float]) -> list[str]:
    """The slowest tests that are not chapters, those under half a second left out."""
    slow = sorted(((t, name) for name, t in times.items() if t >= 0.5), reverse=True)[:SLOWEST]
    if not slow:
        return []
    total = f"{sum(times.values()):8.1f}  in all {len(times)} tests"
    return [f"{'seconds':>8}  test", *(f"{t:8.1f}  {name}" for t, name in slow), total]
