"""Paragraphs of materials-science papers that say how something was made, with annotations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from mixbook.data.registry import fetch, known_files

__all__ = ["MaterialsProcedures", "Procedure", "load_materials_procedures"]

FOLDER = "materials_procedures"
SPLITS = ("train", "dev", "test")
CONNECTIONS = 8


@dataclass(frozen=True)
class Procedure:
    """One synthesis procedure.

    Attributes
    ----------
    name : str
        The file's name without its ending, which is the DOI without its punctuation.
    doi, title : str
        The first two lines of the file.
    body : str
        The procedure itself.
    text : str
        The whole file; the offsets of the annotations count from its beginning.
    annotations : str
        BRAT stand-off: lines ``T`` (typed spans of text), ``E`` (operations with their
        arguments), ``R`` (typed relations) and ``A`` (marks).
    path : Path
        The annotation file on this machine.
    """

    name: str
    doi: str
    title: str
    body: str
    text: str
    annotations: str
    path: Path


@dataclass(frozen=True)
class MaterialsProcedures:
    """230 procedures, in the order of their names.

    Attributes
    ----------
    procedures : tuple of Procedure
    splits : dict of str to tuple of str
        Names of the authors' ``train`` (200), ``dev`` (15) and ``test`` (15) files.
    """

    procedures: tuple[Procedure, ...]
    splits: dict[str, tuple[str, ...]]

    def part(self, *splits: str) -> tuple[Procedure, ...]:
        """The procedures of one or more splits.

        Raises
        ------
        ValueError
            If no split is given, or one is unknown.
        """
        if not splits or not set(splits) <= set(self.splits):
            raise ValueError(f"splits must be of {', '.join(self.splits)}, got {splits!r}")
        wanted = {name for split in splits for name in self.splits[split]}
        return tuple(p for p in self.procedures if p.name in wanted)


def load_materials_procedures(*, progress: bool = False) -> MaterialsProcedures:
    """Load 230 annotated synthesis procedures of inorganic materials.

    5,031 mentions of materials and 3,788 of operations, joined by 14,262 relations. Source:
    olivettigroup/annotated-materials-syntheses on GitHub (MIT), pinned to a commit; Mysore et al.,
    *The Materials Science Procedural Text Corpus*, 2019. 460 small files, 1.5 MB.

    Parameters
    ----------
    progress : bool
        Show a progress bar, worth while when the files are downloaded for the first time.

    Returns
    -------
    MaterialsProcedures

    Raises
    ------
    DataError
        If a file cannot be had.
    """
    known = (file.removeprefix(f"{FOLDER}/data/") for file in known_files() if FOLDER in file)
    names = sorted(file.removesuffix(".ann") for file in known if file.endswith(".ann"))
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        found = tqdm(pool.map(_read, names), total=len(names), disable=not progress)
        procedures = tuple(found)
    return MaterialsProcedures(procedures, {split: _split(split) for split in SPLITS})


def _read(name: str) -> Procedure:
    text = fetch(f"{FOLDER}/data/{name}.txt").read_text("utf-8")
    path = fetch(f"{FOLDER}/data/{name}.ann")
    doi, title, body = text.split("\n", 2)
    return Procedure(name, doi, title, body.strip(), text, path.read_text("utf-8"), path)


def _split(split: str) -> tuple[str, ...]:
    return tuple(fetch(f"{FOLDER}/ner-{split}-fnames.txt").read_text("utf-8").split())
