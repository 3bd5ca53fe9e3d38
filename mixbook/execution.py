"""Running one chapter: in its own process, through papermill, with time and memory measured.

The process that runs a chapter is started by `run_job`; it reads a job as JSON from its standard
input, reports each finished cell on its standard output and hands back the executed notebook. It
writes no file of the checkout. When its standard input closes, because whoever started it is gone,
it ends its kernel and itself.
"""

import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = [
    "Job",
    "gpu_name",
    "hardware",
    "no_result",
    "peak_memory_mb",
    "pinned_environment",
    "run_job",
    "versions",
]

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
WORKER_SETTINGS = ("MALLOC_TRIM_THRESHOLD_",)
"""What a worker of Dask sets for itself; a kernel that inherits it is several times slower."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """One chapter to run, as plain data that can be sent to another process or machine."""

    slug: str
    notebook: dict[str, Any]
    parameters: dict[str, Any]
    root: str
    folder: str
    hide_gpu: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def pinned_environment(root: Path, hide_gpu: bool = False) -> dict[str, str]:
    """The variables under which a chapter's kernel runs.

    One thread for each numeric library, the checkout's package before any installed one, and the
    shared data folder beside the checkout where there is one.
    """
    found = dict.fromkeys(ONE_THREAD, "1")
    found["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(root), os.environ.get("PYTHONPATH", "")])
    )
    found["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    shared = Path(root).parent / "shared" / "data"
    if "MIXBOOK_DATA_DIR" not in os.environ and shared.is_dir():
        found["MIXBOOK_DATA_DIR"] = str(shared)
    if hide_gpu:
        found["CUDA_VISIBLE_DEVICES"] = ""
    return found


def peak_memory_mb(pid: int) -> float:
    """Largest resident memory that a process has had so far, in MB (0.0 when unknown)."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        if match := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            return int(match[1]) / 1024
    with suppress(Exception):
        import psutil

        return psutil.Process(pid).memory_info().rss / 2**20
    return 0.0


def hardware() -> str:
    """Processor, cores and graphics card of this machine in one line."""
    parts = [f"{_processor()} ({os.cpu_count()} cores)"]
    if gpu := gpu_name():
        parts.append(gpu)
    return ", ".join(parts)


def _processor() -> str:
    with suppress(OSError):
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        if match:
            return re.sub(r"\s+", " ", match[1]).strip()
    return platform.processor() or platform.machine() or "unknown processor"


def gpu_name() -> str:
    """Name of the first graphics card that a run may use, "" when there is none."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return ""
    try:
        shown = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return shown.stdout.strip().splitlines()[0] if shown.stdout.strip() else ""


def versions(root: str = "") -> dict[str, str]:
    """Versions of Python and of the packages that shape a result."""
    found = {"python": platform.python_version()}
    for name in ("mixbook", "torch", "numpy"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    init = Path(root, "mixbook", "__init__.py")
    if root and init.is_file():
        match = re.search(r'^__version__ = "(.+)"', init.read_text(encoding="utf-8"), re.M)
        found["mixbook"] = match[1] if match else found.get("mixbook", "unknown")
    return found


def run_job(
    job: Job,
    progress: Progress = lambda done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run a chapter in a process of its own and wait for it.

    Parameters
    ----------
    job : Job
        What to run.
    progress : callable
        Called with (cells done, cells) as the run goes on.
    stopped : callable
        Asked every second; when it says True the run is ended.

    Returns
    -------
    dict
        ``status`` ("done", "failed" or "stopped"), ``error`` (last line, or ""), ``seconds``,
        ``peak_mb``, ``notebook`` (or None), ``date``, ``hardware``, ``versions``.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in WORKER_SETTINGS}
    environment = {
        **inherited,
        **job.environment,
        **pinned_environment(Path(job.root), job.hide_gpu),
    }
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            start_new_session=True,
        )
        watch = threading.Thread(target=_end_when_stopped, args=(process, stopped), daemon=True)
        watch.start()
        result = _follow(process, job, progress)
        if result is None:
            errors.seek(0)
            result = _broken_off(process.returncode, stopped(), errors.read())
    return result


def no_result(status: str, error: str) -> dict[str, Any]:
    """The result of a run that handed back no notebook."""
    return {"status": status, "error": error, "seconds": 0.0, "peak_mb": 0.0, "notebook": None}


def _follow(process: Any, job: Job, progress: Progress) -> dict[str, Any] | None:
    """Send the job, pass progress on, return the result (None when the process broke off)."""
    result = None
    try:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asdict(job)) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            event = json.loads(line)
            if "result" in event:
                result = event["result"]
            else:
                progress(event["done"], event["total"])
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
    return result


def _end_when_stopped(process: Any, stopped: Callable[[], bool]) -> None:
    while process.poll() is None:
        if stopped():
            process.terminate()
            return
        time.sleep(0.2)


def _broken_off(code: int, stopped: bool, errors: str) -> dict[str, Any]:
    if stopped:
        return no_result("stopped", "stopped")
    last = errors.strip().splitlines()[-1] if errors.strip() else "no message"
    return no_result("failed", f"the process of the run ended with {_ending(code)}: {last}")


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


# What follows runs in the process that run_job starts.


def main() -> int:
    """Read a job from standard input, run it, print events and the result as JSON lines."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever libraries print must not mix with the events
    job = Job(**json.loads(sys.stdin.readline()))
    run = _Run(job, lambda event: events.write(json.dumps(event) + "\n"))
    signal.signal(signal.SIGTERM, lambda *_: run.abandon())
    threading.Thread(target=run.watch_parent, daemon=True).start()
    result = run()
    events.write(json.dumps({"result": result}) + "\n")
    events.flush()
    return 0


class _Run:
    """A chapter's run and the kernel under it."""

    def __init__(self, job: Job, emit: Callable[[dict[str, Any]], Any]):
        self.job, self.emit = job, emit
        self.manager: Any = None
        self.peak_mb = 0.0

    def __call__(self) -> dict[str, Any]:
        started = time.perf_counter()
        date = datetime.now(UTC).isoformat(timespec="seconds")
        notebook, error = self._execute()
        return {
            "status": "failed" if error else "done",
            "error": error,
            "seconds": round(time.perf_counter() - started, 2),
            "peak_mb": round(self.peak_mb, 1),
            "notebook": notebook,
            "date": date,
            "gpu": gpu_name(),
            "hardware": hardware(),
            "versions": versions(self.job.root),
        }

    def _execute(self) -> tuple[dict[str, Any], str]:
        """The notebook as far as it ran, and the last line of its error ("" when there is none)."""
        import nbformat
        import papermill
        from jupyter_client.manager import AsyncKernelManager

        notebook = nbformat.from_dict(self.job.notebook)
        total = sum(cell.cell_type == "code" for cell in notebook.cells) + 1
        self.manager = AsyncKernelManager(kernel_name="python3")
        done = 0

        def after_cell(cell: Any, **_: Any) -> None:
            nonlocal done
            if cell.cell_type == "code":
                done += 1
                self.peak_mb = max(self.peak_mb, self._kernel_peak())
                self.emit({"done": min(done, total), "total": total})

        with tempfile.TemporaryDirectory(prefix="mixbook-") as folder:
            source, output = Path(folder, "source.ipynb"), Path(folder, "executed.ipynb")
            nbformat.write(notebook, source)
            error = ""
            try:
                papermill.execute_notebook(
                    source,
                    output,
                    parameters=self.job.parameters,
                    kernel_name="python3",
                    language="python",
                    cwd=self.job.folder if Path(self.job.folder).is_dir() else folder,
                    progress_bar=False,
                    request_save_on_cell_execute=True,
                    km=self.manager,
                    on_cell_executed=after_cell,
                )
            except Exception as problem:  # any failure of a chapter is a result, not a crash
                error = _last_line(problem)
            finally:
                self.end_kernel()
            executed = nbformat.read(output, as_version=4) if output.is_file() else notebook
        return json.loads(nbformat.writes(executed, version=4)), error

    def _kernel_peak(self) -> float:
        pid = self._kernel_pid()
        return peak_memory_mb(pid) if pid else 0.0

    def _kernel_pid(self) -> int | None:
        return getattr(getattr(self.manager, "provisioner", None), "pid", None)

    def end_kernel(self) -> None:
        """Kill the kernel with all its children."""
        if pid := self._kernel_pid():
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            with suppress(Exception):
                self.manager.cleanup_connection_file()

    def abandon(self) -> None:
        """End kernel and process at once."""
        self.end_kernel()
        os._exit(130)

    def watch_parent(self) -> None:
        """Wait for the end of standard input, which means that nobody waits for the result."""
        while sys.stdin.readline():
            pass
        self.abandon()


def _last_line(problem: Any) -> str:
    """``ErrorName: message`` of what went wrong in a chapter."""
    if hasattr(problem, "ename"):
        first = (problem.evalue.strip().splitlines() or [""])[0]
        return f"{problem.ename}: {first}" if first else str(problem.ename)
    text = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {text[-1] if text else ''}"


if __name__ == "__main__":
    sys.exit(main())
