"""Running many chapters: resuming, going on after a failure, storing what came out.

Each finished run lies in ``_runs/<slug>-<profile>-seed<N>.ipynb`` with its record in the notebook's
metadata, written in one step, so that a run that was killed leaves nothing half done and the next
one takes up where it ended.
"""

import ast
import json
import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixbook import freshness
from mixbook.chapters import (
    Chapter,
    MixbookError,
    atomic_write,
    read_notebook,
    read_source,
    require,
    tags,
    write_notebook,
)
from mixbook.execution import Job, no_result, run_job
from mixbook.ledger import claims_payload, count_verdicts
from mixbook.stamp import stamp, tidy

__all__ = [
    "Outcome",
    "RunOptions",
    "run_chapters",
    "save_chapter",
    "store_full_result",
]


@dataclass(frozen=True)
class RunOptions:
    """How chapters are run; the fields are the options of ``mixbook run``."""

    profile: str = "ci"
    seed: int = 0
    device: str = "auto"
    jobs: int = 1
    scheduler: str = ""
    save: bool = False
    force: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise MixbookError(f"--jobs must be at least 1, got {self.jobs}")
        if self.save and (self.profile != "ci" or self.seed != 0 or self.overrides):
            raise MixbookError(
                "--save stores the outputs that the book shows, which are those of the ci profile "
                "with seed 0 and no --set; leave --save out, or the other options"
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """What is injected into each chapter."""
        own = {"profile": self.profile, "seed": self.seed, "device": self.device}
        return {**own, **self.overrides}


@dataclass(frozen=True)
class Outcome:
    """What came of one chapter."""

    chapter: Chapter
    status: str
    seconds: float = 0.0
    peak_mb: float = 0.0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the chapter did not run to its end, or its outputs could not be stored."""
        return self.status == "failed"


def run_path(chapter: Chapter, options: RunOptions) -> Path:
    """Where a run of a chapter is kept."""
    name = chapter.slug.replace("/", "-")
    return chapter.root / "_runs" / f"{name}-{options.profile}-seed{options.seed}.ipynb"


def run_chapters(
    chapters: Sequence[Chapter],
    options: RunOptions,
    *,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    on_cell: Callable[[Chapter, int, int], None] = lambda chapter, done, total: None,
) -> list[Outcome]:
    """Run chapters and store what comes out; a failing one does not stop the others.

    Parameters
    ----------
    chapters : sequence of Chapter
        What to run.
    options : RunOptions
        How.
    on_outcome, on_cell : callable
        Called in this thread after each chapter and after each cell.

    Returns
    -------
    list of Outcome
        In the order of ``chapters``.

    Raises
    ------
    MixbookError
        If an override names a parameter that a chapter has not; nothing is run then.
    KeyboardInterrupt
        Handed on after the running chapters were ended; nothing half-written is left.
    """
    for chapter in chapters:
        _check_overrides(chapter, options)
    _sweep({chapter.root for chapter in chapters})
    outcomes: dict[str, Outcome] = {}

    def settle(outcome: Outcome) -> None:
        outcomes[outcome.chapter.slug] = outcome
        on_outcome(outcome)

    waiting: dict[str, tuple[Chapter, dict[str, str]]] = {}
    for chapter in chapters:
        found = _prepare(chapter, options)
        if isinstance(found, Outcome):
            settle(found)
        else:
            waiting[chapter.slug] = (chapter, found)
    jobs = [_job(chapter, options) for chapter, _ in waiting.values()]
    execute = _through_scheduler if options.scheduler else _locally
    for slug, event in execute(jobs, options):
        chapter, hashes = waiting[slug]
        if isinstance(event, tuple):
            on_cell(chapter, *event)
        else:
            settle(_store(chapter, options, hashes, event))
    return [outcomes[chapter.slug] for chapter in chapters]


def _sweep(roots: set[Path]) -> None:
    """Remove temporary files that a killed run may have left in ``_runs``."""
    for root in roots:
        for path in (root / "_runs").glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _check_overrides(chapter: Chapter, options: RunOptions) -> None:
    if not options.overrides:
        return
    names = parameter_names(read_source(chapter))
    if unknown := sorted(set(options.overrides) - names):
        raise MixbookError(
            f"{chapter.slug} has no parameter {', '.join(unknown)}; its parameters cell sets "
            f"{', '.join(sorted(names)) or 'nothing'}"
        )


def parameter_names(notebook: Any) -> set[str]:
    """The names that the cells tagged ``parameters`` assign."""
    trees = [ast.parse(cell.source) for cell in notebook.cells if "parameters" in tags(cell)]
    return {
        target.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _prepare(chapter: Chapter, options: RunOptions) -> Outcome | dict[str, str]:
    """The outcome of an earlier run that still stands, or the source hashes for a new one."""
    try:
        hashes = freshness.current(chapter)
    except (MixbookError, SyntaxError, ValueError) as error:
        return Outcome(chapter, "failed", error=f"{type(error).__name__}: {error}")
    if not options.force:
        earlier = _earlier_run(chapter, options, freshness.combined(hashes))
        if earlier is not None:
            return _reuse(chapter, options, earlier)
    return hashes


def _earlier_run(chapter: Chapter, options: RunOptions, source_hash: str) -> Any:
    path = run_path(chapter, options)
    if not path.is_file():
        return None
    try:
        notebook = read_notebook(path)
    except MixbookError:
        return None
    stamp = notebook.metadata.get("mixbook", {})
    run = stamp.get("run", {})
    same = (
        run.get("status") == "done"
        and stamp.get("source_hash") == source_hash
        and dict(run.get("parameters", {})) == options.parameters
        and (not options.save or run.get("cpu_only", False))
    )
    return notebook if same else None


def _reuse(chapter: Chapter, options: RunOptions, notebook: Any) -> Outcome:
    run = notebook.metadata["mixbook"]["run"]
    verdicts = count_verdicts(claims_payload(notebook))
    figures = (run["seconds"], run["peak_mb"], verdicts)
    problem = _keep(chapter, options, notebook)
    return Outcome(chapter, "failed" if problem else "up to date", *figures, problem)


def _job(chapter: Chapter, options: RunOptions) -> Job:
    return Job(
        slug=chapter.slug,
        notebook=json.loads(require("nbformat").writes(read_source(chapter), version=4)),
        parameters=options.parameters,
        root=str(chapter.root),
        folder=str(chapter.notebook.parent),
        hide_gpu=options.save,
    )


Event = tuple[int, int] | dict[str, Any]


def _locally(jobs: list[Job], options: RunOptions) -> Iterator[tuple[str, Event]]:
    """Run jobs in up to ``options.jobs`` processes; yields cells done and, last, the result."""
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    events: queue.SimpleQueue[tuple[str, Event]] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            events.put((job.slug, _guarded(job, events, stop)))

    threads = [threading.Thread(target=work) for _ in range(min(options.jobs, len(jobs)))]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            while True:
                slug, event = _next_event(events)
                yield slug, event
                if isinstance(event, dict):
                    break
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _guarded(job: Job, events: Any, stop: threading.Event) -> dict[str, Any]:
    """`run_job`, with an error of our own machinery turned into a failed result."""
    try:
        return run_job(job, lambda *cells: events.put((job.slug, cells)), stop.is_set)
    except Exception as error:  # the thread must hand back a result whatever happens
        return no_result("failed", f"{type(error).__name__}: {error}")


def _next_event(events: Any) -> tuple[str, Event]:
    """Wait in short steps, so that a signal is acted on at once."""
    while True:
        try:
            return events.get(timeout=0.2)
        except queue.Empty:
            continue


def _through_scheduler(jobs: list[Job], options: RunOptions) -> Iterator[tuple[str, Event]]:
    """Run jobs on the workers of a Dask cluster; yields the results as they come."""
    distributed = require("distributed")
    try:
        client = distributed.Client(options.scheduler, timeout="20s")
    except (OSError, ValueError) as error:
        raise MixbookError(f"no Dask scheduler answers at {options.scheduler}: {error}") from error
    stop = f"mixbook-stop-{uuid.uuid4().hex}"
    try:
        futures = [client.submit(_on_worker, job, stop, pure=False, retries=0) for job in jobs]
        slugs = {future.key: job.slug for future, job in zip(futures, jobs)}
        for future in distributed.as_completed(futures):
            if future.status == "finished":
                yield slugs[future.key], future.result()
            else:
                yield (
                    slugs[future.key],
                    no_result("failed", f"on the cluster: {future.exception()}"),
                )
    except BaseException:
        distributed.Event(stop, client=client).set()
        raise
    finally:
        client.close()


def _on_worker(job: Job, stop: str) -> dict[str, Any]:
    """Run a job on a Dask worker, ending it when the event named ``stop`` is set."""
    from distributed import Event

    event = Event(stop)
    return run_job(job, stopped=event.is_set)


def _store(
    chapter: Chapter, options: RunOptions, hashes: dict[str, str], result: dict[str, Any]
) -> Outcome:
    """Write a run's notebook with its record, and what else the options ask for."""
    figures = (result["seconds"], result["peak_mb"])
    if result["notebook"] is None:
        return Outcome(chapter, result["status"], *figures, error=result["error"])
    notebook = tidy(result["notebook"])
    notebook.metadata["mixbook"] = {
        "source_hash": freshness.combined(hashes),
        "sources": hashes,
        "run": _record(options, result),
    }
    stamp(notebook)
    write_notebook(run_path(chapter, options), notebook)
    verdicts = count_verdicts(claims_payload(notebook))
    if result["status"] != "done":
        return Outcome(chapter, "failed", *figures, verdicts, result["error"])
    problem = _keep(chapter, options, notebook)
    return Outcome(chapter, "failed" if problem else "done", *figures, verdicts, problem)


def _record(options: RunOptions, result: dict[str, Any]) -> dict[str, Any]:
    keys = ("status", "error", "date", "hardware", "versions", "seconds", "peak_mb")
    on_gpu = bool(result["gpu"]) and not options.device.startswith("cpu")
    return {
        **{key: result[key] for key in keys},
        "parameters": options.parameters,
        "profile": options.profile,
        "seed": options.seed,
        "device": "cuda" if on_gpu else "cpu",
        "cpu_only": not on_gpu,
    }


def _keep(chapter: Chapter, options: RunOptions, notebook: Any) -> str:
    """Store a finished run in the chapter or in ``results/``; returns what is wrong, or ""."""
    try:
        if options.save:
            save_chapter(chapter, notebook)
        if options.profile == "full" and options.seed == 0 and not options.overrides:
            store_full_result(chapter, notebook)
    except MixbookError as error:
        return str(error)
    return ""


def save_chapter(chapter: Chapter, executed: Any) -> None:
    """Write a finished run back as the chapter's committed notebook.

    Raises
    ------
    MixbookError
        If the chapter or the package changed since the run.
    """
    stamp = executed.metadata["mixbook"]
    if freshness.combined(freshness.current(chapter)) != stamp["source_hash"]:
        raise MixbookError(f"the sources of {chapter.slug} changed during the run; run it again")
    notebook = read_source(chapter)
    outputs = [cell for cell in executed.cells if cell.cell_type == "code"]
    own = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, done in zip(own, outputs, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    run = {k: v for k, v in stamp["run"].items() if k not in ("status", "error", "cpu_only")}
    notebook.metadata["mixbook"] = {**stamp, "run": run}
    if not _same_saved(chapter, notebook):
        write_notebook(chapter.notebook, notebook)


def _same_saved(chapter: Chapter, notebook: Any) -> bool:
    return chapter.notebook.is_file() and read_notebook(chapter.notebook) == notebook


def store_full_result(chapter: Chapter, executed: Any) -> None:
    """Write the claims of a full-profile run to ``results/<slug>.json``.

    Raises
    ------
    MixbookError
        If the run showed no scorecard.
    """
    if chapter.is_index:
        return
    payload = claims_payload(executed)
    if payload is None:
        raise MixbookError(
            f"the full run of {chapter.slug} showed no scorecard, so nothing to store"
        )
    stamp = executed.metadata["mixbook"]
    keys = ("date", "device", "hardware", "versions", "seconds", "peak_mb")
    stored = {
        **payload,
        "slug": chapter.slug,
        "family": chapter.family,
        **{key: stamp["run"][key] for key in keys},
        "source_hash": stamp["source_hash"],
    }
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    atomic_write(chapter.root / "results" / f"{chapter.slug}.json", text)
