"""Data sets: one ``load_<name>()`` function each, over one registry with checksums.

Files are downloaded once into the folder that ``MIXBOOK_DATA_DIR`` names (default: the
operating system's cache folder) and their sha256 is checked on every load.
"""

from mixbook.data.airports import Airports, load_airports
from mixbook.data.cifar10 import Cifar10Subset, load_cifar10_jpg
from mixbook.data.cite import CitePCA, load_cite_pca50
from mixbook.data.ny_commuting import NYCommuting, load_ny_commuting
from mixbook.data.planetoid import CitationGraph, load_planetoid
from mixbook.data.registry import DataError, data_dir, fetch, known_files
from mixbook.data.safe import UnsafePickleError, load_pickle
from mixbook.data.scholp import load_scholp, load_scholp_published

__all__ = [
    "Airports",
    "Cifar10Subset",
    "CitationGraph",
    "CitePCA",
    "DataError",
    "NYCommuting",
    "UnsafePickleError",
    "data_dir",
    "fetch",
    "known_files",
    "load_airports",
    "load_cifar10_jpg",
    "load_cite_pca50",
    "load_ny_commuting",
    "load_pickle",
    "load_planetoid",
    "load_scholp",
    "load_scholp_published",
]
