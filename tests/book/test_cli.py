"""The command line, tried in small checkouts with tiny chapters."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import fake_checkout
import nbformat
import psutil
import pytest

from mixbook import freshness
from mixbook.chapters import Chapter, MixbookError, atomic_write, find_root, pair_problems
from mixbook.cli import main

REPO = fake_checkout.REPO


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Make a checkout with these chapters the working directory."""

    def enter(**chapters: str) -> Path:
        root = fake_checkout.make(tmp_path / "checkout", **chapters)
        fake_checkout.enter(monkeypatch, root)
        return root

    return enter


def read(root: Path, name: str = "_runs/toy-ci-seed0.ipynb"):
    return nbformat.read(root / name, as_version=4)


def printed(notebook) -> list[str]:
    return [o.text.strip() for c in notebook.cells for o in c.get("outputs", []) if "text" in o]


# --- run ------------------------------------------------------------------------------------------


def test_run_goes_on_after_a_failure_and_says_what_failed(checkout, capsys):
    root = checkout(bad="\n# %%\n1 / 0\n", toy="")
    assert main(["run", "--all"]) == 1
    out = capsys.readouterr().out
    assert "1 of 2 chapters failed: bad" in out
    assert "ZeroDivisionError: division by zero" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert rows["bad"][1] == "failed"
    assert rows["toy"][1] == "done"
    assert rows["toy"][4:7] == ["1", "0", "1"]  # one holds, none fails, one needs the full profile
    assert float(rows["toy"][3]) > 20, "peak memory of a Python process in MB"
    assert printed(read(root)) == ["2.0", "C1 holds\nC2 needs the full profile"]


def test_a_finished_run_is_kept_and_a_failed_or_stale_one_repeated(checkout, capsys):
    root = checkout()
    record = root / "_runs" / "toy-ci-seed0.ipynb"
    module = root / "mixbook" / "flows" / "toy.py"
    assert main(["run", "toy"]) == 0
    first = record.read_bytes()
    assert main(["run", "toy"]) == 0
    assert record.read_bytes() == first
    assert "up to date" in capsys.readouterr().out
    assert main(["run", "toy", "--force"]) == 0
    assert record.read_bytes() != first
    module.write_text(module.read_text().replace("divide(x, 2)", "divide(x, 0)"))
    assert main(["run", "toy"]) == 1
    module.write_text(module.read_text().replace("divide(x, 0)", "divide(x, 4)"))
    assert main(["run", "toy"]) == 0
    assert printed(read(root)) == ["1.0", "C1 does not hold\nC2 needs the full profile"]
    assert "up to date" not in capsys.readouterr().out


def test_parameters_are_injected(checkout, capsys):
    root = checkout()
    assert main(["run", "toy", "--seed", "5", "--device", "cpu", "--set", "pause=0.01"]) == 0
    notebook = read(root, "_runs/toy-ci-seed5.ipynb")
    assert printed(notebook)[0] == "4.5"  # half of 4 + seed
    assert notebook.metadata["mixbook"]["run"]["parameters"] == {
        "profile": "ci",
        "seed": 5,
        "device": "cpu",
        "pause": 0.01,
    }
    assert main(["run", "toy", "--set", "paus=1"]) == 2
    error = capsys.readouterr().err
    assert "toy has no parameter paus" in error
    assert "device, pause, profile, seed" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "tpy"], "did you mean toy?"),
        (["run", "later"], "mixbook new later"),
        (["run"], "--all"),
        (["run", "toy", "--all"], "not both"),
        (["run", "toy", "--jobs", "0"], "at least 1"),
        (["run", "toy", "--save", "--seed", "1"], "ci profile"),
        (["run", "toy", "--set", "pause"], "key=value"),
        (["run", "toy", "--scheduler", "tcp://127.0.0.1:9", "--jobs", "2"], "not allowed with"),
        (["list", "--family", "flaws"], "there are flows"),
        (["new", "latr"], "did you mean later?"),
        (["new", "toy"], "done already"),
        (["check", "nothing"], "there is no chapter 'nothing'"),
    ],
)
def test_wrong_commands_are_refused_with_what_to_do(checkout, capsys, arguments, message):
    checkout()
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_outside_a_checkout_the_error_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--all"]) == 2
    assert "not inside a checkout" in capsys.readouterr().err
    with pytest.raises(MixbookError, match=r"_config\.yml"):
        find_root(tmp_path)


def test_the_root_is_found_from_a_folder_below(checkout):
    root = checkout()
    assert find_root(root / "notebooks" / "flows") == root


def test_a_missing_extra_is_named(checkout, monkeypatch, capsys):
    checkout()
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main(["run", "toy"]) == 1
    assert 'pip install "mixbook[cli]"' in capsys.readouterr().out


def test_two_jobs_run_at_the_same_time(checkout):
    root = checkout(toy="", second="")
    assert main(["run", "--all", "--jobs", "2", "--set", "pause=1.5"]) == 0
    spans = []
    for slug in ("toy", "second"):
        run = read(root, f"_runs/{slug}-ci-seed0.ipynb").metadata["mixbook"]["run"]
        start = datetime.fromisoformat(run["date"])
        spans.append((start, start + timedelta(seconds=run["seconds"])))
    assert max(start for start, _ in spans) < min(end for _, end in spans)


@mock.patch.dict(os.environ)  # a cluster leaves settings of malloc that slow down later kernels
def test_a_dask_cluster_runs_chapters(checkout, capsys):
    distributed = pytest.importorskip("distributed")
    asks = '\n# %%\nimport os\nprint(os.environ.get("MALLOC_TRIM_THRESHOLD_"))\n'
    root = checkout(bad="\n# %%\n1 / 0\n", toy=asks)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options, processes=True) as cluster:
        assert main(["run", "--all", "--scheduler", cluster.scheduler_address]) == 1
    assert "1 of 2 chapters failed: bad" in capsys.readouterr().out
    assert {"2.0", "None"} <= set(printed(read(root)))


def test_no_scheduler_at_the_address_is_an_error(checkout, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(address, timeout):
        raise OSError("timed out")

    checkout()
    monkeypatch.setattr(distributed, "Client", refuse)
    assert main(["run", "toy", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err


# --- being stopped --------------------------------------------------------------------------------


def wait_for_kernel(process: subprocess.Popen) -> list[psutil.Process]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        family = psutil.Process(process.pid).children(recursive=True)
        if any("ipykernel_launcher" in " ".join(p.cmdline()) for p in family if p.is_running()):
            time.sleep(0.5)
            return family
        time.sleep(0.1)
    raise AssertionError("the kernel did not start")


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in (root / "notebooks").rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_stopped_run_leaves_nothing_half_written_and_no_process(checkout, capsys, number, code):
    slow = "\n# %%\ntime.sleep(100)\n"
    root = checkout(quick="", toy=slow)
    before = files(root)
    process = subprocess.Popen(
        fake_checkout.command("run", "quick", "toy"),
        cwd=root,
        env=fake_checkout.environment(root),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    first = root / "_runs" / "quick-ci-seed0.ipynb"
    deadline = time.monotonic() + 60
    while not first.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    family = wait_for_kernel(process)
    process.send_signal(number)
    assert process.wait(20) == code
    assert gone(family)
    assert files(root) == before
    assert [path.name for path in (root / "_runs").iterdir()] == [first.name]
    # the next run takes up what had finished
    assert main(["run", "quick"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_an_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    atomic_write(path, "old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_what_a_killed_run_left_is_swept_up(checkout):
    root = checkout()
    (root / "_runs").mkdir()
    leftover = root / "_runs" / ".toy-ci-seed0.ipynb.abc.tmp"
    leftover.write_text("{")
    assert main(["run", "toy"]) == 0
    assert not leftover.exists()


# --- what a run stores ----------------------------------------------------------------------------


def test_save_stores_outputs_stamp_and_hash(checkout):
    root = checkout()
    assert main(["run", "toy", "--save"]) == 0
    path = root / "notebooks" / "flows" / "toy.ipynb"
    notebook = read(root, "notebooks/flows/toy.ipynb")
    meta = notebook.metadata["mixbook"]
    assert meta["source_hash"] == freshness.source_hash(path)
    assert freshness.is_fresh(path)
    assert meta["run"]["seed"] == 0
    assert meta["run"]["versions"]["python"].startswith("3.")
    assert {"date", "hardware", "seconds", "peak_mb", "device"} <= set(meta["run"])
    card = next(
        o.data["text/html"] for c in notebook.cells for o in c.get("outputs", []) if "data" in o
    )
    assert "not yet recorded" not in card
    assert f"Python {meta['run']['versions']['python']}" in card
    assert f"{meta['run']['date'][:10]}, profile ci, seed 0" in card
    assert pair_problems(Chapter.at(path)) == []
    assert "injected-parameters" not in path.read_text()
    assert "papermill" not in path.read_text()
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    stored = path.read_bytes()
    assert main(["run", "toy", "--save"]) == 0
    assert path.read_bytes() == stored


def test_a_failing_run_does_not_touch_the_stored_chapter(checkout):
    root = checkout()
    assert main(["run", "toy", "--save"]) == 0
    path = root / "notebooks" / "flows" / "toy.ipynb"
    stored = path.read_bytes()
    script = path.with_suffix(".py")
    script.write_text(script.read_text() + "\n# %%\n1 / 0\n")
    assert main(["run", "toy", "--save"]) == 1
    assert path.read_bytes() == stored


def test_a_chapter_edited_while_it_runs_is_not_stored(checkout, capsys):
    edit = (
        "\n# %%\nfrom pathlib import Path\n"
        "script = Path('toy.py')\n"
        "_ = script.write_text(script.read_text() + '\\n# %%\\nx = 1\\n')\n"
    )
    root = checkout(toy=edit)
    assert main(["run", "toy", "--save"]) == 1
    assert "changed during the run" in capsys.readouterr().out
    assert not (root / "notebooks" / "flows" / "toy.ipynb").exists()


def test_a_full_run_is_stored_and_shown_in_the_ledger(checkout, capsys):
    root = checkout()
    assert main(["run", "toy", "--save"]) == 0
    assert main(["run", "toy", "--profile", "full", "--device", "cpu"]) == 0
    stored = json.loads((root / "results" / "toy.json").read_text())
    assert [c["verdict"] for c in stored["claims"]] == ["holds", "holds"]
    assert stored["device"] == "cpu"
    assert {"date", "versions", "seed", "seconds", "hardware"} <= set(stored)
    capsys.readouterr()
    assert main(["ledger", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(r["id"], r["verdict"], r["full_verdict"]) for r in rows] == [
        ("C1", "holds", "holds"),
        ("C2", "needs the full profile", "holds"),
    ]
    assert rows[0]["link"] == "notebooks/flows/toy.html#scorecard"
    assert (root / rows[0]["code"]).is_file()
    assert main(["ledger", "--csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["full_measured"] for row in table] == ["x = 2", "x = 4"]
    assert main(["ledger"]) == 0
    assert "2 claims" in capsys.readouterr().out


# --- list and new ---------------------------------------------------------------------------------


def test_list_filters_the_catalogue(checkout, capsys):
    checkout(toy="", second="")
    assert main(["list", "--status", "planned", "--json"]) == 0
    assert [p["slug"] for p in json.loads(capsys.readouterr().out)] == ["later"]
    assert main(["list", "--family", "flows"]) == 0
    out = capsys.readouterr().out
    assert "3 papers, 2 with a chapter" in out


TOC = """format: jb-book
parts:
  - chapters:
      - file: notebooks/flows/index
      - file: notebooks/graphs/index
        sections:
          - file: notebooks/graphs/other
"""


def test_new_lays_down_a_chapter_that_passes_the_static_checks(checkout, capsys):
    from mixbook.checks import check_chapter

    root = checkout()
    (root / "_toc.yml").write_text(TOC)
    assert main(["new", "later"]) == 0
    out = capsys.readouterr().out
    assert "mixbook run later --save" in out
    path = root / "notebooks" / "flows" / "later.ipynb"
    assert check_chapter(path, executed=False) == []
    assert [p.problem for p in check_chapter(path)][:1] == ["no cell was executed"]
    toc = (root / "_toc.yml").read_text()
    assert "index\n        sections:\n          - file: notebooks/flows/later\n" in toc
    module = (root / "mixbook" / "flows" / "later.py").read_bytes()
    assert main(["new", "later"]) == 2
    assert "mixbook/flows/later.py" in capsys.readouterr().err
    assert (root / "mixbook" / "flows" / "later.py").read_bytes() == module


def test_the_laid_down_tests_pass_with_the_laid_down_module(checkout):
    root = checkout()
    assert main(["new", "later"]) == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--import-mode=importlib", "tests", "benchmarks"],
        cwd=root,
        env=fake_checkout.environment(root),
        capture_output=True,
        text=True,
    )
    assert "5 passed" in done.stdout, done.stdout + done.stderr
