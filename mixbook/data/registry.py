"""The registry of data files: where each comes from, and the checksum that it must have."""

import logging
import os
import warnings
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

with warnings.catch_warnings():  # pooch's progress bar complains where ipywidgets is missing
    warnings.filterwarnings("ignore", message="IProgress not found")
    import pooch

__all__ = ["ENV", "DataError", "data_dir", "fetch", "known_files"]

ENV = "MIXBOOK_DATA_DIR"
pooch.get_logger().setLevel(logging.WARNING)


class DataError(RuntimeError):
    """A data file could not be had. The message names the file, its address and what to do."""


def data_dir() -> Path:
    """The folder where data files are kept: ``MIXBOOK_DATA_DIR``, or the system's cache."""
    return Path(os.environ.get(ENV) or pooch.os_cache("mixbook")).expanduser()


@cache
def known_files() -> dict[str, tuple[str, str]]:
    """Every known file: name -> (sha256, address)."""
    lines = (files("mixbook.data") / "registry.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: (sha256, url) for name, sha256, url in rows}


def fetch(name: str, processor: Any = None) -> Any:
    """The local path of a registered file; downloads it first where it is missing or damaged.

    Parameters
    ----------
    name : str
        ``"<dataset>/<file>"`` as in the registry.
    processor : callable, optional
        A pooch processor, e.g. one that converts the file; its return value is handed on.

    Raises
    ------
    ValueError
        If the file is not in the registry.
    DataError
        If it cannot be downloaded, stored, or does not have the registered checksum. Nothing
        half-written stays behind.
    """
    if name not in known_files():
        raise ValueError(f"{name!r} is not a registered data file; see mixbook/data/registry.txt")
    sha256, url = known_files()[name]
    local = pooch.create(
        path=data_dir(), base_url="", registry={name: f"sha256:{sha256}"}, urls={name: url}
    )
    try:
        found = local.fetch(name, processor=processor)
    except Exception as error:  # pooch hands on whatever the transport or the file system raised
        raise DataError(_explain(name, url, error)) from error
    return Path(found) if isinstance(found, str) else found


def _explain(name: str, url: str, error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "hash" in reason.lower():
        reason = "the file that came does not have the registered checksum"
    return (
        f"data file {name!r} could not be had from {url}: {reason}. "
        f"It is kept in {data_dir()}; to use another folder (for example one that already holds "
        f"the file, or a writable one), set the environment variable {ENV}."
    )
