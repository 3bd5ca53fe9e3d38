"""Temporal higher-order networks: timestamped simplices, and the counts published for them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixbook.core.simplices import TemporalSimplices
from mixbook.data.registry import data_dir, fetch, known_files

__all__ = [
    "SCHOLP_NETWORKS",
    "PublishedCounts",
    "load_scholp",
    "load_scholp_published",
    "means_from_jld2",
]

SCHOLP_NETWORKS = (
    "email-Enron",
    "contact-primary-school",
    "contact-high-school",
    "NDC-classes",
    "NDC-substances",
    "email-Eu",
    "congress-bills",
    "example1",
)
PUBLISHED = "scholp/published_counts"
MEANS_CSV = f"{PUBLISHED}/generalized_means_relative_auprc.csv"
MEANS_SHA256 = "889afff80812aaf9f566bb979aa33199c0838258f8d37f44e8c72ac7f03d0537"
MEANS_SUFFIX = "-open-tris-80-100-genmeans-perf.jld2"

Counts = dict[tuple[int, ...], tuple[int, int]]


@dataclass(frozen=True)
class PublishedCounts:
    """What the authors counted on all 19 networks of the paper.

    Attributes
    ----------
    statistics : pandas.DataFrame of shape (19, 17)
        Summary statistics over all simplices, one row a network.
    statistics_3 : pandas.DataFrame of shape (19, 17)
        The same over 3-node simplices only (congress-committees has none).
    closures_3, closures_4 : dict of str to dict[key] -> (n_open, n_closed)
        Closure tables: open on the first 80 % of time, closed in the rest.
    means : pandas.DataFrame with columns dataset, p, relative_auprc
        Performance of generalised means on 17 networks, 35 exponents p each, as published.
    """

    statistics: pd.DataFrame
    statistics_3: pd.DataFrame
    closures_3: dict[str, Counts]
    closures_4: dict[str, Counts]
    means: pd.DataFrame


def load_scholp(name: str) -> TemporalSimplices:
    """One of seven temporal higher-order networks, or the 8-simplex example of the paper's Fig. 1.

    ======================  ======  =========  =======================================
    network                 nodes   simplices  a simplex is
    ======================  ======  =========  =======================================
    email-Enron                143     10,883  sender and receivers of an e-mail
    email-Eu                   998    234,760  the same, at a European institution
    contact-primary-school     242    106,879  people in contact within 20 seconds
    contact-high-school        327    172,035  the same, in a high school
    NDC-classes              1,161     49,724  class labels of a drug
    NDC-substances           5,311    112,405  substances in a drug
    congress-bills           1,718    260,851  sponsors of a bill in the US Congress
    example1                     9          8  the worked example
    ======================  ======  =========  =======================================

    Source: arbenson/ScHoLP-Data and arbenson/ScHoLP.jl on GitHub, pinned to a commit. The data
    repository states no licence; it is research data published with Benson et al. (2018).

    Parameters
    ----------
    name : str
        A name of the table.

    Returns
    -------
    mixbook.core.simplices.TemporalSimplices
        Node ids are 0-based: id i is node i + 1 of the files.

    Raises
    ------
    ValueError
        If the name is unknown.
    DataError
        If a file cannot be had.
    """
    if name not in SCHOLP_NETWORKS:
        raise ValueError(f"name must be one of {', '.join(SCHOLP_NETWORKS)}, got {name!r}")
    parts = ("simplices", "nverts", "times", "node-labels")
    stems = [f"scholp/{name}/{name}-{part}.txt" for part in parts]
    paths = [fetch(file) for file in known_files() if file.removesuffix(".gz") in stems]
    return TemporalSimplices.from_scholp(paths[0].parent, name)


def load_scholp_published() -> PublishedCounts:
    """The authors' own counts for all 19 networks (see :class:`PublishedCounts`).

    Source: the folder ``output`` of arbenson/ScHoLP-Tutorial on GitHub, pinned to a commit (no
    licence stated). The generalised means are published as HDF5 files and read from those, unless
    the data folder already holds their conversion to CSV.

    Raises
    ------
    DataError
        If a file cannot be had.
    """
    names = _names("-statistics.csv")
    tables = {name: pd.read_csv(fetch(f"{PUBLISHED}/{name}-statistics.csv")) for name in names}
    return PublishedCounts(
        statistics=_stack(tables, 0),
        statistics_3=_stack(tables, 1),
        closures_3={name: _closures(name, 3) for name in names},
        closures_4={name: _closures(name, 4) for name in names},
        means=_means(),
    )


def means_from_jld2(path: str | Path, action: str = "", pooch: Any = None) -> pd.DataFrame:
    """Pooch processor: read one network's generalised means from a .jld2 (HDF5) file.

    Returns
    -------
    pandas.DataFrame with columns dataset, p, relative_auprc
        Rounded to 6 decimals, as in the shared conversion.

    Raises
    ------
    ImportError
        If h5py is missing; the message names the extra.
    """
    try:
        import h5py
    except ImportError as error:  # pragma: no cover - depends on the installation
        raise ImportError(
            'reading .jld2 files needs h5py: pip install "mixbook[networks]"'
        ) from error
    with h5py.File(path, "r") as file:
        p, performance = file["ps"][()], file["improvements"][()]
    name = Path(path).name.removesuffix(MEANS_SUFFIX)
    return pd.DataFrame({"dataset": name, "p": p, "relative_auprc": np.round(performance, 6)})


def _names(suffix: str) -> list[str]:
    files = [f.removeprefix(f"{PUBLISHED}/") for f in known_files() if f.startswith(PUBLISHED)]
    return sorted(f.removesuffix(suffix) for f in files if f.endswith(suffix))


def _stack(tables: dict[str, pd.DataFrame], row: int) -> pd.DataFrame:
    rows = {name: table.drop(columns="dataset").iloc[row] for name, table in tables.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def _closures(name: str, k: int) -> Counts:
    table = np.loadtxt(fetch(f"{PUBLISHED}/{name}-{k}-node-closures.txt"), dtype=int, ndmin=2)
    return {tuple(row[:k].tolist()): (int(row[k]), int(row[k + 1])) for row in table}


def _means() -> pd.DataFrame:
    converted = data_dir() / MEANS_CSV
    if converted.is_file():
        content = converted.read_bytes()
        if hashlib.sha256(content).hexdigest() == MEANS_SHA256:
            return pd.read_csv(io.BytesIO(content))
    files = [f"{PUBLISHED}/generalized-means/{name}{MEANS_SUFFIX}" for name in _means_names()]
    parts: list[Any] = [fetch(file, processor=means_from_jld2) for file in files]
    return pd.concat(parts, ignore_index=True)


def _means_names() -> list[str]:
    return [name.removeprefix("generalized-means/") for name in _names(MEANS_SUFFIX)]
