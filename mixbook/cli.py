"""The command line: ``mixbook list | run | check | ledger | new``."""

import argparse
import ast
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mixbook import __version__
from mixbook.chapters import (
    Chapter,
    MixbookError,
    all_chapters,
    catalogue,
    find_chapters,
    find_root,
)

__all__ = ["main"]

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    0: all is well; 1: a chapter failed or a check found a problem; 2: the command cannot be
    carried out as given; 130: interrupted.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    previous = _interrupt_on_sigterm()
    try:
        return arguments.command(arguments)
    except MixbookError as error:
        print(f"mixbook: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mixbook: interrupted; what had finished is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _interrupt_on_sigterm() -> Any:
    """Treat SIGTERM like Ctrl-C; returns the earlier handler (None outside the main thread)."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mixbook", description="Run, check and extend the chapters of a mixbook checkout."
    )
    parser.add_argument("--version", action="version", version=f"mixbook {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_add_list, _add_run, _add_check, _add_ledger, _add_new):
        add(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[Any], int], help: str) -> Any:
    parser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.set_defaults(command=run)
    return parser


def _add_slugs(parser: Any) -> None:
    parser.add_argument(
        "slugs", nargs="*", metavar="slug", help="a chapter (commuters, flows/index, or its file)"
    )


def _add_list(commands: Any) -> None:
    parser = _command(commands, "list", _list, "list the papers of the catalogue")
    parser.add_argument("--family", help="only this family")
    parser.add_argument("--status", choices=("done", "planned"), help="only papers in this state")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_run(commands: Any) -> None:
    parser = _command(commands, "run", _run, "execute chapters through papermill")
    _add_slugs(parser)
    parser.add_argument("--all", action="store_true", help="every chapter of the checkout")
    parser.add_argument("--profile", choices=("ci", "full"), default="ci", help="default: ci")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, help="chapters at a time (default: 1)")
    where.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster")
    parser.add_argument("--save", action="store_true", help="store the outputs in the chapter")
    parser.add_argument("--force", action="store_true", help="run again what has been run")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        type=_override,
        help="another parameter of the chapter (may be given several times)",
    )


def _add_check(commands: Any) -> None:
    parser = _command(commands, "check", _check, "check the structure of chapters")
    _add_slugs(parser)
    parser.add_argument(
        "--fix", action="store_true", help="first write the text of each .py into its notebook"
    )


def _add_ledger(commands: Any) -> None:
    parser = _command(commands, "ledger", _ledger, "print every claim with its verdict")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV")


def _add_new(commands: Any) -> None:
    parser = _command(commands, "new", _new, "start the chapter of a planned paper")
    parser.add_argument("slug", help="a planned paper of the catalogue")


def _override(text: str) -> tuple[str, Any]:
    """``key=value`` with the value as a Python literal where it is one, else as text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"must look like key=value, got {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def _list(arguments: Any) -> int:
    papers = catalogue(find_root()).papers
    families = {paper.family for paper in papers}
    if arguments.family and arguments.family not in families:
        raise MixbookError(
            f"there is no family {arguments.family!r}; there are {', '.join(sorted(families))}"
        )
    chosen = [
        paper
        for paper in papers
        if arguments.family in (None, paper.family) and arguments.status in (None, paper.status)
    ]
    if arguments.json:
        keys = ("slug", "family", "status", "name", "title", "year", "summary")
        print(json.dumps([{k: getattr(p, k) for k in keys} for p in chosen], indent=1))
        return 0
    rows = [(p.slug, p.family, p.status, str(p.year), p.name) for p in chosen]
    print(table(("slug", "family", "status", "year", "method"), rows))
    print(f"{len(chosen)} papers, {sum(p.status == 'done' for p in chosen)} with a chapter")
    return 0


def _run(arguments: Any) -> int:
    from mixbook.runs import RunOptions, run_chapters

    options = RunOptions(
        profile=arguments.profile,
        seed=arguments.seed,
        device=arguments.device,
        jobs=arguments.jobs,
        scheduler=arguments.scheduler,
        save=arguments.save,
        force=arguments.force,
        overrides=dict(arguments.set),
    )
    chapters = _chosen(arguments)
    with _Bars(chapters) as bars:
        outcomes = run_chapters(chapters, options, on_outcome=bars.finish, on_cell=bars.step)
    print(_run_table(outcomes))
    failed = [outcome.chapter.slug for outcome in outcomes if outcome.failed]
    if failed:
        print(f"{len(failed)} of {len(outcomes)} chapters failed: {', '.join(failed)}")
    return 1 if failed else 0


def _chosen(arguments: Any) -> list[Chapter]:
    """The chapters that ``run`` is to execute."""
    root = find_root()
    if arguments.all == bool(arguments.slugs):
        raise MixbookError("name the chapters to run, or all of them with --all (and not both)")
    chapters = all_chapters(root) if arguments.all else find_chapters(root, arguments.slugs)
    if not chapters:
        raise MixbookError(f"there is no chapter in {root / 'notebooks'}")
    return chapters


class _Bars:
    """A progress bar over chapters and, below it, one for the cells of each running chapter."""

    def __init__(self, chapters: Sequence[Chapter]):
        self.total = len(chapters)
        self.cells: dict[str, tuple[int, Any]] = {}

    def __enter__(self) -> "_Bars":
        from tqdm import tqdm

        self.tqdm = tqdm
        self.all = tqdm(total=self.total, desc="chapters", unit="chapter", disable=None, position=0)
        return self

    def __exit__(self, *error: object) -> None:
        for _, bar in self.cells.values():
            bar.close()
        self.all.close()

    def step(self, chapter: Chapter, done: int, total: int) -> None:
        bar = (self.cells.get(chapter.slug) or self._new_bar(chapter, total))[1]
        bar.update(done - bar.n)

    def _new_bar(self, chapter: Chapter, total: int) -> tuple[int, Any]:
        taken = {position for position, _ in self.cells.values()}
        free = next(k for k in range(1, self.total + 2) if k not in taken)
        bar = self.tqdm(
            total=total, desc=chapter.slug, unit="cell", disable=None, leave=False, position=free
        )
        self.cells[chapter.slug] = (free, bar)
        return free, bar

    def finish(self, outcome: Any) -> None:
        if running := self.cells.pop(outcome.chapter.slug, None):
            running[1].close()
        line = f"{outcome.chapter.slug}: {outcome.status} ({outcome.seconds:.0f} s)"
        self.tqdm.write(f"{line} {outcome.error}".rstrip(), file=sys.stderr)
        self.all.update()


def _run_table(outcomes: Sequence[Any]) -> str:
    head = ("chapter", "status", "seconds", "peak MB", "holds", "not", "needs full", "error")
    rows = [
        (
            outcome.chapter.slug,
            outcome.status,
            f"{outcome.seconds:.1f}",
            f"{outcome.peak_mb:.0f}",
            *(str(outcome.verdicts.get(verdict, 0)) for verdict in _VERDICTS),
            outcome.error,
        )
        for outcome in outcomes
    ]
    return table(head, rows)


_VERDICTS = ("holds", "does not hold", "needs the full profile")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text under their names, as wide as they need to be."""
    widths = [max(len(line[k]) for line in [head, *rows]) for k in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines
    )


def _check(arguments: Any) -> int:
    from mixbook.chapters import done_chapters, sync_pair
    from mixbook.checks import check_chapter

    root = find_root()
    chapters = find_chapters(root, arguments.slugs) if arguments.slugs else done_chapters(root)
    problems = []
    for chapter in chapters:
        if arguments.fix and (done := sync_pair(chapter)):
            print(f"{chapter.relative}: {done}")
        problems += check_chapter(chapter.notebook)
    for problem in problems:
        print(problem)
    noun = "chapter" if len(chapters) == 1 else "chapters"
    print(f"{len(chapters)} {noun} checked, {len(problems)} problems")
    return 1 if problems else 0


def _ledger(arguments: Any) -> int:
    from mixbook.ledger import as_csv, collect

    rows = collect(find_root())
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    elif arguments.csv:
        print(as_csv(rows), end="")
    else:
        head = ("paper", "id", "verdict", "full", "paper's value", "measured")
        keys = ("paper", "id", "verdict", "full_verdict", "paper_value", "measured")
        print(table(head, [[row[key] for key in keys] for row in rows]))
        print(f"{len(rows)} claims")
    return 0


def _new(arguments: Any) -> int:
    from mixbook.scaffold import lay_down, remaining_steps

    root = find_root()
    for path in lay_down(root, arguments.slug):
        print(f"wrote {path.relative_to(root).as_posix()}")
    print(remaining_steps(root, arguments.slug))
    return 0


if __name__ == "__main__":
    sys.exit(main())
